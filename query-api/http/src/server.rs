//! The server: connections, their limits, and the paths.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use airshed_query_api::{Snapshots, access::Gatekeeper, audit::Audit};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue, Request, header},
    middleware,
    routing::{get, post},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, rustls};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use tower_http::{compression::CompressionLayer, set_header::SetResponseHeaderLayer};

use crate::{assets, auth::Sessions, lineage::Lineage, routes, sign_in};

/// Most bytes of a request's body: statements and passwords.
const BODY_BYTES: usize = 1 << 20;
/// Time for a TLS handshake and for the head of a request.
const HEAD: Duration = Duration::from_secs(10);
/// Time that requests under way have at shutdown.
const GRACE: Duration = Duration::from_secs(10);
/// Nothing is loaded from elsewhere, and nobody puts us into a frame.
const POLICY: &str = "default-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

/// How the server runs.
#[derive(Clone)]
pub struct Options {
    /// Connections at the same time.
    pub connections: usize,
    /// Certificate and key; nothing for plain HTTP, on localhost.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Version that is told.
    pub version: &'static str,
}

impl Options {
    pub(crate) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }
}

/// What requests are answered with.
pub struct State {
    pub(crate) snapshots: Snapshots,
    pub(crate) gatekeeper: Gatekeeper,
    pub(crate) lineage: Arc<dyn Lineage>,
    pub(crate) audit: Arc<dyn Audit>,
    /// Renders Prometheus metrics.
    pub(crate) metrics: Arc<dyn Fn() -> String + Send + Sync>,
    pub(crate) options: Options,
    pub(crate) sessions: Sessions,
    /// Ends streams that would never end.
    pub(crate) ending: CancellationToken,
}

impl State {
    /// A server's state.
    pub fn new(
        snapshots: Snapshots,
        gatekeeper: Gatekeeper,
        lineage: Arc<dyn Lineage>,
        audit: Arc<dyn Audit>,
        metrics: Arc<dyn Fn() -> String + Send + Sync>,
        options: Options,
    ) -> Self {
        let (sessions, ending) = (Sessions::default(), CancellationToken::new());
        Self { snapshots, gatekeeper, lineage, audit, metrics, options, sessions, ending }
    }
}

/// Every path.
fn router(state: Arc<State>) -> Router {
    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    let api = Router::new()
        .route("/meta", get(routes::meta))
        .route("/emissions", get(routes::emissions))
        .route("/timeseries", get(routes::timeseries))
        .route("/breakdown", get(routes::breakdown))
        .route("/resources", get(routes::resources))
        .route("/lines", get(routes::lines))
        .route("/lineage/{line_id}", get(routes::lineage))
        .route("/coverage", get(routes::coverage))
        .route("/variance", get(routes::variance))
        .route("/intensity", get(routes::intensity))
        .route("/factors", get(routes::factors))
        .route("/schema", get(routes::schema))
        .route("/sql", post(routes::sql))
        .route("/events", get(routes::events))
        .route("/session", get(sign_in::who).post(sign_in::sign_in).delete(sign_in::sign_out))
        .fallback(routes::unknown);
    Router::new()
        .nest("/v1", api)
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(routes::ready))
        .route("/metrics", get(routes::metrics))
        .fallback(get(assets::file))
        .layer(middleware::from_fn(routes::measured))
        .layer(CompressionLayer::new())
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(header(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::REFERRER_POLICY, "same-origin"))
        .layer(header(header::X_FRAME_OPTIONS, "DENY"))
        .with_state(state)
}

/// Serves until cancelled; requests under way are finished, for a while.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(listener: TcpListener, state: Arc<State>, cancel: &CancellationToken) -> io::Result<()> {
    let room = Arc::new(Semaphore::new(state.options.connections));
    let acceptor = state.options.tls.clone().map(TlsAcceptor::from);
    let router = router(Arc::clone(&state));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            // Without room nobody is accepted: they wait in the system's queue.
            room = Arc::clone(&room).acquire_owned() => {
                let Ok(room) = room else { break };
                tokio::select! {
                    biased;
                    () = cancel.cancelled() => break,
                    accepted = listener.accept() => accepted.map(|(socket, peer)| (room, socket, peer)),
                }
            }
        };
        let (room, socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, or a client that was gone already: the next one may come through.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let (router, acceptor, ending) = (router.clone(), acceptor.clone(), state.ending.clone());
        connections.spawn(async move {
            let _room = room;
            match acceptor {
                None => converse(socket, peer, router, ending).await,
                Some(acceptor) => match tokio::time::timeout(HEAD, acceptor.accept(socket)).await {
                    Ok(Ok(socket)) => converse(socket, peer, router, ending).await,
                    Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS came about"),
                    Err(_) => tracing::debug!(%peer, "no TLS came about in time"),
                },
            }
        });
    }
    state.ending.cancel();
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, all).await.is_err() {
        connections.shutdown().await;
    }
    Ok(())
}

/// One connection, to its end.
async fn converse<S>(socket: S, peer: SocketAddr, router: Router, ending: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(router.map_request(move |mut request: Request<_>| {
        request.extensions_mut().insert(peer);
        request
    }));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    let connection = builder.serve_connection(TokioIo::new(socket), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = ending.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, error = %error, "a connection ended early");
    }
}
