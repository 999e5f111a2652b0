//! Rows: a line of the pool in an hour, and the Arrow batch of many of them.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, DictionaryArray, Float64Array, Int32Array, MapArray, RecordBatch, StringArray, StructArray,
        TimestampMillisecondArray, new_null_array,
    },
    buffer::{OffsetBuffer, ScalarBuffer},
    datatypes::{DataType, Field, Int32Type, SchemaRef},
    error::ArrowError,
};

use super::{
    meter::LineType,
    pool::{MapColumn, NET_SHARE, Pool, Rates, TextColumn},
    random::Random,
    schema::{COLUMNS, Kind, LINE_ID, entry_fields},
};

const MILLIS_PER_HOUR: i64 = 3_600_000;

/// One row: a line of the pool over some hours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Row {
    /// Where the line stands in the pool.
    pub(crate) line: usize,
    /// First hour of the period that the row covers.
    pub(crate) hour: u32,
    /// How many hours it covers.
    pub(crate) hours: u32,
    /// Usage amount, in the meter's unit.
    pub(crate) amount: f64,
    /// Billed cost, USD.
    pub(crate) cost: f64,
    /// For split lines, the share of the parent, 0 to 1.
    pub(crate) share: f64,
}

impl Row {
    /// A row of one hour at the line's own rate.
    pub(crate) fn hourly(pool: &Pool, line: usize, hour: u32, amount: f64) -> Self {
        let cost = round10(amount * pool.rates[line].unblended);
        Self { line, hour, hours: 1, amount, cost, share: (amount / 16.0).clamp(0.0, 1.0) }
    }
}

/// Rounded to ten digits after the point, as amounts and costs are billed.
pub(crate) fn round10(value: f64) -> f64 {
    (value * 1e10).round() / 1e10
}

/// Texts that batches share: made once, looked up by code.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pool: &'a Pool,
    schema: SchemaRef,
    texts: Vec<ArrayRef>,
    maps: [(ArrayRef, ArrayRef); 3],
    intervals: ArrayRef,
}

impl<'a> Frame<'a> {
    /// The frame of a pool that will not grow any more.
    pub(crate) fn new(pool: &'a Pool, schema: SchemaRef) -> Self {
        let texts = pool.texts.iter().map(|(_, column)| column.values()).collect();
        let maps = [pool.product.values(), pool.tags.values(), pool.categories.values()];
        let start_s = pool.period.window().start_s;
        let hours = 0..=pool.period.hours();
        let instants: Vec<String> = hours.map(|hour| instant(start_s + hour * 3600)).collect();
        let intervals = instants.windows(2).map(|pair| format!("{}/{}", pair[0], pair[1]));
        let intervals = Arc::new(StringArray::from_iter_values(intervals));
        Self { pool, schema, texts, maps, intervals }
    }

    /// The batch of the rows; ids are drawn from `random`.
    ///
    /// # Errors
    /// Never for rows of this pool; Arrow checks lengths and types again.
    pub(crate) fn batch(&self, rows: &[Row], random: &mut Random) -> Result<RecordBatch, ArrowError> {
        let columns: Result<Vec<ArrayRef>, ArrowError> =
            COLUMNS.iter().map(|(name, kind)| self.column(name, *kind, rows, random)).collect();
        RecordBatch::try_new(Arc::clone(&self.schema), columns?)
    }

