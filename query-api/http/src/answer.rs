//! Answers that are tables: JSON, CSV or an Arrow stream, as the request accepts.
//!
//! Rows are sent as the engine makes them, so an answer of any size takes little memory. The first of them are awaited
//! before anything is sent: what fails until then is told as a problem. What fails later breaks the connection off, so
//! that a client never takes half an answer for a whole one.

mod writer;

use std::io;

use airshed_query_api::{Error, RowStream};
use arrow::array::RecordBatch;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures::{StreamExt as _, stream};

pub(crate) use self::writer::Frame;
use self::writer::{ArrowWriter, CsvWriter, JsonWriter, Writer};
use crate::problem::Problem;

/// Media type of an Arrow stream.
pub(crate) const ARROW: &str = "application/vnd.apache.arrow.stream";

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Csv,
    Arrow,
}

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

impl From<Beside> for Frame {
    fn from(Beside { sql, page }: Beside) -> Self {
        let (limit, next) = page.map(|page| (page.limit, page.next)).unzip();
        let after = move |has_more: bool| {
            let next = serde_json::Value::from(next.as_deref().filter(|_| has_more));
            format!("],\"next_cursor\":{next},\"sql\":{}}}", serde_json::Value::from(sql.as_str()))
        };
        Self {
            before: "{\"rows\":[".to_owned(),
            rows: airshed_query_api::json_rows,
            limit,
            after: Box::new(after),
        }
    }
}

/// A whole answer; `frame` is for JSON alone.
pub(crate) async fn table(rows: RowStream, form: Form, frame: impl Into<Frame>) -> Result<Response, Problem> {
    let schema = rows.schema();
    match form {
        Form::Json => streamed(form, rows, JsonWriter::new(frame.into())).await,
        Form::Csv => streamed(form, rows, CsvWriter::new(&schema).map_err(|error| broken(&error))?).await,
        Form::Arrow => streamed(form, rows, ArrowWriter::new(&schema).map_err(|error| broken(&error))?).await,
    }
}

/// What is left to send.
struct Rest<W> {
    first: Option<RecordBatch>,
    rows: stream::Fuse<RowStream>,
    writer: W,
}

async fn streamed(form: Form, rows: RowStream, writer: impl Writer) -> Result<Response, Problem> {
    let mut rows = rows.fuse();
    let first = rows.next().await.transpose().map_err(Error::from_engine)?;
    let body = stream::unfold(Some(Rest { first, rows, writer }), |rest| async move {
        let mut rest = rest?;
        let next = match rest.first.take() {
            Some(batch) => Some(Ok(batch)),
            // Nobody asks for rows that are not shown.
            None if rest.writer.is_full() => None,
            None => rest.rows.next().await,
        };
        Some(match next {
            Some(Ok(batch)) => match rest.writer.rows(&batch) {
                Ok(bytes) => (Ok(bytes), Some(rest)),
                Err(error) => (Err(io::Error::other(error)), None),
            },
            Some(Err(error)) => (Err(broken_off(&Error::from_engine(error))), None),
            None => (rest.writer.end().map_err(io::Error::other), None),
        })
    });
    // Compression asks once more after the end.
    let mut response = Body::from_stream(body.fuse()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(form.content_type()));
    Ok(response)
}

fn broken_off(error: &Error) -> io::Error {
    tracing::warn!(error = %error.private_message(), "an answer was broken off");
    io::Error::other(error.public_message())
}

/// Rows that cannot be written, which is a defect.
pub(crate) fn broken(error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "rows cannot be written");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written")
}
