//! `airshed demo`: a sample company, written as the AWS CUR 2.0 export that it would receive.
//!
//! Nobody was ever billed for any of it. Accounts, resources and hours are made from a seed; usage types, units and
//! rates are AWS's public ones, so that the pipeline meets real codes. Shapes follow what companies do: traffic by local
//! hour and weekday, instances that scale with it, batches at night, development switched off at night. Some lines are
//! odd on purpose (`odd.rs`), because real bills are. There is no hourly grid file: yearly grid factors serve, and a
//! made-up hourly grid would look like data.

mod company;
mod estate;
mod odd;
mod shape;
#[cfg(test)]
mod tests;
mod utilization;
mod workloads;

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

use airshed_domain::{fixed, period::BillingPeriod};
use anyhow::{Context as _, Result};

use crate::cur2::{
    batch::Row,
    export::{self, ExportOptions, ROW_GROUP_ROWS, Written},
};

use estate::Estate;

/// Name of the export, and of its folder.
pub(crate) const EXPORT_NAME: &str = "acme-cur2";

/// What to make.
#[derive(Debug, Clone)]
pub(crate) struct DemoOptions {
    /// Folder to write to.
    pub(crate) out: PathBuf,
    /// The newest month.
    pub(crate) period: BillingPeriod,
    /// Months to make, the newest last; at least 1.
    pub(crate) months: u32,
    /// Same seed, same bytes.
    pub(crate) seed: u64,
    /// Threads that encode.
    pub(crate) threads: usize,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct DemoReport {
    /// The export's folder: the `--input` of `airshed run`.
    pub(crate) export: PathBuf,
    /// Hourly utilisation of some instances, one file a month.
    pub(crate) utilization: Vec<PathBuf>,
    /// Data files of the export.
    pub(crate) files: Vec<PathBuf>,
    /// Billing lines.
    pub(crate) rows: usize,
    /// Bytes of the data files.
    pub(crate) bytes: u64,
    /// Accounts.
    pub(crate) accounts: usize,
    /// Exact sum of the billed cost per currency, as a decimal.
    pub(crate) cost_by_currency: BTreeMap<String, String>,
}

/// Writes the sample company.
pub(crate) fn generate(options: &DemoOptions) -> Result<DemoReport> {
    let mut report = DemoReport {
        export: options.out.join(EXPORT_NAME),
        utilization: Vec::new(),
        files: Vec::new(),
        rows: 0,
        bytes: 0,
        accounts: company::accounts().len(),
        cost_by_currency: BTreeMap::new(),
    };
    let mut cost = 0i128;
    for period in months(options.period, options.months)? {
        let (estate, rows) = month(period, options.seed)?;
        for row in &rows {
            cost += fixed::decimal_from_f64(row.cost, fixed::MONEY_SCALE).context("a cost of the sample")?;
        }
        let written = write(&estate, &rows, options)?;
        report.rows += written.rows;
        report.bytes += written.bytes;
        report.files.extend(written.files);
        report.utilization.push(utilization::write(&estate, &options.out)?);
    }
    report.cost_by_currency.insert("USD".to_owned(), decimal_text(cost));
    Ok(report)
}

/// The company's month: what it runs, and the rows of its bill.
fn month(period: BillingPeriod, seed: u64) -> Result<(Estate, Vec<Row>)> {
    let mut estate = Estate::new(period, seed);
    workloads::build(&mut estate)?;
    odd::fees(&mut estate);
    odd::lines(&mut estate)?;
    let rows = estate.rows();
    Ok((estate, rows))
}

fn write(estate: &Estate, rows: &[Row], options: &DemoOptions) -> Result<Written> {
    let export = ExportOptions {
        out: options.out.clone(),
        name: EXPORT_NAME.to_owned(),
        file_rows: ROW_GROUP_ROWS * 2,
        threads: options.threads,
        seed: options.seed,
    };
    let draw = |group: usize, count: usize| rows[group * ROW_GROUP_ROWS..][..count].to_vec();
    export::write(&estate.pool, rows.len(), &draw, &export)
}

/// The commands to type after the demo, as text.
pub(crate) fn next_commands(report: &DemoReport, lake: &str) -> String {
    let export = report.export.display();
    let mut text = String::from("Next:\n");
    let measured = report
        .utilization
        .iter()
        .fold(String::new(), |text, file| text + " --utilization " + &file.display().to_string());
    for (command, why) in [
        (format!("airshed run --input {export} --lake {lake}"), "import, estimate, roll up"),
        (format!("airshed verify --lake {lake}"), "check that nothing was lost or changed"),
        (
            format!(
                "airshed sql --lake {lake} \"SELECT service_code, SUM(co2e_location_g) / 1000 AS kg \
                 FROM emissions_monthly GROUP BY 1 ORDER BY 2 DESC LIMIT 10\""
            ),
            "kg CO2e by service",
        ),
        (
            format!(
                "airshed sql --lake {lake} \"SELECT line_id FROM emissions WHERE status = 'estimated' LIMIT 1\""
            ),
            "pick a line ...",
        ),
        (format!("airshed explain --lake {lake} LINE_ID"), "... and see how its number came about"),
        (
            format!("airshed run --lake {lake}{measured}"),
            "estimate again with measured processor use (synthetic, as all of the sample)",
        ),
    ] {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {command}\n      # {why}");
    }
    text
}

/// `count` months that end with `last`.
fn months(last: BillingPeriod, count: u32) -> Result<Vec<BillingPeriod>> {
    let mut months = vec![last];
    for _ in 1..count.max(1) {
        let first = months[0];
        months.insert(0, BillingPeriod::of_epoch_seconds(first.window().start_s - 1)?);
    }
    Ok(months)
}

/// A sum in steps of 1e-12 as a decimal text.
fn decimal_text(steps: i128) -> String {
    let (sign, steps) = if steps < 0 { ("-", -steps) } else { ("", steps) };
    let unit = 10i128.pow(u32::from(fixed::MONEY_SCALE.unsigned_abs()));
    format!("{sign}{}.{:012}", steps / unit, steps % unit)
}
