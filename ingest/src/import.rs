//! From an input to published tables.
//!
//! For each delivery: fingerprint its objects, leave it alone when that very batch is in the ledger, read and shuffle
//! its rows on worker threads, sort and encode the shards, check that nothing was lost and that no other delivery bills
//! the same, publish. A copy is left out while another delivery holds its bytes; when that one gave them up later in the
//! same import, the copy's delivery is visited once more. What the tables hold of
//! a delivery is replaced as a whole, all periods in one commit a table: first `line_sources`, `rejects` and
//! `provider_reported`, then `billing_lines`, which readers take as the truth, and last `objects`, whose rows say that
//! the batch is complete. Killed in between, the next import finds no such rows, reads the delivery again and makes the
//! same files, which the tables then already hold.

pub(crate) mod fingerprint;
mod overlap;
pub(crate) mod publish;
mod read;
mod report;

use std::{path::PathBuf, sync::Arc};

use airshed_domain::id::BatchId;
use airshed_lake::{Lake, Location};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub use self::report::{
    CostSum, DeliveryReport, Duplicate, ImportReport, NoProgress, Outcome, PeriodReport, Progress,
};
use self::{
    fingerprint::{Holding, KnownObjects},
    overlap::{Overlap, Overlaps},
    publish::Publication,
    read::{ReadSettings, Reading},
};
use crate::{
    discover::{DataObject, Delivery, discover},
    error::{Error, ErrorKind, Result},
    shard::{self, SHARD_LINES},
};

/// How an import uses the machine. No figure of the ledger depends on any of it.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// Worker threads that decode, sort and encode; at least 1.
    pub threads: usize,
    /// Bytes of lines held in memory, over all threads, before they go to the spill folder.
    pub memory_budget_bytes: usize,
    /// Folder of temporary files. Made when missing.
    pub spill_folder: PathBuf,
}

impl ImportOptions {
    /// Default of `memory_budget_bytes`: 512 MiB.
    pub const MEMORY_BUDGET_BYTES: usize = 512 << 20;
    /// Default of `threads`.
    pub const THREADS: usize = 2;

    /// The defaults, with temporary files in `spill_folder`.
    pub fn new(spill_folder: impl Into<PathBuf>) -> Self {
        Self {
            threads: Self::THREADS,
            memory_budget_bytes: Self::MEMORY_BUDGET_BYTES,
            spill_folder: spill_folder.into(),
        }
    }
}

/// Imports everything at `input` into `lake`.
///
/// `imported_at` is recorded in `objects`. `cancel` is honoured between batches and between commits. A delivery that
/// cannot be imported as it stands is [`Outcome::Refused`] in the report and leaves the others alone.
///
/// # Errors
/// When the input or the lake cannot be used at all, when `cancel` was called, or when a check of our own fails: then
/// nothing of the delivery at hand is published.
pub async fn import(
    input: &Location,
    lake: &Lake,
    options: &ImportOptions,
    imported_at: Timestamp,
    progress: Arc<dyn Progress>,
    cancel: &CancellationToken,
) -> Result<ImportReport> {
    let discovery = discover(input).await?;
    let bytes = discovery.deliveries.iter().flat_map(|d| &d.objects).map(|object| object.size_bytes).sum();
    progress.discovered(discovery.deliveries.len(), bytes);
    let mut known = KnownObjects::load(lake, Holding::Billing).await?;
    let mut report = ImportReport { deliveries: Vec::new(), ignored: discovery.ignored };
    let overlaps = Overlaps::new(lake, options.threads);
    let mut importer = Importer { input, lake, options, imported_at, progress, cancel, overlaps };
    let mut fingerprints = vec![Vec::new(); discovery.deliveries.len()];
    for (delivery, hashed) in discovery.deliveries.iter().zip(&mut fingerprints) {
        let outcome = importer.visit(delivery, hashed, &mut known, &mut report).await?;
        report.deliveries.push(outcome);
    }
    for (index, (delivery, hashed)) in discovery.deliveries.iter().zip(&mut fingerprints).enumerate() {
        if known.lacks_duplicates(delivery, hashed, &report.deliveries[index].duplicates) {
            report.deliveries[index] = importer.visit(delivery, hashed, &mut known, &mut report).await?;
        }
    }
    report.ignored.sort();
    report.ignored.dedup();
    Ok(report)
}

struct Importer<'a> {
    input: &'a Location,
    lake: &'a Lake,
    options: &'a ImportOptions,
    imported_at: Timestamp,
    progress: Arc<dyn Progress>,
    cancel: &'a CancellationToken,
    overlaps: Overlaps,
}

