//! `airshed serve`: the ledger over HTTP, the Postgres protocol and Arrow Flight SQL, until interrupted.

mod access;
mod interfaces;
mod lineage;
mod log;
mod oidc;
pub(super) mod tls;
pub(super) mod workers;

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use airshed_query_api::{Limits, Snapshots, audit::Audit};
use anyhow::Context as _;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

pub(super) use self::access::store;
use self::{
    interfaces::{Listeners, Shared},
    log::QueryLog,
};
use super::{collect, stages};
use crate::{
    app::App,
    failure::{Exit, Problem},
};

/// How often workers are asked whether they are there.
const LOOK_EVERY: Duration = Duration::from_secs(5);

pub(super) async fn execute(app: &App) -> anyhow::Result<Exit> {
    let settings = &app.settings.serve;
    let tls = tls::config(settings)?;
    let listeners = Listeners::open(settings).await?;
    let addresses = listeners.all().map(TcpListener::local_addr).collect::<Result<Vec<_>, _>>()?;
    let gatekeeper = access::gatekeeper(app, &addresses, tls.is_some()).await?;
    let limits = Limits {
        timeout: Some(Duration::from_secs(settings.query_timeout_s)),
        rows: Some(settings.query_rows),
        ..Limits::new(stages::resources(app).threads, usize::try_from(settings.query_memory_mib)? << 20)
    };
    let workers = workers::of(settings)?;
    let snapshots = Snapshots::open_with(app.lake()?, limits, workers.clone()).await?;

    let cancel = CancellationToken::new();
    let mut beside = JoinSet::new();
    beside.spawn(collect::cancel_on_signal(cancel.clone()));
    let every = Duration::from_secs(settings.refresh_s);
    let (news, stop) = (snapshots.clone(), cancel.clone());
    beside.spawn(async move { news.keep_fresh(every, &stop).await });
    let (known, stop) = (gatekeeper.clone(), cancel.clone());
    beside.spawn(async move { access::keep_known(&known, every, &stop).await });
    if let Some(workers) = workers {
        let stop = cancel.clone();
        beside.spawn(async move { workers.keep_watch(LOOK_EVERY, &stop).await });
    }

    let mut writing = None;
    let audit: Arc<dyn Audit> = match &settings.audit_log {
        None => Arc::new(QueryLog::Process),
        Some(path) => {
            let (log, write) = QueryLog::to_file(Path::new(path))?;
            writing = Some(tokio::task::spawn_blocking(write));
            Arc::new(log)
        }
    };
    let shared = Shared { snapshots, gatekeeper, audit, tls, cancel: cancel.clone() };
    let mut servers = shared.serve(app, listeners)?;

    // One that ends takes the others with it: half a server is none.
    let mut ended = Ok(());
    while let Some(served) = servers.join_next().await {
        cancel.cancel();
        ended = ended.and(served.context("a server broke off").flatten());
    }
    beside.shutdown().await;
    if let Some(writing) = writing {
        // With the servers went the last sender: what waits is written, and that is all.
        writing.await.context("the log of queries broke off")?;
    }
    ended.map(|()| Exit::Done)
}

/// Listens on an address of the setting `key`.
pub(super) async fn listen(address: &str, key: &str) -> anyhow::Result<TcpListener> {
    let parsed: SocketAddr = address.parse().with_context(|| {
        Problem::usage(format!("{key} is `{address}`")).hint("an address with a port, such as 127.0.0.1:8080")
    })?;
    TcpListener::bind(parsed).await.with_context(|| {
        Problem::failed(format!("cannot listen on {parsed}")).hint(format!("choose another by {key}"))
    })
}

/// Random bytes of the system.
pub(super) fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    Ok(bytes)
}
