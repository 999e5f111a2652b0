//! Turns raw rows of any format into ledger lines, or into rejects.
//!
//! Rows in = lines + rejects, exactly. Work is done per dictionary value, not per row, wherever a column is dictionary
//! encoded, and no row allocates a string of its own.

mod amount;
mod carbon;
mod cur;
mod draft;
mod focus;
mod line_id;
mod maps;
mod place;
mod text;
pub(crate) mod time;

use std::sync::Arc;

use airshed_domain::{period::BillingPeriod, schema, schema::column as c};
use arrow::{
    datatypes::{DataType, Field, Schema, SchemaRef},
    record_batch::RecordBatch,
};

use self::{carbon::Carbon, cur::Cur, draft::Columns, focus::Focus};
use crate::{
    format::{Destination, Format, Holds, RawBatch, holds},
    reject::{Reason, Reject},
};

/// What one raw batch became. Rows in = rows of `lines` + `rejects`.
#[derive(Debug, Clone)]
pub struct Normalized {
    /// Rows of [`normalized_schema`] of the format's destination, in the order of the raw rows.
    pub lines: RecordBatch,
    /// Rejected rows, in order.
    pub rejects: Vec<Reject>,
}

/// Reads the raw batches of one object. Keeps what it worked out for a dictionary until the dictionary changes: use
/// one per object, or one per row group.
pub struct Normalizer {
    reader: Reader,
    schema: SchemaRef,
}

enum Reader {
    Cur(Box<Cur>),
    Focus(Box<Focus>),
    Carbon(Box<Carbon>),
}

impl Normalizer {
    /// A normaliser for batches of `schema` ([`crate::format::RawReader::schema`]).
    ///
    /// # Errors
    /// A reject of the whole object that names the column, when a column that every line needs is missing or a column
    /// has a type that cannot be read.
    pub fn new(format: Format, schema: &SchemaRef) -> Result<Self, Box<Reject>> {
        let columns = Columns::new(format, schema);
        check_types(format, &columns)?;
        let reader = match format {
            Format::Cur2 | Format::CurLegacy => Reader::Cur(Box::new(Cur::new(columns))),
            Format::Focus { .. } => Reader::Focus(Box::new(Focus::new(columns))),
            Format::CarbonExport => Reader::Carbon(Box::new(Carbon::new(columns))),
        };
        Ok(Self { reader, schema: normalized_schema(format.destination()) })
    }

    /// Lines and rejects of one raw batch.
    pub fn normalize(&mut self, raw: &RawBatch) -> Normalized {
        let draft = match &mut self.reader {
            Reader::Cur(cur) => cur.draft(&raw.batch),
            Reader::Focus(focus) => focus.draft(&raw.batch),
            Reader::Carbon(carbon) => carbon.draft(&raw.batch),
        };
        let columns = match &self.reader {
            Reader::Cur(cur) => &cur.kept.columns,
            Reader::Focus(focus) => &focus.kept.columns,
            Reader::Carbon(carbon) => &carbon.kept.columns,
        };
        draft
            .and_then(|draft| draft.finish(raw, columns, &self.schema))
            .unwrap_or_else(|error| draft::all_rejected(raw, &self.schema, &error))
    }
}

/// Refuses an object whose columns cannot be read as what they must hold.
fn check_types(format: Format, columns: &Columns) -> Result<(), Box<Reject>> {
    let reject = |reason, detail: String, name: &str| {
        Err(Box::new(Reject::of_object(reason, detail).in_column(columns.spelled(name))))
    };
    for name in format.required() {
        if columns.data_type(name).is_none() {
            let detail = format!("{} needs the column {name}, which is not there", format.as_str());
            return reject(Reason::MissingRequired, detail, name);
        }
    }
    for (_, name, _) in columns.fields.with_prefix("") {
        let Some(data_type) = columns.data_type(name) else { continue };
        let (fits, what) = match holds(name) {
            Holds::Text => (text::is_textual(data_type), "text"),
            Holds::Amount => (amount::is_numeric(data_type), "a number"),
            Holds::Instant => (time::is_temporal(data_type), "an instant"),
            Holds::Map => (maps::is_map(data_type), "a map"),
        };
        if !fits {
            return reject(
                Reason::WrongType,
                format!("the column is {data_type}, which is not {what}"),
                name,
            );
        }
    }
    Ok(())
}

/// Schema of [`Normalized::lines`]: `period` (months since year 0: `year * 12 + month - 1`), the columns of the
/// destination table's files (without `line_seq`; every string but `line_id` dictionary encoded), `row_group` and
/// `row_number`.
pub fn normalized_schema(destination: Destination) -> SchemaRef {
    let table = match destination {
        Destination::BillingLines => schema::billing_lines(),
        Destination::ProviderReported => schema::provider_reported(),
    };
    let mut fields = vec![Field::new(c::PERIOD, DataType::Int32, false)];
    for field in table.file_schema().fields() {
        match (field.name().as_str(), field.data_type()) {
            (c::LINE_SEQ, _) => {}
            (c::LINE_ID, _) => fields.push(field.as_ref().clone()),
            (_, DataType::Utf8) => fields.push(field.as_ref().clone().with_data_type(dictionary_type())),
            _ => fields.push(field.as_ref().clone()),
        }
    }
    fields.push(Field::new(c::ROW_GROUP, DataType::Int32, false));
    fields.push(Field::new(c::ROW_NUMBER, DataType::Int64, false));
    Arc::new(Schema::new(fields))
}

/// The `period` number of a billing period: months since year 0.
pub fn period_number(period: BillingPeriod) -> i32 {
    i32::from(period.year()) * 12 + i32::from(period.month()) - 1
}

/// The billing period of a `period` number, when it lies in the years 1970 to 9999.
pub fn billing_period(number: i32) -> Option<BillingPeriod> {
    let year = i16::try_from(number.div_euclid(12)).ok()?;
    let month = i8::try_from(number.rem_euclid(12) + 1).ok()?;
    BillingPeriod::new(year, month).ok()
}

fn dictionary_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

#[cfg(test)]
mod tests;
