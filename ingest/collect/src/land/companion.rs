//! What a batch did beside its rows, as rows of other tables.

use std::{fmt::Write as _, sync::Arc};

use airshed_domain::schema::{self, Table, column as c};
use airshed_lake::{Bounds, DataFile, EncodedFile, FileEncoder, Lake, PartitionValues};
use arrow::array::{
    ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{CollectedObject, RejectedPoint};
use crate::{
    board::Board,
    error::{Context as _, Result},
    health::Health,
    unit::Shard,
};

/// Partition value of rejects of collectors: a data point has no billing period of its own.
const NO_PERIOD: &str = "unknown";
/// Hexadecimal digits of the source in a delivery id.
const DELIVERY_DIGITS: usize = 12;
const NANO: f64 = 1e-9;

/// A file of another table that belongs to a batch, as the footer names it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Companion {
    pub(super) table: String,
    path: String,
    size: u64,
    rows: u64,
    partition: PartitionValues,
}

impl Companion {
    fn of(table: &Table, file: DataFile) -> Self {
        let DataFile { path, size, rows, partition, bounds: _ } = file;
        Self { table: table.name.to_owned(), path, size, rows, partition }
    }

    pub(super) fn file(&self) -> DataFile {
        DataFile {
            path: self.path.clone(),
            size: self.size,
            rows: self.rows,
            partition: self.partition.clone(),
            bounds: Bounds::default(),
        }
    }
}

/// The tables that a batch may have files of, beside `utilization`.
pub(super) fn tables() -> [Table; 4] {
    [
        schema::collected_objects(),
        schema::rejects(),
        schema::utilization_estimates(),
        schema::collector_health(),
    ]
}

/// What a shard's batch did beside its rows.
#[derive(Debug, Default)]
pub(super) struct Companions {
    health: Vec<(Health, u64)>,
    objects: Vec<(CollectedObject, Counts)>,
    rejects: Vec<RejectedPoint>,
    /// By billing period.
    estimates: Vec<(String, RecordBatch)>,
}

#[derive(Debug, Clone, Copy)]
struct Counts {
    rows: u64,
    rejected: u64,
    left_out: u64,
}

/// Who lands a batch, and when.
#[derive(Debug, Clone)]
pub(super) struct Stamp {
    pub(super) collector: String,
    pub(super) at: Timestamp,
}

impl Companions {
    /// Adds what a piece with so many rows of `utilization` did.
    pub(super) fn add(
        &mut self,
        rows: u64,
        health: Health,
        object: Option<CollectedObject>,
        rejects: Vec<RejectedPoint>,
        estimates: Vec<(String, RecordBatch)>,
    ) {
        let counts = Counts { rows, rejected: health.rows_rejected, left_out: health.rows_left_out };
        self.objects.extend(object.map(|object| (object, counts)));
        self.rejects.extend(rejects);
        self.estimates.extend(estimates);
        self.health.push((health, rows));
    }

    /// Shows what was committed.
    pub(super) fn show(&self, board: &Board, at: Timestamp) {
        self.health.iter().for_each(|(health, rows)| board.note(health, *rows, lag_s(health, at)));
    }

    /// Puts the files; they belong to no table yet.
    pub(super) async fn put(
        &self,
        lake: &Lake,
        shard: Shard,
        number: i64,
        stamp: &Stamp,
    ) -> Result<Vec<Companion>> {
        let mut files =
            vec![(schema::collector_health(), PartitionValues::new(), self.health_file(shard, stamp)?)];
        if !self.objects.is_empty() {
            files.push((schema::collected_objects(), PartitionValues::new(), self.objects_file(stamp)?));
        }
        for source in sources(&self.rejects) {
            let batch = format!("{shard}-{number:010}");
            let partition =
                [(c::PERIOD, NO_PERIOD), (c::DELIVERY_ID, &delivery_id(source)), (c::BATCH_ID, &batch)]
                    .map(|(column, value)| (column.to_owned(), value.to_owned()));
            files.push((schema::rejects(), partition.into(), self.rejects_file(source)?));
        }
        for (period, batch) in &self.estimates {
            let table = schema::utilization_estimates();
            let partition = [(c::PERIOD.to_owned(), period.clone())].into();
            let file = encode(&table, batch)?;
            files.push((table, partition, file));
        }
        let mut companions = Vec::with_capacity(files.len());
        for (table, partition, file) in files {
            let context = || format!("cannot put a file of `{}`", table.name);
            let open = lake.table(&table).await.context(context)?;
            let name = super::stem(shard, number);
            companions.push(Companion::of(&table, open.put(&partition, &name, file).await.context(context)?));
        }
        Ok(companions)
    }

