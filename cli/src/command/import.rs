//! `airshed import`: billing exports into the ledger.

pub(super) mod utilization;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use airshed_ingest::{
    IgnoreReason, IgnoredObject, ImportOptions, ImportReport,
    import::{DeliveryReport, Outcome, PeriodReport, Progress},
    open_input,
    utilization::UtilizationFile,
};
use airshed_lake::Lake;
use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::stages;
use crate::{
    app::{self, App},
    args::ImportArgs,
    failure::{self, Exit, Problem},
    output::{self, count},
    progress::Stage,
};

/// What is said of an object that was rejected as such.
const UNREADABLE: &str = "could not be read, or not to its end; the table `rejects` has the reason";

pub(super) async fn execute(app: &App, args: &ImportArgs) -> anyhow::Result<Exit> {
    let imported = stage(app, &app.lake()?, args.input.as_deref(), &args.utilization).await?;
    let mut rows = Vec::new();
    for delivery in &imported.deliveries {
        let state = state(delivery);
        if delivery.periods.is_empty() {
            rows.push(only_said(&delivery.uri, state, refusal(delivery)));
        }
        for period in &delivery.periods {
            rows.push(vec![
                Some(delivery.uri.clone()),
                Some(period_name(period)),
                Some(state.to_owned()),
                Some(period.rows_in.to_string()),
                Some(period.lines.to_string()),
                None,
                Some(period.rejects.to_string()),
                None,
            ]);
        }
        rows.extend(
            delivery.unreadable.iter().map(|uri| only_said(uri, "unreadable", Some(UNREADABLE.to_owned()))),
        );
    }
    rows.extend(imported.utilization.iter().map(utilization::row));
    rows.extend(
        imported
            .ignored
            .iter()
            .map(|object| only_said(&object.uri, "ignored", Some(object.reason.to_string()))),
    );
    let columns = ["delivery", "period", "state", "rows_in", "lines", "measurements", "rejects", "reason"];
    output::write_rows(app.form, &columns, &rows)?;
    Ok(imported.exit())
}

/// What was imported.
#[derive(Default)]
pub(super) struct Imported {
    /// Deliveries of billing exports.
    pub(super) deliveries: Vec<DeliveryReport>,
    /// Files of utilisation.
    pub(super) utilization: Vec<UtilizationFile>,
    /// What was left out of both. Manifests are read and not counted here.
    pub(super) ignored: Vec<IgnoredObject>,
    /// Seconds it took.
    pub(super) seconds: f64,
}

/// Imports measured utilisation and a billing export. What was refused is said at once.
pub(super) async fn stage(
    app: &App,
    lake: &Lake,
    input: Option<&str>,
    utilization: &[String],
) -> anyhow::Result<Imported> {
    let mut imported = Imported::default();
    for input in utilization {
        let (report, seconds) = utilization::stage(app, lake, input).await?;
        imported.utilization.extend(report.files);
        imported.ignored.extend(report.ignored);
        imported.seconds += seconds;
    }
    if let Some(input) = input {
        let (report, seconds) = billing(app, lake, input).await?;
        imported.deliveries = report.deliveries;
        imported.ignored.extend(report.ignored);
        imported.seconds += seconds;
    }
    imported.ignored.retain(|object| object.reason != IgnoreReason::Manifest);
    Ok(imported)
}

