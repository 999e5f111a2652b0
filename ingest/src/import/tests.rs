use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use airshed_domain::schema::{self, Table, column as c};
use airshed_lake::StoreOptions;
use arrow::{
    array::{AsArray as _, RecordBatch},
    compute::cast,
    datatypes::DataType,
};
use datafusion::prelude::SessionContext;

use super::*;
use crate::discover::open_input;

/// Columns of the small CUR 2.0 files that the tests make.
const HEADER: &str = "identity_line_item_id,bill_payer_account_id,bill_billing_period_start_date,\
    line_item_usage_account_id,line_item_line_item_type,line_item_usage_start_date,line_item_usage_end_date,\
    line_item_product_code,line_item_usage_type,line_item_operation,line_item_resource_id,line_item_usage_amount,\
    line_item_currency_code,line_item_unblended_cost,pricing_unit,product_region_code,line_item_usage_account_name";

/// One line of usage in an hour of a month; its cost is `hour` cents.
fn line(month: &str, hour: usize) -> String {
    let (day, of_day, account, machine) = (hour / 24 + 1, hour % 24, hour % 3, hour % 7);
    let cents = hour;
    format!(
        "{month}-line-{hour},999999999999,{month}-01T00:00:00Z,11111111111{account},Usage,\
         {month}-{day:02}T{of_day:02}:00:00Z,{month}-{day:02}T{of_day:02}:59:59Z,AmazonEC2,BoxUsage:m5.large,\
         RunInstances,i-{machine},1,USD,{}.{:02},Hrs,eu-west-1,name",
        cents / 100,
        cents % 100
    )
}

fn csv(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().fold(format!("{HEADER}\n"), |mut text, line| {
        writeln!(text, "{line}").unwrap();
        text
    })
}

pub(crate) fn hours(month: &str, hours: std::ops::Range<usize>) -> String {
    csv(hours.map(|hour| line(month, hour)))
}

fn write(root: &Path, path: &str, content: &str) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, content).unwrap();
}

/// A lake, an input folder and a spill folder that live as long as the test.
pub(crate) struct Bench {
    root: tempfile::TempDir,
    options: ImportOptions,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("in")).unwrap();
        let options = ImportOptions::new(root.path().join("spill"));
        Self { root, options }
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        write(&self.root.path().join("in"), path, content);
    }

    pub(crate) fn lake(&self) -> Lake {
        Lake::open(self.root.path().join("lake").to_str().unwrap(), &StoreOptions::new()).unwrap()
    }

    async fn try_import(&self, below: &str, cancel: &CancellationToken) -> Result<ImportReport> {
        let input =
            open_input(self.root.path().join("in").join(below).to_str().unwrap(), &StoreOptions::new())?;
        let now = Timestamp::from_second(1_793_000_000).unwrap();
        import(&input, &self.lake(), &self.options, now, Arc::new(NoProgress), cancel).await
    }

    pub(crate) async fn import(&self, below: &str) -> ImportReport {
        self.try_import(below, &CancellationToken::new()).await.unwrap()
    }

    pub(crate) async fn query(&self, sql: &str) -> Vec<Vec<String>> {
        let context = SessionContext::new();
        for table in schema::all() {
            if let Some(open) = self.lake().existing_table(&table).await.unwrap() {
                open.register(&context, &|_| true).await.unwrap();
            }
        }
        let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
        batches.iter().flat_map(rows).collect()
    }

    /// Hashes of the files of a table by billing period.
    async fn files(&self, table: &Table) -> BTreeMap<String, Vec<String>> {
        let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for file in self.lake().existing_table(table).await.unwrap().unwrap().files().unwrap() {
            files.entry(file.partition[c::PERIOD].clone()).or_default().push(file.content_hash().to_owned());
        }
        files
    }
}

fn rows(batch: &RecordBatch) -> Vec<Vec<String>> {
    let columns: Vec<_> =
        batch.columns().iter().map(|column| cast(column, &DataType::Utf8).unwrap()).collect();
    (0..batch.num_rows())
        .map(|row| columns.iter().map(|column| column.as_string::<i32>().value(row).to_owned()).collect())
        .collect()
}

fn only(report: &ImportReport) -> &DeliveryReport {
    assert_eq!(report.deliveries.len(), 1, "{report:?}");
    &report.deliveries[0]
}

