//! The Postgres wire interface of a ledger.
//!
//! The messages are read and written by `pgwire`, rows are encoded by `arrow-pg`, the system catalogue begins with that
//! of `datafusion-pg-catalog`. What is between them is ours, because the stock server has no authentication, falls back
//! to plain text, and lets data definition and COPY through: [`login`] (TLS that fails closed, SCRAM-SHA-256),
//! [`connection`] (the protocol's two ways to ask, portals, cancelling, limits), [`sql`] (one list of what a statement
//! may be, for both ways) and [`catalog`] (what clients ask to find their way: tables, columns, comments).

mod answer;
mod array;
mod cancel;
mod catalog;
mod connection;
mod failure;
mod login;
mod numeric;
mod parameters;
mod plan;
mod scram;
mod server;
mod settings;
mod sql;
mod wire;

pub use server::{Options, StartError, serve};
