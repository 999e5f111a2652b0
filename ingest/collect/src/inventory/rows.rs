//! Rows of `resources`: read from old files, collected for new ones.

use std::sync::Arc;

use airshed_domain::schema::{self, column as c};
use arrow::{
    array::{
        Array as _, ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray, StringBuilder,
        TimestampMicrosecondBuilder,
    },
    compute::cast,
    datatypes::DataType,
};

use crate::error::{Context as _, Error, Result};

/// A batch of an old file, or some columns of it.
pub(super) struct OldRows {
    texts: [Option<StringArray>; 8],
    from: Int64Array,
    to: Int64Array,
}

/// The text columns, in the order of the table.
const TEXTS: [&str; 8] = [
    c::ACCOUNT_ID,
    c::REGION,
    c::RESOURCE_TYPE,
    c::RESOURCE_ID,
    c::RESOURCE_ARN,
    c::TAGS,
    c::CONFIGURATION,
    c::SOURCE,
];
const TYPE: usize = 2;
const ARN: usize = 4;
const TAGS: usize = 5;
const CONFIGURATION: usize = 6;

impl OldRows {
    pub(super) fn of(batch: &RecordBatch) -> Result<Self> {
        let typed = |column: &ArrayRef, name: &str, data_type: &DataType| {
            cast(column, data_type).context(|| format!("column `{name}` of `resources`"))
        };
        let text = |name: &str| -> Result<Option<StringArray>> {
            let column = batch.column_by_name(name).map(|column| typed(column, name, &DataType::Utf8));
            Ok(column.transpose()?.map(|column| column.as_string::<i32>().clone()))
        };
        let instant = |name: &str| -> Result<Int64Array> {
            let column = batch.column_by_name(name);
            let column = column.ok_or_else(|| Error::bug(format!("`resources` lacks `{name}`")))?;
            let instants = typed(column, name, &schema::timestamp_type())?;
            let numbers = typed(&instants, name, &DataType::Int64)?;
            Ok(numbers.as_primitive::<arrow::datatypes::Int64Type>().clone())
        };
        let mut texts: [Option<StringArray>; 8] = Default::default();
        for (array, name) in texts.iter_mut().zip(TEXTS) {
            *array = text(name)?;
        }
        Ok(Self { texts, from: instant(c::VALID_FROM)?, to: instant(c::VALID_TO)? })
    }

    pub(super) fn len(&self) -> usize {
        self.from.len()
    }

    pub(super) fn resource_type(&self, row: usize) -> &str {
        self.text(TYPE, row).unwrap_or_default()
    }

    pub(super) fn arn(&self, row: usize) -> &str {
        self.text(ARN, row).unwrap_or_default()
    }

    pub(super) fn tags(&self, row: usize) -> Option<&str> {
        self.text(TAGS, row)
    }

    pub(super) fn configuration(&self, row: usize) -> Option<&str> {
        self.text(CONFIGURATION, row)
    }

    /// Microseconds.
    pub(super) fn valid_from(&self, row: usize) -> i64 {
        self.from.value(row)
    }

    /// Microseconds; nothing for an open version.
    pub(super) fn valid_to(&self, row: usize) -> Option<i64> {
        self.to.is_valid(row).then(|| self.to.value(row))
    }

    /// The whole row, with another end.
    pub(super) fn row(&self, row: usize, to_us: Option<i64>) -> Row<'_> {
        Row {
            texts: std::array::from_fn(|column| self.text(column, row)),
            from_us: self.valid_from(row),
            to_us,
        }
    }

    fn text(&self, column: usize, row: usize) -> Option<&str> {
        let array = self.texts[column].as_ref()?;
        array.is_valid(row).then(|| array.value(row))
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    /// Account, region, type, id, ARN, tags, configuration, source.
    pub(super) texts: [Option<&'a str>; 8],
    pub(super) from_us: i64,
    pub(super) to_us: Option<i64>,
}

/// Collects rows.
#[derive(Default)]
pub(super) struct NewRows {
    texts: [StringBuilder; 8],
    from: TimestampMicrosecondBuilder,
    to: TimestampMicrosecondBuilder,
    pub(super) len: usize,
}

impl NewRows {
    pub(super) fn push(&mut self, row: &Row<'_>) {
        for (builder, text) in self.texts.iter_mut().zip(row.texts) {
            builder.append_option(text);
        }
        self.from.append_value(row.from_us);
        self.to.append_option(row.to_us);
        self.len += 1;
    }

    /// The rows so far; it is empty then.
    pub(super) fn take(&mut self) -> Result<RecordBatch> {
        let texts = self.texts.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef);
        let times: [ArrayRef; 2] = [
            Arc::new(self.from.finish().with_timezone("UTC")),
            Arc::new(self.to.finish().with_timezone("UTC")),
        ];
        let columns = texts.chain(times).collect();
        self.len = 0;
        RecordBatch::try_new(schema::resources().file_schema(), columns)
            .context(|| "cannot make rows of `resources`".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_those_of_the_table() {
        let table = schema::resources();
        let names: Vec<_> = table.columns.iter().map(|column| column.name).collect();
        assert_eq!(names[..8], TEXTS);
        assert_eq!(names[8..], [c::VALID_FROM, c::VALID_TO]);
    }
}
