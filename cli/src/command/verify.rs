//! `airshed verify`: conservation, rollup identity and replay, check by check.

use airshed_estimate::replay;
use airshed_lake::{
    Lake,
    control::{self, RunRecord},
};
use airshed_rollup::check;
use anyhow::{Context as _, bail};

use super::stages::{self, EstimateProgress, Periods};
use crate::{
    app::App,
    args::VerifyArgs,
    failure::{Exit, Problem},
    output,
};

/// A check with its outcome.
struct Checked {
    period: String,
    run_id: String,
    what: String,
    passed: bool,
    detail: String,
}

pub(super) async fn execute(app: &App, args: &VerifyArgs) -> anyhow::Result<Exit> {
    let periods = Periods::parse(&args.periods)?;
    let lake = app.lake()?;
    let mut runs = Vec::new();
    for (period, run_id) in control::current_runs(&lake).await? {
        if periods.contains(period) {
            let run = control::find_run(&lake, &run_id).await?;
            runs.push(
                run.with_context(|| format!("`periods` names {run_id} for {period}, `runs` does not"))?,
            );
        }
    }
    if runs.is_empty() {
        let problem = Problem::failed(format!("{} holds no current run of such a period", app.settings.lake));
        bail!(problem.hint("`airshed run --input FOLDER` makes one"));
    }
    let mut checks = conservation(app, &lake, &runs).await?;
    for run in &runs {
        checks.push(replayed(app, &lake, run).await?);
    }
    let row = |check: &Checked| {
        let result = if check.passed { "pass" } else { "FAIL" };
        [
            check.period.clone(),
            check.run_id.clone(),
            check.what.clone(),
            result.to_owned(),
            check.detail.clone(),
        ]
        .map(Some)
        .to_vec()
    };
    let rows: Vec<_> = checks.iter().map(row).collect();
    output::write_rows(app.form, &["period", "run_id", "check", "result", "detail"], &rows)?;
    let failed = checks.iter().filter(|check| !check.passed).count();
    app.progress.say(&format!("{} checks, {failed} failed", checks.len()));
    Ok(if failed == 0 { Exit::Done } else { Exit::VerifyFailed })
}

async fn conservation(app: &App, lake: &Lake, runs: &[RunRecord]) -> anyhow::Result<Vec<Checked>> {
    let mut checks = Vec::new();
    for check in check::current_runs(lake, &stages::resources(app)).await? {
        let Some(run) = runs.iter().find(|run| run.run_id.as_str() == check.run_id) else { continue };
        let passed = check.passed();
        let detail = if passed {
            check.actual
        } else {
            format!("expected {}, found {}", check.expected, check.actual)
        };
        checks.push(Checked {
            period: run.period.to_string(),
            run_id: check.run_id,
            what: check.name,
            passed,
            detail,
        });
    }
    Ok(checks)
}

/// Calculates a run again, with its own method and the factors and settings at hand.
async fn replayed(app: &App, lake: &Lake, run: &RunRecord) -> anyhow::Result<Checked> {
    let calculation = stages::calculation(app, Some(&run.method)).await?;
    let stage = app.progress.stage("replay");
    stage.at(run.period.to_string());
    let progress = EstimateProgress::new(&stage);
    let outcome = replay(lake, &calculation, run, stages::threads(app), &progress).await?;
    let (passed, detail) = match &outcome {
        Some(files) => {
            let different = files.iter().filter(|(stored, again)| stored != again).count();
            (
                different == 0,
                format!("{} of {} files have the same bytes", files.len() - different, files.len()),
            )
        }
        None => (false, why_not_repeatable(run, calculation.factors.id().as_str())),
    };
    stage.finish(&detail);
    Ok(Checked {
        period: run.period.to_string(),
        run_id: run.run_id.to_string(),
        what: "replay gives the same bytes".to_owned(),
        passed,
        detail,
    })
}

fn why_not_repeatable(run: &RunRecord, factor_set: &str) -> String {
    if run.factor_set == factor_set {
        "cannot be repeated: settings, version or billing lines are not those of the run".to_owned()
    } else {
        format!("cannot be repeated: the run used factor set {}, at hand is {factor_set}", run.factor_set)
    }
}
