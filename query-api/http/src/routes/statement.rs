//! `POST /v1/sql`: any read-only statement.

use std::sync::Arc;

use airshed_domain::id::RunId;
use airshed_query_api::{AsOf, Error, access::Role, audit::Asked, json_rows};
use axum::{
    Json,
    extract::State as Shared,
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use futures::StreamExt as _;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    answer::{self, Beside, Form},
    auth::Caller,
    problem::Problem,
    server::State,
};

/// Rows of a JSON answer, unless the request says otherwise. CSV and Arrow are streamed whole.
const ROWS: usize = 1_000;
const ROWS_MOST: usize = 100_000;

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
    Json(statement): Json<Statement>,
) -> Result<Response, Problem> {
    caller.must_be(Role::Analyst)?;
    let moment = statement.as_of.as_deref().map_or(AsOf::Now, |run| AsOf::Run(RunId::new(run)));
    let session = state.snapshots.at(&moment).await?.session(&caller.0.scope).await?;
    let rows = session.query(&statement.sql).await;
    let failed = rows.as_ref().err().map(Error::kind);
    state.audit.asked(Asked { who: &caller.0.name, interface: "http", sql: &statement.sql, failed });
    let mut rows = rows?;
    let form = Form::of(&headers);
    if form != Form::Json {
        return answer::table(rows, form, Beside::default()).await;
    }
    let most = statement.max_rows.unwrap_or(ROWS).clamp(1, ROWS_MOST);
    let columns: Vec<Value> = rows
        .schema()
        .fields()
        .iter()
        .map(|field| json!({ "name": field.name(), "type": field.data_type().to_string() }))
        .collect();
    let mut shown: Vec<Box<RawValue>> = Vec::new();
    let mut truncated = false;
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(Error::from_engine)?;
        let objects = json_rows(&batch).unwrap_or_default();
        truncated |= shown.len() + objects.len() > most;
        shown.extend(
            objects.into_iter().take(most - shown.len()).filter_map(|text| RawValue::from_string(text).ok()),
        );
        if truncated {
            break;
        }
    }
    Ok(Json(json!({ "columns": columns, "rows": shown, "truncated": truncated })).into_response())
}
