//! The worker's side: plans runs, estimates their files, some at a time.

use std::{fmt, sync::Arc, time::Duration};

use airshed_emission_factors::FactorSet;
use airshed_estimate::{ErrorKind, PlannedRun, SharedRun};
use airshed_lake::Lake;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::{
    plans::Plans,
    wire::{EstimatedFile, FileOfRun, Ready, Run},
};

/// Files that may wait for each one that is estimated; more are sent away.
const WAITING_FOR_EACH: usize = 16;

/// Loads the factor set of this process, as it is now.
pub type LoadFactors = Box<dyn Fn() -> BoxFuture<'static, Result<Arc<FactorSet>, BoxError>> + Send + Sync>;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How a worker estimates.
pub struct DeskOptions {
    /// The lake that is read, and that emissions files are put into.
    pub lake: Lake,
    /// Its factors.
    pub factors: LoadFactors,
    /// Files estimated at a time.
    pub files_at_once: usize,
    /// Version of this program: files of runs of another are not estimated, as the bytes could differ.
    pub version: &'static str,
}

/// Where files of runs are handed in.
pub struct Desk {
    options: DeskOptions,
    plans: Plans,
    /// Files that are estimated.
    places: Semaphore,
    /// Those, and the ones that wait.
    queue: Semaphore,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("places", &self.places).finish_non_exhaustive()
    }
}

impl Desk {
    /// A desk that nobody stands at yet.
    pub fn new(options: DeskOptions) -> Self {
        let places = options.files_at_once.max(1);
        let queue = places.saturating_mul(1 + WAITING_FOR_EACH).min(Semaphore::MAX_PERMITS);
        Self {
            plans: Plans::default(),
            places: Semaphore::new(places),
            queue: Semaphore::new(queue),
            options: DeskOptions { files_at_once: places, ..options },
        }
    }

    /// Forgets plans that nobody asked for in the last while, until cancelled.
    pub async fn tidy(&self, every: Duration, cancel: &CancellationToken) {
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(every) => self.plans.forget_unused(),
            }
        }
    }

    pub(crate) async fn prepare(&self, run: Run) -> Result<Ready, Status> {
        self.plan(run).await?;
        Ok(Ready { files_at_once: u32::try_from(self.options.files_at_once).unwrap_or(u32::MAX) })
    }

    pub(crate) async fn estimate(&self, wanted: FileOfRun) -> Result<EstimatedFile, Status> {
        let busy = |_| Status::resource_exhausted("as many files wait as may");
        let _queued = self.queue.try_acquire().map_err(busy)?;
        let run = wanted.run.ok_or_else(|| Status::invalid_argument("a file of no run"))?;
        let file = usize::try_from(wanted.file).map_err(|_| Status::invalid_argument("no such file"))?;
        let plan = self.plan(run).await?;
        let _place = self.places.acquire().await.map_err(|_| Status::unavailable("the worker ends"))?;
        let (content_hash, totals) = plan.estimate(file).await.map_err(|e| failed(&e, "a file"))?;
        Ok(EstimatedFile::of(content_hash, &totals))
    }

    async fn plan(&self, run: Run) -> Result<Arc<PlannedRun>, Status> {
        if run.version != self.options.version {
            return Err(Status::unimplemented(format!("it is of version {}", self.options.version)));
        }
        let run = run.read().map_err(|e| Status::invalid_argument(e.to_string()))?;
        self.plans.get(&run, Box::pin(self.make(&run))).await
    }

    async fn make(&self, run: &SharedRun) -> Result<PlannedRun, Status> {
        let factors = (self.options.factors)().await.map_err(|error| {
            tracing::warn!(error = chain(error.as_ref()), "the factor set cannot be loaded");
            Status::internal("its factor set cannot be loaded; its log says why")
        })?;
        let planned = PlannedRun::plan(&self.options.lake, factors, run).await;
        let planned = planned.map_err(|e| failed(&e, "a run"))?;
        planned.map_err(|different| Status::failed_precondition(different.to_string()))
    }
}

/// What the asking process gets to know; the rest stands in the log.
fn failed(error: &airshed_estimate::Error, what: &'static str) -> Status {
    tracing::warn!(error = chain(error), "{what} could not be estimated");
    match error.kind() {
        ErrorKind::Retry => Status::aborted("its lake did not answer; its log says why"),
        ErrorKind::Input | ErrorKind::Corrupt => Status::internal("it failed; its log says why"),
    }
}

/// An error with its causes.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
