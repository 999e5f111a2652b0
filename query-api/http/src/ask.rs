//! What a request asks for, and the SQL that answers it.
//!
//! Names of columns come from the schema, never from a request; values become quoted literals.

mod dimension;
mod filter;
mod sum;

pub(crate) use self::{
    dimension::Dimension,
    filter::{Filter, Span},
    sum::{Grain, Order, Rows, Sum, measures},
};

/// A text as a literal of SQL.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as a quoted identifier of SQL.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
