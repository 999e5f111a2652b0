//! Exact rollups of a run, and the commit that makes the run current.
//!
//! Hourly cells are summed from `emissions`; days are summed from hours and the month from days, so all grains end on
//! the same last digit by construction, and [`check`] proves it again from the files, with a query engine that shares no
//! code with the sums. Sums are of integers: their order does not matter. A run whose rollups are there is not rolled up
//! again.

mod cells;
pub mod check;
mod error;
mod pick_tags;
mod session;
mod shard;
mod stage;
mod stretch;

pub use error::{Error, ErrorKind, Result};
pub use session::Resources;
pub use stage::{RollupOptions, RollupOutcome, roll_up};
