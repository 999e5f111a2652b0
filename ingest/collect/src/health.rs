//! What a piece of work did: the row of `collector_health`, and the tally of its calls.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use jiff::Timestamp;

use crate::{
    cloud::Scope,
    error::{CallError, CallErrorKind},
    unit::{Shard, Unit},
};

/// Kinds of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Work {
    /// Accounts of the organisation.
    Organization,
    /// Resources of an account and region.
    Inventory,
    /// GetMetricData of an account and region.
    Polling,
    /// Objects of a metric stream.
    Stream,
    /// A billing export.
    Billing,
    /// The provider's own figures.
    ProviderReported,
}

impl Work {
    /// Its name in `collector_health` and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Inventory => "inventory",
            Self::Polling => "polling",
            Self::Stream => "stream",
            Self::Billing => "billing",
            Self::ProviderReported => "provider_reported",
        }
    }
}

/// How a piece of work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// All of it.
    Ok,
    /// Some of it, `detail` says what is missing.
    Partial,
    /// The account refused.
    Denied,
    /// Given up for now under throttling.
    Throttled,
    /// It failed.
    Failed,
}

impl Status {
    /// Whether the work was done; else it is tried again before it is due the next time.
    pub const fn is_well(self) -> bool {
        matches!(self, Self::Ok | Self::Partial)
    }

    /// How work ends whose call failed for good.
    pub const fn of(error: &CallError) -> Self {
        match error.kind {
            CallErrorKind::Throttled => Self::Throttled,
            CallErrorKind::Denied => Self::Denied,
            _ => Self::Failed,
        }
    }

    /// Its name in `collector_health`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Partial => "partial",
            Self::Denied => "denied",
            Self::Throttled => "throttled",
            Self::Failed => "failed",
        }
    }
}

/// A row of `collector_health`; time and process are added where it is written.
#[derive(Debug, Clone)]
pub struct Health {
    /// Shard of the unit.
    pub shard: Shard,
    /// The unit.
    pub unit: Unit,
    /// What was done.
    pub work: Work,
    /// Where, for work in an account and region.
    pub scope: Option<Scope>,
    /// How it ended.
    pub status: Status,
    /// Why it is not ok.
    pub detail: Option<String>,
    /// Everything before this was taken.
    pub watermark: Option<Timestamp>,
    /// End of the newest data.
    pub newest: Option<Timestamp>,
    /// Rows that were rejected.
    pub rows_rejected: u64,
    /// Rows that the ledger does not take.
    pub rows_left_out: u64,
    /// Rows that it brought, where they are not rows of `utilization` (those are counted when they land).
    pub rows: u64,
    /// Its calls.
    pub calls: CallCounts,
}

impl Health {
    /// Work that went well and brought nothing.
    pub fn of(shard: Shard, unit: Unit, work: Work) -> Self {
        Self {
            shard,
            unit,
            work,
            scope: None,
            status: Status::Ok,
            detail: None,
            watermark: None,
            newest: None,
            rows_rejected: 0,
            rows_left_out: 0,
            rows: 0,
            calls: CallCounts::default(),
        }
    }

    /// The account of the work, where it is in one.
    pub fn account(&self) -> Option<&str> {
        match (&self.scope, &self.unit) {
            (Some(scope), _) => Some(&scope.account),
            (None, Unit::Account(id)) => Some(id),
            _ => None,
        }
    }
}

/// Calls of one piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CallCounts {
    /// Attempts.
    pub calls: u64,
    /// Attempts that were throttled.
    pub throttles: u64,
    /// Attempts after the first of a call.
    pub retries: u64,
    /// List price, in 1e-9 US dollars.
    pub cost_nano_usd: u64,
}

impl CallCounts {
    /// Adds other counts.
    pub fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.throttles += other.throttles;
        self.retries += other.retries;
        self.cost_nano_usd += other.cost_nano_usd;
    }
}

/// Counts calls while a piece of work runs; clones count into the same.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    calls: AtomicU64,
    throttles: AtomicU64,
    retries: AtomicU64,
    cost_nano_usd: AtomicU64,
}

impl Tally {
    /// Adds to the counts.
    pub fn add(&self, counts: CallCounts) {
        self.0.calls.fetch_add(counts.calls, Ordering::Relaxed);
        self.0.throttles.fetch_add(counts.throttles, Ordering::Relaxed);
        self.0.retries.fetch_add(counts.retries, Ordering::Relaxed);
        self.0.cost_nano_usd.fetch_add(counts.cost_nano_usd, Ordering::Relaxed);
    }

    /// The counts so far.
    pub fn counts(&self) -> CallCounts {
        CallCounts {
            calls: self.0.calls.load(Ordering::Relaxed),
            throttles: self.0.throttles.load(Ordering::Relaxed),
            retries: self.0.retries.load(Ordering::Relaxed),
            cost_nano_usd: self.0.cost_nano_usd.load(Ordering::Relaxed),
        }
    }
}
