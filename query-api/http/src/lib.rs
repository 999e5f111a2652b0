//! The HTTP interface of a ledger: figures, SQL, sign-in and the dashboard.
//!
//! Every figure is the answer of one SQL statement on the session of whoever asks, so row scopes and limits hold here as
//! everywhere, and every answer can say the statement that gives the same ("copy as SQL"). Nothing is calculated here.

mod answer;
mod api;
mod ask;
mod assets;
mod auth;
mod body;
mod lineage;
mod problem;
mod rates;
mod router;
mod routes;
mod server;
mod sign_in;
mod stall;

#[cfg(test)]
mod tests;

pub use self::{
    lineage::{Lineage, NoLineage},
    rates::Rates,
    server::{Options, State, serve},
};
