//! Parquet objects: only the columns that the ledger uses, strings as dictionaries, row group by row group.
//!
//! CUR 2.0 has 125 leaf columns, the ledger needs about 45. Strings of few values are asked for as dictionaries, map
//! keys and values too, so that what Parquet stores as dictionary never becomes one string per row. A row group is
//! read by itself: its dictionary pages then serve as they are, and two row groups can be decoded at once.

use std::{ops::Range, sync::Arc};

use super::{
    Format, RawBatch, ReadError,
    name::LINE_ID,
    object::StoredObject,
    reader::{BATCH_ROWS, Opened, RawReader, Source, missing_column},
};
use crate::reject::{Reason, Reject};
use ::parquet::{
    arrow::{
        ParquetRecordBatchStreamBuilder, ProjectionMask,
        arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions},
        async_reader::AsyncFileReader,
    },
    basic::Type,
    errors::ParquetError,
    file::metadata::{ParquetMetaData, ParquetMetaDataReader},
};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream, stream::BoxStream};

/// First and last bytes of a Parquet object.
pub(super) const MAGIC: &[u8] = b"PAR1";
/// Bytes read at once from the end, where the footer is.
const FOOTER_HINT: usize = 256 * 1024;
/// Aimed-at size of a batch, bytes.
const BATCH_BYTES: i64 = 256 * 1024 * 1024;

/// A Parquet object whose footer has been read.
pub(super) struct ParquetSource {
    reader: ObjectReader,
    metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
}

/// Bytes of one object, for Parquet's reader.
#[derive(Clone)]
pub(crate) struct ObjectReader(pub(crate) StoredObject);

impl AsyncFileReader for ObjectReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        async move {
            self.check(&range)?;
            self.0.read(range).await.map_err(external)
        }
        .boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        async move {
            ranges.iter().try_for_each(|range| self.check(range))?;
            self.0.read_ranges(&ranges).await.map_err(external)
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async move {
            let size = self.0.size_bytes();
            let reader = ParquetMetaDataReader::new().with_prefetch_hint(Some(FOOTER_HINT));
            reader.load_and_finish(self, size).await.map(Arc::new)
        }
        .boxed()
    }
}

impl ObjectReader {
    /// A range beyond the end is the object's fault, not the store's.
    fn check(&self, range: &Range<u64>) -> Result<(), ParquetError> {
        let size = self.0.size_bytes();
        if range.end <= size {
            return Ok(());
        }
        Err(ParquetError::EOF(format!("bytes {} to {} of {size} are asked for", range.start, range.end)))
    }
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// Reads the footer and tells what the object is.
pub(super) async fn open(object: StoredObject) -> Result<Opened, object_store::Error> {
    let mut reader = ObjectReader(object);
    let damaged = |error: &ParquetError| {
        Opened::Rejected(Box::new(Reject::of_object(Reason::Damaged, format!("the Parquet footer: {error}"))))
    };
    let footer = match reader.get_metadata(None).await {
        Ok(footer) => footer,
        Err(error) => return store_error(error).map_or_else(|error| Ok(damaged(&error)), Err),
    };
    let metadata = match ArrowReaderMetadata::try_new(footer, ArrowReaderOptions::new()) {
        Ok(metadata) => metadata,
        Err(error) => return Ok(damaged(&error)),
    };
    let schema = metadata.schema();
    let Some(format) = Format::detect(schema) else {
        return Ok(Opened::NotBilling(format!(
            "Parquet with {} columns that are not billing's",
            schema.fields().len()
        )));
    };
    if let Some(reject) = missing_column(format, schema) {
        return Ok(Opened::Rejected(Box::new(reject)));
    }
    let metadata = with_dictionaries(format, metadata);
    let used: Vec<usize> = (0..metadata.schema().fields().len())
        .filter(|i| is_used(format, metadata.schema().field(*i)))
        .collect();
    let mask = ProjectionMask::roots(metadata.parquet_schema(), used.iter().copied());
    let schema: SchemaRef = Arc::new(metadata.schema().project(&used).unwrap_or_else(|_| Schema::empty()));
    let source = Source::Parquet(ParquetSource { reader, metadata, mask });
    Ok(Opened::Export(RawReader { format, schema, source }))
}

impl ParquetSource {
    pub(super) fn row_groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    pub(super) fn rows(&self) -> i64 {
        self.metadata.metadata().file_metadata().num_rows()
    }

