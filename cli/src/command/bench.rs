//! `airshed bench`: the measurements, and the yardstick that they are compared with.

use airshed_domain::period::BillingPeriod;
use anyhow::Context as _;

use super::stages;
use crate::{
    app::App,
    args::{BenchArgs, BenchCommand, Form},
    bench::{self, BenchOptions, copy::CopyOptions},
    failure::Exit,
    output,
};

/// Sizes when none is given, millions of rows.
const SIZES: [u32; 3] = [1, 5, 20];

pub(super) async fn execute(app: &App, args: BenchArgs) -> anyhow::Result<Exit> {
    let threads = stages::threads(app);
    if let Some(BenchCommand::Copy { input, to }) = args.command {
        let report = bench::copy::copy(&CopyOptions { input, output: to, threads }).await?;
        output::write_json(Form::Ndjson, &report)?;
        return Ok(Exit::Done);
    }
    if matches!(app.form, Form::Csv | Form::Parquet) {
        return Err(output::no_rows("bench", app.form));
    }
    let own_folder = || std::env::temp_dir().join(format!("airshed-bench-{}", std::process::id()));
    let options = BenchOptions {
        rows_millions: if args.rows_millions.is_empty() { SIZES.to_vec() } else { args.rows_millions },
        scratch: args.scratch.unwrap_or_else(own_folder),
        keep: args.keep,
        seed: args.seed.unwrap_or(1),
        period: BillingPeriod::new(2026, 10)?,
        threads,
    };
    let progress = app.progress;
    let measure = move || bench::run(&options, &mut |text| progress.say(text));
    let report = tokio::task::spawn_blocking(measure).await.context("the benchmark broke off")??;
    match app.form {
        Form::Table => output::write_text(&bench::table(&report))?,
        form => output::write_json(form, &report)?,
    }
    Ok(Exit::Done)
}
