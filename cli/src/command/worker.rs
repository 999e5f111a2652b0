//! `airshed worker`: parts of large statements and billing files of runs, for others, until interrupted.

use std::{sync::Arc, time::Duration};

use airshed_query_api::distributed::{WorkerOptions, serve_worker};
use airshed_remote::ShardService;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use super::{
    collect, estimate,
    serve::{listen, tls, workers},
};
use crate::{
    app::App,
    args::WorkerArgs,
    failure::{Exit, Problem},
};

/// Statements that a worker works on at the same time.
const STATEMENTS: usize = 16;
/// How long the plan of a run is kept at least, when nobody asks for a file of it.
const TIDY_EVERY: Duration = Duration::from_mins(2);

pub(super) async fn execute(app: &App, args: &WorkerArgs) -> anyhow::Result<Exit> {
    let settings = &app.settings.serve;
    let listener = listen(&args.listen, "--listen").await?;
    let desk = Arc::new(estimate::desk(app)?);
    let options = WorkerOptions {
        trust: workers::trust(settings)?,
        tls: tls::config(settings)?,
        memory_bytes: usize::try_from(settings.query_memory_mib)? << 20,
        statements: STATEMENTS,
        version: env!("CARGO_PKG_VERSION"),
        beside: Routes::new(ShardService::new(Arc::clone(&desk))),
    };
    let cancel = CancellationToken::new();
    let mut beside = JoinSet::new();
    beside.spawn(collect::cancel_on_signal(cancel.clone()));
    let stop = cancel.clone();
    beside.spawn(async move { desk.tidy(TIDY_EVERY, &stop).await });
    app.progress.say(&format!("worker: {}", listener.local_addr()?));
    let served = serve_worker(listener, &app.lake()?, options, &cancel).await;
    beside.shutdown().await;
    served.map(|()| Exit::Done).map_err(|error| match error.kind() {
        airshed_query_api::ErrorKind::Statement => Problem::usage(error.to_string()).into(),
        _ => error.into(),
    })
}
