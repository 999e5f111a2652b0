//! One batch on its way into the ledger: what every format fills in, and what is checked for all of them.

use std::{collections::BTreeMap, sync::Arc};

use airshed_domain::{
    fixed::{FixedError, MONEY_PRECISION, MONEY_SCALE},
    schema::{column as c, timestamp_type},
};
use arrow::{
    array::{
        Array as _, ArrayRef, AsArray as _, BooleanArray, Decimal128Array, Int32Array, Int64Array,
        StringArray, TimestampMicrosecondArray,
    },
    buffer::NullBuffer,
    compute::filter_record_batch,
    datatypes::{DataType, SchemaRef},
    error::ArrowError,
    record_batch::RecordBatch,
};

use super::{
    Normalized,
    amount::{Amounts, Cache},
    maps::{Maps, TagText},
    text::{Blend, Map, Text, nothing, text_of},
    time::{Instant, Instants, Periods},
};
use crate::{
    format::{Fields, Format, RawBatch},
    reject::{Reason, Reject},
};

/// The columns of a file by canonical name.
pub(super) struct Columns {
    pub(super) fields: Fields,
    schema: SchemaRef,
}

impl Columns {
    pub(super) fn new(format: Format, schema: &SchemaRef) -> Self {
        Self { fields: Fields::new(format, schema), schema: Arc::clone(schema) }
    }

    pub(super) fn data_type(&self, name: &str) -> Option<&DataType> {
        self.fields.position(name).map(|position| self.schema.field(position).data_type())
    }

    /// The column as the file spells it.
    pub(super) fn spelled<'a>(&'a self, name: &'a str) -> &'a str {
        self.fields.position(name).map_or(name, |position| self.schema.field(position).name())
    }

    pub(super) fn array<'a>(&self, batch: &'a RecordBatch, name: &str) -> Option<&'a ArrayRef> {
        self.fields.position(name).map(|position| batch.column(position))
    }

    pub(super) fn text(&self, batch: &RecordBatch, name: &str) -> Result<Option<Text>, ArrowError> {
        self.array(batch, name).map(text_of).transpose()
    }

    pub(super) fn amounts(&self, batch: &RecordBatch, name: &str) -> Result<Amounts, ArrowError> {
        Amounts::of(self.array(batch, name))
    }

    pub(super) fn instants(&self, batch: &RecordBatch, name: &str) -> Result<Instants, ArrowError> {
        Instants::of(self.array(batch, name), batch.num_rows())
    }
}

