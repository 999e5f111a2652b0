//! Arguments of functions that look something up: texts column-wise, each distinct one once, and literals.

use arrow::{
    array::{Array as _, AsArray as _, Int32Array},
    compute::cast,
    datatypes::{DataType, Int32Type},
};
use datafusion::{common::Result, logical_expr::ColumnarValue};

/// What was found for the texts of a column.
pub(super) struct Found<T> {
    /// Which text each row has.
    codes: Int32Array,
    /// By text; `None` where nothing is known.
    by_text: Vec<Option<T>>,
}

impl<T> Found<T> {
    /// Looks up each distinct text of an argument once.
    pub(super) fn new(
        texts: &ColumnarValue,
        rows: usize,
        look_up: impl Fn(&str) -> Option<T>,
    ) -> Result<Self> {
        let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let coded = cast(&texts.to_array(rows)?, &coded)?;
        let coded = coded.as_dictionary::<Int32Type>();
        let by_text = coded.values().as_string::<i32>().iter().map(|text| text.and_then(&look_up)).collect();
        Ok(Self { codes: coded.keys().clone(), by_text })
    }

    /// What was found for a row; `None` where its text is null or unknown.
    pub(super) fn of_row(&mut self, row: usize) -> Option<&mut T> {
        let code = self.codes.is_valid(row).then(|| self.codes.value(row))?;
        self.by_text.get_mut(usize::try_from(code).ok()?)?.as_mut()
    }
}

/// Whether a type holds text, or nothing but nulls.
pub(super) fn is_text(of: &DataType) -> bool {
    match of {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// The text of a literal argument; `None` for a column or null.
pub(super) fn literal(argument: &ColumnarValue) -> Option<&str> {
    match argument {
        ColumnarValue::Scalar(value) => value.try_as_str().flatten(),
        ColumnarValue::Array(_) => None,
    }
}
