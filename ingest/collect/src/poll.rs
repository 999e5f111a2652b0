//! Polling of CloudWatch metrics: one account and region at a time, only what is new, into `utilization`.
//!
//! What there is to poll is listed ([`listing`]) and matched with metric-stream's table of metrics ([`catalogue`]). The
//! periods from the watermark to the last one that is settled are cut into slices ([`window`]). A slice is asked for in
//! calls of 500 queries ([`fetch`]), made into rows ([`rows`]) and landed as one piece with the new watermark, before the
//! next slice is asked for. If a single page of a slice fails, nothing of it lands, and the next poll asks for all of it
//! again.
//!
//! A period is settled when it is older than a configured time; a value that CloudWatch gets later than that is not seen.
//! That time must be more than the 15 minutes that a new metric takes to be listed.
//!
//! Of kinds with very many resources a [`sample`] is polled, and `utilization_estimates` says what follows for all of
//! them. What polling will cost is known before ([`plan`]).

mod catalogue;
mod fetch;
mod listing;
pub mod plan;
mod rows;
pub mod sample;
mod window;

use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use self::{
    listing::Listed,
    plan::PollCounts,
    rows::{Asked, Built},
    window::{Backlog, Slice},
};
use crate::{
    clock::Clock,
    cloud::{Answer, Cloud, Scope},
    config::PollingConfig,
    error::{CallError, CallErrorKind, Context as _, Error, Result},
    gate::Gate,
    health::{Health, Status, Tally, Work},
    land::{Landing, Pending, Piece},
    unit::{Shard, Unit},
};

/// Slices that one poll of an account and region takes, so that a long backlog does not keep the others waiting.
const SLICES_PER_POLL: usize = 8;
/// Values and metrics below this are put in order at once; more leave the runtime's threads.
const AT_ONCE: usize = 4096;

/// Polls accounts and regions.
#[derive(Debug, Clone)]
pub struct Poller {
    cloud: Arc<dyn Cloud>,
    gate: Arc<Gate>,
    landing: Landing,
    clock: Arc<dyn Clock>,
    config: PollingConfig,
    seed: u64,
}

/// How a poll ended.
#[derive(Debug)]
pub struct Polled {
    /// How it ended.
    pub status: Status,
    /// Everything before this was taken, once `pending` has landed.
    pub watermark: Option<Timestamp>,
    /// Whether settled periods are left, for another poll.
    pub is_behind: bool,
    /// The last piece, on its way. A worker need not wait for it; the next poll of the same account and region must.
    pub pending: Option<Pending>,
}

/// One account and region while it is polled.
struct Visit<'a> {
    shard: Shard,
    scope: &'a Scope,
    tally: Tally,
    watermark: Option<Timestamp>,
    cancel: &'a CancellationToken,
}

impl Poller {
    /// A poller. `seed` draws the samples; it must stay the same over the life of a lake.
    ///
    /// # Errors
    /// When the period is none that can be polled.
    pub fn new(
        cloud: Arc<dyn Cloud>,
        gate: Arc<Gate>,
        landing: Landing,
        clock: Arc<dyn Clock>,
        config: PollingConfig,
        seed: u64,
    ) -> Result<Self> {
        window::check(&config)?;
        Ok(Self { cloud, gate, landing, clock, config, seed })
    }

    /// Whether there is a settled period that a poll from this watermark would ask for.
    pub fn is_due(&self, watermark: Option<Timestamp>) -> bool {
        self.backlog(watermark).is_some()
    }

    /// Polls an account in a region that is switched on, from the watermark of its last poll on, and hands over what it
    /// brings; a slice waits until the one before has landed. Calls that fail for good are no error but land as the status of the poll.
    ///
    /// # Errors
    /// [`Fenced`](crate::ErrorKind::Fenced) when the shard is in other hands, [`Cancelled`](crate::ErrorKind::Cancelled)
    /// as soon as `cancel` was called, and what the lander says.
    pub async fn poll(
        &self,
        shard: Shard,
        scope: &Scope,
        watermark: Option<Timestamp>,
        cancel: &CancellationToken,
    ) -> Result<Polled> {
        let Some(mut backlog) = self.backlog(watermark) else {
            return Ok(Polled { status: Status::Ok, watermark, is_behind: false, pending: None });
        };
        let mut visit = Visit { shard, scope, tally: Tally::default(), watermark, cancel };
        let listed = match self.listed(scope, &visit.tally, cancel).await? {
            Ok(listed) => Arc::new(listed),
            Err(error) => return self.give_up(&visit, &error).await,
        };
        let mut polled = Polled { status: Status::Ok, watermark, is_behind: true, pending: None };
        let mut start_s = backlog.start_s;
        for _ in 0..SLICES_PER_POLL {
            let slice = backlog.slice(start_s, self.config.period_s, listed.targets.len());
            let built = match self.slice(&visit, &listed, slice).await? {
                Ok(built) => built,
                Err(error) => return self.give_up(&visit, &error).await,
            };
            visit.watermark =
                Some(Timestamp::from_second(slice.end_s).map_err(|e| Error::bug(&e).caused_by(e))?);
            let piece = visit.piece(built, backlog.missing.take());
            if piece.health.status == Status::Partial {
                polled.status = Status::Partial;
            }
            let pending = visit.unless_cancelled(self.landing.hand_over(piece)).await?;
            visit.tally = Tally::default();
            polled.watermark = visit.watermark;
            start_s = slice.end_s;
            if start_s >= backlog.end_s {
                return Ok(Polled { is_behind: false, pending: Some(pending), ..polled });
            }
            visit.unless_cancelled(pending.landed()).await?;
        }
        Ok(polled)
    }

