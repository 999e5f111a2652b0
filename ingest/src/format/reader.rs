//! Opens an object and reads it as raw batches with their positions.

use std::sync::Arc;

use arrow::{datatypes::SchemaRef, record_batch::RecordBatch};
use futures::stream::BoxStream;

use super::{
    Fields, Format,
    object::StoredObject,
    parquet::{self, ParquetSource},
    text::{self, TextSource},
};
use crate::reject::{Reason, Reject};

/// Rows of a raw batch, at most.
pub(super) const BATCH_ROWS: usize = 65_536;

/// First bytes looked at.
const HEAD_BYTES: u64 = 8;

/// Rows of an object as they stand, with their position.
#[derive(Debug, Clone)]
pub struct RawBatch {
    /// The columns that the ledger uses, of [`RawReader::schema`].
    pub batch: RecordBatch,
    /// Row group in a Parquet object, from 0; 0 for text.
    pub row_group: i32,
    /// Position of the first row in its row group (Parquet) or file (text), from 0; the others follow without a gap.
    pub first_row: i64,
    /// Rows of this batch that could not even be split into fields, in order. They stand in `batch` as nulls so that
    /// positions stay right; the normaliser passes these rejects on in place of the rows.
    pub damaged: Vec<Reject>,
}

/// What an object turned out to be.
pub enum Opened {
    /// A billing export (or AWS's carbon export) that can be read.
    Export(RawReader),
    /// Something else, with a few words on what was seen. No error.
    NotBilling(String),
    /// A billing export, by name or by columns, that cannot be read. Nothing of it enters the ledger.
    Rejected(Box<Reject>),
}

/// Why reading stopped.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store failed; reading again may help.
    #[error("cannot read the object")]
    Store(#[from] object_store::Error),
    /// The object's bytes are damaged from here on. What was read before stands.
    #[error("the object is damaged: {}", .0.detail)]
    Damaged(Box<Reject>),
}

/// A recognised object, ready to be read, whole or one row group at a time.
pub struct RawReader {
    pub(super) format: Format,
    pub(super) schema: SchemaRef,
    pub(super) source: Source,
}

pub(super) enum Source {
    Parquet(ParquetSource),
    Text(TextSource),
}

impl RawReader {
    /// Looks at an object's first (and, for Parquet, last) bytes and tells what it is.
    ///
    /// # Errors
    /// Only when the store fails or the object is no longer the one that was listed; what is wrong with the object itself is an [`Opened`].
    pub async fn open(object: StoredObject) -> Result<Opened, object_store::Error> {
        let (path, size) = (object.path(), object.size_bytes());
        if size == 0 && path.as_ref().ends_with(".parquet") {
            let detail = "the file has no bytes, not even those that every Parquet file has";
            return Ok(Opened::Rejected(Box::new(Reject::of_object(Reason::Damaged, detail))));
        }
        if size == 0 {
            return Ok(Opened::NotBilling("the object is empty".to_owned()));
        }
        let head = object.read(0..size.min(HEAD_BYTES)).await?;
        if head.starts_with(parquet::MAGIC) {
            parquet::open(object).await
        } else if path.as_ref().ends_with(".parquet") {
            let detail = "the name says Parquet, the first bytes do not";
            Ok(Opened::Rejected(Box::new(Reject::of_object(Reason::WrongMagic, detail))))
        } else if head.starts_with(text::GZIP_MAGIC) {
            text::open(object, true).await
        } else if let Some(kind) = compression(&head) {
            let detail = format!("{kind} is not read; Parquet, CSV and gzip CSV are");
            Ok(if path.as_ref().contains(".csv") {
                Opened::Rejected(Box::new(Reject::of_object(Reason::UnsupportedCompression, detail)))
            } else {
                Opened::NotBilling(detail)
            })
        } else {
            text::open(object, false).await
        }
    }

    /// What the object is.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Schema of the raw batches: the columns that the ledger uses, as the file names them.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// How many row groups can be read independently (1 for text).
    pub fn row_groups(&self) -> usize {
        match &self.source {
            Source::Parquet(source) => source.row_groups(),
            Source::Text(_) => 1,
        }
    }

    /// Rows of the object, where its footer tells (Parquet).
    pub fn rows(&self) -> Option<i64> {
        match &self.source {
            Source::Parquet(source) => Some(source.rows()),
            Source::Text(_) => None,
        }
    }

    /// The raw batches of one row group, in order. The stream ends after the first error; other row groups may still
    /// be readable.
    pub fn row_group(&self, row_group: usize) -> BoxStream<'static, Result<RawBatch, ReadError>> {
        match &self.source {
            Source::Parquet(source) => source.row_group(row_group),
            Source::Text(source) => source.stream(Arc::clone(&self.schema)),
        }
    }
}

/// The reject of an object that lacks a column that every line needs.
pub(super) fn missing_column(format: Format, schema: &SchemaRef) -> Option<Reject> {
    let fields = Fields::new(format, schema);
    let missing = format.required().iter().find(|name| fields.position(name).is_none())?;
    let detail = format!("{} needs the column {missing}, which is not there", format.as_str());
    Some(Reject::of_object(Reason::MissingRequired, detail).in_column(*missing))
}

/// Kinds of compression that are known by sight and not read.
fn compression(head: &[u8]) -> Option<&'static str> {
    const KINDS: &[(&[u8], &str)] = &[
        (&[0x28, 0xb5, 0x2f, 0xfd], "zstd"),
        (b"BZh", "bzip2"),
        (b"PK\x03\x04", "zip"),
        (&[0xfd, b'7', b'z', b'X', b'Z'], "xz"),
    ];
    KINDS.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, kind)| *kind)
}
