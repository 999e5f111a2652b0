//! `airshed serve`: the ledger over HTTP and the Postgres protocol, until interrupted.

mod lineage;
mod log;
mod tls;

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use airshed_http::{Options, State};
use airshed_lake::Location;
use airshed_query_api::{
    Limits, Snapshots,
    access::{AccessStore, Gatekeeper, Secret},
    audit::Audit,
};
use anyhow::{Context as _, ensure};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use self::log::QueryLog;
use super::{collect, stages};
use crate::{
    app::App,
    failure::{Exit, Problem},
};

pub(super) async fn execute(app: &App) -> anyhow::Result<Exit> {
    let settings = &app.settings.serve;
    let tls = tls::config(settings)?;
    let http = listen(&settings.http, "serve.http").await?;
    let postgres = listen_unless_off(&settings.pg, "serve.pg").await?;
    let flight = listen_unless_off(&settings.flight, "serve.flight").await?;
    let listeners = std::iter::once(&http).chain(&postgres).chain(&flight);
    let addresses = listeners.map(TcpListener::local_addr).collect::<Result<Vec<_>, _>>()?;
    let gatekeeper = gatekeeper(app, &addresses, tls.is_some()).await?;
    let resources = stages::resources(app);
    let limits = Limits {
        timeout: Some(Duration::from_secs(settings.query_timeout_s)),
        rows: Some(settings.query_rows),
        ..Limits::new(resources.threads, usize::try_from(settings.query_memory_mib)? << 20)
    };
    let snapshots = Snapshots::open(app.lake()?, limits).await?;

    let mut writing = None;
    let cancel = CancellationToken::new();
    let mut beside = JoinSet::new();
    beside.spawn(collect::cancel_on_signal(cancel.clone()));
    let every = Duration::from_secs(settings.refresh_s);
    let (news, stop) = (snapshots.clone(), cancel.clone());
    beside.spawn(async move { news.keep_fresh(every, &stop).await });
    let (known, stop) = (gatekeeper.clone(), cancel.clone());
    beside.spawn(async move { keep_known(&known, every, &stop).await });

    let audit: Arc<dyn Audit> = match &settings.audit_log {
        None => Arc::new(QueryLog::Process),
        Some(path) => {
            let (log, write) = QueryLog::to_file(Path::new(path))?;
            writing = Some(tokio::task::spawn_blocking(write));
            Arc::new(log)
        }
    };

    let mut servers: JoinSet<anyhow::Result<()>> = JoinSet::new();
    if let Some(listener) = postgres {
        app.progress.say(&format!("SQL: postgres://{}/airshed", listener.local_addr()?));
        let options = airshed_postgres::Options {
            tls: tls.clone(),
            connections: settings.connections,
            ..airshed_postgres::Options::new(random()?)
        };
        let (snapshots, gatekeeper) = (snapshots.clone(), gatekeeper.clone());
        let served = airshed_postgres::serve(
            listener,
            options,
            snapshots,
            gatekeeper,
            Arc::clone(&audit),
            cancel.clone(),
        );
        servers.spawn(async move { served.await.context("the Postgres protocol cannot be served") });
    }
    if let Some(listener) = flight {
        let scheme = if tls.is_some() { "grpc+tls" } else { "grpc" };
        app.progress.say(&format!("Flight SQL: {scheme}://{}", listener.local_addr()?));
        let options = airshed_flight::Options {
            tls: tls.clone(),
            connections: settings.connections,
            ..airshed_flight::Options::new(random()?)
        };
        let (snapshots, gatekeeper) = (snapshots.clone(), gatekeeper.clone());
        let served = airshed_flight::serve(
            listener,
            options,
            snapshots,
            gatekeeper,
            Arc::clone(&audit),
            cancel.clone(),
        );
        servers.spawn(async move { served.await.context("Flight SQL cannot be served") });
    }
    let scheme = if tls.is_some() { "https" } else { "http" };
    app.progress.say(&format!("dashboard and API: {scheme}://{}/", http.local_addr()?));
    let metrics = PrometheusBuilder::new().install_recorder().context("metrics cannot be kept")?;
    let state = Arc::new(State::new(
        snapshots.clone(),
        gatekeeper,
        Arc::new(lineage::Recalculated::new(app.clone(), snapshots)),
        audit,
        Arc::new(move || metrics.render()),
        Options { connections: settings.connections, tls, version: env!("CARGO_PKG_VERSION") },
    ));
    let stop = cancel.clone();
    servers.spawn(async move {
        airshed_http::serve(http, state, &stop).await.context("HTTP cannot be served")
    });

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

async fn listen_unless_off(address: &str, key: &str) -> anyhow::Result<Option<TcpListener>> {
    if address == "off" { Ok(None) } else { listen(address, key).await.map(Some) }
}

async fn listen(address: &str, key: &str) -> anyhow::Result<TcpListener> {
    let parsed: SocketAddr = address.parse().with_context(|| {
        Problem::usage(format!("{key} is `{address}`")).hint("an address with a port, such as 127.0.0.1:8080")
    })?;
    TcpListener::bind(parsed).await.with_context(|| format!("cannot listen on {parsed}"))
}

/// Who is let in: the users of the ledger, or on this machine alone whoever has the token that is printed now.
async fn gatekeeper(app: &App, listening: &[SocketAddr], is_tls: bool) -> anyhow::Result<Gatekeeper> {
    let gatekeeper = Gatekeeper::open(store(app)?).await?;
    let is_open = listening.iter().any(|address| !address.ip().is_loopback());
    if is_open {
        let (first, rest) = ("other machines can reach this address", "or listen on 127.0.0.1");
        ensure!(
            gatekeeper.knows_somebody(),
            Problem::usage(format!("{first}, and there are no users"))
                .hint(format!("airshed user add NAME --role admin --password-stdin, {rest}"))
        );
        ensure!(
            is_tls,
            Problem::usage(format!("{first}, and there is no TLS")).hint(format!("--tls-cert and --tls-key, {rest}"))
        );
    }
    if gatekeeper.knows_somebody() {
        return Ok(gatekeeper);
    }
    let token = Secret::token(random()?);
    app.progress.say(&format!("no users yet; this token lets you in as `admin` until the server ends:\n  {}", token.reveal()));
    Ok(Gatekeeper::with_one_token(&token, random()?))
}

/// Reads users and tokens again, every so often.
async fn keep_known(gatekeeper: &Gatekeeper, every: Duration, cancel: &CancellationToken) {
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        if let Err(error) = gatekeeper.refresh().await {
            tracing::warn!(error = %error.private_message(), "users cannot be read; those known before stay");
        }
    }
}

/// Where users and tokens are kept.
pub(super) fn store(app: &App) -> anyhow::Result<AccessStore> {
    Ok(match &app.settings.serve.access {
        None => AccessStore::in_lake(&app.lake()?),
        Some(folder) => AccessStore::at(&Location::parse(folder, &app.store_options)?),
    })
}

/// Random bytes of the system.
pub(super) fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    Ok(bytes)
}
