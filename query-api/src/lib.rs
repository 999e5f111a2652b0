//! Read-only SQL over the current runs of a ledger.
//!
//! A [`Ledger`] pins one state of the lake: the current run of every period, or the runs that were current when a
//! named run was ([`AsOf`]). Every table is registered with just the files of those runs, so no query sees half a run
//! or two runs of one period. Statements are confined: one query a time, no data definition, no changes, no settings,
//! no files.

mod confine;
mod error;
mod ledger;
mod tag;

pub use error::{Error, ErrorKind, Result};
pub use ledger::{AsOf, Ledger, QueryOptions};
