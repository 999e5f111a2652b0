//! The server: what it is set up with, and its beginning and end.

use std::{error::Error, fmt, io, sync::Arc, time::Duration};

use airshed_query_api::{Snapshots, access::Gatekeeper, audit::Audit};
use arrow_flight::{error::FlightError, flight_service_server::FlightServiceServer};
use futures::stream;
use tokio::{net::TcpListener, sync::mpsc, time::sleep};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use crate::{
    connection::Acceptor,
    door::Door,
    service::{Reach, Service},
};

/// The protocol's name in TLS.
const ALPN: &[u8] = b"h2";
/// How long calls under way may take to end.
const GRACE: Duration = Duration::from_secs(10);
/// Largest message of a client: a statement and its parameters.
const MOST_RECEIVED: usize = 1 << 20;
/// Largest message to a client, which only a single row of some megabytes needs. Clients take 16 MiB by default.
const MOST_SENT: usize = 16 << 20;
/// Calls of one connection at the same time.
const CALLS: u32 = 16;
/// Headers of one call, bytes.
const HEADERS: u32 = 16 << 10;
/// A client that is silent is asked whether it is there, and let go without an answer.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How the server is set up.
#[derive(Clone)]
pub struct Options {
    /// 256 random bits of this process: the ids of sessions come from them.
    pub secret: [u8; 32],
    /// Certificate and key. Without it the server listens on a loopback address or not at all.
    pub tls: Option<Arc<ServerConfig>>,
    /// Most connections at the same time, and most statements that run at the same time.
    pub connections: usize,
    /// How long a client may take to be let in.
    pub startup_timeout: Duration,
    /// How long a connection lives. Then its calls are finished, and clients connect again by themselves.
    pub connection_age: Duration,
    /// How long a client may not read what it asked for.
    pub stall_timeout: Duration,
}

impl Options {
    /// 100 connections, 10 s to be let in, a day for a connection, a minute without reading; no TLS.
    pub fn new(secret: [u8; 32]) -> Self {
        Self {
            secret,
            tls: None,
            connections: 100,
            startup_timeout: Duration::from_secs(10),
            connection_age: Duration::from_hours(24),
            stall_timeout: Duration::from_mins(1),
        }
    }
}

/// Why a server does not start.
#[derive(Debug)]
pub enum StartError {
    /// Passwords and rows would cross a network in plain text.
    NoTls,
    /// The listener has no address.
    Listener(io::Error),
    /// A defect: what the server says of itself cannot be written.
    Service(FlightError),
    /// The transport stopped by itself.
    Transport(tonic::transport::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoTls => "an address other than loopback takes a certificate and its key",
            Self::Listener(_) => "the listener cannot be used",
            Self::Service(_) => "the service cannot be set up",
            Self::Transport(_) => "the transport stopped",
        })
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NoTls => None,
            Self::Listener(error) => Some(error),
            Self::Service(error) => Some(error),
            Self::Transport(error) => Some(error),
        }
    }
}

/// Serves until cancelled. Then nobody is taken, calls under way are finished for a while, and the rest is cut.
///
/// # Errors
/// [`StartError`]; nothing that a client does ends the server.
pub async fn serve(
    listener: TcpListener,
    options: Options,
    snapshots: Snapshots,
    gatekeeper: Gatekeeper,
    audit: Arc<dyn Audit>,
    cancel: CancellationToken,
) -> Result<(), StartError> {
    let is_loopback = listener.local_addr().map_err(StartError::Listener)?.ip().is_loopback();
    if !is_loopback && options.tls.is_none() {
        return Err(StartError::NoTls);
    }
    let reach =
        Reach { snapshots, audit, statements: options.connections, stall_timeout: options.stall_timeout };
    let service = Service::new(reach, Door::new(gatekeeper, options.secret)).map_err(StartError::Service)?;
    let service = FlightServiceServer::new(service)
        .max_decoding_message_size(MOST_RECEIVED)
        .max_encoding_message_size(MOST_SENT);
    let cut = CancellationToken::new();
    let acceptor = Acceptor {
        tls: options.tls.as_deref().map(encrypted),
        connections: options.connections,
        startup_timeout: options.startup_timeout,
        cut: cut.clone(),
    };
    let (taken, mut connections) = mpsc::channel(1);
    let accepting = acceptor.accept(listener, taken, cancel.clone());
    let serving = Server::builder()
        .max_concurrent_streams(CALLS)
        .http2_max_header_list_size(HEADERS)
        .http2_keepalive_interval(Some(PING_EVERY))
        .http2_keepalive_timeout(Some(PING_TIMEOUT))
        .max_connection_age(options.connection_age)
        .add_service(service)
        .serve_with_incoming_shutdown(
            stream::poll_fn(move |cx| connections.poll_recv(cx)),
            cancel.clone().cancelled_owned(),
        );
    let ended = async { tokio::join!(accepting, serving).1.map_err(StartError::Transport) };
    tokio::pin!(ended);
    let grace = async {
        cancel.cancelled().await;
        sleep(GRACE).await;
    };
    tokio::select! {
        ended = &mut ended => ended,
        () = grace => {
            tracing::warn!("some calls did not end in time and were cut");
            cut.cancel();
            ended.await
        }
    }
}

fn encrypted(config: &ServerConfig) -> TlsAcceptor {
    let mut config = config.clone();
    config.alpn_protocols = vec![ALPN.to_vec()];
    TlsAcceptor::from(Arc::new(config))
}
