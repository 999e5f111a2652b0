//! Figures: sums, series, resources, lines, coverage.

use airshed_domain::schema::column as c;
use axum::response::Response;

use super::request::Ask;
use crate::{
    answer::{Beside, Page},
    ask::{Dimension, Filter, Grain, Order, Rows, Sum, identifier, literal, measures},
    problem::Problem,
};

/// Rows of a page, unless the request says otherwise, and the most that it may ask for.
const PAGE: u32 = 100;
const PAGE_MOST: u32 = 10_000;

/// Totals, or sums by dimensions.
pub(crate) async fn emissions(mut ask: Ask) -> Result<Response, Problem> {
    let by = Dimension::parse_all("group_by", &ask.take("group_by").unwrap_or_default())?;
    let sum = Sum { by, ..Sum::default() };
    page_of_sums(ask, &sum).await
}

/// Resources, each with its sums.
pub(crate) async fn resources(ask: Ask) -> Result<Response, Problem> {
    let by = [c::ACCOUNT_ID, c::REGION, c::SERVICE_CODE, c::INSTANCE_TYPE].map(Dimension::Column).to_vec();
    page_of_sums(ask, &Sum { by, by_resource: true, grain: None }).await
}

async fn page_of_sums(mut ask: Ask, sum: &Sum) -> Result<Response, Problem> {
    let order = match ask.take("order") {
        None => Order::default(),
        Some(text) => Order::parse(&text).ok_or_else(|| {
            let names: Vec<&str> = measures().collect();
            Problem::parameter(
                "order",
                &format!("one of {}, with `-` before it for descending", names.join(", ")),
            )
        })?,
    };
    let (limit, offset, page) = paging(&mut ask)?;
    ask.nothing_left()?;
    let sql = sum.sql(&ask.filter, order, Some(Rows { limit: limit + 1, offset }));
    let shown = sum.sql(&ask.filter, order, Some(Rows { limit, offset }));
    ask.answer(&sql, Beside { sql: shown, page: Some(page) }).await
}

/// The page that is asked for: rows, rows before it, and what comes after.
fn paging(ask: &mut Ask) -> Result<(u64, u64, Page), Problem> {
    let limit = ask.number("limit", PAGE, PAGE_MOST)?;
    let revision = ask.snapshot.ledger().revision();
    let offset = match ask.take("cursor") {
        None => 0,
        Some(cursor) => {
            let wrong = || Problem::parameter("cursor", "it is none of ours");
            let (of, offset) = cursor.split_once('.').ok_or_else(wrong)?;
            if of != revision {
                let detail = "the ledger changed since the first page; begin again";
                return Err(Problem::new(axum::http::StatusCode::CONFLICT, detail));
            }
            offset.parse::<u64>().map_err(|_| wrong())?
        }
    };
    let limit = u64::from(limit);
    let next = format!("{revision}.{}", offset + limit);
    Ok((limit, offset, Page { limit: usize::try_from(limit).unwrap_or(usize::MAX), next }))
}

/// Sums by time, of all or of the largest groups.
pub(crate) async fn timeseries(mut ask: Ask) -> Result<Response, Problem> {
    let grain = ask.take("grain").unwrap_or_else(|| "day".to_owned());
    let grain = Grain::parse(&grain).ok_or_else(|| Problem::parameter("grain", "hour, day or month"))?;
    let by = Dimension::parse_all("group_by", &ask.take("group_by").unwrap_or_default())?;
    let groups = ask.number("top", 8, 100)?;
    ask.nothing_left()?;
    let sql = Sum { by, grain: Some(grain), by_resource: false }.sql_of_largest(&ask.filter, groups);
    ask.answer(&sql, Beside { sql: sql.clone(), page: None }).await
}

/// The largest groups of one dimension, each beside what it was in the span before.
pub(crate) async fn breakdown(mut ask: Ask) -> Result<Response, Problem> {
    let by = ask.take("by").unwrap_or_else(|| c::SERVICE_CODE.to_owned());
    let by = Dimension::parse_all("by", &by)?;
    let groups = ask.number("top", 10, 1_000)?;
    let compare = ask.take("compare");
    ask.nothing_left()?;
    let sum = Sum { by, ..Sum::default() };
    let before = match compare.as_deref() {
        None | Some("none") => None,
        Some("previous") => {
            let before = ask.filter.span.and_then(crate::ask::Span::before);
            Some(before.ok_or_else(|| Problem::parameter("compare", "it needs `from` and `to`"))?)
        }
        Some(_) => return Err(Problem::parameter("compare", "previous or none")),
    };
    let sql = match before {
        None => sum.sql(&ask.filter, Order::default(), Some(Rows { limit: u64::from(groups), offset: 0 })),
        Some(before) => compared(&sum, &ask.filter, &ask.filter.with_span(Some(before)), groups),
    };
    ask.answer(&sql, Beside { sql: sql.clone(), page: None }).await
}

