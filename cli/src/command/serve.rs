//! `airshed serve`: the ledger over HTTP and the Postgres protocol, until interrupted.

mod lineage;
mod log;
mod tls;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use airshed_http::{Options, State};
use airshed_lake::Location;
use airshed_query_api::{
    Limits, Snapshots,
    access::{AccessStore, Gatekeeper, Secret},
};
use anyhow::{Context as _, ensure};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{collect, stages};
use crate::{
    app::App,
    failure::{Exit, Problem},
};

pub(super) async fn execute(app: &App) -> anyhow::Result<Exit> {
    let settings = &app.settings.serve;
    let tls = tls::config(settings)?;
    let http = listen(&settings.http, "serve.http").await?;
    let gatekeeper = gatekeeper(app, &[http.local_addr()?], tls.is_some()).await?;
    let resources = stages::resources(app);
    let limits = Limits {
        timeout: Some(Duration::from_secs(settings.query_timeout_s)),
        rows: Some(settings.query_rows),
        ..Limits::new(resources.threads, usize::try_from(settings.query_memory_mib)? << 20)
    };
    let snapshots = Snapshots::open(app.lake()?, limits).await?;
    let metrics = PrometheusBuilder::new().install_recorder().context("metrics cannot be kept")?;
    let options =
        Options { connections: settings.connections, tls: tls.clone(), version: env!("CARGO_PKG_VERSION") };
    let state = Arc::new(State::new(
        snapshots.clone(),
        gatekeeper.clone(),
        Arc::new(lineage::Recalculated::new(app.clone(), snapshots.clone())),
        Arc::new(log::QueryLog),
        Arc::new(move || metrics.render()),
        options,
    ));
    let cancel = CancellationToken::new();
    let mut beside = JoinSet::new();
    beside.spawn(collect::cancel_on_signal(cancel.clone()));
    let every = Duration::from_secs(settings.refresh_s);
    let (news, stop) = (snapshots.clone(), cancel.clone());
    beside.spawn(async move { news.keep_fresh(every, &stop).await });
    let stop = cancel.clone();
    beside.spawn(async move { keep_known(&gatekeeper, every, &stop).await });
    let scheme = if tls.is_some() { "https" } else { "http" };
    app.progress.say(&format!("dashboard and API: {scheme}://{}/", http.local_addr()?));
    let served = airshed_http::serve(http, state, &cancel).await;
    cancel.cancel();
    beside.shutdown().await;
    served.context("HTTP cannot be served")?;
    Ok(Exit::Done)
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
