//! The server: takes connections, up to a limit, and ends them in order.

use std::{io, sync::Arc, time::Duration};

use airshed_query_api::{
    Snapshots,
    access::{Gatekeeper, Random},
    audit::Audit,
};
use datafusion::error::DataFusionError;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::rustls::ServerConfig;
use tokio_util::sync::CancellationToken;

use crate::{
    cancel::Running,
    catalog::Catalogue,
    connection,
    failure::{Failure, code},
    login,
    sql::Reader,
};

/// Connections that are being told that there is no room, at the same time.
const REFUSALS: usize = 64;
/// How long connections may take to end.
const END: Duration = Duration::from_secs(5);
/// After a failed accept, as when there are no more file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// How the server is set up.
#[derive(Clone)]
pub struct Options {
    /// 256 random bits of this process: nonces, keys and made-up salts come from them.
    pub secret: [u8; 32],
    /// Certificate and key. Without it the server listens on a loopback address or not at all.
    pub tls: Option<Arc<ServerConfig>>,
    /// Most connections at the same time.
    pub connections: usize,
    /// How long a client may take to be let in.
    pub startup_timeout: Duration,
    /// How long a connection may be idle.
    pub idle_timeout: Duration,
    /// How long a client may not read what it asked for.
    pub stall_timeout: Duration,
}

impl Options {
    /// 100 connections, 10 s to be let in, an hour idle, a minute without reading; no TLS.
    pub fn new(secret: [u8; 32]) -> Self {
        Self {
            secret,
            tls: None,
            connections: 100,
            startup_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_hours(1),
            stall_timeout: Duration::from_mins(1),
        }
    }
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Passwords and rows would cross a network in plain text.
    #[error("an address other than loopback takes a certificate and its key")]
    NoTls,
    /// The listener has no address.
    #[error("the listener cannot be used")]
    Listener(#[source] io::Error),
    /// A defect: what the catalogue is made of cannot be read.
    #[error("the system catalogue cannot be set up")]
    Catalogue(#[source] DataFusionError),
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) snapshots: Snapshots,
    pub(crate) gatekeeper: Gatekeeper,
    pub(crate) audit: Arc<dyn Audit>,
    pub(crate) catalogue: Catalogue,
    pub(crate) reader: Reader,
    pub(crate) random: Random,
    pub(crate) running: Arc<Running>,
    pub(crate) options: Options,
    /// With the protocol's name in it.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) asks_tls: bool,
}

/// Serves until cancelled. Then idle connections are told and closed, statements stopped, and all awaited.
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
    let asks_tls = !listener.local_addr().map_err(StartError::Listener)?.ip().is_loopback();
    if asks_tls && options.tls.is_none() {
        return Err(StartError::NoTls);
    }
    let tls = options.tls.as_deref().map(|config| {
        let mut config = config.clone();
        config.alpn_protocols = vec![login::ALPN.to_vec()];
        Arc::new(config)
    });
    let shared = Arc::new(Shared {
        snapshots,
        gatekeeper,
        audit,
        catalogue: Catalogue::new().map_err(StartError::Catalogue)?,
        reader: Reader::new(),
        random: Random::new(options.secret),
        running: Arc::default(),
        tls,
        asks_tls,
        options,
    });
    accept(&listener, &shared, &cancel).await;
    Ok(())
}

async fn accept(listener: &TcpListener, shared: &Arc<Shared>, cancel: &CancellationToken) {
    let room = Arc::new(Semaphore::new(shared.options.connections));
    // Requests to cancel come on connections of their own, and must get through when all places are taken.
    let aside = Arc::new(Semaphore::new(REFUSALS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            Some(ended) = connections.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection broke off by a defect");
                }
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        let socket = match accepted {
            Ok((socket, _)) => socket,
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken");
                sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let (shared, cancel) = (Arc::clone(shared), cancel.clone());
        if let Ok(place) = Arc::clone(&room).try_acquire_owned() {
            connections.spawn(async move {
                Box::pin(one(socket, shared, cancel)).await;
                drop(place);
            });
        } else if let Ok(place) = Arc::clone(&aside).try_acquire_owned() {
            connections.spawn(async move {
                let message = format!("all {} connections are taken; try again", shared.options.connections);
                let full = Failure::fatal(code::TOO_MANY_CONNECTIONS, message);
                let told = login::refuse(socket, full, &shared);
                // Whoever does not listen is let go.
                if let Ok(Err(error)) = timeout(shared.options.startup_timeout, told).await {
                    tracing::debug!(%error, "a connection was refused");
                }
                drop(place);
            });
        }
    }
    let ended = async { while connections.join_next().await.is_some() {} };
    if timeout(END, ended).await.is_err() {
        tracing::warn!("some connections did not end in time and were cut");
        connections.shutdown().await;
    }
}

async fn one(socket: TcpStream, shared: Arc<Shared>, cancel: CancellationToken) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "a connection has no TCP_NODELAY");
    }
    let login = timeout(shared.options.startup_timeout, login::login(socket, &shared));
    let logged_in = tokio::select! {
        () = cancel.cancelled() => return,
        done = login => done,
    };
    match logged_in {
        Ok(Ok(Some(logged_in))) => Box::pin(connection::serve(logged_in, shared, cancel)).await,
        Ok(Ok(None)) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection ended before anybody was let in"),
        Err(_) => tracing::debug!("a connection took too long to be let in"),
    }
}
