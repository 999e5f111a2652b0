//! `airshed estimate`: a run for every period whose inputs, factors, method or settings changed.

mod workers;

use airshed_estimate::{Elsewhere, EstimateOptions, PeriodOutcome};
use airshed_lake::Lake;
use anyhow::bail;

pub(super) use self::workers::desk;
use super::stages::{self, EstimateProgress, Periods};
use crate::{
    app::{self, App},
    args::EstimateArgs,
    failure::{Exit, Problem},
    output::{self, count},
};

pub(super) async fn execute(app: &App, args: &EstimateArgs) -> anyhow::Result<Exit> {
    let periods = Periods::parse(&args.periods)?;
    let lake = app.lake()?;
    let (outcomes, _) = stage(app, &lake, &periods).await?;
    if outcomes.is_empty() {
        bail!(nothing_imported(app));
    }
    output::write_rows(app.form, COLUMNS, &outcomes.iter().map(row).collect::<Vec<_>>())?;
    Ok(Exit::Done)
}

pub(super) const COLUMNS: &[&str] = &[
    "period",
    "run_id",
    "state",
    "method",
    "factor_set",
    "rows_estimated",
    "rows_unmapped",
    "rows_excluded",
    "rows_rejected",
];

/// Estimates periods of the ledger; returns the outcomes and the seconds it took.
pub(super) async fn stage(
    app: &App,
    lake: &Lake,
    periods: &Periods,
) -> anyhow::Result<(Vec<PeriodOutcome>, f64)> {
    let crew = workers::crew(&app.settings)?;
    let calculation = stages::calculation(app, None).await?;
    let stage = app.progress.stage("estimate");
    let options = EstimateOptions { threads: stages::threads(app), now_us: app::now_us() };
    let wanted = |period| periods.contains(period);
    let progress = EstimateProgress::new(&stage);
    let elsewhere = crew.as_ref().map(|crew| crew as &dyn Elsewhere);
    let outcomes =
        airshed_estimate::estimate_with(lake, &calculation, &wanted, &options, &progress, elsewhere).await?;
    let new: Vec<_> = outcomes.iter().filter(|outcome| !outcome.unchanged).collect();
    let rows: u64 = new.iter().map(|outcome| outcome.run.totals.rows_in()).sum();
    let unchanged = outcomes.len() - new.len();
    let text = format!("{} new runs with {} rows, {unchanged} unchanged", new.len(), count(rows));
    Ok((outcomes, stage.finish(&text).as_secs_f64()))
}

pub(super) fn nothing_imported(app: &App) -> Problem {
    Problem::failed(format!("{} holds no billing lines of such a period", app.settings.lake))
        .hint("`airshed import --input FOLDER` reads some")
}

fn row(outcome: &PeriodOutcome) -> Vec<Option<String>> {
    let run = &outcome.run;
    let totals = &run.totals;
    [
        run.period.to_string(),
        run.run_id.to_string(),
        if outcome.unchanged { "unchanged" } else { "new" }.to_owned(),
        run.method.clone(),
        run.factor_set.clone(),
        totals.rows_estimated.to_string(),
        totals.rows_unmapped.to_string(),
        totals.rows_excluded.to_string(),
        totals.rows_rejected.to_string(),
    ]
    .map(Some)
    .to_vec()
}
