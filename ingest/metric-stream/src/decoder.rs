//! Reads an object as a stream and yields batches.

use std::{borrow::Cow, io::Read};

use arrow::array::RecordBatch;

use crate::{
    error::Error,
    input::Input,
    json, otlp,
    points::{Point, Points},
    reject::{Fault, Reason, Reject},
    resource::{LeftOut, Why},
};

/// Bytes that are looked at to tell the format.
const HEAD_BYTES: usize = 4096;

/// What an object holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Records of one data point each.
    Json,
    /// OpenTelemetry messages, each after its length.
    Otlp,
}

/// How an object is decoded.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// A batch is yielded once it has so many data points or rejects. One of OpenTelemetry may have more, by those of
    /// one message.
    pub batch_rows: usize,
    /// Seconds that a JSON data point speaks for, from its timestamp on: JSON records do not say it.
    pub json_interval_s: u32,
}

impl Default for Options {
    /// 65,536 data points; one minute.
    fn default() -> Self {
        Self { batch_rows: 65_536, json_interval_s: 60 }
    }
}

/// A piece of an object. Records = data points + rejects + left out.
#[derive(Debug)]
pub struct Decoded {
    /// Data points of single resources, in the order of the object; columns as in [`points::schema`](crate::points).
    pub points: RecordBatch,
    /// What could not be decoded, in the order of the object.
    pub rejects: Vec<Reject>,
    /// What speaks of no single resource.
    pub left_out: LeftOut,
}

/// Decodes one object.
pub struct Decoder<R: Read> {
    input: Input<R>,
    options: Options,
    format: Option<Format>,
    json: json::Reader,
    records: u64,
    at_end: bool,
    cut_off: bool,
}

impl<R: Read> Decoder<R> {
    /// A decoder of the object that `source` yields. It reads large pieces: the source needs no buffer.
    pub fn new(source: R, options: Options) -> Self {
        Self {
            input: Input::new(source),
            options: Options { batch_rows: options.batch_rows.max(1), ..options },
            format: None,
            json: json::Reader::default(),
            records: 0,
            at_end: false,
            cut_off: false,
        }
    }

    /// The format, once the first batch was asked for.
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    /// Whether what came last could not be read to the end of the object, and an unknown number of records is lost.
    pub fn is_cut_off(&self) -> bool {
        self.cut_off
    }

    /// The next piece; nothing at the end of the object.
    ///
    /// # Errors
    /// When the source fails. Damaged content is no error but a reject.
    pub fn next_batch(&mut self) -> Result<Option<Decoded>, Error> {
        if self.at_end {
            return Ok(None);
        }
        let format = match self.format {
            Some(format) => format,
            None => self.recognise()?,
        };
        let mut sink = Sink {
            points: Points::with_capacity(self.options.batch_rows),
            rejects: Vec::new(),
            left_out: LeftOut::default(),
            records: self.records,
            limit: self.options.batch_rows,
            cut_off: false,
        };
        self.at_end = match format {
            Format::Json => self.json.read(&mut self.input, &mut sink, self.options.json_interval_s)?,
            Format::Otlp => otlp::read(&mut self.input, &mut sink)?,
        };
        if self.at_end
            && let Some(detail) = self.input.take_damage()
        {
            sink.cut_off(self.input.offset(), Fault::new(Reason::Damaged, detail));
        }
        self.cut_off |= sink.cut_off;
        self.records = sink.records;
        if sink.is_empty() {
            return Ok(None);
        }
        Ok(Some(Decoded { points: sink.points.finish()?, rejects: sink.rejects, left_out: sink.left_out }))
    }

    /// JSON begins with a brace and a quote, blanks aside. An OpenTelemetry message of 123 bytes begins with a brace
    /// too, and then with the tag of its first field.
    fn recognise(&mut self) -> Result<Format, Error> {
        self.input.fill_to(HEAD_BYTES)?;
        let head = self.input.window();
        let mut marks = head.iter().take(HEAD_BYTES).filter(|byte| !byte.is_ascii_whitespace());
        let format = match (marks.next(), marks.next()) {
            (None, _) | (Some(b'{'), Some(b'"' | b'}') | None) => Format::Json,
            _ => Format::Otlp,
        };
        self.format = Some(format);
        Ok(format)
    }
}

/// Where the readers of both formats put what they find.
pub(crate) struct Sink {
    points: Points,
    rejects: Vec<Reject>,
    left_out: LeftOut,
    records: u64,
    limit: usize,
    cut_off: bool,
}

impl Sink {
    pub(crate) fn is_full(&self) -> bool {
        self.points.rows() >= self.limit || self.rejects.len() >= self.limit
    }

    /// Takes a data point, which stands in the record or message at `offset`, and the resource that it speaks of.
    pub(crate) fn point(
        &mut self,
        offset: u64,
        point: &Point<'_>,
        resource: Result<Cow<'_, str>, Why>,
    ) -> Result<(), Error> {
        match (point.check(), resource) {
            (Err(fault), _) => self.reject(offset, fault),
            (Ok(()), Err(why)) => {
                self.left_out.count(why);
                self.records += 1;
            }
            (Ok(()), Ok(resource)) => {
                self.points.push(point, &resource, self.records)?;
                self.records += 1;
            }
        }
        Ok(())
    }

    pub(crate) fn reject(&mut self, offset: u64, fault: Fault) {
        self.rejects.push(Reject::new(self.records, offset, fault));
        self.records += 1;
    }

    /// Rejects the rest of the object, from `offset` on.
    pub(crate) fn cut_off(&mut self, offset: u64, fault: Fault) {
        self.cut_off = true;
        self.reject(offset, fault);
    }

    fn is_empty(&self) -> bool {
        self.points.rows() == 0 && self.rejects.is_empty() && self.left_out.total() == 0
    }
}
