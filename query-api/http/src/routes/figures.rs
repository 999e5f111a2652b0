//! Figures: sums, series, resources, lines, coverage.

use airshed_domain::schema::column as c;
use axum::{http::StatusCode, response::Response};

use super::request::Ask;
use crate::{
    answer::{Beside, Form, Page},
    ask::{Dimension, Filter, Grain, Measures, Order, Rows, Span, Sum, literal, measures},
    problem::Problem,
};

/// Rows of a page of JSON, unless the request says otherwise, and the most that it may ask for.
pub(crate) const PAGE: u32 = 100;
/// The most rows of a page.
pub(crate) const PAGE_MOST: u32 = 10_000;
/// Groups of a time series, and of a breakdown, unless the request says otherwise; and the most of both.
pub(crate) const SERIES: u32 = 8;
/// The most groups of a time series.
pub(crate) const SERIES_MOST: u32 = 100;
/// Groups of a breakdown.
pub(crate) const GROUPS: u32 = 10;
/// The most groups of a breakdown.
pub(crate) const GROUPS_MOST: u32 = 1_000;

/// Totals, or sums by dimensions.
pub(crate) async fn emissions(mut ask: Ask) -> Result<Response, Problem> {
    let by = Dimension::parse_all("group_by", &ask.take("group_by").unwrap_or_default())?;
    let sum = Sum { by, rollups: ask.rollups(), ..Sum::default() };
    page_of_sums(ask, sum).await
}

/// Resources, each with its sums.
pub(crate) async fn resources(ask: Ask) -> Result<Response, Problem> {
    let by = [c::ACCOUNT_ID, c::REGION, c::SERVICE_CODE, c::INSTANCE_TYPE].map(Dimension::Column).to_vec();
    page_of_sums(ask, Sum { by, by_resource: true, ..Sum::default() }).await
}

async fn page_of_sums(mut ask: Ask, sum: Sum) -> Result<Response, Problem> {
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
    let sum = Sum { measures: measures_of(&mut ask)?.with(order.measure()), ..sum };
    let paging = Paging::of(&mut ask)?;
    ask.nothing_left()?;
    let sql = |rows| sum.sql(&ask.filter, order, rows);
    let (asked, shown) = (sql(paging.asked), sql(paging.shown));
    ask.answer(&asked, Beside { sql: shown, page: paging.page }).await
}

/// What is summed up.
fn measures_of(ask: &mut Ask) -> Result<Measures, Problem> {
    let named = ask.take("measures").map(|names| Measures::parse("measures", &names));
    named.unwrap_or_else(|| Ok(Measures::default()))
}

/// The page that is asked for.
struct Paging {
    /// Rows that are asked of the engine: in JSON one more than is shown, which says whether there is a next page.
    asked: Rows,
    /// Rows that are shown.
    shown: Rows,
    page: Option<Page>,
}

impl Paging {
    /// JSON comes in pages; the other forms are streamed, so all rows come unless the request limits them.
    fn of(ask: &mut Ask) -> Result<Self, Problem> {
        let limit = ask.number("limit", PAGE_MOST)?;
        let offset = match ask.take("cursor").filter(|cursor| !cursor.is_empty()) {
            None => 0,
            Some(cursor) => read_cursor(&cursor, &ask.pages_of)?,
        };
        if ask.form != Form::Json {
            let rows = Rows { limit: limit.map(u64::from), offset };
            return Ok(Self { asked: rows, shown: rows, page: None });
        }
        let limit = limit.unwrap_or(PAGE);
        let [runs, question] = &ask.pages_of;
        let next = format!("{runs}.{question}.{}", offset + u64::from(limit));
        let rows = |limit: u32| Rows { limit: Some(limit.into()), offset };
        let page = Some(Page { limit: limit as usize, next });
        Ok(Self { asked: rows(limit + 1), shown: rows(limit), page })
    }
}

