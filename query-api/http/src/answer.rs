//! Answers that are tables: JSON, CSV or an Arrow stream, as the request accepts.

use std::{io, sync::Arc};

use airshed_query_api::{Error, json_rows};
use arrow::{array::RecordBatch, datatypes::SchemaRef, error::ArrowError, ipc::writer::StreamWriter};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};

use crate::problem::Problem;

/// A stream of rows that the engine makes.
pub(crate) type RowStream = airshed_query_api::RowStream;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Csv,
    Arrow,
}

const ARROW: &str = "application/vnd.apache.arrow.stream";

impl Form {
    /// The first form of `Accept` that there is; JSON where nothing fits or nothing is said.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let named = |part: &str| match part.split(';').next().unwrap_or_default().trim() {
            "text/csv" => Some(Self::Csv),
            ARROW => Some(Self::Arrow),
            "application/json" | "*/*" | "application/*" => Some(Self::Json),
            _ => None,
        };
        accept.split(',').find_map(named).unwrap_or(Self::Json)
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Arrow => ARROW,
        }
    }
}

/// What stands beside the rows in JSON.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beside {
    /// The statement that gives the same rows.
    pub(crate) sql: String,
    /// Where the next page begins, for answers in pages: the number of rows of this one that are shown, and its token.
    pub(crate) page: Option<Page>,
}

/// One page: rows above `limit` say that there is a next one.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) limit: usize,
    pub(crate) next: String,
}

/// A whole answer. Rows of JSON answers are gathered, as a page or a chart holds few; the other forms are streamed.
pub(crate) async fn table(rows: RowStream, form: Form, beside: Beside) -> Result<Response, Problem> {
    match form {
        Form::Json => json(rows, beside).await,
        Form::Csv => {
            let header = csv_header(&rows.schema())?;
            Ok(streamed(form, header, rows, csv_rows))
        }
        Form::Arrow => arrow(rows),
    }
}

async fn json(mut rows: RowStream, beside: Beside) -> Result<Response, Problem> {
    let mut objects = Vec::new();
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(Error::from_engine)?;
        objects.extend(json_rows(&batch).map_err(|error| broken(&error))?);
    }
    let mut next = serde_json::Value::Null;
    if let Some(page) = beside.page {
        if objects.len() > page.limit {
            next = page.next.into();
        }
        objects.truncate(page.limit);
    }
    let sql = serde_json::Value::from(beside.sql);
    let body = format!("{{\"rows\":[{}],\"next_cursor\":{next},\"sql\":{sql}}}", objects.join(",\n"));
    Ok(([(header::CONTENT_TYPE, Form::Json.content_type())], body).into_response())
}

/// A body that is made batch by batch. An error in its midst breaks the connection off: a client never takes half an
/// answer for a whole one.
fn streamed(
    form: Form,
    first: Bytes,
    rows: RowStream,
    encode: impl Fn(&RecordBatch) -> Result<Bytes, ArrowError> + Send + 'static,
) -> Response {
    let body = rows.map(move |batch| {
        let batch = batch.map_err(|error| broken_off(&Error::from_engine(error)))?;
        encode(&batch).map_err(io::Error::other)
    });
    let body = stream::iter([Ok(first)]).chain(body);
    with_type(form, body)
}

fn with_type(form: Form, body: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Response {
    let mut response = Body::from_stream(body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(form.content_type()));
    response
}

fn csv_header(schema: &SchemaRef) -> Result<Bytes, Problem> {
    let mut writer = arrow_csv::WriterBuilder::new().with_header(true).build(Vec::new());
    writer.write(&RecordBatch::new_empty(Arc::clone(schema))).map_err(|error| broken(&error))?;
    Ok(writer.into_inner().into())
}

fn csv_rows(batch: &RecordBatch) -> Result<Bytes, ArrowError> {
    let mut writer = arrow_csv::WriterBuilder::new().with_header(false).build(Vec::new());
    writer.write(batch)?;
    Ok(writer.into_inner().into())
}

fn arrow(rows: RowStream) -> Result<Response, Problem> {
    let writer = StreamWriter::try_new(Vec::new(), &rows.schema()).map_err(|error| broken(&error))?;
    let body = stream::unfold((rows, Some(writer)), |(mut rows, writer)| async move {
        let mut writer = writer?;
        let written = match rows.next().await {
            Some(Ok(batch)) => writer.write(&batch),
            Some(Err(error)) => return Some((Err(broken_off(&Error::from_engine(error))), (rows, None))),
            None => {
                let end = writer.finish().map_err(io::Error::other);
                let end = end.map(|()| Bytes::from(std::mem::take(writer.get_mut())));
                return Some((end, (rows, None)));
            }
        };
        let bytes = written.map(|()| Bytes::from(std::mem::take(writer.get_mut()))).map_err(io::Error::other);
        Some((bytes, (rows, Some(writer))))
    });
    Ok(with_type(Form::Arrow, body))
}

fn broken_off(error: &Error) -> io::Error {
    tracing::warn!(error = %error.private_message(), "an answer was broken off");
    io::Error::other(error.public_message())
}

fn broken(error: &ArrowError) -> Problem {
    tracing::error!(%error, "rows cannot be written");
    Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written")
}
