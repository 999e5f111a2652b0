//! What any store must let a table do; run on a local folder and in memory.

use std::sync::Arc;

use airshed_domain::schema::{self, column as c};
use arrow::array::{Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use datafusion::prelude::SessionContext;
use object_store::{ObjectStore, local::LocalFileSystem, memory::InMemory};

use super::*;
use crate::{ErrorKind, FileEncoder, Lake, control};

fn lakes(folder: &std::path::Path) -> Vec<(&'static str, Lake)> {
    let local = url::Url::from_file_path(folder.join("lake")).unwrap();
    let memory = url::Url::parse("memory:///lake").unwrap();
    let stores: [(&str, Arc<dyn ObjectStore>, url::Url); 2] =
        [("local", Arc::new(LocalFileSystem::new()), local), ("memory", Arc::new(InMemory::new()), memory)];
    stores
        .into_iter()
        .map(|(name, store, url)| (name, Lake::at(Location::in_store(store, &url).unwrap())))
        .collect()
}

fn partition(period: &str, batch: &str) -> PartitionValues {
    [(c::DELIVERY_ID, period), (c::BATCH_ID, batch)]
        .map(|(column, value)| (column.to_owned(), value.to_owned()))
        .into()
}

/// A file of table `objects` whose rows are named `first`, `first + 1`, ...
fn objects(first: i64, rows: i64) -> EncodedFile {
    let table = schema::objects();
    let schema = table.file_schema();
    let text = |prefix: &str| -> StringArray {
        (first..first + rows).map(|i| Some(format!("{prefix}{i}"))).collect()
    };
    let number = || Int64Array::from_iter_values(first..first + rows);
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![
            Arc::new(text("object")),
            Arc::new(number()),
            Arc::new(text("sha")),
            Arc::new(text("format")),
            Arc::new(number()),
            Arc::new(number()),
            Arc::new(TimestampMicrosecondArray::from_iter_values(first..first + rows).with_timezone("UTC")),
        ],
    )
    .unwrap();
    let mut encoder = FileEncoder::new(&table, schema).unwrap();
    encoder.write(&batch).unwrap();
    encoder.finish().unwrap()
}

async fn count(table: &LakeTable, filter: &FileFilter<'_>) -> usize {
    let provider = table.provider(filter).await.unwrap();
    SessionContext::new().read_table(provider).unwrap().count().await.unwrap()
}

#[tokio::test]
async fn a_partition_is_what_was_published_last() {
    let folder = tempfile::tempdir().unwrap();
    for (name, lake) in lakes(folder.path()) {
        let mut table = lake.table(&schema::objects()).await.unwrap();
        assert_eq!(count(&table, &|_| true).await, 0, "{name}: a new table is empty");
        let mine = partition("d1", "b1");
        let first = table.put(&mine, "part-00000", objects(0, 3)).await.unwrap();
        assert_eq!(count(&table, &|_| true).await, 0, "{name}: written is not published");

        assert!(table.replace_partition(&mine, std::slice::from_ref(&first), "test").await.unwrap());
        assert_eq!(count(&table, &|_| true).await, 3, "{name}");
        let version = table.version();
        assert!(!table.replace_partition(&mine, &[first], "test").await.unwrap());
        assert_eq!(table.version(), version, "{name}: the same content is no commit");

        let other = partition("d2", "b1");
        let file = table.put(&other, "part-00000", objects(10, 2)).await.unwrap();
        table.replace_partition(&other, &[file], "test").await.unwrap();
        let second = table.put(&mine, "part-00000", objects(5, 4)).await.unwrap();
        table.replace_partition(&mine, &[second], "test").await.unwrap();
        assert_eq!(count(&table, &|_| true).await, 6, "{name}: 4 new rows and 2 of the other partition");
        assert_eq!(count(&table, &|f| f.partition[c::DELIVERY_ID] == "d2").await, 2, "{name}");
        assert_eq!(count(&table, &|_| false).await, 0, "{name}: a filter may leave nothing");

        let before = table.at_version(version).await.unwrap();
        assert_eq!(count(&before, &|_| true).await, 3, "{name}: the past stays readable");
        let reopened = lake.existing_table(&schema::objects()).await.unwrap().unwrap();
        assert_eq!(reopened.files().unwrap(), table.files().unwrap(), "{name}");
    }
}

