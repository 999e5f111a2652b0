//! What an import did, and how it tells while it runs.

use std::{collections::BTreeMap, fmt};

use airshed_domain::{
    fixed::{MONEY_SCALE, MONEY_SUM_PRECISION},
    id::{BatchId, DeliveryId},
    period::BillingPeriod,
};
use arrow::datatypes::{Decimal128Type, DecimalType as _};

use crate::{
    discover::{Delivery, IgnoredObject},
    error::Error,
};

/// What an import did.
#[derive(Debug)]
pub struct ImportReport {
    /// Every delivery of the input, in the order of the URIs.
    pub deliveries: Vec<DeliveryReport>,
    /// Objects that are no part of a delivery or hold no billing rows.
    pub ignored: Vec<IgnoredObject>,
}

/// What became of one delivery.
#[derive(Debug)]
pub struct DeliveryReport {
    /// The delivery.
    pub id: DeliveryId,
    /// Its folder or file.
    pub uri: String,
    /// This reading of it; nothing when there was nothing to read.
    pub batch: Option<BatchId>,
    /// What became of it.
    pub outcome: Outcome,
    /// Objects that were read.
    pub objects: usize,
    /// Objects that were left out because the ledger holds their bytes already.
    pub duplicates: Vec<Duplicate>,
    /// Objects that could not be read, or not to their end: the ledger lacks what they hold beyond the lines it has.
    pub unreadable: Vec<String>,
    /// The first rejects, whole objects before rows, each as object, place and reason. All are in the table `rejects`.
    pub first_rejects: Vec<String>,
    /// What it holds by billing period; the rows without one come last. Empty unless it was imported now.
    pub periods: Vec<PeriodReport>,
}

/// What became of a delivery.
#[derive(Debug)]
pub enum Outcome {
    /// It was read and published, in place of what was there before.
    Imported,
    /// The ledger holds just these objects already.
    Unchanged,
    /// It has no object to read, as all are duplicates or hold no billing rows, and the ledger held nothing of it.
    Nothing,
    /// It cannot be imported as it stands; the ledger keeps what it had of it.
    Refused(Error),
}

/// An object whose bytes the ledger holds already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The object that was left out.
    pub uri: String,
    /// The object that holds the same bytes.
    pub duplicate_of: String,
}

/// What one delivery holds of one billing period. `rows_in = lines + provider_reported + rejects`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodReport {
    /// The period; nothing for rejects whose period could not be read.
    pub period: Option<BillingPeriod>,
    /// Rows that were read. An object that could not be read counts as one.
    pub rows_in: u64,
    /// Billing lines.
    pub lines: u64,
    /// Rows of the provider's own carbon figures.
    pub provider_reported: u64,
    /// Rejected rows.
    pub rejects: u64,
    /// Exact sum of `billed_cost` of the lines, by currency.
    pub billed_cost: BTreeMap<String, CostSum>,
}

/// An exact sum of money, in steps of 10^-12 (the scale of the ledger's money columns).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct CostSum(pub i128);

impl fmt::Display for CostSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&Decimal128Type::format_decimal(self.0, MONEY_SUM_PRECISION, MONEY_SCALE))
    }
}

impl DeliveryReport {
    pub(super) fn new(delivery: &Delivery) -> Self {
        Self {
            id: delivery.id.clone(),
            uri: delivery.uri.clone(),
            batch: None,
            outcome: Outcome::Nothing,
            objects: 0,
            duplicates: Vec::new(),
            unreadable: Vec::new(),
            first_rejects: Vec::new(),
            periods: Vec::new(),
        }
    }
}

/// Hears how an import goes on. Called from worker threads; must be quick.
pub trait Progress: Send + Sync {
    /// The input was listed.
    fn discovered(&self, deliveries: usize, bytes_total: u64);

    /// A delivery is begun.
    fn delivery(&self, uri: &str);

    /// Rows were read, and bytes of objects are done (read, or left out for a reason).
    fn advanced(&self, rows: u64, bytes: u64);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn discovered(&self, _deliveries: usize, _bytes_total: u64) {}

    fn delivery(&self, _uri: &str) {}

    fn advanced(&self, _rows: u64, _bytes: u64) {}
}
