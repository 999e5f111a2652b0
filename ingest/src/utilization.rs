//! Measured utilisation of resources, from CSV files into the table `utilization`.
//!
//! A file (plain or gzip) has the columns `resource_id`, `usage_start`, `usage_end`, `metric` and `avg`, and may have
//! `max`, `samples`, `account_id` and `region`, in any order; any other column is refused by name. Each file is a
//! delivery of its own: read again with other content it replaces what it brought before, read again as it was it
//! changes nothing, and a copy of it elsewhere is left out.
//!
//! At any time these files bring at most one measurement of a metric of a resource: a row that overlaps another one of its
//! file, or one that another imported file brought, is a reject, because no mean of the two would be right and nobody says
//! which is. What collectors brought is not looked at. Memory holds the rows of one file (some 150 bytes each) and, of
//! what other imported files brought, the intervals of the same resources and periods.

mod publish;
mod read;

pub(crate) use publish::delivery_of_file;

use std::{collections::BTreeMap, sync::Arc};

use airshed_domain::{id::DeliveryId, period::BillingPeriod};
use airshed_lake::{Lake, Location};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::{
    discover::{DataObject, IgnoreReason, IgnoredObject, listing},
    error::{Context as _, Error, ErrorKind, Result},
    format::StoredObject,
    import::fingerprint::{self, Holding, KnownObjects},
};

/// Hex digits of a delivery id.
const DELIVERY_ID_DIGITS: usize = 12;
/// Endings of the files of a folder that are read.
const ENDINGS: &[&str] = &[".csv", ".csv.gz"];
/// Times that a file is tried to publish while other imports get in first.
const PUBLISH_ATTEMPTS: u32 = 8;
/// Files that are hashed at the same time.
const HASH_AHEAD: usize = 2;

/// What an import of utilisation did.
#[derive(Debug)]
pub struct UtilizationReport {
    /// Every file, in the order of the URIs.
    pub files: Vec<UtilizationFile>,
    /// Objects of the folder that are no CSV files.
    pub ignored: Vec<IgnoredObject>,
}

/// What became of one file. `rows` counts data rows: each is a measurement or a reject.
#[derive(Debug)]
pub struct UtilizationFile {
    /// Where it is.
    pub uri: String,
    /// The delivery that it makes up.
    pub delivery: DeliveryId,
    /// What became of it.
    pub outcome: UtilizationOutcome,
    /// Data rows read.
    pub rows: u64,
    /// Rows that were rejected, with their reasons in the table `rejects`.
    pub rejects: u64,
    /// Measurements in the ledger by billing period. One that crosses the end of a month is cut there and counted in
    /// both.
    pub measurements: BTreeMap<BillingPeriod, u64>,
    /// Rows of metrics that are kept, and that no calculation reads.
    pub unused_metrics: BTreeMap<String, u64>,
}

/// What became of a file.
#[derive(Debug)]
pub enum UtilizationOutcome {
    /// It was published, in place of what it had brought before.
    Imported,
    /// The ledger holds just this already.
    Unchanged,
    /// Another file with the same bytes is in the ledger already.
    Duplicate {
        /// Where that one was.
        of: String,
    },
    /// It cannot be imported as it stands; the ledger keeps what it had of it.
    Refused(Error),
}

/// Imports a CSV file of utilisation, or all of a folder, into `lake`.
///
/// `imported_at` is recorded in `objects`. A file that cannot be imported as it stands is
/// [`UtilizationOutcome::Refused`] in the report and leaves the others alone; a bad row is a reject.
///
/// # Errors
/// When the input or the lake cannot be used at all, when `cancel` was called, or for a defect of ours.
pub async fn import_utilization(
    input: &Location,
    lake: &Lake,
    imported_at: Timestamp,
    cancel: &CancellationToken,
) -> Result<UtilizationReport> {
    let (objects, ignored) = list(input).await?;
    let fingerprints = fingerprint::fingerprints(&objects, HASH_AHEAD, cancel).await?;
    let mut known = KnownObjects::load(lake, Holding::Utilization).await?;
    let mut report = UtilizationReport { files: Vec::new(), ignored };
    for object in objects.into_iter().zip(fingerprints) {
        if cancel.is_cancelled() {
            return Err(Error::cancelled());
        }
        let mut file = UtilizationFile::new(&object.0.uri);
        match import_file(input, lake, object, imported_at, &mut known, &mut file).await {
            Ok(outcome) => file.outcome = outcome,
            Err(error) if error.kind() == ErrorKind::Input => {
                file.outcome = UtilizationOutcome::Refused(error);
            }
            Err(error) => return Err(error),
        }
        report.files.push(file);
    }
    Ok(report)
}

