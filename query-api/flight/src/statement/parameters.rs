//! Parameters of statements: where they stand, of what type they are, and their values.

use std::{collections::HashMap, fmt::Write as _, io::Cursor};

use airshed_query_api::{Error, ErrorKind, Result};
use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Field, Schema},
    error::ArrowError,
    ipc::{reader::StreamReader, writer::StreamWriter},
};
use arrow_flight::{FlightData, decode::FlightRecordBatchStream, error::FlightError};
use bytes::Bytes;
use datafusion::{
    common::{ParamValues, ScalarValue},
    logical_expr::LogicalPlan,
    sql::sqlparser::{
        dialect::GenericDialect,
        tokenizer::{Token, Tokenizer},
    },
};
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use tonic::Status;

/// Most parameters of a statement.
const MOST: usize = 1_000;

fn wrong(cause: impl Into<String>) -> Error {
    Error::with_source(ErrorKind::Statement, "the parameters do not fit", cause.into())
}

/// The statement with `$1`, `$2` in place of each `?`, as clients write them and the engine does not read them.
///
/// # Errors
/// [`ErrorKind::Statement`] where it has both.
pub(super) fn numbered(sql: &str) -> Result<String> {
    // What is no sequence of tokens is left to the parser, who says why.
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location().unwrap_or_default();
    let parameters = tokens.iter().filter_map(|token| match &token.token {
        Token::Placeholder(name) => Some((name == "?", (token.span.start.line, token.span.start.column))),
        _ => None,
    });
    let (open, named): (Vec<_>, Vec<_>) = parameters.partition(|(is_open, _)| *is_open);
    if open.is_empty() {
        return Ok(sql.to_owned());
    }
    if !named.is_empty() {
        return Err(wrong("write all of them as ? or all as $1, $2"));
    }
    let mut open = (1..).zip(open).peekable();
    let (mut line, mut column) = (1, 1);
    let mut text = String::with_capacity(sql.len() + 2 * tokens.len());
    for character in sql.chars() {
        match open.next_if(|(_, (_, place))| *place == (line, column)) {
            // Writing to a string does not fail.
            Some((number, _)) => _ = write!(text, "${number}"),
            None => text.push(character),
        }
        (line, column) = if character == '\n' { (line + 1, 1) } else { (line, column + 1) };
    }
    Ok(text)
}

/// The parameters of a plan in their order, of the types that the plan makes of them; `Null` where it does not say.
pub(super) fn expected(plan: &LogicalPlan) -> Result<Schema> {
    let mut types: HashMap<String, Option<DataType>> =
        plan.get_parameter_types().map_err(Error::from_engine)?;
    let count = types.len();
    if count > MOST {
        return Err(wrong(format!("there are more than {MOST}")));
    }
    let fields = (1..=count).map(|number| {
        let name = format!("${number}");
        let unknown = || wrong(format!("they are numbered from $1 without a gap, and there is no {name}"));
        let found = types.remove(&name).ok_or_else(unknown)?;
        Ok(Field::new(name, found.unwrap_or(DataType::Null), true))
    });
    Ok(Schema::new(fields.collect::<Result<Vec<_>>>()?))
}

/// The plan with values in place of its parameters.
pub(super) fn bind(plan: LogicalPlan, row: &Bytes) -> Result<LogicalPlan> {
    let expected = expected(&plan)?.fields().len();
    let values = if row.is_empty() { Vec::new() } else { values(row)? };
    if values.len() != expected {
        return Err(wrong(format!("the statement has {expected}, and {} were given", values.len())));
    }
    if values.is_empty() {
        return Ok(plan);
    }
    plan.with_param_values(ParamValues::from(values)).map_err(Error::from_engine)
}

fn values(row: &Bytes) -> Result<Vec<ScalarValue>> {
    let unreadable =
        |error: ArrowError| Error::with_source(ErrorKind::Statement, "parameters cannot be read", error);
    let batches = StreamReader::try_new(Cursor::new(row), None).map_err(unreadable)?;
    let batches = batches.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    let one = one_row(batches.iter())?;
    let columns = one.columns().iter();
    columns.map(|column| ScalarValue::try_from_array(column, 0).map_err(Error::from_engine)).collect()
}

/// The values that a client sends, as they travel on in the statement's handle.
pub(super) async fn received(
    rows: impl Stream<Item = Result<FlightData, Status>> + Send + 'static,
) -> Result<Bytes> {
    let unreadable =
        |error: FlightError| Error::with_source(ErrorKind::Statement, "parameters cannot be read", error);
    let mut rows = FlightRecordBatchStream::new_from_flight_data(rows.map_err(FlightError::from).boxed());
    let mut batches = Vec::new();
    while let Some(batch) = rows.try_next().await.map_err(unreadable)? {
        batches.push(batch);
        // More than one with rows is refused before the rest is read.
        one_row_at_most(batches.iter())?;
    }
    let row = one_row(batches.iter())?;
    let write = || {
        let mut writer = StreamWriter::try_new(Vec::new(), row.schema_ref())?;
        writer.write(row)?;
        writer.into_inner()
    };
    Ok(write().map_err(|error| unreadable(error.into()))?.into())
}

fn one_row<'a>(batches: impl Iterator<Item = &'a RecordBatch>) -> Result<&'a RecordBatch> {
    one_row_at_most(batches)?.ok_or_else(|| wrong("there is no row of them"))
}

fn one_row_at_most<'a>(batches: impl Iterator<Item = &'a RecordBatch>) -> Result<Option<&'a RecordBatch>> {
    let mut found = batches.filter(|batch| batch.num_rows() > 0);
    match (found.next(), found.next()) {
        (Some(batch), None) if batch.num_rows() == 1 => Ok(Some(batch)),
        (None, _) => Ok(None),
        _ => Err(wrong("give one row of them at a time")),
    }
}

#[cfg(test)]
mod tests;
