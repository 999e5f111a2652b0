//! The threads that a statement is planned for: its share of all, by how many are at work.
//!
//! Beside others a statement on all threads only waits for them, and pays for what brings its parts together. One that
//! hands rows on does not count any more: how fast they are taken is not its work.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The statements at work in one process; clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct AtWork(Arc<AtomicUsize>);

/// One statement at work, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn(AtWork);

impl AtWork {
    pub(crate) fn begin(&self) -> Turn {
        self.0.fetch_add(1, Ordering::Relaxed);
        Turn(self.clone())
    }
}

impl Turn {
    /// Its part of the threads, at least one.
    pub(crate) fn share(&self, threads: usize) -> usize {
        threads.div_ceil(self.0.0.load(Ordering::Relaxed).max(1)).max(1)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_shared_by_those_at_work() {
        let at_work = AtWork::default();
        let alone = at_work.begin();
        assert_eq!([1, 2, 8].map(|threads| alone.share(threads)), [1, 2, 8]);
        let others = [at_work.begin(), at_work.begin()];
        assert_eq!([1, 2, 8].map(|threads| alone.share(threads)), [1, 1, 3]);
        drop(others);
        assert_eq!(alone.share(8), 8);
    }
}
