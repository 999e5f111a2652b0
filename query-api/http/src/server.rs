//! The server: connections, their limits, and the paths.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use airshed_query_api::{
    Answers, Snapshots,
    access::{Gatekeeper, Random},
    audit::Audit,
};
use axum::{Router, http::Request};
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

use crate::{
    auth::Sessions,
    lineage::Lineage,
    rates::{RateLimiter, Rates},
    router::router,
    stall::GivesUp,
};

/// Time for a TLS handshake and for the head of a request.
const HEAD: Duration = Duration::from_secs(10);
/// Time that requests under way have at shutdown.
const GRACE: Duration = Duration::from_secs(10);
/// Time for which a client may read nothing of what is sent.
const STALLED: Duration = Duration::from_mins(1);

/// Memory for answers that are kept.
const ANSWERS_BYTES: usize = 256 << 20;

/// How the server runs.
#[derive(Clone)]
pub struct Options {
    /// Connections at the same time.
    pub connections: usize,
    /// Certificate and key; nothing for plain HTTP, on localhost.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Version that is told.
    pub version: &'static str,
    /// 256 random bits of this process: the ids of sessions come from them.
    pub secret: [u8; 32],
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
    pub(crate) random: Random,
    pub(crate) rates: RateLimiter,
    pub(crate) answers: Answers,
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
        let rates = RateLimiter::new(Rates::default());
        let random = Random::new(options.secret);
        let answers = Answers::new(ANSWERS_BYTES);
        Self {
            snapshots,
            gatekeeper,
            lineage,
            audit,
            metrics,
            options,
            sessions,
            random,
            rates,
            answers,
            ending,
        }
    }

    /// The same with other limits of how often somebody may ask.
    #[must_use]
    pub fn with_rates(self, rates: Rates) -> Self {
        Self { rates: RateLimiter::new(rates), ..self }
    }
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
    // Without HTTP/2 a connection is one request at a time, and limits of connections are limits of requests.
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    let connection = builder.serve_connection(TokioIo::new(GivesUp::new(socket, STALLED)), service);
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
