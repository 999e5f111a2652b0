//! What polling may cost in a calendar month, and what of it is spent: by all collectors of the ledger, as
//! `collector_health` says, and by this process since.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::Shared;
use crate::{error::Result, health::Work, land::progress::Progress};

/// How often the spending of other processes is looked up.
const LOOK_EVERY: Duration = Duration::from_mins(10);

/// A limit and what is spent of it, US dollars.
#[derive(Debug)]
pub(super) struct Budget {
    limit_usd: Option<f64>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    by_others_usd: f64,
    at: Option<Duration>,
}

impl Budget {
    pub(super) fn new(limit_usd: Option<f64>) -> Self {
        Self { limit_usd, seen: Mutex::default() }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the spending of others from progress that was just read.
pub(super) fn note(shared: &Shared, progress: &Progress) {
    let by_others_usd = (progress.polled_usd - own_usd(shared)).max(0.0);
    *shared.budget.seen() = Seen { by_others_usd, at: Some(shared.collector.clock.elapsed()) };
}

/// Why nothing more is polled this month; nothing while there is money left.
pub(super) async fn used_up(shared: &Shared) -> Result<Option<String>> {
    let Some(limit_usd) = shared.budget.limit_usd else { return Ok(None) };
    let now = shared.collector.clock.elapsed();
    let is_old = shared.budget.seen().at.is_none_or(|at| now >= at + LOOK_EVERY);
    if is_old {
        let progress = Progress::load(&shared.collector.lake, shared.collector.clock.now()).await?;
        note(shared, &progress);
    }
    let spent_usd = shared.budget.seen().by_others_usd + own_usd(shared);
    let reason = format!(
        "polling has cost {spent_usd:.2} US dollars this month, and collect.poll_budget_usd is {limit_usd:.2}; it goes \
         on next month, or with another budget"
    );
    Ok((spent_usd >= limit_usd).then_some(reason))
}

/// What this process has spent since it began.
fn own_usd(shared: &Shared) -> f64 {
    let shards = shared.collector.board.shards();
    let nano_usd: u64 = shards
        .values()
        .filter_map(|shard| shard.works.get(&Work::Polling))
        .map(|work| work.calls.cost_nano_usd)
        .sum();
    nano_usd as f64 * 1e-9
}
