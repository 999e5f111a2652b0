//! `range` and `generate_series`: how many elements they give, as arrays and as tables.

use std::sync::Arc;

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _},
    compute::cast,
    datatypes::{
        DataType, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, TimeUnit,
    },
};
use datafusion::{
    catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider},
    common::{Result, plan_err},
    logical_expr::Expr,
};

/// Rows of a series as a table.
const ROWS_MOST: u64 = 10_000_000;

const NANOS_PER_HOUR: i128 = 3_600_000_000_000;

/// A table function of the engine, held to a number of rows.
pub(super) fn bounded(inner: &Arc<dyn TableFunctionImpl>) -> Arc<dyn TableFunctionImpl> {
    Arc::new(Series(Arc::clone(inner)))
}

#[derive(Debug)]
struct Series(Arc<dyn TableFunctionImpl>);

impl TableFunctionImpl for Series {
    fn call_with_args(&self, args: TableFunctionArgs<'_, '_>) -> Result<Arc<dyn TableProvider>> {
        let mut values = Vec::new();
        for expr in args.exprs() {
            let Expr::Literal(value, _) = expr else { return plan_err!("a series takes constants") };
            values.push(value.to_array()?);
        }
        let columns: Vec<_> = values.iter().collect();
        if elements(&columns, &vec![0; columns.len()]) > ROWS_MOST {
            return plan_err!("a series of more than {ROWS_MOST} rows is not given");
        }
        self.0.call_with_args(args)
    }
}

/// At most how many elements a series of these arguments has, each at its row. Arguments that give no series count as
/// the largest.
pub(super) fn elements(arguments: &[&ArrayRef], rows: &[usize]) -> u64 {
    let is_null = |(values, row): (&&ArrayRef, &usize)| values.is_null(*row) || values.data_type().is_null();
    if arguments.iter().zip(rows).any(is_null) {
        return 0;
    }
    let point = |argument: usize| nanos(arguments.get(argument)?, *rows.get(argument)?);
    let span_and_step = match arguments {
        [_] => point(0).map(|stop| (stop, 1)),
        [_, _] => point(0).zip(point(1)).map(|(start, stop)| (stop - start, 1)),
        [_, _, step] => point(0)
            .zip(point(1))
            .zip(length(step, rows.get(2).copied().unwrap_or(0)))
            .map(|((start, stop), step)| (stop - start, step)),
        _ => None,
    };
    match span_and_step {
        // The function itself says that a step of nothing is none.
        Some((_, 0)) => 0,
        Some((span, step)) if span == 0 || (span > 0) == (step > 0) => {
            u64::try_from(span / step).unwrap_or(u64::MAX).saturating_add(1)
        }
        Some(_) => 0,
        None => u64::MAX,
    }
}

/// A whole number, or a point in time in nanoseconds.
fn nanos(values: &ArrayRef, row: usize) -> Option<i128> {
    let unit = match values.data_type() {
        DataType::Date32 => 24 * NANOS_PER_HOUR,
        DataType::Date64 | DataType::Timestamp(TimeUnit::Millisecond, _) => 1_000_000,
        DataType::Timestamp(TimeUnit::Second, _) => 1_000_000_000,
        DataType::Timestamp(TimeUnit::Microsecond, _) => 1_000,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => 1,
        of if of.is_integer() => 1,
        _ => return None,
    };
    // A date is cast by way of its own number.
    let values = match values.data_type() {
        DataType::Date32 => cast(values, &DataType::Int32).and_then(|days| cast(&days, &DataType::Int64)),
        _ => cast(values, &DataType::Int64),
    };
    let values = values.ok()?;
    let number = values.as_primitive::<Int64Type>();
    number.is_valid(row).then(|| i128::from(number.value(row)) * unit)
}

/// The least length of a step. Nothing where its parts go in both directions.
fn length(values: &ArrayRef, row: usize) -> Option<i128> {
    if values.data_type() != &DataType::Interval(IntervalUnit::MonthDayNano) {
        return nanos(values, row);
    }
    let IntervalMonthDayNano { months, days, nanoseconds } =
        values.as_primitive::<IntervalMonthDayNanoType>().value(row);
    // The shortest month, and the day on which clocks are put forward.
    let parts = [
        i128::from(months) * 28 * 23 * NANOS_PER_HOUR,
        i128::from(days) * 23 * NANOS_PER_HOUR,
        i128::from(nanoseconds),
    ];
    let is_one_way = parts.iter().all(|part| *part >= 0) || parts.iter().all(|part| *part <= 0);
    is_one_way.then(|| parts.iter().sum())
}