/// Two spans side by side; columns of the earlier one begin with `previous_`.
fn compared(sum: &Sum, now: &Filter, before: &Filter, groups: u32) -> String {
    let mut keys: Vec<String> = sum.by.iter().map(Dimension::alias).collect();
    if !keys.iter().any(|key| key == c::CURRENCY) {
        keys.push(c::CURRENCY.to_owned());
    }
    let select = |filter: &Filter| {
        let all = sum.sql(filter, Order::default(), None);
        // The order of a part means nothing.
        all.rsplit_once("\nORDER BY").map_or(all.clone(), |(select, _)| select.to_owned())
    };
    let columns: Vec<String> = keys
        .iter()
        .map(|key| format!("coalesce(n.{key}, b.{key}) AS {key}"))
        .chain(measures().map(|name| format!("n.{name}")))
        .chain(measures().map(|name| format!("b.{name} AS previous_{name}")))
        .collect();
    let same: Vec<String> = keys.iter().map(|key| format!("n.{key} IS NOT DISTINCT FROM b.{key}")).collect();
    let largest = format!("greatest(coalesce(n.{0}, 0), coalesce(b.{0}, 0))", c::CO2E_LOCATION_G);
    format!(
        "WITH n AS (\n{}\n),\nb AS (\n{}\n)\nSELECT\n  {}\nFROM n FULL JOIN b ON {}\nORDER BY {largest} DESC, {}\nLIMIT {groups}",
        select(now),
        select(before),
        columns.join(",\n  "),
        same.join(" AND "),
        keys.join(", "),
    )
}

/// Estimated lines, the newest first.
pub(crate) async fn lines(mut ask: Ask) -> Result<Response, Problem> {
    let status = ask.take(c::STATUS);
    let (limit, offset, page) = paging(&mut ask)?;
    ask.nothing_left()?;
    let mut condition = ask.filter.condition(Some(c::USAGE_START));
    if let Some(status) = status {
        let joint = if condition.is_empty() { "\nWHERE" } else { "\n  AND" };
        condition = format!("{condition}{joint} {} = {}", c::STATUS, literal(&status));
    }
    let select = |limit: u64| {
        format!(
            "SELECT *\nFROM emissions{condition}\nORDER BY {} DESC, {}\nLIMIT {limit} OFFSET {offset}",
            c::USAGE_START,
            c::LINE_SEQ,
        )
    };
    ask.answer(&select(limit + 1), Beside { sql: select(limit), page: Some(page) }).await
}

/// What was estimated and what was not, and why.
pub(crate) async fn coverage(ask: Ask) -> Result<Response, Problem> {
    ask.nothing_left()?;
    let condition = ask.filter.condition(None);
    let order = format!("ORDER BY {} DESC, {}", c::BILLED_COST, c::PERIOD);
    let sql = if ask.sees("coverage") {
        format!("SELECT *\nFROM coverage{condition}\n{order}")
    } else {
        // In a scope it is counted anew, from the lines that are seen.
        let keys =
            [c::PERIOD, c::STATUS, c::REASON, c::SERVICE_CODE, c::USAGE_FAMILY, c::QUALITY, c::CURRENCY].join(", ");
        let sums = [c::BILLED_COST, c::EFFECTIVE_COST].map(|cost| format!("sum({cost}) AS {cost}")).join(", ");
        format!(
            "SELECT {keys}, count(*) AS {}, {sums}\nFROM emissions{condition}\nGROUP BY {keys}\n{order}",
            c::LINES
        )
    };
    ask.answer(&sql, Beside { sql: sql.clone(), page: None }).await
}

/// Ours beside the provider's own figures.
pub(crate) async fn variance(ask: Ask) -> Result<Response, Problem> {
    ask.nothing_left()?;
    let condition = ask.filter.condition(None);
    let sql = format!(
        "SELECT *\nFROM provider_variance{condition}\nORDER BY {}, {}, {}, {}",
        c::PERIOD,
        c::ACCOUNT_ID,
        c::REGION,
        c::SERVICE_CODE
    );
    ask.answer(&sql, Beside { sql: sql.clone(), page: None }).await
}

/// Hours of each region: energy, emissions, and what a kilowatt-hour emitted.
pub(crate) async fn intensity(ask: Ask) -> Result<Response, Problem> {
    ask.nothing_left()?;
    let condition = ask.filter.condition(Some(c::HOUR));
    let energy = format!("sum({})", c::ENERGY_KWH);
    let emitted = format!("sum({})", c::CO2E_LOCATION_G);
    let sql = format!(
        "SELECT\n  {region},\n  {hour} AS time,\n  {energy} AS {kwh},\n  {emitted} AS {grams},\n  \
         CAST({emitted} AS DOUBLE) / nullif(CAST({energy} AS DOUBLE), 0) AS {intensity}\n\
         FROM emissions_hourly{condition}\nGROUP BY {region}, {hour}\nORDER BY {region}, time",
        region = c::REGION,
        hour = c::HOUR,
        kwh = c::ENERGY_KWH,
        grams = c::CO2E_LOCATION_G,
        intensity = identifier(c::GRID_INTENSITY_G_PER_KWH).trim_matches('"'),
    );
    ask.answer(&sql, Beside { sql: sql.clone(), page: None }).await
}