async fn billing(app: &App, lake: &Lake, input: &str) -> anyhow::Result<(ImportReport, f64)> {
    let location = open_input(input, &app.store_options)?;
    let settings = &app.settings.import;
    let spill = settings.spill_dir.as_ref().map_or_else(std::env::temp_dir, Into::into);
    let options = ImportOptions {
        threads: stages::threads(app),
        memory_budget_bytes: usize::try_from(settings.memory_mib << 20).unwrap_or(usize::MAX),
        spill_folder: spill.join(format!("airshed-{}", std::process::id())),
    };
    let now = jiff::Timestamp::from_microsecond(app::now_us()).context("the clock is out of range")?;
    let cancel = CancellationToken::new();
    // An interrupt drops this future; the guard then stops the worker threads.
    let _guard = cancel.clone().drop_guard();
    let progress = Arc::new(ImportProgress::new(app.progress.stage("import")));
    let report =
        airshed_ingest::import::import(&location, lake, &options, now, Arc::clone(&progress) as _, &cancel)
            .await?;
    let seconds = progress.finish(&report);
    for delivery in &report.deliveries {
        if let Outcome::Refused(error) = &delivery.outcome {
            app.progress.say(&format!("refused   {}: {}", delivery.uri, failure::in_one_line(error)));
        }
        for twin in &delivery.duplicates {
            app.progress.say(&format!("skipped   {}: the same bytes as {}", twin.uri, twin.duplicate_of));
        }
        for reject in &delivery.first_rejects {
            app.progress.say(&format!("rejected  {reject}"));
        }
        for uri in &delivery.unreadable {
            app.progress.say(&format!("unread    {uri}: {UNREADABLE}"));
        }
        let more = rejects(delivery).saturating_sub(delivery.first_rejects.len() as u64);
        if more > 0 {
            app.progress.say(&format!("rejected  {} more rows of {}", count(more), delivery.uri));
        }
    }
    for object in report.ignored.iter().filter(|object| object.reason == IgnoreReason::NotBilling) {
        app.progress.say(&format!("ignored   {}: {}", object.uri, object.reason));
    }
    if let Some(problem) = nothing_found(&report, input) {
        bail!(problem);
    }
    Ok((report, seconds))
}

fn rejects(delivery: &DeliveryReport) -> u64 {
    delivery.periods.iter().map(|period| period.rejects).sum()
}

/// Nothing that could be read is an error, not an empty success.
fn nothing_found(report: &ImportReport, input: &str) -> Option<Problem> {
    let useful = |delivery: &DeliveryReport| match delivery.outcome {
        Outcome::Imported | Outcome::Unchanged => true,
        Outcome::Nothing => !delivery.duplicates.is_empty(),
        Outcome::Refused(_) => false,
    };
    if report.deliveries.iter().any(useful) {
        return None;
    }
    let refused = report.deliveries.iter().find_map(|delivery| match &delivery.outcome {
        Outcome::Refused(error) => Some(failure::in_one_line(error)),
        _ => None,
    });
    Some(match refused {
        Some(reason) => Problem::failed(format!("nothing of {input} could be imported: {reason}")),
        None => Problem::failed(format!("{input} holds no billing export ({} other objects)", report.ignored.len()))
            .hint("CUR 2.0, legacy CUR and FOCUS are read, as Parquet, CSV or gzip CSV; `airshed doctor --input` says more"),
    })
}

impl Imported {
    /// A delivery or file that was refused or could not be read is a failure, even where others went through: what the
    /// ledger holds is right and is not all that was delivered. It stays one until the file is mended or removed.
    pub(super) fn exit(&self) -> Exit {
        let lacks = |delivery: &DeliveryReport| {
            matches!(delivery.outcome, Outcome::Refused(_)) || !delivery.unreadable.is_empty()
        };
        let failed =
            self.deliveries.iter().any(lacks) || self.utilization.iter().any(utilization::is_refused);
        if failed { Exit::Failed } else { Exit::Done }
    }
}

/// A row for something of which only this is to be said.
fn only_said(uri: &str, state: &str, reason: Option<String>) -> Vec<Option<String>> {
    let mut row = vec![Some(uri.to_owned()), None, Some(state.to_owned())];
    row.extend([None, None, None, None, reason]);
    row
}

fn refusal(delivery: &DeliveryReport) -> Option<String> {
    match &delivery.outcome {
        Outcome::Refused(error) => Some(failure::in_one_line(error)),
        _ => None,
    }
}

