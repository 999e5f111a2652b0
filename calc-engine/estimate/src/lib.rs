//! The estimation stage: billing lines of the lake in, a run of `emissions` out.
//!
//! The stage is an envelope around the pure kernels. It fixes what a run is ([`plan::RunPlan`]: an id over the content
//! of the billing lines and of the processor measurements, the factor set, the method with its options and the code
//! version), reads the lines file by file, estimates, writes one emissions file per billing file, and records the run
//! with its exact totals. A run that is there already is not computed again. It is not visible to readers before rollups
//! are there and `periods` says so: see `airshed_lake::control`.
//!
//! Other processes can estimate files of a run ([`Elsewhere`]): each plans it too ([`PlannedRun`]), and equal ids prove that
//! it is the same run. How they are reached is not this crate's matter.

mod elsewhere;
mod error;
mod plan;
mod planner;
mod read;
mod shard;
mod shared;
mod stage;
mod totals;
mod utilization;

pub use elsewhere::{Elsewhere, Estimated, Refused};
pub use error::{Error, ErrorKind, Result};
pub use plan::{BatchInput, RunInputs, code_version};
pub use read::{BillingLine, find_line};
pub use shared::{Different, PlannedRun, SharedRun};
pub use stage::{
    Calculation, EstimateOptions, NoProgress, PeriodOutcome, Progress, estimate, estimate_with, replay,
};
pub use utilization::{HeldMeasurements, MeasuredContent, MeasuredInput, with_measurements};
