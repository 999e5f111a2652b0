//! Gathers split rows into raw batches.

use std::{collections::VecDeque, sync::Arc};

use ::arrow::{
    array::{ArrayRef, StringBuilder, StringDictionaryBuilder},
    datatypes::{DataType, Int32Type, SchemaRef},
    record_batch::RecordBatch,
};

use super::split::Row;
use crate::{
    format::{Format, RawBatch, reader::BATCH_ROWS},
    reject::{Reason, Reject},
};

/// A batch is closed before its text passes this, bytes (and one row).
const BATCH_BYTES: usize = 64 * 1024 * 1024;

/// A column that is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// Its position in the row.
    pub(super) field: usize,
    /// Whether nearly every row has another value, so that a dictionary would only cost.
    pub(super) plain: bool,
}

enum Builder {
    Plain(StringBuilder),
    Dictionary(StringDictionaryBuilder<Int32Type>),
}

/// Rows of the batch that is being gathered, and batches that are full.
pub(super) struct RowBuilder {
    schema: SchemaRef,
    columns: Arc<[Column]>,
    header_fields: usize,
    /// Whether the header line has gone by; it is read again with the rows, as the first of them.
    past_header: bool,
    null_word: Option<&'static [u8]>,
    builders: Vec<Builder>,
    damaged: Vec<Reject>,
    first_row: i64,
    rows_in_batch: usize,
    bytes_in_batch: usize,
    full: VecDeque<RawBatch>,
}

/// Type of a string column of few values.
pub(super) fn dictionary_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

impl RowBuilder {
    pub(super) fn new(
        schema: SchemaRef,
        columns: Arc<[Column]>,
        header_fields: usize,
        format: Format,
    ) -> Self {
        let builder = |c: &Column| {
            if c.plain {
                Builder::Plain(StringBuilder::new())
            } else {
                Builder::Dictionary(StringDictionaryBuilder::new())
            }
        };
        Self {
            schema,
            builders: columns.iter().map(builder).collect(),
            columns,
            header_fields,
            past_header: false,
            // The published FOCUS samples write nulls out.
            null_word: matches!(format, Format::Focus { .. }).then_some(b"NULL"),
            damaged: Vec::new(),
            first_row: 0,
            rows_in_batch: 0,
            bytes_in_batch: 0,
            full: VecDeque::new(),
        }
    }

    /// Rows seen so far.
    pub(super) fn rows(&self) -> i64 {
        self.first_row + as_i64(self.rows_in_batch)
    }

    pub(super) fn push(&mut self, row: &Row<'_>) {
        if !std::mem::replace(&mut self.past_header, true) {
            return;
        }
        match self.check(row) {
            None => {
                for (builder, column) in self.builders.iter_mut().zip(self.columns.iter()) {
                    let bytes = row.field(column.field);
                    self.bytes_in_batch += bytes.len();
                    let is_null = bytes.is_empty() || Some(bytes) == self.null_word;
                    builder.push(std::str::from_utf8(bytes).ok().filter(|_| !is_null));
                }
            }
            Some(reject) => {
                self.builders.iter_mut().for_each(|builder| builder.push(None));
                self.damaged.push(reject);
            }
        }
        self.rows_in_batch += 1;
        if self.rows_in_batch >= BATCH_ROWS || self.bytes_in_batch >= BATCH_BYTES {
            let batch = self.close();
            self.full.extend(batch);
        }
    }

    /// The next batch that is full.
    pub(super) fn take_full(&mut self) -> Option<RawBatch> {
        self.full.pop_front()
    }

    /// The rows left at the end.
    pub(super) fn take_rest(&mut self) -> Option<RawBatch> {
        if self.rows_in_batch == 0 { None } else { self.close() }
    }

    pub(super) fn clear(&mut self) {
        let _ = self.close();
        self.full.clear();
    }

    fn check(&self, row: &Row<'_>) -> Option<Reject> {
        let number = self.rows();
        let reject =
            |reason, detail: String| Some(Reject::of_row(0, number, reason, detail).with_value(&row.start()));
        if row.too_long {
            return reject(
                Reason::RowTooLong,
                "the row is longer than 64 MiB or has over 16,384 fields".to_owned(),
            );
        }
        if row.fields() != self.header_fields {
            let detail = format!("{} fields, the header has {}", row.fields(), self.header_fields);
            return reject(Reason::WrongFieldCount, detail);
        }
        let bad = self.columns.iter().position(|c| std::str::from_utf8(row.field(c.field)).is_err())?;
        reject(Reason::NotUtf8, "the text is not UTF-8".to_owned())
            .map(|reject| reject.in_column(self.schema.field(bad).name()))
    }

    fn close(&mut self) -> Option<RawBatch> {
        let arrays: Vec<ArrayRef> = self.builders.iter_mut().map(Builder::finish).collect();
        let damaged = std::mem::take(&mut self.damaged);
        let first_row = self.first_row;
        self.first_row += as_i64(self.rows_in_batch);
        (self.rows_in_batch, self.bytes_in_batch) = (0, 0);
        // The arrays were built for this schema, so this does not fail.
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays).ok()?;
        Some(RawBatch { batch, row_group: 0, first_row, damaged })
    }
}

impl Builder {
    fn push(&mut self, value: Option<&str>) {
        match self {
            Self::Plain(builder) => builder.append_option(value),
            Self::Dictionary(builder) => builder.append_option(value),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Plain(builder) => Arc::new(builder.finish()),
            Self::Dictionary(builder) => Arc::new(builder.finish()),
        }
    }
}

fn as_i64(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
