//! One pinned state of a ledger.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use airshed_domain::{
    id::RunId,
    period::BillingPeriod,
    schema::{self, Table, column as c},
};
use airshed_lake::{
    DataFile, Lake, LakeTable,
    control::{self, PeriodChange},
};
use arrow::{
    array::{Array as _, ArrayRef, AsArray as _},
    compute::cast,
    datatypes::DataType,
};
use datafusion::{
    catalog::TableProvider,
    execution::{
        SendableRecordBatchStream,
        runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
    },
    logical_expr::ScalarUDF,
};
use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use crate::{
    distributed::Workers,
    error::{Error, ErrorKind, Result},
    files::{FilesTable, store},
    functions,
    limits::Limits,
    scope::{RowScope, Scope},
    session::Session,
};

/// Memory for the footers of files, which are read once: those of a thousand files and more.
const FOOTERS_BYTES: usize = 256 << 20;

/// Which runs are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AsOf {
    /// The current run of every period.
    #[default]
    Now,
    /// What was current when this run became current.
    Run(RunId),
}

/// A ledger at one moment. Sessions on it see the same files, however the lake goes on.
pub struct Ledger {
    /// The tables at the versions that are read, in the order of the schema.
    versions: Vec<LakeTable>,
    tables: Vec<(Table, Arc<dyn TableProvider>)>,
    runs: BTreeMap<BillingPeriod, RunId>,
    /// Rows of the runs that are read, by table.
    rows: BTreeMap<&'static str, usize>,
    /// Names of the summaries that have rows of every run.
    complete: BTreeSet<&'static str>,
    functions: Vec<ScalarUDF>,
    runtime: Arc<RuntimeEnv>,
    limits: Limits,
    workers: Option<Workers>,
    everything: Session,
}

impl Ledger {
    /// Pins the state of a lake.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the lake holds no table at all, or not the run that was asked for.
    pub async fn open(lake: &Lake, as_of: &AsOf, limits: Limits) -> Result<Self> {
        Self::open_with(lake, as_of, limits, None).await
    }

    /// As [`open`](Self::open); statements that read much are spread over workers.
    ///
    /// # Errors
    /// As of [`open`](Self::open).
    pub async fn open_with(
        lake: &Lake,
        as_of: &AsOf,
        limits: Limits,
        workers: Option<Workers>,
    ) -> Result<Self> {
        let runs = resolve(lake, as_of).await?;
        let mut versions = Vec::new();
        for table in schema::all() {
            // Created when missing, so that a query on a table without rows gives no rows instead of an error.
            versions.push(lake.table(&table).await?);
        }
        let runtime = RuntimeEnvBuilder::new()
            .with_metadata_cache_limit(FOOTERS_BYTES)
            .build_arc()
            .map_err(|e| Error::with_source(ErrorKind::Corrupt, "cannot set up the query engine", e))?;
        store::mount(lake, &runtime).map_err(Error::from_engine)?;
        Self::at(versions, runs, runtime, limits, workers).await
    }

    /// The ledger as it is now, or nothing when no table has a new version.
    ///
    /// # Errors
    /// Where the lake cannot be read.
    pub(crate) async fn renewed(&self, lake: &Lake) -> Result<Option<Self>> {
        // Which runs are current is read first: what they consist of was written before.
        let runs = resolve(lake, &AsOf::Now).await?;
        let mut versions = self.versions.clone();
        for table in &mut versions {
            table.refresh().await?;
        }
        let is_same = |(before, now): (&LakeTable, &LakeTable)| before.version() == now.version();
        if self.versions.iter().zip(&versions).all(is_same) {
            return Ok(None);
        }
        // With the runtime its caches of files and their metadata go on.
        let runtime = Arc::clone(&self.runtime);
        Ok(Some(Self::at(versions, runs, runtime, self.limits, self.workers.clone()).await?))
    }

    async fn at(
        versions: Vec<LakeTable>,
        runs: BTreeMap<BillingPeriod, RunId>,
        runtime: Arc<RuntimeEnv>,
        limits: Limits,
        workers: Option<Workers>,
    ) -> Result<Self> {
        let mut tables = Vec::with_capacity(versions.len());
        let mut rows = BTreeMap::new();
        for open in &versions {
            let table = open.description().clone();
            let shows = |file: &DataFile| shows(&table, file, &runs);
            let schema = open.provider(&|_| false).await?.schema();
            let provider = FilesTable::new(open, &schema, &shows)?;
            rows.insert(table.name, provider.rows());
            tables.push((table, Arc::new(provider) as Arc<dyn TableProvider>));
        }
        let complete = complete_summaries(&versions, &runs)?;
        let functions = functions::all();
        let everything = Session::new(tables.clone(), &functions, &runtime, limits, workers.as_ref()).await?;
        Ok(Self { versions, tables, runs, rows, complete, functions, runtime, limits, workers, everything })
    }