#[tokio::test]
async fn rows_and_cost_arrive_to_the_last() {
    let bench = Bench::new();
    bench.write("a.csv", &hours("2026-10", 0..500));
    bench.write("b.csv", &hours("2026-10", 500..700));
    bench.write("notes.csv", "name,colour\nx,red\n");
    bench.write("README.md", "# hello");
    let report = bench.import("").await;
    let delivery = only(&report);
    assert!(matches!(delivery.outcome, Outcome::Imported), "{delivery:?}");
    assert_eq!(delivery.objects, 2);
    let period = &delivery.periods[0];
    assert_eq!((period.rows_in, period.lines, period.rejects), (700, 700, 0));
    // 0 + 1 + ... + 699 cents.
    assert_eq!(period.billed_cost["USD"].to_string(), "2446.500000000000");
    let reasons: Vec<_> = report.ignored.iter().map(|ignored| ignored.reason.as_str()).collect();
    assert_eq!(reasons, ["not a Parquet or CSV file", "not a billing export"]);
    let sums = bench
        .query(
            "select count(*), count(distinct line_seq), max(line_seq), sum(billed_cost) from billing_lines",
        )
        .await;
    assert_eq!(sums, [["700", "700", "699", "2446.500000000000"]]);
    let joined = bench
        .query(
            "select count(*) from billing_lines b join line_sources s using (period, delivery_id, batch_id, line_seq) \
             where b.line_id = concat('2026-10-line-', cast(case when s.object_uri like '%a.csv' then s.row_number \
             else s.row_number + 500 end as varchar))",
        )
        .await;
    assert_eq!(joined, [["700"]], "every line's source is the row that it came from");
    let objects = bench
        .query("select object_rows, rows_rejected, object_format from objects order by object_uri")
        .await;
    assert_eq!(objects, [["500", "0", "cur2"], ["200", "0", "cur2"]]);
}

#[tokio::test]
async fn the_same_twice_changes_nothing() {
    let bench = Bench::new();
    bench.write("x/data/BILLING_PERIOD=2026-10/x-1.csv", &hours("2026-10", 0..100));
    bench.import("").await;
    let version = bench.lake().table(&schema::billing_lines()).await.unwrap().version();
    let again = bench.import("").await;
    assert!(matches!(only(&again).outcome, Outcome::Unchanged), "{again:?}");
    assert_eq!(bench.lake().table(&schema::billing_lines()).await.unwrap().version(), version);
}

#[tokio::test]
async fn a_redelivered_month_replaces_what_it_replaces() {
    let bench = Bench::new();
    for month in ["2026-09", "2026-10"] {
        bench.write(&format!("x/data/BILLING_PERIOD={month}/x-1.csv"), &hours(month, 0..100));
    }
    bench.import("").await;
    let september = bench.files(&schema::billing_lines()).await["2026-09"].clone();
    bench.write("x/data/BILLING_PERIOD=2026-10/x-1.csv", &hours("2026-10", 0..90));
    bench.write("x/data/BILLING_PERIOD=2026-10/x-2.csv", &hours("2026-10", 90..130));
    let report = bench.import("").await;
    assert!(matches!(report.deliveries[0].outcome, Outcome::Unchanged));
    assert!(matches!(report.deliveries[1].outcome, Outcome::Imported));
    let counts =
        bench.query("select period, count(*) from billing_lines group by period order by period").await;
    assert_eq!(counts, [["2026-09", "100"], ["2026-10", "130"]]);
    assert_eq!(bench.files(&schema::billing_lines()).await["2026-09"], september);
    let sources = bench.query("select count(*) from line_sources where period = '2026-10'").await;
    assert_eq!(sources, [["130"]]);
    let objects = bench.query("select count(*), sum(object_rows) from objects").await;
    assert_eq!(objects, [["3", "230"]]);
}

