use std::sync::Arc;

use airshed_domain::schema::column as c;
use airshed_lake::{FileEncoder, PartitionValues, StoreOptions};
use arrow::{
    array::{
        Array as _, ArrayRef, AsArray as _, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
        TimestampMicrosecondArray,
    },
    compute::cast,
    datatypes::DataType,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;
use crate::error::ErrorKind;

const LIMITS: CompactLimits = CompactLimits { rows: 1_000, bytes: 1 << 20, least_files: 2 };

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn lake(&self) -> Lake {
        Lake::open(self.folder.path().to_str().unwrap(), &StoreOptions::new()).unwrap()
    }

    /// Puts a file into a table and commits it as the lander does.
    async fn add(&self, table: &Table, name: &str, batch: RecordBatch) {
        let mut partition = PartitionValues::new();
        if table.partitions > 0 {
            partition.insert(c::PERIOD.to_owned(), "2026-10".to_owned());
        }
        let mut encoder = FileEncoder::new(table, batch.schema()).unwrap();
        encoder.write(&batch).unwrap();
        let mut open = self.lake().table(table).await.unwrap();
        let file = open.put(&partition, name, encoder.finish().unwrap()).await.unwrap();
        open.append_under(&[file], &[], "test").await.unwrap();
    }

    async fn measured(&self, name: &str, rows: &[(&str, i64, f64)]) {
        self.add(&schema::utilization(), name, measured(rows)).await;
    }

    async fn compact(&self, table: &Table) -> Compacted {
        compact(&self.lake(), table, &LIMITS, &CancellationToken::new()).await.unwrap()
    }

    async fn names(&self, table: &Table) -> Vec<String> {
        let files = self.lake().table(table).await.unwrap().files().unwrap();
        let name = |file: &DataFile| {
            let name = file.path.rsplit('/').next().unwrap();
            name.rsplit_once('-').unwrap().0.to_owned()
        };
        files.iter().map(name).collect()
    }

    /// Rows as text, in the order of the files.
    async fn rows(&self, table: &Table) -> Vec<String> {
        let open = self.lake().table(table).await.unwrap();
        let mut rows = Vec::new();
        for file in open.files().unwrap() {
            let reader = ParquetRecordBatchReaderBuilder::try_new(open.fetch(&file).await.unwrap()).unwrap();
            for batch in reader.build().unwrap() {
                let batch = batch.unwrap();
                let columns: Vec<_> =
                    batch.columns().iter().map(|column| cast(column, &DataType::Utf8).unwrap()).collect();
                rows.extend((0..batch.num_rows()).map(|row| {
                    let cells = columns.iter().map(|column| {
                        if column.is_null(row) { "-" } else { column.as_string::<i32>().value(row) }
                    });
                    cells.collect::<Vec<_>>().join(" ")
                }));
            }
        }
        rows
    }
}

/// Rows of `utilization`: resource, minute, mean.
fn measured(rows: &[(&str, i64, f64)]) -> RecordBatch {
    const MINUTE_US: i64 = 60_000_000;
    let instants = |offset: i64| -> ArrayRef {
        let values = rows.iter().map(|row| (row.1 + offset) * MINUTE_US);
        Arc::new(TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC"))
    };
    let texts = |of: fn(&str) -> Option<&str>| -> ArrayRef {
        Arc::new(rows.iter().map(|row| of(row.0)).collect::<StringArray>())
    };
    let columns = vec![
        instants(0),
        instants(1),
        texts(|_| Some("111122223333")),
        texts(|_| None),
        texts(|name| Some(name)),
        texts(|_| Some("cpu_utilization")),
        Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.2))),
        Arc::new(rows.iter().map(|_| None).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|_| Some(5)).collect::<Int64Array>()),
    ];
    RecordBatch::try_new(schema::utilization().file_schema(), columns).unwrap()
}

fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort();
    rows
}

#[tokio::test]
async fn rows_are_those_of_before_but_for_repeats() {
    let bench = Bench::new();
    let table = schema::utilization();
    assert_eq!(bench.compact(&table).await, Compacted::default(), "there is no table");
    bench.measured("part-0a1b2c3d4e5f", &[("imported", 0, 0.5)]).await;
    bench.measured("part-collect000-0000000001", &[("b", 1, 0.5), ("a", 1, 0.5), ("a", 0, 0.25)]).await;
    // A repeat of another file, one of its own, and one that differs in the mean.
    bench
        .measured(
            "part-collect000-0000000002",
            &[("a", 1, 0.5), ("a", 2, 0.5), ("a", 2, 0.5), ("b", 1, 0.75)],
        )
        .await;
    bench.measured("part-collect001-0000000001", &[("c", 1, 0.5)]).await;
    bench.measured("part-collect000-0000000003", &[("a", 1, 0.5)]).await;
    bench.measured("part-collect001-0000000002", &[("c", 2, 0.5)]).await;
    let before = bench.rows(&table).await;

    let compacted = bench.compact(&table).await;
    assert_eq!(compacted, Compacted { files_before: 3, files_after: 1, rows: 6, repeats: 2 });
    let kept =
        ["part-0a1b2c3d4e5f", "part-collect000-0000000003", "part-collect001-0000000002", "part-compact"];
    assert_eq!(bench.names(&table).await, kept);
    // The repeat in the newest batch of the shard is not looked at.
    let after = bench.rows(&table).await;
    let mut expected = sorted(before.clone());
    let repeated = before.iter().find(|row| row.contains(" a ") && row.contains("00:01:00Z 1970")).unwrap();
    let twice =
        before.iter().find(|row| row.starts_with("1970-01-01T00:02:00Z") && row.contains(" a ")).unwrap();
    for repeat in [repeated, twice] {
        expected.remove(expected.iter().position(|row| row == repeat).unwrap());
    }
    assert_eq!(sorted(after.clone()), expected);
    let resources: Vec<_> = after[3..].iter().map(|row| row.split(' ').nth(4).unwrap()).collect();
    assert_eq!(resources, ["a", "a", "a", "b", "b", "c"], "sorted");

    let version = bench.lake().table(&table).await.unwrap().version();
    assert_eq!(bench.compact(&table).await, Compacted::default(), "one file is not worth a new one");
    assert_eq!(bench.lake().table(&table).await.unwrap().version(), version);
}

