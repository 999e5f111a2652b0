//! Statements that read much, spread over several processes.
//!
//! A server plans a statement as ever. Where one of its scans reads more than a worker's share of bytes, the plan is cut
//! into stages, and the tasks of each stage run on [`Workers`] that read the same lake; the last stage runs in the
//! server. Everything else never leaves the server. What travels is the physical plan: files by their path in the lake
//! ([`store`](crate::files::store)), our functions by name, and guards with their condition ([`codec`]), so a worker lets no row of another
//! scope out. A worker ([`serve_worker`]) knows no users and no scopes: it trusts whoever shows the shared secret.
//!
//! A worker that fails takes no row with it: each answer is whole or an error of kind
//! [`Retry`](crate::ErrorKind::Retry). Before the first row, the server tries once more with those that are left.

mod caught;
mod channel;
mod codec;
mod planner;
mod run;
mod session;
mod socket;
mod worker;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use datafusion::{error::DataFusionError, execution::SessionStateBuilder, prelude::SessionContext};
use datafusion_distributed::{
    ChannelResolver as _, DistributedExt as _, GetWorkerInfoRequest, SessionStateBuilderExt as _,
    WorkerResolver,
};
use futures::future::join_all;
use tokio::time::timeout;
use tokio_rustls::rustls::ClientConfig;
use tokio_util::sync::CancellationToken;
use url::Url;

use self::{channel::Channels, codec::GuardCodec, planner::Spread};
pub use self::{
    channel::Way,
    worker::{WorkerOptions, serve_worker},
};
use crate::{
    access::Secret,
    error::{Error, Result},
    limits::Limits,
};

/// The header that names a statement, by which a worker tells whose memory a task uses.
const STATEMENT: &str = "x-airshed-statement";
/// How long a worker may take to say that it is there.
const LOOK: Duration = Duration::from_secs(2);

/// What the processes share to know each other.
#[derive(Clone, Default)]
pub struct Trust {
    /// What is shown on every call. Only processes that talk over loopback may go without.
    pub secret: Option<Secret>,
    /// Which certificates are trusted behind `https://`.
    pub tls: Option<Arc<ClientConfig>>,
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trust {{ secret: {}, tls: {} }}", self.secret.is_some(), self.tls.is_some())
    }
}

/// How statements are spread.
#[derive(Debug, Clone)]
pub struct WorkersOptions {
    /// What the workers and this process share.
    pub trust: Trust,
    /// Bytes of files that one scan must read before a second worker is worth it; whole files count.
    pub bytes_per_worker: usize,
    /// Version of this program: workers of another are left alone.
    pub version: &'static str,
}

/// The workers of a server; clones are the same. None is used before [`look`](Self::look) found it.
#[derive(Clone)]
pub struct Workers(Arc<Inner>);

struct Inner {
    members: Vec<Member>,
    channels: Channels,
    options: WorkersOptions,
    statements: AtomicU64,
}

struct Member {
    url: Url,
    is_up: AtomicBool,
}

/// The way to each of some workers, for what else they answer: with TLS, and the secret on every call. It connects with
/// the first call.
///
/// # Errors
/// As [`Workers::new`].
pub fn ways(urls: &[String], trust: &Trust) -> Result<Vec<(String, Way)>> {
    let channels = Channels::new(trust)?;
    let way = |text: &String| {
        let way = channels.channel(&channels.address(text)?).map_err(Error::from_engine)?;
        Ok((text.clone(), way))
    };
    urls.iter().map(way).collect()
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.members.iter().map(|member| member.url.as_str())).finish()
    }
}

impl Workers {
    /// Workers at `https://host:port`, or `http://` on loopback.
    ///
    /// # Errors
    /// [`ErrorKind::Statement`](crate::ErrorKind::Statement) for an address that is none, and for one beyond loopback without TLS and a secret.
    pub fn new(urls: &[String], options: WorkersOptions) -> Result<Self> {
        let channels = Channels::new(&options.trust)?;
        let member =
            |text: &String| Ok(Member { url: channels.address(text)?, is_up: AtomicBool::new(false) });
        let members = urls.iter().map(member).collect::<Result<Vec<_>>>()?;
        Ok(Self(Arc::new(Inner { members, channels, options, statements: AtomicU64::new(0) })))
    }

    /// How many are up, as of the last look.
    pub fn up(&self) -> usize {
        self.0.members.iter().filter(|member| member.is_up.load(Ordering::Relaxed)).count()
    }

    /// Asks each worker whether it is there and of the same version. Takes two seconds at most.
    pub async fn look(&self) {
        join_all(self.0.members.iter().map(|member| async {
            let found = match timeout(LOOK, self.version_of(&member.url)).await {
                Ok(Ok(version)) if version == self.0.options.version => Ok(()),
                Ok(Ok(version)) => Err(format!("it is of version {version}")),
                Ok(Err(error)) => Err(error.strip_backtrace()),
                Err(_) => Err("it does not answer".to_owned()),
            };
            let was_up = member.is_up.swap(found.is_ok(), Ordering::Relaxed);
            match found {
                Ok(()) if !was_up => tracing::info!(worker = %member.url, "a worker is up"),
                Err(reason) if was_up => tracing::warn!(worker = %member.url, reason, "a worker is not used"),
                Err(reason) => tracing::debug!(worker = %member.url, reason, "a worker is not used"),
                Ok(()) => {}
            }
        }))
        .await;
    }

    /// Looks now and every so often, until cancelled.
    pub async fn keep_watch(&self, every: Duration, cancel: &CancellationToken) {
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = self.look() => {}
            }
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(every) => {}
            }
        }
    }

    /// A session that spreads what is worth it.
    pub(crate) fn equip(&self, builder: SessionStateBuilder, limits: Limits) -> Result<SessionContext> {
        let bytes_per_partition = self.0.options.bytes_per_worker.div_ceil(limits.threads).max(1);
        let mut builder = builder
            .with_distributed_user_codec(GuardCodec)
            .with_distributed_worker_resolver(self.clone())
            .with_distributed_channel_resolver(self.0.channels.clone())
            .with_distributed_file_scan_config_bytes_per_partition(bytes_per_partition)
            // Else every UNION would be spread, however small.
            .and_then(|builder| builder.with_distributed_children_isolator_unions(false))
            .map_err(Error::from_engine)?
            .with_distributed_planner();
        if let Some(planner) = builder.query_planner().take() {
            builder = builder.with_query_planner(Arc::new(Spread::new(planner)));
        }
        Ok(SessionContext::new_with_state(builder.build()))
    }

    async fn version_of(&self, url: &Url) -> Result<String, DataFusionError> {
        let mut worker = self.0.channels.get_worker_client_for_url(url).await?;
        Ok(worker.get_worker_info(GetWorkerInfoRequest {}).await?.version)
    }
}

impl WorkerResolver for Workers {
    fn get_urls(&self) -> Result<Vec<Url>, DataFusionError> {
        let up = self.0.members.iter().filter(|member| member.is_up.load(Ordering::Relaxed));
        Ok(up.map(|member| member.url.clone()).collect())
    }
}

#[cfg(test)]
mod tests;
