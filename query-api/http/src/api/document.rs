//! `/openapi.json`: the table of paths as an OpenAPI 3.1 document.

use std::sync::LazyLock;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Answer, Parameter, Route, Who, paths::routes, shape};
use crate::{answer::ARROW, auth::COOKIE, problem::PROBLEM};

static DOCUMENT: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", describe()));

/// The document's text.
pub(crate) fn document() -> &'static str {
    &DOCUMENT
}

fn describe() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in routes() {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method] = operation(&route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Airshed",
            "description": "Energy, CO2e, water and cost of a cloud estate. Decimals are texts, so that no digit is \
                lost. Every answer carries an ETag that stays as long as the ledger does.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }, { "cookie": [] }],
        "paths": paths,
        "components": {
            "schemas": shape::all(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of `airshed token create`, or of the identity provider.",
                },
                "cookie": { "type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Set by signing in." },
            },
        },
    })
}

fn operation(route: &Route) -> Value {
    let role = match route.who {
        Who::Anybody => String::new(),
        Who::Has(role) => format!("Takes the role {role}."),
    };
    let description: Vec<&str> = [route.detail, &role].into_iter().filter(|text| !text.is_empty()).collect();
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "parameters": route.parameters.iter().map(Parameter::described).collect::<Vec<_>>(),
        "responses": responses(route),
    });
    if !description.is_empty() {
        operation["description"] = description.join(" ").into();
    }
    if route.who == Who::Anybody {
        operation["security"] = json!([]);
    }
    if let Some(schema) = route.body {
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": named(schema) } } });
    }
    operation
}

fn named(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn responses(route: &Route) -> Value {
    let text = json!({ "schema": { "type": "string" } });
    let content = match route.answer {
        Answer::Table(schema) => json!({
            "application/json": { "schema": named(schema) },
            "text/csv": text,
            ARROW: {},
        }),
        Answer::Json(schema) => json!({ "application/json": { "schema": named(schema) } }),
        Answer::Text => json!({ "text/plain": text }),
        Answer::Events => json!({ "text/event-stream": text }),
        Answer::Nothing => Value::Null,
    };
    let mut responses = Map::new();
    match content {
        Value::Null => responses.insert("204".to_owned(), json!({ "description": "Done." })),
        content => {
            responses.insert("200".to_owned(), json!({ "description": route.summary, "content": content }))
        }
    };
    let is_pinned = route.method == "get" && matches!(route.answer, Answer::Table(_) | Answer::Json(_));
    if is_pinned && route.who != Who::Anybody {
        responses
            .insert("304".to_owned(), json!({ "description": "As the request's If-None-Match has it." }));
    }
    for status in problems(route) {
        responses.insert(status.to_string(), problem(status));
    }
    responses.into()
}

/// Statuses that a path can answer with, beside success.
fn problems(route: &Route) -> Vec<u16> {
    let mut statuses = route.problems.to_vec();
    if route.path.starts_with(super::PREFIX) {
        statuses.extend([400, 429]);
    }
    if route.who != Who::Anybody {
        statuses.extend([401, 403]);
    }
    if matches!(route.answer, Answer::Table(_)) {
        statuses.extend([404, 422, 500, 503]);
    }
    if let (Answer::Json(_), Who::Has(_)) = (route.answer, route.who) {
        statuses.extend([404, 500, 503]);
    }
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

fn problem(status: u16) -> Value {
    let title = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let mut problem = json!({
        "description": title.unwrap_or("Error"),
        "content": { PROBLEM: { "schema": named("Problem") } },
    });
    if status == 429 {
        let header = json!({ "description": "Seconds to wait.", "schema": { "type": "integer" } });
        problem["headers"] = json!({ "Retry-After": header });
    }
    problem
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// The document is checked in, so that it can be read without building; `UPDATE_DOCS=1` rewrites it.
    #[test]
    fn the_description_of_the_api_is_current() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, document()).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == document(), "docs/openapi.json is stale; `make docs` rewrites it");
    }

    #[test]
    fn every_schema_that_is_named_is_there_and_used() {
        let text = document();
        let document: Value = serde_json::from_str(text).unwrap();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let named: Vec<&str> =
            text.split("#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        for name in &named {
            assert!(schemas.contains_key(*name), "{name} is not there");
        }
        for name in schemas.keys() {
            assert!(named.contains(&name.as_str()), "{name} is not used");
        }
    }
}
