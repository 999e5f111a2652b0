use std::{fs, io::Write as _, path::PathBuf};

use airshed_domain::schema::{self, Table, column as c};
use airshed_lake::StoreOptions;
use arrow::{
    array::{Array as _, AsArray as _},
    compute::cast,
    datatypes::DataType,
};
use datafusion::prelude::SessionContext;

use super::*;
use crate::discover::open_input;

const HEADER: &str = "resource_id,usage_start,usage_end,metric,avg";

struct Bench {
    root: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("in")).unwrap();
        Self { root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("in").join(name)
    }

    fn write(&self, name: &str, header: &str, rows: &[&str]) {
        fs::write(self.path(name), format!("{header}\n{}\n", rows.join("\n"))).unwrap();
    }

    fn lake(&self) -> Lake {
        Lake::open(self.root.path().join("lake").to_str().unwrap(), &StoreOptions::new()).unwrap()
    }

    async fn import(&self, name: &str) -> UtilizationReport {
        let input = open_input(self.path(name).to_str().unwrap(), &StoreOptions::new()).unwrap();
        let now = Timestamp::from_second(1_793_000_000).unwrap();
        import_utilization(&input, &self.lake(), now, &CancellationToken::new()).await.unwrap()
    }

    /// Imports what must be one file.
    async fn import_one(&self, name: &str) -> UtilizationFile {
        let mut report = self.import(name).await;
        assert_eq!(report.files.len(), 1, "{report:?}");
        report.files.remove(0)
    }

    async fn refusal(&self, name: &str) -> String {
        match self.import_one(name).await.outcome {
            UtilizationOutcome::Refused(error) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }

    async fn query(&self, sql: &str) -> Vec<String> {
        let context = SessionContext::new();
        for table in schema::all() {
            if let Some(open) = self.lake().existing_table(&table).await.unwrap() {
                open.register(&context, &|_| true).await.unwrap();
            }
        }
        let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
        let mut rows = Vec::new();
        for batch in batches {
            let columns: Vec<_> =
                batch.columns().iter().map(|column| cast(column, &DataType::Utf8).unwrap()).collect();
            rows.extend((0..batch.num_rows()).map(|row| {
                let cells = columns.iter().map(|column| {
                    if column.is_null(row) { "-" } else { column.as_string::<i32>().value(row) }
                });
                cells.collect::<Vec<_>>().join(" ")
            }));
        }
        rows
    }

    async fn files(&self, table: &Table) -> Vec<String> {
        let open = self.lake().existing_table(table).await.unwrap().unwrap();
        open.files().unwrap().into_iter().map(|file| file.path).collect()
    }
}

fn row(resource: &str, hour: usize, avg: &str) -> String {
    let next = hour + 1;
    format!("{resource},2026-10-01T{hour:02}:00:00Z,2026-10-01T{next:02}:00:00Z,cpu_utilization,{avg}")
}

#[tokio::test]
async fn columns_stand_in_any_order_and_rows_are_sorted() {
    let bench = Bench::new();
    bench.write(
        "u.csv",
        "avg,max,metric,usage_end,usage_start,region,resource_id,samples,account_id",
        &[
            "0.25,0.5,cpu_utilization,2026-10-01T02:00:00+02:00,2026-10-01T01:00:00+02:00,eu-west-1,i-b,12,1",
            "0.75,,cpu_utilization,2026-10-01T01:00:00Z,2026-10-01 00:00:00,,i-a,,",
        ],
    );
    let file = bench.import_one("u.csv").await;
    assert!(matches!(file.outcome, UtilizationOutcome::Imported));
    assert_eq!((file.rows, file.rejects), (2, 0));
    // 01:00 at UTC+2 is still September.
    let september: BillingPeriod = "2026-09".parse().unwrap();
    assert_eq!(file.measurements, [(september, 1), (september.next(), 1)].into());
    let sql = "SELECT period, resource_id, usage_start, usage_end, metric, avg, max, samples, account_id, region \
               FROM utilization ORDER BY period";
    assert_eq!(
        bench.query(sql).await,
        [
            "2026-09 i-b 2026-09-30T23:00:00Z 2026-10-01T00:00:00Z cpu_utilization 0.25 0.5 12 1 eu-west-1",
            "2026-10 i-a 2026-10-01T00:00:00Z 2026-10-01T01:00:00Z cpu_utilization 0.75 - - - -"
        ]
    );
}

