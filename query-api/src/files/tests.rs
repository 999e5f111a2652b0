//! Which files a statement opens.

use std::collections::BTreeMap;

use airshed_domain::schema::{self, column as c};
use airshed_lake::{FileEncoder, Lake, Location, StoreOptions};
use arrow::array::{ArrayRef, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow::datatypes::DataType;
use datafusion::{
    common::Column,
    logical_expr::{col, lit},
    physical_plan::displayable,
    prelude::{SessionConfig, SessionContext},
};

use super::*;
use crate::{functions, scope::RowScope, threads::threads};

const DAY_US: i64 = 86_400_000_000;

/// A day of an account in a period, twice.
async fn put(table: &mut LakeTable, period: &str, accounts: [Option<&str>; 2], days: [i64; 2]) -> DataFile {
    let description = table.description().clone();
    let stored = description.file_schema();
    let columns = stored.fields().iter().map(|field| -> ArrayRef {
        match (field.name().as_str(), field.data_type()) {
            (c::ACCOUNT_ID, _) => Arc::new(StringArray::from(accounts.to_vec())),
            (c::DAY, _) => {
                let days = days.map(|day| day * DAY_US);
                Arc::new(TimestampMicrosecondArray::from(days.to_vec()).with_timezone("UTC"))
            }
            (_, kind @ DataType::Utf8) => new_null_array(kind, 2),
            (_, kind) => arrow::compute::cast(&arrow::array::Int64Array::from(vec![1, 1]), kind).unwrap(),
        }
    });
    let batch = RecordBatch::try_new(Arc::clone(&stored), columns.collect()).unwrap();
    let mut encoder = FileEncoder::new(&description, stored).unwrap();
    encoder.write(&batch).unwrap();
    let partition: BTreeMap<String, String> =
        [(c::PERIOD, period), (c::RUN_ID, "run-1")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    table.put(&partition, "part-00000", encoder.finish().unwrap()).await.unwrap()
}

#[tokio::test]
async fn files_are_left_out_by_accounts_times_and_partitions() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::at(Location::parse(folder.path().to_str().unwrap(), &StoreOptions::new()).unwrap());
    let mut table = lake.table(&schema::emissions_daily()).await.unwrap();
    let files = [
        put(&mut table, "1970-01", [Some("1"), Some("3")], [0, 1]).await,
        put(&mut table, "1970-01", [Some("3"), None], [1, 2]).await,
        put(&mut table, "1970-02", [Some("5"), Some("5")], [31, 32]).await,
        put(&mut table, "1970-02", [None, None], [31, 31]).await,
    ];
    table.replace(&|_| true, &files, "test").await.unwrap();
    // What stands in the log is what was put there.
    let mut sorted = files.to_vec();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    assert_eq!(table.files().unwrap(), sorted);

    let schema = table.provider(&|_| true).await.unwrap().schema();
    let shown = FilesTable::new(&table, &schema, &|_| true).unwrap();
    let context = SessionContext::new();
    let account = || col(Column::from_name(c::ACCOUNT_ID));
    let day = |number: i64| lit(ScalarValue::TimestampMicrosecond(Some(number * DAY_US), Some("UTC".into())));
    let listed = |count: usize| (0..count).map(|n| lit(format!("x{n}"))).chain([lit("3")]).collect();
    for (name, conditions, expected) in [
        ("nothing", vec![], &[0, 1, 2, 3][..]),
        ("an account of two files", vec![account().eq(lit("3"))], &[0, 1, 3]),
        ("an account of one file", vec![account().eq(lit("5"))], &[2, 3]),
        ("an account of none", vec![account().eq(lit("4"))], &[3]),
        ("a list", vec![account().in_list(listed(30), false)], &[0, 1, 3]),
        ("a list too long to look through", vec![account().in_list(listed(400), false)], &[0, 1, 2, 3]),
        ("no account", vec![account().is_null()], &[0, 1, 2, 3]),
        ("all others", vec![account().not_eq(lit("5"))], &[0, 1, 3]),
        ("days", vec![col(c::DAY).gt_eq(day(2)), col(c::DAY).lt(day(31))], &[1]),
        ("a period", vec![col(c::PERIOD).eq(lit("1970-02"))], &[2, 3]),
        ("a period and an account", vec![col(c::PERIOD).eq(lit("1970-02")), account().eq(lit("1"))], &[3]),
        ("a period by its text", vec![col(c::PERIOD).like(lit("%-01"))], &[0, 1]),
    ] {
        let selected = shown.selected(&context.state(), &conditions).unwrap();
        let opened: Vec<usize> = (0..files.len())
            .filter(|&i| {
                selected.iter().any(|file| file.file.object_meta.location.as_ref().ends_with(&files[i].path))
            })
            .collect();
        // Of a file without any account nothing is told; it is read.
        assert_eq!(opened, expected, "{name}");
    }
}

/// What a scope and a statement ask of rows is told while files are read, below the guard and without one.
#[tokio::test]
async fn conditions_go_down_into_the_reading() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::at(Location::parse(folder.path().to_str().unwrap(), &StoreOptions::new()).unwrap());
    let mut table = lake.table(&schema::emissions_daily()).await.unwrap();
    let file = put(&mut table, "1970-01", [Some("1"), Some("3")], [0, 1]).await;
    table.replace(&|_| true, &[file], "test").await.unwrap();
    let schema = table.provider(&|_| true).await.unwrap().schema();
    let all: Arc<dyn TableProvider> = Arc::new(FilesTable::new(&table, &schema, &|_| true).unwrap());
    let scope = RowScope::of(&"account=1".parse().unwrap(), [].into()).unwrap();
    let seen = scope.guard(&schema::emissions_daily(), Arc::clone(&all), &functions::tag()).unwrap();

    let mut config = SessionConfig::new();
    config.options_mut().execution.parquet.pushdown_filters = true;
    let context = SessionContext::new_with_config(config);
    store::mount(&lake, &context.runtime_env()).unwrap();
    context.register_table("every", all).unwrap();
    context.register_table("seen", seen).unwrap();
    for (name, conditions) in [("every", &["region@"][..]), ("seen", &["account_id@", "region@"])] {
        let sql = format!("SELECT sum(lines) FROM {name} WHERE region = 'eu-west-1'");
        let plan = context.sql(&sql).await.unwrap().create_physical_plan().await.unwrap();
        let text = displayable(plan.as_ref()).indent(false).to_string();
        let reading = text.split_once("GuardExec").map_or(text.as_str(), |(_, below)| below);
        assert!(!reading.contains("FilterExec"), "{text}");
        let predicate = reading.split_once("predicate=").expect("a condition on rows").1;
        let predicate = predicate.split(", pruning_predicate").next().unwrap();
        for condition in conditions {
            assert_eq!(predicate.matches(condition).count(), 1, "{text}");
        }
    }
}

