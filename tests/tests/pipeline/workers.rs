//! Workers of estimates that can be killed, and a look at who did what.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use airshed_emission_factors::FactorSet;
use airshed_estimate::{Elsewhere, Estimated, Refused, SharedRun};
use airshed_lake::Lake;
use airshed_query_api::{
    access::Secret,
    distributed::{Trust, WorkerOptions, serve_worker, ways},
};
use airshed_remote::{Crew, Desk, DeskOptions, LoadFactors, ShardService};
use futures::{FutureExt as _, future::BoxFuture};
use tokio::{net::TcpListener, runtime::Runtime, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

pub(crate) const VERSION: &str = "1.2.3";
pub(crate) const SECRET: &str = "a secret of workers";

/// How a worker differs from the others.
pub(crate) struct How {
    pub(crate) version: &'static str,
    pub(crate) factors: Result<Arc<FactorSet>, &'static str>,
}

impl Default for How {
    fn default() -> Self {
        Self { version: VERSION, factors: Ok(crate::stages::calculation().factors) }
    }
}

/// A worker with a runtime of its own, so that it can be killed as a process is.
pub(crate) struct Worker {
    pub(crate) url: String,
    /// How often it loaded factors, which it does for each plan.
    pub(crate) plans: Arc<AtomicUsize>,
    runtime: Mutex<Option<Runtime>>,
}

impl Worker {
    pub(crate) fn start(lake: &Lake, how: How) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let url = format!("http://{}", socket.local_addr().unwrap());
        let plans = Arc::new(AtomicUsize::new(0));
        let options = DeskOptions {
            lake: lake.clone(),
            factors: factors(how.factors, Arc::clone(&plans)),
            files_at_once: 1,
            version: how.version,
        };
        let options = WorkerOptions {
            trust: trust(Some(SECRET)),
            tls: None,
            memory_bytes: 64 << 20,
            statements: 1,
            version: how.version,
            beside: Routes::new(ShardService::new(Arc::new(Desk::new(options)))),
        };
        let lake = lake.clone();
        let entered = runtime.enter();
        let listener = TcpListener::from_std(socket).unwrap();
        drop(entered);
        let mut tasks = JoinSet::new();
        tasks.spawn_on(
            async move { serve_worker(listener, &lake, options, &CancellationToken::new()).await },
            runtime.handle(),
        );
        tasks.detach_all();
        Self { url, plans, runtime: Mutex::new(Some(runtime)) }
    }

    pub(crate) fn kill(&self) {
        if let Some(runtime) = self.runtime.lock().unwrap().take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

fn factors(factors: Result<Arc<FactorSet>, &'static str>, loaded: Arc<AtomicUsize>) -> LoadFactors {
    Box::new(move || {
        loaded.fetch_add(1, Ordering::Relaxed);
        let factors = factors.clone();
        async move { factors.map_err(Into::into) }.boxed()
    })
}

pub(crate) fn trust(secret: Option<&str>) -> Trust {
    Trust { secret: secret.map(Secret::presented), tls: None }
}

/// What is done when an answer came, with how many came before.
pub(crate) type OnAnswer = Box<dyn Fn(usize, &Estimated) + Send + Sync>;

/// A crew that is watched.
pub(crate) struct Watched {
    crew: Crew,
    on_answer: OnAnswer,
    answers: Mutex<Vec<String>>,
}

impl Watched {
    pub(crate) fn new(workers: &[Arc<Worker>], secret: Option<&str>, on_answer: OnAnswer) -> Self {
        let urls: Vec<String> = workers.iter().map(|worker| worker.url.clone()).collect();
        let crew = Crew::new(ways(&urls, &trust(secret)).unwrap(), VERSION);
        Self { crew, on_answer, answers: Mutex::default() }
    }

    /// Files by who estimated them.
    pub(crate) fn answers(&self) -> BTreeMap<String, usize> {
        let mut by = BTreeMap::new();
        for name in self.answers.lock().unwrap().iter() {
            *by.entry(name.clone()).or_default() += 1;
        }
        by
    }
}

impl Elsewhere for Watched {
    fn estimate<'a>(
        &'a self,
        run: &'a SharedRun,
        file: usize,
    ) -> BoxFuture<'a, Result<Option<Estimated>, Refused>> {
        Box::pin(async move {
            let answer = self.crew.estimate(run, file).await?;
            if let Some(estimated) = &answer {
                let mut answers = self.answers.lock().unwrap();
                (self.on_answer)(answers.len(), estimated);
                answers.push(estimated.by.clone());
            }
            Ok(answer)
        })
    }
}
