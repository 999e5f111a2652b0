//! The forms of a table, batch by batch.

use std::sync::Arc;

use arrow::{array::RecordBatch, datatypes::SchemaRef, error::ArrowError, ipc::writer::StreamWriter};
use bytes::Bytes;

/// Writes one answer.
pub(super) trait Writer: Send + 'static {
    /// The bytes of the next rows, with what stands before the first.
    fn rows(&mut self, batch: &RecordBatch) -> Result<Bytes, ArrowError>;

    /// Whether no more rows are shown.
    fn is_full(&self) -> bool {
        false
    }

    /// The end, with what stands before the rows where there were none.
    fn end(&mut self) -> Result<Bytes, ArrowError>;
}

/// What stands around the rows in JSON.
pub(crate) struct Frame {
    /// Up to the first row.
    pub(crate) before: String,
    /// Rows as JSON, one text each.
    pub(crate) rows: fn(&RecordBatch) -> Result<Vec<String>, ArrowError>,
    /// Rows that are shown at the most.
    pub(crate) limit: Option<usize>,
    /// From the last row on, given whether there were more than the limit.
    pub(crate) after: Box<dyn Fn(bool) -> String + Send>,
}

/// JSON.
pub(super) struct JsonWriter {
    frame: Frame,
    shown: usize,
    has_more: bool,
}

impl JsonWriter {
    pub(super) fn new(frame: Frame) -> Self {
        Self { frame, shown: 0, has_more: false }
    }

    fn begin(&mut self) -> String {
        std::mem::take(&mut self.frame.before)
    }
}

impl Writer for JsonWriter {
    fn rows(&mut self, batch: &RecordBatch) -> Result<Bytes, ArrowError> {
        let mut text = self.begin();
        let room = self.frame.limit.map_or(usize::MAX, |limit| limit - self.shown);
        self.has_more |= batch.num_rows() > room;
        let shown = batch.slice(0, batch.num_rows().min(room));
        for row in (self.frame.rows)(&shown)? {
            if self.shown > 0 {
                text.push_str(",\n");
            }
            text.push_str(&row);
            self.shown += 1;
        }
        Ok(text.into())
    }

    fn is_full(&self) -> bool {
        self.has_more
    }

    fn end(&mut self) -> Result<Bytes, ArrowError> {
        let begin = self.begin();
        Ok(format!("{begin}{}", (self.frame.after)(self.has_more)).into())
    }
}

/// CSV with a header line.
pub(super) struct CsvWriter {
    header: Vec<u8>,
}

impl CsvWriter {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, ArrowError> {
        let empty = RecordBatch::new_empty(Arc::clone(schema));
        Ok(Self { header: Self::lines(&empty, true, Vec::new())? })
    }

    fn lines(batch: &RecordBatch, with_header: bool, onto: Vec<u8>) -> Result<Vec<u8>, ArrowError> {
        let mut writer = arrow_csv::WriterBuilder::new().with_header(with_header).build(onto);
        writer.write(batch)?;
        Ok(writer.into_inner())
    }
}

impl Writer for CsvWriter {
    fn rows(&mut self, batch: &RecordBatch) -> Result<Bytes, ArrowError> {
        Self::lines(batch, false, std::mem::take(&mut self.header)).map(Bytes::from)
    }

    fn end(&mut self) -> Result<Bytes, ArrowError> {
        Ok(std::mem::take(&mut self.header).into())
    }
}

/// An Arrow stream.
pub(super) struct ArrowWriter(StreamWriter<Vec<u8>>);

impl ArrowWriter {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, ArrowError> {
        StreamWriter::try_new(Vec::new(), schema).map(Self)
    }
}

impl Writer for ArrowWriter {
    fn rows(&mut self, batch: &RecordBatch) -> Result<Bytes, ArrowError> {
        self.0.write(batch)?;
        Ok(std::mem::take(self.0.get_mut()).into())
    }

    fn end(&mut self) -> Result<Bytes, ArrowError> {
        self.0.finish()?;
        Ok(std::mem::take(self.0.get_mut()).into())
    }
}
