//! What a request asks for, and the SQL that answers it.
//!
//! Names of columns come from the schema, never from a request; values become quoted literals.

mod dimension;
mod filter;
mod measures;
mod sum;

pub(crate) use self::{
    dimension::Dimension,
    filter::{Filter, Span},
    measures::{Measures, Order, measures},
    sum::{Grain, Rows, Sum},
};

/// A text as a literal of SQL.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as a quoted identifier of SQL.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