    fn column(
        &self,
        name: &str,
        kind: Kind,
        rows: &[Row],
        random: &mut Random,
    ) -> Result<ArrayRef, ArrowError> {
        let pool = self.pool;
        match (kind, name) {
            (Kind::Text, LINE_ID) => Ok(line_ids(rows.len(), random)),
            (Kind::Text, "identity_time_interval") => {
                let codes = rows.iter().map(|row| i32::try_from(row.hour).ok());
                dictionary(codes.collect(), &self.intervals)
            }
            (Kind::Text, _) => match pool.texts.iter().position(|(text, _)| *text == name) {
                Some(at) => {
                    let column: &TextColumn = &pool.texts[at].1;
                    dictionary(rows.iter().map(|row| column.code(row.line)).collect(), &self.texts[at])
                }
                None => Ok(new_null_array(&kind.data_type(), rows.len())),
            },
            (Kind::Time, _) => Ok(self.instants(name, rows)),
            (Kind::Number, _) => Ok(match number(name) {
                Some(of) => {
                    let values = rows.iter().map(|row| of(row, &pool.rates[row.line]));
                    Arc::new(values.collect::<Float64Array>())
                }
                None => new_null_array(&kind.data_type(), rows.len()),
            }),
            (Kind::TextMap, "product") => map(&pool.product, &self.maps[0], rows),
            (Kind::TextMap, "resource_tags") => map(&pool.tags, &self.maps[1], rows),
            (Kind::TextMap, _) => map(&pool.categories, &self.maps[2], rows),
            (Kind::NumberMap, _) => empty_map(rows.len()),
        }
    }

    fn instants(&self, name: &str, rows: &[Row]) -> ArrayRef {
        let window = self.pool.period.window();
        let start = window.start_s * 1000;
        let at = |hours: u32| start + i64::from(hours) * MILLIS_PER_HOUR;
        let values: Vec<i64> = match name {
            "bill_billing_period_start_date" => vec![start; rows.len()],
            "bill_billing_period_end_date" => vec![window.end_s * 1000; rows.len()],
            "line_item_usage_start_date" => rows.iter().map(|row| at(row.hour)).collect(),
            _ => rows.iter().map(|row| at(row.hour + row.hours)).collect(),
        };
        Arc::new(TimestampMillisecondArray::from(values).with_timezone("UTC"))
    }
}

/// How a number column follows from a row and its rates; `None` for columns that stay null.
fn number(name: &str) -> Option<fn(&Row, &Rates) -> Option<f64>> {
    Some(match name {
        "line_item_usage_amount" => |row, _| Some(row.amount),
        "line_item_unblended_cost" | "line_item_blended_cost" => |row, _| Some(row.cost),
        "line_item_net_unblended_cost" => |row, _| Some(round10(row.cost * NET_SHARE)),
        "discount_total_discount" => |row, _| Some(round10(row.cost * (NET_SHARE - 1.0))),
        "line_item_normalization_factor" => |_, rates| Some(rates.normalization),
        "line_item_normalized_usage_amount" => |row, rates| Some(rates.normalization * row.amount),
        "pricing_public_on_demand_cost" => {
            |row, rates| Some(if rates.line_type.is_usage() { round10(row.amount * rates.list) } else { 0.0 })
        }
        "discount_bundled_discount"
        | "reservation_unused_quantity"
        | "reservation_unused_recurring_fee"
        | "reservation_upfront_value"
        | "reservation_amortized_upfront_fee_for_billing_period"
        | "savings_plan_amortized_upfront_commitment_for_billing_period" => |_, _| Some(0.0),
        "reservation_effective_cost" => {
            |row, rates| Some(if reserved(rates) { round10(row.amount * rates.effective) } else { 0.0 })
        }
        "reservation_net_effective_cost" => {
            |row, rates| reserved(rates).then(|| round10(row.amount * rates.effective * NET_SHARE))
        }
        "reservation_amortized_upfront_cost_for_usage" => |_, rates| reserved(rates).then_some(0.0),
        "reservation_recurring_fee_for_usage" => {
            |row, rates| reserved(rates).then(|| round10(row.amount * rates.effective))
        }
        "savings_plan_savings_plan_rate" => |_, rates| planned(rates).then(|| round10(rates.effective)),
        "savings_plan_savings_plan_effective_cost" => |row, rates| {
            let covered = rates.line_type == LineType::SavingsPlanCoveredUsage;
            Some(if covered { round10(row.amount * rates.effective) } else { 0.0 })
        },
        "savings_plan_net_savings_plan_effective_cost" => |row, rates| {
            let covered = rates.line_type == LineType::SavingsPlanCoveredUsage;
            covered.then(|| round10(row.amount * rates.effective * NET_SHARE))
        },
        "savings_plan_recurring_commitment_for_billing_period" | "savings_plan_total_commitment_to_date" => {
            |row, rates| (rates.line_type == LineType::SavingsPlanRecurringFee).then_some(row.cost)
        }
        "savings_plan_used_commitment" => |row, rates| {
            (rates.line_type == LineType::SavingsPlanRecurringFee).then(|| round10(row.cost * 0.97))
        },
        "split_line_item_split_usage" => |row, rates| rates.split.map(|_| row.amount),
        "split_line_item_reserved_usage" => |row, rates| rates.split.map(|_| row.amount * 0.9),
        "split_line_item_actual_usage" => |row, rates| rates.split.map(|_| row.amount * 0.6),
        "split_line_item_split_usage_ratio" => |row, rates| rates.split.map(|_| row.share),
        "split_line_item_split_cost" => |row, rates| rates.split.map(|usd| row.amount * usd),
        "split_line_item_net_split_cost" => |row, rates| rates.split.map(|usd| row.amount * usd * NET_SHARE),
        "split_line_item_unused_cost" => |row, rates| rates.split.map(|usd| row.amount * usd * 0.2),
        "split_line_item_net_unused_cost" => |row, rates| rates.split.map(|usd| row.amount * usd * 0.19),
        "split_line_item_public_on_demand_split_cost" => {
            |row, rates| rates.split.map(|usd| row.amount * usd * 1.3)
        }
        "split_line_item_public_on_demand_unused_cost" => {
            |row, rates| rates.split.map(|usd| row.amount * usd * 0.26)
        }
        _ => return None,
    })
}

