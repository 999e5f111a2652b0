//! Virtual time, and clocks of processes that show it wrong.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;

use crate::clock::Clock;

/// The true time of a test; it stands still until it is moved.
#[derive(Debug, Default)]
pub(super) struct Time(Mutex<Sleepers>);

#[derive(Debug, Default)]
struct Sleepers {
    now: Duration,
    next: u64,
    waiting: BTreeMap<(Duration, u64), oneshot::Sender<()>>,
}

impl Time {
    pub(super) fn now(&self) -> Duration {
        self.0.lock().unwrap().now
    }

    /// When the next sleeper wakes.
    pub(super) fn next(&self) -> Option<Duration> {
        let mut sleepers = self.0.lock().unwrap();
        sleepers.waiting.retain(|_, sleeper| !sleeper.is_closed());
        sleepers.waiting.keys().next().map(|(at, _)| *at)
    }

    /// Moves on to `at` and wakes who waited for it.
    pub(super) fn advance_to(&self, at: Duration) {
        let mut sleepers = self.0.lock().unwrap();
        sleepers.now = sleepers.now.max(at);
        let now = sleepers.now;
        while let Some(first) = sleepers.waiting.first_entry().filter(|first| first.key().0 <= now) {
            let _asleep = first.remove().send(());
        }
    }

    pub(super) async fn sleep(&self, duration: Duration) {
        let woken = {
            let mut sleepers = self.0.lock().unwrap();
            let (sender, receiver) = oneshot::channel();
            let key = (sleepers.now + duration, sleepers.next);
            sleepers.next += 1;
            sleepers.waiting.insert(key, sender);
            receiver
        };
        let _woken = woken.await;
    }
}

/// The clock of one process: hours off, counting from elsewhere, and running fast or slow.
#[derive(Debug)]
pub(super) struct SkewedClock {
    pub(super) time: Arc<Time>,
    pub(super) off: SignedDuration,
    pub(super) started: Duration,
    /// Its seconds per 1000 true ones.
    pub(super) rate: u32,
}

#[async_trait]
impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        let base: Timestamp = "2026-10-01T00:00:00Z".parse().unwrap();
        base + self.off + SignedDuration::try_from(self.time.now()).unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.started + self.time.now() * self.rate / 1000
    }

    async fn sleep(&self, duration: Duration) {
        self.time.sleep(duration * 1000 / self.rate + Duration::from_nanos(1)).await;
    }
}
