//! Measured utilisation changes the figures of the resource that was measured, and of no other, in a run of its own.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use airshed_domain::{
    period::BillingPeriod,
    schema::{self, column as c},
};
use airshed_estimate::{
    MeasuredContent, MeasuredInput, NoProgress, RunInputs, find_line, replay, with_measurements,
};
use airshed_ingest::{UtilizationReport, import_utilization, utilization::UtilizationOutcome};
use airshed_lake::{FileEncoder, Lake, Location, StoreOptions, control};
use arrow::{
    array::{Array as _, AsArray as _, RecordBatch},
    compute::cast,
    datatypes::DataType,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tokio_util::sync::CancellationToken;

use crate::{
    company,
    stages::{Machine, calculation, content, local_lake, resources, rows, run},
};

/// Two of the three hours that the export bills: the third has no measurement.
pub(crate) const MEASURED: &str = "\
resource_id,usage_start,usage_end,metric,avg
res-0,2026-10-01T00:00:00Z,2026-10-01T01:00:00Z,cpu_utilization,0.1
res-0,2026-10-01T01:00:00Z,2026-10-01T02:00:00Z,cpu_utilization,0.9
";

/// An export, measurements of one of its resources, and a lake for both.
fn prepare(folder: &Path) -> (PathBuf, PathBuf, Lake) {
    let (input, measured) = (folder.join("in"), folder.join("cpu.csv"));
    company::write(&input, "cur.csv", &company::lines(3));
    std::fs::write(&measured, MEASURED).unwrap();
    (input, measured, local_lake(&folder.join("lake")))
}

pub(crate) async fn import(file: &Path, lake: &Lake) -> UtilizationReport {
    let input = Location::parse(file.to_str().unwrap(), &StoreOptions::new()).unwrap();
    let now = jiff::Timestamp::from_second(1_793_000_000).unwrap();
    import_utilization(&input, lake, now, &CancellationToken::new()).await.unwrap()
}

async fn current_run(lake: &Lake) -> String {
    let period: BillingPeriod = "2026-10".parse().unwrap();
    control::current_runs(lake).await.unwrap()[&period].to_string()
}

/// Of every estimated line of a run, by its id: its resource, energy, source of the utilisation, utilisation, quality.
async fn figures(lake: &Lake, run: &str) -> BTreeMap<String, [String; 5]> {
    let table = lake.table(&schema::emissions()).await.unwrap();
    let mut figures = BTreeMap::new();
    for file in table.files().unwrap().iter().filter(|file| file.partition[c::RUN_ID] == run) {
        let bytes = table.fetch(file).await.unwrap();
        for batch in ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap() {
            let batch = batch.unwrap();
            for row in (0..batch.num_rows()).filter(|row| text(&batch, c::STATUS, *row) == "estimated") {
                let of = |column| text(&batch, column, row);
                let columns =
                    [c::RESOURCE_ID, c::ENERGY_KWH, c::UTILIZATION_SOURCE, c::UTILIZATION, c::QUALITY];
                figures.insert(of(c::LINE_ID), columns.map(of));
            }
        }
    }
    figures
}

fn text(batch: &RecordBatch, column: &str, row: usize) -> String {
    let array = cast(batch.column_by_name(column).unwrap(), &DataType::Utf8).unwrap();
    if array.is_null(row) { String::new() } else { array.as_string::<i32>().value(row).to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_measured_resource_has_other_figures_in_a_new_run() {
    let folder = tempfile::tempdir().unwrap();
    let (input, measured, lake) = prepare(folder.path());
    run(&input, &lake, &Machine::default()).await.unwrap();
    let default_run = current_run(&lake).await;

    let report = import(&measured, &lake).await;
    assert!(matches!(report.files[0].outcome, UtilizationOutcome::Imported), "{report:?}");
    run(&input, &lake, &Machine::default()).await.unwrap();
    let measured_run = current_run(&lake).await;
    assert_ne!(default_run, measured_run);

    let (before, after) = (figures(&lake, &default_run).await, figures(&lake, &measured_run).await);
    assert!(before.keys().eq(after.keys()));
    assert!(before.values().all(|[_, _, source, ..]| source != "measured"));
    let differ: Vec<_> = before.keys().filter(|id| before[*id] != after[*id]).map(String::as_str).collect();
    assert_eq!(differ, ["line0x0", "line0x1"]);
    let energy = |figures: &BTreeMap<String, [String; 5]>, id: &str| figures[id][1].parse::<f64>().unwrap();
    for (id, utilization) in [("line0x0", "0.1"), ("line0x1", "0.9")] {
        let [resource, _, source, used, quality] = &after[id];
        let found = [resource, source, used, quality].map(String::as_str);
        assert_eq!(found, ["res-0", "measured", utilization, "measured"], "{id}");
    }
    // Half load is the default: a tenth takes less, nine tenths take more.
    assert!(energy(&after, "line0x0") < energy(&before, "line0x0"));
    assert!(energy(&after, "line0x1") > energy(&before, "line0x1"));
    // The hour without a measurement, and another machine.
    for id in ["line0x2", "line1x0"] {
        assert_eq!(after[id][2], "default", "{id}");
    }
}

/// Half of the first hour, and nine tenths of the second.
const PARTLY: &str = "\
resource_id,usage_start,usage_end,metric,avg
res-0,2026-10-01T00:00:00Z,2026-10-01T00:30:00Z,cpu_utilization,0.1
res-0,2026-10-01T01:00:00Z,2026-10-01T01:54:00Z,cpu_utilization,0.9
";

#[tokio::test(flavor = "multi_thread")]
async fn time_without_a_measurement_keeps_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let (input, measured, lake) = prepare(folder.path());
    std::fs::write(&measured, PARTLY).unwrap();
    import(&measured, &lake).await;
    run(&input, &lake, &Machine::default()).await.unwrap();
    let figures = figures(&lake, &current_run(&lake).await).await;
    // By hand: 0.5 x 0.1 + 0.5 x 0.5; 0.9 x 0.9 + 0.1 x 0.5.
    for (id, expected, source, quality) in
        [("line0x0", 0.3, "partly_measured", "modelled"), ("line0x1", 0.86, "measured", "measured")]
    {
        let [_, _, found_source, used, found_quality] = &figures[id];
        assert!((used.parse::<f64>().unwrap() - expected).abs() < 1e-12, "{id}: {used}");
        assert_eq!((found_source.as_str(), found_quality.as_str()), (source, quality), "{id}");
    }
}

/// A line of a run is explained with the measurements of that run, though newer ones wait for theirs.
#[tokio::test(flavor = "multi_thread")]
async fn the_measurements_of_a_run_are_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let (input, measured, lake) = prepare(folder.path());
    import(&measured, &lake).await;
    run(&input, &lake, &Machine::default()).await.unwrap();
    let period: BillingPeriod = "2026-10".parse().unwrap();
    let run_id = control::current_runs(&lake).await.unwrap()[&period].clone();
    let record = control::find_run(&lake, &run_id).await.unwrap().unwrap();
    let inputs = RunInputs::of(&record).unwrap();
    std::fs::write(&measured, MEASURED.replace("0.1\n", "0.7\n")).unwrap();
    import(&measured, &lake).await;

    let billing = lake.table(&schema::billing_lines()).await.unwrap();
    let line = find_line(&billing, "line0x0").await.unwrap().remove(0).line;
    let joined = with_measurements(&lake, period, &inputs, line.clone()).await.unwrap();
    assert_eq!(
        (text(&joined, c::UTILIZATION, 0), text(&joined, c::UTILIZATION_COVER, 0)),
        ("0.1".into(), "1.0".into())
    );
    // Runs of the time before measurements were hashed name files.
    let table = lake.table(&schema::utilization()).await.unwrap();
    let old = table.at_version(1).await.unwrap().files().unwrap();
    let files = MeasuredInput::Files(old.iter().map(|file| file.content_hash().to_owned()).collect());
    let by_files = RunInputs { utilization: files, ..inputs.clone() };
    assert_eq!(with_measurements(&lake, period, &by_files, line.clone()).await.unwrap(), joined);
    // A version that does not hold them, as where a lake was copied: they are looked for.
    let MeasuredInput::Content(content) = inputs.utilization.clone() else { panic!("{inputs:?}") };
    for version in [0, 2, 99] {
        let moved = MeasuredContent { version, files_sha256: "others".to_owned(), ..content.clone() };
        let moved = RunInputs { utilization: MeasuredInput::Content(moved), ..inputs.clone() };
        assert_eq!(with_measurements(&lake, period, &moved, line.clone()).await.unwrap(), joined);
    }
    for gone in [
        MeasuredInput::Files(vec!["nothing".to_owned()]),
        MeasuredInput::Content(MeasuredContent {
            sha256: Some("nothing".to_owned()),
            files_sha256: "others".to_owned(),
            version: 1,
        }),
    ] {
        let gone = RunInputs { utilization: gone, ..inputs.clone() };
        let error = with_measurements(&lake, period, &gone, line.clone()).await.unwrap_err();
        assert!(error.to_string().contains("not in the lake any more"), "{error}");
    }
    // The run can be repeated, though the newest measurements are others.
    let replayed = replay(&lake, &calculation(), &record, 1, &NoProgress).await.unwrap().unwrap();
    assert!(!replayed.is_empty() && replayed.iter().all(|(stored, again)| stored == again), "{replayed:?}");
}

/// Measurements of metrics that no calculation reads make no run of their own.
#[tokio::test(flavor = "multi_thread")]
async fn a_period_without_processor_measurements_has_the_run_of_one_without_any() {
    let folder = tempfile::tempdir().unwrap();
    let (input, measured, lake) = prepare(folder.path());
    run(&input, &lake, &Machine::default()).await.unwrap();
    let before = (current_run(&lake).await, rows(&lake, &schema::runs()).await);
    std::fs::write(&measured, MEASURED.replace("cpu_utilization", "memory_utilization")).unwrap();
    let report = import(&measured, &lake).await;
    assert!(matches!(report.files[0].outcome, UtilizationOutcome::Imported), "{report:?}");
    run(&input, &lake, &Machine::default()).await.unwrap();
    assert_eq!((current_run(&lake).await, rows(&lake, &schema::runs()).await), before);
}

/// The same measurements in one file or in two are one run.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_depends_on_measurements_and_not_on_files() {
    let folder = tempfile::tempdir().unwrap();
    let (input, measured, lake) = prepare(folder.path());
    import(&measured, &lake).await;
    run(&input, &lake, &Machine::default()).await.unwrap();
    let whole = current_run(&lake).await;

    let parts = folder.path().join("parts");
    std::fs::create_dir(&parts).unwrap();
    let [header, first, second] = MEASURED.lines().collect::<Vec<_>>().try_into().unwrap();
    std::fs::write(parts.join("1.csv"), format!("{header}\n{first}\n")).unwrap();
    std::fs::write(parts.join("2.csv"), format!("{header}\n{second}\n")).unwrap();
    let other = local_lake(&folder.path().join("other"));
    import(&parts, &other).await;
    run(&input, &other, &Machine::default()).await.unwrap();
    assert_eq!(current_run(&other).await, whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_measurements_twice_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (input, measured, lake) = prepare(folder.path());
    import(&measured, &lake).await;
    run(&input, &lake, &Machine::default()).await.unwrap();
    let (first, runs) = (content(&lake).await, rows(&lake, &schema::runs()).await);

    let again = import(&measured, &lake).await;
    assert!(matches!(again.files[0].outcome, UtilizationOutcome::Unchanged), "{again:?}");
    run(&input, &lake, &Machine::default()).await.unwrap();
    assert_eq!(content(&lake).await, first);
    assert_eq!(rows(&lake, &schema::runs()).await, runs);
}

/// Rejects of collectors are of no delivery: nothing was billed that could be missing.
#[tokio::test(flavor = "multi_thread")]
async fn rejects_of_collectors_are_not_missing_from_a_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let (input, measured, lake) = prepare(folder.path());
    std::fs::write(&measured, MEASURED.replace("0.1\n", "never\n")).unwrap();
    import(&measured, &lake).await;
    run(&input, &lake, &Machine::default()).await.unwrap();
    let mut rejects = lake.table(&schema::rejects()).await.unwrap();
    let imported = rejects.files().unwrap().remove(0);
    let bytes = rejects.fetch(&imported).await.unwrap();
    let mut encoder = FileEncoder::new(&schema::rejects(), schema::rejects().file_schema()).unwrap();
    for batch in ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap() {
        encoder.write(&batch.unwrap()).unwrap();
    }
    let mut partition = imported.partition;
    partition.insert(c::DELIVERY_ID.to_owned(), format!("{}0123456789ab", schema::COLLECTED_PREFIX));
    let file = encoder.finish().unwrap();
    let file = rejects.put(&partition, "part-collect007-0000000012", file).await.unwrap();
    rejects.append(&file, "collect").await.unwrap();
    let checks = airshed_rollup::check::deliveries(&lake, &resources(1)).await.unwrap();
    assert!(!checks.is_empty() && checks.iter().all(airshed_rollup::check::Check::passed), "{checks:?}");
}
