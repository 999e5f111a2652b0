//! Rows and progress land together, once, whatever dies and whoever else tries.

use airshed_collect::{ErrorKind, land::progress::object_key, unit::Shard};
use airshed_domain::schema::{self, column as c};
use airshed_lake::Lake;
use airshed_tests::dying_store::{LastWrite, dying_lake};
use futures::{StreamExt as _, stream};
use tokio_util::sync::CancellationToken;

use crate::lake_of_rows::{lander, local_lake, object_uri, piece, rows};

const SHARDS: [Shard; 2] = [Shard(1), Shard(7)];
/// Objects of all shards; the shard of an object is its number, in turns.
const OBJECTS: u32 = 6;
/// Objects after which a commit is made.
const COMMIT_AFTER: u32 = 2;
const CASES_AT_ONCE: usize = 4;
const PLENTY: i64 = 1_000_000;

/// Lands every object that the lake does not hold yet, as a process that holds all shards would.
async fn collect(lake: &Lake, collector: &str, cancel: &CancellationToken) -> airshed_collect::Result<()> {
    let (landing, mut task) = lander(lake, collector, cancel).await?;
    let result = hand_over_all(&landing).await;
    drop(landing);
    task.join_next().await.unwrap().unwrap()?;
    result
}

async fn hand_over_all(landing: &airshed_collect::land::Landing) -> airshed_collect::Result<()> {
    let progress = landing.adopt(SHARDS.to_vec()).await?;
    let mut pending = Vec::new();
    for number in 0..OBJECTS {
        if !progress.objects.contains(&object_key(&object_uri(number), "tag")) {
            let shard = SHARDS[number as usize % SHARDS.len()];
            pending.push(landing.hand_over(piece(shard, number)).await?);
        }
        if number % COMMIT_AFTER == COMMIT_AFTER - 1 {
            landing.flush().await?;
        }
    }
    landing.flush().await?;
    for piece in pending {
        piece.landed().await?;
    }
    Ok(())
}

/// What must be the same however it was landed.
async fn content(lake: &Lake) -> Vec<Vec<String>> {
    let utilization = [c::USAGE_START, c::USAGE_END, c::RESOURCE_ID, c::AVG];
    vec![
        rows(lake, &schema::utilization(), &utilization).await,
        rows(
            lake,
            &schema::collected_objects(),
            &[c::OBJECT_URI, c::OBJECT_E_TAG, c::ROWS, c::ROWS_REJECTED],
        )
        .await,
        rows(lake, &schema::rejects(), &[c::OBJECT_URI, c::ROW_NUMBER, c::REASON]).await,
        rows(lake, &schema::collector_health(), &[c::UNIT, c::WATERMARK, c::ROWS, c::SHARD]).await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_write_and_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, store) = dying_lake(&folder.path().join("never-killed"), PLENTY, LastWrite::Lost);
    collect(&lake, "first", &CancellationToken::new()).await.unwrap();
    let writes = PLENTY - store.left();
    let expected = content(&lake).await;
    assert_eq!(expected.iter().map(Vec::len).collect::<Vec<_>>(), [60, 6, 2, 6]);
    assert!(writes > 20, "only {writes} writes: the store is not in the path");

    let cases =
        [LastWrite::Lost, LastWrite::Kept].into_iter().flat_map(|kind| (0..writes).map(move |at| (kind, at)));
    let work = cases.map(|(last_write, at)| {
        let place = folder.path().join(format!("{last_write:?}-{at}"));
        let expected = &expected;
        async move {
            let (lake, store) = dying_lake(&place, at, last_write);
            // A lander that may not wait for its store gives up at the first refusal, as if it had been killed.
            let dead = CancellationToken::new();
            dead.cancel();
            let first = collect(&lake, "first", &dead).await;
            assert!(first.is_err() || store.left() >= 0, "write {at} was survived in silence");

            let lake = local_lake(&place);
            let second = collect(&lake, "second", &CancellationToken::new()).await;
            second.unwrap_or_else(|e| panic!("{last_write:?} {at}: {e}"));
            assert_eq!(content(&lake).await, *expected, "killed at write {at}, {last_write:?}");
            std::fs::remove_dir_all(&place).unwrap();
        }
    });
    stream::iter(work).buffer_unordered(CASES_AT_ONCE).collect::<Vec<()>>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_hold_a_shard_one_lands() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local_lake(folder.path());
    let cancel = CancellationToken::new();
    let (slow, mut slow_task) = lander(&lake, "slow", &cancel).await.unwrap();
    let (quick, mut quick_task) = lander(&lake, "quick", &cancel).await.unwrap();
    let [shared, own] = SHARDS;
    slow.adopt(vec![shared, own]).await.unwrap();
    quick.adopt(vec![shared]).await.unwrap();
    // Both took the same object; another one is of a shard that only the slow one holds.
    let twice = slow.hand_over(piece(shared, 0)).await.unwrap();
    let once = slow.hand_over(piece(own, 1)).await.unwrap();
    let landed = quick.hand_over(piece(shared, 0)).await.unwrap();
    quick.flush().await.unwrap();
    landed.landed().await.unwrap();

    slow.flush().await.unwrap();
    assert_eq!(twice.landed().await.unwrap_err().kind(), ErrorKind::Fenced);
    once.landed().await.unwrap();
    // It stays fenced until it takes the shard over again, and then knows what the other landed.
    let refused = slow.hand_over(piece(shared, 2)).await.unwrap();
    assert_eq!(refused.landed().await.unwrap_err().kind(), ErrorKind::Fenced);
    let progress = slow.adopt(vec![shared]).await.unwrap();
    assert!(progress.objects.contains(&object_key(&object_uri(0), "tag")));
    let again = slow.hand_over(piece(shared, 2)).await.unwrap();
    slow.flush().await.unwrap();
    again.landed().await.unwrap();

    drop((slow, quick));
    slow_task.join_next().await.unwrap().unwrap().unwrap();
    quick_task.join_next().await.unwrap().unwrap().unwrap();
    let objects = rows(&lake, &schema::collected_objects(), &[c::OBJECT_URI]).await;
    assert_eq!(objects, ["s3://metrics/0", "s3://metrics/1", "s3://metrics/2"]);
    assert_eq!(rows(&lake, &schema::utilization(), &[c::AVG]).await.len(), 30);
}

#[tokio::test]
async fn rows_go_to_the_period_of_their_start() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local_lake(folder.path());
    collect(&lake, "only", &CancellationToken::new()).await.unwrap();
    let table = lake.table(&schema::utilization()).await.unwrap();
    let in_period = |period: &str| -> u64 {
        let of = |file: &airshed_lake::DataFile| file.partition[c::PERIOD] == period;
        table.files().unwrap().iter().filter(|file| of(file)).map(|file| file.rows).sum()
    };
    // Object 0 begins five minutes before November.
    assert_eq!((in_period("2026-10"), in_period("2026-11")), (5, 55));
}

#[tokio::test]
async fn progress_is_what_was_landed() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local_lake(folder.path());
    collect(&lake, "first", &CancellationToken::new()).await.unwrap();
    let cancel = CancellationToken::new();
    let (landing, _task) = lander(&lake, "second", &cancel).await.unwrap();
    let progress = landing.adopt(SHARDS.to_vec()).await.unwrap();
    assert_eq!(progress.objects.len(), 6);
    let (key, watermark) = progress.watermarks.iter().next().unwrap();
    assert_eq!((key.work.as_str(), progress.watermarks.len()), ("stream", 1));
    assert_eq!(watermark.to_string(), "2026-11-01T00:45:00Z");
}
