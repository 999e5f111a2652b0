//! Reads a CSV file of utilisation: its measurements and its rejects.
//!
//! A file whose header is not right is refused as a whole, and so is one whose processor utilisation looks like
//! percent: the small values of such a file would pass for shares.

use std::{collections::HashSet, io::Write as _, sync::Arc};

use airshed_domain::{
    period::BillingPeriod,
    schema::{self, column as c},
};
use flate2::write::MultiGzDecoder;

use crate::{
    error::{Error, Result},
    format::text::{
        GZIP_MAGIC,
        split::{Row, Splitter},
    },
    normalize::{period_number, time::instant_from_text},
    reject::{Reason, Reject},
};

/// Columns that every file has.
const REQUIRED: &[&str] = &[c::RESOURCE_ID, c::USAGE_START, c::USAGE_END, c::METRIC, c::AVG];
/// Columns that a file may have.
const OPTIONAL: &[&str] = &[c::MAX, c::SAMPLES, c::ACCOUNT_ID, c::REGION];
/// Longest row, bytes.
const ROW_LIMIT: usize = 1 << 20;
/// Bytes split, or inflated, at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// Rejects of one file: with more, the file is not what it is taken for.
const REJECTS_LIMIT: usize = 1_000_000;
/// Longest interval: a longer mean says little of any hour, and would lie in many billing periods.
const LONGEST_DAYS: i64 = 31;
const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// One measurement.
#[derive(Debug, Clone)]
pub(super) struct Measurement {
    pub(super) resource: Arc<str>,
    pub(super) metric: Arc<str>,
    /// Microseconds since 1970, UTC.
    pub(super) start_us: i64,
    /// First microsecond after.
    pub(super) end_us: i64,
    pub(super) avg: f64,
    pub(super) max: Option<f64>,
    pub(super) samples: Option<i64>,
    pub(super) account: Option<Arc<str>>,
    pub(super) region: Option<Arc<str>>,
    /// Data row in the file, from 0.
    pub(super) row: i64,
}

/// What a file holds. Rows = measurements + rejects.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) measurements: Vec<Measurement>,
    pub(super) rejects: Vec<Reject>,
}

/// Reads a file, plain or gzip.
///
/// # Errors
/// When the file as a whole cannot be used: its header, damaged gzip, percent in place of shares.
pub(super) fn read(bytes: &[u8]) -> Result<Contents> {
    let mut splitter = Splitter::new(ROW_LIMIT);
    let mut reader = Reader::default();
    if bytes.starts_with(GZIP_MAGIC) {
        let damaged = |e: std::io::Error| Error::input("the gzip file is damaged").caused_by(e);
        let mut inflate = MultiGzDecoder::new(Vec::new());
        for chunk in bytes.chunks(CHUNK_BYTES) {
            inflate.write_all(chunk).and_then(|()| inflate.flush()).map_err(damaged)?;
            let text = std::mem::take(inflate.get_mut());
            reader.feed(&mut splitter, &text)?;
        }
        let rest = inflate.finish().map_err(damaged)?;
        reader.feed(&mut splitter, &rest)?;
    } else {
        reader.feed(&mut splitter, bytes)?;
    }
    splitter.finish(|row| reader.push(&row));
    reader.finish()
}

#[derive(Default)]
struct Reader {
    columns: Option<Columns>,
    rows: i64,
    contents: Contents,
    names: HashSet<Arc<str>>,
    refused: Option<Error>,
}

