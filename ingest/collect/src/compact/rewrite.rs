//! The rows of several files as one file, sorted. CPU work: call it off the I/O threads.

use airshed_domain::schema::{self, Table, column as c};
use airshed_lake::{EncodedFile, FileEncoder};
use arrow::{
    array::{ArrayRef, RecordBatch, UInt32Array},
    compute::{concat_batches, take},
    row::{RowConverter, Rows, SortField},
};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

use crate::error::{Context as _, Error, Result};

/// Columns that `utilization` is sorted by, before all others; other tables are sorted by their columns in order.
const UTILIZATION_ORDER: [&str; 6] =
    [c::ACCOUNT_ID, c::REGION, c::RESOURCE_ID, c::METRIC, c::USAGE_START, c::USAGE_END];
/// Rows read and written at a time.
const BATCH_ROWS: usize = 65_536;

/// The new file, and how many rows are not in it because the same row is.
pub(super) struct Rewritten {
    pub(super) file: EncodedFile,
    pub(super) repeats: u64,
}

/// Brings the rows of files of `table` into one order. Of `utilization` each row is kept once.
pub(super) fn rewrite(table: &Table, files: Vec<Bytes>) -> Result<Rewritten> {
    let context = || format!("cannot compact files of `{}`", table.name);
    let is_utilization = table.name == schema::utilization().name;
    let rows = read(table, files)?;
    let keys = sort_keys(&rows, if is_utilization { &UTILIZATION_ORDER } else { &[] })?;
    let count = u32::try_from(rows.num_rows()).map_err(|e| Error::bug(context()).caused_by(e))?;
    let mut order: Vec<u32> = (0..count).collect();
    let key = |row: &u32| keys.row(*row as usize);
    order.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
    if is_utilization {
        order.dedup_by(|a, b| key(a) == key(b));
    }
    let repeats = u64::from(count) - order.len() as u64;
    drop(keys);
    let mut encoder = FileEncoder::new(table, rows.schema()).context(context)?;
    for chunk in order.chunks(BATCH_ROWS) {
        let indices = UInt32Array::from(chunk.to_vec());
        let columns = rows.columns().iter().map(|column| take(column, &indices, None).context(context));
        let batch = RecordBatch::try_new(rows.schema(), columns.collect::<Result<_>>()?).context(context)?;
        encoder.write(&batch).context(context)?;
    }
    Ok(Rewritten { file: encoder.finish().context(context)?, repeats })
}

fn read(table: &Table, files: Vec<Bytes>) -> Result<RecordBatch> {
    let context = || format!("cannot read a file of `{}`", table.name);
    let schema = table.coded_file_schema();
    let mut batches = Vec::new();
    for file in files {
        let options = ArrowReaderOptions::new().with_schema(schema.clone());
        let builder =
            ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).context(context)?;
        for batch in builder.with_batch_size(BATCH_ROWS).build().context(context)? {
            batches.push(batch.context(context)?);
        }
    }
    concat_batches(&schema, &batches).context(context)
}

/// Rows as bytes that compare as the columns do, those of `leading` first: all columns, so that only equal rows are
/// equal.
fn sort_keys(rows: &RecordBatch, leading: &[&str]) -> Result<Rows> {
    let context = || "cannot sort rows".to_owned();
    let rest = rows.schema();
    let rest = rest.fields().iter().map(|field| field.name().as_str());
    let names = leading.iter().copied().chain(rest.filter(|name| !leading.contains(name)));
    let columns: Vec<ArrayRef> = names
        .map(|name| {
            let column = rows.column_by_name(name);
            column.cloned().ok_or_else(|| Error::bug(format!("no column `{name}`")))
        })
        .collect::<Result<_>>()?;
    let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
    RowConverter::new(fields).and_then(|converter| converter.convert_columns(&columns)).context(context)
}