async fn import_file(
    input: &Location,
    lake: &Lake,
    (object, fingerprint): (DataObject, String),
    imported_at: Timestamp,
    known: &mut KnownObjects,
    file: &mut UtilizationFile,
) -> Result<UtilizationOutcome> {
    let delivery = file.delivery.clone();
    let (kept, duplicates) = known.split(&delivery, &[object], &[fingerprint]);
    if let Some(duplicate) = duplicates.into_iter().next() {
        return Ok(UtilizationOutcome::Duplicate { of: duplicate.duplicate_of });
    }
    let [(object, fingerprint)] = kept.as_slice() else {
        return Err(Error::bug("one file became several"));
    };
    let stored = StoredObject::listed(Arc::clone(&input.store), object);
    let context = || "cannot read the file".to_owned();
    let bytes = stored.read_all().await.context(context).map_err(|error| error.on(&object.uri))?;
    stored.confirm().await.context(context).map_err(|error| error.on(&object.uri))?;
    let batch = fingerprint::batch_id(&delivery, &kept);
    let source = publish::Source { delivery: &delivery, batch: &batch, object, fingerprint, imported_at };
    let was_complete = known.holds_batch(&delivery, &batch);
    let mut attempt = 1;
    let changed = loop {
        let bytes = bytes.clone();
        let contents = tokio::task::spawn_blocking(move || read::read(&bytes))
            .await
            .context(|| "reading a file was broken off".to_owned())?
            .map_err(|error| error.on(&object.uri))?;
        match publish::publish(lake, &source, contents, was_complete, file).await {
            Err(error) if error.kind() == ErrorKind::Retry && attempt < PUBLISH_ATTEMPTS => attempt += 1,
            result => break result?,
        }
    };
    known.replace(&delivery, &batch, &kept);
    Ok(if changed { UtilizationOutcome::Imported } else { UtilizationOutcome::Unchanged })
}

impl UtilizationFile {
    fn new(uri: &str) -> Self {
        Self {
            uri: uri.to_owned(),
            delivery: delivery_id(uri),
            outcome: UtilizationOutcome::Unchanged,
            rows: 0,
            rejects: 0,
            measurements: BTreeMap::new(),
            unused_metrics: BTreeMap::new(),
        }
    }
}

/// The file itself, or the CSV files of a folder.
async fn list(input: &Location) -> Result<(Vec<DataObject>, Vec<IgnoredObject>)> {
    let listing = listing::list(input).await?;
    let mut objects = Vec::new();
    let mut ignored = Vec::new();
    for object in listing.objects {
        let uri = input.uri_of(&object.location);
        let below = object.location.as_ref().strip_prefix(input.path.as_ref()).unwrap_or_default();
        let hidden = below.split('/').any(|part| part.starts_with(['.', '_']));
        let reason = if listing.single_file {
            None
        } else if hidden {
            Some(IgnoreReason::Hidden)
        } else {
            let is_csv = ENDINGS.iter().any(|ending| below.ends_with(ending));
            (!is_csv).then_some(IgnoreReason::NotData)
        };
        match reason {
            Some(reason) => ignored.push(IgnoredObject { uri, reason }),
            None => objects.push(DataObject {
                name: object.location.filename().unwrap_or_default().to_owned(),
                uri,
                local: listing::local_file(input, &object.location),
                size_bytes: object.size,
                version_tag: object.e_tag.clone().unwrap_or_else(|| object.last_modified.to_rfc3339()),
                e_tag: object.e_tag,
                path: object.location,
            }),
        }
    }
    if objects.is_empty() {
        return Err(Error::input(format!("there are no CSV files at `{}`", input.url)));
    }
    Ok((objects, ignored))
}

/// Whether a text is the id of a delivery: not so the names of collectors' shards, which stand at the same place.
fn is_delivery_id(text: &str) -> bool {
    text.len() == DELIVERY_ID_DIGITS && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// A hash of the URI, unlike the one that the same file would have as a billing export.
fn delivery_id(uri: &str) -> DeliveryId {
    let mut hex = crate::hex(&Sha256::digest(format!("utilization\n{uri}")));
    hex.truncate(DELIVERY_ID_DIGITS);
    DeliveryId::new(hex)
}

#[cfg(test)]
mod tests;
