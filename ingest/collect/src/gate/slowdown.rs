//! What throttling does to a place: its rate is cut by a part, and grows back by the same amount each second.
//!
//! Additive increase, multiplicative decrease, as in TCP: all who share a quota without knowing of each other
//! (collectors, and the account's own tools) come to even shares of it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What throttling leaves of the rate. The factor of the adaptive mode of AWS's SDKs.
const CUT: f64 = 0.7;

/// What is always left: a 64th of the limit.
const LEAST_SHARE: f64 = 1.0 / 64.0;

/// What comes back in a second without throttling: a 32nd of the limit, all of it in half a minute.
const GROWTH_PER_SECOND: f64 = 1.0 / 32.0;

/// Calls under way are throttled together: that is one piece of news, for so long. Only then the rate grows.
const ONE_CUT_PER: Duration = Duration::from_secs(1);

/// The slowed places of one API.
#[derive(Debug, Default)]
pub(super) struct Slowdown(Mutex<HashMap<u64, Slowed>>);

#[derive(Debug, Clone, Copy)]
struct Slowed {
    share: f64,
    since: Duration,
}

impl Slowed {
    fn share(self, now: Duration) -> f64 {
        let grown = now.saturating_sub(self.since + ONE_CUT_PER).as_secs_f64() * GROWTH_PER_SECOND;
        (self.share + grown).min(1.0)
    }
}

impl Slowdown {
    /// Slows the place down.
    pub(super) fn cut(&self, place: u64, now: Duration) {
        let mut slowed = self.slowed();
        let share = match slowed.get(&place) {
            Some(known) if now.saturating_sub(known.since) < ONE_CUT_PER => return,
            Some(known) => known.share(now),
            None => 1.0,
        };
        slowed.insert(place, Slowed { share: (share * CUT).max(LEAST_SHARE), since: now });
    }

    /// The share of its limit that the place may use, from a 64th to 1.
    pub(super) fn share(&self, place: u64, now: Duration) -> f64 {
        self.slowed().get(&place).map_or(1.0, |slowed| slowed.share(now))
    }

    /// Drops the places that are back at their limit.
    pub(super) fn forget_recovered(&self, now: Duration) {
        let mut slowed = self.slowed();
        slowed.retain(|_, place| place.share(now) < 1.0);
        slowed.shrink_to_fit();
    }

    fn slowed(&self) -> MutexGuard<'_, HashMap<u64, Slowed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shares_stay_within_bounds_and_recover(
            steps in prop::collection::vec((0_u64..5_000, any::<bool>()), 0..300),
        ) {
            let slowdown = Slowdown::default();
            let mut now = Duration::ZERO;
            for (pause_ms, throttled) in steps {
                now += Duration::from_millis(pause_ms);
                let before = slowdown.share(1, now);
                prop_assert!((1.0 / 64.0..=1.0).contains(&before), "{before}");
                if throttled {
                    slowdown.cut(1, now);
                    let after = slowdown.share(1, now);
                    prop_assert!(after <= before && after >= (before * 0.7).max(1.0 / 64.0) - 1e-12);
                }
            }
            now += Duration::from_secs(33);
            prop_assert!(slowdown.share(1, now) >= 1.0);
            slowdown.forget_recovered(now);
            prop_assert!(slowdown.slowed().is_empty());
        }
    }

    #[test]
    fn calls_that_are_throttled_together_cut_once() {
        let slowdown = Slowdown::default();
        for at_ms in [5_000, 5_001, 5_999] {
            slowdown.cut(1, Duration::from_millis(at_ms));
        }
        assert_eq!(slowdown.share(1, Duration::from_secs(5)).to_bits(), 0.7_f64.to_bits());
        slowdown.cut(1, Duration::from_secs(7));
        let share = slowdown.share(1, Duration::from_secs(7));
        assert!((share - (0.7 + 1.0 / 32.0) * 0.7).abs() < 1e-12, "{share}");
        assert_eq!(slowdown.share(2, Duration::from_secs(7)).to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn throttling_that_goes_on_leaves_a_64th() {
        let slowdown = Slowdown::default();
        for second in 0..20 {
            slowdown.cut(1, Duration::from_secs(second));
        }
        assert_eq!(slowdown.share(1, Duration::from_secs(20)).to_bits(), (1.0_f64 / 64.0).to_bits());
    }
}
