//! Collects an AWS organisation into the ledger: accounts, resources, utilisation, billing and the provider's figures.
//!
//! What the collectors ask of AWS is the trait [`Cloud`] (and [`stream::Queue`] for announcements): one method is one
//! call. The crate `ingest/aws` answers it from AWS, tests from a stand-in. Every call goes through the [`gate`], which
//! keeps limits, waits, tries again and gives up on an account. What comes back is *landed* ([`land`]): rows and the
//! progress that they stand for in one Delta commit. Work is split into shards that processes hold by leases ([`share`]).
//!
//! Clock, chance (a seed), credentials and configuration are passed in.

pub mod billing;
pub mod board;
pub mod clock;
pub mod cloud;
pub mod compact;
pub mod config;
pub mod engine;
mod error;
pub mod gate;
pub mod health;
pub mod inventory;
pub mod land;
pub mod organization;
pub mod poll;
pub mod share;
#[cfg(any(test, feature = "stand-in"))]
pub mod stand_in;
pub mod stream;
pub mod unit;

pub use clock::Clock;
pub use cloud::{Cloud, Scope};
pub use config::CollectConfig;
pub use error::{CallError, CallErrorKind, Error, ErrorKind, Result};
