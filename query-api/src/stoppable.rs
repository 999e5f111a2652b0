//! Statements that stop when nobody waits for them, and that leave the threads of the runtime to others.
//!
//! A join holds each pair of rows, or of those that are equal in some, against its condition, and only comes back when it
//! has found enough of them: for two of millions of rows that none fits, that is hours on a thread that also serves others.
//! So conditions of joins look at the clock, give their place among the threads away, and fail when nobody waits for the rows any
//! more ([`condition`]). Joins that do find rows give way between their batches ([`yielding`]).

mod condition;
mod yielding;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use datafusion::{
    common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion},
    error::Result,
    execution::{SendableRecordBatchStream, TaskContext},
    physical_plan::{
        ExecutionPlan, execute_stream,
        joins::{HashJoinExec, NestedLoopJoinExec, NestedLoopJoinExecBuilder, utils::JoinFilter},
        stream::{RecordBatchReceiverStreamBuilder, RecordBatchStreamAdapter},
    },
};
use datafusion_distributed::NetworkBoundaryExt as _;
use futures::{StreamExt as _, stream};

use self::condition::Condition;
pub(crate) use self::yielding::YieldingJoins;

/// A plan that stops when nobody waits for rows of it.
#[derive(Debug)]
pub(crate) struct Stoppable {
    plan: Arc<dyn ExecutionPlan>,
    waiting: Waiting,
}

impl Stoppable {
    pub(crate) fn new(plan: Arc<dyn ExecutionPlan>) -> Result<Self> {
        let waiting = Waiting::default();
        let changed = plan.transform_down(|node| {
            if node.is_network_boundary() {
                // What is below runs on workers, which look for themselves.
                return Ok(Transformed::new(node, false, TreeNodeRecursion::Jump));
            }
            let condition = |filter: &JoinFilter| {
                let condition = Condition::new(Arc::clone(filter.expression()), waiting.clone());
                let indices = filter.column_indices().to_vec();
                Some(JoinFilter::new(Arc::new(condition), indices, Arc::clone(filter.schema())))
            };
            let nested = node.downcast_ref::<NestedLoopJoinExec>();
            if let Some((join, filter)) = nested.and_then(|join| Some((join, join.filter()?))) {
                let join = NestedLoopJoinExecBuilder::from(join).with_filter(condition(filter)).build()?;
                return Ok(Transformed::yes(Arc::new(join) as Arc<dyn ExecutionPlan>));
            }
            let hashed = node.downcast_ref::<HashJoinExec>();
            if let Some((join, filter)) = hashed.and_then(|join| Some((join, join.filter()?))) {
                return Ok(Transformed::yes(join.builder().with_filter(condition(filter)).build_exec()?));
            }
            Ok(Transformed::no(node))
        })?;
        Ok(Self { plan: changed.data, waiting })
    }

    /// The plan, for who does not run it.
    pub(crate) fn plan(&self) -> &Arc<dyn ExecutionPlan> {
        &self.plan
    }

    /// The same with another plan that was made from its own.
    pub(crate) fn with_plan(&self, plan: Arc<dyn ExecutionPlan>) -> Self {
        Self { plan, waiting: self.waiting.clone() }
    }

    /// Runs all of it.
    pub(crate) fn run(self, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let waits = Waits::new(self.waiting);
        Ok(waits.rows(execute_stream(self.plan, context)?))
    }

    /// Runs one partition of it.
    pub(crate) fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let waits = Waits::new(self.waiting.clone());
        Ok(waits.rows(self.plan.execute(partition, context)?))
    }
}

/// How many wait for rows of a plan.
#[derive(Debug, Clone, Default)]
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

/// One who waits. Steps of a plan may begin to work when they are asked for their rows, so there is one before.
struct Waits(Waiting);

impl Waits {
    fn new(waiting: Waiting) -> Self {
        waiting.0.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }

    /// Rows that are waited for until they are dropped. They are made on a task of its own: a task that makes rows cannot
    /// drop them.
    fn rows(self, mut rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
        let schema = rows.schema();
        let mut builder = RecordBatchReceiverStreamBuilder::new(Arc::clone(&schema), 1);
        let sender = builder.tx();
        builder.spawn(async move {
            while let Some(batch) = rows.next().await {
                if sender.send(batch).await.is_err() {
                    break;
                }
            }
            Ok(())
        });
        let answer = stream::unfold((builder.build(), self), |(mut rows, waits)| async move {
            rows.next().await.map(|batch| (batch, (rows, waits)))
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, answer))
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
