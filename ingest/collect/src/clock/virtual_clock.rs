//! A clock for tests and simulations: a day of waiting passes in no time, the same way each time.

use std::{
    collections::BTreeMap,
    future::{Future, poll_fn},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;

use super::Clock;

/// A clock that stands still until it is told to go on; clones are the same clock.
///
/// [`block_on`](Self::block_on) moves it by itself: whenever no task can go on, it jumps to the end of the earliest
/// wait. Everything runs on one thread, so the order of events is the same each time. Work on other threads
/// (`spawn_blocking`, files, sockets) is not seen: while a task waits for such work alone, time jumps as if it took
/// as long as the earliest wait. Simulations therefore keep their lakes in memory, or have no wait that matters
/// meanwhile.
///
/// ```
/// # use std::time::Duration;
/// # use airshed_collect::clock::{Clock as _, VirtualClock};
/// let clock = VirtualClock::starting(jiff::Timestamp::UNIX_EPOCH);
/// clock.block_on(clock.sleep(Duration::from_secs(86_400)))?;
/// assert_eq!(clock.elapsed(), Duration::from_secs(86_400));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct VirtualClock {
    start: Timestamp,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    elapsed: Duration,
    started: u64,
    /// Waits by their end and number.
    sleepers: BTreeMap<(Duration, u64), Waker>,
}

impl VirtualClock {
    /// A clock at rest that shows `start`.
    pub fn starting(start: Timestamp) -> Self {
        Self { start, state: Arc::default() }
    }

    /// Moves the clock. Waits that end by then are over.
    pub fn advance(&self, by: Duration) {
        let due = {
            let mut state = self.state();
            state.elapsed += by;
            state.take_due()
        };
        due.into_iter().for_each(Waker::wake);
    }

    /// Runs `future`, and what it spawns, on this thread. Time passes whenever nothing else can.
    ///
    /// # Errors
    /// When the system refuses a runtime.
    pub fn block_on<F: Future>(&self, future: F) -> io::Result<F::Output> {
        let clock = self.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .on_thread_park(move || clock.jump())
            .build()?;
        Ok(runtime.block_on(future))
    }

    /// Moves to the end of the earliest wait, where there is one.
    fn jump(&self) {
        let due = {
            let mut state = self.state();
            let Some((&(end, _), _)) = state.sleepers.first_key_value() else { return };
            state.elapsed = state.elapsed.max(end);
            state.take_due()
        };
        due.into_iter().for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.start.checked_add(self.elapsed()).unwrap_or(Timestamp::MAX)
    }

    fn elapsed(&self) -> Duration {
        self.state().elapsed
    }

    async fn sleep(&self, duration: Duration) {
        let key = {
            let mut state = self.state();
            state.started += 1;
            (state.elapsed + duration, state.started)
        };
        let sleeper = Sleeper { clock: self, key };
        poll_fn(|context| {
            let mut state = sleeper.clock.state();
            if sleeper.key.0 <= state.elapsed {
                return Poll::Ready(());
            }
            state.sleepers.insert(sleeper.key, context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// A wait; one that is given up must not draw the clock on.
struct Sleeper<'a> {
    clock: &'a VirtualClock,
    key: (Duration, u64),
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.clock.state().sleepers.remove(&self.key);
    }
}

impl State {
    fn take_due(&mut self) -> Vec<Waker> {
        let later = self.sleepers.split_off(&(self.elapsed, u64::MAX));
        std::mem::replace(&mut self.sleepers, later).into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::future::join_all;
    use tokio::task::JoinSet;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waits_end_in_the_order_of_their_ends_and_no_time_passes_in_between() {
        let clock = VirtualClock::starting(Timestamp::UNIX_EPOCH);
        let ends = Arc::new(Mutex::new(Vec::new()));
        clock
            .block_on(async {
                let mut tasks = JoinSet::new();
                for seconds in [5, 1, 86_400, 3] {
                    let (clock, ends) = (clock.clone(), Arc::clone(&ends));
                    tasks.spawn(async move {
                        clock.sleep(seconds * SECOND).await;
                        ends.lock().unwrap().push((seconds, clock.elapsed()));
                    });
                }
                while tasks.join_next().await.is_some() {}
            })
            .unwrap();
        let expected: Vec<_> = [1, 3, 5, 86_400].into_iter().map(|s| (s, s * SECOND)).collect();
        assert_eq!(*ends.lock().unwrap(), expected);
        assert_eq!(clock.now(), "1970-01-02T00:00:00Z".parse::<Timestamp>().unwrap());
    }

    #[test]
    fn a_wait_that_was_given_up_does_not_draw_time_on() {
        let clock = VirtualClock::starting(Timestamp::UNIX_EPOCH);
        clock
            .block_on(async {
                tokio::select! {
                    () = clock.sleep(3600 * SECOND) => unreachable!("the shorter wait ends first"),
                    () = clock.sleep(SECOND) => {}
                }
                clock.sleep(SECOND).await;
            })
            .unwrap();
        assert_eq!(clock.elapsed(), 2 * SECOND);
        assert!(clock.state().sleepers.is_empty());
    }

    #[test]
    fn by_hand_only_what_is_due_ends() {
        let clock = VirtualClock::starting(Timestamp::UNIX_EPOCH);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let waits = join_all([clock.sleep(SECOND), clock.sleep(2 * SECOND)]);
            tokio::pin!(waits);
            assert!(futures::poll!(&mut waits).is_pending());
            clock.advance(SECOND);
            assert!(futures::poll!(&mut waits).is_pending());
            clock.advance(SECOND);
            assert!(futures::poll!(&mut waits).is_ready());
        });
    }
}