#[tokio::test]
async fn equal_rows_make_files_of_equal_names() {
    let folder = tempfile::tempdir().unwrap();
    for (name, lake) in lakes(folder.path()) {
        let table = lake.table(&schema::objects()).await.unwrap();
        let put = async || table.put(&partition("d", "b"), "part-00000", objects(7, 9)).await.unwrap();
        let (one, two) = (put().await, put().await);
        assert_eq!(one, two, "{name}");
        assert_eq!(one.content_hash().len(), 32, "{name}: {}", one.path);
    }
}

#[tokio::test]
async fn a_number_of_a_sequence_is_taken_once() {
    let folder = tempfile::tempdir().unwrap();
    for (name, lake) in lakes(folder.path()) {
        let mut one = lake.table(&schema::objects()).await.unwrap();
        let mut two = lake.table(&schema::objects()).await.unwrap();
        let place = partition("d", "b");
        let a = one.put(&place, "a", objects(0, 1)).await.unwrap();
        let b = one.put(&place, "b", objects(1, 1)).await.unwrap();
        one.append_numbered(&a, "sequence", 1, "test").await.unwrap();
        let refused = two.append_numbered(&b, "sequence", 1, "test").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Retry, "{name}: {refused}");
        two.refresh().await.unwrap();
        two.append_numbered(&b, "sequence", 2, "test").await.unwrap();
        assert_eq!(count(&two, &|_| true).await, 2, "{name}");
    }
}

#[tokio::test]
async fn what_was_decided_from_an_older_version_has_no_effect() {
    let folder = tempfile::tempdir().unwrap();
    for (name, lake) in lakes(folder.path()) {
        let mut one = lake.table(&schema::objects()).await.unwrap();
        let mut two = lake.table(&schema::objects()).await.unwrap();
        let place = partition("d", "b");
        let a = one.put(&place, "a", objects(0, 1)).await.unwrap();
        let b = one.put(&place, "b", objects(1, 1)).await.unwrap();
        let only = |path: &str| {
            let path = path.to_owned();
            move |file: &DataFile| file.path == path
        };
        let (of_a, of_b) = (only(&a.path), only(&b.path));
        assert!(one.replace_in_sequence(&of_a, &[a], "sequence", "test").await.unwrap(), "{name}");
        let b = [b];
        let refused = two.replace_in_sequence(&of_b, &b, "sequence", "test").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Retry, "{name}: {refused}");
        two.refresh().await.unwrap();
        assert_eq!(count(&two, &|_| true).await, 1, "{name}");
        assert!(two.replace_in_sequence(&of_b, &b, "sequence", "test").await.unwrap(), "{name}");
        assert!(!two.replace_in_sequence(&of_b, &b, "sequence", "test").await.unwrap(), "{name}");
        assert_eq!(count(&two, &|_| true).await, 2, "{name}");
    }
}

#[tokio::test]
async fn the_last_published_run_is_current() {
    let folder = tempfile::tempdir().unwrap();
    for (name, lake) in lakes(folder.path()) {
        let period: airshed_domain::period::BillingPeriod = "2026-10".parse().unwrap();
        let run = |text: &str| airshed_domain::id::RunId::new(text);
        assert!(control::current_runs(&lake).await.unwrap().is_empty(), "{name}");
        for (at, text, changes) in
            [(1, "run-a", true), (2, "run-a", false), (3, "run-b", true), (4, "run-a", true)]
        {
            assert_eq!(
                control::make_current(&lake, period, &run(text), at).await.unwrap(),
                changes,
                "{name} {at}"
            );
            assert_eq!(control::current_runs(&lake).await.unwrap()[&period], run(text), "{name} {at}");
        }
        assert_eq!(control::period_history(&lake).await.unwrap()[&period].len(), 3, "{name}");
    }
}

