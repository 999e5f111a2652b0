//! The step of a plan that lets only the rows of a scope through.
//!
//! It is no `FilterExec`, because the optimiser merges conditions into those and pushes others through them. This step
//! lets nothing down: DataFusion's default for a step is to pass no condition to its input.

use std::sync::Arc;

use arrow::{
    array::{AsArray as _, RecordBatch},
    compute::filter_record_batch,
    datatypes::{Schema, SchemaRef},
};
use datafusion::{
    common::{Result, internal_err, tree_node::TreeNodeRecursion},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::EquivalenceProperties,
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, Partitioning,
        PhysicalExpr, PlanProperties, apply_expression_roots, stream::RecordBatchStreamAdapter,
    },
};
use futures::TryStreamExt as _;

/// Lets the rows through that meet a condition, and of their columns the first few.
#[derive(Debug)]
pub(crate) struct GuardExec {
    input: Arc<dyn ExecutionPlan>,
    rows: Arc<dyn PhysicalExpr>,
    shown: usize,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl GuardExec {
    /// A guard over `input`, whose columns after the first `shown` only serve the condition.
    pub(crate) fn new(input: Arc<dyn ExecutionPlan>, rows: Arc<dyn PhysicalExpr>, shown: usize) -> Self {
        let all = input.schema();
        let schema: SchemaRef =
            Arc::new(Schema::new_with_metadata(all.fields()[..shown].to_vec(), all.metadata().clone()));
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Self { input, rows, shown, schema, properties: Arc::new(properties) }
    }

    /// The condition, on the input's columns.
    pub(crate) fn rows(&self) -> &Arc<dyn PhysicalExpr> {
        &self.rows
    }

    /// How many of the input's columns are let through.
    pub(crate) fn shown(&self) -> usize {
        self.shown
    }
}

impl DisplayAs for GuardExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GuardExec: rows of the scope")
    }
}

impl ExecutionPlan for GuardExec {
    fn name(&self) -> &'static str {
        "GuardExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        apply_expression_roots([&self.rows], f)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let [input] = children.as_slice() else {
            return internal_err!("a guard has one input");
        };
        Ok(Arc::new(Self::new(Arc::clone(input), Arc::clone(&self.rows), self.shown)))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (rows, shown) = (Arc::clone(&self.rows), self.shown);
        let input = self.input.execute(partition, context)?;
        let seen = input.and_then(move |batch| {
            let seen = seen(&batch, rows.as_ref(), shown);
            async move { seen }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), seen)))
    }
}

fn seen(batch: &RecordBatch, rows: &dyn PhysicalExpr, shown: usize) -> Result<RecordBatch> {
    let is_seen = rows.evaluate(batch)?.into_array(batch.num_rows())?;
    let Some(is_seen) = is_seen.as_boolean_opt() else {
        return internal_err!("the condition of a scope is no condition");
    };
    let columns: Vec<usize> = (0..shown).collect();
    // Null, as of a row without an account, is not seen.
    Ok(filter_record_batch(&batch.project(&columns)?, is_seen)?)
}
