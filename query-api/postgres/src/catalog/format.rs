//! `format`, by which clients put names together.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array as _, AsArray as _, StringArray},
        compute::cast,
        datatypes::DataType,
    },
    common::{Result, exec_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility},
};

/// `format` of Postgres with `%s`, `%I` and `%%`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Format(Signature);

impl Format {
    pub(super) fn new() -> Self {
        Self(Signature::variadic_any(Volatility::Immutable))
    }
}

impl ScalarUDFImpl for Format {
    fn name(&self) -> &'static str {
        "format"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let texts = args
            .args
            .iter()
            .map(|value| Ok(cast(&value.to_array(args.number_rows)?, &DataType::Utf8)?))
            .collect::<Result<Vec<_>>>()?;
        let Some((patterns, values)) = texts.split_first() else { return exec_err!("format takes a text") };
        let value = |column: usize, row: usize| {
            let column = values.get(column)?.as_string::<i32>();
            Some(if column.is_null(row) { "" } else { column.value(row) })
        };
        let patterns = patterns.as_string::<i32>();
        let rows = (0..args.number_rows).map(|row| {
            if patterns.is_null(row) {
                return Ok(None);
            }
            formatted(patterns.value(row), |column| value(column, row)).map(Some)
        });
        Ok(ColumnarValue::Array(Arc::new(rows.collect::<Result<StringArray>>()?)))
    }
}

fn formatted<'a>(pattern: &str, value: impl Fn(usize) -> Option<&'a str>) -> Result<String> {
    let (mut text, mut next, mut signs) = (String::new(), 0, pattern.chars());
    while let Some(sign) = signs.next() {
        if sign != '%' {
            text.push(sign);
            continue;
        }
        let kind = signs.next();
        if kind == Some('%') {
            text.push('%');
            continue;
        }
        let Some(value) = value(next) else { return exec_err!("too few arguments for format()") };
        next += 1;
        match kind {
            Some('s') => text.push_str(value),
            Some('I') => text.push_str(&quoted(value)),
            _ => return exec_err!("format() knows %s, %I and %%"),
        }
    }
    Ok(text)
}

/// A name, in quotes where it would be read as another without.
fn quoted(name: &str) -> String {
    let is_plain = name.chars().all(|sign| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '_')
        && !name.starts_with(|sign: char| sign.is_ascii_digit())
        && !name.is_empty();
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected by Postgres 16.
    #[test]
    fn texts_are_those_of_postgres() {
        let of = |pattern: &str| formatted(pattern, |n| ["public", "My Table", "a\"b"].get(n).copied());
        assert_eq!(of("%I.%I").unwrap(), "public.\"My Table\"");
        assert_eq!(of("%s, %s, %I, 5%%").unwrap(), "public, My Table, \"a\"\"b\", 5%");
        assert!(of("%s%s%s%s").is_err() && of("%d").is_err() && of("%").is_err());
    }
}
