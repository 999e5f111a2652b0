//! What a worker knows of objects: which are landed, and which are at work.

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

/// Age at which landed objects are forgotten, at the earliest; messages live 14 days at most.
const KEPT: Duration = Duration::from_hours(15 * 24);

/// Objects by their key ([`object_key`](crate::land::progress::object_key)).
#[derive(Debug)]
pub(super) struct Memory(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Landed since `since`.
    landed: HashSet<u128>,
    /// Landed in the time before.
    earlier: HashSet<u128>,
    since: Duration,
    /// At work; each ends when its sender is dropped.
    busy: HashMap<u128, watch::Receiver<()>>,
}

/// What a worker may do with an object.
#[derive(Debug)]
pub(super) enum Claim<'a> {
    /// Nothing: it is landed.
    Landed,
    /// Wait until this ends, and ask again.
    Busy(watch::Receiver<()>),
    /// Work on it.
    Mine(Mine<'a>),
}

/// An object at work; when it is dropped, others may claim the object.
#[derive(Debug)]
pub(super) struct Mine<'a> {
    memory: &'a Memory,
    key: u128,
    _working: watch::Sender<()>,
}

impl Memory {
    /// Knows what the ledger holds.
    pub(super) fn new(landed: HashSet<u128>, now: Duration) -> Self {
        let (earlier, busy) = (HashSet::new(), HashMap::new());
        Self(Mutex::new(State { landed, earlier, since: now, busy }))
    }

    pub(super) fn claim(&self, key: u128) -> Claim<'_> {
        let mut state = self.state();
        if state.landed.contains(&key) || state.earlier.contains(&key) {
            return Claim::Landed;
        }
        if let Some(busy) = state.busy.get(&key) {
            return Claim::Busy(busy.clone());
        }
        let (working, busy) = watch::channel(());
        state.busy.insert(key, busy);
        Claim::Mine(Mine { memory: self, key, _working: working })
    }

    /// Whether an object is landed or at work.
    pub(super) fn knows(&self, key: u128) -> bool {
        let state = self.state();
        state.landed.contains(&key) || state.earlier.contains(&key) || state.busy.contains_key(&key)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mine<'_> {
    /// The object has landed, at this time of the clock.
    pub(super) fn landed(self, now: Duration) {
        let mut state = self.memory.state();
        if now.saturating_sub(state.since) > KEPT {
            state.earlier = mem::take(&mut state.landed);
            state.since = now;
        }
        state.landed.insert(self.key);
    }
}

impl Drop for Mine<'_> {
    fn drop(&mut self) {
        self.memory.state().busy.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_worked_on_once_at_a_time_and_landed_once() {
        let memory = Memory::new(HashSet::from([1]), Duration::ZERO);
        assert!(matches!(memory.claim(1), Claim::Landed));
        let Claim::Mine(mine) = memory.claim(2) else { panic!("nobody has it") };
        assert!(matches!(memory.claim(2), Claim::Busy(_)) && memory.knows(2));
        drop(mine);
        assert!(!memory.knows(2));
        let Claim::Mine(mine) = memory.claim(2) else { panic!("it was given up") };
        mine.landed(Duration::ZERO);
        assert!(matches!(memory.claim(2), Claim::Landed));
    }

    #[test]
    fn objects_are_remembered_for_as_long_as_messages_live_and_not_for_ever() {
        let memory = Memory::new(HashSet::from([1]), Duration::ZERO);
        let land = |key, now| match memory.claim(key) {
            Claim::Mine(mine) => mine.landed(now),
            other => panic!("{other:?}"),
        };
        let day = Duration::from_hours(24);
        land(2, 14 * day);
        land(3, 16 * day);
        assert!(memory.knows(1) && memory.knows(2));
        land(4, 32 * day);
        assert!(!memory.knows(1) && !memory.knows(2) && memory.knows(3) && memory.knows(4));
    }
}
