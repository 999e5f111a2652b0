//! What a process shows of its work while it runs.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

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

impl Board {
    /// The shards so far.
    pub fn shards(&self) -> BTreeMap<Shard, ShardBoard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn change(&self, shard: Shard, change: impl FnOnce(&mut ShardBoard)) {
        change(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(shard).or_default());
    }

    /// Notes a piece of work that was committed with so many rows of `utilization`.
    pub(crate) fn note(&self, health: &Health, rows: u64) {
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
                let place = health.scope.as_ref().map(|scope| format!(", {}", scope.region)).unwrap_or_default();
                let problem =
                    format!("{} of {}{place}: {}: {detail}", health.work.as_str(), health.unit, health.status.as_str());
                if board.problems.len() < PROBLEMS_KEPT && !board.problems.contains(&problem) {
                    board.problems.push(problem);
                }
            }
        });
    }
}
