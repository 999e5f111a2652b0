//! When a failed call is made again: after a random part of a growing wait, and not more often than the API bears.
//!
//! Full jitter, as in "Exponential Backoff And Jitter" of the AWS Architecture Blog: of many calls that failed
//! together no two come back together. The budget keeps an outage from being answered with a multiple of the calls.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Attempts of one call, the first included.
pub(super) const MAX_ATTEMPTS: u32 = 8;

/// Longest wait before the second attempt; doubles with each attempt.
const BASE: Duration = Duration::from_millis(200);

/// Longest wait before any attempt.
const CAP: Duration = Duration::from_secs(20);

/// Retries that each call pays for.
const RETRIES_PER_CALL: f64 = 0.2;

/// Retries a second that are free: the floor, for a process that makes few calls.
const FREE_RETRIES_PER_SECOND: f64 = 10.0;

/// Retries that can be saved up; a process starts with them.
const SAVINGS: f64 = 100.0;

/// Longest wait for the budget. A call that had to wait longer fails with what its last attempt said.
const LONGEST_DEBT: Duration = Duration::from_secs(30);

/// The wait before retry number `retry` (from 1) of the call with this number: a share, drawn from `seed`, of the
/// longest wait.
pub(super) fn wait(seed: u64, place: u64, call: u64, retry: u32) -> Duration {
    let mut draw = [0; 20];
    draw[..8].copy_from_slice(&place.to_le_bytes());
    draw[8..16].copy_from_slice(&call.to_le_bytes());
    draw[16..].copy_from_slice(&retry.to_le_bytes());
    let share = (xxh3_64_with_seed(&draw, seed) >> 11) as f64 / (1_u64 << 53) as f64;
    longest(retry).mul_f64(share)
}

fn longest(retry: u32) -> Duration {
    let doublings = retry.saturating_sub(1).min(16);
    CAP.min(BASE * (1 << doublings))
}

/// Retries of one API: a bucket that fills with calls and with time.
#[derive(Debug)]
pub(super) struct RetryBudget(Mutex<Bucket>);

#[derive(Debug)]
struct Bucket {
    retries: f64,
    filled_at: Duration,
}

impl RetryBudget {
    pub(super) fn new(now: Duration) -> Self {
        Self(Mutex::new(Bucket { retries: SAVINGS, filled_at: now }))
    }

    /// A call is made: it pays for a part of a retry.
    pub(super) fn earn(&self) {
        self.with(|bucket| bucket.retries = (bucket.retries + RETRIES_PER_CALL).min(SAVINGS));
    }

    /// Takes a retry, and says how long to wait until it is there. Who comes next waits longer, so that no two come
    /// at once. Nothing when the wait would be too long.
    pub(super) fn take(&self, now: Duration) -> Option<Duration> {
        self.with(|bucket| {
            let passed = now.saturating_sub(bucket.filled_at).as_secs_f64();
            bucket.retries = (bucket.retries + passed * FREE_RETRIES_PER_SECOND).min(SAVINGS);
            bucket.filled_at = bucket.filled_at.max(now);
            let debt = Duration::from_secs_f64((1.0 - bucket.retries).max(0.0) / FREE_RETRIES_PER_SECOND);
            if debt > LONGEST_DEBT {
                return None;
            }
            bucket.retries -= 1.0;
            Some(debt)
        })
    }

    fn with<T>(&self, change: impl FnOnce(&mut Bucket) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn waits_are_within_bounds_and_follow_the_seed(
            seed: u64, place: u64, call: u64, retry in 1_u32..40,
        ) {
            let drawn = wait(seed, place, call, retry);
            let bound = Duration::from_millis((200_u64 << (retry - 1)).min(20_000));
            prop_assert!(drawn < bound, "{drawn:?} of {bound:?}");
            prop_assert_eq!(drawn, wait(seed, place, call, retry));
        }

        /// `steps`: milliseconds that pass, and whether a call or a retry comes. A retry counts when it is made.
        #[test]
        fn retries_are_at_most_a_fifth_of_the_calls_plus_a_floor(
            steps in prop::collection::vec((0_u64..50, any::<bool>()), 1..2000),
        ) {
            let budget = RetryBudget::new(Duration::ZERO);
            let (mut now, mut calls, mut made_at) = (Duration::ZERO, 0_u32, Vec::new());
            for (pause, is_call) in steps {
                now += Duration::from_millis(pause);
                if is_call {
                    calls += 1;
                    budget.earn();
                } else if let Some(wait) = budget.take(now) {
                    prop_assert!(wait <= LONGEST_DEBT);
                    made_at.push(now + wait);
                }
            }
            let retries = made_at.iter().filter(|at| **at <= now).count() as f64;
            let allowed = 100.0 + 0.2 * f64::from(calls) + 10.0 * now.as_secs_f64();
            prop_assert!(retries <= allowed + 1e-6, "{retries} retries, {allowed} allowed");
        }
    }

    #[test]
    fn jitter_is_full() {
        let waits: Vec<_> = (0..1000).map(|call| wait(7, 1, call, 4).as_secs_f64() / 1.6).collect();
        let mean = waits.iter().sum::<f64>() / 1000.0;
        assert!((mean - 0.5).abs() < 0.03, "{mean}");
        assert!(waits.iter().any(|w| *w < 0.01) && waits.iter().any(|w| *w > 0.99));
    }

    #[test]
    fn in_an_outage_the_wait_grows_until_calls_give_up() {
        let budget = RetryBudget::new(Duration::ZERO);
        let waits: Vec<_> = std::iter::from_fn(|| budget.take(Duration::ZERO)).take(1_000).collect();
        assert_eq!(waits.len(), 100 + 300, "what was saved, and half a minute of what is free");
        assert!(waits.is_sorted());
        assert!(budget.take(Duration::from_secs(1)).is_some());
    }
}
