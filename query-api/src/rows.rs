//! Rows as JSON objects, the same on every interface.

use std::fmt::Write as _;

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, RecordBatch},
    datatypes::{DataType, Float32Type, Float64Type},
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions},
};
use serde_json::Value;

/// One JSON object a row, columns in their order: whole numbers and doubles as numbers, decimals, instants and texts as
/// strings, so that no digit is lost on the way.
///
/// # Errors
/// For types that have no text, which no table of a ledger has.
pub fn json_rows(batch: &RecordBatch) -> Result<Vec<String>, ArrowError> {
    let names: Vec<String> = batch
        .schema()
        .fields()
        .iter()
        .map(|field| format!("{}:", Value::from(field.name().as_str())))
        .collect();
    texts(batch, ['{', '}'], |column| &names[column])
}

/// One JSON array a row, with values as of [`json_rows`]: for answers whose columns may share a name.
///
/// # Errors
/// As of [`json_rows`].
pub fn json_arrays(batch: &RecordBatch) -> Result<Vec<String>, ArrowError> {
    texts(batch, ['[', ']'], |_| "")
}

fn texts<'n>(
    batch: &RecordBatch,
    [open, close]: [char; 2],
    name: impl Fn(usize) -> &'n str,
) -> Result<Vec<String>, ArrowError> {
    let options = FormatOptions::default();
    let formatters = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
        .collect::<Result<Vec<_>, _>>()?;
    (0..batch.num_rows())
        .map(|row| {
            let mut text = String::from(open);
            for (column, formatter) in formatters.iter().enumerate() {
                let printed = formatter.value(row).try_to_string()?;
                let value = value(batch.column(column), row, printed);
                let comma = if column > 0 { "," } else { "" };
                // Writing to a string does not fail.
                _ = write!(text, "{comma}{}{value}", name(column));
            }
            text.push(close);
            Ok(text)
        })
        .collect()
}

fn value(array: &ArrayRef, row: usize, printed: String) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    let number = |value: f64| serde_json::Number::from_f64(value).map(Value::Number);
    let exact = match array.data_type() {
        DataType::Null => Some(Value::Null),
        DataType::Boolean => Some(Value::Bool(array.as_boolean().value(row))),
        kind if kind.is_integer() => serde_json::from_str(&printed).ok(),
        DataType::Float64 => number(array.as_primitive::<Float64Type>().value(row)),
        DataType::Float32 => number(f64::from(array.as_primitive::<Float32Type>().value(row))),
        _ => None,
    };
    exact.unwrap_or(Value::String(printed))
}
