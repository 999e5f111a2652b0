//! `airshed rollup`: sums of completed runs, and the commit that makes each current.
//!
//! The newest completed run of a period over what the ledger holds now is the one that is rolled up and made current:
//! after a delivery was removed, or delivered again as it had been, that is an older run than the newest of all.

use std::collections::{BTreeMap, BTreeSet};

use airshed_domain::{
    period::BillingPeriod,
    schema::{self, Table, column as c},
};
use airshed_estimate::{HeldMeasurements, RunInputs};
use airshed_lake::{
    Lake,
    control::{self, RunRecord},
};
use airshed_rollup::RollupOutcome;
use anyhow::bail;

use super::stages::{self, Periods};
use crate::{
    app::App,
    args::RollupArgs,
    failure::{Exit, Problem},
    output,
};

pub(super) async fn execute(app: &App, args: &RollupArgs) -> anyhow::Result<Exit> {
    let periods = Periods::parse(&args.periods)?;
    let lake = app.lake()?;
    let lines = files(&lake, &schema::billing_lines()).await?;
    let utilization = lake.existing_table(&schema::utilization()).await?;
    let mut by_period: BTreeMap<BillingPeriod, Vec<RunRecord>> = BTreeMap::new();
    for run in control::runs(&lake).await?.into_iter().filter(|run| periods.contains(run.period)) {
        by_period.entry(run.period).or_default().push(run);
    }
    let mut newest = Vec::new();
    for (period, mut runs) in by_period {
        let measured = HeldMeasurements::of(utilization.as_ref(), period)?;
        let billed = lines.get(&period.to_string()).cloned().unwrap_or_default();
        runs.sort_by(|a, b| (b.published_at_us, &b.run_id).cmp(&(a.published_at_us, &a.run_id)));
        let mut of_held = 0;
        for (index, run) in runs.iter().enumerate() {
            if reads(run, &billed, &measured).await? {
                of_held = index;
                break;
            }
        }
        newest.push(runs.swap_remove(of_held));
    }
    if newest.is_empty() {
        let problem = Problem::failed(format!("{} holds no run of such a period", app.settings.lake));
        bail!(problem.hint("`airshed estimate` makes one"));
    }
    let (outcomes, _) = stage(app, &lake, &newest).await?;
    let row = |outcome: &RollupOutcome| {
        let state = if outcome.published { "now current" } else { "was current" };
        let cells: u64 = outcome.rows.iter().map(|(_, rows)| rows).sum();
        [outcome.period.to_string(), outcome.run.run_id.to_string(), state.to_owned(), cells.to_string()]
            .map(Some)
            .to_vec()
    };
    let rows: Vec<_> = outcomes.iter().map(row).collect();
    output::write_rows(app.form, &["period", "run_id", "state", "rows_written"], &rows)?;
    Ok(Exit::Done)
}

/// Content hashes of the files of a table, by billing period.
type Files = BTreeMap<String, BTreeSet<String>>;

async fn files(lake: &Lake, table: &Table) -> anyhow::Result<Files> {
    let mut files = Files::new();
    let Some(open) = lake.existing_table(table).await? else { return Ok(files) };
    for file in open.files()? {
        if let Some(period) = file.partition.get(c::PERIOD) {
            files.entry(period.clone()).or_default().insert(file.content_hash().to_owned());
        }
    }
    Ok(files)
}

/// Whether a run read just the billing lines and measurements that the ledger holds now.
async fn reads(
    run: &RunRecord,
    lines: &BTreeSet<String>,
    measured: &HeldMeasurements,
) -> anyhow::Result<bool> {
    let inputs = RunInputs::of(run)?;
    let read: BTreeSet<String> = inputs.batches.into_iter().flat_map(|batch| batch.files).collect();
    Ok(read == *lines && measured.are(&inputs.utilization).await?)
}

/// Rolls up runs; returns the outcomes and the seconds it took.
pub(super) async fn stage(
    app: &App,
    lake: &Lake,
    runs: &[RunRecord],
) -> anyhow::Result<(Vec<RollupOutcome>, f64)> {
    let stage = app.progress.stage("rollup");
    let options = stages::rollup_options(app);
    let mut outcomes = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        stage.at(run.period.to_string());
        stage.done(index as u64, runs.len() as u64);
        outcomes.push(airshed_rollup::roll_up(lake, run, &options).await?);
    }
    let published = outcomes.iter().filter(|outcome| outcome.published).count();
    let text =
        format!("{published} periods have a new current run, {} are unchanged", outcomes.len() - published);
    Ok((outcomes, stage.finish(&text).as_secs_f64()))
}
