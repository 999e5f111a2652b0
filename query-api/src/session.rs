//! Statements in one scope of a pinned ledger.

use std::sync::Arc;

use airshed_domain::schema::Table;
use arrow::datatypes::SchemaRef;
use datafusion::{
    catalog::TableProvider,
    error::DataFusionError,
    execution::{
        SendableRecordBatchStream, SessionState, SessionStateBuilder,
        memory_pool::FairSpillPool,
        runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
    },
    logical_expr::{LogicalPlan, ScalarUDF},
    physical_plan::stream::RecordBatchStreamAdapter,
    prelude::{SessionConfig, SessionContext},
};
use futures::StreamExt as _;
use tokio::{
    runtime::Handle,
    task::spawn_blocking,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    confine,
    distributed::Workers,
    error::{Error, ErrorKind, Result},
    functions::bounded,
    grouping::HiddenKeys,
    limits::{Limits, limited, timed_out},
    stoppable::{Stoppable, YieldingJoins},
    threads::threads,
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
    /// Whether it sees a part of the rows only.
    is_guarded: bool,
}

impl Session {
    pub(crate) async fn new(
        tables: Vec<(Table, Arc<dyn TableProvider>)>,
        functions: &[ScalarUDF],
        runtime: &Arc<RuntimeEnv>,
        limits: Limits,
        workers: Option<&Workers>,
    ) -> Result<Self> {
        let mut config = SessionConfig::new()
            .with_target_partitions(limits.threads)
            .with_default_catalog_and_schema(CATALOG, SCHEMA)
            .with_information_schema(true);
        // Conditions are told while files are read: of rows that do not meet them no other column is decoded.
        let reading = &mut config.options_mut().execution.parquet;
        (reading.pushdown_filters, reading.reorder_filters) = (true, true);
        // No file of a ledger has any.
        reading.bloom_filter_on_read = false;
        let mut builder = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(Arc::clone(runtime))
            .with_default_features()
            .with_optimizer_rule(Arc::new(HiddenKeys::new()))
            .with_physical_optimizer_rule(Arc::new(YieldingJoins));
        let operators = Arc::new(bounded::Operators::new().map_err(Error::from_engine)?);
        builder.expr_planners().get_or_insert_default().insert(0, operators);
        let context = match workers {
            Some(workers) => workers.equip(builder, limits)?,
            None => SessionContext::new_with_state(builder.build()),
        };
        bounded::confine(&context);
        for function in functions {
            context.register_udf(function.clone());
        }
        for (table, provider) in tables {
            context.register_table(table.name, provider).map_err(Error::from_engine)?;
        }
        views::register(&context).await?;
        Ok(Self { context, limits, workers: workers.cloned(), is_guarded: false })
    }

    /// The same for somebody who sees a part of the rows only: plans are not shown, as they name files and count rows.
    #[must_use]
    pub(crate) fn guarded(self) -> Self {
        Self { is_guarded: true, ..self }
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
    /// [`ErrorKind::Statement`] when it is wrong or not allowed, [`ErrorKind::Denied`] when it shows more than the
    /// session's rows, [`ErrorKind::Limit`] when it takes too long.
    pub async fn plan(&self, sql: &str) -> Result<LogicalPlan> {
        self.plan_until(sql, self.limits.deadline()).await
    }

    async fn plan_until(&self, sql: &str, deadline: Option<Instant>) -> Result<LogicalPlan> {
        let statement = confine::read(sql)?;
        let state = self.context.state();
        let work = async move { state.statement_to_plan(statement).await.map_err(Error::from_engine) };
        let plan = apart(self.limits, deadline, work).await?;
        confine::options().verify_plan(&plan).map_err(Error::from_engine)?;
        let plan = typed(&self.context.state(), plan).map_err(Error::from_engine)?;
        if self.is_guarded && matches!(plan, LogicalPlan::Explain(_) | LogicalPlan::Analyze(_)) {
            let message = "EXPLAIN tells of files and rows outside of your scope";
            return Err(Error::new(ErrorKind::Denied, message));
        }
        Ok(plan)
    }

    /// Does what an interface plans by itself where nobody waits for it, within the limits.
    ///
    /// # Errors
    /// Those of the work, and [`ErrorKind::Limit`] when it takes too long.
    pub async fn apart<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        apart(self.limits, self.limits.deadline(), work).await
    }

