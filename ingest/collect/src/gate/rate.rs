//! Who may call when: a limiter for each place (account and region) and one for the process, per API.
//!
//! A place at rest costs nothing; one in use costs an entry of 16 bytes in a hash map, so that a process that calls in
//! 10,000 accounts and 30 regions at the same time holds about 10 MB per API. Places are known by a hash: should two
//! share one, they share a limit, no more.
//!
//! Callers of a place queue up, and only the first of the queue waits for the time: a thousand that wait wake one by
//! one. A call is counted at the moment it is let through, also when it had to wait for the process's limit, so that
//! calls that were held up there do not come out in a bunch.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use governor::{
    NotUntil, Quota, RateLimiter,
    clock::Clock as _,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed},
};
use tokio::sync::Mutex;

use self::{
    places::{Ask, Places},
    turns::{Turn, Turns},
};
use super::{
    Api,
    limits::{ApiLimits, Limit, Limits},
    slowdown::Slowdown,
};
use crate::clock::Clock;

mod places;
mod turns;

/// Places above which those at rest are looked for and dropped.
const SWEEP_ABOVE: usize = 1024;

/// Limiters of all APIs.
#[derive(Debug)]
pub(super) struct Rates([ApiRates; Api::ALL.len()]);

/// The caller who is the next at a place.
#[derive(Debug)]
pub(super) struct Next<'a> {
    rates: &'a ApiRates,
    place: u64,
    _turn: Turn<'a>,
}

#[derive(Debug)]
struct ApiRates {
    pace: Pace,
    interval: Duration,
    places: RateLimiter<Ask, Places, Pace, NoOpMiddleware<Nanos>>,
    turns: Turns,
    slowdown: Slowdown,
    sweep_above: AtomicUsize,
    overall: RateLimiter<NotKeyed, InMemoryState, Pace, NoOpMiddleware<Nanos>>,
    overall_turn: Mutex<()>,
}

impl Rates {
    pub(super) fn new(limits: &Limits, clock: &Arc<dyn Clock>) -> Self {
        Self(Api::ALL.map(|api| ApiRates::new(limits.of(api), Pace(Arc::clone(clock)))))
    }

    /// Waits until the caller is the next who may call at the place. Who gives up waiting leaves the queue.
    pub(super) async fn queue(&self, api: Api, place: u64) -> Next<'_> {
        let rates = &self.0[api as usize];
        Next { rates, place, _turn: rates.turns.take(place).await }
    }

    /// The place was throttled: it is slowed down.
    pub(super) fn throttled(&self, api: Api, place: u64) {
        let rates = &self.0[api as usize];
        rates.slowdown.cut(place, rates.pace.0.elapsed());
    }

    /// The share of its limit that the place may use now.
    #[cfg(test)]
    pub(super) fn share(&self, api: Api, place: u64) -> f64 {
        let rates = &self.0[api as usize];
        rates.slowdown.share(place, rates.pace.0.elapsed())
    }

    /// Places in memory.
    #[cfg(test)]
    pub(super) fn places(&self, api: Api) -> usize {
        self.0[api as usize].places.len() + self.0[api as usize].turns.len()
    }
}

impl Next<'_> {
    /// Waits until the call may be made. Who gives up waiting has taken nothing.
    pub(super) async fn admit(self) {
        let Self { rates, place, _turn } = &self;
        rates.pace.until(|| rates.places.check_key(&Ask::look(*place))).await;
        let _overall_turn = rates.overall_turn.lock().await;
        rates.pace.until(|| rates.overall.check()).await;
        // It is still this caller's turn, so that the place is as ready as it was.
        rates.pace.until(|| rates.places.check_key(&Ask::take(*place, rates.surcharge(*place)))).await;
        rates.sweep();
    }
}

impl ApiRates {
    fn new(limits: ApiLimits, pace: Pace) -> Self {
        Self {
            interval: limits.place.interval(),
            places: RateLimiter::new(quota(limits.place), Places::default(), pace.clone()),
            turns: Turns::default(),
            slowdown: Slowdown::default(),
            sweep_above: AtomicUsize::new(SWEEP_ABOVE),
            overall: RateLimiter::new(quota(limits.overall), InMemoryState::default(), pace.clone()),
            overall_turn: Mutex::new(()),
            pace,
        }
    }

    /// What a call of a slowed place costs more than one of another: time that it keeps the place from calling.
    fn surcharge(&self, place: u64) -> Duration {
        let share = self.slowdown.share(place, self.pace.0.elapsed());
        self.interval.mul_f64(1.0 / share).saturating_sub(self.interval)
    }

    fn sweep(&self) {
        if self.places.len() > self.sweep_above.load(Ordering::Relaxed) {
            self.places.retain_recent();
            self.slowdown.forget_recovered(self.pace.0.elapsed());
            self.sweep_above.store((2 * self.places.len()).max(SWEEP_ABOVE), Ordering::Relaxed);
        }
    }
}

fn quota(limit: Limit) -> Quota {
    Quota::per_second(limit.per_second).allow_burst(limit.burst)
}

/// Our clock as the limiters want it.
#[derive(Debug, Clone)]
struct Pace(Arc<dyn Clock>);

impl governor::clock::Clock for Pace {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}

impl Pace {
    async fn until(&self, check: impl Fn() -> Result<(), NotUntil<Nanos>>) {
        while let Err(not_until) = check() {
            self.0.sleep(not_until.wait_time_from(self.now())).await;
        }
    }
}
