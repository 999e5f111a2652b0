//! `airshed worker`: reads and sums parts of large tables for servers, until interrupted.

use airshed_query_api::distributed::{WorkerOptions, serve_worker};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    collect,
    serve::{listen, tls, workers},
};
use crate::{
    app::App,
    args::WorkerArgs,
    failure::{Exit, Problem},
};

/// Statements that a worker works on at the same time.
const STATEMENTS: usize = 16;

pub(super) async fn execute(app: &App, args: &WorkerArgs) -> anyhow::Result<Exit> {
    let settings = &app.settings.serve;
    let listener = listen(&args.listen, "--listen").await?;
    let options = WorkerOptions {
        trust: workers::trust(settings)?,
        tls: tls::config(settings)?,
        memory_bytes: usize::try_from(settings.query_memory_mib)? << 20,
        statements: STATEMENTS,
        version: env!("CARGO_PKG_VERSION"),
    };
    let cancel = CancellationToken::new();
    let mut beside = JoinSet::new();
    beside.spawn(collect::cancel_on_signal(cancel.clone()));
    app.progress.say(&format!("worker: {}", listener.local_addr()?));
    let served = serve_worker(listener, &app.lake()?, options, &cancel).await;
    beside.shutdown().await;
    served.map(|()| Exit::Done).map_err(|error| match error.kind() {
        airshed_query_api::ErrorKind::Statement => Problem::usage(error.to_string()).into(),
        _ => error.into(),
    })
}
