//! Parquet files with bytes that depend on their rows alone.
//!
//! The same rows in the same order give the same bytes on any machine: batches are cut to a fixed size before they
//! reach the writer (its pages follow the batches it is given), the writer's settings are fixed here, and nothing of
//! the library's version is written. The file's name carries the SHA-256 of its bytes.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::RecordBatch,
    compute::concat_batches,
    datatypes::{DataType, SchemaRef},
};
use bytes::Bytes;
use parquet::{
    arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
    basic::{Compression, Encoding, ZstdLevel},
    file::{
        metadata::{KeyValue, ParquetMetaDataReader},
        properties::{EnabledStatistics, WriterProperties, WriterVersion},
    },
    schema::types::ColumnPath,
};
use sha2::{Digest as _, Sha256};

use airshed_domain::schema::{Table, column};

use crate::{
    bounds::Bounds,
    error::{Context as _, Result},
};

/// Rows handed to the Parquet writer at a time.
const WRITE_ROWS: usize = 65_536;
/// Rows of a row group: small enough to prune well, large enough to compress well.
const ROW_GROUP_ROWS: usize = 131_072;

/// Hexadecimal digits of the SHA-256 in a file's name.
const CONTENT_HASH_DIGITS: usize = 32;

/// Bytes after which the writer gives up on a dictionary of numbers, for the rest of the row group. Figures either repeat
/// much (an instance that runs all month) or hardly at all, and then looking each one up costs more than it saves.
const NUMBERS_DICTIONARY_BYTES: usize = 65_536;
/// Columns whose values hardly repeat: a dictionary would be built and thrown away.
const UNIQUE_COLUMNS: &[&str] = &[column::LINE_ID];
/// Columns of running numbers, stored as differences.
const SEQUENCE_COLUMNS: &[&str] = &[column::LINE_SEQ, column::ROW_NUMBER];
/// Columns that rows are sorted by or looked up with: page statistics are worth their bytes.
const SEARCHED_COLUMNS: &[&str] = &[
    column::LINE_SEQ,
    column::ACCOUNT_ID,
    column::SERVICE_CODE,
    column::USAGE_TYPE,
    column::RESOURCE_ID,
    column::USAGE_START,
    column::HOUR,
    column::DAY,
];

/// A Parquet file that stands in the lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// Path below the table's folder.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Rows.
    pub rows: u64,
    /// Values of the partition columns.
    pub partition: BTreeMap<String, String>,
    /// Smallest and largest values.
    pub bounds: Bounds,
}

impl DataFile {
    /// The first 32 hex digits of the SHA-256 of the file's bytes, as its name carries them.
    pub fn content_hash(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        let stem = name.strip_suffix(".parquet").unwrap_or(name);
        stem.rsplit('-').next().unwrap_or(stem)
    }
}

/// Whether a text is a hash as names of files carry it.
pub(crate) fn is_content_hash(text: &str) -> bool {
    text.len() == CONTENT_HASH_DIGITS
        && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A Parquet file in memory, ready to be put into the lake.
#[derive(Debug, Clone)]
pub struct EncodedFile {
    pub(crate) bytes: Bytes,
    pub(crate) rows: u64,
    pub(crate) sha256: String,
    pub(crate) bounds: Bounds,
}

impl EncodedFile {
    /// Rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Size in bytes.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The first 32 hex digits of the SHA-256 of its bytes.
    pub fn content_hash(&self) -> &str {
        &self.sha256[..CONTENT_HASH_DIGITS]
    }
}

/// Encodes the rows of one file. Pure CPU work: call it off the I/O threads.
pub struct FileEncoder {
    writer: ArrowWriter<Vec<u8>>,
    schema: SchemaRef,
    pending: Vec<RecordBatch>,
    pending_rows: usize,
    rows: u64,
    table: &'static str,
}

impl FileEncoder {
    /// An encoder for a file of `table`. Batches must have the table's file schema, where string columns may be
    /// dictionaries of strings; `schema` says which.
    pub fn new(table: &Table, schema: SchemaRef) -> Result<Self> {
        // Without the Arrow schema in the footer, readers see plain strings where we hand in dictionaries.
        let options =
            ArrowWriterOptions::new().with_properties(properties(&schema)).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(Vec::new(), Arc::clone(&schema), options)
            .context(|| format!("cannot start a file of `{}`", table.name))?;
        Ok(Self { writer, schema, pending: Vec::new(), pending_rows: 0, rows: 0, table: table.name })
    }

    /// Appends rows. Cutting the same rows into other batches gives the same file.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut rest = batch.clone();
        while self.pending_rows + rest.num_rows() >= WRITE_ROWS {
            let take = WRITE_ROWS - self.pending_rows;
            self.push(rest.slice(0, take));
            rest = rest.slice(take, rest.num_rows() - take);
            self.flush()?;
        }
        if rest.num_rows() > 0 {
            self.push(rest);
        }
        Ok(())
    }

    /// Notes a text in the file's footer, for [`footer_note`].
    pub fn note(&mut self, name: &str, text: String) {
        self.writer.append_key_value_metadata(KeyValue::new(name.to_owned(), text));
    }

    /// Ends the file.
    pub fn finish(mut self) -> Result<EncodedFile> {
        self.flush()?;
        let context = || format!("cannot end a file of `{}`", self.table);
        self.writer.flush().context(context)?;
        let bounds = Bounds::of_row_groups(self.writer.flushed_row_groups());
        let bytes = self.writer.into_inner().context(context)?;
        let sha256 = hex(&Sha256::digest(&bytes));
        Ok(EncodedFile { bytes: bytes.into(), rows: self.rows, sha256, bounds })
    }

    fn push(&mut self, batch: RecordBatch) {
        self.pending_rows += batch.num_rows();
        self.pending.push(batch);
    }

    fn flush(&mut self) -> Result<()> {
        let context = || format!("cannot write rows of `{}`", self.table);
        let batch = match self.pending.as_slice() {
            [] => return Ok(()),
            [only] => only.clone(),
            many => concat_batches(&self.schema, many)
                .map_err(parquet::errors::ParquetError::from)
                .context(context)?,
        };
        self.writer.write(&batch).context(context)?;
        self.rows += batch.num_rows() as u64;
        self.pending.clear();
        self.pending_rows = 0;
        Ok(())
    }
}

