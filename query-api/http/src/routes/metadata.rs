//! What there is: the state that is shown, its tables, its runs, and how a line came about.

use std::{collections::BTreeSet, sync::Arc};

use airshed_domain::schema::{self, column as c};
use airshed_query_api::{Error, VIEWS, access::Role, json_rows};
use axum::{
    Json,
    extract::{Path, Query, State as Shared},
    response::{IntoResponse as _, Response},
};
use futures::TryStreamExt as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::Ask;
use crate::{
    answer::Beside,
    ask::{Dimension, literal, measures},
    auth::Caller,
    problem::Problem,
    server::State,
};

/// Who asks, of which state, and what can be asked.
pub(crate) async fn meta(ask: Ask) -> Result<Response, Problem> {
    ask.nothing_left()?;
    let rows = async |sql: &str| -> Result<Vec<Value>, Problem> {
        let batches: Vec<_> =
            ask.session.query(sql).await?.try_collect().await.map_err(Error::from_engine)?;
        let mut rows = Vec::new();
        for batch in &batches {
            let texts = json_rows(batch).unwrap_or_default();
            rows.extend(texts.iter().filter_map(|text| serde_json::from_str(text).ok()));
        }
        Ok(rows)
    };
    let runs = ask.snapshot.ledger().runs();
    let periods: Vec<Value> = runs
        .iter()
        .map(|(period, run)| json!({ "period": period.to_string(), "run_id": run.as_str() }))
        .collect();
    let days = rows(&format!(
        "SELECT CAST(min({0}) AS DATE) AS first_day, CAST(max({0}) AS DATE) AS last_day FROM emissions_daily",
        c::DAY
    ))
    .await?;
    let currencies = rows(&format!(
        "SELECT DISTINCT {0} FROM emissions_monthly WHERE {0} IS NOT NULL ORDER BY {0}",
        c::CURRENCY
    ))
    .await?;
    let tags =
        rows(&format!("SELECT DISTINCT {0} FROM emissions_monthly WHERE {0} IS NOT NULL", c::TAGS)).await?;
    let keys: BTreeSet<String> = tags
        .iter()
        .filter_map(|row| serde_json::from_str::<Value>(row.get(c::TAGS)?.as_str()?).ok())
        .filter_map(|tags| Some(tags.as_object()?.keys().cloned().collect::<Vec<_>>()))
        .flatten()
        .collect();
    let mut names = serde_json::Map::new();
    if ask.sees("accounts") {
        let sql = format!(
            "SELECT {0}, {1} FROM accounts WHERE {2} IS NULL AND {1} IS NOT NULL",
            c::ACCOUNT_ID,
            c::ACCOUNT_NAME,
            c::VALID_TO
        );
        for row in rows(&sql).await? {
            if let (Some(id), Some(name)) = (row[c::ACCOUNT_ID].as_str(), row.get(c::ACCOUNT_NAME)) {
                names.insert(id.to_owned(), name.clone());
            }
        }
    }
    let first = |name: &str| days.first().and_then(|row| row.get(name)).cloned().unwrap_or_default();
    let body = json!({
        "version": ask.state.options.version,
        "user": crate::sign_in::Who::from(&ask.caller),
        "periods": periods,
        "first_day": first("first_day"),
        "last_day": first("last_day"),
        "dimensions": Dimension::columns().collect::<Vec<_>>(),
        "tags": keys,
        "measures": measures().map(measure).collect::<Vec<_>>(),
        "account_names": names,
        "currencies": currencies.iter().filter_map(|row| row.get(c::CURRENCY)).collect::<Vec<_>>(),
        "as_of": ask.as_of,
        "revision": ask.snapshot.ledger().revision(),
    });
    Ok(ask.marked(Json(body).into_response()))
}

