//! The SQL of the rollups, made from the schema so that no column is spelled twice.

use airshed_domain::{
    fixed::{MONEY_SCALE, MONEY_SUM_PRECISION, QUANTITY_SCALE, QUANTITY_SUM_PRECISION},
    schema::{DIMENSIONS, MEASURES, column as c},
    status::LineStatus,
};

/// Hourly cells out of table `emissions`. A line longer than an hour stands in the hour in which it begins.
pub(crate) fn hourly(tags: &[String]) -> String {
    from_lines(&[(c::HOUR, "hour")], &[], tags)
}

/// Cells of resource and day out of table `emissions`.
pub(crate) fn resource_daily(tags: &[String]) -> String {
    from_lines(&[(c::DAY, "day")], &[c::RESOURCE_ID], tags)
}

/// Daily cells out of table `cells`, which holds the hourly ones.
pub(crate) fn daily() -> String {
    from_cells(Some((c::DAY, &format!("date_trunc('day', {})", c::HOUR))))
}

/// Monthly cells out of table `cells`, which holds daily ones or the monthly ones of each shard.
pub(crate) fn monthly() -> String {
    from_cells(None)
}

/// Coverage out of table `emissions`.
pub(crate) fn coverage() -> String {
    coverage_of("emissions", "count(*)")
}

/// Coverage out of table `cells`, which holds the coverage of each shard.
pub(crate) fn merged_coverage() -> String {
    coverage_of("cells", &format!("sum({})", c::LINES))
}

fn coverage_of(table: &str, lines: &str) -> String {
    let keys =
        [c::STATUS, c::REASON, c::SERVICE_CODE, c::USAGE_FAMILY, c::QUALITY, c::CURRENCY].map(str::to_owned);
    let mut sums = vec![format!("{lines} AS {}", c::LINES)];
    sums.extend([c::BILLED_COST, c::EFFECTIVE_COST].map(|name| format!("{} AS {name}", money(name))));
    statement(&keys, &sums, table)
}

fn from_lines(time: &[(&str, &str)], more: &[&str], tags: &[String]) -> String {
    let mut arguments = vec![c::TAGS.to_owned()];
    arguments.extend(tags.iter().map(|tag| format!("'{}'", tag.replace('\'', "''"))));
    let dimension = |name: &&str| match *name {
        c::TAGS => format!("pick_tags({}) AS {}", arguments.join(", "), c::TAGS),
        name => name.to_owned(),
    };
    let mut keys: Vec<String> = time
        .iter()
        .map(|(name, unit)| format!("date_trunc('{unit}', {}) AS {name}", c::USAGE_START))
        .collect();
    keys.extend(DIMENSIONS.iter().map(dimension));
    keys.extend(more.iter().map(|name| (*name).to_owned()));
    let with_status =
        |status: LineStatus, value: &str| format!("CASE WHEN {} = '{status}' THEN {value} END", c::STATUS);
    let mut sums = vec![
        format!("count(*) AS {}", c::LINES),
        format!("count({}) AS {}", with_status(LineStatus::Estimated, "1"), c::LINES_ESTIMATED),
        format!("{} AS {}", money(c::BILLED_COST), c::BILLED_COST),
        format!("{} AS {}", money(c::EFFECTIVE_COST), c::EFFECTIVE_COST),
    ];
    for (status, name) in
        [(LineStatus::Estimated, c::BILLED_COST_ESTIMATED), (LineStatus::Unmapped, c::BILLED_COST_UNMAPPED)]
    {
        sums.push(format!("{} AS {name}", money_or_zero(&with_status(status, c::BILLED_COST))));
    }
    sums.extend(MEASURES.iter().map(|name| format!("{} AS {name}", quantity(name))));
    statement(&keys, &sums, "emissions")
}

fn from_cells(time: Option<(&str, &str)>) -> String {
    let mut keys: Vec<String> =
        time.iter().map(|(name, expression)| format!("{expression} AS {name}")).collect();
    keys.extend(DIMENSIONS.iter().map(|name| (*name).to_owned()));
    let mut sums = vec![format!("sum({0}) AS {0}", c::LINES), format!("sum({0}) AS {0}", c::LINES_ESTIMATED)];
    let costs = [c::BILLED_COST, c::EFFECTIVE_COST, c::BILLED_COST_ESTIMATED, c::BILLED_COST_UNMAPPED];
    sums.extend(costs.iter().map(|name| format!("{} AS {name}", money(name))));
    sums.extend(MEASURES.iter().map(|name| format!("{} AS {name}", quantity(name))));
    statement(&keys, &sums, "cells")
}

/// Groups and sorts by the keys, so that files do not depend on the plan.
fn statement(keys: &[String], sums: &[String], table: &str) -> String {
    let positions = (1..=keys.len()).map(|i| i.to_string()).collect::<Vec<_>>();
    let order = positions.iter().map(|i| format!("{i} NULLS FIRST")).collect::<Vec<_>>().join(", ");
    format!(
        "SELECT {}, {} FROM {table} GROUP BY {} ORDER BY {order}",
        keys.join(", "),
        sums.join(", "),
        positions.join(", "),
    )
}

fn money(name: &str) -> String {
    format!("CAST(sum({name}) AS DECIMAL({MONEY_SUM_PRECISION}, {MONEY_SCALE}))")
}

fn money_or_zero(value: &str) -> String {
    format!("CAST(coalesce(sum({value}), 0) AS DECIMAL({MONEY_SUM_PRECISION}, {MONEY_SCALE}))")
}

fn quantity(name: &str) -> String {
    format!("CAST(sum({name}) AS DECIMAL({QUANTITY_SUM_PRECISION}, {QUANTITY_SCALE}))")
}
