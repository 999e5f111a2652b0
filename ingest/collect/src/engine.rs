//! The collector of one process: which shards it holds, and the workers on them.
//!
//! The [`share`](crate::share) says which shards are held. A shard that comes is adopted (what its last holder left half
//! done is completed, and how far the work is gets read), then a [`worker`] goes over its units. When the shard is lost
//! its worker is cancelled; when another process should have it, the worker ends after the account at hand. Shutdown goes
//! in order: the workers end, what they handed over is committed, the leases are released.

mod account;
mod budget;
mod directory;
mod inventory;
mod sources;
mod streams;
mod worker;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use airshed_ingest::ImportOptions;
use airshed_lake::Lake;
use futures::{
    StreamExt as _,
    future::{FutureExt as _, LocalBoxFuture},
    stream::FuturesUnordered,
};
use jiff::Timestamp;
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

pub use self::sources::Sources;
use self::{
    budget::Budget,
    directory::Directory,
    inventory::Inventory,
    worker::{End, Worker},
};
use crate::{
    board::Board,
    clock::Clock,
    cloud::Cloud,
    config::CollectConfig,
    error::{Context as _, Error, ErrorKind, Result},
    gate::Gate,
    land::{self, Lander, Landing},
    poll::Poller,
    share::{Held, Share},
    stream::Limits,
    unit::Shard,
};

/// Pieces that wait for the lander for each account and region at work.
const PIECES_WAITING: usize = 2;
/// Bytes of objects of metric streams in work, over all streams.
const STREAM_BYTES: u64 = 256 << 20;
/// Time that the last commit and the release of the leases may take at shutdown.
const SHUTDOWN: Duration = Duration::from_mins(1);
/// Wait before a shard is tried again whose worker failed for the time being.
const AGAIN: Duration = Duration::from_secs(5);
/// Workers of a process that may fail for the time being before a single sweep is given up.
const FAILURES: u32 = 20;

/// Whether to end when everything was visited once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Every shard is swept once, by this process or another.
    Once,
    /// Until cancelled.
    Watch,
}

/// What a collector works with.
#[derive(Debug)]
pub struct Collector {
    /// The ledger.
    pub lake: Lake,
    /// AWS.
    pub cloud: Arc<dyn Cloud>,
    /// The way to it.
    pub gate: Arc<Gate>,
    /// Queues and buckets.
    pub sources: Arc<dyn Sources>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is collected, and how.
    pub config: CollectConfig,
    /// How billing exports are imported.
    pub import: ImportOptions,
    /// Where it is shown.
    pub board: Arc<Board>,
}

/// What workers share.
#[derive(Debug)]
struct Shared {
    collector: Collector,
    landing: Landing,
    directory: Directory,
    /// Nothing where resources are not listed.
    inventory: Option<Inventory>,
    /// Nothing where metrics are not polled.
    poller: Option<Poller>,
    /// What polling may cost.
    budget: Budget,
    /// Objects of metric streams at work.
    streams: Arc<Limits>,
    /// Accounts and regions at work.
    places: Semaphore,
    /// When each shard was last swept, by whatever process.
    swept: watch::Receiver<BTreeMap<Shard, Timestamp>>,
    mode: Mode,
    started_at: Timestamp,
}

impl Collector {
    /// Collects until all is done or `cancel` is called.
    ///
    /// # Errors
    /// When the lake cannot be used at all, or for a defect of ours. An account, stream or export that fails is a row of
    /// `collector_health` and shown on the board.
    pub async fn run(self, mode: Mode, cancel: &CancellationToken) -> Result<()> {
        let config = &self.config;
        let (clock, board) = (Arc::clone(&self.clock), Arc::clone(&self.board));
        let name = config.collector.clone();
        let writer =
            Lander::open(self.lake.clone(), config.land.clone(), name, Arc::clone(&clock), board).await?;
        let (landing, pieces) = land::channel(config.concurrency * PIECES_WAITING);
        let give_up = CancellationToken::new();
        let _when_dropped = give_up.clone().drop_guard();
        let mut landing_task = JoinSet::new();
        landing_task.spawn(writer.run(pieces, give_up.clone()));
        let share =
            Share::join(&self.lake, &config.share, &config.collector, Arc::clone(&self.clock)).await?;
        let started_at = clock.now();
        if mode == Mode::Once {
            share.skip_swept_since(started_at);
        }
        let mut sharing_task = JoinSet::new();
        sharing_task.spawn(share.clone().run(give_up.clone()));
        let inventory = if config.inventory.enabled && config.visits_accounts() {
            Some(Inventory::open(&self.lake).await?)
        } else {
            None
        };
        let poller = match &config.polling {
            Some(polling) if config.visits_accounts() => Some(Poller::new(
                Arc::clone(&self.cloud),
                Arc::clone(&self.gate),
                landing.clone(),
                Arc::clone(&self.clock),
                polling.clone(),
                config.seed,
            )?),
            _ => None,
        };
        let shared = Arc::new(Shared {
            inventory,
            poller,
            directory: Directory::new(&config.accounts),
            budget: Budget::new(config.polling.as_ref().and_then(|polling| polling.monthly_budget_usd)),
            streams: Arc::new(Limits::new(self.import.threads.max(1), STREAM_BYTES)),
            places: Semaphore::new(config.concurrency),
            swept: share.swept(),
            started_at,
            landing,
            mode,
            collector: self,
        });
        let mut shards = Shards {
            shared,
            share: share.clone(),
            workers: FuturesUnordered::new(),
            at: BTreeMap::new(),
            failures: 0,
        };
        let worked = shards.work(&mut sharing_task, cancel).await;
        shards.stop().await;
        // Nobody hands over any more: the lander commits what it has and ends.
        drop(shards);
        let committed = tokio::select! {
            Some(ended) = landing_task.join_next() => ended.context(|| "the lander was broken off".to_owned())?,
            () = clock.sleep(SHUTDOWN) => Err(Error::new(ErrorKind::Retry, "the lake was out of reach at the end")),
        };
        let left = tokio::select! {
            left = share.leave() => left,
            () = clock.sleep(SHUTDOWN) => Err(Error::new(ErrorKind::Retry, "the lake was out of reach at the end")),
        };
        worked.and(committed).and(left)
    }
}