/// Where a ledger column comes from.
pub(super) enum Origin {
    /// A column of the file, as it is.
    Field(&'static str),
    /// A column of the file, each value mapped.
    Mapped(&'static str, Map),
    /// Text made before.
    Text(Text, Option<Map>),
}

/// What is kept from batch to batch, whatever the format.
pub(super) struct Kept {
    pub(super) columns: Columns,
    blends: BTreeMap<&'static str, Blend>,
    pub(super) cache: Cache,
    pub(super) periods: Periods,
    pub(super) tags: Maps,
    pub(super) categories: Maps,
    pub(super) tag_text: TagText,
}

impl Kept {
    pub(super) fn new(columns: Columns) -> Self {
        Self {
            columns,
            blends: BTreeMap::new(),
            cache: Cache::default(),
            periods: Periods::default(),
            tags: Maps::default(),
            categories: Maps::default(),
            tag_text: TagText::default(),
        }
    }

    /// A ledger column: the first of its sources that is not null.
    pub(super) fn text(
        &mut self,
        batch: &RecordBatch,
        column: &'static str,
        sources: Vec<Origin>,
    ) -> Result<Text, ArrowError> {
        let mut inputs: Vec<(Text, Option<Map>)> = Vec::with_capacity(sources.len());
        for source in sources {
            match source {
                Origin::Field(name) => {
                    inputs.extend(self.columns.text(batch, name)?.map(|text| (text, None)));
                }
                Origin::Mapped(name, map) => {
                    inputs.extend(self.columns.text(batch, name)?.map(|text| (text, Some(map))));
                }
                Origin::Text(text, map) => inputs.push((text, map)),
            }
        }
        let inputs: Vec<(&Text, Option<Map>)> = inputs.iter().map(|(text, map)| (text, *map)).collect();
        Ok(self.blends.entry(column).or_default().first_of(&inputs, batch.num_rows()))
    }
}

/// What is wrong with a row.
pub(super) struct Fault {
    pub(super) reason: Reason,
    pub(super) column: &'static str,
    pub(super) detail: &'static str,
    pub(super) value: Option<String>,
}

/// The first fault of each row that has one.
#[derive(Default)]
pub(super) struct Faults(BTreeMap<usize, Fault>);

impl Faults {
    pub(super) fn add(
        &mut self,
        row: usize,
        reason: Reason,
        column: &'static str,
        detail: &'static str,
        value: Option<String>,
    ) {
        self.0.entry(row).or_insert(Fault { reason, column, detail, value });
    }

    /// A required value is not there.
    pub(super) fn missing(&mut self, row: usize, column: &'static str) {
        self.add(row, Reason::MissingRequired, column, "every line needs a value here", None);
    }

    /// A number of the row, or a fault.
    #[inline]
    pub(super) fn amount(
        &mut self,
        row: usize,
        column: &'static str,
        amounts: &Amounts,
        cache: &mut Cache,
    ) -> Option<i128> {
        match amounts.get(row, cache) {
            Ok(amount) => amount,
            Err(error) => {
                let (reason, detail) = match error {
                    FixedError::NotFinite => (Reason::NotFinite, "not a finite number"),
                    FixedError::Overflow => (Reason::Overflow, "more than 16 digits before the point"),
                    FixedError::NotANumber => (Reason::NotANumber, "not a decimal number"),
                };
                self.add(row, reason, column, detail, amounts.as_it_stands(row));
                None
            }
        }
    }

    /// An instant that the row must have, or a fault.
    #[inline]
    pub(super) fn instant(&mut self, row: usize, column: &'static str, instants: &Instants) -> i64 {
        match instants.get(row) {
            Instant::At(micros) => return micros,
            Instant::Null => self.missing(row, column),
            Instant::Bad => {
                let value = instants.as_it_stands(row).map(str::to_owned);
                self.add(
                    row,
                    Reason::BadTimestamp,
                    column,
                    "not an instant of the years 1970 to 2261",
                    value,
                );
            }
        }
        0
    }

    /// Rows of a required text column that have none.
    pub(super) fn require(&mut self, text: &Text, column: &'static str) {
        if let Some(nulls) = text.nulls().filter(|nulls| nulls.null_count() > 0) {
            for row in (0..nulls.len()).filter(|row| nulls.is_null(*row)) {
                self.missing(row, column);
            }
        }
    }
}

/// The columns of a batch as the ledger wants them, faulty rows included.
pub(super) struct Draft {
    pub(super) period: Vec<i32>,
    /// Text columns by ledger name; one that is not here is null throughout.
    pub(super) texts: BTreeMap<&'static str, Text>,
    pub(super) plain: BTreeMap<&'static str, StringArray>,
    /// Instants by ledger name, microseconds.
    pub(super) instants: BTreeMap<&'static str, Vec<i64>>,
    /// Instants that may be null, by ledger name, microseconds.
    pub(super) optional_instants: BTreeMap<&'static str, Vec<Option<i64>>>,
    /// Decimals by ledger name, with the rows that have one (`None`: all).
    pub(super) decimals: BTreeMap<&'static str, (Vec<i128>, Option<NullBuffer>)>,
    pub(super) faults: Faults,
    /// Ids of the lines and their costs, for rejects.
    pub(super) given_ids: Option<StringArray>,
    pub(super) costs: Amounts,
}

impl Draft {
    /// Lines and rejects of the batch.
    pub(super) fn finish(
        mut self,
        raw: &RawBatch,
        columns: &Columns,
        schema: &SchemaRef,
    ) -> Result<Normalized, ArrowError> {
        let rows = raw.batch.num_rows();
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let name = field.name().as_str();
            arrays.push(match (name, field.data_type()) {
                (c::PERIOD, _) => Arc::new(Int32Array::from(self.period.clone())),
                (c::ROW_GROUP, _) => Arc::new(Int32Array::from(vec![raw.row_group; rows])),
                (c::ROW_NUMBER, _) => Arc::new(Int64Array::from_iter_values((raw.first_row..).take(rows))),
                (_, DataType::Utf8) => {
                    Arc::new(self.plain.remove(name).unwrap_or_else(|| StringArray::new_null(rows)))
                }
                (_, DataType::Timestamp(..)) => {
                    let micros = match (self.instants.remove(name), self.optional_instants.remove(name)) {
                        (Some(micros), _) => TimestampMicrosecondArray::from(micros),
                        (None, Some(micros)) => TimestampMicrosecondArray::from(micros),
                        (None, None) => TimestampMicrosecondArray::new_null(rows),
                    };
                    Arc::new(micros.with_data_type(timestamp_type()))
                }
                (_, DataType::Decimal128(precision, scale)) => match self.decimals.remove(name) {
                    Some((values, nulls)) => Arc::new(
                        Decimal128Array::new(values.into(), nulls)
                            .with_precision_and_scale(*precision, *scale)?,
                    ),
                    None => arrow::array::new_null_array(field.data_type(), rows),
                },
                _ => Arc::new(self.texts.remove(name).unwrap_or_else(|| nothing(rows))),
            });
        }
        let rejects = self.rejects(raw, columns);
        if rejects.is_empty() {
            return Ok(Normalized { lines: RecordBatch::try_new(Arc::clone(schema), arrays)?, rejects });
        }
        let mut good = vec![true; rows];
        for reject in &rejects {
            if let Some(good) =
                usize::try_from(reject.row_number - raw.first_row).ok().and_then(|r| good.get_mut(r))
            {
                *good = false;
            }
        }
        // Null where a good row may not be: filter first, under a schema that lets it pass.
        let loose = arrow::datatypes::Schema::new(
            schema.fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect::<Vec<_>>(),
        );
        let all = RecordBatch::try_new(Arc::new(loose), arrays)?;
        let lines = filter_record_batch(&all, &BooleanArray::from(good))?;
        Ok(Normalized { lines: RecordBatch::try_new(Arc::clone(schema), lines.columns().to_vec())?, rejects })
    }

    fn rejects(&mut self, raw: &RawBatch, columns: &Columns) -> Vec<Reject> {
        let mut rejects: BTreeMap<i64, Reject> =
            raw.damaged.iter().map(|reject| (reject.row_number, reject.clone())).collect();
        for (row, fault) in std::mem::take(&mut self.faults.0) {
            let number = raw.first_row + i64::try_from(row).unwrap_or(0);
            let mut reject = Reject::of_row(raw.row_group, number, fault.reason, fault.detail)
                .in_column(columns.spelled(fault.column));
            if let Some(value) = fault.value {
                reject = reject.with_value(&value);
            }
            let id =
                self.given_ids.as_ref().filter(|ids| ids.is_valid(row)).map(|ids| ids.value(row).to_owned());
            reject.line_id = id.filter(|id| !id.is_empty());
            reject.billed_cost = self.costs.as_it_stands(row);
            reject.period = Some(self.period[row]).filter(|period| *period > 0);
            rejects.entry(number).or_insert(reject);
        }
        rejects.into_values().collect()
    }
}

/// The ids column of a batch as plain text.
pub(super) fn plain_text(array: &ArrayRef) -> Result<StringArray, ArrowError> {
    Ok(arrow::compute::cast(array, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// Every row of a batch rejected, for one reason.
pub(super) fn all_rejected(raw: &RawBatch, schema: &SchemaRef, error: &ArrowError) -> Normalized {
    let rows = (raw.first_row..).take(raw.batch.num_rows());
    let detail = error.to_string();
    Normalized {
        lines: RecordBatch::new_empty(Arc::clone(schema)),
        rejects: rows
            .map(|row| Reject::of_row(raw.row_group, row, Reason::WrongType, detail.clone()))
            .collect(),
    }
}

const _: () =
    assert!(MONEY_PRECISION as i32 - MONEY_SCALE as i32 == 16, "the overflow message says 16 digits");