fn reserved(rates: &Rates) -> bool {
    rates.line_type == LineType::DiscountedUsage
}

fn planned(rates: &Rates) -> bool {
    matches!(rates.line_type, LineType::SavingsPlanCoveredUsage | LineType::SavingsPlanNegation)
}

fn dictionary(codes: Int32Array, values: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(codes, Arc::clone(values))?))
}

fn line_ids(rows: usize, random: &mut Random) -> ArrayRef {
    let ids: Vec<[u8; 52]> = (0..rows).map(|_| random.line_id()).collect();
    Arc::new(StringArray::from_iter_values(ids.iter().filter_map(|id| std::str::from_utf8(id).ok())))
}

fn map(
    column: &MapColumn,
    (keys, values): &(ArrayRef, ArrayRef),
    rows: &[Row],
) -> Result<ArrayRef, ArrowError> {
    let lengths = rows.iter().map(|row| column.entries(row.line).len());
    let offsets = OffsetBuffer::from_lengths(lengths);
    let entries = || rows.iter().flat_map(|row| column.entries(row.line));
    let keys = dictionary(entries().map(|(key, _)| Some(*key)).collect(), keys)?;
    let values = dictionary(entries().map(|(_, value)| Some(*value)).collect(), values)?;
    let value_type = values.data_type().clone();
    map_array(value_type, offsets, vec![keys, values])
}

/// A map that is present and holds nothing, in every row.
fn empty_map(rows: usize) -> Result<ArrayRef, ArrowError> {
    let keys = dictionary(
        Int32Array::from(Vec::<i32>::new()),
        &(Arc::new(StringArray::from(Vec::<&str>::new())) as _),
    )?;
    let offsets = OffsetBuffer::new(ScalarBuffer::from(vec![0; rows + 1]));
    map_array(DataType::Float64, offsets, vec![keys, Arc::new(Float64Array::from(Vec::<f64>::new()))])
}

fn map_array(
    value: DataType,
    offsets: OffsetBuffer<i32>,
    columns: Vec<ArrayRef>,
) -> Result<ArrayRef, ArrowError> {
    let fields = entry_fields(value);
    let field = Arc::new(Field::new("key_value", DataType::Struct(fields.clone()), false));
    let entries = StructArray::try_new(fields, columns, None)?;
    Ok(Arc::new(MapArray::try_new(field, offsets, entries, None, false)?))
}

/// `2026-10-01T00:00:00Z`
fn instant(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |at| at.to_string())
}
