//! Queues of callers, by place. A queue is there while somebody is in it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::OwnedMutexGuard;

/// A queue: first come, first served.
type Queue = tokio::sync::Mutex<()>;

/// Queues of one API.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<u64, Arc<Queue>>>);

/// The turn of the first of a queue, until it is dropped. The fields are dropped in this order.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    _first: OwnedMutexGuard<()>,
    _queued: Queued<'a>,
}

/// A place in a queue.
#[derive(Debug)]
struct Queued<'a> {
    turns: &'a Turns,
    place: u64,
    queue: Arc<Queue>,
}

impl Turns {
    /// Waits for the caller's turn. Who gives up waiting leaves the queue.
    pub(super) async fn take(&self, place: u64) -> Turn<'_> {
        let queue = Arc::clone(self.queues().entry(place).or_default());
        let queued = Queued { turns: self, place, queue };
        Turn { _first: Arc::clone(&queued.queue).lock_owned().await, _queued: queued }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.queues().len()
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<u64, Arc<Queue>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        let mut queues = self.turns.queues();
        // Ours and the map's; nobody can come while the map is locked.
        if Arc::strong_count(&self.queue) == 2 {
            queues.remove(&self.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::poll;

    use super::*;

    #[test]
    fn callers_of_a_place_take_turns_and_leave_nothing_behind() {
        let turns = Turns::default();
        futures::executor::block_on(async {
            let first = turns.take(1).await;
            let elsewhere = turns.take(2).await;
            {
                let mut second = Box::pin(turns.take(1));
                let mut third = Box::pin(turns.take(1));
                assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
                drop(second);
                drop(first);
                assert!(poll!(&mut third).is_ready(), "the second gave up, so that it is the third's turn");
            }
            assert_eq!(turns.len(), 1, "the place that is in use");
            drop(elsewhere);
            assert_eq!(turns.len(), 0);
        });
    }
}
