//! How often somebody may ask.
//!
//! Users are told apart by name, everybody else by address. Memory is bounded: there are only so many users, and
//! addresses fall into a fixed number of cells, whose few chance neighbours share one allowance.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
};

use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock as _, DefaultClock},
};
use xxhash_rust::xxh3::xxh3_64;

use crate::problem::Problem;

/// Checks after which users that were quiet are forgotten.
const FORGET_EVERY: u32 = 4096;

/// Requests that are answered, for each minute; as many may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Of one user, over all tokens and sessions.
    pub user_per_minute: NonZeroU32,
    /// From one address (IPv6: from one network of 64 bits), of signing in and of requests without good credentials.
    /// Behind a proxy everybody comes from the proxy's address.
    pub stranger_per_minute: NonZeroU32,
}

impl Default for Rates {
    fn default() -> Self {
        let [user_per_minute, stranger_per_minute] =
            [3_000, 300].map(|count| NonZeroU32::MIN.saturating_add(count - 1));
        Self { user_per_minute, stranger_per_minute }
    }
}

/// Counts requests.
pub(crate) struct RateLimiter {
    users: DefaultKeyedRateLimiter<String>,
    strangers: DefaultKeyedRateLimiter<u16>,
    checks: AtomicU32,
}

impl RateLimiter {
    pub(crate) fn new(rates: Rates) -> Self {
        let users = DefaultKeyedRateLimiter::keyed(Quota::per_minute(rates.user_per_minute));
        let strangers = DefaultKeyedRateLimiter::keyed(Quota::per_minute(rates.stranger_per_minute));
        Self { users, strangers, checks: AtomicU32::new(0) }
    }

    /// Counts a request of a user.
    pub(crate) fn user(&self, name: &str) -> Result<(), Problem> {
        if self.checks.fetch_add(1, Ordering::Relaxed).is_multiple_of(FORGET_EVERY) {
            self.users.retain_recent();
        }
        self.users.check_key(&name.to_owned()).map_err(|until| wait(&until))
    }

    /// Counts a request of an address that nobody answers for.
    pub(crate) fn stranger(&self, address: IpAddr) -> Result<(), Problem> {
        self.strangers.check_key(&cell(address)).map_err(|until| wait(&until))
    }
}

fn wait(until: &governor::NotUntil<<DefaultClock as governor::clock::Clock>::Instant>) -> Problem {
    Problem::too_many("too many requests", until.wait_time_from(DefaultClock::default().now()))
}

fn cell(address: IpAddr) -> u16 {
    let hash = match address.to_canonical() {
        IpAddr::V4(address) => xxh3_64(&address.octets()),
        IpAddr::V6(address) => xxh3_64(&address.octets()[..8]),
    };
    let [first, second, ..] = hash.to_le_bytes();
    u16::from_le_bytes([first, second])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(per_minute: u32) -> RateLimiter {
        let count = NonZeroU32::new(per_minute).unwrap();
        RateLimiter::new(Rates { user_per_minute: count, stranger_per_minute: count })
    }

    #[test]
    fn one_user_s_haste_is_not_another_s() {
        let limiter = limiter(3);
        for _ in 0..3 {
            limiter.user("ada").unwrap();
        }
        assert!(limiter.user("ada").is_err());
        assert!(limiter.user("eve").is_ok());
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let limiter = limiter(1);
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        limiter.stranger(at("2001:db8:1:2::3")).unwrap();
        assert!(limiter.stranger(at("2001:db8:1:2:ffff::1")).is_err());
        assert!(limiter.stranger(at("2001:db8:1:3::3")).is_ok());
        limiter.stranger(at("192.0.2.1")).unwrap();
        assert!(limiter.stranger(at("::ffff:192.0.2.1")).is_err(), "the same address in another dress");
    }
}
