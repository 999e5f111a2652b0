//! Estimating periods: plan, read, calculate, write, record.

use std::{collections::BTreeMap, pin::pin, sync::Arc};

use airshed_domain::{period::BillingPeriod, schema};
use airshed_emission_factors::FactorSet;
use airshed_kernels::method::{MethodName, MethodOptions};
use airshed_lake::{
    DataFile, Lake,
    control::{self, RunRecord, RunTotals},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    elsewhere::{Elsewhere, Writer},
    error::{Error, ErrorKind, Result},
    plan::{RunInputs, code_version},
    planner::Planner,
    shard::{Shards, run_partition},
    totals,
    utilization::HeldMeasurements,
};

/// What numbers are calculated with.
#[derive(Debug, Clone)]
pub struct Calculation {
    /// The factors.
    pub factors: Arc<FactorSet>,
    /// The method profile.
    pub method: MethodName,
    /// Its options.
    pub options: MethodOptions,
    /// Tag keys that rollups keep as a dimension. No line's figure depends on them, but tables of the run do.
    pub rollup_tags: Vec<String>,
}

/// How the stage runs; none of this can change a number.
#[derive(Debug, Clone, Copy)]
pub struct EstimateOptions {
    /// Files calculated at the same time.
    pub threads: usize,
    /// The time that is recorded, microseconds since 1970 in UTC.
    pub now_us: i64,
}

/// Told of progress, from any thread.
pub trait Progress: Send + Sync {
    /// A period begins: its billing lines will be estimated.
    fn begin(&self, period: BillingPeriod, rows: u64);
    /// More lines were estimated and written.
    fn advance(&self, rows: u64);
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&self, _: BillingPeriod, _: u64) {}

    fn advance(&self, _: u64) {}
}

/// What became of one period.
#[derive(Debug, Clone)]
pub struct PeriodOutcome {
    /// The run, complete in the lake.
    pub run: RunRecord,
    /// Whether it was there already, so that nothing was calculated.
    pub unchanged: bool,
}

/// Estimates the periods of the lake that are `wanted` and whose run is not there yet.
pub async fn estimate(
    lake: &Lake,
    calculation: &Calculation,
    wanted: &(dyn Fn(BillingPeriod) -> bool + Sync),
    options: &EstimateOptions,
    progress: &dyn Progress,
) -> Result<Vec<PeriodOutcome>> {
    estimate_with(lake, calculation, wanted, options, progress, None).await
}

/// As [`estimate`], with the billing files estimated elsewhere as far as somebody is there. The runs are the same.
///
/// # Errors
/// Also when somebody elsewhere refuses to take part, as they would calculate something else.
pub async fn estimate_with(
    lake: &Lake,
    calculation: &Calculation,
    wanted: &(dyn Fn(BillingPeriod) -> bool + Sync),
    options: &EstimateOptions,
    progress: &dyn Progress,
    elsewhere: Option<&dyn Elsewhere>,
) -> Result<Vec<PeriodOutcome>> {
    let mut outcomes = Vec::new();
    let Some(planner) = Planner::open(lake, calculation, None).await? else { return Ok(outcomes) };
    for period in planner.periods().filter(|period| wanted(*period)) {
        let plan = planner.plan(period).await?;
        let outcome = if let Some(run) = control::find_run(lake, &plan.run_id).await? {
            PeriodOutcome { run, unchanged: true }
        } else {
            let shards = Shards::open(lake, calculation, plan).await?;
            let run = compute(lake, &shards, options, progress, elsewhere).await?;
            PeriodOutcome { run, unchanged: false }
        };
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

async fn compute(
    lake: &Lake,
    shards: &Shards,
    options: &EstimateOptions,
    progress: &dyn Progress,
    elsewhere: Option<&dyn Elsewhere>,
) -> Result<RunRecord> {
    let (plan, calculation) = (&shards.plan, shards.calculation());
    progress.begin(plan.period, shards.rows());
    let mut emissions = lake.table(&schema::emissions()).await?;
    let mut files: Vec<DataFile> = Vec::new();
    let mut totals = RunTotals { rows_rejected: plan.inputs.rejected, ..RunTotals::default() };
    let partition = run_partition(plan.period, &plan.run_id);
    {
        let writer = &Writer::new(shards, elsewhere, &emissions, options.threads);
        let write = |index| async move {
            let written = writer.write(index).await?;
            progress.advance(written.file.rows);
            Ok::<_, Error>(written)
        };
        let work = stream::iter(0..plan.files.len()).map(write).buffered(writer.at_once());
        let mut work = pin!(work);
        while let Some(written) = work.try_next().await? {
            totals::add(&mut totals, &written.totals);
            files.push(written.file);
        }
    }
    emissions.replace_partition(&partition, &files, "estimate").await?;
    let run = RunRecord {
        run_id: plan.run_id.clone(),
        period: plan.period,
        method: calculation.method.to_string(),
        factor_set: calculation.factors.id().to_string(),
        code_version: code_version(),
        config: plan.config.clone(),
        config_sha256: plan.config_sha256.clone(),
        inputs_sha256: plan.inputs_sha256.clone(),
        inputs: serde_json::to_string(&plan.inputs)
            .map_err(|e| Error::with_source(ErrorKind::Corrupt, "inputs of the run", e))?,
        billing_version: plan.billing_version,
        totals,
        published_at_us: options.now_us,
    };
    control::record_run(lake, &run).await?;
    Ok(run)
}

/// Calculates a recorded run again and compares it with what the lake holds.
///
/// Returns the content hashes of the emissions files as `(stored, recalculated)`, in order. `None` when the
/// calculation at hand (factors, method, options, code), the billing lines or the measurements are not those of the run.
pub async fn replay(
    lake: &Lake,
    calculation: &Calculation,
    run: &RunRecord,
    threads: usize,
    progress: &dyn Progress,
) -> Result<Option<Vec<(String, String)>>> {
    let Some(planner) = Planner::open(lake, calculation, Some(run.billing_version)).await? else {
        return Ok(None);
    };
    let read = RunInputs::of(run)?.utilization;
    let Ok(measured) = HeldMeasurements::find(lake, run.period, &read).await? else { return Ok(None) };
    let plan = planner.plan_with(run.period, measured, read, None)?;
    if plan.run_id != run.run_id {
        return Ok(None);
    }
    let shards = Shards::open(lake, calculation, plan).await?;
    progress.begin(run.period, shards.rows());
    let emissions = lake.table(&schema::emissions()).await?;
    let stored: BTreeMap<usize, String> = emissions
        .partition_files(&run_partition(run.period, &run.run_id))?
        .iter()
        .enumerate()
        .map(|(index, file)| (index, file.content_hash().to_owned()))
        .collect();
    let mut again = BTreeMap::new();
    let shards = &shards;
    let estimate = |index| async move { Ok::<_, Error>((index, shards.estimate(index).await?)) };
    let work = stream::iter(0..shards.plan.files.len()).map(estimate).buffered(threads.max(1));
    let mut work = pin!(work);
    while let Some((index, shard)) = work.try_next().await? {
        progress.advance(shard.file.rows());
        again.insert(index, shard.file.content_hash().to_owned());
    }
    let absent = String::new();
    let indexes: std::collections::BTreeSet<_> = stored.keys().chain(again.keys()).copied().collect();
    let pair = |index| {
        let of = |side: &BTreeMap<usize, String>| side.get(&index).unwrap_or(&absent).clone();
        (of(&stored), of(&again))
    };
    Ok(Some(indexes.into_iter().map(pair).collect()))
}
