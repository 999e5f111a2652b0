//! A statement's run on the workers, and its one more try.

use std::sync::atomic::Ordering;

use datafusion::{
    error::DataFusionError,
    execution::{SendableRecordBatchStream, SessionState, SessionStateBuilder},
    logical_expr::LogicalPlan,
    physical_plan::stream::RecordBatchStreamAdapter,
};
use datafusion_distributed::DistributedExt as _;
use futures::{StreamExt as _, stream};
use tonic::codegen::http::{HeaderMap, HeaderName, HeaderValue};

use super::{STATEMENT, Workers, planner::is_spread};
use crate::stoppable::Stoppable;

impl Workers {
    /// Runs a plan up to its first rows. Where a worker fails before them, it is planned and run once more with the
    /// workers that are left, or in this process when none is.
    pub(crate) async fn run(
        &self,
        state: &SessionState,
        plan: &LogicalPlan,
    ) -> Result<SendableRecordBatchStream, DataFusionError> {
        match self.begin(state, plan).await {
            Err(error) if is_a_workers(&error) => {
                tracing::warn!(error = %error.strip_backtrace(), "a statement is run once more");
                self.look().await;
                self.begin(state, plan).await
            }
            begun => begun,
        }
    }

    pub(super) async fn begin(
        &self,
        state: &SessionState,
        plan: &LogicalPlan,
    ) -> Result<SendableRecordBatchStream, DataFusionError> {
        let number = self.0.statements.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}", state.session_id());
        let name = HeaderValue::try_from(name).map_err(|e| DataFusionError::External(Box::new(e)))?;
        let state = SessionStateBuilder::new_from_existing(state.clone())
            .with_distributed_passthrough_headers(HeaderMap::from_iter([(
                HeaderName::from_static(STATEMENT),
                name,
            )]))?
            .build();
        let plan = state.create_physical_plan(plan).await?;
        let is_spread = is_spread(&plan);
        let mut answer = Stoppable::new(plan)?.run(state.task_ctx())?;
        if !is_spread {
            return Ok(answer);
        }
        let schema = answer.schema();
        let first = answer.next().await.transpose()?;
        let rows = stream::iter(first.map(Ok)).chain(answer);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

/// Whether an error is of a worker, or of the way to it, and not of the statement.
fn is_a_workers(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::IoError(_))
}
