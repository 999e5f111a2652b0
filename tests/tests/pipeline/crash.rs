//! Killed at every write and started again: the same ledger as if it had never been killed.

use futures::{StreamExt as _, stream};

use airshed_tests::dying_store::{LastWrite, dying_lake};

use crate::{
    company,
    stages::{Machine, content, local_lake, rows, run},
};

/// Cases run at the same time: most of their time is waiting for files.
const CASES_AT_ONCE: usize = 4;
/// More writes than any run here makes.
const PLENTY: i64 = 1_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_write_and_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in");
    company::write(&input, "cur.csv", &company::lines(3));
    let machine = Machine { threads: 1, ..Machine::default() };

    let (lake, store) = dying_lake(&folder.path().join("never-killed"), PLENTY, LastWrite::Lost);
    run(&input, &lake, &machine).await.unwrap();
    let writes = PLENTY - store.left();
    let expected = content(&lake).await;
    assert!(writes > 20, "only {writes} writes: the store is not in the path");

    let cases =
        [LastWrite::Lost, LastWrite::Kept].into_iter().flat_map(|kind| (0..writes).map(move |at| (kind, at)));
    let work = cases.map(|(last_write, at)| {
        let place = folder.path().join(format!("{last_write:?}-{at}"));
        let (input, machine, expected) = (&input, &machine, &expected);
        async move {
            let (lake, store) = dying_lake(&place, at, last_write);
            let first = run(input, &lake, machine).await;
            assert!(first.is_err() || store.left() >= 0, "write {at} was survived in silence");

            let lake = local_lake(&place);
            run(input, &lake, machine).await.unwrap_or_else(|e| panic!("{last_write:?} {at}: {e}"));
            assert_eq!(content(&lake).await, *expected, "killed at write {at}, {last_write:?}");
            for table in [airshed_domain::schema::runs(), airshed_domain::schema::periods()] {
                assert_eq!(rows(&lake, &table).await, 1, "{} after {last_write:?} {at}", table.name);
            }
            std::fs::remove_dir_all(&place).unwrap();
        }
    });
    stream::iter(work).buffer_unordered(CASES_AT_ONCE).collect::<Vec<()>>().await;
}