    fn health_file(&self, shard: Shard, stamp: &Stamp) -> Result<EncodedFile> {
        let rows = &self.health;
        let texts = |value: &dyn Fn(&Health) -> Option<String>| -> ArrayRef {
            Arc::new(rows.iter().map(|(health, _)| value(health)).collect::<StringArray>())
        };
        let counts = |value: &dyn Fn(&Health) -> u64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|(health, _)| signed(value(health)))))
        };
        let columns: Vec<ArrayRef> = vec![
            instants(rows.iter().map(|_| Some(stamp.at))),
            texts(&|_| Some(stamp.collector.clone())),
            Arc::new(Int32Array::from_iter_values(rows.iter().map(|_| i32::from(shard.0)))),
            texts(&|health| Some(health.unit.to_string())),
            texts(&|health| Some(health.work.as_str().to_owned())),
            texts(&|health| health.account().map(str::to_owned)),
            texts(&|health| health.scope.as_ref().map(|scope| scope.region.clone())),
            texts(&|health| Some(health.status.as_str().to_owned())),
            texts(&|health| health.detail.clone()),
            instants(rows.iter().map(|(health, _)| health.watermark)),
            Arc::new(rows.iter().map(|(health, _)| lag_s(health, stamp.at)).collect::<Float64Array>()),
            Arc::new(Int64Array::from_iter_values(
                rows.iter().map(|(health, rows)| signed(health.rows + rows)),
            )),
            counts(&|health| health.rows_rejected),
            counts(&|health| health.rows_left_out),
            counts(&|health| health.calls.calls),
            counts(&|health| health.calls.throttles),
            counts(&|health| health.calls.retries),
            Arc::new(Float64Array::from_iter_values(
                rows.iter().map(|(health, _)| health.calls.cost_nano_usd as f64 * NANO),
            )),
        ];
        of_columns(&schema::collector_health(), columns)
    }

    fn objects_file(&self, stamp: &Stamp) -> Result<EncodedFile> {
        let rows = &self.objects;
        let texts = |value: &dyn Fn(&CollectedObject) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(rows.iter().map(|(object, _)| value(object))))
        };
        let counts = |value: &dyn Fn(&Counts) -> u64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, counts)| signed(value(counts)))))
        };
        let columns: Vec<ArrayRef> = vec![
            texts(&|object| object.stream.clone()),
            texts(&|object| object.uri.clone()),
            texts(&|object| object.e_tag.clone()),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|(object, _)| signed(object.size_bytes)))),
            texts(&|object| object.format.to_owned()),
            counts(&|counts| counts.rows),
            counts(&|counts| counts.rejected),
            counts(&|counts| counts.left_out),
            instants(rows.iter().map(|_| Some(stamp.at))),
        ];
        of_columns(&schema::collected_objects(), columns)
    }

    fn rejects_file(&self, source: &str) -> Result<EncodedFile> {
        let rows: Vec<_> = self.rejects.iter().filter(|reject| reject.source == source).collect();
        let none = || -> ArrayRef { Arc::new(rows.iter().map(|_| None::<&str>).collect::<StringArray>()) };
        let texts = |value: &dyn Fn(&RejectedPoint) -> Option<String>| -> ArrayRef {
            Arc::new(rows.iter().map(|reject| value(reject)).collect::<StringArray>())
        };
        let whole = |reject: &RejectedPoint| if reject.record < 0 { -1 } else { 0 };
        let columns: Vec<ArrayRef> = vec![
            texts(&|reject| Some(reject.source.clone())),
            Arc::new(Int32Array::from_iter_values(rows.iter().map(|reject| whole(reject)))),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|reject| reject.record))),
            none(),
            texts(&|reject| Some(reject.reason.to_owned())),
            texts(&|reject| Some(reject.detail.clone())),
            texts(&|reject| reject.value.clone()),
            none(),
            none(),
        ];
        of_columns(&schema::rejects(), columns)
    }
}

/// Age of the newest data at a moment, seconds.
fn lag_s(health: &Health, at: Timestamp) -> Option<f64> {
    health.newest.map(|newest| (at.as_microsecond() - newest.as_microsecond()) as f64 * 1e-6)
}

/// The delivery id that rejects of a source are kept under.
fn delivery_id(source: &str) -> String {
    let hash = Sha256::digest(source);
    let bytes = hash.iter().take(DELIVERY_DIGITS / 2);
    bytes.fold(schema::COLLECTED_PREFIX.to_owned(), |mut id, byte| {
        // Writing to a string does not fail.
        let _ = write!(id, "{byte:02x}");
        id
    })
}

fn sources(rejects: &[RejectedPoint]) -> Vec<&str> {
    let mut sources: Vec<&str> = rejects.iter().map(|reject| reject.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    sources
}

fn of_columns(table: &Table, columns: Vec<ArrayRef>) -> Result<EncodedFile> {
    let context = || format!("cannot make rows of `{}`", table.name);
    encode(table, &RecordBatch::try_new(table.file_schema(), columns).context(context)?)
}

fn encode(table: &Table, batch: &RecordBatch) -> Result<EncodedFile> {
    let context = || format!("cannot write a file of `{}`", table.name);
    let mut encoder = FileEncoder::new(table, batch.schema()).context(context)?;
    encoder.write(batch).context(context)?;
    encoder.finish().context(context)
}

fn instants(values: impl Iterator<Item = Option<Timestamp>>) -> ArrayRef {
    let values = values.map(|value| value.map(Timestamp::as_microsecond));
    Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