    pub(super) fn row_group(&self, row_group: usize) -> BoxStream<'static, Result<RawBatch, ReadError>> {
        let number = i32::try_from(row_group).unwrap_or(i32::MAX);
        let builder =
            ParquetRecordBatchStreamBuilder::new_with_metadata(self.reader.clone(), self.metadata.clone())
                .with_projection(self.mask.clone())
                .with_row_groups(vec![row_group])
                .with_batch_size(self.batch_rows(row_group));
        let batches = match builder.build() {
            Ok(batches) => batches,
            Err(error) => return stream::iter([Err(read_error(error, number, 0))]).boxed(),
        };
        let expected = self.metadata.metadata().row_group(row_group).num_rows();
        let mut next_row = 0i64;
        let mut failed = false;
        batches
            .map(Some)
            .chain(stream::iter([None]))
            .filter_map(move |item| {
                let result = match item {
                    _ if failed => None,
                    Some(Ok(batch)) => {
                        let first_row = next_row;
                        next_row += i64::try_from(batch.num_rows()).unwrap_or(0);
                        Some(Ok(RawBatch { batch, row_group: number, first_row, damaged: Vec::new() }))
                    }
                    Some(Err(error)) => Some(Err(read_error(error, number, next_row))),
                    None if next_row < expected => {
                        Some(Err(damaged(number, next_row, &format!("{expected} rows were promised"))))
                    }
                    None => None,
                };
                failed |= matches!(result, Some(Err(_)));
                std::future::ready(result)
            })
            .boxed()
    }
}

impl ParquetSource {
    /// Rows of a batch: fewer where rows are very long, so that a batch stays below [`BATCH_BYTES`].
    fn batch_rows(&self, row_group: usize) -> usize {
        let group = self.metadata.metadata().row_group(row_group);
        let used = group.columns().iter().enumerate().filter(|(leaf, _)| self.mask.leaf_included(*leaf));
        let bytes: i64 = used.map(|(_, column)| column.uncompressed_size().max(0)).sum();
        let bytes_per_row = bytes / group.num_rows().max(1) + 1;
        usize::try_from(BATCH_BYTES / bytes_per_row).unwrap_or(BATCH_ROWS).clamp(1, BATCH_ROWS)
    }
}

/// The same metadata with a request for dictionaries; as it was where Parquet's reader refuses the request.
fn with_dictionaries(format: Format, metadata: ArrowReaderMetadata) -> ArrowReaderMetadata {
    let physical = metadata.parquet_schema().root_schema().get_fields();
    let is_int96 = |i: usize| {
        physical
            .get(i)
            .is_some_and(|column| column.is_primitive() && column.get_physical_type() == Type::INT96)
    };
    let fields: Vec<FieldRef> = metadata
        .schema()
        .fields()
        .iter()
        .enumerate()
        .map(
            |(i, field)| {
                if is_used(format, field) { hint(format, field, is_int96(i)) } else { Arc::clone(field) }
            },
        )
        .collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata.schema().metadata().clone()));
    let options = ArrowReaderOptions::new().with_schema(schema);
    ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options).unwrap_or(metadata)
}

/// Line ids are the one string that differs on every row: a dictionary would only cost.
fn is_line_id(format: Format, field: &Field) -> bool {
    format.canonical(field.name()) == LINE_ID
}

fn is_used(format: Format, field: &Field) -> bool {
    format.uses(&format.canonical(field.name()))
}

fn hint(format: Format, field: &FieldRef, is_int96: bool) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Dictionary(..)
        | DataType::Binary
            if is_line_id(format, field) =>
        {
            DataType::Utf8
        }
        DataType::Map(entries, sorted) => match entries.data_type() {
            DataType::Struct(pair) => {
                let pair = pair
                    .iter()
                    .map(|f| Arc::new(f.as_ref().clone().with_data_type(dictionary(f.data_type()))));
                let entries = entries.as_ref().clone().with_data_type(DataType::Struct(pair.collect()));
                DataType::Map(Arc::new(entries), *sorted)
            }
            _ => return Arc::clone(field),
        },
        // INT96 holds any year, nanoseconds in 64 bits do not.
        DataType::Timestamp(..) if is_int96 => DataType::Timestamp(TimeUnit::Microsecond, None),
        other => dictionary(other),
    };
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

fn dictionary(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::Dictionary(..) => {
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
        }
        other => other.clone(),
    }
}

fn read_error(error: ParquetError, row_group: i32, next_row: i64) -> ReadError {
    match store_error(error) {
        Ok(error) => ReadError::Store(error),
        Err(error) => damaged(row_group, next_row, &error.to_string()),
    }
}

fn damaged(row_group: i32, next_row: i64, what: &str) -> ReadError {
    let detail = format!("row group {row_group} cannot be read from row {next_row} on: {what}");
    ReadError::Damaged(Box::new(Reject::of_object(Reason::Damaged, detail)))
}

/// A failure of the store inside a Parquet error, or the Parquet error back.
pub(crate) fn store_error(error: ParquetError) -> Result<object_store::Error, ParquetError> {
    match error {
        ParquetError::External(inner) => match inner.downcast::<object_store::Error>() {
            Ok(error) => Ok(*error),
            Err(inner) => Err(ParquetError::External(inner)),
        },
        other => Err(other),
    }
}
