//! The input batch, column by column.

use airshed_domain::{
    fixed::{MONEY_PRECISION, MONEY_SCALE},
    schema::column as c,
};
use arrow::{
    array::{
        Array, ArrayRef, AsArray as _, Decimal128Array, Float64Array, Int64Array, TimestampMicrosecondArray,
    },
    datatypes::{DataType, Decimal128Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType},
    record_batch::RecordBatch,
};

use super::{EstimateError, codes::KeyColumn};
use crate::class::ClassKey;

/// The key columns in the order in which they are packed.
const KEY_COLUMNS: [&str; 14] = [
    c::PROVIDER,
    c::SERVICE_CODE,
    c::USAGE_TYPE,
    c::OPERATION,
    c::INSTANCE_TYPE,
    c::USAGE_UNIT,
    c::LINE_TYPE,
    c::REGION,
    c::PRODUCT_FAMILY,
    c::PRODUCT_VCPU,
    c::TRANSFER_TYPE,
    c::FROM_REGION,
    c::TO_REGION,
    c::CURRENCY,
];
/// Steps of a billed amount per unit: amounts have twelve digits after the point.
const AMOUNT_STEPS: f64 = 1e12;

/// A batch of billed lines with the columns that arithmetic needs.
pub(super) struct Lines<'a> {
    batch: &'a RecordBatch,
    pub(super) line_seq: &'a Int64Array,
    pub(super) start: &'a TimestampMicrosecondArray,
    pub(super) end: &'a TimestampMicrosecondArray,
    pub(super) amount: &'a Decimal128Array,
    pub(super) effective_cost: &'a Decimal128Array,
    pub(super) utilization: Option<&'a Float64Array>,
    /// Share of the line's time that `utilization` was measured in.
    pub(super) utilization_cover: Option<&'a Float64Array>,
    split_parent: &'a ArrayRef,
}

impl<'a> Lines<'a> {
    pub(super) fn new(batch: &'a RecordBatch) -> Result<Self, EstimateError> {
        let timestamp = |name| {
            let array = column(batch, name)?;
            array.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(|| {
                wrong_type(name, array, &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
            })
        };
        let decimal = |name| {
            let array = column(batch, name)?;
            let expected = DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE);
            match array.as_primitive_opt::<Decimal128Type>() {
                Some(decimals) if *array.data_type() == expected => Ok(decimals),
                _ => Err(wrong_type(name, array, &expected)),
            }
        };
        let line_seq = column(batch, c::LINE_SEQ)?;
        let optional_float = |name| match batch.column_by_name(name) {
            None => Ok(None),
            Some(array) => array
                .as_primitive_opt::<Float64Type>()
                .map(Some)
                .ok_or_else(|| wrong_type(name, array, &DataType::Float64)),
        };
        Ok(Self {
            batch,
            line_seq: line_seq
                .as_primitive_opt::<Int64Type>()
                .ok_or_else(|| wrong_type(c::LINE_SEQ, line_seq, &DataType::Int64))?,
            start: timestamp(c::USAGE_START)?,
            end: timestamp(c::USAGE_END)?,
            amount: decimal(c::USAGE_AMOUNT)?,
            effective_cost: decimal(c::EFFECTIVE_COST)?,
            utilization: optional_float(c::UTILIZATION)?,
            utilization_cover: optional_float(c::UTILIZATION_COVER)?,
            split_parent: column(batch, c::SPLIT_PARENT_RESOURCE_ID)?,
        })
    }

    pub(super) fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// A column that is passed on as it is.
    pub(super) fn column(&self, name: &str) -> Result<&'a ArrayRef, EstimateError> {
        column(self.batch, name)
    }

    /// The key columns as codes.
    pub(super) fn key_columns(&self) -> Result<Vec<KeyColumn<'a>>, EstimateError> {
        KEY_COLUMNS
            .iter()
            .map(|name| {
                let array = column(self.batch, name)?;
                KeyColumn::new(array).ok_or_else(|| {
                    EstimateError::input(format!(
                        "column `{name}` is {}, expected Utf8 or Dictionary(Int32, Utf8)",
                        array.data_type()
                    ))
                })
            })
            .collect()
    }

    /// Whether a row is a share of another line's resource.
    pub(super) fn splits(&self) -> impl Fn(usize) -> bool + use<'a> {
        let parents = self.split_parent.logical_nulls();
        move |row| parents.as_ref().is_none_or(|nulls| nulls.is_valid(row))
    }

    /// The key of a row.
    pub(super) fn key<'k>(&self, columns: &'k [KeyColumn<'a>], row: usize) -> ClassKey<'k> {
        let text = |column: usize| columns[column].text(row);
        ClassKey {
            provider: text(0),
            service_code: text(1),
            usage_type: text(2),
            operation: text(3),
            instance_type: text(4),
            usage_unit: text(5),
            line_type: text(6),
            region: text(7),
            product_family: text(8),
            product_vcpu: text(9),
            transfer_type: text(10),
            from_region: text(11),
            to_region: text(12),
            currency: text(13),
            split: (self.splits())(row),
        }
    }

    /// How a row is named in an error.
    pub(super) fn row_name(&self, row: usize) -> String {
        let id = self.batch.column_by_name(c::LINE_ID).and_then(KeyColumn::new);
        let id = id.as_ref().and_then(|ids| ids.text(row)).unwrap_or("?");
        format!("line_seq {}, line_id {id}", self.line_seq.value(row))
    }
}

/// A billed amount as a double, once.
#[inline]
pub(super) fn amount_from_steps(steps: i128) -> f64 {
    // The narrow conversion is one instruction; both round to nearest.
    // Both conversions give the same double. The wide one is kept out of line, or the compiler uses it for all.
    i64::try_from(steps).map_or_else(|_| wide_as_f64(steps), |steps| steps as f64) / AMOUNT_STEPS
}

#[cold]
#[inline(never)]
fn wide_as_f64(steps: i128) -> f64 {
    steps as f64
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, EstimateError> {
    batch.column_by_name(name).ok_or_else(|| EstimateError::input(format!("column `{name}` is missing")))
}

fn wrong_type(name: &str, array: &ArrayRef, expected: &DataType) -> EstimateError {
    EstimateError::input(format!("column `{name}` is {}, expected {expected}", array.data_type()))
}