#[tokio::test]
async fn of_rewrites_at_the_same_moment_one_holds_and_appends_pass() {
    let folder = tempfile::tempdir().unwrap();
    for (name, lake) in lakes(folder.path()) {
        let mine = partition("d1", "b1");
        let mut table = lake.table(&schema::objects()).await.unwrap();
        let mut small = Vec::new();
        for first in 0..3 {
            small.push(table.put(&mine, &format!("small-{first}"), objects(first, 1)).await.unwrap());
        }
        table.append_under(&small, &[], "test").await.unwrap();
        let (mut winner, mut loser, mut writer) = (table.clone(), table.clone(), table.clone());
        let large = table.put(&mine, "large", objects(0, 3)).await.unwrap();
        let other = table.put(&mine, "other", objects(0, 3)).await.unwrap();

        let appended = table.put(&mine, "appended", objects(3, 1)).await.unwrap();
        table.append_under(std::slice::from_ref(&appended), &[], "test").await.unwrap();
        winner.rewrite_in_sequence(&small, std::slice::from_ref(&large), "rewrite", "test").await.unwrap();
        let version = winner.version();
        let refused = loser.rewrite_in_sequence(&small, &[other], "rewrite", "test").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Retry, "{name}: {refused:?}");
        // From a version that still had the small files.
        let late = writer.put(&mine, "late", objects(4, 1)).await.unwrap();
        let numbers = [("shard".to_owned(), 1)];
        writer.append_under(std::slice::from_ref(&late), &numbers, "test").await.unwrap();

        table.refresh().await.unwrap();
        assert_eq!(table.version(), version + 1, "{name}");
        let paths: Vec<_> = table.files().unwrap().into_iter().map(|file| file.path).collect();
        assert_eq!(paths, [appended.path, large.path, late.path], "{name}");
        assert_eq!(count(&table, &|_| true).await, 5, "{name}");
    }
}

#[tokio::test]
async fn a_rewrite_of_files_that_were_removed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, lake) in lakes(folder.path()) {
        let mine = partition("d1", "b1");
        let mut table = lake.table(&schema::objects()).await.unwrap();
        let small = table.put(&mine, "small", objects(0, 1)).await.unwrap();
        table.append_under(std::slice::from_ref(&small), &[], "test").await.unwrap();
        let mut rewriter = table.clone();
        table.replace_partition(&mine, &[], "test").await.unwrap();
        let large = rewriter.put(&mine, "large", objects(0, 1)).await.unwrap();
        let refused = rewriter.rewrite_in_sequence(&[small], &[large], "rewrite", "test").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Retry, "{name}: {refused:?}");
        table.refresh().await.unwrap();
        assert!(table.files().unwrap().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_file_that_another_process_put_is_found_by_its_hash() {
    let folder = tempfile::tempdir().unwrap();
    for (name, lake) in lakes(folder.path()) {
        let table = lake.table(&schema::objects()).await.unwrap();
        let mine = partition("d1", "b1");
        let put = table.put(&mine, "part-00000", objects(0, 3)).await.unwrap();
        let look = |hash: &str| {
            let (hash, table, mine) = (hash.to_owned(), table.clone(), mine.clone());
            async move { table.put_elsewhere(&mine, "part-00000", &hash, 3).await }
        };
        assert_eq!(look(put.content_hash()).await.unwrap(), Some(put.clone()), "{name}");
        assert_eq!(look(&"0".repeat(32)).await.unwrap(), None, "{name}");
        for hash in ["", "../../../../etc/passwd", &"A".repeat(32), &"0".repeat(31)] {
            assert_eq!(look(hash).await.unwrap_err().kind(), ErrorKind::Corrupt, "{name}: {hash}");
        }
    }
}
