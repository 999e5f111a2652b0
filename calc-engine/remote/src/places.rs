//! Who has a place for a file.
//!
//! Each worker has as many places as it estimates files at a time; until it said so, one. A worker that failed is set
//! aside for a while, longer each time, and is then tried with a single file. Nothing here waits for a worker that is set
//! aside: when no other is left, there is no place.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// How long a worker is set aside after its first failure, and at most.
const ASIDE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(1));

/// The places of all workers.
#[derive(Debug)]
pub(crate) struct Places {
    workers: Mutex<Vec<Worker>>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Worker {
    /// Files at a time, once it said so.
    at_once: Option<usize>,
    under_way: usize,
    aside_until: Option<Instant>,
    /// Failures since it last did what it was asked.
    failures: u32,
}

impl Worker {
    fn is_aside(&self, now: Instant) -> bool {
        self.aside_until.is_some_and(|until| now < until)
    }

    /// Places that are free.
    fn free(&self) -> usize {
        self.at_once.unwrap_or(1).saturating_sub(self.under_way)
    }
}

/// A place at a worker, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    places: &'a Places,
    /// Number of the worker.
    pub(crate) worker: usize,
    /// Whether the worker has yet to say how many files it estimates at a time.
    pub(crate) is_first: bool,
}

/// What a look for a place finds.
#[derive(Debug)]
enum Found<'a> {
    Free(Place<'a>),
    /// It is worth waiting.
    Taken,
    /// All that were not tried are set aside.
    Nobody,
}

impl Places {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            workers: Mutex::new((0..workers).map(|_| Worker::default()).collect()),
            changed: Notify::new(),
        }
    }

    /// A place at a worker that was not tried, the one with most places free, as soon as there is one; nothing when all
    /// that were not tried are set aside.
    pub(crate) async fn take(&self, tried: &[bool]) -> Option<Place<'_>> {
        loop {
            // Made before looking, so that no change is missed.
            let changed = self.changed.notified();
            match self.look(tried, Instant::now()) {
                Found::Free(place) => return Some(place),
                Found::Nobody => return None,
                Found::Taken => changed.await,
            }
        }
    }

    fn look(&self, tried: &[bool], now: Instant) -> Found<'_> {
        let mut workers = self.lock();
        let untried = workers.iter_mut().enumerate().zip(tried).filter(|(_, tried)| !**tried);
        let there = untried.map(|(worker, _)| worker).filter(|(_, worker)| !worker.is_aside(now));
        // Of equals the first.
        match there.rev().max_by_key(|(_, worker)| worker.free()) {
            None => Found::Nobody,
            Some((_, worker)) if worker.free() == 0 => Found::Taken,
            Some((number, worker)) => {
                worker.under_way += 1;
                Found::Free(Place { places: self, worker: number, is_first: worker.at_once.is_none() })
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// The worker said how many files it estimates at a time.
    pub(crate) fn opens(&self, at_once: usize) {
        self.places.lock()[self.worker].at_once = Some(at_once.max(1));
        self.places.changed.notify_waiters();
    }

    /// The worker did what it was asked; returns whether it had been set aside.
    pub(crate) fn did_well(&self) -> bool {
        let worker = &mut self.places.lock()[self.worker];
        worker.failures = 0;
        worker.aside_until.take().is_some()
    }

    /// The worker failed: it is set aside, and must say anew what it can do. Returns whether it was not aside already.
    pub(crate) fn set_aside(&self, now: Instant) -> bool {
        let is_new = {
            let worker = &mut self.places.lock()[self.worker];
            let is_new = !worker.is_aside(now);
            if is_new {
                let (first, most) = ASIDE;
                let pause =
                    first.saturating_mul(1u32.checked_shl(worker.failures).unwrap_or(u32::MAX)).min(most);
                worker.aside_until = Some(now + pause);
                worker.failures = worker.failures.saturating_add(1).min(u32::BITS - 1);
                worker.at_once = None;
            }
            is_new
        };
        self.places.changed.notify_waiters();
        is_new
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let worker = &mut self.places.lock()[self.worker];
        worker.under_way = worker.under_way.saturating_sub(1);
        self.places.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    /// A place that is free now.
    fn free<'a>(places: &'a Places, tried: &[bool]) -> Place<'a> {
        places.take(tried).now_or_never().expect("a place that is free").expect("a worker that is there")
    }

    fn is_taken(places: &Places, tried: &[bool]) -> bool {
        matches!(places.look(tried, Instant::now()), Found::Taken)
    }

    #[test]
    fn a_worker_has_one_place_until_it_says_more() {
        let places = Places::new(2);
        let all = [false, false];
        let (one, two) = (free(&places, &all), free(&places, &all));
        assert_eq!((one.worker, two.worker), (0, 1));
        assert!(one.is_first && is_taken(&places, &all));
        one.opens(3);
        let more = [free(&places, &all), free(&places, &all)];
        assert!(more.iter().all(|place| place.worker == 0 && !place.is_first));
        assert!(is_taken(&places, &all));
        drop(two);
        assert_eq!(free(&places, &all).worker, 1);
    }

    #[tokio::test]
    async fn one_that_waits_gets_the_next_place() {
        let places = Places::new(1);
        let first = free(&places, &[false]);
        let freed = async {
            tokio::task::yield_now().await;
            drop(first);
        };
        let (next, ()) = tokio::join!(places.take(&[false]), freed);
        assert_eq!(next.unwrap().worker, 0);
    }

    #[test]
    fn a_worker_that_fails_is_tried_again_later_and_later() {
        let places = Places::new(1);
        let mut now = Instant::now();
        let look = |now| match places.look(&[false], now) {
            Found::Free(place) => Some(place),
            Found::Nobody => None,
            Found::Taken => panic!("somebody else has its place"),
        };
        for pause in [2, 4, 8, 16, 32, 60, 60] {
            let place = look(now).unwrap();
            assert!(place.is_first);
            assert!(place.set_aside(now));
            assert!(!place.set_aside(now), "it is aside already");
            drop(place);
            let pause = Duration::from_secs(pause);
            assert!(look(now + pause.saturating_sub(Duration::from_millis(1))).is_none(), "{pause:?}");
            now += pause;
        }
        let place = look(now).unwrap();
        assert!(place.did_well());
        assert!(!place.did_well());
        place.set_aside(now);
        drop(place);
        assert!(look(now + Duration::from_secs(2)).is_some(), "what was is forgiven");
    }

    #[tokio::test]
    async fn nobody_waits_for_who_was_tried_or_is_aside() {
        let places = Places::new(2);
        assert!(places.take(&[true, true]).await.is_none());
        let place = free(&places, &[true, false]);
        assert_eq!(place.worker, 1);
        // One that waits for it learns that it fell.
        let fall = async {
            tokio::task::yield_now().await;
            place.set_aside(Instant::now());
        };
        let (none, ()) = tokio::join!(places.take(&[true, false]), fall);
        assert!(none.is_none());
    }
}
