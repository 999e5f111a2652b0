//! Compacted files hold what the small ones held: the estimate's run is the same, wherever the compaction was killed.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use airshed_collect::compact::{CompactLimits, Compacted, compact};
use airshed_domain::{
    period::BillingPeriod,
    schema::{self, column as c},
};
use airshed_lake::{FileEncoder, Lake, PartitionValues, control};
use airshed_tests::dying_store::{LastWrite, dying_lake};
use arrow::{
    array::{
        ArrayRef, AsArray as _, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    },
    datatypes::{Float64Type, TimestampMicrosecondType},
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tokio_util::sync::CancellationToken;

use crate::{
    company,
    stages::{Machine, content, local_lake, rows, run},
};

/// 2026-10-01T00:00:00Z, where the bill begins.
const START_US: i64 = 1_790_812_800_000_000;
const MINUTE_US: i64 = 60_000_000;
/// More writes than any compaction here makes.
const PLENTY: i64 = 1_000_000;
const LIMITS: CompactLimits = CompactLimits { rows: 30, bytes: 1 << 20, least_files: 2 };

/// Resource, first and last minute, mean, samples.
type Row = (&'static str, i64, i64, f64, Option<i64>);

/// What collectors brought: data points of five minutes, some of them twice, and means of an hour.
fn measured() -> Vec<Row> {
    let fine = (0..24).map(|point| ("res-0", point * 5, point * 5 + 5, 0.04 * point as f64, Some(5)));
    let other = (0..12).map(|point| ("res-1", point * 5, point * 5 + 5, 0.5 + 0.03 * point as f64, None));
    let mut rows: Vec<Row> = fine.chain(other).collect();
    rows.extend(rows.clone().into_iter().step_by(3));
    rows.extend([
        ("res-0", 0, 60, 0.9, Some(60)),
        ("res-0", 120, 180, 0.8, Some(60)),
        ("res-0", 120, 180, 0.1, Some(2)),
    ]);
    rows
}

/// Lands rows as so many shards do, a few a batch.
async fn land(lake: &Lake, shards: usize, rows_of_batch: usize, rows: &[Row]) {
    let table = schema::utilization();
    let mut open = lake.table(&table).await.unwrap();
    for (index, rows) in rows.chunks(rows_of_batch).enumerate() {
        let instants = |of: fn(&Row) -> i64| -> ArrayRef {
            let values = rows.iter().map(|row| START_US + of(row) * MINUTE_US);
            Arc::new(TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC"))
        };
        let text = |of: fn(&Row) -> &'static str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(rows.iter().map(of)))
        };
        let columns = vec![
            instants(|row| row.1),
            instants(|row| row.2),
            text(|_| "111122223333"),
            text(|_| "eu-west-1"),
            text(|row| row.0),
            text(|_| schema::CPU_UTILIZATION),
            Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.3))) as ArrayRef,
            Arc::new(rows.iter().map(|_| None).collect::<Float64Array>()),
            Arc::new(rows.iter().map(|row| row.4).collect::<Int64Array>()),
        ];
        let mut encoder = FileEncoder::new(&table, table.file_schema()).unwrap();
        encoder.write(&RecordBatch::try_new(table.file_schema(), columns).unwrap()).unwrap();
        let partition = PartitionValues::from([(c::PERIOD.to_owned(), "2026-10".to_owned())]);
        let name = format!("part-collect{:03}-{:010}", index % shards, index / shards + 1);
        let file = open.put(&partition, &name, encoder.finish().unwrap()).await.unwrap();
        open.append_under(&[file], &[], "collect").await.unwrap();
    }
}

/// Every row of the table that tells something: resource, start, end, mean; sorted.
async fn held(lake: &Lake) -> Vec<(String, i64, i64, u64)> {
    let open = lake.table(&schema::utilization()).await.unwrap();
    let mut rows = Vec::new();
    for file in open.files().unwrap() {
        let bytes = open.fetch(&file).await.unwrap();
        for batch in ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap() {
            let batch = batch.unwrap();
            let column = |name| batch.column_by_name(name).unwrap();
            let instants = |name| column(name).as_primitive::<TimestampMicrosecondType>().clone();
            let (start, end) = (instants(c::USAGE_START), instants(c::USAGE_END));
            let resource = column(c::RESOURCE_ID).as_string::<i32>();
            let avg = column(c::AVG).as_primitive::<Float64Type>();
            rows.extend((0..batch.num_rows()).map(|row| {
                let name = resource.value(row).to_owned();
                (name, start.value(row), end.value(row), avg.value(row).to_bits())
            }));
        }
    }
    rows.sort();
    rows
}