impl Reader {
    fn feed(&mut self, splitter: &mut Splitter, text: &[u8]) -> Result<()> {
        for chunk in text.chunks(CHUNK_BYTES) {
            splitter.feed(chunk, |row| self.push(&row));
            if let Some(refused) = self.refused.take() {
                return Err(refused);
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Contents> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        if self.columns.is_none() {
            return Err(Error::input(format!(
                "there is no header line (expected {} and, where known, {})",
                REQUIRED.join(","),
                OPTIONAL.join(",")
            )));
        }
        Ok(self.contents)
    }

    fn push(&mut self, row: &Row<'_>) {
        if self.refused.is_some() {
            return;
        }
        let Some(columns) = &self.columns else {
            match Columns::of_header(row) {
                Ok(columns) => self.columns = Some(columns),
                Err(error) => self.refused = Some(error),
            }
            return;
        };
        let number = self.rows;
        self.rows += 1;
        match columns.measurement(row, number, &mut self.names) {
            Ok(measurement) => self.contents.measurements.push(measurement),
            Err(Fault::Row(reject)) => self.contents.rejects.push(*reject),
            Err(Fault::File(error)) => self.refused = Some(error),
        }
        if self.contents.rejects.len() > REJECTS_LIMIT {
            self.refused = Some(Error::input(format!("more than {REJECTS_LIMIT} rows are bad")));
        }
    }
}

/// What is wrong with a row.
enum Fault {
    /// It is rejected.
    Row(Box<Reject>),
    /// It shows that the file cannot be used.
    File(Error),
}

/// Where the columns of a file stand.
struct Columns {
    fields: usize,
    required: Vec<usize>,
    optional: Vec<Option<usize>>,
}

impl Columns {
    fn of_header(row: &Row<'_>) -> Result<Self> {
        let names: Vec<String> =
            (0..row.fields()).map(|i| String::from_utf8_lossy(row.field(i)).trim().to_owned()).collect();
        for (place, name) in names.iter().enumerate() {
            if !REQUIRED.contains(&name.as_str()) && !OPTIONAL.contains(&name.as_str()) {
                return Err(Error::input(format!(
                    "column `{name}` is not known (known are {},{})",
                    REQUIRED.join(","),
                    OPTIONAL.join(",")
                )));
            }
            if names[..place].contains(name) {
                return Err(Error::input(format!("column `{name}` stands twice in the header")));
            }
        }
        let place = |name: &str| names.iter().position(|known| known == name);
        let required = |name: &&str| {
            place(name).ok_or_else(|| Error::input(format!("column `{name}` is missing in the header")))
        };
        Ok(Self {
            fields: names.len(),
            required: REQUIRED.iter().map(required).collect::<Result<_>>()?,
            optional: OPTIONAL.iter().map(|name| place(name)).collect(),
        })
    }

    fn measurement(
        &self,
        row: &Row<'_>,
        number: i64,
        names: &mut HashSet<Arc<str>>,
    ) -> Result<Measurement, Fault> {
        let whole = |reason, detail: String| {
            let start = row.start();
            Fault::Row(Box::new(Reject::of_row(0, number, reason, detail).with_value(&start)))
        };
        if row.too_long {
            return Err(whole(Reason::RowTooLong, format!("the row is longer than {ROW_LIMIT} bytes")));
        }
        if row.fields() != self.fields {
            let detail = format!("{} fields, the header has {}", row.fields(), self.fields);
            return Err(whole(Reason::WrongFieldCount, detail));
        }
        let mut cells = Cells { row, columns: self, number, period: None };
        let start_us = cells.instant(1)?;
        cells.period =
            BillingPeriod::of_epoch_seconds(start_us.div_euclid(MICROS_PER_SECOND)).ok().map(period_number);
        let end_us = cells.instant(2)?;
        if end_us <= start_us {
            return Err(cells.reject(2, Reason::BadInterval, "it does not end after its start"));
        }
        if end_us - start_us > LONGEST_DAYS * MICROS_PER_DAY {
            let detail = format!("it is longer than {LONGEST_DAYS} days");
            return Err(cells.reject(2, Reason::BadInterval, detail));
        }
        let (resource, metric) = (cells.required(0)?, cells.required(3)?);
        let is_cpu = metric == schema::CPU_UTILIZATION;
        let avg = cells.number(4, is_cpu)?;
        let Some(avg) = avg else {
            return Err(cells.reject(4, Reason::MissingRequired, "there is no value"));
        };
        let mut name = |text: &str| {
            if let Some(known) = names.get(text) {
                return Arc::clone(known);
            }
            let new: Arc<str> = text.into();
            names.insert(Arc::clone(&new));
            new
        };
        Ok(Measurement {
            resource: name(resource),
            metric: name(metric),
            start_us,
            end_us,
            avg,
            max: cells.number(5, is_cpu)?,
            samples: cells.count(6)?,
            account: cells.optional(7)?.map(&mut name),
            region: cells.optional(8)?.map(&mut name),
            row: number,
        })
    }
}

/// The cells of a row by column: those of [`REQUIRED`], then those of [`OPTIONAL`].
struct Cells<'a> {
    row: &'a Row<'a>,
    columns: &'a Columns,
    number: i64,
    period: Option<i32>,
}

impl<'a> Cells<'a> {
    /// The text of a cell; nothing when it is blank or the file has no such column.
    fn optional(&self, column: usize) -> Result<Option<&'a str>, Fault> {
        let place = match column.checked_sub(REQUIRED.len()) {
            None => Some(self.columns.required[column]),
            Some(optional) => self.columns.optional[optional],
        };
        let Some(place) = place else { return Ok(None) };
        let text = std::str::from_utf8(self.row.field(place))
            .map_err(|_| self.reject(column, Reason::NotUtf8, "the text is not UTF-8"))?;
        Ok(Some(text.trim()).filter(|text| !text.is_empty()))
    }

