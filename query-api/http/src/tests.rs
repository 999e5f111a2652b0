//! The whole interface over a small ledger, without a network.

mod access;
mod figures;
mod lake;
mod pages;
mod server;