#[tokio::test]
async fn bad_rows_are_rejects_with_their_place_and_reason() {
    let bench = Bench::new();
    let good = row("i-a", 0, "0.5");
    bench.write(
        "u.csv",
        HEADER,
        &[
            &good,
            &row("i-a", 1, "half"),
            &row("i-a", 2, "NaN"),
            &row("i-a", 3, "-0.1"),
            &row("i-a", 4, "250"),
            &row("", 5, "0.5"),
            &row("i-a", 6, ""),
            "i-a,yesterday,2026-10-01T08:00:00Z,cpu_utilization,0.5",
            "i-a,2026-10-01T09:00:00Z,2026-10-01T09:00:00Z,cpu_utilization,0.5",
            "i-a,2026-10-01T09:00:00Z,2026-11-02T09:00:00Z,cpu_utilization,0.5",
            "i-a,2026-10-01T09:00:00Z",
            // A mean over half an hour that another row covers.
            "i-a,2026-10-01T00:30:00Z,2026-10-01T01:30:00Z,cpu_utilization,0.9",
            &good,
        ],
    );
    let file = bench.import_one("u.csv").await;
    assert_eq!((file.rows, file.rejects), (13, 12));
    let sql = "SELECT row_number, reason, column_name, value, period FROM rejects ORDER BY row_number";
    assert_eq!(
        bench.query(sql).await,
        [
            "1 not_a_number avg half 2026-10",
            "2 not_finite avg NaN 2026-10",
            "3 out_of_range avg -0.1 2026-10",
            "4 out_of_range avg 250 2026-10",
            "5 missing_required resource_id - 2026-10",
            "6 missing_required avg - 2026-10",
            "7 bad_timestamp usage_start yesterday unknown",
            "8 bad_interval usage_end 2026-10-01T09:00:00Z 2026-10",
            "9 bad_interval usage_end 2026-11-02T09:00:00Z 2026-10",
            "10 wrong_field_count - i-a,2026-10-01T09:00:00Z unknown",
            "11 overlap usage_start 2026-10-01T00:30:00Z 2026-10",
            "12 overlap usage_start 2026-10-01T00:00:00Z 2026-10",
        ]
    );
    assert_eq!(bench.query("SELECT avg FROM utilization").await, ["0.5"]);
    let sql = "SELECT object_format, object_rows, rows_rejected FROM objects";
    assert_eq!(bench.query(sql).await, ["utilization 13 12"]);
}

#[tokio::test]
async fn a_file_that_cannot_be_right_is_refused_and_says_why() {
    let bench = Bench::new();
    bench.write("unknown.csv", &format!("{HEADER},colour"), &[]);
    bench.write("missing.csv", "resource_id,usage_start,usage_end,avg", &[]);
    bench.write("twice.csv", &format!("{HEADER},avg"), &[]);
    bench.write("percent.csv", HEADER, &[&row("i-a", 0, "0.8"), &row("i-a", 1, "42.5")]);
    fs::write(bench.path("empty.csv"), "").unwrap();
    fs::write(bench.path("broken.csv.gz"), [0x1f, 0x8b, 8, 0, 0, 0]).unwrap();
    for (name, part) in [
        ("unknown.csv", "`colour` is not known"),
        ("missing.csv", "`metric` is missing"),
        ("twice.csv", "`avg` stands twice"),
        ("percent.csv", "divide by 100"),
        ("empty.csv", "no header line"),
        ("broken.csv.gz", "gzip"),
    ] {
        let refusal = bench.refusal(name).await;
        assert!(refusal.contains(part) && refusal.contains(name), "{refusal}");
    }
    assert!(bench.lake().existing_table(&schema::utilization()).await.unwrap().is_none());
}

#[tokio::test]
async fn the_same_content_changes_nothing_however_it_comes() {
    let bench = Bench::new();
    let rows: Vec<String> = (0..20).map(|hour| row("i-a", hour, "0.5")).collect();
    let mut rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    bench.write("u.csv", HEADER, &rows);
    bench.import_one("u.csv").await;
    let tables = [schema::utilization(), schema::rejects(), schema::objects()];
    let state = async || {
        let mut state = Vec::new();
        for table in &tables {
            let open = bench.lake().existing_table(table).await.unwrap().unwrap();
            state.push((open.version(), bench.files(table).await));
        }
        state
    };
    let before = state().await;
    assert!(matches!(bench.import_one("u.csv").await.outcome, UtilizationOutcome::Unchanged));
    assert_eq!(state().await, before);

    // A copy is left out.
    fs::copy(bench.path("u.csv"), bench.path("copy.csv")).unwrap();
    let copy = bench.import_one("copy.csv").await;
    assert!(
        matches!(&copy.outcome, UtilizationOutcome::Duplicate { of } if of.ends_with("u.csv")),
        "{copy:?}"
    );
    assert_eq!(state().await, before);

    // Other order, compressed: another reading, the same file of the table.
    rows.reverse();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    write!(gzip, "{HEADER}\n{}\n", rows.join("\n")).unwrap();
    fs::write(bench.path("u.csv"), gzip.finish().unwrap()).unwrap();
    bench.import_one("u.csv").await;
    assert_eq!(state().await[0], before[0]);
}

