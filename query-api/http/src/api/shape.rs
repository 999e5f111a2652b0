//! Schemas of bodies and answers. Columns come from the schema of the ledger, names, types and units alike.

mod plain;

use airshed_domain::schema::{self, Table, column as c};
use arrow::datatypes::DataType;
use serde_json::{Map, Value, json};

use self::plain::{credentials, lineage, meta, problem, sql_answer, statement, tables, user};
use crate::ask::{Dimension, measures};

/// Every named schema.
pub(super) fn all() -> Map<String, Value> {
    let schemas = [
        ("Problem", problem()),
        ("Credentials", credentials()),
        ("User", user()),
        ("Statement", statement()),
        ("SqlAnswer", sql_answer()),
        ("Meta", meta()),
        ("Tables", tables()),
        ("Lineage", lineage()),
        ("Description", json!({ "type": "object", "description": "An OpenAPI document." })),
        ("Measures", chosen(measures().map(|name| (name.to_owned(), measure(name))))),
        ("Emissions", page(sums(&Dimension::columns().collect::<Vec<_>>(), true, []))),
        ("TimeSeries", series()),
        ("Breakdown", breakdown()),
        ("Resources", page(sums(RESOURCE, false, []))),
        ("Lines", page(of_table(&schema::emissions()))),
        ("Coverage", rows(without(of_table(&schema::coverage()), c::RUN_ID))),
        ("Variance", variance()),
        ("Intensity", intensity()),
        ("Runs", rows(of_columns(&schema::runs(), RUN))),
    ];
    schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

const RESOURCE: &[&str] =
    &[c::ACCOUNT_ID, c::REGION, c::SERVICE_CODE, c::INSTANCE_TYPE, c::RESOURCE_ID, c::CURRENCY];
const RUN: &[&str] = &[
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
];

/// A value as it stands in JSON: no digit is lost, so decimals are texts.
fn value(kind: &DataType, nullable: bool, description: Option<&str>) -> Value {
    let (name, format) = match kind {
        kind if kind.is_integer() => ("integer", None),
        kind if kind.is_floating() => ("number", None),
        DataType::Boolean => ("boolean", None),
        DataType::Timestamp(..) => ("string", Some("date-time")),
        DataType::Decimal128(..) => ("string", Some("decimal")),
        _ => ("string", None),
    };
    let mut schema = if nullable { json!({ "type": [name, "null"] }) } else { json!({ "type": name }) };
    if let Some(format) = format {
        schema["format"] = format.into();
    }
    if let Some(description) = description {
        schema["description"] = description.into();
    }
    schema
}

/// A text that may be missing, described as the column of that name.
fn text(name: &str) -> Value {
    value(&DataType::Utf8, true, super::comment(name))
}

/// A column of a table of the ledger.
fn column(table: &Table, name: &str) -> Value {
    let known = table.columns.iter().find(|column| column.name == name);
    known.map_or_else(|| text(name), |column| value(&column.data_type, column.nullable, Some(column.comment)))
}

/// A sum, with the unit of what is summed. A sum of nothing is null.
fn measure(name: &str) -> Value {
    let table = schema::emissions_monthly();
    let known = table.columns.iter().find(|column| column.name == name);
    let (kind, nullable) =
        known.map_or((DataType::Utf8, true), |column| (column.data_type.clone(), column.nullable));
    value(&kind, nullable, super::comment(name))
}

/// An object with these properties, all of which are there.
fn row(properties: impl IntoIterator<Item = (String, Value)>) -> Value {
    let properties: Map<String, Value> = properties.into_iter().collect();
    let names: Vec<String> = properties.keys().cloned().collect();
    json!({ "type": "object", "properties": properties, "required": names })
}

/// An object with those of these properties that the request names, all of them unless it does.
fn chosen(properties: impl IntoIterator<Item = (String, Value)>) -> Value {
    let properties: Map<String, Value> = properties.into_iter().collect();
    json!({ "type": "object", "properties": properties })
}

fn of_table(table: &Table) -> Value {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    of_columns(table, &names)
}

fn of_columns(table: &Table, names: &[&str]) -> Value {
    row(names.iter().map(|name| ((*name).to_owned(), column(table, name))))
}

fn without(mut row: Value, name: &str) -> Value {
    if let Some(properties) = row["properties"].as_object_mut() {
        properties.remove(name);
    }
    if let Some(required) = row["required"].as_array_mut() {
        required.retain(|known| known != name);
    }
    row
}

/// Sums by dimensions. Where a request chooses them, only those that it names are there, tags among them.
fn sums(dimensions: &[&str], chosen: bool, more: impl IntoIterator<Item = (String, Value)>) -> Value {
    let mut own: Map<String, Value> =
        dimensions.iter().map(|name| ((*name).to_owned(), text(name))).collect();
    own.extend(more);
    let required: Vec<&str> = if chosen { vec![c::CURRENCY] } else { dimensions.to_vec() };
    let mut row = json!({
        "type": "object",
        "allOf": [{ "$ref": "#/components/schemas/Measures" }],
        "properties": own,
        "required": required,
    });
    if chosen {
        let tag = json!({ "type": ["string", "null"], "description": "Value of the tag." });
        row["patternProperties"] = json!({ "^tag\\..+$": tag });
    }
    row
}

fn rows(row: Value) -> Value {
    answer([row, json!({ "type": "null" })])
}

fn page(row: Value) -> Value {
    let next = json!({
        "type": ["string", "null"],
        "description": "`cursor` of the next page; null on the last.",
    });
    answer([row, next])
}

fn answer([row, next]: [Value; 2]) -> Value {
    json!({
        "type": "object",
        "properties": {
            "rows": { "type": "array", "items": row },
            "next_cursor": next,
            "sql": { "type": "string", "description": "The statement that gives the same rows." },
        },
        "required": ["rows", "next_cursor", "sql"],
    })
}

fn series() -> Value {
    let time =
        json!({ "type": "string", "description": "Start of the hour or day, UTC, or the billing period." });
    let other =
        json!({ "type": "boolean", "description": "Whether the row sums up all groups that are not shown." });
    let dimensions: Vec<&str> = Dimension::columns().collect();
    rows(sums(&dimensions, true, [("time".to_owned(), time), ("other".to_owned(), other)]))
}

fn breakdown() -> Value {
    let before = measures().map(|name| {
        let description = format!("{name} of the span before; null where it has nothing of the group.");
        let mut schema = measure(name);
        let kind = schema["type"].as_array().map_or_else(|| schema["type"].clone(), |kinds| kinds[0].clone());
        schema["type"] = json!([kind, "null"]);
        schema["description"] = description.into();
        (format!("previous_{name}"), schema)
    });
    let mut row = sums(&Dimension::columns().collect::<Vec<_>>(), true, before);
    // Beside the span before, a group may have nothing now.
    let now = measures().map(|name| {
        let kind = measure(name)["type"].clone();
        let kind = kind.as_array().map_or_else(|| kind.clone(), |kinds| kinds[0].clone());
        let description = super::comment(name);
        (name.to_owned(), json!({ "type": [kind, "null"], "description": description }))
    });
    if let Some(row) = row.as_object_mut() {
        row.remove("allOf");
        if let Some(Value::Object(properties)) = row.get_mut("properties") {
            properties.extend(now);
        }
    }
    rows(row)
}

fn variance() -> Value {
    let keys = [c::PERIOD, c::ACCOUNT_ID, c::REGION, c::SERVICE_CODE, c::MODEL_VERSION];
    let figure = |whose: &str, basis: &str| {
        let kind = airshed_domain::fixed::QUANTITY_SUM;
        let description = format!("{whose}, {basis}-based, gCO2e");
        value(&kind, true, Some(&description))
    };
    let figures = ["location", "market"].into_iter().flat_map(|basis| {
        [
            (format!("ours_{basis}_g"), figure("Our operational emissions", basis)),
            (format!("provider_{basis}_g"), figure("The provider's total", basis)),
        ]
    });
    rows(row(keys.map(|name| (name.to_owned(), text(name))).into_iter().chain(figures)))
}

fn intensity() -> Value {
    let time = json!({ "type": "string", "format": "date-time", "description": "Start of the hour, UTC." });
    let per_kwh = json!({
        "type": ["number", "null"],
        "description": "co2e_location_g by energy_kwh; null where no energy was used.",
    });
    let own = [
        (c::REGION.to_owned(), text(c::REGION)),
        ("time".to_owned(), time),
        (c::ENERGY_KWH.to_owned(), measure(c::ENERGY_KWH)),
        (c::CO2E_LOCATION_G.to_owned(), measure(c::CO2E_LOCATION_G)),
        (c::GRID_INTENSITY_G_PER_KWH.to_owned(), per_kwh),
    ];
    rows(row(own))
}
