//! The most bytes that a function can make of each row.

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _},
    compute::cast,
    datatypes::{DataType, Int64Type},
};
use datafusion::{
    common::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs},
};

use super::{series::elements, sizes::sizes};

/// How a function grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Growth {
    /// It gives what it was given; only its type is looked at.
    Same,
    /// Its arguments, one after the other.
    Sum,
    /// The first argument between all others.
    Between,
    /// The first argument as often as the second says.
    Times,
    /// As many letters as the second argument says.
    Padded,
    /// The third argument wherever the second is in the first.
    Replaced,
    /// The third argument wherever a pattern is in the first, with parts of that.
    ReplacedByPattern,
    /// What the groups of a pattern match.
    Groups,
    /// The third argument in place of elements of the first.
    Elements,
    /// As many elements as the second argument says.
    Resized,
    /// Pieces of the first argument.
    Pieces,
    /// The elements of the first argument as texts, with the others between and in place of them.
    Texts,
    /// Two letters for each byte.
    Encoded,
    /// A time, as the second argument says.
    Time,
    /// Numbers or times between two.
    Series,
}

/// What a function is called with.
pub(super) struct Arguments {
    columns: Vec<Column>,
    rows: usize,
}

struct Column {
    values: ArrayRef,
    sizes: Vec<u64>,
    /// Whether it is one value for all rows.
    is_one: bool,
}

impl Arguments {
    pub(super) fn of(args: &ScalarFunctionArgs) -> Result<Self> {
        let all_are_one = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        Ok(Self {
            columns: args.args.iter().map(Column::of).collect::<Result<_>>()?,
            rows: if all_are_one { 1 } else { args.number_rows },
        })
    }

    fn size(&self, argument: usize, row: usize) -> u64 {
        let column = self.columns.get(argument);
        column.and_then(|column| column.sizes.get(column.at(row)).copied()).unwrap_or(0)
    }

    fn sum(&self, row: usize) -> u64 {
        (0..self.columns.len()).map(|argument| self.size(argument, row)).sum()
    }

    /// For each row what is made of its number.
    fn each(&self, most: impl Fn(usize) -> u64) -> Vec<u64> {
        (0..self.rows).map(most).collect()
    }

    /// The whole numbers of an argument by row, at least 0.
    fn numbers(&self, argument: usize) -> Result<impl Fn(usize) -> u64> {
        let column = self.columns.get(argument);
        let numbers = column.map(|column| cast(&column.values, &DataType::Int64)).transpose()?;
        let is_one = column.is_none_or(|column| column.is_one);
        Ok(move |row: usize| {
            let row = if is_one { 0 } else { row };
            let numbers = numbers.as_ref().map(arrow::array::AsArray::as_primitive::<Int64Type>);
            let number = numbers.filter(|n| row < n.len() && n.is_valid(row)).map_or(0, |n| n.value(row));
            u64::try_from(number).unwrap_or(0)
        })
    }

    /// The texts of an argument by row.
    fn texts(&self, argument: usize) -> Result<Option<(ArrayRef, bool)>> {
        let column = self.columns.get(argument);
        let text = |column: &Column| Ok((cast(&column.values, &DataType::Utf8View)?, column.is_one));
        column.map(text).transpose()
    }
}

impl Column {
    fn of(value: &ColumnarValue) -> Result<Self> {
        let (values, is_one) = match value {
            ColumnarValue::Array(array) => (array.clone(), false),
            ColumnarValue::Scalar(value) => (value.to_array()?, true),
        };
        Ok(Self { sizes: sizes(&values), values, is_one })
    }

    fn at(&self, row: usize) -> usize {
        if self.is_one { 0 } else { row }
    }
}

