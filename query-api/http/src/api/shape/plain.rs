//! Schemas of what is no table of figures: bodies of requests, problems, and descriptions of the ledger.

use airshed_domain::schema::{self, column as c};
use airshed_query_api::access::Role;
use serde_json::{Map, Value, json};

use super::{of_columns, row};
use crate::routes::{ROWS, ROWS_MOST};

pub(super) fn problem() -> Value {
    json!({
        "type": "object",
        "description": "An error (RFC 9457).",
        "properties": {
            "type": { "type": "string", "description": "`about:blank`: the title is that of the status." },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string", "description": "What is wrong with this request." },
        },
        "required": ["type", "title", "status", "detail"],
    })
}

pub(super) fn credentials() -> Value {
    let object = |names: &[&str]| {
        let properties: Map<String, Value> =
            names.iter().map(|name| ((*name).to_owned(), json!({ "type": "string" }))).collect();
        json!({ "type": "object", "properties": properties, "required": names, "additionalProperties": false })
    };
    json!({ "oneOf": [object(&["token"]), object(&["user", "password"])] })
}

pub(super) fn user() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": { "type": "string" },
            "role": { "type": "string", "enum": Role::ALL.map(Role::as_str) },
            "scope": {
                "type": ["array", "null"],
                "items": { "type": "string" },
                "description": "Which rows are seen, such as `account=111122223333`; null for all.",
            },
        },
        "required": ["name", "role", "scope"],
    })
}

pub(super) fn statement() -> Value {
    json!({
        "type": "object",
        "properties": {
            "sql": { "type": "string" },
            "as_of": { "type": ["string", "null"], "description": "A run: its moment is read." },
            "max_rows": {
                "type": ["integer", "null"],
                "minimum": 1,
                "maximum": ROWS_MOST,
                "default": ROWS,
                "description": "Rows of a JSON answer; CSV and Arrow come whole and refuse it.",
            },
        },
        "required": ["sql"],
        "additionalProperties": false,
    })
}

/// Name, type and comment of columns.
fn columns() -> Value {
    json!({
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "name": { "type": "string" },
                "type": { "type": "string", "description": "Arrow type." },
                "comment": { "type": ["string", "null"], "description": "What it holds, with its unit." },
            },
            "required": ["name", "type", "comment"],
        },
    })
}

pub(super) fn sql_answer() -> Value {
    json!({
        "type": "object",
        "properties": {
            "columns": columns(),
            "rows": { "type": "array", "items": { "type": "array", "items": true } },
            "truncated": { "type": "boolean", "description": "Whether there are more rows than max_rows." },
        },
        "required": ["columns", "rows", "truncated"],
    })
}

pub(super) fn tables() -> Value {
    let table = json!({
        "type": "object",
        "properties": {
            "name": { "type": "string" },
            "comment": { "type": "string", "description": "What one row is." },
            "columns": columns(),
        },
        "required": ["name", "comment", "columns"],
    });
    json!({
        "type": "object",
        "properties": { "tables": { "type": "array", "items": table } },
        "required": ["tables"],
    })
}

pub(super) fn lineage() -> Value {
    json!({
        "type": "object",
        "properties": {
            "lines": {
                "type": "array",
                "items": { "type": "object", "description": "As `airshed explain -o json` prints a line." },
            },
        },
        "required": ["lines"],
    })
}

pub(super) fn meta() -> Value {
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let day = json!({ "type": ["string", "null"], "format": "date" });
    let measure = row([
        ("name".to_owned(), json!({ "type": "string" })),
        (
            "unit".to_owned(),
            json!({ "type": "string", "description": "`currency` for costs; empty for counts." }),
        ),
        ("title".to_owned(), json!({ "type": ["string", "null"] })),
    ]);
    let period = of_columns(&schema::periods(), &[c::PERIOD, c::RUN_ID, c::PUBLISHED_AT]);
    let properties = [
        ("version", json!({ "type": "string" })),
        ("user", json!({ "$ref": "#/components/schemas/User" })),
        ("periods", json!({ "type": "array", "items": period })),
        ("first_day", day.clone()),
        ("last_day", day),
        ("dimensions", texts.clone()),
        ("tags", texts.clone()),
        ("measures", json!({ "type": "array", "items": measure })),
        ("account_names", json!({ "type": "object", "additionalProperties": { "type": "string" } })),
        ("currencies", texts),
        ("as_of", json!({ "type": ["string", "null"] })),
        ("revision", json!({ "type": "string", "description": "Changes whenever a table does." })),
    ];
    row(properties.map(|(name, schema)| (name.to_owned(), schema)))
}
