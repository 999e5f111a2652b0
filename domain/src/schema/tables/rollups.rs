//! Sums of lines by all dimensions and time.

use arrow::datatypes::DataType::{Int64, Utf8};

use super::{optional, period, required, run_id, table};
use crate::{
    fixed::{MONEY_SUM, QUANTITY_SUM},
    schema::{Column, Table, column as c, timestamp_type},
};

/// The quantities that rollups sum, in order. Units as in `emissions`.
pub const MEASURES: &[&str] = &[
    c::ENERGY_KWH,
    c::ENERGY_KWH_LOW,
    c::ENERGY_KWH_HIGH,
    c::CO2E_LOCATION_G,
    c::CO2E_LOCATION_G_LOW,
    c::CO2E_LOCATION_G_HIGH,
    c::CO2E_MARKET_G,
    c::CO2E_EMBODIED_G,
    c::CO2E_EMBODIED_G_LOW,
    c::CO2E_EMBODIED_G_HIGH,
    c::CO2E_UPSTREAM_G,
    c::CO2E_T_AND_D_G,
    c::WATER_L,
    c::WATER_COOLING_L,
];

/// The dimensions of the rollups, in sort order. `tags` holds only the tags chosen in the configuration.
pub const DIMENSIONS: &[&str] = &[
    c::PROVIDER,
    c::ACCOUNT_ID,
    c::REGION,
    c::SERVICE_CODE,
    c::USAGE_FAMILY,
    c::INSTANCE_TYPE,
    c::TAGS,
    c::CURRENCY,
];

/// A column of instants, and its comment.
pub(super) type Time = (&'static str, &'static str);
pub(super) const HOUR: Time = (c::HOUR, "Start of the hour, UTC");
pub(super) const DAY: Time = (c::DAY, "Start of the day, UTC");

pub(super) fn dimensions(names: &[&'static str]) -> Vec<Column> {
    let comment = |name| match name {
        c::TAGS => "The tags chosen in the configuration, as a JSON object with sorted keys",
        _ => "As in emissions",
    };
    names.iter().map(|name| optional(name, Utf8, comment(name))).collect()
}

pub(super) fn rolled_up_measures() -> Vec<Column> {
    let mut columns = vec![
        required(c::LINES, Int64, "Billed lines"),
        required(c::LINES_ESTIMATED, Int64, "Lines with an estimate"),
        required(c::BILLED_COST, MONEY_SUM, "Sum of billed_cost, in currency"),
        required(c::EFFECTIVE_COST, MONEY_SUM, "Sum of effective_cost, in currency"),
        required(c::BILLED_COST_ESTIMATED, MONEY_SUM, "billed_cost of lines with an estimate"),
        required(c::BILLED_COST_UNMAPPED, MONEY_SUM, "billed_cost of unmapped lines"),
    ];
    columns
        .extend(MEASURES.iter().map(|name| optional(name, QUANTITY_SUM, "Exact sum; unit as in emissions")));
    columns
}

fn rollup(name: &'static str, grain: &'static str, time: Option<Time>, resource: bool) -> Table {
    let mut columns = Vec::new();
    columns.extend(time.map(|(column, comment)| required(column, timestamp_type(), comment)));
    columns.extend(dimensions(DIMENSIONS));
    if resource {
        columns.push(optional(c::RESOURCE_ID, Utf8, "Resource id or ARN"));
    }
    columns.extend(rolled_up_measures());
    table(name, grain, columns, vec![period(), run_id()])
}

/// `emissions_hourly`.
pub fn emissions_hourly() -> Table {
    rollup(
        "emissions_hourly",
        "dimensions x hour; sum before use, a cell may have several rows",
        Some(HOUR),
        false,
    )
}

/// `emissions_daily`.
pub fn emissions_daily() -> Table {
    rollup(
        "emissions_daily",
        "dimensions x day; sum before use, a cell may have several rows",
        Some(DAY),
        false,
    )
}

/// `emissions_monthly`.
pub fn emissions_monthly() -> Table {
    rollup("emissions_monthly", "dimensions x billing period; sum before use", None, false)
}

/// `emissions_resource_daily`.
pub fn emissions_resource_daily() -> Table {
    rollup("emissions_resource_daily", "resource x day", Some(DAY), true)
}
