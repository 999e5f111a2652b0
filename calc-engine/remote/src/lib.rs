//! The files of a run, estimated by other processes: `airshed estimate --workers`.
//!
//! A worker ([`Desk`]) answers for one billing file at a time and slot: it plans the run by itself, refuses when it comes to
//! another run id, and puts the emissions file into the lake. The asking process ([`Crew`]) shares the files out, gives a
//! file that a worker lost to another one, and commits the run. So a worker that falls costs the time of its files and
//! nothing else, and the run has the bytes that one process alone would have written.
//!
//! This crate speaks gRPC and knows neither addresses nor secrets: connections come from outside, and the worker's server
//! lets nobody in who does not show the secret.

mod crew;
mod desk;
mod places;
mod plans;
mod service;
mod wire;

pub use crew::{Crew, Way};
pub use desk::{Desk, DeskOptions, LoadFactors};
pub use service::ShardService;
