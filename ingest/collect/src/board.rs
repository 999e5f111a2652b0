//! What a process shows of its work while it runs.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use metrics::{counter, gauge};

use crate::{
    health::{CallCounts, Health, Status, Work},
    unit::Shard,
};

/// Problems that are kept to be shown; more are counted.
const PROBLEMS_KEPT: usize = 100;

/// Counts by shard; written by workers, read by whoever shows them.
#[derive(Debug, Default)]
pub struct Board(Mutex<BTreeMap<Shard, ShardBoard>>);

/// What was done of a shard.
#[derive(Debug, Clone, Default)]
pub struct ShardBoard {
    /// Accounts of the shard.
    pub accounts: usize,
    /// Accounts that were visited.
    pub accounts_done: usize,
    /// What was committed, by work.
    pub works: BTreeMap<Work, WorkBoard>,
    /// What was not well, each once.
    pub problems: Vec<String>,
}

/// What was done of one kind of work.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct WorkBoard {
    /// Pieces of work.
    pub pieces: u64,
    /// Rows that they brought.
    pub rows: u64,
    /// Rows that were rejected.
    pub rejected: u64,
    /// Pieces that failed.
    pub failed: u64,
    /// Pieces that were refused.
    pub denied: u64,
    /// Calls.
    pub calls: CallCounts,
}

impl WorkBoard {
    /// Adds what was done elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.pieces += other.pieces;
        self.rows += other.rows;
        self.rejected += other.rejected;
        self.failed += other.failed;
        self.denied += other.denied;
        self.calls.add(other.calls);
    }
}

/// The same for whoever records metrics.
fn meter(health: &Health, rows: u64, lag_s: Option<f64>) {
    let (work, status) = (health.work.as_str(), health.status.as_str());
    counter!("airshed_collect_pieces_total", "work" => work, "status" => status).increment(1);
    counter!("airshed_collect_rows_total", "work" => work).increment(rows + health.rows);
    counter!("airshed_collect_rows_rejected_total", "work" => work).increment(health.rows_rejected);
    counter!("airshed_collect_rows_left_out_total", "work" => work).increment(health.rows_left_out);
    counter!("airshed_collect_api_calls_total", "work" => work).increment(health.calls.calls);
    counter!("airshed_collect_api_throttles_total", "work" => work).increment(health.calls.throttles);
    counter!("airshed_collect_api_retries_total", "work" => work).increment(health.calls.retries);
    // Counters are whole numbers.
    counter!("airshed_collect_api_cost_nano_usd_total", "work" => work).increment(health.calls.cost_nano_usd);
    if let Some(lag_s) = lag_s {
        gauge!("airshed_collect_lag_seconds", "work" => work).set(lag_s);
    }
}

impl Board {
    /// The shards so far.
    pub fn shards(&self) -> BTreeMap<Shard, ShardBoard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn change(&self, shard: Shard, change: impl FnOnce(&mut ShardBoard)) {
        change(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(shard).or_default());
    }

    /// Notes a piece of work that was committed with so many rows of `utilization`.
    pub(crate) fn note(&self, health: &Health, rows: u64, lag_s: Option<f64>) {
        meter(health, rows, lag_s);
        self.change(health.shard, |board| {
            let work = board.works.entry(health.work).or_default();
            work.add(&WorkBoard {
                pieces: 1,
                rows: rows + health.rows,
                rejected: health.rows_rejected,
                failed: u64::from(matches!(health.status, Status::Throttled | Status::Failed)),
                denied: u64::from(health.status == Status::Denied),
                calls: health.calls,
            });
            if let (true, Some(detail)) = (health.status != Status::Ok, &health.detail) {
                let place =
                    health.scope.as_ref().map(|scope| format!(", {}", scope.region)).unwrap_or_default();
                let problem = format!(
                    "{} of {}{place}: {}: {detail}",
                    health.work.as_str(),
                    health.unit,
                    health.status.as_str()
                );
                if board.problems.len() < PROBLEMS_KEPT && !board.problems.contains(&problem) {
                    board.problems.push(problem);
                }
            }
        });
    }
}
