//! The whole pipeline on small inputs: conservation, exactness, crashes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod compaction;
mod company;
mod crash;
mod exactness;
mod removal;
mod rollups;
mod spread;
mod stages;
mod utilization;
mod workers;