#[tokio::test]
async fn a_file_that_holds_all_rows_already_stays() {
    let bench = Bench::new();
    let table = schema::utilization();
    for number in 1..=3 {
        bench.measured(&format!("part-collect000-{number:010}"), &[("a", number, 0.5)]).await;
    }
    bench.compact(&table).await;
    let compacted = async || {
        let files = bench.lake().table(&table).await.unwrap().files().unwrap();
        files.into_iter().find(|file| file.path.contains("part-compact")).unwrap().path
    };
    let before = compacted().await;
    bench.measured("part-collect001-0000000001", &[("a", 1, 0.5)]).await;
    bench.measured("part-collect001-0000000002", &[("a", 9, 0.5)]).await;
    let done = bench.compact(&table).await;
    assert_eq!(done, Compacted { files_before: 2, files_after: 1, rows: 2, repeats: 1 });
    assert_eq!(compacted().await, before);
    let names = ["part-collect000-0000000003", "part-collect001-0000000002", "part-compact"];
    assert_eq!(bench.names(&table).await, names);
    assert_eq!(bench.rows(&table).await.len(), 4);
}

#[tokio::test]
async fn what_the_collectors_did_is_kept_row_by_row() {
    let bench = Bench::new();
    let table = schema::collector_health();
    for (number, at) in [(1, 30), (2, 10), (3, 10), (4, 20)] {
        let schema = table.file_schema();
        let columns: Vec<ArrayRef> = schema
            .fields()
            .iter()
            .map(|field| -> ArrayRef {
                match field.data_type() {
                    DataType::Utf8 => Arc::new(StringArray::from(vec!["same"])),
                    DataType::Int32 => Arc::new(Int32Array::from(vec![0])),
                    DataType::Int64 => Arc::new(Int64Array::from(vec![7])),
                    DataType::Float64 => Arc::new(Float64Array::from(vec![0.5])),
                    _ => Arc::new(TimestampMicrosecondArray::from_value(at, 1).with_timezone("UTC")),
                }
            })
            .collect();
        let batch = RecordBatch::try_new(schema, columns).unwrap();
        bench.add(&table, &format!("part-collect000-{number:010}"), batch).await;
    }
    let before = bench.rows(&table).await;
    let compacted = bench.compact(&table).await;
    assert_eq!(compacted, Compacted { files_before: 3, files_after: 1, rows: 3, repeats: 0 });
    let after = bench.rows(&table).await;
    assert_eq!(sorted(after.clone()), sorted(before));
    assert!(after[1..].is_sorted(), "{after:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn compactions_and_landings_at_the_same_moment_keep_every_row_once() {
    let bench = Bench::new();
    let table = schema::utilization();
    for number in 1..=6 {
        bench.measured(&format!("part-collect000-{number:010}"), &[("a", number, 0.5)]).await;
    }
    let compactions = async {
        let lake = bench.lake();
        let cancel = CancellationToken::new();
        let work = (0..4).map(|_| compact(&lake, &table, &LIMITS, &cancel));
        futures::future::join_all(work).await
    };
    let landings = async {
        for number in 7..=12 {
            bench.measured(&format!("part-collect000-{number:010}"), &[("a", number, 0.5)]).await;
        }
    };
    let (results, ()) = tokio::join!(compactions, landings);
    assert!(results.iter().any(Result::is_ok), "{results:?}");
    for error in results.into_iter().filter_map(Result::err) {
        assert_eq!(error.kind(), ErrorKind::Retry, "{error:?}");
    }
    let rows = sorted(bench.rows(&table).await);
    let mut distinct = rows.clone();
    distinct.dedup();
    assert_eq!((rows.len(), distinct.len()), (12, 12));
}

#[tokio::test]
async fn a_cancelled_compaction_changes_nothing() {
    let bench = Bench::new();
    let table = schema::utilization();
    for number in 1..=3 {
        bench.measured(&format!("part-collect000-{number:010}"), &[("a", number, 0.5)]).await;
    }
    let before = bench.names(&table).await;
    let cancel = CancellationToken::new();
    cancel.cancel();
    let error = compact(&bench.lake(), &table, &LIMITS, &cancel).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(bench.names(&table).await, before);
}
