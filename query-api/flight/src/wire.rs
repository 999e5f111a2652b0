//! Columns as they are sent: in types that every client reads.
//!
//! Dictionaries become their values and views plain texts, as several clients read neither. A schema is told before the
//! rows come, from a plan that is not optimised yet; so every column is said to be nullable, and rows are cast to what
//! was told.

use std::sync::Arc;

use airshed_query_api::{Error, ErrorKind, Result};
use arrow::{
    array::{RecordBatch, RecordBatchOptions},
    compute::{CastOptions, cast_with_options},
    datatypes::{DataType, Field, FieldRef, Schema, SchemaRef},
};

/// The schema under which rows are sent.
pub(crate) fn schema(columns: &Schema) -> SchemaRef {
    let fields = columns.fields().iter();
    let fields: Vec<Field> =
        fields.map(|field| Field::new(field.name().as_str(), data_type(field.data_type()), true)).collect();
    Arc::new(Schema::new(fields))
}

fn data_type(of: &DataType) -> DataType {
    match of {
        DataType::Dictionary(_, values) => data_type(values),
        DataType::RunEndEncoded(_, values) => data_type(values.data_type()),
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::List(item) | DataType::ListView(item) => DataType::List(nested(item)),
        DataType::LargeList(item) | DataType::LargeListView(item) => DataType::LargeList(nested(item)),
        DataType::FixedSizeList(item, length) => DataType::FixedSizeList(nested(item), *length),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(nested).collect()),
        other => other.clone(),
    }
}

fn nested(field: &FieldRef) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(data_type(field.data_type())))
}

/// Rows under the schema that was told.
///
/// # Errors
/// [`ErrorKind::Corrupt`] where a value does not fit, which is a defect.
pub(crate) fn rows(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let defect = |error| Error::with_source(ErrorKind::Corrupt, "rows do not fit their schema", error);
    let strictly = CastOptions { safe: false, ..CastOptions::default() };
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns
        .map(|(column, field)| cast_with_options(column, field.data_type(), &strictly))
        .collect::<Result<Vec<_>, _>>()
        .map_err(defect)?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).map_err(defect)
}

#[cfg(test)]
mod tests {
    use arrow::{
        array::{ArrayRef, AsArray as _, DictionaryArray, Int32Array, ListArray, StringViewArray},
        datatypes::Int32Type,
    };

    use super::*;

    #[test]
    fn dictionaries_and_views_become_plain() {
        let words: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("a")].into_iter().collect();
        let views = StringViewArray::from(vec!["one", "a text that is longer than twelve bytes", "three"]);
        let lists: ListArray =
            ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)]), None, Some(vec![])]);
        let columns: [(&str, ArrayRef); 4] = [
            ("words", Arc::new(words)),
            ("views", Arc::new(views)),
            ("lists", Arc::new(lists)),
            ("numbers", Arc::new(Int32Array::from(vec![1, 2, 3]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let told = schema(batch.schema_ref());
        let types: Vec<&DataType> = told.fields().iter().map(|field| field.data_type()).collect();
        assert_eq!(types[..2], [&DataType::Utf8, &DataType::Utf8]);
        assert_eq!(types[2..], [batch.column(2).data_type(), &DataType::Int32]);
        let sent = rows(&batch, &told).unwrap();
        let texts = |column: usize| sent.column(column).as_string::<i32>().iter().collect::<Vec<_>>();
        assert_eq!(texts(0), [Some("a"), None, Some("a")]);
        assert_eq!(texts(1)[1], Some("a text that is longer than twelve bytes"));
        assert!(told.fields().iter().all(|field| field.is_nullable()));
    }

    #[test]
    fn a_value_that_does_not_fit_is_no_null() {
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec!["x"]));
        let batch = RecordBatch::try_from_iter([("n", texts)]).unwrap();
        let told = Arc::new(Schema::new(vec![Field::new("n", DataType::Int32, true)]));
        assert_eq!(rows(&batch, &told).unwrap_err().kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn rows_without_columns_are_still_rows() {
        let none = Arc::new(Schema::empty());
        let options = RecordBatchOptions::new().with_row_count(Some(3));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&none), vec![], &options).unwrap();
        assert_eq!(rows(&batch, &none).unwrap().num_rows(), 3);
    }
}
