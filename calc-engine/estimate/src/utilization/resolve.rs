//! Measurements that overlap become pieces of time for each of which one measurement speaks.
//!
//! Collectors bring a data point twice, or the same time at a finer and at a coarser grain. At any instant the first in
//! this order speaks: the shorter interval, then the one with more samples, then the larger mean, then the one that began
//! earlier. What comes out depends on the set of measurements alone, never on their order or on how often each was
//! brought; measurements that do not overlap come out as they are.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

/// Stands for an unknown number of samples, which is fewer than any.
pub(super) const UNKNOWN_SAMPLES: i64 = i64::MIN;

/// One measurement of a resource, in microseconds since 1970 in UTC.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measurement {
    pub(super) start_us: i64,
    pub(super) end_us: i64,
    pub(super) avg: f64,
    pub(super) samples: i64,
}

/// A piece of time with the mean of the measurement that speaks for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Interval {
    pub(super) start_us: i64,
    pub(super) end_us: i64,
    pub(super) avg: f64,
}

impl Measurement {
    /// Which of two speaks where both could: the lesser.
    fn precedence(&self, other: &Self) -> Ordering {
        let length = |m: &Self| m.end_us.saturating_sub(m.start_us);
        length(self)
            .cmp(&length(other))
            .then_with(|| other.samples.cmp(&self.samples))
            .then_with(|| other.avg.total_cmp(&self.avg))
            .then_with(|| self.start_us.cmp(&other.start_us))
    }
}

/// Resolves the measurements of one resource and metric: pieces in order, of which none overlaps another. A measurement
/// without a length speaks for nothing.
pub(super) fn resolve(mut measurements: Vec<Measurement>) -> Vec<Interval> {
    measurements.retain(|m| m.start_us < m.end_us);
    measurements.sort_unstable_by(|a, b| a.start_us.cmp(&b.start_us).then_with(|| a.precedence(b)));
    // Of equal intervals the first in precedence comes first. From here on no two are of the same rank.
    measurements.dedup_by_key(|m| (m.start_us, m.end_us));
    if measurements.is_sorted_by(|a, b| a.end_us <= b.start_us) {
        let as_it_is = |m: Measurement| Interval { start_us: m.start_us, end_us: m.end_us, avg: m.avg };
        return measurements.into_iter().map(as_it_is).collect();
    }
    let mut pieces = Pieces::default();
    let mut open: BinaryHeap<Reverse<Ranked>> = BinaryHeap::new();
    let mut coming = measurements.into_iter().peekable();
    let mut now = i64::MIN;
    loop {
        while open.peek().is_some_and(|Reverse(ranked)| ranked.0.end_us <= now) {
            open.pop();
        }
        if open.is_empty() {
            match coming.peek() {
                Some(next) => now = next.start_us,
                None => return pieces.done,
            }
        }
        while let Some(begun) = coming.next_if(|m| m.start_us <= now) {
            open.push(Reverse(Ranked(begun)));
        }
        if let Some(Reverse(Ranked(speaking))) = open.peek() {
            let until = coming.peek().map_or(speaking.end_us, |next| next.start_us.min(speaking.end_us));
            pieces.push(speaking, now, until);
            now = until;
        }
    }
}

/// A measurement in a heap, by its precedence.
struct Ranked(Measurement);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.precedence(&other.0)
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

#[derive(Default)]
struct Pieces {
    done: Vec<Interval>,
    /// Start and end of the measurement that the last piece is of.
    last: Option<(i64, i64)>,
}

impl Pieces {
    /// Adds a piece, or makes the last one longer when the same measurement goes on.
    fn push(&mut self, of: &Measurement, start_us: i64, end_us: i64) {
        let key = Some((of.start_us, of.end_us));
        match self.done.last_mut() {
            Some(last) if self.last == key && last.end_us == start_us => last.end_us = end_us,
            _ => self.done.push(Interval { start_us, end_us, avg: of.avg }),
        }
        self.last = key;
    }
}

#[cfg(test)]
mod tests;