#[tokio::test]
async fn a_statement_has_threads_by_the_rows_that_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::at(Location::parse(folder.path().to_str().unwrap(), &StoreOptions::new()).unwrap());
    let mut table = lake.table(&schema::emissions_daily()).await.unwrap();
    let mut files = [
        put(&mut table, "1970-01", [Some("1"), Some("1")], [0, 1]).await,
        put(&mut table, "1970-02", [Some("2"), Some("2")], [31, 32]).await,
        put(&mut table, "1970-02", [Some("3"), Some("3")], [31, 32]).await,
    ];
    for (file, rows) in files.iter_mut().zip([150_000, 300_000, 1_000_000]) {
        file.rows = rows;
    }
    table.replace(&|_| true, &files, "test").await.unwrap();
    let schema = table.provider(&|_| true).await.unwrap().schema();
    let all: Arc<dyn TableProvider> = Arc::new(FilesTable::new(&table, &schema, &|_| true).unwrap());
    let scope = RowScope::of(&"account=1,account=2".parse().unwrap(), [].into()).unwrap();
    let seen = scope.guard(&schema::emissions_daily(), Arc::clone(&all), &functions::tag()).unwrap();
    let context = SessionContext::new();
    context.register_table("every", all).unwrap();
    context.register_table("seen", seen).unwrap();
    for (sql, expected) in [
        ("SELECT sum(lines) FROM every", 4),
        ("SELECT sum(lines) FROM every WHERE period = '1970-02'", 4),
        ("SELECT sum(lines) FROM every WHERE account_id = '2'", 2),
        ("SELECT sum(lines) FROM every WHERE account_id = '1'", 1),
        ("SELECT sum(lines) FROM every WHERE account_id = '4'", 1),
        ("EXPLAIN SELECT sum(lines) FROM every WHERE account_id = '1'", 1),
        // Both sides of a join are read, and what a subquery reads.
        ("SELECT 1 FROM every a JOIN every b USING (day) WHERE a.account_id = '1' AND b.account_id = '1'", 2),
        ("SELECT 1 FROM every WHERE account_id = '1' AND lines > (SELECT max(lines) FROM every)", 4),
        // Pairs of rows are work that no count of rows tells, as is what is no file.
        (
            "SELECT 1 FROM every a JOIN every b ON a.lines < b.lines WHERE a.account_id = '1' AND b.account_id = '1'",
            4,
        ),
        ("SELECT 1 FROM generate_series(1, 9)", 4),
        ("SELECT sum(lines) FROM seen", 3),
        ("SELECT sum(lines) FROM seen WHERE account_id = '2'", 2),
    ] {
        let state = context.state();
        let plan = state.create_logical_plan(sql).await.unwrap();
        let plan = state.optimize(&plan).unwrap();
        assert_eq!(threads(&plan, &state, 4).unwrap(), expected, "{sql}");
    }
}
