//! Statements that stop when nobody waits for them, and that leave the threads of the runtime to others.
//!
//! A join without an equality holds each pair of rows against its condition, and only comes back when it has found enough
//! of them: for two of millions of rows that none fits, that is hours on a thread that also serves others. So conditions
//! of such joins look at the clock, give their place among the threads away, and fail when the statement is stopped.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, FieldRef, Schema},
};
use datafusion::{
    common::{
        exec_err,
        tree_node::{Transformed, TreeNode as _},
    },
    error::Result,
    execution::{SendableRecordBatchStream, TaskContext},
    logical_expr::ColumnarValue,
    physical_expr::PhysicalExpr,
    physical_plan::{
        ExecutionPlan, execute_stream,
        joins::{NestedLoopJoinExec, NestedLoopJoinExecBuilder, utils::JoinFilter},
        stream::{RecordBatchReceiverStreamBuilder, RecordBatchStreamAdapter},
    },
};
use futures::{StreamExt as _, stream};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::block_in_place,
};
use tokio_util::sync::CancellationToken;

/// How long a condition may keep a thread of the runtime.
const KEEP: Duration = Duration::from_millis(10);

/// Runs a plan. It stops when its rows are dropped.
pub(crate) fn run(
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let stop = CancellationToken::new();
    let mut rows = execute_stream(stoppable(plan, &stop)?, context)?;
    let schema = rows.schema();
    // On a task of its own, so that whoever waits for the rows can stop waiting.
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
    let answer = stream::unfold((builder.build(), stop.drop_guard()), |(mut rows, stops)| async move {
        rows.next().await.map(|batch| (batch, (rows, stops)))
    });
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, answer)))
}

fn stoppable(plan: Arc<dyn ExecutionPlan>, stop: &CancellationToken) -> Result<Arc<dyn ExecutionPlan>> {
    let changed = plan.transform_up(|node| {
        let join = node.downcast_ref::<NestedLoopJoinExec>();
        let Some((join, filter)) = join.and_then(|join| Some((join, join.filter()?))) else {
            return Ok(Transformed::no(node));
        };
        let condition = Condition {
            of: Arc::clone(filter.expression()),
            stop: stop.clone(),
            rested: Arc::new(Mutex::new(Instant::now())),
        };
        let indices = filter.column_indices().to_vec();
        let filter = JoinFilter::new(Arc::new(condition), indices, Arc::clone(filter.schema()));
        let join = NestedLoopJoinExecBuilder::from(join).with_filter(Some(filter)).build()?;
        Ok(Transformed::yes(Arc::new(join) as Arc<dyn ExecutionPlan>))
    })?;
    Ok(changed.data)
}

/// The condition of a join.
#[derive(Debug, Clone)]
struct Condition {
    of: Arc<dyn PhysicalExpr>,
    stop: CancellationToken,
    /// When a thread was last given to others.
    rested: Arc<Mutex<Instant>>,
}

impl Condition {
    fn has_kept_long(&self) -> bool {
        let mut rested = self.rested.lock().unwrap_or_else(PoisonError::into_inner);
        if rested.elapsed() < KEEP {
            return false;
        }
        *rested = Instant::now();
        Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread)
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.of.eq(&other.of)
    }
}

impl Eq for Condition {}

impl Hash for Condition {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.of.hash(state);
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.of.fmt(f)
    }
}

impl PhysicalExpr for Condition {
    fn data_type(&self, input_schema: &Schema) -> Result<DataType> {
        self.of.data_type(input_schema)
    }

    fn nullable(&self, input_schema: &Schema) -> Result<bool> {
        self.of.nullable(input_schema)
    }

    fn return_field(&self, input_schema: &Schema) -> Result<FieldRef> {
        self.of.return_field(input_schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if self.stop.is_cancelled() {
            return exec_err!("the statement was stopped");
        }
        if self.has_kept_long() {
            return block_in_place(|| self.of.evaluate(batch));
        }
        self.of.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.of]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let [of] = children.as_slice() else { return exec_err!("a condition is of one expression") };
        Ok(Arc::new(Self { of: Arc::clone(of), ..(*self).clone() }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.of.fmt_sql(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::prelude::{SessionConfig, SessionContext};

    /// Pairs that no condition fits, for much longer than any test may take.
    const FOREVER: &str = "SELECT count(*) FROM generate_series(1, 1000000) a(x), generate_series(1, 1000000) b(y) WHERE a.x + b.y < 0";

    async fn begun(sql: &str) -> SendableRecordBatchStream {
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
        let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        run(plan, context.task_ctx()).unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn others_are_served_and_what_is_dropped_ends() {
        let mut rows = begun(FOREVER).await;
        for _ in 0..20 {
            assert!(tokio::time::timeout(Duration::from_millis(50), rows.next()).await.is_err());
        }
        drop(rows);
        // The runtime would wait for a thread that goes on.
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn rows_are_the_same() {
        let sql = "SELECT a.x, b.y FROM generate_series(1, 300) a(x), generate_series(1, 300) b(y) WHERE a.x * b.y < 100";
        let context = SessionContext::new();
        let expected: usize =
            context.sql(sql).await.unwrap().collect().await.unwrap().iter().map(RecordBatch::num_rows).sum();
        let mut rows = begun(sql).await;
        let mut found = 0;
        while let Some(batch) = rows.next().await {
            found += batch.unwrap().num_rows();
        }
        assert_eq!(found, expected);
    }
}
