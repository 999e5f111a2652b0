//! The table of paths.

use std::sync::Arc;

use airshed_domain::schema::column as c;
use airshed_query_api::access::Role::{Analyst, Viewer};
use axum::routing::{MethodRouter, delete, get, post};
use serde_json::json;

use super::{
    Answer, Parameter, Route, Who,
    parameter::{as_of, dimensions, filters, grouping, measured, number, order, page, resource, span},
};
use crate::{
    routes::{self, GROUPS, GROUPS_MOST, SERIES, SERIES_MOST},
    server::State,
    sign_in,
};

const DAYS: &str = "Whole months are answered by billing period, other spans by day of use.";
const PERIODS: &str = "Every billing period that the span touches is shown whole.";

/// Every path, in the order of the documentation.
pub(crate) fn routes() -> Vec<Route> {
    [figures(), descriptions(), access(), operation()].into_iter().flatten().collect()
}

fn figures() -> Vec<Route> {
    let of = |more: Vec<Parameter>| -> Vec<Parameter> {
        span(DAYS).into_iter().chain(filters()).chain([resource(), as_of()]).chain(more).collect()
    };
    let grain = Parameter::one(
        "grain",
        "Steps of time. With `resource_id` days at the finest.",
        json!({ "type": "string", "enum": ["hour", "day", "month"], "default": "day" }),
    );
    let compare = Parameter::one(
        "compare",
        "`previous` gives each group's figures of the same length of time right before `from`, too.",
        json!({ "type": "string", "enum": ["previous", "none"], "default": "none" }),
    );
    let status = Parameter::one(
        c::STATUS,
        "Lines of this status alone.",
        json!({ "type": "string", "enum": ["estimated", "unmapped", "excluded"] }),
    );
    let [limit, cursor] = page();
    vec![
        Route {
            detail: "Without `group_by` the totals, a row for each currency: costs are never added over currencies.",
            parameters: of(vec![
                grouping("group_by", "Dimensions of the rows"),
                measured(),
                order(),
                limit.clone(),
                cursor.clone(),
            ]),
            problems: &[409],
            ..asked(
                "/v1/emissions",
                "emissions",
                "Sums by dimensions.",
                Answer::Table("Emissions"),
                get(routes::emissions),
            )
        },
        Route {
            detail: "Groups beyond the largest `top` by co2e_location_g are summed up in rows with `other`.",
            parameters: of(vec![
                grain,
                grouping("group_by", "Dimensions of the series"),
                measured(),
                number("top", "Groups that are shown.", SERIES, SERIES_MOST),
            ]),
            ..asked(
                "/v1/timeseries",
                "timeseries",
                "Sums by time.",
                Answer::Table("TimeSeries"),
                get(routes::timeseries),
            )
        },
        Route {
            parameters: of(vec![
                grouping("by", "Dimensions of the groups, `service_code` unless given"),
                measured(),
                number("top", "Groups that are shown, the largest by co2e_location_g.", GROUPS, GROUPS_MOST),
                compare,
            ]),
            ..asked(
                "/v1/breakdown",
                "breakdown",
                "The largest groups.",
                Answer::Table("Breakdown"),
                get(routes::breakdown),
            )
        },
        Route {
            parameters: of(vec![measured(), order(), limit.clone(), cursor.clone()]),
            problems: &[409],
            ..asked(
                "/v1/resources",
                "resources",
                "Sums of each resource.",
                Answer::Table("Resources"),
                get(routes::resources),
            )
        },
        Route {
            parameters: of(vec![status, limit, cursor]),
            problems: &[409],
            ..asked(
                "/v1/lines",
                "lines",
                "Billed lines with their estimate, the newest first.",
                Answer::Table("Lines"),
                get(routes::lines),
            )
        },
        Route {
            parameters: span(PERIODS)
                .into_iter()
                .chain(dimensions(&[c::SERVICE_CODE, c::USAGE_FAMILY, c::CURRENCY]))
                .chain([as_of()])
                .collect(),
            ..asked(
                "/v1/coverage",
                "coverage",
                "What was estimated, what was not, and why.",
                Answer::Table("Coverage"),
                get(routes::coverage),
            )
        },
        Route {
            detail: "Months, accounts, regions and services; null where one of the two has no figure.",
            parameters: span(PERIODS)
                .into_iter()
                .chain(dimensions(&[c::ACCOUNT_ID, c::REGION, c::SERVICE_CODE]))
                .chain([as_of()])
                .collect(),
            ..asked(
                "/v1/variance",
                "variance",
                "Ours beside the provider's own figures.",
                Answer::Table("Variance"),
                get(routes::variance),
            )
        },
        Route {
            detail: "Emissions and energy of the estimated lines of each region and hour, and the one by the other.",
            parameters: span("Hours of the span.").into_iter().chain(filters()).chain([as_of()]).collect(),
            ..asked(
                "/v1/intensity",
                "intensity",
                "What a kilowatt-hour emitted, by hour.",
                Answer::Table("Intensity"),
                get(routes::intensity),
            )
        },
        Route {
            detail: "Runs that are current no more are listed too. Refused to who sees only some rows.",
            parameters: vec![as_of()],
            ..asked(
                "/v1/factors",
                "factors",
                "Runs with their method and factor set.",
                Answer::Table("Runs"),
                get(routes::factors),
            )
        },
        Route {
            detail: "One statement, within the limits of the server. Tables are those of /v1/schema.",
            method: "post",
            body: Some("Statement"),
            who: Who::Has(Analyst),
            problems: &[408, 413, 415],
            ..asked("/v1/sql", "sql", "Any read-only SQL.", Answer::Table("SqlAnswer"), post(routes::sql))
        },
    ]
}

