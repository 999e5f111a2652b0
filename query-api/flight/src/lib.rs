//! The Arrow Flight SQL interface of a ledger.
//!
//! Messages and commands are those of `arrow-flight`; who may ask, what a statement may be and how far it may go are
//! those of the core. Nothing is kept of a statement between two calls: a ticket or the handle of a prepared statement
//! holds its text, the moment that it asks for and its parameters, and whoever redeems it gets the rows of their own
//! scope.
//!
//! One call goes through [`door`] (who asks), [`statement`] (what), [`service`] (which answer) and [`answer`] (its
//! rows, as fast as the client reads them).

mod answer;
mod catalog;
mod connection;
mod door;
mod failure;
mod note;
mod server;
mod service;
mod statement;
mod wire;

pub use server::{Options, StartError, serve};
