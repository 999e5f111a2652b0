//! What two deliveries are compared by: of each line its account and a hash for each sign.
//!
//! The same line gives the same hashes wherever it stands. The account is part of both, so that lines of different
//! accounts never meet, and so is the start of use: ids of an AWS report are unique within one part of it only.

use std::{ops::Range, sync::Arc};

use airshed_domain::schema::column as c;
use airshed_lake::{DataFile, Lake};
use arrow::{
    array::{Array as _, ArrayRef, AsArray, RecordBatch},
    datatypes::{
        DataType, Decimal128Type, Field, FieldRef, Int32Type, Schema, TimeUnit, TimestampMicrosecondType,
    },
};
use futures::StreamExt as _;
use object_store::path::Path;
use parquet::{
    arrow::{
        ParquetRecordBatchStreamBuilder, ProjectionMask,
        arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions},
        async_reader::AsyncFileReader as _,
    },
    errors::ParquetError,
    file::{metadata::RowGroupMetaData, statistics::Statistics},
};
use tokio::runtime::Handle;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    error::{Context as _, Error, Result},
    format::{
        StoredObject,
        parquet::{ObjectReader, store_error},
    },
    shuffle::fold,
};

/// Provider and billing account; empty where the export names none.
pub(super) type Account = (String, String);

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
/// Columns whose lowest and highest value tell files apart.
const SPANNED: [&str; 2] = [c::BILLING_ACCOUNT_ID, c::ACCOUNT_ID];
/// Hash of a missing value.
const NULL: u64 = 0x9e37_79b9_7f4a_7c15;

/// A span of time, both ends included, microseconds since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    first_us: i64,
    last_us: i64,
}

impl Window {
    const ALWAYS: Self = Self { first_us: i64::MIN, last_us: i64::MAX };

    /// The time of both.
    pub(super) fn and(self, other: Self) -> Self {
        Self { first_us: self.first_us.max(other.first_us), last_us: self.last_us.min(other.last_us) }
    }

    fn or(self, other: Self) -> Self {
        Self { first_us: self.first_us.min(other.first_us), last_us: self.last_us.max(other.last_us) }
    }

    fn is_empty(self) -> bool {
        self.first_us > self.last_us
    }

    fn contains(self, us: i64) -> bool {
        self.first_us <= us && us <= self.last_us
    }
}

/// What the statistics of a footer say of some lines.
#[derive(Debug, Clone)]
pub(super) struct Extent {
    /// When their use starts.
    pub(super) window: Window,
    /// Lowest and highest text of each column of [`SPANNED`]; nothing where any may be.
    spans: [Option<(Vec<u8>, Vec<u8>)>; 2],
}

impl Extent {
    fn of(group: &RowGroupMetaData) -> Self {
        let statistics = |name: &str| {
            let column = group.columns().iter().find(|column| column.column_path().string() == name);
            column.and_then(|column| column.statistics())
        };
        let window = match statistics(c::USAGE_START) {
            Some(Statistics::Int64(starts)) => match (starts.min_opt(), starts.max_opt()) {
                (Some(&first_us), Some(&last_us)) => Window { first_us, last_us },
                _ => Window::ALWAYS,
            },
            _ => Window::ALWAYS,
        };
        let span = |name: &str| match statistics(name) {
            Some(Statistics::ByteArray(texts)) if texts.null_count_opt() == Some(0) => {
                let (min, max) = texts.min_opt().zip(texts.max_opt())?;
                Some((min.data().to_vec(), max.data().to_vec()))
            }
            _ => None,
        };
        Self { window, spans: SPANNED.map(span) }
    }

    #[cfg(test)]
    pub(super) fn with_account(mut self, account: &str) -> Self {
        self.spans[0] = Some((account.into(), account.into()));
        self
    }

    /// Whether a line may be of both.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let spans = self.spans.iter().zip(&other.spans);
        let mut both = spans.filter_map(|(a, b)| a.as_ref().zip(b.as_ref()));
        !self.window.and(other.window).is_empty() && both.all(|(a, b)| a.0 <= b.1 && b.0 <= a.1)
    }

    /// The least that holds both.
    pub(super) fn or(mut self, other: &Self) -> Self {
        self.window = self.window.or(other.window);
        for (span, other) in self.spans.iter_mut().zip(&other.spans) {
            *span = span
                .take()
                .zip(other.as_ref())
                .map(|((min, max), other)| (min.min(other.0.clone()), max.max(other.1.clone())));
        }
        self
    }
}

/// The lines of a row group whose use starts in a window.
#[derive(Debug, Default)]
pub(super) struct RowGroupLines {
    /// Accounts with their lines: lines of an account stand together.
    pub(super) runs: Vec<(Account, Range<usize>)>,
    /// Hash of each line's id.
    pub(super) ids: Vec<u64>,
    /// Hash of each line's content.
    pub(super) contents: Vec<u64>,
}

/// A file of `billing_lines` whose footer was read.
pub(super) struct LineFile {
    reader: ObjectReader,
    metadata: ArrowReaderMetadata,
    path: String,
}

impl LineFile {
    /// Opens a file of the table `table`.
    pub(super) async fn open(lake: &Lake, table: &str, file: &DataFile) -> Result<Self> {
        let folder = lake.location().child(table).path;
        let path = Path::parse(format!("{folder}/{}", file.path))
            .map_err(|error| Error::bug(format!("`{}` is not a path", file.path)).caused_by(error))?;
        let mut reader = ObjectReader(StoredObject::immutable(Arc::clone(lake.store()), path, file.size));
        let failed = |error| failure(error, &file.path);
        let footer = reader.get_metadata(None).await.map_err(failed)?;
        let plain = ArrowReaderMetadata::try_new(Arc::clone(&footer), ArrowReaderOptions::new());
        let coded = ArrowReaderOptions::new().with_schema(coded(plain.map_err(failed)?.schema()));
        let metadata = ArrowReaderMetadata::try_new(footer, coded).map_err(failed)?;
        Ok(Self { reader, metadata, path: file.path.clone() })
    }

