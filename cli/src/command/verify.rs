//! `airshed verify`: whole files, conservation, rollup identity and replay, check by check.
//!
//! A ledger that is not what it should be ends with code 3, whether a sum is off, a file is damaged or gone, or a
//! table cannot be read as what it must be. Where files are not whole the sums over them are not tried.

use airshed_estimate::replay;
use airshed_lake::{
    Lake,
    control::{self, RunRecord},
};
use airshed_rollup::check::{self, Check, FilesOf};
use anyhow::{Context as _, bail};

use super::stages::{self, EstimateProgress, Periods};
use crate::{
    app::App,
    args::VerifyArgs,
    failure::{self, Exit, Problem},
    output,
};

/// A check with its outcome.
struct Checked {
    period: Option<String>,
    run_id: Option<String>,
    what: String,
    passed: bool,
    detail: String,
}

pub(super) async fn execute(app: &App, args: &VerifyArgs) -> anyhow::Result<Exit> {
    let periods = Periods::parse(&args.periods)?;
    let checks = all(app, &periods).await.map_err(|error| {
        if failure::is_corrupt(&error) {
            error.context(Problem::not_verified(format!("{} is damaged", app.settings.lake)))
        } else {
            error
        }
    })?;
    let row = |check: &Checked| {
        let result = if check.passed { "pass" } else { "FAIL" };
        vec![
            check.period.clone(),
            check.run_id.clone(),
            Some(check.what.clone()),
            Some(result.to_owned()),
            Some(check.detail.clone()),
        ]
    };
    let rows: Vec<_> = checks.iter().map(row).collect();
    output::write_rows(app.form, &["period", "run_id", "check", "result", "detail"], &rows)?;
    let failed: Vec<_> = checks.iter().filter(|check| !check.passed).collect();
    for check in &failed {
        app.progress.say(&format!("failed    {}: {}", check.what, check.detail));
    }
    app.progress.say(&format!("{} checks, {} failed", checks.len(), failed.len()));
    Ok(if failed.is_empty() { Exit::Done } else { Exit::VerifyFailed })
}

async fn all(app: &App, periods: &Periods) -> anyhow::Result<Vec<Checked>> {
    let (lake, resources) = (app.lake()?, stages::resources(app));
    let mut checks: Vec<_> =
        check::files(&lake, FilesOf::Control, &resources).await?.into_iter().map(of_ledger).collect();
    if !checks.iter().all(|check| check.passed) {
        return Ok(checks);
    }
    let mut runs = Vec::new();
    for (period, run_id) in control::current_runs(&lake).await? {
        if periods.contains(period) {
            runs.push(control::find_run(&lake, &run_id).await?.with_context(|| {
                Problem::not_verified(format!("`periods` names {run_id} for {period}, `runs` does not"))
            })?);
        }
    }
    if runs.is_empty() {
        let problem = Problem::failed(format!("{} holds no current run of such a period", app.settings.lake));
        bail!(problem.hint("`airshed run --input FOLDER` makes one"));
    }
    checks.extend(check::files(&lake, FilesOf::Runs(&runs), &resources).await?.into_iter().map(of_ledger));
    if !checks.iter().all(|check| check.passed) {
        app.progress.say("sums and replay are not checked, as files are not whole");
        return Ok(checks);
    }
    checks.extend(check::deliveries(&lake, &resources).await?.into_iter().map(of_ledger));
    checks.extend(conservation(app, &lake, &runs).await?);
    for run in &runs {
        checks.push(replayed(app, &lake, run).await?);
    }
    Ok(checks)
}

/// A check of the ledger as a whole.
fn of_ledger(check: Check) -> Checked {
    let (passed, detail) = (check.passed(), detail(&check));
    Checked { period: None, run_id: None, what: check.name, passed, detail }
}

fn detail(check: &Check) -> String {
    if check.passed() {
        check.actual.clone()
    } else {
        format!("expected {}, found {}", check.expected, check.actual)
    }
}

async fn conservation(app: &App, lake: &Lake, runs: &[RunRecord]) -> anyhow::Result<Vec<Checked>> {
    let mut checks = Vec::new();
    for check in check::current_runs(lake, &stages::resources(app)).await? {
        let Some(run) = runs.iter().find(|run| check.run_id.as_deref() == Some(run.run_id.as_str())) else {
            continue;
        };
        let period = Some(run.period.to_string());
        let run_id = check.run_id.clone();
        checks.push(Checked { period, run_id, ..of_ledger(check) });
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
        period: Some(run.period.to_string()),
        run_id: Some(run.run_id.to_string()),
        what: "replay gives the same bytes".to_owned(),
        passed,
        detail,
    })
}

fn why_not_repeatable(run: &RunRecord, factor_set: &str) -> String {
    if run.factor_set == factor_set {
        "cannot be repeated: settings, version, billing lines or measurements are not those of the run"
            .to_owned()
    } else {
        format!("cannot be repeated: the run used factor set {}, at hand is {factor_set}", run.factor_set)
    }
}
