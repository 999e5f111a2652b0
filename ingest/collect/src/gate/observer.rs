//! How often places were really called, measured apart from the limiters, for tests of them.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Api, Limits};
use crate::cloud::Scope;

const WINDOW: Duration = Duration::from_secs(1);

/// How often a place was called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The API.
    pub api: Api,
    /// Where; nothing for the collector's own account.
    pub scope: Option<Scope>,
    /// The most calls in any one second.
    pub most_in_a_second: u32,
    /// As many as the limit lets through.
    pub limit_in_a_second: u32,
}

/// Counts calls by place.
#[derive(Debug, Default)]
pub(super) struct Observer(Mutex<BTreeMap<(Api, Option<Scope>), Counted>>);

#[derive(Debug, Default)]
struct Counted {
    last_second: VecDeque<Duration>,
    most: usize,
}

impl Observer {
    pub(super) fn saw(&self, api: Api, scope: Option<&Scope>, now: Duration) {
        let mut places = self.places();
        let Counted { last_second, most } = places.entry((api, scope.cloned())).or_default();
        while last_second.front().is_some_and(|at| *at + WINDOW <= now) {
            last_second.pop_front();
        }
        last_second.push_back(now);
        *most = last_second.len().max(*most);
    }

    /// All places that were called, in order.
    pub(super) fn observed(&self, limits: &Limits) -> Vec<Observed> {
        let observed = |((api, scope), counted): (&(Api, Option<Scope>), &Counted)| Observed {
            api: *api,
            scope: scope.clone(),
            most_in_a_second: u32::try_from(counted.most).unwrap_or(u32::MAX),
            limit_in_a_second: limits.of(*api).place.most_in_a_second(),
        };
        self.places().iter().map(observed).collect()
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<(Api, Option<Scope>), Counted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_second_is_found_wherever_it_starts() {
        let observer = Observer::default();
        for ms in [0, 900, 950, 1_899, 1_900, 5_000] {
            observer.saw(Api::Tagging, None, Duration::from_millis(ms));
        }
        let limits = Limits::default();
        assert_eq!(
            observer.observed(&limits),
            [Observed {
                api: Api::Tagging,
                scope: None,
                most_in_a_second: 3,
                limit_in_a_second: limits.of(Api::Tagging).place.most_in_a_second(),
            }]
        );
    }
}