fn descriptions() -> Vec<Route> {
    let period = Parameter::one(
        c::PERIOD,
        "A billing period, where the id stands for lines of several.",
        json!({ "type": "string", "pattern": "^\\d{4}-\\d{2}$" }),
    );
    vec![
        Route {
            parameters: vec![as_of()],
            ..asked(
                "/v1/meta",
                "meta",
                "What is shown, to whom, and what can be asked.",
                Answer::Json("Meta"),
                get(routes::meta),
            )
        },
        asked(
            "/v1/schema",
            "schema",
            "Tables and columns that SQL sees.",
            Answer::Json("Tables"),
            get(routes::schema),
        ),
        Route {
            detail: "Calculated again with the factors of the line's run. Lines of runs that are current no more are refused.",
            parameters: vec![Parameter::path("line_id", "Id of the line."), period, as_of()],
            problems: &[409],
            ..asked(
                "/v1/lineage/{line_id}",
                "lineage",
                "How a line's figures came about.",
                Answer::Json("Lineage"),
                get(routes::lineage),
            )
        },
        Route {
            detail: "An event `revision` now and whenever the ledger has a new state.",
            ..asked("/v1/events", "events", "News of the ledger.", Answer::Events, get(routes::events))
        },
    ]
}

fn access() -> Vec<Route> {
    let path = "/v1/session";
    vec![
        asked(path, "whoAmI", "Who is signed in.", Answer::Json("User"), get(sign_in::who)),
        Route {
            method: "post",
            detail: "Sets the cookie `airshed_session`.",
            body: Some("Credentials"),
            who: Who::Anybody,
            problems: &[401, 403, 408, 413, 415],
            ..asked(path, "signIn", "Signs in.", Answer::Nothing, post(sign_in::sign_in))
        },
        Route {
            method: "delete",
            who: Who::Anybody,
            problems: &[403],
            ..asked(path, "signOut", "Signs out.", Answer::Nothing, delete(sign_in::sign_out))
        },
    ]
}

fn operation() -> Vec<Route> {
    let open = |path, id, summary, handler| Route {
        who: Who::Anybody,
        ..asked(path, id, summary, Answer::Text, handler)
    };
    vec![
        open("/healthz", "healthz", "Whether the server runs.", get(async || "ok\n")),
        Route {
            problems: &[503],
            ..open("/readyz", "readyz", "Whether the ledger can be read.", get(routes::ready))
        },
        Route {
            detail: "For this machine, and for who has a token.",
            problems: &[401, 429],
            ..open("/metrics", "metrics", "Metrics in the format of Prometheus.", get(routes::metrics))
        },
        Route {
            answer: Answer::Json("Description"),
            ..open("/openapi.json", "openapi", "This description.", get(routes::openapi))
        },
    ]
}

/// A path that is read by whoever is let in, without parameters.
fn asked(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    answer: Answer,
    handler: MethodRouter<Arc<State>>,
) -> Route {
    Route {
        method: "get",
        path,
        id,
        summary,
        detail: "",
        who: Who::Has(Viewer),
        parameters: Vec::new(),
        body: None,
        answer,
        problems: &[],
        handler,
    }
}