#[tokio::test]
async fn a_copy_of_an_object_is_left_out_and_said() {
    let bench = Bench::new();
    bench.write("first/a.csv", &hours("2026-10", 0..50));
    bench.write("first/a-copy.csv", &hours("2026-10", 0..50));
    bench.write("second/b.csv", &hours("2026-10", 0..50));
    let report = bench.import("").await;
    let [first, second] = report.deliveries.as_slice() else { panic!("{report:?}") };
    assert_eq!(first.duplicates.len(), 1);
    assert!(first.duplicates[0].duplicate_of.ends_with("first/a-copy.csv"), "{first:?}");
    assert!(matches!(second.outcome, Outcome::Nothing));
    assert!(second.duplicates[0].duplicate_of.ends_with("first/a-copy.csv"), "{second:?}");
    assert_eq!(bench.query("select count(*) from billing_lines").await, [["50"]]);
    // When the first delivery no longer holds those bytes, the second does.
    bench.write("first/a.csv", &hours("2026-10", 100..110));
    fs::remove_file(bench.root.path().join("in/first/a-copy.csv")).unwrap();
    let report = bench.import("").await;
    assert!(matches!(report.deliveries[1].outcome, Outcome::Imported), "{report:?}");
    assert_eq!(bench.query("select count(*) from billing_lines").await, [["60"]]);
    // A delivery that turns into a copy of another gives up what it had.
    bench.write("first/a.csv", &hours("2026-10", 0..50));
    bench.import("").await;
    assert_eq!(bench.query("select count(*) from billing_lines").await, [["50"]]);
}

#[tokio::test]
async fn rejected_rows_are_counted_and_kept() {
    let bench = Bench::new();
    let bad = line("2026-10", 7).replace(",1,USD,", ",many,USD,");
    bench.write("a.csv", &csv((0..5).map(|hour| line("2026-10", hour)).chain([bad])));
    let report = bench.import("").await;
    let periods = &only(&report).periods;
    let rows: u64 = periods.iter().map(|period| period.rows_in).sum();
    let rejects: u64 = periods.iter().map(|period| period.rejects).sum();
    assert_eq!((rows, rejects), (6, 1), "{periods:?}");
    let rejects = bench.query("select row_number, reason, value from rejects").await;
    assert_eq!(rejects, [["5", "not_a_number", "many"]]);
}

#[tokio::test]
async fn a_delivery_with_a_missing_file_is_refused_and_keeps_what_it_had() {
    let bench = Bench::new();
    let manifest = |files: &[&str]| {
        let listed: Vec<String> =
            files.iter().map(|file| format!("\"s3://b/x/data/BILLING_PERIOD=2026-10/{file}\"")).collect();
        format!("{{\"dataFiles\":[{}]}}", listed.join(","))
    };
    bench.write("x/data/BILLING_PERIOD=2026-10/x-1.csv", &hours("2026-10", 0..10));
    bench.write("x/metadata/BILLING_PERIOD=2026-10/x-Manifest.json", &manifest(&["x-1.csv"]));
    bench.import("").await;
    bench.write("x/metadata/BILLING_PERIOD=2026-10/x-Manifest.json", &manifest(&["x-1.csv", "x-2.csv"]));
    let report = bench.import("").await;
    let Outcome::Refused(error) = &only(&report).outcome else { panic!("{report:?}") };
    assert_eq!(error.kind(), ErrorKind::Input);
    assert!(error.to_string().contains("x-2.csv"), "{error}");
    assert_eq!(bench.query("select count(*) from billing_lines").await, [["10"]]);
}

#[tokio::test]
async fn a_copy_counts_when_its_holder_gives_it_up_in_the_same_import() {
    let bench = Bench::new();
    bench.write("zz/x.csv", &hours("2026-10", 0..50));
    bench.import("").await;
    bench.write("aa/x.csv", &hours("2026-10", 0..50));
    let report = bench.import("").await;
    assert!(matches!(report.deliveries[0].outcome, Outcome::Nothing), "{report:?}");
    // `aa` is visited first, when `zz` still holds the lines that it is about to drop.
    bench.write("zz/x.csv", &hours("2026-10", 100..110));
    let report = bench.import("").await;
    assert_eq!(report.deliveries.len(), 2);
    assert!(report.deliveries.iter().all(|d| matches!(d.outcome, Outcome::Imported)), "{report:?}");
    assert!(report.deliveries[0].duplicates.is_empty(), "{report:?}");
    assert_eq!(bench.query("select count(*) from billing_lines").await, [["60"]]);
    // The two change places: both must be read, and neither is lost.
    bench.write("zz/x.csv", &hours("2026-10", 0..50));
    bench.write("aa/x.csv", &hours("2026-10", 100..110));
    bench.import("").await;
    assert_eq!(bench.query("select count(*) from billing_lines").await, [["60"]]);
    let again = bench.import("").await;
    assert!(again.deliveries.iter().all(|d| matches!(d.outcome, Outcome::Unchanged)), "{again:?}");
}

