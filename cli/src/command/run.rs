//! `airshed run`: import, estimate and roll up, then say what the ledger holds.

mod summary;

use anyhow::bail;

use self::summary::Summary;
use super::{estimate, import, rollup, sql, stages::Periods};
use crate::{
    app::App,
    args::{Form, RunArgs},
    failure::{Exit, Problem},
    output,
};

pub(super) async fn execute(app: &App, args: &RunArgs) -> anyhow::Result<Exit> {
    if matches!(app.form, Form::Csv | Form::Parquet) {
        return Err(output::no_rows("run", app.form));
    }
    pipeline(app, args.input.as_deref(), &args.utilization).await
}

/// The three stages and the summary; shared with the demo.
pub(super) async fn pipeline(app: &App, input: Option<&str>, utilization: &[String]) -> anyhow::Result<Exit> {
    let lake = app.lake()?;
    let imported = import::stage(app, &lake, input, utilization).await?;
    let (outcomes, estimate_s) = estimate::stage(app, &lake, &Periods::all()).await?;
    if outcomes.is_empty() {
        let Some(input) = input else {
            let problem = Problem::failed(format!("{} holds no billing line yet", app.settings.lake));
            bail!(problem.hint("`--input` names the billing exports to read"));
        };
        let problem = Problem::failed(format!("no billing line of {input} could be read"));
        let is_empty = imported.deliveries.iter().flat_map(|d| &d.periods).all(|period| period.rows_in == 0);
        bail!(if is_empty {
            problem.hint("its files hold no rows")
        } else {
            problem.hint("the files of the table `rejects` in the lake have a reason for each row")
        });
    }
    let runs: Vec<_> = outcomes.iter().map(|outcome| outcome.run.clone()).collect();
    let (_, rollup_s) = rollup::stage(app, &lake, &runs).await?;
    let ledger = sql::open(app, None).await?;
    let mut summary = Summary::of(app, &ledger, &outcomes).await?;
    summary.stages = vec![("import", imported.seconds), ("estimate", estimate_s), ("rollup", rollup_s)];
    summary.rows_read =
        imported.deliveries.iter().flat_map(|d| &d.periods).map(|period| period.rows_in).sum();
    let document = || {
        let deliveries = import::as_json(&imported.deliveries);
        let utilization = import::utilization::as_json(&imported.utilization);
        let ignored = import::ignored_as_json(&imported.ignored);
        summary.json(input, &app.settings.lake, &deliveries, &utilization, &ignored)
    };
    match app.form {
        Form::Table => output::write_text(&summary.text())?,
        form => output::write_json(form, &document())?,
    }
    if let Some(threshold) = app.settings.rollup.min_coverage
        && let Some(low) = summary.coverage_below(threshold)
    {
        app.progress.say(&format!("coverage by cost is {low}, the threshold is {:.1} %", threshold * 100.0));
        // Coverage of a part of the input says less than that it is a part.
        return Ok(if imported.exit() == Exit::Done { Exit::CoverageLow } else { imported.exit() });
    }
    Ok(imported.exit())
}
