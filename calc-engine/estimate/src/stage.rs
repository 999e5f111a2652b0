//! Estimating periods: plan, read, calculate, write, record.

use std::{collections::BTreeMap, sync::Arc};

use airshed_domain::{
    id::RunId,
    period::BillingPeriod,
    schema::{self, column},
};
use airshed_emission_factors::FactorSet;
use airshed_kernels::{
    estimate::{Estimator, emissions_dictionary_schema},
    method::{MethodName, MethodOptions},
};
use airshed_lake::{
    DataFile, EncodedFile, FileEncoder, Lake, PartitionValues,
    control::{self, RunRecord, RunTotals},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    error::{Error, ErrorKind, Result},
    plan::{RunInputs, RunPlan, code_version},
    planner::Planner,
    read, totals,
    utilization::{HeldMeasurements, Measurements},
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
    let mut outcomes = Vec::new();
    let Some(planner) = Planner::open(lake, calculation, None).await? else { return Ok(outcomes) };
    for period in planner.periods().filter(|period| wanted(*period)) {
        let plan = planner.plan(period).await?;
        let outcome = match control::find_run(lake, &plan.run_id).await? {
            Some(run) => PeriodOutcome { run, unchanged: true },
            None => PeriodOutcome {
                run: compute(lake, calculation, &plan, options, progress).await?,
                unchanged: false,
            },
        };
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

async fn compute(
    lake: &Lake,
    calculation: &Calculation,
    plan: &RunPlan,
    options: &EstimateOptions,
    progress: &dyn Progress,
) -> Result<RunRecord> {
    progress.begin(plan.period, plan.files.iter().map(|(file, _)| file.rows).sum());
    let mut emissions = lake.table(&schema::emissions()).await?;
    let partition = run_partition(plan.period, &plan.run_id);
    let mut written: Vec<DataFile> = Vec::new();
    let mut totals = RunTotals { rows_rejected: plan.inputs.rejected, ..RunTotals::default() };
    let mut shards = shards(lake, calculation, plan, options.threads).await?;
    while let Some((index, shard)) = shards.try_next().await? {
        progress.advance(shard.file.rows());
        totals::add(&mut totals, &shard.totals);
        written.push(emissions.put(&partition, &format!("part-{index:05}"), shard.file).await?);
    }
    drop(shards);
    emissions.replace_partition(&partition, &written, "estimate").await?;
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
    let plan = planner.plan_with(run.period, measured, read)?;
    if plan.run_id != run.run_id {
        return Ok(None);
    }
    progress.begin(plan.period, plan.files.iter().map(|(file, _)| file.rows).sum());
    let emissions = lake.table(&schema::emissions()).await?;
    let stored: BTreeMap<usize, String> = emissions
        .partition_files(&run_partition(plan.period, &plan.run_id))?
        .iter()
        .enumerate()
        .map(|(index, file)| (index, file.content_hash().to_owned()))
        .collect();
    let mut again = BTreeMap::new();
    let mut shards = shards(lake, calculation, &plan, threads).await?;
    while let Some((index, shard)) = shards.try_next().await? {
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

/// The estimate of one billing file.
struct Shard {
    file: EncodedFile,
    totals: RunTotals,
}

/// Estimates the files of a plan, `threads` at a time, in order.
async fn shards<'a>(
    lake: &Lake,
    calculation: &'a Calculation,
    plan: &'a RunPlan,
    threads: usize,
) -> Result<impl stream::Stream<Item = Result<(usize, Shard)>> + Unpin + 'a> {
    let billing = lake.table(&schema::billing_lines()).await?.at_version(plan.billing_version).await?;
    let measured = plan.measured.measurements().await?;
    let work = plan.files.iter().enumerate().map(move |(index, (file, first_seq))| {
        let (billing, measured) = (billing.clone(), Arc::clone(&measured));
        async move {
            let bytes = billing.fetch(file).await?;
            let (calculation, path, first_seq) = (calculation.clone(), file.path.clone(), *first_seq);
            let period = plan.period;
            let task = move || estimate_file(&calculation, period, bytes, &path, first_seq, &measured);
            let shard = tokio::task::spawn_blocking(task)
                .await
                .map_err(|e| Error::with_source(ErrorKind::Corrupt, "an estimate broke off", e))??;
            Ok((index, shard))
        }
    });
    Ok(Box::pin(stream::iter(work).buffered(threads.max(1))))
}

fn estimate_file(
    calculation: &Calculation,
    period: BillingPeriod,
    bytes: bytes::Bytes,
    path: &str,
    first_seq: i64,
    measured: &Measurements,
) -> Result<Shard> {
    let mut estimator = Estimator::new(
        calculation.method,
        Arc::clone(&calculation.factors),
        calculation.options.clone(),
        period,
    );
    let mut encoder = FileEncoder::new(&schema::emissions(), emissions_dictionary_schema())?;
    let mut totals = RunTotals::default();
    for batch in read::batches(bytes, path, first_seq)? {
        let lines = measured.join(batch?)?;
        let estimated = estimator
            .estimate(&lines)
            .map_err(|e| Error::with_source(ErrorKind::Input, format!("`{path}` cannot be estimated"), e))?;
        totals::add_batch(&mut totals, &estimated)?;
        encoder.write(&estimated)?;
    }
    Ok(Shard { file: encoder.finish()?, totals })
}

/// The partition of a run in `emissions` and the rollups.
fn run_partition(period: BillingPeriod, run_id: &RunId) -> PartitionValues {
    [(column::PERIOD.to_owned(), period.to_string()), (column::RUN_ID.to_owned(), run_id.to_string())].into()
}
