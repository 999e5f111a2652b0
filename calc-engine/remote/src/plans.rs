//! The plans of the runs that were asked for last.
//!
//! A plan holds the measurements of its period: it is made once for all files of a run, and not kept for longer than files
//! are asked for.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use airshed_estimate::{PlannedRun, SharedRun};
use tokio::sync::OnceCell;

/// Plans that are kept: of two callers, or of the period that ends and the one that begins.
const KEPT: usize = 2;

type Cell = Arc<OnceCell<Arc<PlannedRun>>>;

/// Plans, the one that was asked for last at the end.
#[derive(Debug, Default)]
pub(crate) struct Plans(Mutex<Vec<Kept>>);

#[derive(Debug)]
struct Kept {
    run: SharedRun,
    plan: Cell,
    /// Whether it was asked for since the last [`Plans::forget_unused`].
    is_used: bool,
}

impl Plans {
    /// The plan of a run. Whoever asks for it while it is made waits for it.
    pub(crate) async fn get<E>(
        &self,
        run: &SharedRun,
        make: impl Future<Output = Result<PlannedRun, E>>,
    ) -> Result<Arc<PlannedRun>, E> {
        let cell = self.cell(run);
        cell.get_or_try_init(async || make.await.map(Arc::new)).await.cloned()
    }

    fn cell(&self, run: &SharedRun) -> Cell {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|kept| kept.run == *run).map(|place| kept.remove(place));
        let found = found.unwrap_or_else(|| Kept { run: run.clone(), plan: Cell::default(), is_used: true });
        let cell = Arc::clone(&found.plan);
        while kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push(Kept { is_used: true, ..found });
        cell
    }

    /// Forgets what nobody asked for since it was called last.
    pub(crate) fn forget_unused(&self) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A file under way holds its plan, which is then used.
        kept.retain(|kept| kept.is_used || Arc::strong_count(&kept.plan) > 1);
        kept.iter_mut().for_each(|kept| kept.is_used = false);
    }

    #[cfg(test)]
    fn runs(&self) -> Vec<String> {
        let kept = self.0.lock().unwrap();
        kept.iter().map(|kept| kept.run.run_id.to_string()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use airshed_domain::id::RunId;
    use airshed_estimate::MeasuredInput;
    use airshed_kernels::method::{MethodName, MethodOptions};

    use super::*;

    fn run(id: &str) -> SharedRun {
        SharedRun {
            run_id: RunId::new(id),
            period: "2026-10".parse().unwrap(),
            billing_version: 1,
            inputs_sha256: String::new(),
            utilization: MeasuredInput::Files(Vec::new()),
            rejected: 0,
            method: MethodName::Airshed,
            options: MethodOptions::default(),
            rollup_tags: Vec::new(),
            factor_set: String::new(),
            code_version: String::new(),
        }
    }

    /// Asks for a plan that cannot be made.
    async fn ask(plans: &Plans, id: &str) {
        let failed = plans.get(&run(id), async { Err::<PlannedRun, _>("no lake") }).await;
        assert_eq!(failed.unwrap_err(), "no lake");
    }

    #[tokio::test]
    async fn those_that_were_asked_for_last_are_kept() {
        let plans = Plans::default();
        for id in ["a", "b", "a", "c"] {
            ask(&plans, id).await;
        }
        assert_eq!(plans.runs(), ["a", "c"]);
    }

    #[tokio::test]
    async fn those_that_nobody_asks_for_are_forgotten() {
        let plans = Plans::default();
        ask(&plans, "a").await;
        ask(&plans, "b").await;
        plans.forget_unused();
        ask(&plans, "b").await;
        plans.forget_unused();
        assert_eq!(plans.runs(), ["b"]);
        let under_way = plans.cell(&run("b"));
        plans.forget_unused();
        plans.forget_unused();
        assert_eq!(plans.runs(), ["b"]);
        drop(under_way);
        plans.forget_unused();
        assert!(plans.runs().is_empty());
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let (plans, tries) = (Plans::default(), AtomicUsize::new(0));
        for _ in 0..2 {
            let make = async {
                tries.fetch_add(1, Ordering::Relaxed);
                Err::<PlannedRun, _>("no lake")
            };
            assert!(plans.get(&run("a"), make).await.is_err());
        }
        assert_eq!(tries.into_inner(), 2);
    }
}