#[tokio::test]
async fn a_corrected_file_replaces_and_another_file_may_not_contradict() {
    let bench = Bench::new();
    bench.write("a.csv", HEADER, &[&row("i-a", 0, "0.5"), &row("i-a", 1, "0.5")]);
    bench.write("b.csv", HEADER, &[&row("i-a", 1, "0.9"), &row("i-a", 2, "0.9"), &row("i-b", 1, "0.9")]);
    let report = bench.import("").await;
    let counts: Vec<_> = report.files.iter().map(|file| (file.rows, file.rejects)).collect();
    assert_eq!(counts, [(2, 0), (3, 1)]);
    assert_eq!(bench.query("SELECT row_number, reason FROM rejects").await, ["0 overlap"]);
    let sql = "SELECT resource_id, avg FROM utilization ORDER BY resource_id, usage_start";
    assert_eq!(bench.query(sql).await, ["i-a 0.5", "i-a 0.5", "i-a 0.9", "i-b 0.9"]);

    // The correction leaves the second hour to the other file, whose row then has its place.
    bench.write("a.csv", HEADER, &[&row("i-a", 0, "0.4")]);
    bench.import("").await;
    assert_eq!(bench.query(sql).await, ["i-a 0.4", "i-a 0.9", "i-a 0.9", "i-b 0.9"]);
    assert!(bench.query("SELECT * FROM rejects").await.is_empty());
}

