//! What there is to ask: one table of paths, from which both the router and `/openapi.json` are made, and by which the
//! parameters of every request are checked. What is not described here is neither served nor taken.

mod document;
mod parameter;
mod paths;
mod shape;

use std::sync::Arc;

use airshed_domain::schema;
use airshed_query_api::access::Role;
use axum::routing::MethodRouter;

pub(crate) use self::{
    document::document,
    parameter::{Parameter, check},
    paths::routes,
};
use crate::server::State;

/// How every path of the API begins.
pub(crate) const PREFIX: &str = "/v1";

/// One path with one method.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// Name for generated clients.
    pub(crate) id: &'static str,
    /// What it gives, in a sentence.
    pub(crate) summary: &'static str,
    /// What else there is to know.
    pub(crate) detail: &'static str,
    pub(crate) who: Who,
    pub(crate) parameters: Vec<Parameter>,
    /// Name of the body's schema, where there is a body.
    pub(crate) body: Option<&'static str>,
    pub(crate) answer: Answer,
    /// Statuses of problems beside those of every path.
    pub(crate) problems: &'static [u16],
    pub(crate) handler: MethodRouter<Arc<State>>,
}

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Anybody,
    /// Whoever is let in, with this role at the least.
    Has(Role),
}

/// What is answered; schemas are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Rows: JSON, CSV or an Arrow stream.
    Table(&'static str),
    Json(&'static str),
    Text,
    Events,
    Nothing,
}

/// What a column holds, with its unit, as the schema of the ledger says it.
pub(crate) fn comment(column: &str) -> Option<&'static str> {
    // Lines say the unit; rollups only refer to them.
    let first = schema::emissions();
    let tables = std::iter::once(first).chain(schema::all());
    tables.flat_map(|table| table.columns).find(|known| known.name == column).map(|known| known.comment)
}