/// What was left out, as JSON.
pub(super) fn ignored_as_json(ignored: &[IgnoredObject]) -> Value {
    ignored.iter().map(|object| json!({ "uri": object.uri, "reason": object.reason.as_str() })).collect()
}

/// The deliveries as JSON.
pub(super) fn as_json(deliveries: &[DeliveryReport]) -> Value {
    let period = |period: &PeriodReport| {
        let cost: serde_json::Map<_, _> = period
            .billed_cost
            .iter()
            .map(|(currency, sum)| (currency.clone(), json!(sum.to_string())))
            .collect();
        json!({
            "period": period_name(period),
            "rows_in": period.rows_in,
            "lines": period.lines,
            "provider_reported": period.provider_reported,
            "rejects": period.rejects,
            "billed_cost": cost,
        })
    };
    let delivery = |delivery: &DeliveryReport| {
        json!({
            "uri": delivery.uri,
            "delivery_id": delivery.id.as_str(),
            "batch_id": delivery.batch.as_ref().map(airshed_domain::id::BatchId::as_str),
            "state": state(delivery),
            "error": refusal(delivery),
            "objects": delivery.objects,
            "unreadable": delivery.unreadable,
            "duplicates": delivery.duplicates.iter().map(|twin| &twin.uri).collect::<Vec<_>>(),
            "first_rejects": delivery.first_rejects,
            "periods": delivery.periods.iter().map(period).collect::<Vec<_>>(),
        })
    };
    Value::Array(deliveries.iter().map(delivery).collect())
}

fn state(delivery: &DeliveryReport) -> &'static str {
    match delivery.outcome {
        Outcome::Imported => "imported",
        Outcome::Unchanged => "unchanged",
        Outcome::Nothing => "nothing to read",
        Outcome::Refused(_) => "refused",
    }
}

fn period_name(period: &PeriodReport) -> String {
    period.period.map_or_else(|| "unknown".to_owned(), |period| period.to_string())
}

/// The progress of an import, by bytes, on a stage's bar.
struct ImportProgress {
    stage: std::sync::Mutex<Option<Stage>>,
    bytes_total: AtomicU64,
    bytes: AtomicU64,
    rows: AtomicU64,
}

impl ImportProgress {
    fn new(stage: Stage) -> Self {
        Self {
            stage: std::sync::Mutex::new(Some(stage)),
            bytes_total: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            rows: AtomicU64::new(0),
        }
    }

    fn with_stage(&self, act: impl FnOnce(&Stage)) {
        if let Ok(stage) = self.stage.lock()
            && let Some(stage) = stage.as_ref()
        {
            act(stage);
        }
    }

    /// Ends the bar with what was done; returns the seconds it took.
    fn finish(&self, report: &ImportReport) -> f64 {
        let periods = || report.deliveries.iter().flat_map(|delivery| &delivery.periods);
        let rows: u64 = periods().map(|period| period.rows_in).sum();
        let rejects: u64 = periods().map(|period| period.rejects).sum();
        let unchanged = report.deliveries.iter().filter(|d| matches!(d.outcome, Outcome::Unchanged)).count();
        let text = format!(
            "{} rows of {} deliveries, {} rejected, {unchanged} deliveries unchanged",
            count(rows),
            report.deliveries.len(),
            count(rejects)
        );
        let stage = self.stage.lock().ok().and_then(|mut stage| stage.take());
        stage.map_or(0.0, |stage| stage.finish(&text).as_secs_f64())
    }
}

impl Progress for ImportProgress {
    fn discovered(&self, _: usize, bytes_total: u64) {
        self.bytes_total.store(bytes_total, Ordering::Relaxed);
    }

    fn delivery(&self, uri: &str) {
        let name = uri.rsplit('/').next().unwrap_or(uri).to_owned();
        self.with_stage(|stage| stage.at(name));
    }

    fn advanced(&self, rows: u64, bytes: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        let bytes = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.with_stage(|stage| stage.done(bytes, self.bytes_total.load(Ordering::Relaxed)));
    }
}
