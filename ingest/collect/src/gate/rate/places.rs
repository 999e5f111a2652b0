//! Where the limiters of places keep their state.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use governor::{
    nanos::Nanos,
    state::{StateStore, keyed::ShrinkableKeyedStateStore},
};

/// What is asked of a place's limiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ask {
    place: u64,
    /// Nanoseconds that the call costs above a call at full speed; nothing when the answer is only looked at.
    surcharge_ns: Option<u64>,
}

impl Ask {
    /// Whether a call could be made.
    pub(super) fn look(place: u64) -> Self {
        Self { place, surcharge_ns: None }
    }

    /// Makes one. It counts for longer by `surcharge`.
    pub(super) fn take(place: u64, surcharge: Duration) -> Self {
        Self { place, surcharge_ns: Some(Nanos::from(surcharge).into()) }
    }
}

/// By place, the time at which it is as if it never had been used ("theoretical arrival time" of the algorithm).
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<HashMap<u64, Nanos>>);

impl Places {
    fn states(&self) -> MutexGuard<'_, HashMap<u64, Nanos>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for Places {
    type Key = Ask;

    fn measure_and_replace<T, F, E>(&self, ask: &Ask, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut states = self.states();
        let (outcome, next) = decide(states.get(&ask.place).copied())?;
        if let Some(surcharge_ns) = ask.surcharge_ns {
            states.insert(ask.place, next + Nanos::from(surcharge_ns));
        }
        Ok(outcome)
    }
}

impl ShrinkableKeyedStateStore<Ask> for Places {
    fn retain_recent(&self, drop_below: Nanos) {
        let mut states = self.states();
        states.retain(|_, at_rest| *at_rest > drop_below);
        states.shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.states().len()
    }

    fn is_empty(&self) -> bool {
        self.states().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the memory of `rate.rs` is reckoned from: the map keeps one byte more per entry, at most 16 of 7 entries.
    #[test]
    fn a_place_takes_16_bytes() {
        assert_eq!(size_of::<(u64, Nanos)>(), 16);
    }
}
