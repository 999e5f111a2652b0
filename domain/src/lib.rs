//! The words of the ledger.
//!
//! Every other crate speaks in these types: quantities whose only products are the meaningful ones, identifiers that
//! cannot be mixed up, billing periods and half-open windows of UTC hours, fixed-point conversion, and the one place
//! where a column name is spelled ([`schema`]).
//!
//! This crate must stay a vocabulary: no I/O, no async runtime, no query engine. It builds in seconds and means the
//! same everywhere.

pub mod fixed;
pub mod id;
pub mod period;
pub mod quantity;
pub mod schema;
pub mod status;
