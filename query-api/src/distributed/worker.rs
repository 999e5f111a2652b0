//! The process that works for servers.

use std::{fmt, io, sync::Arc, time::Duration};

use airshed_lake::Lake;
use datafusion_distributed::Worker;
use futures::stream;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tokio_rustls::rustls::ServerConfig;
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Status,
    metadata::MetadataValue,
    service::{Interceptor, InterceptorLayer, Routes},
    transport::Server,
};

use super::{Trust, channel::Channels, session::Sessions, socket};
use crate::{
    access::Secret,
    error::{Error, ErrorKind, Result},
};

/// Connections that wait to be taken.
const WAITING: usize = 16;
/// How long statements under way may go on when the worker ends.
const GRACE: Duration = Duration::from_secs(30);
/// How often a silent connection is tried, and until when it must answer.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));

/// How a worker works.
#[derive(Clone)]
pub struct WorkerOptions {
    /// What it shares with servers and other workers, whom it calls too.
    pub trust: Trust,
    /// Its own certificate. Beyond loopback it does not start without.
    pub tls: Option<Arc<ServerConfig>>,
    /// Memory of one statement, bytes.
    pub memory_bytes: usize,
    /// Statements at a time; more are refused.
    pub statements: usize,
    /// Version of this program: servers of another leave it alone.
    pub version: &'static str,
    /// What else is answered on the same port, to the same who show the secret.
    pub beside: Routes,
}

impl fmt::Debug for WorkerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerOptions")
            .field("trust", &self.trust)
            .field("tls", &self.tls.is_some())
            .field("memory_bytes", &self.memory_bytes)
            .field("statements", &self.statements)
            .finish_non_exhaustive()
    }
}

/// Works until cancelled; statements under way go on for half a minute at most.
///
/// # Errors
/// [`ErrorKind::Statement`] when it would listen beyond loopback without a certificate and a secret, and
/// [`ErrorKind::Retry`] when it cannot go on.
pub async fn serve_worker(
    listener: TcpListener,
    lake: &Lake,
    options: WorkerOptions,
    cancel: &CancellationToken,
) -> Result<()> {
    let failed = |e: io::Error| Error::with_source(ErrorKind::Retry, "the worker cannot listen", e);
    let address = listener.local_addr().map_err(failed)?;
    if !address.ip().is_loopback() && (options.tls.is_none() || options.trust.secret.is_none()) {
        let message =
            format!("a worker on {address}, beyond this machine, needs a certificate and a shared secret");
        return Err(Error::new(ErrorKind::Statement, message));
    }
    let channels = Channels::new(&options.trust)?;
    let sessions = Sessions::new(lake, channels, options.memory_bytes, options.statements)
        .map_err(|e| Error::with_source(ErrorKind::Corrupt, "cannot set up the query engine", e))?;
    let worker = Worker::from_session_builder(sessions).with_version(options.version);
    let (taken, waiting) = mpsc::channel(WAITING);
    let incoming =
        stream::unfold(waiting, async |mut waiting| waiting.recv().await.map(|next| (next, waiting)));
    let (every, at_most) = KEEP_ALIVE;
    let serving = Server::builder()
        .http2_keepalive_interval(Some(every))
        .http2_keepalive_timeout(Some(at_most))
        .layer(InterceptorLayer::new(Door(options.trust.secret)))
        .add_routes(options.beside.add_service(worker.into_worker_server()))
        .serve_with_incoming_shutdown(Box::pin(incoming), cancel.clone().cancelled_owned());
    let serving = async {
        tokio::pin!(serving);
        tokio::select! {
            ended = serving.as_mut() => ended,
            () = cancel.cancelled() => timeout(GRACE, serving).await.unwrap_or(Ok(())),
        }
    };
    let ((), ended) = tokio::join!(socket::accept(listener, options.tls, taken, cancel), serving);
    ended.map_err(|e| Error::with_source(ErrorKind::Retry, "the worker broke off", e))
}

/// Lets calls in that show the secret.
#[derive(Clone)]
struct Door(Option<Secret>);

impl Interceptor for Door {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        let Some(secret) = &self.0 else { return Ok(request) };
        let shown = request.metadata().get("authorization").map(MetadataValue::as_bytes);
        match shown.and_then(|value| value.strip_prefix(b"Bearer ")) {
            Some(shown) if is_same(shown, secret.reveal().as_bytes()) => Ok(request),
            _ => Err(Status::unauthenticated("the worker's secret was not shown")),
        }
    }
}

/// Whether two secrets are the same, in a time that tells nothing of where they differ.
fn is_same(shown: &[u8], secret: &[u8]) -> bool {
    let code = |text: &[u8]| {
        Hmac::<Sha256>::new_from_slice(b"airshed worker").ok().map(|code| code.chain_update(text).finalize())
    };
    match (code(shown), code(secret)) {
        // The comparison of codes takes the same time wherever they differ.
        (Some(shown), Some(secret)) => shown == secret,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_door_opens_for_the_secret_alone() {
        let mut door = Door(Some(Secret::presented("s3cret")));
        let mut shows = |header: Option<&'static str>| {
            let mut request = Request::new(());
            if let Some(header) = header {
                request.metadata_mut().insert("authorization", header.parse().unwrap());
            }
            door.call(request).is_ok()
        };
        assert!(shows(Some("Bearer s3cret")));
        for header in [None, Some("Bearer s3cre"), Some("Bearer "), Some("s3cret"), Some("Basic s3cret")] {
            assert!(!shows(header), "{header:?}");
        }
    }
}
