//! Rollups of few dimensions: few rows, whatever the number of resources. Most questions are answered from them. A cell of a
//! very large estate may have several rows, so their sums count.

use super::{
    period, required,
    rollups::{DAY, HOUR, Time, dimensions, rolled_up_measures},
    run_id, table,
};
use crate::schema::{Table, column as c, timestamp_type};

fn summary(name: &'static str, grain: &'static str, time: Time, names: &[&'static str]) -> Table {
    let mut columns = vec![required(time.0, timestamp_type(), time.1)];
    columns.extend(dimensions(names));
    columns.extend(rolled_up_measures());
    table(name, grain, columns, vec![period(), run_id()])
}

/// `emissions_tag_daily`: days of teams and the like.
pub fn emissions_tag_daily() -> Table {
    summary(
        "emissions_tag_daily",
        "region x tags x day, over all accounts and services; sum before use",
        DAY,
        &[c::PROVIDER, c::REGION, c::TAGS, c::CURRENCY],
    )
}

/// `emissions_service_daily`: days without accounts, instance types and tags.
pub fn emissions_service_daily() -> Table {
    summary(
        "emissions_service_daily",
        "region x service x usage family x day, over all accounts; sum before use",
        DAY,
        &[c::PROVIDER, c::REGION, c::SERVICE_CODE, c::USAGE_FAMILY, c::CURRENCY],
    )
}

/// `emissions_account_daily`: days of whole accounts.
pub fn emissions_account_daily() -> Table {
    summary(
        "emissions_account_daily",
        "account x day; sum before use",
        DAY,
        &[c::PROVIDER, c::ACCOUNT_ID, c::CURRENCY],
    )
}

/// `emissions_region_hourly`: hours of whole regions.
pub fn emissions_region_hourly() -> Table {
    summary(
        "emissions_region_hourly",
        "region x hour, over all accounts and services; sum before use",
        HOUR,
        &[c::PROVIDER, c::REGION, c::CURRENCY],
    )
}

/// `emissions_instance_hourly`: hours of instance types.
pub fn emissions_instance_hourly() -> Table {
    summary(
        "emissions_instance_hourly",
        "instance type x hour, over all accounts, regions and services; sum before use",
        HOUR,
        &[c::PROVIDER, c::INSTANCE_TYPE, c::CURRENCY],
    )
}

/// `emissions_service_hourly`: hours of whole services.
pub fn emissions_service_hourly() -> Table {
    summary(
        "emissions_service_hourly",
        "service x usage family x hour, over all accounts and regions; sum before use",
        HOUR,
        &[c::PROVIDER, c::SERVICE_CODE, c::USAGE_FAMILY, c::CURRENCY],
    )
}

/// `emissions_tag_hourly`: hours of teams and the like.
pub fn emissions_tag_hourly() -> Table {
    summary(
        "emissions_tag_hourly",
        "tags x hour, over all accounts, regions and services; sum before use",
        HOUR,
        &[c::PROVIDER, c::TAGS, c::CURRENCY],
    )
}

/// `emissions_account_hourly`: hours of whole accounts.
pub fn emissions_account_hourly() -> Table {
    summary(
        "emissions_account_hourly",
        "account x hour; sum before use",
        HOUR,
        &[c::PROVIDER, c::ACCOUNT_ID, c::CURRENCY],
    )
}

/// `emissions_instance_daily`: days without accounts and tags.
pub fn emissions_instance_daily() -> Table {
    summary(
        "emissions_instance_daily",
        "region x service x usage family x instance type x day, over all accounts; sum before use",
        DAY,
        &[c::PROVIDER, c::REGION, c::SERVICE_CODE, c::USAGE_FAMILY, c::INSTANCE_TYPE, c::CURRENCY],
    )
}

/// `emissions_tag_service_daily`: days of what teams and the like use.
pub fn emissions_tag_service_daily() -> Table {
    summary(
        "emissions_tag_service_daily",
        "service x usage family x instance type x tags x day, over all accounts and regions; sum before use",
        DAY,
        &[c::PROVIDER, c::SERVICE_CODE, c::USAGE_FAMILY, c::INSTANCE_TYPE, c::TAGS, c::CURRENCY],
    )
}

/// Every summary; each is summed up from the hours or days of all dimensions.
pub fn summaries() -> [Table; 10] {
    [
        emissions_tag_daily(),
        emissions_service_daily(),
        emissions_account_daily(),
        emissions_region_hourly(),
        emissions_instance_hourly(),
        emissions_service_hourly(),
        emissions_tag_hourly(),
        emissions_account_hourly(),
        emissions_instance_daily(),
        emissions_tag_service_daily(),
    ]
}
