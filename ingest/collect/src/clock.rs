//! The time as a parameter: the binary passes the machine's clock, tests and simulations one of their own.

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::time::Instant;

mod virtual_clock;

pub use virtual_clock::VirtualClock;

/// A clock.
///
/// `now` is for what is recorded and asked for (windows, watermarks); it may jump. Waiting, limits and leases go by
/// `elapsed`, which never goes back.
#[async_trait]
pub trait Clock: Debug + Send + Sync {
    /// The time of day.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment of this process.
    fn elapsed(&self) -> Duration;

    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// The clock of the binary: tokio's timer, and a time of day that is read anew each time, so that it follows the
/// machine's clock when that is set.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    start: Instant,
    time_of_day: fn() -> Timestamp,
}

impl TokioClock {
    /// A clock that counts from `start` and takes the time of day from `time_of_day`.
    pub fn new(start: Instant, time_of_day: fn() -> Timestamp) -> Self {
        Self { start, time_of_day }
    }
}

#[async_trait]
impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        (self.time_of_day)()
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
