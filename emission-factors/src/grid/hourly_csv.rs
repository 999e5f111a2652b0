//! Reading hourly grid factors from CSV: Electricity Maps' download and the tidy form.
//!
//! Electricity Maps' headings changed over the years (`Carbon Intensity gCO₂eq/kWh (LCA)`, now `Carbon intensity
//! gCO₂eq/kWh (Life cycle)`), so headings are compared in lower case with everything but letters and digits left out.
//! The tidy form is `zone,datetime,direct,lifecycle` with an optional `estimated`. Times are UTC; one without an offset
//! is taken as UTC, one with another offset is converted. A file is read whole or refused: the first bad cell is an
//! error that names line and field. A row without any value is not an error (publishers leave gaps as rows) but counted.

use std::io::Read;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::hourly::{HourlyError, HourlyGridBuilder};

/// Spellings of the headings, in lower case, letters and digits only; the first that a file has is used.
const ZONE: &[&str] = &["zoneid", "zone"];
const DATETIME: &[&str] = &["datetimeutc", "datetime"];
const DIRECT: &[&str] = &[
    "carbonintensitygcoeqkwhdirect",
    "carbonintensitygco2eqkwhdirect",
    "direct",
    "directgco2perkwh",
    "directgperkwh",
];
const LIFECYCLE: &[&str] = &[
    "carbonintensitygcoeqkwhlifecycle",
    "carbonintensitygco2eqkwhlifecycle",
    "carbonintensitygcoeqkwhlca",
    "carbonintensitygco2eqkwhlca",
    "lifecycle",
    "lifecyclegco2perkwh",
    "lifecyclegperkwh",
];
const ESTIMATED: &[&str] = &["dataestimated", "estimated"];

/// Why a file of hourly factors is refused.
#[derive(Debug, thiserror::Error)]
pub enum HourlyCsvError {
    /// Not CSV, or not readable.
    #[error("not readable as CSV")]
    Csv(#[from] csv::Error),
    /// A heading that must be there is not.
    #[error("no column for the {field} (looked for one of: {known})")]
    NoColumn {
        /// What was looked for.
        field: &'static str,
        /// Spellings that are known, lower case, letters and digits only.
        known: String,
    },
    /// A cell does not hold what its column promises.
    #[error("line {line}, {field}: `{text}` {problem}")]
    Cell {
        /// Line of the file, 1 is the heading.
        line: u64,
        /// Which field.
        field: &'static str,
        /// What stands there.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The values of a row are not believable.
    #[error("line {line}: {error}")]
    Row {
        /// Line of the file, 1 is the heading.
        line: u64,
        /// What is wrong.
        error: HourlyError,
    },
}

/// What a file held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HourlyCsvSummary {
    /// Rows with a value, now in the builder.
    pub rows: u64,
    /// Rows without any value, left out.
    pub rows_without_value: u64,
}

struct Columns {
    zone: usize,
    datetime: usize,
    direct: Option<usize>,
    lifecycle: Option<usize>,
    estimated: Option<usize>,
}

/// Reads a CSV file of hourly factors into a builder.
///
/// # Errors
/// At the first heading, cell or row that is not understood. Rows before it are in the builder, so drop it then.
pub fn read_hourly_csv(
    reader: impl Read,
    builder: &mut HourlyGridBuilder,
) -> Result<HourlyCsvSummary, HourlyCsvError> {
    let mut csv = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(reader);
    let columns = Columns::find(csv.headers()?)?;
    let mut summary = HourlyCsvSummary::default();
    let mut record = csv::StringRecord::new();
    while csv.read_record(&mut record)? {
        let line = record.position().map_or(0, csv::Position::line);
        let direct = number(&record, columns.direct, line, "direct intensity")?;
        let lifecycle = number(&record, columns.lifecycle, line, "lifecycle intensity")?;
        if direct.is_none() && lifecycle.is_none() {
            summary.rows_without_value += 1;
            continue;
        }
        let hour = epoch_seconds(&record[columns.datetime], line)?;
        let estimated = flag(columns.estimated.map_or("", |place| &record[place]), line)?;
        builder
            .push(&record[columns.zone], hour, direct, lifecycle, estimated)
            .map_err(|error| HourlyCsvError::Row { line, error })?;
        summary.rows += 1;
    }
    Ok(summary)
}

impl Columns {
    fn find(headers: &csv::StringRecord) -> Result<Self, HourlyCsvError> {
        let plain: Vec<String> = headers
            .iter()
            .map(|heading| {
                heading.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
            })
            .collect();
        let place =
            |known: &[&str]| known.iter().find_map(|name| plain.iter().position(|heading| heading == name));
        let require = |field: &'static str, known: &[&str]| {
            place(known).ok_or_else(|| HourlyCsvError::NoColumn { field, known: known.join(", ") })
        };
        let columns = Self {
            zone: require("zone", ZONE)?,
            datetime: require("time", DATETIME)?,
            direct: place(DIRECT),
            lifecycle: place(LIFECYCLE),
            estimated: place(ESTIMATED),
        };
        if columns.direct.is_none() && columns.lifecycle.is_none() {
            let known = [DIRECT, LIFECYCLE].concat().join(", ");
            return Err(HourlyCsvError::NoColumn { field: "intensity", known });
        }
        Ok(columns)
    }
}

fn number(
    record: &csv::StringRecord,
    place: Option<usize>,
    line: u64,
    field: &'static str,
) -> Result<Option<f64>, HourlyCsvError> {
    let text = place.map_or("", |place| &record[place]);
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Some(number)),
        _ => Err(HourlyCsvError::Cell {
            line,
            field,
            text: text.to_owned(),
            problem: "is not a finite number",
        }),
    }
}

fn epoch_seconds(text: &str, line: u64) -> Result<i64, HourlyCsvError> {
    let zoneless = text.strip_suffix('Z').or_else(|| text.strip_suffix("UTC")).unwrap_or(text).trim_end();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant.as_second());
    }
    let instant = zoneless.parse::<DateTime>().and_then(|time| time.to_zoned(TimeZone::UTC));
    instant.map(|time| time.timestamp().as_second()).map_err(|_| HourlyCsvError::Cell {
        line,
        field: "time",
        text: text.to_owned(),
        problem: "is not a date and time",
    })
}

fn flag(text: &str, line: u64) -> Result<bool, HourlyCsvError> {
    match text.to_ascii_lowercase().as_str() {
        "" | "false" | "0" | "no" => Ok(false),
        "true" | "1" | "yes" => Ok(true),
        _ => Err(HourlyCsvError::Cell {
            line,
            field: "estimated",
            text: text.to_owned(),
            problem: "is neither true nor false",
        }),
    }
}

#[cfg(test)]
mod tests;
