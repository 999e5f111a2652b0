//! The way to a worker: TLS, the secret, and errors that say whose they are.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arrow::array::RecordBatch;
use async_trait::async_trait;
use datafusion::{
    common::Result, error::DataFusionError, execution::TaskContext,
    physical_plan::metrics::ExecutionPlanMetricsSet,
};
use datafusion_distributed::{
    ChannelResolver, CoordinatorToWorkerMsg, ExecuteTaskRequest, GetWorkerInfoRequest, GetWorkerInfoResponse,
    SetPlanRequest, WorkerChannel, WorkerToCoordinatorMsg,
    grpc::{BoxCloneSyncChannel, create_worker_client},
};
use futures::{StreamExt as _, stream::BoxStream};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, pki_types::ServerName},
};
use tokio_util::either::Either;
use tonic::{
    Status,
    body::Body,
    codegen::http::{HeaderMap, HeaderValue, Request, Uri, header::AUTHORIZATION},
    transport::{Channel, Endpoint},
};
use tower::{ServiceExt as _, service_fn};
use url::{Host, Url};

use super::Trust;
use crate::{
    access::Secret,
    error::{Error, ErrorKind},
};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(3);
/// How often a connection is tried when nothing comes, and how long until it is given up then.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(5));
/// What the library says when a worker does not know a task: it was started anew in between.
const FORGOTTEN: &str = "Worker::execute_task timed-out";

/// The way to a worker: connects with the first call, and again after it broke.
pub type Way = BoxCloneSyncChannel;

/// Connections to workers; clones share them.
#[derive(Clone)]
pub(super) struct Channels(Arc<Inner>);

struct Inner {
    secret: Option<HeaderValue>,
    tls: Option<Arc<ClientConfig>>,
    open: Mutex<HashMap<Url, Way>>,
}

impl Channels {
    /// # Errors
    /// [`ErrorKind::Statement`] for a secret that no header can carry.
    pub(super) fn new(trust: &Trust) -> Result<Self, Error> {
        let secret = trust.secret.as_ref().map(bearer).transpose()?;
        Ok(Self(Arc::new(Inner { secret, tls: trust.tls.clone(), open: Mutex::default() })))
    }

    /// The address of a worker that may be talked to.
    pub(super) fn address(&self, text: &str) -> Result<Url, Error> {
        let url = Url::parse(text).map_err(|e| {
            Error::with_source(ErrorKind::Statement, format!("`{text}` is no address of a worker"), e)
        })?;
        self.may_reach(&url)?;
        Ok(url)
    }

    /// Whether an address may be talked to: beyond loopback only with TLS and the secret.
    pub(super) fn may_reach(&self, url: &Url) -> Result<(), Error> {
        let is_near = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        let refused = match url.scheme() {
            "http" if is_near => return Ok(()),
            "https" if self.0.tls.is_some() && (is_near || self.0.secret.is_some()) => return Ok(()),
            "http" => "beyond this machine workers are reached by https://",
            "https" if self.0.tls.is_none() => "no certificates are trusted that could stand behind it",
            "https" => "beyond this machine workers need a shared secret",
            _ => "workers are reached by https://, or http:// on this machine",
        };
        Err(Error::new(ErrorKind::Statement, format!("`{url}`: {refused}")))
    }

    pub(super) fn channel(&self, url: &Url) -> Result<Way> {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = open.get(url) {
            return Ok(channel.clone());
        }
        self.may_reach(url).map_err(|e| DataFusionError::External(Box::new(e)))?;
        let channel = connected(url, self.0.tls.clone()).map_err(DataFusionError::IoError)?;
        let secret = self.0.secret.clone();
        let channel = Way::new(channel.map_request(move |mut request: Request<Body>| {
            if let Some(secret) = &secret {
                request.headers_mut().insert(AUTHORIZATION, secret.clone());
            }
            request
        }));
        open.insert(url.clone(), channel.clone());
        Ok(channel)
    }
}

#[async_trait]
impl ChannelResolver for Channels {
    async fn get_worker_client_for_url(&self, url: &Url) -> Result<Box<dyn WorkerChannel>> {
        let client = create_worker_client(self.channel(url)?);
        Ok(Box::new(Named { url: url.clone(), client }))
    }
}

/// The secret as a header.
fn bearer(secret: &Secret) -> Result<HeaderValue, Error> {
    let mut header = HeaderValue::try_from(format!("Bearer {}", secret.reveal())).map_err(|e| {
        Error::with_source(ErrorKind::Statement, "the workers' secret cannot stand in a header", e)
    })?;
    header.set_sensitive(true);
    Ok(header)
}