    /// Runs one read-only statement, within the limits.
    ///
    /// # Errors
    /// As of [`plan`](Self::plan) and [`run`](Self::run).
    pub async fn query(&self, sql: &str) -> Result<SendableRecordBatchStream> {
        let deadline = self.limits.deadline();
        let plan = self.plan_until(sql, deadline).await?;
        self.run_until(plan, deadline).await
    }

    /// Runs a plan, within the limits. Errors of the stream hold an [`Error`] of this crate.
    ///
    /// # Errors
    /// [`ErrorKind::Statement`] or [`ErrorKind::Limit`] by the fault of the statement, others by the lake's.
    pub async fn run(&self, plan: LogicalPlan) -> Result<SendableRecordBatchStream> {
        self.run_until(plan, self.limits.deadline()).await
    }

    async fn run_until(
        &self,
        plan: LogicalPlan,
        deadline: Option<Instant>,
    ) -> Result<SendableRecordBatchStream> {
        confine::check_patterns(&plan)?;
        // Memory is a statement's own: one that takes too much stops itself and not others.
        let runtime = RuntimeEnvBuilder::from_runtime_env(&self.context.runtime_env())
            .with_memory_pool(Arc::new(FairSpillPool::new(self.limits.memory_bytes)))
            .build_arc()
            .map_err(|e| Error::with_source(ErrorKind::Corrupt, "cannot set up the query engine", e))?;
        let state =
            SessionStateBuilder::new_from_existing(self.context.state()).with_runtime_env(runtime).build();
        let (workers, most) = (self.workers.clone(), self.limits.threads);
        let begun = async move {
            let begun = if let Some(workers) = &workers {
                workers.run(&state, &plan).await
            } else {
                Box::pin(begin(state, &plan, most)).await
            };
            begun.map_err(Error::from_engine)
        };
        let answer = apart(self.limits, deadline, begun).await?;
        let schema: SchemaRef = answer.schema();
        let rows = limited(answer, self.limits, deadline)
            .map(|batch| batch.map_err(|error| DataFusionError::External(Box::new(error))));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

/// A plan whose columns have the types that its rows will have: the engine only then looks for the types that the parts of a
/// UNION and the arguments of a function have in common. A plan with parameters waits for their values.
///
/// # Errors
/// Where there are none.
pub fn typed(state: &SessionState, plan: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
    if matches!(plan, LogicalPlan::Explain(_) | LogicalPlan::Analyze(_))
        || !plan.get_parameter_names()?.is_empty()
    {
        return Ok(plan);
    }
    state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})
}

/// Runs a plan in this process, on `most` threads.
async fn begin(
    mut state: SessionState,
    plan: &LogicalPlan,
    most: usize,
) -> Result<SendableRecordBatchStream, DataFusionError> {
    let plan = state.optimize(plan)?;
    let threads = threads(&plan, &state, most)?;
    state.config_mut().options_mut().execution.target_partitions = threads;
    let plan = state.query_planner().create_physical_plan(&plan, &state).await?;
    Stoppable::new(plan)?.run(state.task_ctx())
}

/// Plans on a thread of its own: it is work of the processor, and others wait for the threads of the runtime. It ends with
/// the deadline, or when nobody waits for it any more.
async fn apart<T: Send + 'static>(
    limits: Limits,
    deadline: Option<Instant>,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let stop = CancellationToken::new();
    let _stops = stop.clone().drop_guard();
    let (runtime, work) = (Handle::current(), Box::pin(work));
    let done = spawn_blocking(move || runtime.block_on(stop.run_until_cancelled(work)));
    let done = match deadline {
        Some(deadline) => timeout_at(deadline, done).await.map_err(|_| timed_out(limits))?,
        None => done.await,
    };
    match done {
        Ok(Some(done)) => done,
        Ok(None) => Err(timed_out(limits)),
        Err(broken) => {
            Err(Error::with_source(ErrorKind::Corrupt, "the statement could not be planned", broken))
        }
    }
}

#[cfg(test)]
mod tests;
