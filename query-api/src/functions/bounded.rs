//! Functions of the engine whose results can be much larger than their arguments, held to a size.
//!
//! What a function makes is in no memory pool before it is handed on, so `repeat('x', 1000000000)` would take its memory
//! from everybody. A [`Bounded`] function first works out the most that each row can give ([`growth`]), calls the
//! engine's own function on as many rows as are certain to fit, and then weighs what came. Constants are folded by the
//! same call. The operators that are such functions under another name are planned as these ([`operators`]).

mod array_agg;
mod growth;
mod operators;
mod series;
mod sizes;

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray as _},
    compute::concat,
    datatypes::{DataType, FieldRef, Int64Type},
};
use datafusion::{
    common::{Result, plan_err, resources_datafusion_err},
    error::DataFusionError,
    execution::SessionStateDefaults,
    logical_expr::{
        AggregateUDF, ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
        ScalarUDFImpl, Signature,
        simplify::{ExprSimplifyResult, SimplifyContext},
    },
    prelude::SessionContext,
    scalar::ScalarValue,
};

pub(crate) use self::operators::Operators;
use self::{
    array_agg::ArrayAgg,
    growth::{Arguments, Growth},
    operators::Joined,
};

/// Bytes that a function makes of the rows of one batch.
const BATCH_BYTES_MOST: u64 = 64 << 20;
/// Bytes of one text or array that a function makes. A batch may hold it once for each of its rows.
const VALUE_BYTES_MOST: u64 = 128 << 10;

/// Functions that are not there: their cost cannot be told from their arguments, they tell of files, or they turn
/// values into types that the ledger does not have.
const DROPPED: [&str; 13] = [
    "arrow_try_cast",
    "cast_to_type",
    "try_cast_to_type",
    "with_metadata",
    "input_file_name",
    "file_row_index",
    "levenshtein",
    "arrays_zip",
    "map",
    "map_entries",
    "map_extract",
    "map_keys",
    "map_values",
];
/// Functions that call others for each element.
const DROPPED_HIGHER: [&str; 4] = ["array_any_match", "array_filter", "array_first", "array_transform"];

/// Every bounded function.
pub(crate) fn all() -> Vec<ScalarUDF> {
    let engines = SessionStateDefaults::default_scalar_functions();
    let bounded = engines.iter().filter_map(|function| {
        let growth = Growth::of(function.name())?;
        Some(ScalarUDF::from(Bounded { inner: function.as_ref().clone(), growth }))
    });
    let joined = Bounded { inner: ScalarUDF::from(Joined::new()), growth: Growth::Sum };
    bounded.chain([ScalarUDF::from(joined)]).collect()
}

/// `array_agg`, its memory counted in full.
pub(crate) fn array_agg() -> AggregateUDF {
    AggregateUDF::from(ArrayAgg::new())
}

/// Puts the bounded functions in place of the engine's, and takes away those that cannot be bounded.
pub(crate) fn confine(context: &SessionContext) {
    for name in DROPPED {
        context.deregister_udf(name);
    }
    for name in DROPPED_HIGHER {
        context.deregister_higher_order_function(name);
    }
    for function in all() {
        context.register_udf(function);
    }
    context.register_udaf(array_agg());
    for function in SessionStateDefaults::default_table_functions() {
        context.register_udtf(function.name(), series::bounded(function.function()));
    }
}

/// A function of the engine, held to a size.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: ScalarUDF,
    growth: Growth,
}

impl Bounded {
    /// The result for some of the rows, weighed.
    fn part(&self, args: ScalarFunctionArgs, used: &mut u64) -> Result<ColumnarValue> {
        let made = self.inner.invoke_with_args(args)?;
        let sizes = match &made {
            ColumnarValue::Array(array) => sizes::sizes(array),
            ColumnarValue::Scalar(value) => sizes::sizes(&value.to_array()?),
        };
        *used = sizes.iter().fold(*used, |sum, size| sum.saturating_add(*size));
        if *used > BATCH_BYTES_MOST || sizes.into_iter().any(|size| size > VALUE_BYTES_MOST) {
            return Err(self.too_much());
        }
        Ok(made)
    }

    fn too_much(&self) -> DataFusionError {
        resources_datafusion_err!("{} would make more than a statement may hold", self.inner.name())
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.inner.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let field = self.inner.return_field_from_args(args)?;
        if has_length(field.data_type()) {
            return plan_err!("values of a fixed length are not supported");
        }
        Ok(field)
    }

    fn is_strict(&self) -> bool {
        self.inner.is_strict()
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    /// Only of what does not grow: others would be simplified into the engine's own function.
    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        match self.growth {
            Growth::Same => self.inner.simplify(args, info),
            _ => Ok(ExprSimplifyResult::Original(args)),
        }
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if self.growth == Growth::Padded
            && let Some(letters) = args.args.get_mut(1)
        {
            not_negative(letters);
        }
        let bounds = self.growth.most(&Arguments::of(&args)?)?;
        let mut used = 0;
        // Constants alone give one value, however many rows there are.
        if args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_))) {
            return if bounds.first().is_some_and(|most| *most > BATCH_BYTES_MOST) {
                Err(self.too_much())
            } else {
                self.part(args, &mut used)
            };
        }
        let mut parts: Vec<ArrayRef> = Vec::new();
        for (from, rows) in fitting(&bounds).ok_or_else(|| self.too_much())? {
            if rows == args.number_rows {
                return self.part(args, &mut used);
            }
            let slice = |arg: &ColumnarValue| match arg {
                ColumnarValue::Array(array) => ColumnarValue::Array(array.slice(from, rows)),
                scalar @ ColumnarValue::Scalar(_) => scalar.clone(),
            };
            let part = ScalarFunctionArgs {
                args: args.args.iter().map(slice).collect(),
                number_rows: rows,
                ..args.clone()
            };
            parts.push(self.part(part, &mut used)?.to_array(rows)?);
        }
        let parts: Vec<_> = parts.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarValue::Array(concat(&parts)?))
    }
}

/// Nothing in place of less than nothing, on which the engine's own function panics.
fn not_negative(letters: &mut ColumnarValue) {
    match letters {
        ColumnarValue::Scalar(ScalarValue::Int64(Some(number))) => *number = (*number).max(0),
        ColumnarValue::Array(numbers) => {
            if let Some(whole) = numbers.as_primitive_opt::<Int64Type>() {
                *numbers = Arc::new(whole.unary::<_, Int64Type>(|number| number.max(0)));
            }
        }
        ColumnarValue::Scalar(_) => {}
    }
}

/// Rows in parts that fit, each as its first and how many; nothing where a single one does not.
fn fitting(bounds: &[u64]) -> Option<Vec<(usize, usize)>> {
    let (mut parts, mut from, mut sum) = (Vec::new(), 0, 0_u64);
    for (row, most) in bounds.iter().enumerate() {
        if *most > BATCH_BYTES_MOST {
            return None;
        }
        if sum + most > BATCH_BYTES_MOST {
            parts.push((from, row - from));
            (from, sum) = (row, 0);
        }
        sum += most;
    }
    parts.push((from, bounds.len() - from));
    Some(parts)
}

/// Whether all values of a type are of one length, or hold such: their nulls take as much.
fn has_length(of: &DataType) -> bool {
    match of {
        DataType::FixedSizeBinary(_) | DataType::FixedSizeList(..) => true,
        DataType::List(field) | DataType::LargeList(field) | DataType::Map(field, _) => {
            has_length(field.data_type())
        }
        DataType::Struct(fields) => fields.iter().any(|field| has_length(field.data_type())),
        DataType::Dictionary(_, values) => has_length(values),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
