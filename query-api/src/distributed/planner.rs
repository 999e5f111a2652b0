//! Which plans are spread, and how `EXPLAIN` shows them.

use std::{collections::HashSet, sync::Arc};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::{
    catalog::{Session, memory::DataSourceExec},
    common::{
        Result,
        display::{PlanType, StringifiedPlan},
        tree_node::{TreeNode as _, TreeNodeRecursion},
    },
    datasource::physical_plan::FileScanConfig,
    execution::{SessionStateDefaults, context::QueryPlanner},
    logical_expr::LogicalPlan,
    physical_expr::ScalarFunctionExpr,
    physical_plan::{
        ExecutionPlan, empty::EmptyExec, explain::ExplainExec, placeholder_row::PlaceholderRowExec,
    },
    physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner as _},
};
use datafusion_distributed::{DistributedExec, DistributedLeafExec, display_plan_ascii};

use crate::{functions, grouping};

/// Spreads plans that pay for it, with what the library decides, and only those that a worker understands.
#[derive(Debug)]
pub(super) struct Spread {
    spreading: Arc<dyn QueryPlanner + Send + Sync>,
    /// Functions that a worker knows.
    functions: HashSet<String>,
}

impl Spread {
    pub(super) fn new(spreading: Arc<dyn QueryPlanner + Send + Sync>) -> Self {
        let engines = SessionStateDefaults::default_scalar_functions();
        let own = [functions::all(), functions::bounded::all(), vec![grouping::function()]].concat();
        let functions = engines.iter().map(Arc::as_ref).chain(&own);
        Self { spreading, functions: functions.map(|function| function.name().to_owned()).collect() }
    }

    async fn plan(&self, statement: &LogicalPlan, session: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = self.spreading.create_physical_plan(statement, session).await?;
        if is_spread(&plan) && !self.travels(&plan)? {
            return DefaultPhysicalPlanner::default().create_physical_plan(statement, session).await;
        }
        Ok(plan)
    }

    /// Whether a plan can be written down so that a worker understands it. The catalogue is known to this process alone,
    /// and so are functions that an interface brings along.
    fn travels(&self, plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
        let mut travels = true;
        plan.apply(|step| {
            travels &= !step.children().is_empty() || is_known_leaf(step);
            step.apply_expressions(&mut |expression| {
                expression.apply(|part| {
                    let function = part.downcast_ref::<ScalarFunctionExpr>();
                    travels &= function.is_none_or(|function| self.functions.contains(function.name()));
                    Ok(TreeNodeRecursion::Continue)
                })
            })?;
            Ok(if travels { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
        })?;
        Ok(travels)
    }
}

#[async_trait]
impl QueryPlanner for Spread {
    async fn create_physical_plan(
        &self,
        statement: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = self.plan(statement, session).await?;
        // The engine explains what it would do in one process.
        if let (LogicalPlan::Explain(explain), Some(explained)) =
            (statement, plan.downcast_ref::<ExplainExec>())
        {
            let spread = self.plan(&explain.plan, session).await?;
            if is_spread(&spread) {
                return Ok(Arc::new(explain_spread(explained, plan.schema(), spread.as_ref())));
            }
        }
        Ok(plan)
    }
}

/// Whether parts of a plan run on workers.
pub(super) fn is_spread(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.is::<DistributedExec>() || plan.children().into_iter().any(is_spread)
}

/// Whether a leaf of a plan can be written down.
fn is_known_leaf(leaf: &Arc<dyn ExecutionPlan>) -> bool {
    leaf.is::<DistributedLeafExec>()
        || leaf.is::<EmptyExec>()
        || leaf.is::<PlaceholderRowExec>()
        || leaf.downcast_ref::<DataSourceExec>().is_some_and(|scan| scan.data_source().is::<FileScanConfig>())
}

/// What the engine explained, with the spread plan in place of its own.
fn explain_spread(explained: &ExplainExec, schema: SchemaRef, spread: &dyn ExecutionPlan) -> ExplainExec {
    let plans = explained.stringified_plans().iter().map(|plan| match plan.plan_type {
        PlanType::FinalPhysicalPlan => {
            StringifiedPlan::new(PlanType::FinalPhysicalPlan, display_plan_ascii(spread, false))
        }
        _ => plan.clone(),
    });
    ExplainExec::new(schema, plans.collect(), explained.verbose())
}
