//! What there is: the state that is shown, its tables, its runs, and how a line came about.

use std::collections::BTreeSet;

use airshed_domain::schema::{self, column as c};
use airshed_query_api::{AsOf, VIEWS};
use axum::{
    Json,
    extract::{Path, rejection::PathRejection},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};

use super::request::Ask;
use crate::{
    answer::Beside,
    api::comment,
    ask::{Dimension, literal, measures},
    problem::Problem,
};

/// Who asks, of which state, and what can be asked.
pub(crate) async fn meta(ask: Ask) -> Result<Response, Problem> {
    ask.nothing_left()?;
    let published = format!(
        "SELECT {0}, {1}, max({2}) AS {2} FROM periods GROUP BY {0}, {1}",
        c::PERIOD,
        c::RUN_ID,
        c::PUBLISHED_AT
    );
    let published = ask.values(&published).await?;
    let periods: Vec<Value> = ask
        .snapshot
        .ledger()
        .runs()
        .iter()
        .map(|(period, run)| {
            let period = period.to_string();
            let change = published
                .iter()
                .find(|row| row[c::PERIOD] == period.as_str() && row[c::RUN_ID] == run.as_str());
            let at = change.map(|row| &row[c::PUBLISHED_AT]);
            json!({ c::PERIOD: period, c::RUN_ID: run.as_str(), c::PUBLISHED_AT: at })
        })
        .collect();
    let days = ask.values(&format!(
        "SELECT CAST(min({0}) AS DATE) AS first_day, CAST(max({0}) AS DATE) AS last_day FROM emissions_daily",
        c::DAY
    ))
    .await?;
    let currencies = ask
        .values(&format!(
            "SELECT DISTINCT {0} FROM emissions_monthly WHERE {0} IS NOT NULL ORDER BY {0}",
            c::CURRENCY
        ))
        .await?;
    let tags = format!("SELECT DISTINCT {0} FROM emissions_monthly WHERE {0} IS NOT NULL", c::TAGS);
    let keys: BTreeSet<String> = ask
        .values(&tags)
        .await?
        .iter()
        .filter_map(|row| serde_json::from_str::<serde_json::Map<_, Value>>(row[c::TAGS].as_str()?).ok())
        .flat_map(|tags| tags.into_iter().map(|(key, _)| key))
        .collect();
    let mut names = serde_json::Map::new();
    if ask.sees("accounts") {
        let sql = format!(
            "SELECT {0}, {1} FROM accounts WHERE {2} IS NULL AND {1} IS NOT NULL",
            c::ACCOUNT_ID,
            c::ACCOUNT_NAME,
            c::VALID_TO
        );
        for row in ask.values(&sql).await? {
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
    let quantity = name.trim_end_matches("_low").trim_end_matches("_high");
    let unit = match quantity.rsplit_once('_').map_or("", |(_, unit)| unit) {
        "kwh" => "kWh",
        "g" => "g",
        "l" => "l",
        _ if name.contains("cost") => "currency",
        _ => "",
    };
    json!({ "name": name, "unit": unit, "title": comment(name) })
}

/// Tables and views that the caller sees, with the comments of their columns.
pub(crate) async fn schema(ask: Ask) -> Result<Response, Problem> {
    ask.nothing_left()?;
    let described = schema::all();
    let mut tables = Vec::new();
    let names = described.iter().map(|table| (table.name, table.grain));
    for (name, grain) in names.chain(VIEWS.iter().map(|view| (view.name, view.comment()))) {
        let Ok(frame) = ask.session.context().table(name).await else { continue };
        let own = described.iter().find(|table| table.name == name);
        let columns: Vec<Value> = frame
            .schema()
            .fields()
            .iter()
            .map(|field| {
                let known =
                    own.and_then(|table| table.columns.iter().find(|column| column.name == field.name()));
                let comment = known.map_or_else(|| comment(field.name()), |column| Some(column.comment));
                json!({ "name": field.name(), "type": field.data_type().to_string(), "comment": comment })
            })
            .collect();
        tables.push(json!({ "name": name, "comment": grain, "columns": columns }));
    }
    Ok(ask.marked(Json(json!({ "tables": tables })).into_response()))
}

/// All runs, those that are current no more included: method, factor set, and how many rows went where.
pub(crate) async fn factors(ask: Ask) -> Result<Response, Problem> {
    ask.nothing_left()?;
    if !ask.sees("runs") {
        let detail = "runs hold totals of everything, which your scope does not show";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
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
    // Of the past: runs that were complete when the named one became current.
    let until = ask.as_of.as_ref().map(|run| {
        let moment =
            format!("SELECT min({}) FROM periods WHERE {} = {}", c::PUBLISHED_AT, c::RUN_ID, literal(run));
        format!("\nWHERE {} <= ({moment})", c::PUBLISHED_AT)
    });
    let order = format!("ORDER BY {} DESC, {} DESC, {}", c::PERIOD, c::PUBLISHED_AT, c::RUN_ID);
    let sql = format!("SELECT {columns}\nFROM runs{}\n{order}", until.unwrap_or_default());
    ask.answer(&sql, Beside { sql: sql.clone(), page: None }).await
}

/// How a line's figures came about. Only of lines that the caller sees, and of runs that are current: an older run may
/// have been made by another version of the calculation.
pub(crate) async fn lineage(
    line_id: Result<Path<String>, PathRejection>,
    mut ask: Ask,
) -> Result<Response, Problem> {
    let Path(line_id) = line_id.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.body_text()))?;
    let period = ask.take(c::PERIOD);
    ask.nothing_left()?;
    let within = period.as_ref().map(|period| format!(" AND {} = {}", c::PERIOD, literal(period)));
    let sql = format!(
        "SELECT {0}, {1}, count(*) AS lines FROM emissions WHERE {2} = {3}{4} GROUP BY {0}, {1} ORDER BY {0}",
        c::PERIOD,
        c::RUN_ID,
        c::LINE_ID,
        literal(&line_id),
        within.unwrap_or_default()
    );
    let seen = ask.values(&sql).await?;
    if seen.is_empty() {
        return Err(Problem::new(StatusCode::NOT_FOUND, "there is no such line"));
    }
    let now = ask.state.snapshots.at(&AsOf::Now).await?;
    let mut lines = Vec::new();
    for row in &seen {
        let period = row[c::PERIOD].as_str().unwrap_or_default();
        let is_current = now
            .ledger()
            .runs()
            .iter()
            .any(|(known, run)| known.to_string() == period && row[c::RUN_ID] == run.as_str());
        if !is_current {
            let detail =
                format!("the run of {period} is current no more; only lines of current runs are explained");
            return Err(Problem::new(StatusCode::CONFLICT, detail));
        }
        let explained = ask.state.lineage.explain(&line_id, Some(period)).await?;
        // An id may stand for several lines. Where some of them are not seen, none is shown.
        if !ask.caller.0.scope.is_everything() && row["lines"] != explained.len() {
            let detail = "the id also stands for lines that your scope does not show";
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
        lines.extend(explained);
    }
    Ok(ask.marked(Json(json!({ "lines": lines })).into_response()))
}