impl Importer<'_> {
    /// Imports a delivery. `fingerprints` are those of its objects, empty until they are known.
    async fn visit(
        &mut self,
        delivery: &Delivery,
        fingerprints: &mut Vec<String>,
        known: &mut KnownObjects,
        report: &mut ImportReport,
    ) -> Result<DeliveryReport> {
        if self.cancel.is_cancelled() {
            return Err(Error::cancelled());
        }
        self.progress.delivery(&delivery.uri);
        let mut outcome = DeliveryReport::new(delivery);
        match self.delivery(delivery, fingerprints, known, &mut outcome, report).await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Input => outcome.outcome = Outcome::Refused(error),
            Err(error) => return Err(error),
        }
        Ok(outcome)
    }

    async fn delivery(
        &mut self,
        delivery: &Delivery,
        fingerprints: &mut Vec<String>,
        known: &mut KnownObjects,
        outcome: &mut DeliveryReport,
        report: &mut ImportReport,
    ) -> Result<()> {
        if let Some(missing) = delivery.missing.first() {
            let count = delivery.missing.len();
            return Err(Error::input(format!(
                "the manifest lists {count} files that are not there, such as `{missing}`"
            ))
            .on(&delivery.uri));
        }
        if fingerprints.is_empty() {
            *fingerprints =
                fingerprint::fingerprints(&delivery.objects, self.options.threads, self.cancel).await?;
        }
        let (objects, duplicates) = known.split(&delivery.id, &delivery.objects, fingerprints);
        outcome.duplicates = duplicates;
        let skipped: u64 = delivery.objects.iter().map(|object| object.size_bytes).sum::<u64>()
            - objects.iter().map(|(object, _)| object.size_bytes).sum::<u64>();
        self.progress.advanced(0, skipped);
        if objects.is_empty() && !known.holds_delivery(&delivery.id) {
            return Ok(());
        }
        let batch = fingerprint::batch_id(&delivery.id, &objects);
        outcome.batch = Some(batch.clone());
        if known.holds_batch(&delivery.id, &batch) {
            self.progress.advanced(0, objects.iter().map(|(object, _)| object.size_bytes).sum());
            report.ignored.extend(known.not_billing(&delivery.id, &objects));
            outcome.unreadable = known.unreadable(&delivery.id).map(str::to_owned).collect();
            outcome.outcome = Outcome::Unchanged;
            return Ok(());
        }
        let data: Vec<DataObject> = objects.iter().map(|(object, _)| object.clone()).collect();
        let reading = self.read(data).await?;
        report.ignored.extend(reading.not_billing());
        let holds_rows = reading.objects.iter().any(|object| object.format.is_some());
        if !holds_rows && !known.holds_delivery(&delivery.id) {
            return Ok(());
        }
        outcome.objects = reading.objects.iter().filter(|object| object.format.is_some()).count();
        outcome.unreadable = reading.unreadable();
        outcome.first_rejects = reading.first_rejects();
        outcome.periods = self.publish(delivery, &batch, reading, &objects, known).await?;
        known.replace(&delivery.id, &batch, &objects);
        outcome.outcome = Outcome::Imported;
        Ok(())
    }

    async fn read(&self, objects: Vec<DataObject>) -> Result<Reading> {
        let threads = self.options.threads.max(1);
        let settings = ReadSettings {
            threads,
            budget_bytes: self.options.memory_budget_bytes / threads,
            spill_folder: self.options.spill_folder.clone(),
        };
        read::read(&self.input.store, objects, &settings, &self.progress, self.cancel).await
    }

    async fn publish(
        &mut self,
        delivery: &Delivery,
        batch: &BatchId,
        reading: Reading,
        objects: &[(DataObject, String)],
        known: &KnownObjects,
    ) -> Result<Vec<PeriodReport>> {
        let mut publication = Publication::open(self.lake, &delivery.id, batch).await?;
        let Reading { shuffled, rejects, provider_reported, objects: read, rows_read } = reading;
        let shuffled = Arc::new(shuffled);
        let shards = shard::plan(&shuffled, SHARD_LINES);
        publication.put_shards(&shuffled, shards, objects, self.options.threads.max(1), self.cancel).await?;
        let (table, files) = publication.lines();
        if let Some(overlap) = self.overlaps.find(&delivery.id, table, files).await? {
            return Err(billed_twice(&overlap, delivery, known));
        }
        publication.put_rejects(&rejects, objects).await?;
        publication.put_provider_reported(&provider_reported).await?;
        publication.put_objects(&read, objects, self.imported_at).await?;
        let periods = publication.check(&shuffled, &rejects, rows_read)?;
        drop(shuffled);
        publication.commit(self.cancel).await?;
        Ok(periods)
    }
}

fn billed_twice(overlap: &Overlap, delivery: &Delivery, known: &KnownObjects) -> Error {
    let Overlap { delivery: other, period, provider, billing_account } = overlap;
    let brought = known.uris(other).next().map(|uri| format!(" (`{uri}`)")).unwrap_or_default();
    Error::input(format!(
        "delivery {} has lines of {period} of {provider} account `{billing_account}` that delivery {other}{brought} \
         brought already in other bytes, and importing both would count them twice; remove one of them: leave out \
         this one, or put its files in place of the other's",
        delivery.id
    ))
    .on(&delivery.uri)
}

#[cfg(test)]
pub(crate) mod tests;