/// Name, unit and meaning of a measure.
fn measure(name: &'static str) -> Value {
    let unit = [("_kwh", "kWh"), ("_g", "g"), ("_l", "l"), ("cost", "currency"), ("lines", "")]
        .into_iter()
        .find(|(part, _)| {
            name.trim_end_matches("_low").trim_end_matches("_high").ends_with(part)
                || name.starts_with(part.trim_start_matches('_'))
        })
        .map_or("currency", |(_, unit)| unit);
    let table = schema::emissions();
    let comment = table.columns.iter().find(|column| column.name == name).map(|column| column.comment);
    json!({ "name": name, "unit": unit, "title": comment.unwrap_or(name) })
}

/// Tables and views that the caller sees, with the comments of their columns.
pub(crate) async fn schema(ask: Ask) -> Result<Response, Problem> {
    ask.nothing_left()?;
    let described = schema::all();
    let comment_of = |column: &str| {
        let mut columns = described.iter().flat_map(|table| &table.columns);
        columns.find(|known| known.name == column).map(|known| known.comment)
    };
    let mut tables = Vec::new();
    let names = described.iter().map(|table| (table.name, table.grain));
    for (name, comment) in names.chain(VIEWS.iter().map(|view| (view.name, view.comment()))) {
        let Ok(frame) = ask.session.context().table(name).await else { continue };
        let own = described.iter().find(|table| table.name == name);
        let columns: Vec<Value> = frame
            .schema()
            .fields()
            .iter()
            .map(|field| {
                let known =
                    own.and_then(|table| table.columns.iter().find(|column| column.name == field.name()));
                let comment = known.map(|column| column.comment).or_else(|| comment_of(field.name()));
                json!({ "name": field.name(), "type": field.data_type().to_string(), "comment": comment })
            })
            .collect();
        tables.push(json!({ "name": name, "comment": comment, "columns": columns }));
    }
    Ok(ask.marked(Json(json!({ "tables": tables })).into_response()))
}

/// All runs, those that are current no more included: method, factor set, and how many rows went where.
pub(crate) async fn factors(ask: Ask) -> Result<Response, Problem> {
    ask.nothing_left()?;
    if !ask.sees("runs") {
        let detail = "runs hold totals of everything, which your scope does not show";
        return Err(Problem::new(axum::http::StatusCode::FORBIDDEN, detail));
    }
    let columns = [
        c::PERIOD,
        c::RUN_ID,
        c::METHOD,
        c::FACTOR_SET,
        c::CODE_VERSION,
        c::PUBLISHED_AT,
        c::ROWS_IN,
        c::ROWS_ESTIMATED,
        c::ROWS_UNMAPPED,
        c::ROWS_EXCLUDED,
        c::ROWS_REJECTED,
    ]
    .join(", ");
    let order = format!("ORDER BY {} DESC, {} DESC", c::PERIOD, c::PUBLISHED_AT);
    let sql = format!("SELECT {columns}\nFROM runs\n{order}");
    ask.answer(&sql, Beside { sql: sql.clone(), page: None }).await
}

#[derive(Deserialize)]
pub(crate) struct InPeriod {
    period: Option<String>,
}

/// How a line's figures came about. Only of lines that the caller sees.
pub(crate) async fn lineage(
    Shared(state): Shared<Arc<State>>,
    caller: Caller,
    Path(line_id): Path<String>,
    Query(InPeriod { period }): Query<InPeriod>,
) -> Result<Response, Problem> {
    caller.must_be(Role::Viewer)?;
    let snapshot = state.snapshots.at(&airshed_query_api::AsOf::Now).await?;
    let session = snapshot.session(&caller.0.scope).await?;
    let within = period.as_ref().map(|period| format!(" AND {} = {}", c::PERIOD, literal(period)));
    let sql = format!(
        "SELECT 1 FROM emissions WHERE {} = {}{} LIMIT 1",
        c::LINE_ID,
        literal(&line_id),
        within.unwrap_or_default()
    );
    let found: Vec<_> = session.query(&sql).await?.try_collect().await.map_err(Error::from_engine)?;
    if found.iter().all(|batch| batch.num_rows() == 0) {
        return Err(Problem::new(axum::http::StatusCode::NOT_FOUND, "there is no such line"));
    }
    let lines = state.lineage.explain(&line_id, period.as_deref()).await?;
    Ok(Json(json!({ "lines": lines })).into_response())
}
