//! `airshed rollup`: sums of completed runs, and the commit that makes each current.
//!
//! The newest completed run of a period is the one that is rolled up and made current.

use std::collections::BTreeMap;

use airshed_domain::period::BillingPeriod;
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
    let mut newest: BTreeMap<BillingPeriod, RunRecord> = BTreeMap::new();
    for run in control::runs(&lake).await? {
        let known = newest.get(&run.period);
        let later = known.is_none_or(|k| (k.published_at_us, &k.run_id) < (run.published_at_us, &run.run_id));
        if periods.contains(run.period) && later {
            newest.insert(run.period, run);
        }
    }
    if newest.is_empty() {
        let problem = Problem::failed(format!("{} holds no run of such a period", app.settings.lake));
        bail!(problem.hint("`airshed estimate` makes one"));
    }
    let (outcomes, _) = stage(app, &lake, &newest.into_values().collect::<Vec<_>>()).await?;
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
