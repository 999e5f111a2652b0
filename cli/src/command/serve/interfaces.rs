//! The interfaces of a server, each with its own listener.

use std::{num::NonZeroU32, sync::Arc};

use airshed_http::{Options, Rates, State};
use airshed_query_api::{Snapshots, access::Gatekeeper, audit::Audit};
use anyhow::Context as _;
use metrics_exporter_prometheus::PrometheusBuilder;
use rustls::ServerConfig;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{lineage::Recalculated, listen, random};
use crate::{app::App, settings::ServeSettings};

/// Where each interface listens.
pub(super) struct Listeners {
    pub(super) http: TcpListener,
    pub(super) postgres: Option<TcpListener>,
    pub(super) flight: Option<TcpListener>,
}

impl Listeners {
    pub(super) async fn open(settings: &ServeSettings) -> anyhow::Result<Self> {
        Ok(Self {
            http: listen(&settings.http, "serve.http").await?,
            postgres: listen_unless_off(&settings.pg, "serve.pg").await?,
            flight: listen_unless_off(&settings.flight, "serve.flight").await?,
        })
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &TcpListener> {
        std::iter::once(&self.http).chain(&self.postgres).chain(&self.flight)
    }
}

async fn listen_unless_off(address: &str, key: &str) -> anyhow::Result<Option<TcpListener>> {
    if address == "off" { Ok(None) } else { listen(address, key).await.map(Some) }
}

/// What the interfaces share.
pub(super) struct Shared {
    pub(super) snapshots: Snapshots,
    pub(super) gatekeeper: Gatekeeper,
    pub(super) audit: Arc<dyn Audit>,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) cancel: CancellationToken,
}

impl Shared {
    /// Begins to serve, and says where.
    pub(super) fn serve(
        self,
        app: &App,
        listeners: Listeners,
    ) -> anyhow::Result<JoinSet<anyhow::Result<()>>> {
        let mut servers = JoinSet::new();
        let Listeners { http, postgres, flight } = listeners;
        if let Some(listener) = postgres {
            servers.spawn(self.postgres(app, listener)?);
        }
        if let Some(listener) = flight {
            servers.spawn(self.flight(app, listener)?);
        }
        servers.spawn(self.http(app, http)?);
        Ok(servers)
    }

    fn postgres(
        &self,
        app: &App,
        listener: TcpListener,
    ) -> anyhow::Result<impl Future<Output = anyhow::Result<()>> + use<>> {
        app.progress.say(&format!("SQL: postgres://{}/airshed", listener.local_addr()?));
        let options = airshed_postgres::Options {
            tls: self.tls.clone(),
            connections: app.settings.serve.connections,
            ..airshed_postgres::Options::new(random()?)
        };
        let Self { snapshots, gatekeeper, audit, cancel, .. } = self;
        let served = airshed_postgres::serve(
            listener,
            options,
            snapshots.clone(),
            gatekeeper.clone(),
            Arc::clone(audit),
            cancel.clone(),
        );
        Ok(async { served.await.context("the Postgres protocol cannot be served") })
    }

    fn flight(
        &self,
        app: &App,
        listener: TcpListener,
    ) -> anyhow::Result<impl Future<Output = anyhow::Result<()>> + use<>> {
        let scheme = if self.tls.is_some() { "grpc+tls" } else { "grpc" };
        app.progress.say(&format!("Flight SQL: {scheme}://{}", listener.local_addr()?));
        let options = airshed_flight::Options {
            tls: self.tls.clone(),
            connections: app.settings.serve.connections,
            ..airshed_flight::Options::new(random()?)
        };
        let Self { snapshots, gatekeeper, audit, cancel, .. } = self;
        let served = airshed_flight::serve(
            listener,
            options,
            snapshots.clone(),
            gatekeeper.clone(),
            Arc::clone(audit),
            cancel.clone(),
        );
        Ok(async { served.await.context("Flight SQL cannot be served") })
    }

    fn http(
        self,
        app: &App,
        listener: TcpListener,
    ) -> anyhow::Result<impl Future<Output = anyhow::Result<()>> + use<>> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        app.progress.say(&format!("dashboard and API: {scheme}://{}/", listener.local_addr()?));
        let metrics = PrometheusBuilder::new().install_recorder().context("metrics cannot be kept")?;
        let settings = &app.settings.serve;
        let of_user = NonZeroU32::new(settings.requests_per_minute).unwrap_or(NonZeroU32::MIN);
        let of_stranger = NonZeroU32::new(of_user.get() / 10).unwrap_or(NonZeroU32::MIN);
        let state = State::new(
            self.snapshots.clone(),
            self.gatekeeper,
            Arc::new(Recalculated::new(app.clone(), self.snapshots)),
            self.audit,
            Arc::new(move || metrics.render()),
            Options {
                connections: settings.connections,
                tls: self.tls,
                version: env!("CARGO_PKG_VERSION"),
                secret: random()?,
            },
        );
        let state = state.with_rates(Rates { user_per_minute: of_user, stranger_per_minute: of_stranger });
        let cancel = self.cancel;
        Ok(async move {
            airshed_http::serve(listener, Arc::new(state), &cancel).await.context("HTTP cannot be served")
        })
    }
}
