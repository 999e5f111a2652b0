//! Rows on their way to a client, one at a time: as many as it asks for, never all in memory.

use std::sync::Arc;

use airshed_query_api::RowStream;
use datafusion::{
    arrow::{
        array::{Array as _, ArrayRef, AsArray as _, RecordBatch, StringArray},
        datatypes::{DataType, Decimal128Type, Field, Schema},
        util::display::array_value_to_string,
    },
    error::DataFusionError,
    physical_plan::stream::RecordBatchStreamAdapter,
};
use datafusion_postgres::{
    arrow_pg::{datatypes::arrow_schema_to_pg_fields, encoder::encode_value},
    pgwire::{
        api::{
            Type,
            portal::Format,
            results::{DataRowEncoder, FieldFormat, FieldInfo},
        },
        messages::data::{DataRow, RowDescription},
        types::format::FormatOptions,
    },
};
use futures::{StreamExt as _, stream};

use crate::{
    failure::{Failure, code},
    numeric,
};

/// The columns of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Columns(Arc<Vec<FieldInfo>>);

impl Columns {
    /// The columns of a schema in the formats that the client wants.
    pub(crate) fn of(
        schema: &Schema,
        format: &Format,
        options: &Arc<FormatOptions>,
    ) -> Result<Self, Failure> {
        check_formats(format, schema.fields().len())?;
        let columns = arrow_schema_to_pg_fields(schema, format, Some(Arc::clone(options)))?;
        let with_sizes = columns.into_iter().zip(schema.fields()).map(|(column, field)| {
            let size = size(column.datatype());
            let column = column.with_type_size(size);
            match field.data_type() {
                DataType::Decimal128(precision, scale) => {
                    column.with_type_modifier(modifier(*precision, *scale))
                }
                _ => column,
            }
        });
        Ok(Self(Arc::new(with_sizes.collect())))
    }

    /// One column of text.
    pub(crate) fn text(name: &str, format: &Format, options: &Arc<FormatOptions>) -> Result<Self, Failure> {
        Self::of(&text_schema(name), format, options)
    }

    /// Names and values of settings.
    pub(crate) fn settings(format: &Format, options: &Arc<FormatOptions>) -> Result<Self, Failure> {
        let field = |name: &str| Field::new(name, DataType::Utf8, true);
        Self::of(&Schema::new(vec![field("name"), field("setting")]), format, options)
    }

    /// The same in the formats that the client wants.
    pub(crate) fn in_format(&self, format: &Format) -> Result<Self, Failure> {
        check_formats(format, self.0.len())?;
        let columns = self.0.iter().enumerate().map(|(place, column)| {
            let kind = column.datatype().clone();
            FieldInfo::new(column.name().to_owned(), None, None, kind, format.format_for(place))
                .with_type_size(column.type_size())
                .with_type_modifier(column.type_modifier())
                .with_format_options(Arc::clone(column.format_options()))
        });
        Ok(Self(Arc::new(columns.collect())))
    }

    pub(crate) fn description(&self) -> RowDescription {
        RowDescription::new(self.0.iter().map(Into::into).collect())
    }

    /// Whether rows of these can be read by somebody who was told of others.
    pub(crate) fn have_types_of(&self, other: &Self) -> bool {
        let types =
            |columns: &Self| columns.0.iter().map(|column| column.datatype().oid()).collect::<Vec<_>>();
        types(self) == types(other)
    }
}

fn check_formats(format: &Format, columns: usize) -> Result<(), Failure> {
    match format {
        Format::Individual(formats) if formats.len() != columns => {
            let message = format!("{} formats are given for {columns} columns", formats.len());
            Err(Failure::new(code::PROTOCOL, message))
        }
        _ => Ok(()),
    }
}

/// Bytes of a type, or -1 where they differ, as `pg_type.typlen` has it.
fn size(of: &Type) -> i16 {
    match *of {
        Type::BOOL | Type::CHAR => 1,
        Type::INT2 => 2,
        Type::INT4 | Type::FLOAT4 | Type::DATE | Type::OID | Type::REGCLASS | Type::REGTYPE => 4,
        Type::INT8 | Type::FLOAT8 | Type::TIMESTAMP | Type::TIMESTAMPTZ | Type::TIME => 8,
        Type::INTERVAL => 16,
        _ => -1,
    }
}

/// Precision and scale as `numerictypmodin` packs them.
fn modifier(precision: u8, scale: i8) -> i32 {
    ((i32::from(precision) << 16) | (i32::from(scale) & 0x7ff)) + 4
}

fn text_schema(name: &str) -> Schema {
    Schema::new(vec![Field::new(name, DataType::Utf8, true)])
}

/// Rows that are being given.
pub(crate) struct Answer {
    columns: Columns,
    rows: RowStream,
    batch: Option<(RecordBatch, usize)>,
    encoder: DataRowEncoder,
}

impl Answer {
    pub(crate) fn new(rows: RowStream, columns: Columns) -> Self {
        let encoder = DataRowEncoder::new(Arc::clone(&columns.0));
        Self { columns, rows, batch: None, encoder }
    }

