//! One pinned state of a ledger, and queries on it.

use std::{collections::BTreeMap, sync::Arc};

use airshed_domain::{
    id::RunId,
    period::BillingPeriod,
    schema::{self, Table, column as c},
};
use airshed_lake::{
    DataFile, Lake,
    control::{self, PeriodChange},
};
use datafusion::{
    execution::{SendableRecordBatchStream, memory_pool::FairSpillPool, runtime_env::RuntimeEnvBuilder},
    logical_expr::ScalarUDF,
    prelude::{SessionConfig, SessionContext},
};

use crate::{
    confine,
    error::{Error, ErrorKind, Result},
    tag::Tag,
};

/// Which runs are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AsOf {
    /// The current run of every period.
    #[default]
    Now,
    /// What was current when this run became current.
    Run(RunId),
}

/// What a query may use.
#[derive(Debug, Clone, Copy)]
pub struct QueryOptions {
    /// Threads.
    pub threads: usize,
    /// Memory, bytes; what sorts and groups need beyond it goes to disk.
    pub memory_bytes: usize,
}

/// A ledger at one moment.
pub struct Ledger {
    context: SessionContext,
    runs: BTreeMap<BillingPeriod, RunId>,
}

impl Ledger {
    /// Pins the state of a lake.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the lake holds no table at all, or not the run that was asked for.
    pub async fn open(lake: &Lake, as_of: &AsOf, options: QueryOptions) -> Result<Self> {
        let runs = resolve(lake, as_of).await?;
        let failed = |e| Error::with_source(ErrorKind::Corrupt, "cannot set up the query engine", e);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(options.memory_bytes)))
            .build_arc()
            .map_err(failed)?;
        let config =
            SessionConfig::new().with_target_partitions(options.threads.max(1)).with_information_schema(true);
        let context = SessionContext::new_with_config_rt(config, runtime);
        context.register_udf(ScalarUDF::from(Tag::new()));
        for table in schema::all() {
            // Created when missing, so that a query on a table without rows gives no rows instead of an error.
            let open = lake.table(&table).await?;
            open.register(&context, &|file| shows(&table, file, &runs)).await?;
        }
        Ok(Self { context, runs })
    }

    /// The run that is read for each period.
    pub fn runs(&self) -> &BTreeMap<BillingPeriod, RunId> {
        &self.runs
    }

    /// Names of the tables and of their columns, for completion.
    pub fn names(&self) -> Vec<(&'static str, Vec<&'static str>)> {
        schema::all()
            .into_iter()
            .map(|t| (t.name, t.columns.iter().map(|column| column.name).collect()))
            .collect()
    }

    /// Runs one read-only statement.
    ///
    /// # Errors
    /// [`ErrorKind::Statement`] when it is wrong or not allowed.
    pub async fn query(&self, sql: &str) -> Result<SendableRecordBatchStream> {
        confine::check(sql)?;
        let failed = |e: datafusion::error::DataFusionError| {
            Error::with_source(ErrorKind::Statement, "the query failed", e.strip_backtrace())
        };
        let plan = self.context.sql_with_options(sql, confine::options()).await.map_err(failed)?;
        plan.execute_stream().await.map_err(failed)
    }
}

async fn resolve(lake: &Lake, as_of: &AsOf) -> Result<BTreeMap<BillingPeriod, RunId>> {
    let history = control::period_history(lake).await?;
    let moment = match as_of {
        AsOf::Now => i64::MAX,
        AsOf::Run(run) => history
            .values()
            .flatten()
            .find(|change| change.run_id == *run)
            .map(|change| change.published_at_us)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("no run `{run}` was ever current")))?,
    };
    let at = |changes: Vec<PeriodChange>| {
        changes.into_iter().rev().find(|change| change.published_at_us <= moment).map(|change| change.run_id)
    };
    let runs: BTreeMap<_, _> =
        history.into_iter().filter_map(|(period, changes)| Some((period, at(changes)?))).collect();
    if runs.is_empty() && !holds_a_table(lake).await? {
        let place = &lake.location().url;
        let message = format!("`{place}` holds no ledger; `airshed run` and `airshed collect` make one");
        return Err(Error::new(ErrorKind::NotFound, message));
    }
    Ok(runs)
}

/// Whether something was imported or collected, even if no run has been made of it yet.
async fn holds_a_table(lake: &Lake) -> Result<bool> {
    for table in schema::all() {
        if lake.existing_table(&table).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a file of a table belongs to the pinned runs. Tables that are not kept by run are shown whole.
fn shows(table: &Table, file: &DataFile, runs: &BTreeMap<BillingPeriod, RunId>) -> bool {
    !table.partition_columns().contains(&c::RUN_ID)
        || file.partition.get(c::RUN_ID).is_some_and(|run| runs.values().any(|pinned| pinned.as_str() == run))
}