async fn compacted(lake: &Lake) -> airshed_collect::Result<Compacted> {
    compact(lake, &schema::utilization(), &LIMITS, &CancellationToken::new()).await
}

async fn current_run(lake: &Lake) -> String {
    let period: BillingPeriod = "2026-10".parse().unwrap();
    control::current_runs(lake).await.unwrap()[&period].to_string()
}

fn export(folder: &Path) -> PathBuf {
    let input = folder.join("in");
    company::write(&input, "cur.csv", &company::lines(3));
    input
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_compaction_nor_the_number_of_collectors_makes_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let input = export(folder.path());
    let lake = local_lake(&folder.path().join("lake"));
    run(&input, &lake, &Machine::default()).await.unwrap();
    let without = current_run(&lake).await;
    land(&lake, 2, 4, &measured()).await;
    run(&input, &lake, &Machine::default()).await.unwrap();
    let with = current_run(&lake).await;
    assert_ne!(with, without);
    let (emissions, runs) = (content(&lake).await["emissions"].clone(), rows(&lake, &schema::runs()).await);

    let done = compacted(&lake).await.unwrap();
    assert!(done.files_before > done.files_after && done.repeats > 0, "{done:?}");
    run(&input, &lake, &Machine::default()).await.unwrap();
    assert_eq!(current_run(&lake).await, with);
    assert_eq!(content(&lake).await["emissions"], emissions);
    assert_eq!(rows(&lake, &schema::runs()).await, runs);

    // Five processes, other batches, the other way round, some of it three times.
    let other = local_lake(&folder.path().join("other"));
    let mut measured = measured();
    measured.reverse();
    measured.extend(measured.clone().into_iter().step_by(2));
    land(&other, 5, 7, &measured).await;
    run(&input, &other, &Machine::default()).await.unwrap();
    assert_eq!(current_run(&other).await, with);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compaction_killed_at_any_write_changes_nothing_or_everything() {
    let folder = tempfile::tempdir().unwrap();
    let prepared = folder.path().join("prepared");
    land(&local_lake(&prepared), 2, 4, &measured()).await;
    let before = held(&local_lake(&prepared)).await;

    let whole = folder.path().join("never-killed");
    copy(&prepared, &whole);
    let (lake, store) = dying_lake(&whole, PLENTY, LastWrite::Lost);
    let done = compacted(&lake).await.unwrap();
    let writes = PLENTY - store.left();
    assert!(writes > 2 && done.files_after > 1, "{writes} writes, {done:?}");
    let after = held(&lake).await;
    assert_eq!(before.len() as u64, after.len() as u64 + done.repeats);
    let distinct = |rows: &[(String, i64, i64, u64)]| {
        let mut rows = rows.to_vec();
        rows.dedup();
        rows
    };
    assert_eq!(distinct(&before), distinct(&after));

    for last_write in [LastWrite::Lost, LastWrite::Kept] {
        let mut changed = Vec::new();
        for at in 0..writes {
            let place = folder.path().join(format!("{last_write:?}-{at}"));
            copy(&prepared, &place);
            let (lake, store) = dying_lake(&place, at, last_write);
            let result = compacted(&lake).await;
            assert!(result.is_err() || store.left() >= 0, "write {at} was survived in silence");
            let lake = local_lake(&place);
            let found = held(&lake).await;
            assert!(found == before || found == after, "{last_write:?} {at}: neither before nor after");
            changed.push(found == after);
            compacted(&lake).await.unwrap();
            assert_eq!(held(&lake).await, after, "again after {last_write:?} {at}");
            fs::remove_dir_all(&place).unwrap();
        }
        // Only the last write, that of the log, can have been the one that counts.
        assert!(changed[..changed.len() - 1].iter().all(|changed| !changed), "{last_write:?} {changed:?}");
        assert_eq!(changed.last(), Some(&(last_write == LastWrite::Kept)), "{changed:?}");
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