#[tokio::test]
async fn a_bill_in_other_bytes_is_refused() {
    let bench = Bench::new();
    bench.write("first/a.csv", &hours("2026-10", 0..500));
    bench.import("").await;
    let before = bench.query("select count(*), sum(billed_cost) from billing_lines").await;
    let version = bench.lake().table(&schema::billing_lines()).await.unwrap().version();
    let backwards = || (0..500).rev().map(|hour| line("2026-10", hour));
    let other_ids = csv(backwards().map(|line| line.replacen("line-", "other-export-", 1)));
    // Other order; part of the lines in another file; and, as from another AWS export, other ids.
    for other in [csv(backwards()), csv(backwards().take(60)), other_ids] {
        bench.write("second/b.csv", &other);
        let report = bench.import("").await;
        let [first, second] = report.deliveries.as_slice() else { panic!("{report:?}") };
        assert!(matches!(first.outcome, Outcome::Unchanged), "{report:?}");
        let Outcome::Refused(error) = &second.outcome else { panic!("{report:?}") };
        assert_eq!(error.kind(), ErrorKind::Input);
        let message = error.to_string();
        let said =
            [first.id.as_str(), second.id.as_str(), "first/a.csv", "2026-10", "999999999999", "remove one"];
        assert!(said.iter().all(|word| message.contains(word)), "{message}");
        assert_eq!(bench.query("select count(*), sum(billed_cost) from billing_lines").await, before);
        assert_eq!(bench.query("select count(*) from objects").await, [["1"]]);
        assert_eq!(bench.lake().table(&schema::billing_lines()).await.unwrap().version(), version);
    }
}

#[tokio::test]
async fn parts_of_a_month_stand_side_by_side() {
    let bench = Bench::new();
    // Steady use: both halves have as many lines and the same cost, and so does the same month of another account.
    let steady =
        |hour: usize| line("2026-10", hour).replace(&format!(",{}.{:02},", hour / 100, hour % 100), ",1.00,");
    bench.write("first/a.csv", &csv((0..300).map(steady)));
    bench.write("second/b.csv", &csv((300..600).map(steady)));
    bench.write(
        "third/c.csv",
        &csv((0..300).map(|hour| steady(hour).replace("999999999999", "888888888888"))),
    );
    let report = bench.import("").await;
    assert_eq!(report.deliveries.len(), 3);
    assert!(report.deliveries.iter().all(|d| matches!(d.outcome, Outcome::Imported)), "{report:?}");
    let sums = bench.query("select count(*), sum(billed_cost) from billing_lines").await;
    assert_eq!(sums, [["900", "900.000000000000"]]);
}

#[tokio::test]
async fn threads_memory_and_the_cut_into_files_do_not_change_the_bytes() {
    let mut expected: Option<BTreeMap<String, Vec<String>>> = None;
    for (threads, memory_budget_bytes, files) in
        [(1, 512 << 20, 1), (4, 512 << 20, 3), (2, 0, 7), (3, 100_000, 2)]
    {
        let mut bench = Bench::new();
        bench.options.threads = threads;
        bench.options.memory_budget_bytes = memory_budget_bytes;
        // Every second bench has the rows backwards.
        for file in 0..files {
            let mut of_file: Vec<usize> = (0..700).filter(|hour| hour % files == file).collect();
            if files > 1 {
                of_file.reverse();
            }
            bench.write(&format!("{file}.csv"), &csv(of_file.into_iter().map(|hour| line("2026-10", hour))));
        }
        bench.import("").await;
        let lines = bench.files(&schema::billing_lines()).await;
        assert_eq!(*expected.get_or_insert_with(|| lines.clone()), lines, "{threads} threads, {files} files");
    }
}

#[tokio::test]
async fn a_cancelled_import_publishes_nothing() {
    let bench = Bench::new();
    bench.write("a.csv", &hours("2026-10", 0..10));
    let cancel = CancellationToken::new();
    cancel.cancel();
    let error = bench.try_import("", &cancel).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(bench.lake().existing_table(&schema::billing_lines()).await.unwrap().is_none());
    bench.import("").await;
    assert_eq!(bench.query("select count(*) from billing_lines").await, [["10"]]);
}

/// Overwrites a file as soon as the input was listed.
struct Overwrite(PathBuf, String);

impl Progress for Overwrite {
    fn discovered(&self, _: usize, _: u64) {
        fs::write(&self.0, &self.1).unwrap();
    }

    fn delivery(&self, _: &str) {}

    fn advanced(&self, _: u64, _: u64) {}
}