    fn required(&self, column: usize) -> Result<&'a str, Fault> {
        self.optional(column)?
            .ok_or_else(|| self.reject(column, Reason::MissingRequired, "there is no value"))
    }

    fn instant(&self, column: usize) -> Result<i64, Fault> {
        instant_from_text(self.required(column)?).ok_or_else(|| {
            self.reject(column, Reason::BadTimestamp, "not an RFC 3339 time of the years 1970 to 2261")
        })
    }

    /// A finite number; of processor utilisation, a share.
    fn number(&self, column: usize, is_share: bool) -> Result<Option<f64>, Fault> {
        let Some(text) = self.optional(column)? else { return Ok(None) };
        let value: f64 = text.parse().map_err(|_| self.reject(column, Reason::NotANumber, "not a number"))?;
        if !value.is_finite() {
            return Err(self.reject(column, Reason::NotFinite, "not a finite number"));
        }
        if is_share && value > 1.0 && value <= 100.0 {
            return Err(Fault::File(Error::input(format!(
                "data row {}: {} of {} is {text}, and must be 0 to 1; if the file is in percent, divide by 100",
                self.number + 1,
                name(column),
                schema::CPU_UTILIZATION
            ))));
        }
        if is_share && !(0.0..=1.0).contains(&value) {
            return Err(self.reject(column, Reason::OutOfRange, "a utilisation is 0 to 1"));
        }
        // Minus zero is zero: the same measurement, the same bytes.
        Ok(Some(value + 0.0))
    }

    fn count(&self, column: usize) -> Result<Option<i64>, Fault> {
        let Some(text) = self.optional(column)? else { return Ok(None) };
        let value: i64 =
            text.parse().map_err(|_| self.reject(column, Reason::NotANumber, "not a whole number"))?;
        if value < 0 {
            return Err(self.reject(column, Reason::OutOfRange, "a count is not negative"));
        }
        Ok(Some(value))
    }

    fn reject(&self, column: usize, reason: Reason, detail: impl Into<String>) -> Fault {
        let place = match column.checked_sub(REQUIRED.len()) {
            None => Some(self.columns.required[column]),
            Some(optional) => self.columns.optional[optional],
        };
        let value = place.map(|place| String::from_utf8_lossy(self.row.field(place)).into_owned());
        let mut reject = Reject::of_row(0, self.number, reason, detail).in_column(name(column));
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            reject = reject.with_value(&value);
        }
        reject.period = self.period;
        Fault::Row(Box::new(reject))
    }
}

fn name(column: usize) -> &'static str {
    match column.checked_sub(REQUIRED.len()) {
        None => REQUIRED[column],
        Some(optional) => OPTIONAL[optional],
    }
}