/// A text that was noted in the footer of a Parquet file.
pub fn footer_note(file: &Bytes, name: &str) -> Result<Option<String>> {
    let context = || "cannot read the footer of a file".to_owned();
    let metadata = ParquetMetaDataReader::new().parse_and_finish(file).context(context)?;
    let notes = metadata.file_metadata().key_value_metadata().into_iter().flatten();
    Ok(notes.filter(|note| note.key == name).find_map(|note| note.value.clone()))
}

fn properties(schema: &SchemaRef) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by("airshed".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for field in schema.fields() {
        let name = field.name().as_str();
        let path = ColumnPath::from(name);
        if UNIQUE_COLUMNS.contains(&name) {
            builder = builder.set_column_dictionary_enabled(path.clone(), false);
        }
        if SEQUENCE_COLUMNS.contains(&name) && *field.data_type() == DataType::Int64 {
            builder = builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
        }
        if field.data_type().is_decimal() || field.data_type().is_floating() {
            // Nobody prunes by a figure.
            builder = builder
                .set_column_dictionary_page_size_limit(path.clone(), NUMBERS_DICTIONARY_BYTES)
                .set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
        }
        if SEARCHED_COLUMNS.contains(&name) {
            builder = builder.set_column_statistics_enabled(path, EnabledStatistics::Page);
        }
    }
    builder.build()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::{Field, Schema};

    #[test]
    fn other_batches_same_bytes() {
        let schema = Arc::new(Schema::new(vec![
            Field::new(column::LINE_SEQ, DataType::Int64, false),
            Field::new(column::LINE_ID, DataType::Utf8, false),
            Field::new(column::REGION, DataType::Utf8, true),
        ]));
        let rows = 200_000i64;
        let batch = RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                Arc::new(Int64Array::from_iter_values(0..rows)),
                Arc::new(StringArray::from_iter_values((0..rows).map(|i| format!("id{i}")))),
                Arc::new(
                    (0..rows).map(|i| (i % 7 != 0).then(|| format!("r{}", i % 5))).collect::<StringArray>(),
                ),
            ],
        )
        .unwrap();
        let encode = |chunk: usize| {
            let table = airshed_domain::schema::billing_lines();
            let mut encoder = FileEncoder::new(&table, Arc::clone(&schema)).unwrap();
            let mut start = 0;
            while start < batch.num_rows() {
                let length = chunk.min(batch.num_rows() - start);
                encoder.write(&batch.slice(start, length)).unwrap();
                start += length;
            }
            encoder.finish().unwrap()
        };
        let whole = encode(batch.num_rows());
        assert_eq!(whole.rows(), 200_000);
        for chunk in [1_000, 65_536, 65_537, 131_072] {
            assert_eq!(encode(chunk).sha256, whole.sha256, "batches of {chunk}");
        }
    }
}