#[tokio::test]
async fn a_file_that_changes_under_the_import_is_named_and_nothing_is_published() {
    let bench = Bench::new();
    bench.write("a.csv", &hours("2026-10", 0..10));
    let file = bench.root.path().join("in/a.csv");
    let input = open_input(file.to_str().unwrap(), &StoreOptions::new()).unwrap();
    let now = Timestamp::from_second(1_793_000_000).unwrap();
    let progress = Arc::new(Overwrite(file, hours("2026-10", 0..20)));
    let error = import(&input, &bench.lake(), &bench.options, now, progress, &CancellationToken::new())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Retry);
    let message = error.to_string();
    assert!(message.contains("changed while it was read; run again"), "{message}");
    assert!(message.contains("in/a.csv"), "{message}");
    assert!(bench.lake().existing_table(&schema::billing_lines()).await.unwrap().is_none());
    bench.import("a.csv").await;
    assert_eq!(bench.query("select count(*) from billing_lines").await, [["20"]]);
}

#[tokio::test]
async fn an_import_that_was_killed_before_its_last_commit_is_done_again() {
    let bench = Bench::new();
    bench.write("a.csv", &hours("2026-10", 0..10));
    bench.import("").await;
    let files = bench.files(&schema::billing_lines()).await;
    // Killed before the commit to `objects`, whose rows say that the batch is complete.
    let mut objects = bench.lake().table(&schema::objects()).await.unwrap();
    objects.replace_partition(&BTreeMap::new(), &[], "test").await.unwrap();
    let report = bench.import("").await;
    assert!(matches!(only(&report).outcome, Outcome::Imported), "{report:?}");
    assert_eq!(bench.files(&schema::billing_lines()).await, files);
    assert_eq!(bench.query("select count(*) from objects").await, [["1"]]);
}

#[tokio::test]
async fn objects_of_a_store_are_known_by_tag_and_size() {
    use object_store::{ObjectStore, ObjectStoreExt as _, memory::InMemory, path::Path};
    let bench = Bench::new();
    let lake = bench.lake();
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let object = Path::from("p/x/data/BILLING_PERIOD=2026-10/x-1.csv");
    store.put(&object, hours("2026-10", 0..20).into()).await.unwrap();
    let input = Location::in_store(Arc::clone(&store), &"memory://bucket/p".parse().unwrap()).unwrap();
    let cancel = CancellationToken::new();
    let now = Timestamp::from_second(1_793_000_000).unwrap();
    let run = || import(&input, &lake, &bench.options, now, Arc::new(NoProgress), &cancel);
    let report = run().await.unwrap();
    assert_eq!(only(&report).uri, "memory://bucket/p/x/data/BILLING_PERIOD=2026-10");
    assert!(matches!(only(&report).outcome, Outcome::Imported), "{report:?}");
    let objects = bench.query("select object_sha256, object_rows from objects").await;
    assert!(objects[0][0].starts_with("etag:"), "{objects:?}");
    assert_eq!(objects[0][1], "20");
    assert!(matches!(only(&run().await.unwrap()).outcome, Outcome::Unchanged));
}

/// Public sample files, when they are at hand: every row becomes a line or a reject.
#[expect(clippy::print_stderr, reason = "a test that reads nothing must say so")]
#[tokio::test]
async fn shared_samples_import_to_the_row() {
    let shared = std::env::var_os("AIRSHED_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let samples = shared.join("data/billing");
    if !samples.exists() {
        eprintln!("SKIPPED: {} is not there (AIRSHED_SHARED names the folder)", samples.display());
        return;
    }
    let bench = Bench::new();
    let input = open_input(samples.to_str().unwrap(), &StoreOptions::new()).unwrap();
    let now = Timestamp::from_second(1_793_000_000).unwrap();
    let cancel = CancellationToken::new();
    let report =
        import(&input, &bench.lake(), &bench.options, now, Arc::new(NoProgress), &cancel).await.unwrap();
    let delivery = only(&report);
    assert!(matches!(delivery.outcome, Outcome::Imported), "{delivery:?}");
    assert!(delivery.objects >= 4, "{report:?}");
    let rows: u64 = delivery.periods.iter().map(|period| period.rows_in).sum();
    let read = bench.query("select sum(object_rows), sum(rows_rejected) from objects").await;
    assert_eq!(read[0][0], rows.to_string());
    let focus =
        bench.query("select object_rows from objects where object_uri like '%focus_1.0_sample%'").await;
    assert_eq!(focus, [["1000"]]);
}
