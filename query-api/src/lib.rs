//! Read-only SQL over the current runs of a ledger.
//!
//! A [`Ledger`] pins one state of the lake: the current run of every period, or the runs that were current when a
//! named run was ([`AsOf`]). Every table is registered with just the files of those runs, so no query sees half a run
//! or two runs of one period. A [`Session`] is what somebody sees of it, by their [`Scope`]. Statements are confined:
//! one query a time, no data definition, no changes, no settings, no files; and held to [`Limits`].

pub mod access;
mod answers;
pub mod audit;
mod confine;
pub mod distributed;
mod error;
mod files;
mod functions;
mod grouping;
mod ledger;
mod limits;
mod rows;
mod scope;
mod session;
mod snapshots;
mod stoppable;
mod threads;
mod views;

pub use answers::Answers;
pub use confine::{READ_ONLY, check_references, check_size};
/// Rows of an answer, batch by batch. Its errors hold an [`Error`] of this crate: [`Error::from_engine`] takes it out.
pub use datafusion::execution::SendableRecordBatchStream as RowStream;
pub use error::{Error, ErrorKind, Exceeded, Result};
pub use ledger::{AsOf, Ledger};
pub use limits::Limits;
pub use rows::{json_arrays, json_rows};
pub use scope::Scope;
pub use session::{CATALOG, SCHEMA, Session, typed};
pub use snapshots::{Snapshot, Snapshots};
pub use views::{VIEWS, View};