/// The shards that this process holds, each with its worker. Workers wait for the most part, and run on the task that
/// runs the collector; what takes time has threads of its own.
struct Shards {
    shared: Arc<Shared>,
    share: Share,
    workers: FuturesUnordered<LocalBoxFuture<'static, (Shard, Result<End>)>>,
    /// Shards with a worker, and what ends it at its next safe point.
    at: BTreeMap<Shard, CancellationToken>,
    /// Workers that failed for the time being.
    failures: u32,
}

impl Shards {
    async fn work(&mut self, sharing: &mut JoinSet<Result<()>>, cancel: &CancellationToken) -> Result<()> {
        let mut held = self.share.held();
        let mut swept = self.share.swept();
        loop {
            let now = held.borrow_and_update().clone();
            self.reconcile(&now).await?;
            if self.shared.mode == Mode::Once && self.all_swept(&swept.borrow_and_update()) {
                return Ok(());
            }
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(()),
                Some(ended) = sharing.join_next() => {
                    ended.context(|| "the sharing of the work was broken off".to_owned())??;
                    return Err(Error::bug("the sharing of the work ended by itself"));
                }
                Some((shard, end)) = self.workers.next() => self.ended(shard, end).await?,
                _ = held.changed() => {}
                _ = swept.changed() => {}
            }
        }
    }

    fn all_swept(&self, swept: &BTreeMap<Shard, Timestamp>) -> bool {
        let started_at = self.shared.started_at;
        let shards = self.shared.collector.config.share.shards;
        self.at.is_empty()
            && (0..shards).all(|shard| swept.get(&Shard(shard)).is_some_and(|at| *at >= started_at))
    }

    /// Starts workers on shards that came, and asks those to end whose shard another process should have.
    async fn reconcile(&mut self, held: &BTreeMap<Shard, Held>) -> Result<()> {
        for (shard, stop) in &self.at {
            if held.get(shard).is_none_or(|held| held.wanted_back) {
                stop.cancel();
            }
        }
        let idle = |shard: &Shard| !self.at.contains_key(shard);
        let mut fresh = Vec::new();
        for (shard, held) in held.iter().filter(|(shard, held)| idle(shard) && !held.lost.is_cancelled()) {
            if held.wanted_back {
                self.release(*shard, None).await?;
            } else {
                fresh.push((*shard, held.lost.clone()));
            }
        }
        if fresh.is_empty() {
            return Ok(());
        }
        let progress = self.shared.landing.adopt(fresh.iter().map(|(shard, _)| *shard).collect()).await?;
        budget::note(&self.shared, &progress);
        let progress = Arc::new(progress);
        for (shard, lost) in fresh {
            let stop = CancellationToken::new();
            let worker =
                Worker::new(Arc::clone(&self.shared), shard, Arc::clone(&progress), stop.clone(), lost);
            self.workers.push(tried_again(worker, shard).boxed_local());
            self.at.insert(shard, stop);
        }
        Ok(())
    }

    async fn ended(&mut self, shard: Shard, end: Result<End>) -> Result<()> {
        self.at.remove(&shard);
        match end {
            Ok(End::Swept(at)) => self.release(shard, Some(at)).await,
            Ok(End::Stopped) => self.release(shard, None).await,
            Err(error) if error.kind() == ErrorKind::Bug => Err(error),
            // When the shard is still ours, it is adopted anew.
            Err(error) if matches!(error.kind(), ErrorKind::Fenced | ErrorKind::Cancelled) => Ok(()),
            Err(error) => {
                self.failures += 1;
                let is_enough = self.shared.mode == Mode::Once && self.failures >= FAILURES;
                if is_enough { Err(error) } else { Ok(()) }
            }
        }
    }

    async fn release(&self, shard: Shard, swept_at: Option<Timestamp>) -> Result<()> {
        match self.share.release(shard, swept_at).await {
            // It was lost before: as good.
            Err(error) if error.kind() == ErrorKind::Fenced => Ok(()),
            result => result,
        }
    }

    /// Lets the workers end at their next safe point.
    async fn stop(&mut self) {
        self.at.values().for_each(CancellationToken::cancel);
        while let Some((shard, end)) = self.workers.next().await {
            if let Err(error) = end {
                tracing::warn!(%shard, error = %chain(&error), "a shard was not finished");
            }
        }
    }
}

/// A worker at work; where it failed for the time being, it ends a while later, so that it is not tried again at once.
async fn tried_again(worker: Worker, shard: Shard) -> (Shard, Result<End>) {
    let clock = Arc::clone(&worker.shared.collector.clock);
    let stop = worker.stop.clone();
    let end = worker.run().await;
    if let Err(error) = &end
        && matches!(error.kind(), ErrorKind::Retry | ErrorKind::Input)
    {
        tracing::warn!(%shard, error = %chain(error), "a shard is tried again");
        tokio::select! {
            () = stop.cancelled() => {}
            () = clock.sleep(AGAIN) => {}
        }
    }
    (shard, end)
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests;