    /// What the footer says of each row group.
    pub(super) fn extents(&self) -> Vec<Extent> {
        self.metadata.metadata().row_groups().iter().map(Extent::of).collect()
    }

    /// Lines of a row group.
    pub(super) fn rows(&self, group: usize) -> u64 {
        self.metadata.metadata().row_group(group).num_rows().unsigned_abs()
    }

    /// Reads the lines of a row group. Blocks: call it off the I/O threads.
    pub(super) fn lines(&self, group: usize, window: Window, runtime: &Handle) -> Result<RowGroupLines> {
        let columns = ACCOUNT.into_iter().chain([c::LINE_ID]).chain(CONTENT);
        let mask = ProjectionMask::columns(self.metadata.parquet_schema(), columns);
        let builder =
            ParquetRecordBatchStreamBuilder::new_with_metadata(self.reader.clone(), self.metadata.clone());
        let failed = |error| failure(error, &self.path);
        let mut batches =
            builder.with_projection(mask).with_row_groups(vec![group]).build().map_err(failed)?;
        let mut lines = RowGroupLines::default();
        while let Some(batch) = runtime.block_on(batches.next()) {
            lines.add(&batch.map_err(failed)?, window)?;
        }
        Ok(lines)
    }
}

impl RowGroupLines {
    fn add(&mut self, batch: &RecordBatch, window: Window) -> Result<()> {
        let accounts = hashes(batch, &ACCOUNT, vec![0; batch.num_rows()])?;
        let ids = hashes(batch, &[c::LINE_ID, c::USAGE_START], accounts.clone())?;
        let contents = hashes(batch, &CONTENT, accounts.clone())?;
        let starts = column(batch, c::USAGE_START)?
            .as_primitive_opt::<TimestampMicrosecondType>()
            .ok_or_else(|| Error::bug("the start of use is no time"))?;
        let mut last = None;
        for row in (0..batch.num_rows()).filter(|&row| window.contains(starts.value(row))) {
            let line = self.ids.len();
            match self.runs.last_mut() {
                Some((_, rows)) if last == Some(accounts[row]) => rows.end = line + 1,
                _ => self.runs.push((account(batch, row)?, line..line + 1)),
            }
            last = Some(accounts[row]);
            self.ids.push(ids[row]);
            self.contents.push(contents[row]);
        }
        Ok(())
    }
}

fn failure(error: ParquetError, path: &str) -> Error {
    let context = || format!("cannot read lines to compare in `{path}`");
    match store_error(error) {
        Ok(error) => match Err::<(), _>(error).context(context) {
            Ok(()) => Error::bug(context()),
            Err(error) => error,
        },
        Err(error) => Error::bug(context()).caused_by(error),
    }
}

/// The schema with dictionaries for all strings but line ids: a value is then hashed once and not once a line.
fn coded(schema: &Schema) -> Arc<Schema> {
    let coded = |field: &FieldRef| match field.data_type() {
        DataType::Utf8 if field.name() != c::LINE_ID => {
            let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            Arc::new(Field::new(field.name(), coded, field.is_nullable()))
        }
        _ => Arc::clone(field),
    };
    Arc::new(Schema::new(schema.fields().iter().map(coded).collect::<Vec<_>>()))
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| Error::bug(format!("a file of lines has no column `{name}`")))
}

fn account(batch: &RecordBatch, row: usize) -> Result<Account> {
    let text = |name: &str| {
        let column = column(batch, name)?.as_dictionary::<Int32Type>();
        let values = column.values().as_string::<i32>();
        Ok(column.key(row).map_or_else(String::new, |key| values.value(key).to_owned()))
    };
    Ok((text(ACCOUNT[0])?, text(ACCOUNT[1])?))
}

/// Folds some columns of every row into hashes.
fn hashes(batch: &RecordBatch, names: &[&str], mut hashes: Vec<u64>) -> Result<Vec<u64>> {
    for name in names {
        let column = column(batch, name)?;
        let mut add = |of: &dyn Fn(usize) -> u64| {
            for (row, hash) in hashes.iter_mut().enumerate() {
                *hash = fold(*hash, if column.is_null(row) { NULL } else { of(row) });
            }
        };
        match column.data_type() {
            DataType::Dictionary(..) => {
                let coded = column.as_dictionary::<Int32Type>();
                let values = coded.values().as_string::<i32>();
                let values: Vec<u64> =
                    values.iter().map(|text| text.map_or(NULL, |text| xxh3_64(text.as_bytes()))).collect();
                add(&|row| coded.key(row).map_or(NULL, |key| values[key]));
            }
            DataType::Utf8 => {
                let texts = column.as_string::<i32>();
                add(&|row| xxh3_64(texts.value(row).as_bytes()));
            }
            DataType::Decimal128(..) => {
                let numbers = column.as_primitive::<Decimal128Type>();
                add(&|row| xxh3_64(&numbers.value(row).to_le_bytes()));
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                let times = column.as_primitive::<TimestampMicrosecondType>();
                add(&|row| xxh3_64(&times.value(row).to_le_bytes()));
            }
            other => return Err(Error::bug(format!("column `{name}` of lines is {other}"))),
        }
    }
    Ok(hashes)
}