/// A connection that comes about with the first call, and again after it broke.
fn connected(url: &Url, tls: Option<Arc<ClientConfig>>) -> io::Result<Channel> {
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{url}` names no host"))),
    };
    let port = url.port_or_known_default().unwrap_or_default();
    let tls = match url.scheme() {
        "https" => tls.map(TlsConnector::from),
        _ => None,
    };
    let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
    let connector = service_fn(move |_: Uri| {
        let (host, name, tls) = (host.clone(), name.clone(), tls.clone());
        async move {
            let socket = TcpStream::connect((host.as_str(), port)).await?;
            socket.set_nodelay(true)?;
            let socket = match tls {
                None => Either::Left(socket),
                Some(tls) => Either::Right(Box::new(tls.connect(name, socket).await?)),
            };
            Ok::<_, io::Error>(TokioIo::new(socket))
        }
    });
    // The connector brings TLS; the endpoint only names the host.
    let host = url.host_str().unwrap_or_default();
    let endpoint = Endpoint::from_shared(format!("http://{host}:{port}")).map_err(io::Error::other)?;
    let (every, at_most) = KEEP_ALIVE;
    let endpoint = endpoint
        .connect_timeout(CONNECT)
        .http2_keep_alive_interval(every)
        .keep_alive_timeout(at_most)
        .keep_alive_while_idle(true);
    Ok(endpoint.connect_with_connector_lazy(connector))
}

/// A worker whose failures carry its address.
struct Named {
    url: Url,
    client: Box<dyn WorkerChannel>,
}

#[async_trait]
impl WorkerChannel for Named {
    async fn coordinator_channel(
        &mut self,
        headers: HeaderMap,
        plan: SetPlanRequest,
        messages: BoxStream<'static, CoordinatorToWorkerMsg>,
        metrics: ExecutionPlanMetricsSet,
        context: &Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<WorkerToCoordinatorMsg>>> {
        let begun = self.client.coordinator_channel(headers, plan, messages, metrics, context).await;
        Ok(named(&self.url, begun.map_err(|e| of_worker(&self.url, e))?))
    }

    async fn execute_task(
        &mut self,
        headers: HeaderMap,
        request: ExecuteTaskRequest,
        metrics: ExecutionPlanMetricsSet,
        context: &Arc<TaskContext>,
    ) -> Result<Vec<BoxStream<'static, Result<RecordBatch>>>> {
        let begun = self.client.execute_task(headers, request, metrics, context).await;
        let partitions = begun.map_err(|e| of_worker(&self.url, e))?;
        Ok(partitions.into_iter().map(|partition| named(&self.url, partition)).collect())
    }

    async fn get_worker_info(&mut self, request: GetWorkerInfoRequest) -> Result<GetWorkerInfoResponse> {
        self.client.get_worker_info(request).await.map_err(|e| of_worker(&self.url, e))
    }
}

fn named<T: 'static>(url: &Url, stream: BoxStream<'static, Result<T>>) -> BoxStream<'static, Result<T>> {
    let url = url.clone();
    stream.map(move |next| next.map_err(|e| of_worker(&url, e))).boxed()
}

/// An error as it is, or, where the worker or the way to it failed, one of input and output, which processes tell each
/// other as such.
fn of_worker(url: &Url, error: DataFusionError) -> DataFusionError {
    let failed = |reason: String| {
        DataFusionError::IoError(io::Error::new(
            io::ErrorKind::ConnectionAborted,
            format!("worker {url}: {reason}"),
        ))
    };
    match error {
        DataFusionError::External(cause) => match cause.downcast::<Status>() {
            Ok(status) => failed(format!("{:?}, {}", status.code(), status.message())),
            Err(cause) => DataFusionError::External(cause),
        },
        DataFusionError::Execution(text) if text.starts_with(FORGOTTEN) => {
            failed("it does not know the statement".to_owned())
        }
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_loopback_nothing_goes_without_tls_and_secret() {
        let secret = Some(Secret::presented("s"));
        let bare = Channels::new(&Trust::default()).unwrap();
        let shared = Channels::new(&Trust { secret, tls: None }).unwrap();
        let may = |channels: &Channels, url: &str| channels.may_reach(&Url::parse(url).unwrap()).is_ok();
        for near in ["http://127.0.0.1:7001", "http://localhost:7001", "http://[::1]:7001"] {
            assert!(may(&bare, near), "{near}");
        }
        for far in [
            "http://10.0.0.7:7001",
            "http://worker-0.workers:7001",
            "https://10.0.0.7:7001",
            "ftp://localhost",
        ] {
            assert!(!may(&bare, far), "{far}");
            assert!(!may(&shared, far), "{far}");
        }
    }

    #[test]
    fn only_what_the_way_does_is_a_workers_failure() {
        let url = Url::parse("http://localhost:7001").unwrap();
        let of = |error| of_worker(&url, error);
        let broken = of(DataFusionError::External(Box::new(Status::unavailable("gone"))));
        assert_eq!(Error::from_engine(broken).kind(), ErrorKind::Retry);
        let forgotten = of(DataFusionError::Execution(format!("{FORGOTTEN} while waiting")));
        assert_eq!(Error::from_engine(forgotten).kind(), ErrorKind::Retry);
        let statement = of(DataFusionError::Execution("division by zero".to_owned()));
        assert_eq!(Error::from_engine(statement).kind(), ErrorKind::Statement);
    }
}
