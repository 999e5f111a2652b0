//! The requests that the pages of the dashboard send, as `query-api/web/src/pages` does.

use crate::{
    dates,
    random::Random,
    world::{World, pick},
};

/// A request and what kind it is of.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) kind: &'static str,
    pub(crate) path: String,
}

/// What clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mix {
    /// Overview, Explore, Carbon hours, Regions, Data quality.
    Pages,
    /// From an account to its services to its resources.
    Drill,
}

/// What pages show, as they name it.
const OPERATIONAL: &str = "co2e_location_g,co2e_location_g_low,co2e_location_g_high,co2e_market_g";
const TREND: &str =
    "co2e_location_g,co2e_location_g_low,co2e_location_g_high,co2e_market_g,energy_kwh,billed_cost";
const TOTALS: &str = "co2e_location_g,co2e_location_g_low,co2e_location_g_high,co2e_market_g,energy_kwh,\
                      co2e_embodied_g,co2e_upstream_g,co2e_t_and_d_g,water_l,billed_cost,billed_cost_estimated,\
                      billed_cost_unmapped";
const GROUPS: &str = "co2e_location_g,co2e_location_g_low,co2e_location_g_high,energy_kwh,billed_cost,lines";

type Span = (i64, i64);
type Parameter = (&'static str, String);

impl Mix {
    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pages => "pages",
            Self::Drill => "drill",
        }
    }

    /// The requests of the next page that somebody looks at.
    pub(crate) fn next(self, world: &World, random: &mut Random) -> Vec<Ask> {
        match (self, random.below(20)) {
            (Self::Pages, 0..7) => overview(world, random),
            (Self::Pages, 7..14) => explore(world, random),
            (Self::Pages, 14 | 15) => hours(world, random),
            (Self::Pages, 16 | 17) => regions(world, random),
            (Self::Pages, 18) => quality(world, random),
            (Self::Pages, _) => vec![ask("meta", "meta", &[])],
            (Self::Drill, 0..8) => services(world, random),
            (Self::Drill, 8..18) => resources(world, random),
            (Self::Drill, _) => all_resources(world, random),
        }
    }
}

fn overview(world: &World, random: &mut Random) -> Vec<Ask> {
    let span = world.span(random);
    let (from, to) = span;
    let filters = filters(world, random);
    let by = ["service_code", "service_code", "service_code", "account_id", "region"][random.below(5)];
    let movers = if by == "account_id" { "overview: movers by account" } else { "overview: movers" };
    vec![
        ask("overview: total", "emissions", &query(span, &filters, &[("measures", TOTALS)])),
        ask(
            "overview: total before",
            "emissions",
            &query((from - (to - from), from), &filters, &[("measures", TREND)]),
        ),
        course("overview: course", span, &filters, None),
        ask(
            movers,
            "breakdown",
            &query(
                span,
                &filters,
                &[("by", by), ("top", "100"), ("compare", "previous"), ("measures", OPERATIONAL)],
            ),
        ),
        ask("overview: coverage", "coverage", &query(span, &[], &[])),
    ]
}

fn explore(world: &World, random: &mut Random) -> Vec<Ask> {
    const BY: [&str; 6] =
        ["account_id", "service_code", "region", "usage_family", "instance_type", "tag.team"];
    let span = world.span(random);
    let filters = filters(world, random);
    let by = BY[random.below(BY.len())];
    let mut asks = vec![
        course("explore: course", span, &filters, Some(by)),
        grouped("explore: groups", span, &filters, by),
    ];
    if random.below(4) == 0 {
        asks.push(ask(
            "filter picker",
            "emissions",
            &query(span, &[], &[("group_by", by), ("limit", "500"), ("measures", "co2e_location_g")]),
        ));
    }
    asks
}

fn hours(world: &World, random: &mut Random) -> Vec<Ask> {
    let span = world.span(random);
    let region = pick(&world.regions, random);
    let list =
        [("group_by", "region"), ("order", "-energy_kwh"), ("limit", "200"), ("measures", "energy_kwh")];
    vec![
        ask("hours: regions", "emissions", &query(span, &[], &list)),
        ask("hours: one region", "intensity", &query(span, &[], &[("region", region)])),
    ]
}

