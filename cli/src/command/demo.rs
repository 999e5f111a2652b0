//! `airshed demo`: the sample company through the whole pipeline, and what to type next.

use airshed_domain::period::BillingPeriod;
use anyhow::Context as _;

use super::{run, stages};
use crate::{
    app::App,
    args::{DemoArgs, Form},
    demo::{self, DemoOptions},
    failure::{Exit, Problem},
    output::{self, count},
    settings::Origin,
};

const PERIOD: &str = "2026-10";

pub(super) async fn execute(app: &App, args: &DemoArgs) -> anyhow::Result<Exit> {
    if matches!(app.form, Form::Csv | Form::Parquet) {
        return Err(output::no_rows("demo", app.form));
    }
    let period: BillingPeriod =
        args.period.as_deref().unwrap_or(PERIOD).parse().context(Problem::usage("--period"))?;
    let out = args.out.clone().unwrap_or_else(|| "demo".into());
    let options = DemoOptions {
        out: out.clone(),
        period,
        months: args.months.unwrap_or(1),
        seed: args.seed.unwrap_or(1),
        threads: stages::threads(app),
    };
    let stage = app.progress.stage("generate");
    let report = tokio::task::spawn_blocking(move || demo::generate(&options)).await??;
    stage.finish(&format!(
        "{} lines of {} accounts in {}",
        count(report.rows as u64),
        report.accounts,
        out.display()
    ));
    let lake = if *app.layers.origin("lake") == Origin::Default {
        out.join("ledger").display().to_string()
    } else {
        app.settings.lake.clone()
    };
    if args.only_files {
        match app.form {
            Form::Table => output::write_text(&demo::next_commands(&report, &lake))?,
            form => output::write_json(form, &report)?,
        }
        return Ok(Exit::Done);
    }
    let input = report.export.display().to_string();
    let exit = run::pipeline(&app.with_lake(lake.clone()), Some(&input), &[]).await?;
    if app.form == Form::Table {
        output::write_text(&format!("\n{}", demo::next_commands(&report, &lake).trim_end()))?;
    }
    Ok(exit)
}
