//! Finds a bill that two deliveries hold in other bytes: another export of it, another format, another order of rows.
//!
//! Equal bytes are found by their fingerprint before anything is read. Here the lines themselves are compared, per
//! billing period, provider and billing account, of the delivery at hand and of every other one that is live. Of each
//! only the first file is looked at, and of its lines the 1,000 smallest hashes: lines are put into files by a hash of
//! what they say, so the first files of two readings of a bill hold the same lines, and the smallest hashes of both are
//! the same ones. Two signs count: shared line ids, and, as AWS gives other ids in every export, lines of the same
//! content throughout. Sums are no sign: two halves of a month of steady use cost the same.
//!
//! Parts of a month share no lines and stand side by side.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use airshed_domain::{id::DeliveryId, schema::column as c};
use airshed_lake::{DataFile, LakeTable};
use arrow::{
    array::{Array as _, ArrayRef, AsArray, RecordBatch, StringArray},
    compute::cast,
    datatypes::DataType,
    row::{RowConverter, SortField},
};
use bytes::Bytes;
use parquet::arrow::{ProjectionMask, arrow_reader::ParquetRecordBatchReaderBuilder};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Context as _, Error, Result};

/// Hashes kept of an account's lines.
const SAMPLE_LINES: usize = 1_000;
/// Whose lines are compared.
const ACCOUNT: [&str; 2] = [c::PROVIDER, c::BILLING_ACCOUNT_ID];
/// What makes two lines the same use, whatever their ids.
const CONTENT: [&str; 9] = [
    c::ACCOUNT_ID,
    c::SERVICE_CODE,
    c::USAGE_TYPE,
    c::OPERATION,
    c::RESOURCE_ID,
    c::LINE_TYPE,
    c::USAGE_START,
    c::USAGE_AMOUNT,
    c::BILLED_COST,
];

/// The lines that another delivery holds too.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overlap {
    /// The other delivery.
    pub(super) delivery: DeliveryId,
    /// Billing period, as in the partitions.
    pub(super) period: String,
    /// Provider.
    pub(super) provider: String,
    /// Billing account; empty where the export names none.
    pub(super) billing_account: String,
}

/// Samples of the files looked at so far, by path: a path names the content of its file.
#[derive(Default)]
pub(super) struct Samples {
    files: BTreeMap<String, Arc<FileSample>>,
}

type FileSample = BTreeMap<(String, String), AccountSample>;

#[derive(Default)]
struct AccountSample {
    ids: Smallest,
    contents: Smallest,
}

impl Samples {
    /// The first overlap of the delivery, whose files are put and not yet published, with what others hold.
    pub(super) async fn overlap(
        &mut self,
        delivery: &DeliveryId,
        table: &LakeTable,
        files: &[DataFile],
    ) -> Result<Option<Overlap>> {
        let live = table.files().context(|| "cannot list the lines of other deliveries".to_owned())?;
        let others = first_files(live.iter().filter(|file| of_delivery(file) != Some(delivery.as_str())));
        for ((period, _), file) in first_files(files.iter()) {
            let mut here = None;
            for ((_, holder), other) in others.iter().filter(|((of_other, _), _)| *of_other == period) {
                let mine = match &here {
                    Some(sample) => Arc::clone(sample),
                    None => Arc::clone(here.insert(self.sample(table, file).await?)),
                };
                let theirs = self.sample(table, other).await?;
                let same = mine.iter().find(|(account, mine)| {
                    theirs.get(*account).is_some_and(|theirs| mine.bills_the_same(theirs))
                });
                if let Some(((provider, billing_account), _)) = same {
                    return Ok(Some(Overlap {
                        delivery: DeliveryId::new(*holder),
                        period: period.to_owned(),
                        provider: provider.clone(),
                        billing_account: billing_account.clone(),
                    }));
                }
            }
        }
        Ok(None)
    }

    async fn sample(&mut self, table: &LakeTable, file: &DataFile) -> Result<Arc<FileSample>> {
        if let Some(known) = self.files.get(&file.path) {
            return Ok(Arc::clone(known));
        }
        let bytes = table.fetch(file).await.context(|| "cannot read lines to compare".to_owned())?;
        let sample = tokio::task::spawn_blocking(move || sample(bytes))
            .await
            .context(|| "comparing lines was broken off".to_owned())??;
        let sample = Arc::new(sample);
        self.files.insert(file.path.clone(), Arc::clone(&sample));
        Ok(sample)
    }
}