fn regions(world: &World, random: &mut Random) -> Vec<Ask> {
    let span = world.span(random);
    let shown = "co2e_location_g,co2e_market_g,energy_kwh,billed_cost";
    let list = [("group_by", "region"), ("order", "-co2e_location_g"), ("limit", "200"), ("measures", shown)];
    vec![
        ask("regions: sums", "emissions", &query(span, &[], &list)),
        ask("regions: all hours", "intensity", &query(span, &[], &[])),
    ]
}

fn quality(world: &World, random: &mut Random) -> Vec<Ask> {
    vec![
        ask("quality: coverage", "coverage", &query(world.span(random), &[], &[])),
        ask("quality: variance", "variance", &[]),
    ]
}

/// An account was chosen: its services.
fn services(world: &World, random: &mut Random) -> Vec<Ask> {
    let span = world.span(random);
    let account = world.accounts[random.below(world.accounts.len())].clone();
    let filters = [("account_id", account)];
    vec![
        course("account: course by service", span, &filters, Some("service_code")),
        grouped("account: services", span, &filters, "service_code"),
    ]
}

/// A service of it was chosen: its resources, and their course by instance type.
fn resources(world: &World, random: &mut Random) -> Vec<Ask> {
    let span = world.span(random);
    let (account, service) = world.pairs[random.below(world.pairs.len())].clone();
    let filters = [("account_id", account), ("service_code", service)];
    vec![
        course("account and service: course", span, &filters, Some("instance_type")),
        listed("account and service: resources", span, &filters),
    ]
}

/// All of its resources at once.
fn all_resources(world: &World, random: &mut Random) -> Vec<Ask> {
    let span = world.span(random);
    let account = world.accounts[random.below(world.accounts.len())].clone();
    vec![listed("account: resources", span, &[("account_id", account)])]
}

/// None, or one that somebody might set.
fn filters(world: &World, random: &mut Random) -> Vec<Parameter> {
    let (name, values) = match random.below(10) {
        0..4 => return Vec::new(),
        4 => ("usage_family", &world.families),
        5 => ("tag.team", &world.teams),
        6 => ("region", &world.regions),
        7 => ("service_code", &world.services),
        _ => return vec![("account_id", world.accounts[random.below(world.accounts.len())].clone())],
    };
    vec![(name, pick(values, random).to_owned())]
}

fn course(kind: &'static str, span: Span, filters: &[Parameter], by: Option<&str>) -> Ask {
    // As state/scope.svelte.ts chooses.
    let grain = match span.1 - span.0 {
        ..=4 => "hour",
        5..=120 => "day",
        _ => "month",
    };
    let kind = match (kind, grain, filters) {
        ("overview: course", "hour", []) => "overview: course by hour",
        ("overview: course", "hour", _) => "overview: course by hour, filtered",
        ("explore: course", "hour", []) => "explore: course by hour",
        ("explore: course", "hour", _) => "explore: course by hour, filtered",
        _ => kind,
    };
    let mut own = vec![("grain", grain)];
    own.extend(by.into_iter().flat_map(|by| [("group_by", by), ("top", "8")]));
    own.push(("measures", if by.is_some() { "co2e_location_g" } else { TREND }));
    ask(kind, "timeseries", &query(span, filters, &own))
}

fn grouped(kind: &'static str, span: Span, filters: &[Parameter], by: &str) -> Ask {
    let own = [("group_by", by), ("order", "-co2e_location_g"), ("limit", "50"), ("measures", GROUPS)];
    ask(kind, "emissions", &query(span, filters, &own))
}

fn listed(kind: &'static str, span: Span, filters: &[Parameter]) -> Ask {
    ask(
        kind,
        "resources",
        &query(span, filters, &[("order", "-co2e_location_g"), ("limit", "50"), ("measures", GROUPS)]),
    )
}

/// Span, filters, and what is the page's own, in the order of `api/request.ts`.
fn query((from, to): Span, filters: &[Parameter], own: &[(&'static str, &str)]) -> Vec<Parameter> {
    let span = [("from", dates::text(from)), ("to", dates::text(to))];
    let own = own.iter().map(|(name, value)| (*name, (*value).to_owned()));
    span.into_iter().chain(filters.iter().cloned()).chain(own).collect()
}

fn ask(kind: &'static str, endpoint: &str, query: &[Parameter]) -> Ask {
    // Nothing that is named has a character that would have to be escaped.
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mark = if pairs.is_empty() { "" } else { "?" };
    Ask { kind, path: format!("/v1/{endpoint}{mark}{}", pairs.join("&")) }
}
