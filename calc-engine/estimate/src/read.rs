//! Reading billing lines with their dictionaries kept.

use airshed_domain::schema::{self, column};
use airshed_lake::{DataFile, LakeTable};
use arrow::{
    array::{Array as _, AsArray as _, Int64Array, RecordBatch, RecordBatchReader},
    compute::kernels::numeric::add,
    datatypes::Int64Type,
};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

use crate::error::{Error, ErrorKind, Result};

/// Rows of a batch.
const BATCH_ROWS: usize = 65_536;

/// The batches of a billing file, lines numbered from `first_seq`. CPU work: call it off the I/O threads.
pub(crate) fn batches(
    bytes: bytes::Bytes,
    path: &str,
    first_seq: i64,
) -> Result<impl Iterator<Item = Result<RecordBatch>>> {
    let corrupt = {
        let path = path.to_owned();
        move |e: Box<dyn std::error::Error + Send + Sync>| {
            Error::with_source(ErrorKind::Corrupt, format!("`{path}` cannot be read"), e)
        }
    };
    let options = ArrowReaderOptions::new().with_schema(schema::billing_lines().coded_file_schema());
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options)
        .and_then(|builder| builder.with_batch_size(BATCH_ROWS).build())
        .map_err(|e| corrupt(e.into()))?;
    let schema = reader.schema();
    let seq = schema.index_of(column::LINE_SEQ).map_err(|e| corrupt(e.into()))?;
    Ok(reader.map(move |batch| {
        let batch = batch.map_err(|e| corrupt(e.into()))?;
        if first_seq == 0 {
            return Ok(batch);
        }
        let mut columns = batch.columns().to_vec();
        columns[seq] =
            add(&columns[seq], &Int64Array::new_scalar(first_seq)).map_err(|e| corrupt(e.into()))?;
        RecordBatch::try_new(batch.schema(), columns).map_err(|e| corrupt(e.into()))
    }))
}

/// One billing line with the place it has in the lake.
#[derive(Debug, Clone)]
pub struct BillingLine {
    /// One row, columns of the file schema of `billing_lines` with dictionaries.
    pub line: RecordBatch,
    /// The file that holds it.
    pub file: DataFile,
    /// Its number within its delivery and period.
    pub line_seq: i64,
}

/// Finds billing lines by their id, over all periods.
pub async fn find_line(table: &LakeTable, line_id: &str) -> Result<Vec<BillingLine>> {
    let mut found = Vec::new();
    for file in table.files()? {
        let bytes = table.fetch(&file).await?;
        for batch in batches(bytes, &file.path, 0)? {
            let batch = batch?;
            let ids = batch.column_by_name(column::LINE_ID).and_then(|c| c.as_string_opt::<i32>());
            let seqs = batch.column_by_name(column::LINE_SEQ).and_then(|c| c.as_primitive_opt::<Int64Type>());
            let (Some(ids), Some(seqs)) = (ids, seqs) else {
                return Err(Error::new(ErrorKind::Corrupt, format!("`{}` lacks its keys", file.path)));
            };
            for row in (0..ids.len()).filter(|row| ids.value(*row) == line_id) {
                let line = batch.slice(row, 1);
                found.push(BillingLine { line, file: file.clone(), line_seq: seqs.value(row) });
            }
        }
    }
    Ok(found)
}