    /// A short text that changes whenever a table does.
    pub fn revision(&self) -> String {
        let mut hash = Sha256::new();
        for table in &self.versions {
            hash.update(table.description().name);
            hash.update(table.version().to_le_bytes());
        }
        for run in self.runs.values() {
            hash.update(run.as_str());
        }
        let mut start = [0; 8];
        start.copy_from_slice(&hash.finalize()[..8]);
        format!("{:016x}", u64::from_be_bytes(start))
    }

    /// Whether a summary ([`schema::summaries`]) speaks of every run that is read: runs that were rolled up before there
    /// was such a table have no rows in it.
    pub fn is_complete(&self, summary: &str) -> bool {
        self.complete.contains(summary)
    }

    /// Rows that a table has of the runs that are read.
    pub fn rows(&self, table: &str) -> usize {
        self.rows.get(table).copied().unwrap_or_default()
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

    /// Runs one read-only statement that sees all rows.
    ///
    /// # Errors
    /// As of [`Session::query`].
    pub async fn query(&self, sql: &str) -> Result<SendableRecordBatchStream> {
        self.everything.query(sql).await
    }

    /// A session that sees the rows of a scope.
    ///
    /// # Errors
    /// When the accounts of organisational units cannot be read.
    pub async fn session(&self, scope: &Scope) -> Result<Session> {
        let in_units = if scope.units.is_empty() { BTreeSet::new() } else { self.accounts_in(scope).await? };
        let Some(rows) = RowScope::of(scope, in_units) else { return Ok(self.everything.clone()) };
        let tag = functions::tag();
        let seen = self.tables.iter().filter_map(|(table, provider)| {
            Some((table.clone(), rows.guard(table, Arc::clone(provider), &tag)?))
        });
        let workers = self.workers.as_ref();
        let session =
            Session::new(seen.collect(), &self.functions, &self.runtime, self.limits, workers).await?;
        Ok(session.guarded())
    }

    /// Accounts that are, or ever were, in the units of a scope.
    async fn accounts_in(&self, scope: &Scope) -> Result<BTreeSet<String>> {
        let sql = format!(
            "SELECT DISTINCT {}, {}, {} FROM accounts",
            c::ACCOUNT_ID,
            c::ORGANIZATIONAL_UNIT,
            c::ORGANIZATIONAL_UNIT_IDS
        );
        let mut rows = self.everything.query(&sql).await?;
        let mut accounts = BTreeSet::new();
        while let Some(batch) = rows.try_next().await.map_err(Error::from_engine)? {
            let texts: Vec<ArrayRef> = batch
                .columns()
                .iter()
                .map(|column| cast(column, &DataType::Utf8))
                .collect::<Result<_, _>>()
                .map_err(|e| Error::with_source(ErrorKind::Corrupt, "`accounts` has other columns", e))?;
            let [ids, names, unit_ids] = texts.as_slice() else { continue };
            let (ids, names, unit_ids) =
                (ids.as_string::<i32>(), names.as_string::<i32>(), unit_ids.as_string::<i32>());
            for row in 0..batch.num_rows() {
                let paths = [names, unit_ids].map(|paths| paths.is_valid(row).then(|| paths.value(row)));
                if paths.into_iter().flatten().any(|path| scope.units.iter().any(|unit| is_below(path, unit)))
                {
                    accounts.insert(ids.value(row).to_owned());
                }
            }
        }
        Ok(accounts)
    }
}

/// The summaries that have rows of every run that has days.
fn complete_summaries(
    versions: &[LakeTable],
    runs: &BTreeMap<BillingPeriod, RunId>,
) -> Result<BTreeSet<&'static str>> {
    let runs_in = |name: &str| -> Result<BTreeSet<String>> {
        let open = versions.iter().find(|open| open.description().name == name);
        let files = open.map(LakeTable::files).transpose()?.unwrap_or_default();
        let shown = files.into_iter().filter(|file| shows(&schema::emissions_daily(), file, runs));
        Ok(shown.filter_map(|mut file| file.partition.remove(c::RUN_ID)).collect())
    };
    let rolled_up = runs_in(schema::emissions_daily().name)?;
    let mut complete = BTreeSet::new();
    for summary in schema::summaries() {
        if rolled_up.is_subset(&runs_in(summary.name)?) {
            complete.insert(summary.name);
        }
    }
    Ok(complete)
}

/// Whether a path such as `Root/Engineering/Data` lies at or below a unit such as `Engineering`, whole names compared.
fn is_below(path: &str, unit: &str) -> bool {
    format!("/{path}/").contains(&format!("/{unit}/"))
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