impl Growth {
    /// How a function of the engine grows, where it does.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "arrow_cast" => Self::Same,
            "concat" | "overlay" | "make_array" | "array_append" | "array_prepend" | "array_concat"
            | "array_union" => Self::Sum,
            "concat_ws" => Self::Between,
            "repeat" | "array_repeat" => Self::Times,
            "lpad" | "rpad" => Self::Padded,
            "replace" => Self::Replaced,
            "regexp_replace" => Self::ReplacedByPattern,
            "regexp_match" => Self::Groups,
            "array_replace" | "array_replace_n" | "array_replace_all" => Self::Elements,
            "array_resize" => Self::Resized,
            "string_to_array" => Self::Pieces,
            "array_to_string" => Self::Texts,
            "translate" | "encode" => Self::Encoded,
            "to_char" => Self::Time,
            "range" | "generate_series" => Self::Series,
            _ => return None,
        })
    }

    /// The most that each row can give, bytes; one for all where all arguments are constants.
    pub(super) fn most(self, args: &Arguments) -> Result<Vec<u64>> {
        let size = |argument, row| args.size(argument, row);
        Ok(match self {
            Self::Same => args.each(|_| 0),
            Self::Sum => args.each(|row| args.sum(row)),
            Self::Between => {
                let others = args.columns.len() as u64;
                args.each(|row| size(0, row).saturating_mul(others).saturating_add(args.sum(row)))
            }
            Self::Times => {
                let times = args.numbers(1)?;
                args.each(|row| size(0, row).max(1).saturating_mul(times(row)))
            }
            // A letter has four bytes at most.
            Self::Padded => {
                let letters = args.numbers(1)?;
                args.each(|row| letters(row).saturating_mul(4))
            }
            Self::Replaced => replaced(args)?,
            // Each place gives the third argument, and each two letters of that may stand for the whole place.
            Self::ReplacedByPattern => args.each(|row| {
                let (of, by) = (size(0, row) + 1, size(2, row));
                of.saturating_mul(by.saturating_mul(2) + 1)
            }),
            Self::Groups => {
                let Some((patterns, is_one)) = args.texts(1)? else { return Ok(args.each(|_| 0)) };
                let groups = |row: usize| {
                    let row = if is_one { 0 } else { row };
                    patterns.as_string_view().value(row).bytes().filter(|letter| *letter == b'(').count()
                };
                args.each(|row| (size(0, row) + 16).saturating_mul(groups(row) as u64 + 1))
            }
            Self::Elements => args.each(|row| size(0, row).saturating_mul(size(2, row) + 1)),
            Self::Resized => {
                let elements = args.numbers(1)?;
                args.each(|row| {
                    let more = elements(row).saturating_mul(size(2, row).max(16));
                    more.saturating_add(size(0, row))
                })
            }
            Self::Pieces => args.each(|row| size(0, row).saturating_mul(17)),
            Self::Texts => args.each(|row| {
                // An element takes one byte at least, and a number becomes 40 letters at most.
                let each = 40 + size(1, row) + size(2, row);
                size(0, row).saturating_mul(each)
            }),
            // Translated, a letter of one byte may become one of four.
            Self::Encoded => args.each(|row| size(0, row).saturating_mul(4)),
            // Two letters become 40 at most, as `%c` does.
            Self::Time => args.each(|row| size(1, row).saturating_mul(20).saturating_add(64)),
            Self::Series => {
                let columns: Vec<_> = args.columns.iter().map(|column| &column.values).collect();
                let at = |row| args.columns.iter().map(|column| column.at(row)).collect::<Vec<_>>();
                args.each(|row| elements(&columns, &at(row)).saturating_mul(8))
            }
        })
    }
}

/// What `replace` gives, counted.
fn replaced(args: &Arguments) -> Result<Vec<u64>> {
    let (Some((texts, texts_one)), Some((from, from_one))) = (args.texts(0)?, args.texts(1)?) else {
        return Ok(args.each(|_| 0));
    };
    let (texts, from) = (texts.as_string_view(), from.as_string_view());
    Ok(args.each(|row| {
        let (text, what) = (if texts_one { 0 } else { row }, if from_one { 0 } else { row });
        if texts.is_null(text) || from.is_null(what) {
            return 0;
        }
        let found = texts.value(text).matches(from.value(what)).count() as u64;
        args.size(0, row).saturating_add(found.saturating_mul(args.size(2, row)))
    }))
}