impl AccountSample {
    /// A tenth of the ids in common is more than the few equal lines that parts of a month may have. Content must agree
    /// nearly throughout, as it says less than an id.
    fn bills_the_same(&self, other: &Self) -> bool {
        let ids = self.ids.compare(&other.ids);
        let contents = self.contents.compare(&other.contents);
        (ids.shared > 0 && ids.shared * 10 >= ids.smaller)
            || (contents.shared > 0 && contents.shared * 10 >= contents.larger * 9)
    }
}

/// The smallest distinct hashes of a set.
#[derive(Default)]
struct Smallest(BTreeSet<u64>);

/// Of two sets, as far as both samples reach.
struct Comparison {
    shared: usize,
    smaller: usize,
    larger: usize,
}

impl Smallest {
    fn insert(&mut self, hash: u64) {
        let full = self.0.len() >= SAMPLE_LINES;
        if full && self.0.last().is_some_and(|&last| hash >= last) {
            return;
        }
        if self.0.insert(hash) && full {
            self.0.pop_last();
        }
    }

    fn reach(&self) -> u64 {
        self.0.last().copied().filter(|_| self.0.len() >= SAMPLE_LINES).unwrap_or(u64::MAX)
    }

    fn compare(&self, other: &Self) -> Comparison {
        let reach = self.reach().min(other.reach());
        let (here, there) = (self.0.range(..=reach).count(), other.0.range(..=reach).count());
        let shared = self.0.range(..=reach).filter(|hash| other.0.contains(hash)).count();
        Comparison { shared, smaller: here.min(there), larger: here.max(there) }
    }
}

fn of_delivery(file: &DataFile) -> Option<&str> {
    file.partition.get(c::DELIVERY_ID).map(String::as_str)
}

/// The first file of each period and delivery.
fn first_files<'a>(files: impl Iterator<Item = &'a DataFile>) -> BTreeMap<(&'a str, &'a str), &'a DataFile> {
    let mut first: BTreeMap<(&str, &str), &DataFile> = BTreeMap::new();
    for file in files {
        let Some((period, delivery)) = file.partition.get(c::PERIOD).zip(of_delivery(file)) else { continue };
        let held = first.entry((period, delivery)).or_insert(file);
        if file.path < held.path {
            *held = file;
        }
    }
    first
}

fn sample(bytes: Bytes) -> Result<FileSample> {
    let context = || "cannot read lines to compare".to_owned();
    let broken = |error: parquet::errors::ParquetError| Error::bug(context()).caused_by(error);
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(broken)?;
    let columns = ACCOUNT.into_iter().chain([c::LINE_ID]).chain(CONTENT);
    let mask = ProjectionMask::columns(reader.parquet_schema(), columns);
    let reader = reader.with_projection(mask).build().map_err(broken)?;
    let mut sample = FileSample::new();
    for batch in reader {
        let batch = batch.context(context)?;
        let accounts = [texts(&batch, ACCOUNT[0])?, texts(&batch, ACCOUNT[1])?];
        let [providers, accounts] = accounts.each_ref().map(AsArray::as_string::<i32>);
        let (ids, contents) = (hashes(&batch, &[c::LINE_ID])?, hashes(&batch, &CONTENT)?);
        let text = |column: &StringArray, row: usize| {
            if column.is_valid(row) { column.value(row).to_owned() } else { String::new() }
        };
        let same = |a: usize, b: usize| {
            [providers, accounts]
                .iter()
                .all(|column| column.is_null(a) == column.is_null(b) && column.value(a) == column.value(b))
        };
        // Lines of an account stand nearly together: it is looked up where it changes only.
        let mut start = 0;
        while start < batch.num_rows() {
            let end = (start..batch.num_rows()).find(|&row| !same(start, row)).unwrap_or(batch.num_rows());
            let account = (text(providers, start), text(accounts, start));
            let of_account = sample.entry(account).or_default();
            for row in start..end {
                of_account.ids.insert(ids[row]);
                of_account.contents.insert(contents[row]);
            }
            start = end;
        }
    }
    Ok(sample)
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| Error::bug(format!("a file of lines has no column `{name}`")))
}

fn texts(batch: &RecordBatch, name: &str) -> Result<ArrayRef> {
    cast(column(batch, name)?, &DataType::Utf8).context(|| format!("cannot read column `{name}`"))
}

/// A hash of some columns of every row.
fn hashes(batch: &RecordBatch, names: &[&str]) -> Result<Vec<u64>> {
    let context = || "cannot compare lines".to_owned();
    let columns = names.iter().map(|name| column(batch, name).cloned()).collect::<Result<Vec<_>>>()?;
    let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
    let rows = RowConverter::new(fields).and_then(|converter| converter.convert_columns(&columns));
    Ok(rows.context(context)?.iter().map(|row| xxh3_64(row.as_ref())).collect())
}
