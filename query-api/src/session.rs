//! Statements in one scope of a pinned ledger.

use std::sync::Arc;

use airshed_domain::schema::Table;
use arrow::datatypes::SchemaRef;
use datafusion::{
    catalog::TableProvider,
    error::DataFusionError,
    execution::{
        SendableRecordBatchStream, SessionStateBuilder,
        memory_pool::FairSpillPool,
        runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
    },
    logical_expr::{LogicalPlan, ScalarUDF},
    physical_plan::stream::RecordBatchStreamAdapter,
    prelude::{DataFrame, SessionConfig, SessionContext},
};
use futures::StreamExt as _;
use tokio::time::timeout_at;

use crate::{
    confine,
    distributed::Workers,
    error::{Error, ErrorKind, Result},
    limits::{Limits, limited, timed_out},
    views,
};

/// The catalogue and schema of every table, as Postgres clients expect them.
pub const CATALOG: &str = "airshed";
/// The schema of every table.
pub const SCHEMA: &str = "public";

/// A session; clones are cheap and the same.
#[derive(Clone)]
pub struct Session {
    context: SessionContext,
    limits: Limits,
    workers: Option<Workers>,
}

impl Session {
    pub(crate) async fn new(
        tables: Vec<(Table, Arc<dyn TableProvider>)>,
        functions: &[ScalarUDF],
        runtime: &Arc<RuntimeEnv>,
        limits: Limits,
        workers: Option<&Workers>,
    ) -> Result<Self> {
        let config = SessionConfig::new()
            .with_target_partitions(limits.threads)
            .with_default_catalog_and_schema(CATALOG, SCHEMA)
            .with_information_schema(true);
        let builder = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(Arc::clone(runtime))
            .with_default_features();
        let context = match workers {
            Some(workers) => workers.equip(builder, limits)?,
            None => SessionContext::new_with_state(builder.build()),
        };
        for function in functions {
            context.register_udf(function.clone());
        }
        for (table, provider) in tables {
            context.register_table(table.name, provider).map_err(Error::from_engine)?;
        }
        views::register(&context).await?;
        Ok(Self { context, limits, workers: workers.cloned() })
    }

    /// The engine's session, for interfaces that plan by themselves. Statements that do not come through
    /// [`query`](Self::query) are not confined by it.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// What a statement may use.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(&self, limits: Limits) -> Self {
        Self { limits, ..self.clone() }
    }

    /// Plans one read-only statement.
    ///
    /// # Errors
    /// [`ErrorKind::Statement`] when it is wrong or not allowed.
    pub async fn plan(&self, sql: &str) -> Result<LogicalPlan> {
        confine::check(sql)?;
        let plan = self.context.state().create_logical_plan(sql).await.map_err(Error::from_engine)?;
        confine::options().verify_plan(&plan).map_err(Error::from_engine)?;
        Ok(plan)
    }

    /// Runs one read-only statement, within the limits.
    ///
    /// # Errors
    /// As of [`plan`](Self::plan) and [`run`](Self::run).
    pub async fn query(&self, sql: &str) -> Result<SendableRecordBatchStream> {
        self.run(self.plan(sql).await?).await
    }

    /// Runs a plan, within the limits. Errors of the stream hold an [`Error`] of this crate.
    ///
    /// # Errors
    /// [`ErrorKind::Statement`] or [`ErrorKind::Limit`] by the fault of the statement, others by the lake's.
    pub async fn run(&self, plan: LogicalPlan) -> Result<SendableRecordBatchStream> {
        let deadline = self.limits.deadline();
        let begin = async {
            // Memory is a statement's own: one that takes too much stops itself and not others.
            let runtime = RuntimeEnvBuilder::from_runtime_env(&self.context.runtime_env())
                .with_memory_pool(Arc::new(FairSpillPool::new(self.limits.memory_bytes)))
                .build_arc()
                .map_err(|e| Error::with_source(ErrorKind::Corrupt, "cannot set up the query engine", e))?;
            let state = SessionStateBuilder::new_from_existing(self.context.state())
                .with_runtime_env(runtime)
                .build();
            let begun = match &self.workers {
                Some(workers) => workers.run(&state, &plan).await,
                None => DataFrame::new(state, plan).execute_stream().await,
            };
            begun.map_err(Error::from_engine)
        };
        let answer = match deadline {
            Some(deadline) => timeout_at(deadline, begin).await.map_err(|_| timed_out(self.limits))??,
            None => begin.await?,
        };
        let schema: SchemaRef = answer.schema();
        let rows = limited(answer, self.limits, deadline)
            .map(|batch| batch.map_err(|error| DataFusionError::External(Box::new(error))));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}