    /// Rows of texts, of as many columns as each has.
    pub(crate) fn of_texts(
        columns: Columns,
        rows: &[Vec<String>],
        names: &[&str],
    ) -> Result<Self, DataFusionError> {
        let fields = names.iter().map(|name| Field::new(*name, DataType::Utf8, true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let column = |place: usize| -> ArrayRef {
            Arc::new(rows.iter().map(|row| row.get(place).map(String::as_str)).collect::<StringArray>())
        };
        let batch = RecordBatch::try_new(Arc::clone(&schema), (0..names.len()).map(column).collect())?;
        let rows = RecordBatchStreamAdapter::new(schema, stream::iter([Ok(batch)]));
        Ok(Self::new(Box::pin(rows), columns))
    }

    /// The texts of what is left, row by row.
    pub(crate) async fn texts(&mut self) -> Result<Vec<Vec<String>>, Failure> {
        let mut texts = Vec::new();
        while let Some(batch) = self.rows.next().await.transpose().map_err(Failure::engine)? {
            for row in 0..batch.num_rows() {
                let text = |column: &ArrayRef| {
                    array_value_to_string(column, row).map_err(|e| Failure::engine(e.into()))
                };
                texts.push(batch.columns().iter().map(text).collect::<Result<_, _>>()?);
            }
        }
        Ok(texts)
    }

    pub(crate) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The next row, or nothing after the last.
    pub(crate) async fn next(&mut self) -> Option<Result<DataRow, Failure>> {
        loop {
            if let Some((batch, row)) = &mut self.batch {
                if *row < batch.num_rows() {
                    let encoded = encode(&mut self.encoder, &self.columns, batch, *row);
                    *row += 1;
                    return Some(encoded.map(|()| self.encoder.take_row()));
                }
                self.batch = None;
            }
            match self.rows.next().await? {
                Ok(batch) => self.batch = Some((batch, 0)),
                Err(error) => return Some(Err(Failure::engine(error))),
            }
        }
    }
}

fn encode(
    encoder: &mut DataRowEncoder,
    columns: &Columns,
    batch: &RecordBatch,
    row: usize,
) -> Result<(), Failure> {
    for ((values, field), column) in
        batch.columns().iter().zip(batch.schema_ref().fields()).zip(columns.0.iter())
    {
        let (format, options) = (column.format(), column.format_options());
        match values.data_type() {
            // The stock writes some kinds of null as zero.
            _ if values.is_null(row) => {
                encoder.encode_field_with_type_and_format(&None::<i8>, column.datatype(), format, options)?;
            }
            DataType::Decimal128(_, scale) => {
                let value = values.as_primitive::<Decimal128Type>().value(row);
                if format == FieldFormat::Text {
                    let text = numeric::text(value, *scale);
                    encoder.encode_field_with_type_and_format(
                        &text.as_str(),
                        &Type::TEXT,
                        format,
                        options,
                    )?;
                } else {
                    let bytes = numeric::binary(value, *scale);
                    encoder.encode_field_with_type_and_format(
                        &bytes.as_slice(),
                        &Type::BYTEA,
                        format,
                        options,
                    )?;
                }
            }
            _ => encode_value(encoder, values, row, field, column)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Decimal128Array, IntervalMonthDayNanoArray, TimestampMicrosecondArray};

    async fn rows(batch: RecordBatch) -> Vec<DataRow> {
        let schema = batch.schema();
        let options = Arc::new(FormatOptions::default());
        let columns = Columns::of(&schema, &Format::UnifiedText, &options).unwrap();
        let stream = RecordBatchStreamAdapter::new(schema, stream::iter([Ok(batch)]));
        let mut answer = Answer::new(Box::pin(stream), columns);
        let mut rows = Vec::new();
        while let Some(row) = answer.next().await {
            rows.push(row.unwrap());
        }
        rows
    }

    fn texts(row: &DataRow) -> Vec<Option<String>> {
        let (mut rest, mut texts) = (&row.data[..], Vec::new());
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            rest = after;
            texts.push(usize::try_from(i32::from_be_bytes(*length)).ok().map(|length| {
                let (text, after) = rest.split_at(length);
                rest = after;
                String::from_utf8(text.to_vec()).unwrap()
            }));
        }
        texts
    }

    #[tokio::test]
    async fn values_are_written_as_postgres_does() {
        let numbers = Decimal128Array::from(vec![Some(i128::MAX), None]).with_precision_and_scale(38, 8);
        let times =
            TimestampMicrosecondArray::from(vec![Some(1_759_276_800_000_000), None]).with_timezone("UTC");
        let spans = IntervalMonthDayNanoArray::from(vec![None, None]);
        let columns: [(&str, ArrayRef); 3] =
            [("n", Arc::new(numbers.unwrap())), ("t", Arc::new(times)), ("i", Arc::new(spans))];
        let rows = rows(RecordBatch::try_from_iter(columns).unwrap()).await;
        let some = |text: &str| Some(text.to_owned());
        let first =
            [some("1701411834604692317316873037158.84105727"), some("2025-10-01 00:00:00.000000+00"), None];
        assert_eq!(texts(&rows[0]), first);
        assert_eq!(texts(&rows[1]), [None, None, None]);
    }

    #[test]
    fn decimals_tell_their_scale() {
        // `SELECT numerictypmodin('{38,8}')` of PostgreSQL: ((38 << 16) | 8) + 4.
        assert_eq!(modifier(38, 8), 2_490_380);
    }
}