/// Rows before the page. A cursor is good for the question and the runs that it was given for: else rows would be left
/// out or come twice.
fn read_cursor(cursor: &str, [runs, question]: &[String; 2]) -> Result<u64, Problem> {
    let parts: Vec<&str> = cursor.split('.').collect();
    let offset = match parts.as_slice() {
        [_, of, offset] if of == question => offset.parse().ok(),
        _ => None,
    };
    let offset = offset.ok_or_else(|| {
        Problem::parameter("cursor", "it is none of this question; all but `limit` must stay as it was")
    })?;
    if parts[0] != runs {
        let detail = "other runs became current since the first page; begin again, or name a run by `as_of`";
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    Ok(offset)
}

/// Sums by time, of all or of the largest groups.
pub(crate) async fn timeseries(mut ask: Ask) -> Result<Response, Problem> {
    let grain = ask.take("grain").unwrap_or_else(|| "day".to_owned());
    let grain = Grain::parse(&grain).ok_or_else(|| Problem::parameter("grain", "hour, day or month"))?;
    let by = Dimension::parse_all("group_by", &ask.take("group_by").unwrap_or_default())?;
    let groups = ask.number("top", SERIES_MOST)?.unwrap_or(SERIES);
    let measures = measures_of(&mut ask)?;
    ask.nothing_left()?;
    if grain == Grain::Hour && ask.filter.resource.is_some() {
        let detail = "resources have days at the finest; /v1/lines has their hours";
        return Err(Problem::parameter("grain", detail));
    }
    let sum = Sum { by, grain: Some(grain), measures, rollups: ask.rollups(), ..Sum::default() };
    let sql = sum.sql_of_largest(&ask.filter, groups);
    ask.answer(&sql, Beside { sql: sql.clone(), page: None }).await
}

/// The largest groups of one dimension, each beside what it was in the span before.
pub(crate) async fn breakdown(mut ask: Ask) -> Result<Response, Problem> {
    let by = ask.take("by").unwrap_or_else(|| c::SERVICE_CODE.to_owned());
    let by = Dimension::parse_all("by", &by)?;
    let groups = ask.number("top", GROUPS_MOST)?.unwrap_or(GROUPS);
    let compare = ask.take("compare");
    let measures = measures_of(&mut ask)?.with(Order::default().measure());
    ask.nothing_left()?;
    let sum = Sum { by, measures, rollups: ask.rollups(), ..Sum::default() };
    let before = match compare.as_deref() {
        None | Some("none") => None,
        Some("previous") => {
            let before = ask.filter.span.and_then(Span::before);
            Some(before.ok_or_else(|| Problem::parameter("compare", "it needs `from` and `to`"))?)
        }
        Some(_) => return Err(Problem::parameter("compare", "previous or none")),
    };
    let sql = match before {
        None => sum.sql(&ask.filter, Order::default(), Rows { limit: Some(groups.into()), offset: 0 }),
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
        let all = sum.sql(filter, Order::default(), Rows::default());
        // The order of a part means nothing.
        all.rsplit_once("\nORDER BY").map_or(all.clone(), |(select, _)| select.to_owned())
    };
    let columns: Vec<String> = keys
        .iter()
        .map(|key| format!("coalesce(n.{key}, b.{key}) AS {key}"))
        .chain(sum.measures.names().map(|name| format!("n.{name}")))
        .chain(sum.measures.names().map(|name| format!("b.{name} AS previous_{name}")))
        .collect();
    let same: Vec<String> =
        keys.iter().map(|key| format!("(n.{key} IS NOT DISTINCT FROM b.{key})")).collect();
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

/// Lines, the newest first.
pub(crate) async fn lines(mut ask: Ask) -> Result<Response, Problem> {
    let status = ask.take(c::STATUS);
    let paging = Paging::of(&mut ask)?;
    ask.nothing_left()?;
    let mut condition = ask.filter.condition(Some(c::USAGE_START));
    if let Some(status) = status {
        let joint = if condition.is_empty() { "\nWHERE" } else { "\n  AND" };
        condition = format!("{condition}{joint} {} = {}", c::STATUS, literal(&status));
    }
    // Lines of one moment are told apart by all that names a line.
    let order = [c::PERIOD, c::LINE_SEQ, c::LINE_ID, c::ACCOUNT_ID, c::USAGE_TYPE, c::BILLED_COST].join(", ");
    let sql = |rows: Rows| {
        format!("SELECT *\nFROM emissions{condition}\nORDER BY {} DESC, {order}{rows}", c::USAGE_START)
    };
    ask.answer(&sql(paging.asked), Beside { sql: sql(paging.shown), page: paging.page }).await
}

/// What was estimated and what was not, and why.
pub(crate) async fn coverage(ask: Ask) -> Result<Response, Problem> {
    ask.nothing_left()?;
    let condition = ask.filter.condition(None);
    let keys = [c::PERIOD, c::STATUS, c::REASON, c::SERVICE_CODE, c::USAGE_FAMILY, c::QUALITY, c::CURRENCY];
    let keys = keys.join(", ");
    let sums = [c::BILLED_COST, c::EFFECTIVE_COST].map(|cost| format!("sum({cost}) AS {cost}")).join(", ");
    let (lines, table) = if ask.sees("coverage") {
        (format!("sum({})", c::LINES), "coverage")
    } else {
        // In a scope it is counted anew, from the lines that are seen.
        ("count(*)".to_owned(), "emissions")
    };
    let sql = format!(
        "SELECT {keys}, {lines} AS {}, {sums}\nFROM {table}{condition}\nGROUP BY {keys}\nORDER BY {} DESC, {keys}",
        c::LINES,
        c::BILLED_COST,
    );
    ask.answer(&sql, Beside { sql: sql.clone(), page: None }).await
}

/// The provider's own figures, ours beside them. What it tells nothing of is no variance, and may be much.
pub(crate) async fn variance(ask: Ask) -> Result<Response, Problem> {
    ask.nothing_left()?;
    if !ask.sees("provider_variance") {
        let detail = "the provider's figures have no tags, so your scope does not show them";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    let keys = [c::PERIOD, c::ACCOUNT_ID, c::REGION, c::SERVICE_CODE].join(", ");
    let condition = ask.filter.condition(None);
    let joint = if condition.is_empty() { "\nWHERE" } else { "\n  AND" };
    let sql = format!(
        "SELECT {keys}, {} AS ours_location_g, provider_location_g, {} AS ours_market_g, provider_market_g, {}\n\
         FROM provider_variance{condition}{joint} (provider_location_g IS NOT NULL OR provider_market_g IS NOT NULL)\n\
         ORDER BY {keys}",
        c::CO2E_LOCATION_G,
        c::CO2E_MARKET_G,
        c::MODEL_VERSION,
    );
    ask.answer(&sql, Beside { sql: sql.clone(), page: None }).await
}

/// Hours of each region: energy, emissions, and what a kilowatt-hour emitted.
pub(crate) async fn intensity(ask: Ask) -> Result<Response, Problem> {
    ask.nothing_left()?;
    if ask.filter.resource.is_some() {
        let detail = "resources have no hours here; /v1/lines has them";
        return Err(Problem::parameter(c::RESOURCE_ID, detail));
    }
    let by = vec![Dimension::Column(c::REGION)];
    let sum = Sum { by, grain: Some(Grain::Hour), rollups: ask.rollups(), ..Sum::default() };
    let (table, _) = sum.table(&ask.filter);
    let condition = ask.filter.condition(Some(c::HOUR));
    let energy = format!("sum({})", c::ENERGY_KWH);
    let emitted = format!("sum({})", c::CO2E_LOCATION_G);
    let sql = format!(
        "SELECT\n  {region},\n  {hour} AS time,\n  {energy} AS {kwh},\n  {emitted} AS {grams},\n  \
         CAST({emitted} AS DOUBLE) / nullif(CAST({energy} AS DOUBLE), 0) AS {intensity}\n\
         FROM {table}{condition}\nGROUP BY {region}, {hour}\nORDER BY {region}, time",
        region = c::REGION,
        hour = c::HOUR,
        kwh = c::ENERGY_KWH,
        grams = c::CO2E_LOCATION_G,
        intensity = c::GRID_INTENSITY_G_PER_KWH,
    );
    ask.answer(&sql, Beside { sql: sql.clone(), page: None }).await
}
