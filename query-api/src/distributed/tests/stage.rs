//! Workers that can be killed, and ledgers with and without them.

use std::time::Duration;

use airshed_lake::Lake;
use arrow::{
    array::RecordBatch, compute::concat_batches, csv::WriterBuilder, datatypes::SchemaRef,
    util::pretty::pretty_format_batches,
};
use datafusion_distributed::display_plan_ascii;
use futures::TryStreamExt as _;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio::{net::TcpListener, runtime, time::Instant};
use tonic::service::Routes;

use super::{super::*, VERSION, lake};
use crate::{AsOf, Ledger, Session};

/// A worker with a runtime of its own, so that it can be killed as a process is.
pub(super) struct Running {
    url: String,
    runtime: Option<runtime::Runtime>,
}

impl Running {
    pub(super) fn start(lake: &Lake, options: WorkerOptions) -> Self {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let scheme = if options.tls.is_some() { "https" } else { "http" };
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{scheme}://{}", socket.local_addr().unwrap());
        socket.set_nonblocking(true).unwrap();
        let lake = lake.clone();
        let entered = runtime.enter();
        let listener = TcpListener::from_std(socket).unwrap();
        drop(entered);
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn_on(
            async move { serve_worker(listener, &lake, options, &CancellationToken::new()).await },
            runtime.handle(),
        );
        tasks.detach_all();
        Self { url, runtime: Some(runtime) }
    }

    pub(super) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Ends it, and tells whether all its threads came to an end.
    pub(super) fn end(&mut self, within: Duration) -> bool {
        let began = Instant::now();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(within);
        }
        began.elapsed() < within
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(super) fn worker() -> WorkerOptions {
    WorkerOptions {
        trust: Trust { secret: Some(Secret::presented("s3cret")), tls: None },
        tls: None,
        memory_bytes: 256 << 20,
        statements: 8,
        version: VERSION,
        beside: Routes::default(),
    }
}

pub(super) fn limits() -> Limits {
    Limits::new(2, 256 << 20)
}

pub(super) async fn workers_of(running: &[Running], trust: Trust, bytes_per_worker: usize) -> Workers {
    let urls: Vec<String> = running.iter().map(|worker| worker.url.clone()).collect();
    let workers = Workers::new(&urls, WorkersOptions { trust, bytes_per_worker, version: VERSION }).unwrap();
    workers.look().await;
    workers
}

pub(super) async fn spread(lake: &Lake, workers: &Workers) -> Ledger {
    Ledger::open_with(lake, &AsOf::Now, limits(), Some(workers.clone())).await.unwrap()
}

pub(super) async fn alone(lake: &Lake) -> Ledger {
    Ledger::open(lake, &AsOf::Now, limits()).await.unwrap()
}

pub(super) async fn all(session: &Session, sql: &str) -> Result<RecordBatch> {
    let rows = session.query(sql).await?;
    let schema = rows.schema();
    let batches: Vec<RecordBatch> = rows.try_collect().await.map_err(Error::from_engine)?;
    Ok(concat_batches(&schema, &batches).unwrap())
}

/// An answer as it goes out: its types and its rows, in CSV. How the engine codes repeated texts is not part of it, and
/// differs from run to run.
pub(super) async fn answer(session: &Session, sql: &str) -> (SchemaRef, String) {
    let batch = all(session, sql).await.unwrap_or_else(|error| panic!("{sql}: {}", error.private_message()));
    let mut csv = Vec::new();
    let mut writer = WriterBuilder::new().with_null("NULL".to_owned()).build(&mut csv);
    writer.write(&batch).unwrap();
    drop(writer);
    (batch.schema(), String::from_utf8(csv).unwrap())
}

/// What `EXPLAIN` says, or `EXPLAIN ANALYZE`.
pub(super) async fn explained(session: &Session, explain: &str, sql: &str) -> String {
    let batch = all(session, &format!("{explain} {sql}")).await.unwrap();
    pretty_format_batches(&[batch]).unwrap().to_string()
}

/// The plan, also where `EXPLAIN` is refused.
pub(super) async fn planned(session: &Session, sql: &str) -> String {
    let plan = session.plan(sql).await.unwrap();
    let plan = session.context().state().create_physical_plan(&plan).await.unwrap();
    display_plan_ascii(plan.as_ref(), false)
}

/// The test lake, some workers on it, and ledgers with and without them.
pub(super) struct Stage {
    pub(super) workers: Workers,
    pub(super) spread: Ledger,
    pub(super) alone: Ledger,
    pub(super) running: Vec<Running>,
    pub(super) lake: Lake,
    _folder: tempfile::TempDir,
}

pub(super) async fn stage(bytes_per_worker: usize, option: impl Fn(&mut WorkerOptions)) -> Stage {
    let (lake, folder) = lake::lake().await;
    let running: Vec<Running> = (0..3)
        .map(|_| {
            let mut options = worker();
            option(&mut options);
            Running::start(&lake, options)
        })
        .collect();
    let workers = workers_of(&running, worker().trust, bytes_per_worker).await;
    let (spread, alone) = (spread(&lake, &workers).await, alone(&lake).await);
    Stage { workers, spread, alone, running, lake, _folder: folder }
}

pub(super) fn server_tls() -> Arc<ServerConfig> {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key);
    Arc::new(config.unwrap())
}

pub(super) fn client_tls() -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(include_bytes!("ca.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}
