//! Joins that leave the thread to others between their batches.

use std::sync::Arc;

use datafusion::{
    common::{
        Result,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode as _},
    },
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ExecutionPlan,
        coop::CooperativeExec,
        joins::{
            CrossJoinExec, HashJoinExec, NestedLoopJoinExec, PiecewiseMergeJoinExec, SortMergeJoinExec,
            SymmetricHashJoinExec,
        },
        unnest::UnnestExec,
    },
};

/// Lets what makes many batches of one count each of them. The engine lets only the leaves of a plan count theirs, and a
/// join may give millions of batches before it asks a leaf for another.
#[derive(Debug)]
pub(crate) struct YieldingJoins;

impl PhysicalOptimizerRule for YieldingJoins {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let changed = plan.transform_up(|node| {
            if !makes_many_of_one(&node) {
                return Ok(Transformed::no(node));
            }
            Ok(Transformed::yes(Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>))
        })?;
        Ok(changed.data)
    }

    fn name(&self) -> &'static str {
        "yielding_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn makes_many_of_one(step: &Arc<dyn ExecutionPlan>) -> bool {
    step.is::<CrossJoinExec>()
        || step.is::<NestedLoopJoinExec>()
        || step.is::<HashJoinExec>()
        || step.is::<SortMergeJoinExec>()
        || step.is::<PiecewiseMergeJoinExec>()
        || step.is::<SymmetricHashJoinExec>()
        || step.is::<UnnestExec>()
}
