//! `POST /v1/sql`: any read-only statement.

use std::sync::Arc;

use airshed_domain::id::RunId;
use airshed_query_api::{AsOf, Error, access::Role, audit::Asked, json_arrays};
use arrow::datatypes::SchemaRef;
use axum::{extract::State as Shared, http::HeaderMap, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    answer::{self, Form, Frame},
    api::comment,
    auth::Caller,
    body::Body,
    problem::Problem,
    server::State,
};

/// Rows of a JSON answer, unless the request says otherwise. CSV and Arrow are streamed whole.
pub(crate) const ROWS: usize = 1_000;
/// The most rows of a JSON answer.
pub(crate) const ROWS_MOST: usize = 100_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Statement {
    sql: String,
    as_of: Option<String>,
    max_rows: Option<usize>,
}

pub(crate) async fn sql(
    Shared(state): Shared<Arc<State>>,
    caller: Caller,
    headers: HeaderMap,
    Body(statement): Body<Statement>,
) -> Result<Response, Problem> {
    caller.must_be(Role::Analyst)?;
    let form = Form::of(&headers);
    let most = match statement.max_rows {
        None => ROWS,
        Some(_) if form != Form::Json => {
            return Err(Problem::parameter("max_rows", "it is for JSON; CSV and Arrow come whole"));
        }
        Some(most) if (1..=ROWS_MOST).contains(&most) => most,
        Some(_) => {
            let detail = format!("a whole number from 1 to {ROWS_MOST}; CSV and Arrow come whole");
            return Err(Problem::parameter("max_rows", &detail));
        }
    };
    let as_of = statement.as_of.filter(|run| !run.is_empty());
    let moment = as_of.map_or(AsOf::Now, |run| AsOf::Run(RunId::new(run)));
    let session = state.snapshots.at(&moment).await?.session(&caller.0.scope).await?;
    let rows = session.query(&statement.sql).await;
    let failed = rows.as_ref().err().map(Error::kind);
    state.audit.asked(Asked { who: &caller.0.name, interface: "http", sql: &statement.sql, failed });
    let rows = rows?;
    let frame = frame(&rows.schema(), most);
    answer::table(rows, form, frame).await
}

/// Columns, rows as arrays, and whether there were more of them.
fn frame(schema: &SchemaRef, most: usize) -> Frame {
    let column = |field: &arrow::datatypes::FieldRef| json!({ "name": field.name(), "type": field.data_type().to_string(), "comment": comment(field.name()) });
    let columns: Value = schema.fields().iter().map(column).collect();
    Frame {
        before: format!("{{\"columns\":{columns},\"rows\":["),
        rows: json_arrays,
        limit: Some(most),
        after: Box::new(|has_more| format!("],\"truncated\":{has_more}}}")),
    }
}