/// What collectors measured may overlap: the estimate says which measurement speaks.
#[tokio::test]
async fn files_of_collectors_are_not_contradicted_and_are_no_deliveries() {
    let bench = Bench::new();
    bench.write("a.csv", HEADER, &[&row("i-a", 0, "0.5")]);
    bench.import_one("a.csv").await;
    // The same row as collectors and compactions name their files, and a reject of a collector.
    let mut table = bench.lake().table(&schema::utilization()).await.unwrap();
    let imported = table.files().unwrap().remove(0);
    let bytes = table.fetch(&imported).await.unwrap();
    let mut collected = Vec::new();
    for name in ["part-collect007-0000000012", "part-compact"] {
        let mut encoder =
            airshed_lake::FileEncoder::new(&schema::utilization(), schema::utilization().file_schema())
                .unwrap();
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes.clone());
        for batch in reader.unwrap().build().unwrap() {
            encoder.write(&batch.unwrap()).unwrap();
        }
        collected.push(table.put(&imported.partition, name, encoder.finish().unwrap()).await.unwrap());
    }
    table.append_under(&collected, &[], "collect").await.unwrap();
    let mut rejects = bench.lake().table(&schema::rejects()).await.unwrap();
    let partition = [(c::PERIOD, "unknown"), (c::DELIVERY_ID, "collect-0123456789ab"), (c::BATCH_ID, "007")]
        .map(|(column, value)| (column.to_owned(), value.to_owned()));
    let file = crate::import::publish::encode_rejects(&[]).unwrap();
    let file = rejects.put(&partition.into(), "part-collect007-0000000012", file).await.unwrap();
    rejects.append(&file, "collect").await.unwrap();

    assert_eq!(crate::deliveries(&bench.lake()).await.unwrap().len(), 1);
    bench.write("b.csv", HEADER, &[&row("i-b", 0, "0.5"), &row("i-a", 0, "0.9")]);
    let other = bench.import_one("b.csv").await;
    assert_eq!((other.rows, other.rejects), (2, 1), "an imported file still is not contradicted");
    bench.write("a.csv", HEADER, &[&row("i-a", 0, "0.75")]);
    let file = bench.import_one("a.csv").await;
    assert_eq!((file.rows, file.rejects), (1, 0));
    for delivery in crate::deliveries(&bench.lake()).await.unwrap() {
        assert!(crate::remove_delivery(&bench.lake(), &delivery.id).await.unwrap());
    }
    let files = bench.files(&schema::utilization()).await;
    assert_eq!(files, collected.into_iter().map(|file| file.path).collect::<Vec<_>>());
    for id in ["collect007", "compact", "collect-0123456789ab"] {
        assert!(!crate::remove_delivery(&bench.lake(), &DeliveryId::new(id)).await.unwrap(), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_imports_at_the_same_moment_one_measures_an_hour() {
    let bench = Bench::new();
    bench.write("0.csv", HEADER, &[&row("other", 0, "0.5")]);
    bench.import_one("0.csv").await;
    let names: Vec<String> = (1..5).map(|file| format!("{file}.csv")).collect();
    for (file, name) in names.iter().enumerate() {
        bench.write(name, HEADER, &[&row("i-a", 0, &format!("0.{}", file + 1))]);
    }
    let files = futures::future::join_all(names.iter().map(|name| bench.import_one(name))).await;
    let rejected: u64 = files.iter().map(|file| file.rejects).sum();
    assert_eq!(rejected, 3, "{files:?}");
    assert_eq!(bench.query("SELECT count(*) FROM utilization WHERE resource_id = 'i-a'").await, ["1"]);
    assert_eq!(bench.query("SELECT count(*) FROM rejects").await, ["3"]);
    assert_eq!(bench.query("SELECT count(*) FROM objects").await, ["5"]);
}

#[tokio::test]
async fn a_removed_file_leaves_nothing_and_the_others_stay() {
    let bench = Bench::new();
    bench.write("a.csv", HEADER, &[&row("i-a", 0, "0.5")]);
    bench.write("b.csv", HEADER, &[&row("i-b", 0, "0.5"), &row("i-b", 1, "half")]);
    bench.import("").await;
    let held = crate::deliveries(&bench.lake()).await.unwrap();
    let counts: Vec<_> = held.iter().map(|d| (d.is_utilization, d.rows, d.held, d.rejects)).collect();
    assert_eq!(counts, [(true, 1, 1, 0), (true, 2, 1, 1)]);
    assert!(crate::remove_delivery(&bench.lake(), &held[1].id).await.unwrap());
    assert_eq!(bench.query("SELECT resource_id FROM utilization").await, ["i-a"]);
    assert!(bench.query("SELECT * FROM rejects").await.is_empty());
    assert_eq!(bench.query("SELECT count(*) FROM objects").await, ["1"]);
}

#[tokio::test]
async fn a_mean_across_the_end_of_a_month_is_cut_there() {
    let bench = Bench::new();
    let header = format!("{HEADER},samples");
    bench.write("u.csv", &header, &["i-a,2026-10-31T22:00:00Z,2026-11-01T02:00:00Z,cpu_utilization,0.5,48"]);
    let file = bench.import_one("u.csv").await;
    assert_eq!((file.rows, file.rejects), (1, 0));
    let sql = "SELECT period, usage_start, usage_end, avg, samples FROM utilization ORDER BY period";
    assert_eq!(
        bench.query(sql).await,
        [
            "2026-10 2026-10-31T22:00:00Z 2026-11-01T00:00:00Z 0.5 -",
            "2026-11 2026-11-01T00:00:00Z 2026-11-01T02:00:00Z 0.5 -"
        ]
    );
}

#[tokio::test]
async fn other_metrics_are_kept_and_counted_as_unused() {
    let bench = Bench::new();
    bench.write("u.csv", HEADER, &["i-a,2026-10-01T00:00:00Z,2026-10-01T01:00:00Z,CPUUtilization,42.5"]);
    let file = bench.import_one("u.csv").await;
    assert_eq!(file.unused_metrics, [("CPUUtilization".to_owned(), 1)].into());
    assert_eq!(bench.query("SELECT metric, avg FROM utilization").await, ["CPUUtilization 42.5"]);
}

#[tokio::test]
async fn a_folder_names_what_it_leaves_out() {
    let bench = Bench::new();
    bench.write("u.csv", HEADER, &[&row("i-a", 0, "0.5")]);
    bench.write(".hidden.csv", HEADER, &[]);
    bench.write("notes.txt", "notes", &[]);
    let report = bench.import("").await;
    assert_eq!(report.files.len(), 1);
    let ignored: Vec<_> = report.ignored.iter().map(|object| object.reason).collect();
    assert_eq!(ignored, [IgnoreReason::Hidden, IgnoreReason::NotData]);
}
