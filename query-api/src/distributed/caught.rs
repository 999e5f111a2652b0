//! A task that panics fails, and does not end; one that nobody waits for does.
//!
//! The library sends each partition of a stage from a task of its own, and takes it for finished when that task is gone:
//! after a panic the answer would lack rows and look whole. So the panic is made an error where the rows come from.

use std::{panic::AssertUnwindSafe, sync::Arc};

use datafusion::{
    common::{Result, tree_node::TreeNodeRecursion},
    error::DataFusionError,
    execution::{SendableRecordBatchStream, TaskContext},
    physical_plan::{
        ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties,
        ReplaceChildrenOptions, metrics::MetricsSet, repartition::RepartitionExec,
        stream::RecordBatchStreamAdapter,
    },
};
use datafusion_distributed::BroadcastExec;
use futures::StreamExt as _;

use crate::stoppable::Stoppable;

/// A step as it is, but for its panics and for when it stops. For everybody who looks it is the step itself.
#[derive(Debug)]
struct Caught(Stoppable);

/// The plan of a task, its panics caught below the head that distributes rows: the library replaces that.
pub(super) fn caught(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    if plan.is::<RepartitionExec>() || plan.is::<BroadcastExec>() {
        let inputs = plan.children().into_iter().map(|input| step(Arc::clone(input)));
        let inputs = inputs.collect::<Result<_>>()?;
        plan.replace_children(inputs, recompute())
    } else {
        step(plan)
    }
}

fn step(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    Ok(Arc::new(Caught(Stoppable::new(plan)?)))
}

impl DisplayAs for Caught {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.plan().fmt_as(format, f)
    }
}

impl ExecutionPlan for Caught {
    fn name(&self) -> &str {
        self.0.plan().name()
    }

    fn downcast_delegate(&self) -> Option<&dyn ExecutionPlan> {
        Some(self.0.plan().as_ref())
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.0.plan().properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.0.plan().children()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.0.plan().apply_expressions(f)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = Arc::clone(self.0.plan()).replace_children(children, recompute())?;
        Ok(Arc::new(Self(self.0.with_plan(plan))))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.0.execute(partition, context)?;
        let schema = rows.schema();
        let rows = AssertUnwindSafe(rows).catch_unwind().map(|next| next.unwrap_or_else(|_| Err(panicked())));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        self.0.plan().metrics()
    }
}

fn recompute() -> ReplaceChildrenOptions {
    ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute)
}

fn panicked() -> DataFusionError {
    DataFusionError::Internal("a task of the statement panicked on a worker".to_owned())
}

#[cfg(test)]
mod tests {
    use arrow::{array::RecordBatch, datatypes::Schema};
    use datafusion::{
        physical_plan::{
            collect,
            streaming::{PartitionStream, StreamingTableExec},
        },
        prelude::SessionContext,
    };
    use futures::stream;

    use super::*;

    #[derive(Debug)]
    struct Panics(Arc<Schema>);

    impl PartitionStream for Panics {
        fn schema(&self) -> &Arc<Schema> {
            &self.0
        }

        fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
            let first = RecordBatch::new_empty(Arc::clone(&self.0));
            let rows = stream::iter([true, false]).map(move |is_first| {
                assert!(is_first, "as it was told");
                Ok(first.clone())
            });
            Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.0), rows))
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let schema = Arc::new(Schema::empty());
        let source = Arc::new(Panics(Arc::clone(&schema)));
        let plan = StreamingTableExec::try_new(schema, vec![source], None, [], false, None).unwrap();
        let plan = caught(Arc::new(plan)).unwrap();
        assert!(plan.is::<StreamingTableExec>());
        let error = collect(plan, SessionContext::new().task_ctx()).await.unwrap_err();
        assert!(error.to_string().contains("panicked"), "{error}");
    }
}
