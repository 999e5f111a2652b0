//! `--utilization`: files of measured utilisation into the ledger, and what is said of them.

use airshed_ingest::{
    import_utilization, open_input,
    utilization::{UtilizationFile, UtilizationOutcome, UtilizationReport},
};
use airshed_lake::Lake;
use anyhow::Context as _;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{self, App},
    failure,
    output::count,
};

/// Imports a file or folder; returns what became of it and the seconds it took. What was refused is said at once.
pub(super) async fn stage(app: &App, lake: &Lake, input: &str) -> anyhow::Result<(UtilizationReport, f64)> {
    let location = open_input(input, &app.store_options)?;
    let now = jiff::Timestamp::from_microsecond(app::now_us()).context("the clock is out of range")?;
    let stage = app.progress.stage("utilization");
    let report = import_utilization(&location, lake, now, &CancellationToken::new()).await?;
    let rows: u64 = report.files.iter().map(|file| file.rows).sum();
    let rejects: u64 = report.files.iter().map(|file| file.rejects).sum();
    let text = format!("{} rows of {} files, {} rejected", count(rows), report.files.len(), count(rejects));
    let seconds = stage.finish(&text).as_secs_f64();
    for file in &report.files {
        match &file.outcome {
            UtilizationOutcome::Refused(error) => {
                app.progress.say(&format!("refused   {}: {}", file.uri, failure::in_one_line(error)));
            }
            UtilizationOutcome::Duplicate { of } => {
                app.progress.say(&format!("skipped   {}: the same bytes as {of}", file.uri));
            }
            UtilizationOutcome::Imported | UtilizationOutcome::Unchanged => {}
        }
        for (metric, rows) in &file.unused_metrics {
            let rows = count(*rows);
            app.progress.say(&format!(
                "unused    {}: {rows} rows of metric {metric}; only cpu_utilization is calculated with",
                file.uri
            ));
        }
    }
    Ok((report, seconds))
}

pub(super) fn is_refused(file: &UtilizationFile) -> bool {
    matches!(file.outcome, UtilizationOutcome::Refused(_))
}

/// The file as a row of the table of deliveries.
pub(super) fn row(file: &UtilizationFile) -> Vec<Option<String>> {
    let periods: Vec<_> = file.measurements.keys().map(ToString::to_string).collect();
    let measurements: u64 = file.measurements.values().sum();
    vec![
        Some(file.uri.clone()),
        (!periods.is_empty()).then(|| periods.join(" ")),
        Some(state(file).to_owned()),
        Some(file.rows.to_string()),
        None,
        Some(measurements.to_string()),
        Some(file.rejects.to_string()),
        match &file.outcome {
            UtilizationOutcome::Refused(error) => Some(failure::in_one_line(error)),
            UtilizationOutcome::Duplicate { of } => Some(format!("the same bytes as {of}")),
            UtilizationOutcome::Imported | UtilizationOutcome::Unchanged => None,
        },
    ]
}

/// The files as JSON.
pub(in crate::command) fn as_json(files: &[UtilizationFile]) -> Value {
    let file = |file: &UtilizationFile| {
        let error = match &file.outcome {
            UtilizationOutcome::Refused(error) => Some(failure::in_one_line(error)),
            _ => None,
        };
        let measurements: serde_json::Map<_, _> =
            file.measurements.iter().map(|(period, rows)| (period.to_string(), json!(rows))).collect();
        json!({
            "uri": file.uri,
            "delivery_id": file.delivery.as_str(),
            "state": state(file),
            "error": error,
            "rows_in": file.rows,
            "rejects": file.rejects,
            "measurements": measurements,
            "unused_metrics": file.unused_metrics,
        })
    };
    Value::Array(files.iter().map(file).collect())
}

fn state(file: &UtilizationFile) -> &'static str {
    match file.outcome {
        UtilizationOutcome::Imported => "imported",
        UtilizationOutcome::Unchanged => "unchanged",
        UtilizationOutcome::Duplicate { .. } => "duplicate",
        UtilizationOutcome::Refused(_) => "refused",
    }
}