    /// What a sweep would ask for in an account and region, for a [`PollPlan`](plan::PollPlan).
    ///
    /// # Errors
    /// What ListMetrics said.
    pub async fn counts(&self, scope: &Scope, cancel: &CancellationToken) -> Answer<PollCounts> {
        let tally = Tally::default();
        let targets = listing::all(&*self.cloud, &self.gate, scope, &tally, cancel).await?;
        let listing_calls = tally.counts().cost_nano_usd / plan::LISTING_NANO_USD;
        let metrics = Listed::of(targets, self.seed, self.config.sample_above).targets.len() as u64;
        Ok(PollCounts { listing_calls, metrics })
    }

    fn backlog(&self, watermark: Option<Timestamp>) -> Option<Backlog> {
        window::backlog(&self.config, self.clock.now().as_second(), watermark.map(Timestamp::as_second))
    }

    async fn listed(
        &self,
        scope: &Scope,
        tally: &Tally,
        cancel: &CancellationToken,
    ) -> Result<Answer<Listed>> {
        let targets = match listing::all(&*self.cloud, &self.gate, scope, tally, cancel).await {
            Ok(targets) => targets,
            Err(error) => return Ok(Err(error)),
        };
        let (seed, sample_above) = (self.seed, self.config.sample_above);
        let size = targets.len();
        let context = || "putting metrics in order was broken off".to_owned();
        Ok(Ok(off_thread(size, move || Listed::of(targets, seed, sample_above)).await.context(context)?))
    }

    async fn slice(&self, visit: &Visit<'_>, listed: &Arc<Listed>, slice: Slice) -> Result<Answer<Built>> {
        let period_s = self.config.period_s;
        let api = (&*self.cloud, &*self.gate);
        let asked = (slice, period_s);
        let fetched =
            fetch::values(api, visit.scope, &listed.targets, asked, &visit.tally, visit.cancel).await;
        let values = match fetched {
            Ok(values) => values,
            Err(error) => return Ok(Err(error)),
        };
        let (scope, listed, seed) = (visit.scope.clone(), Arc::clone(listed), self.seed);
        let size = values.len();
        let build =
            move || rows::build(Asked { scope: &scope, listed: &listed, slice, period_s, seed }, values);
        let context = || "making rows of metrics was broken off".to_owned();
        Ok(Ok(off_thread(size, build).await.context(context)??))
    }

    /// Hands over that the poll failed, and why; the watermark stays.
    async fn give_up(&self, visit: &Visit<'_>, error: &CallError) -> Result<Polled> {
        if error.kind == CallErrorKind::Cancelled {
            return Err(Error::cancelled());
        }
        let status = Status::of(error);
        let mut piece = visit.piece(Built::default(), Some(error.to_string()));
        piece.health.status = status;
        let pending = visit.unless_cancelled(self.landing.hand_over(piece)).await?;
        Ok(Polled { status, watermark: visit.watermark, is_behind: true, pending: Some(pending) })
    }
}

/// Runs CPU work, away from the runtime's threads when it is on many things.
async fn off_thread<T: Send + 'static>(
    size: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, tokio::task::JoinError> {
    if size < AT_ONCE { Ok(work()) } else { tokio::task::spawn_blocking(work).await }
}

impl Visit<'_> {
    async fn unless_cancelled<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Error::cancelled()),
            result = work => result,
        }
    }

    /// A piece of what was built. `detail` says what of it is missing.
    fn piece(&self, built: Built, detail: Option<String>) -> Piece {
        let Built { rows, estimates, rejects, left_out, newest_us } = built;
        let health = Health {
            scope: Some(self.scope.clone()),
            status: if detail.is_some() { Status::Partial } else { Status::Ok },
            detail,
            watermark: self.watermark,
            newest: newest_us.and_then(|newest| Timestamp::from_microsecond(newest).ok()),
            rows_rejected: rejects.len() as u64,
            rows_left_out: left_out,
            calls: self.tally.counts(),
            ..Health::of(self.shard, Unit::Account(self.scope.account.clone()), Work::Polling)
        };
        Piece { health, rows, estimates, rejects, object: None }
    }
}

#[cfg(test)]
mod tests;
