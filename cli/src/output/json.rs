//! Rows as JSON objects.

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, RecordBatch},
    datatypes::{DataType, Float32Type, Float64Type},
};
use serde_json::Value;

/// One JSON object per row: whole numbers and doubles as numbers, decimals, instants and texts as strings.
pub(super) fn objects(batch: &RecordBatch) -> anyhow::Result<Vec<String>> {
    let formatters = super::formatters(batch)?;
    let schema = batch.schema();
    (0..batch.num_rows())
        .map(|row| {
            let mut text = String::from("{");
            for (index, field) in schema.fields().iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                let printed = formatters[index].value(row).try_to_string()?;
                text.push_str(&serde_json::to_string(field.name())?);
                text.push(':');
                text.push_str(&serde_json::to_string(&value(batch.column(index), row, printed))?);
            }
            text.push('}');
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
