//! Announced objects: order, repetition, dying, pressure.

use std::{collections::HashSet, sync::atomic::Ordering, time::Duration};

use tokio_util::sync::CancellationToken;

use super::world::{Lands, VISIBILITY, World, notification, record};
use crate::{
    clock::Clock as _,
    error::ErrorKind,
    health::Status,
    land::{Piece, progress::object_key},
    stream::Counts,
};

/// Puts so many objects of two rows each, and announces them.
async fn announce(world: &World, objects: u64) -> Vec<(String, String)> {
    let mut messages = Vec::new();
    for n in 0..objects {
        let object = record("111111111111", &format!("i-{n}"), n) + &record("111111111111", "i-x", n);
        messages.push((format!("m-{n}"), world.put(&format!("2026/06/01/00/o={n}"), object).await));
    }
    messages
}

fn each_once(world: &World, objects: usize) {
    let rows = world.rows();
    assert_eq!(rows.len(), 2 * objects);
    assert!(rows.values().all(|times| *times == 1), "{rows:?}");
}

fn is_known(piece: &Piece, landed: &HashSet<u128>) -> bool {
    piece.object.as_ref().is_none_or(|object| landed.contains(&object_key(&object.uri, &object.e_tag)))
}

fn run<T>(work: impl AsyncFnOnce(&World) -> T) -> T {
    let world = World::new();
    world.clock.block_on(work(&world)).unwrap()
}

#[test]
fn objects_land_whole_and_once_whatever_the_order_and_repetition_of_their_messages() {
    run(async |world| {
        let messages = announce(world, 40).await;
        for (id, body) in messages.iter().rev().chain(&messages) {
            // The same object under another message, and one message twice.
            world.queue.send(id, body.clone());
            world.queue.send(&format!("{id}-again"), body.clone());
        }
        let mut running = world.worker(world.announced(), Lands::AtOnce);
        let counts = running.worker.once(&running.cancel).await.unwrap();
        each_once(world, 40);
        assert_eq!((counts.objects, counts.rows), (40, 80));
        assert!(counts.known >= 40, "{counts:?}");
        // A copy of a message with the id of one in work is not worked: it is left to come again.
        let again = running.worker.once(&running.cancel).await.unwrap();
        world.clock.sleep(VISIBILITY).await;
        running.worker.once(&running.cancel).await.unwrap();
        assert_eq!((again.objects, world.queue.left()), (40, 0));
        let landed = world.landed.lock().unwrap();
        let piece: &Piece =
            landed.iter().find(|piece| piece.object.as_ref().unwrap().uri.ends_with("o=7")).unwrap();
        let object = piece.object.as_ref().unwrap();
        assert_eq!((object.uri.as_str(), object.format), ("s3://bucket/2026/06/01/00/o=7", "json"));
        assert_eq!((object.stream.as_str(), piece.health.status), ("the stream", Status::Ok));
        assert_eq!(piece.health.newest.unwrap().to_string(), "2026-06-01T02:48:00Z");
    });
}

#[test]
fn a_message_is_deleted_after_its_rows_have_landed_and_not_before() {
    run(async |world| {
        for (id, body) in announce(world, 5).await {
            world.queue.send(&id, body);
        }
        let mut running = world.worker(world.announced(), Lands::Never);
        let stop = running.cancel.clone();
        let (ended, ()) = tokio::join!(running.worker.watch(&running.cancel), async {
            world.clock.sleep(5 * VISIBILITY).await;
            assert_eq!(world.queue.left(), 5);
            stop.cancel();
        });
        assert_eq!(ended.unwrap(), Counts::default());
        assert_eq!(world.queue.left(), 5);
    });
}

#[test]
fn what_landed_before_the_process_died_is_known_to_the_next_and_only_deleted() {
    run(async |world| {
        for (id, body) in announce(world, 12).await {
            world.queue.send(&id, body);
        }
        world.queue.deletes_fail.store(true, Ordering::Relaxed);
        let mut running = world.worker(world.announced(), Lands::AtOnce);
        let counts = running.worker.once(&running.cancel).await.unwrap();
        assert!(counts.left > 0, "{counts:?}");
        let landed = world.known();
        assert_eq!((landed.len(), world.queue.left()), (12, 12));
        // It dies. One object's landing had not come through either.
        let landed: HashSet<u128> = landed.into_iter().skip(1).collect();
        world.landed.lock().unwrap().retain(|piece| is_known(piece, &landed));
        world.queue.deletes_fail.store(false, Ordering::Relaxed);
        world.clock.sleep(VISIBILITY).await;
        let mut next = world.worker_that_knows(world.announced(), landed.clone(), Lands::AtOnce);
        let counts = next.worker.once(&next.cancel).await.unwrap();
        each_once(world, 12);
        assert_eq!((counts.known, counts.objects, world.queue.left()), (11, 1, 0));
    });
}

#[test]
fn an_object_written_again_under_its_name_is_another_object() {
    run(async |world| {
        let first = world.put("o", record("111111111111", "i-1", 0)).await;
        let second = world.put("o", record("111111111111", "i-2", 0)).await;
        // The first is gone: both messages lead to the second.
        world.queue.send("m-1", first);
        world.queue.send("m-2", second);
        let mut running = world.worker(world.announced(), Lands::AtOnce);
        let counts = running.worker.once(&running.cancel).await.unwrap();
        assert_eq!(world.rows().into_iter().collect::<Vec<_>>(), [("i-2 0".to_owned(), 1)]);
        assert_eq!((counts.objects, counts.known, world.queue.left()), (1, 1, 0));
    });
}

#[test]
fn a_shard_in_other_hands_ends_the_work_and_deletes_nothing() {
    run(async |world| {
        for (id, body) in announce(world, 3).await {
            world.queue.send(&id, body);
        }
        let mut running = world.worker(world.announced(), Lands::Fenced);
        let error = running.worker.once(&running.cancel).await.unwrap_err();
        assert_eq!((error.kind(), world.queue.left()), (ErrorKind::Fenced, 3));
    });
}

#[test]
fn while_the_lander_is_behind_no_more_is_received_than_fits() {
    run(async |world| {
        let object: String = (0..100).map(|minute| record("111111111111", "i-1", minute)).collect();
        for n in 0..200 {
            let object = object.replace("i-1", &format!("i-{n}"));
            world.queue.send(&format!("m-{n}"), world.put(&format!("o-{n}"), object).await);
        }
        let mut running = world.worker(world.announced(), Lands::Slowly(Duration::from_secs(1)));
        let cancel = running.cancel.clone();
        let (counts, most) = tokio::join!(running.worker.once(&cancel), async {
            let (mut most_ahead, mut most_bytes) = (0, 0);
            loop {
                let landed = world.landed.lock().unwrap().len();
                most_ahead = most_ahead.max(world.queue.received.load(Ordering::Relaxed) - landed);
                most_bytes = most_bytes.max(world.limits.held_bytes());
                if landed == 200 {
                    return (most_ahead, most_bytes);
                }
                world.clock.sleep(Duration::from_millis(100)).await;
            }
        });
        // Eight places, three pieces on their way to the lander and with it, and the ten of a receipt.
        assert!(most.0 <= 8 + 3 + 10, "{most:?}");
        assert!((20 << 10..=64 << 10).contains(&most.1), "{most:?}");
        assert_eq!(counts.unwrap().rows, 20_000);
        assert_eq!(world.queue.left(), 0);
    });
}

#[test]
fn a_stop_ends_every_wait() {
    run(async |world| {
        let stopped = CancellationToken::new();
        stopped.cancel();
        // Before it began, while it waits for messages, and while the lander is behind.
        let mut running = world.worker(world.announced(), Lands::AtOnce);
        assert_eq!(running.worker.once(&stopped).await.unwrap_err().kind(), ErrorKind::Cancelled);
        for lands in [Lands::AtOnce, Lands::Never] {
            let mut running = world.worker(world.announced(), lands);
            let stop = running.cancel.clone();
            let started = world.clock.elapsed();
            let (ended, ()) = tokio::join!(running.worker.watch(&running.cancel), async {
                world.clock.sleep(Duration::from_secs(90)).await;
                stop.cancel();
            });
            ended.unwrap();
            assert_eq!(world.clock.elapsed(), started + Duration::from_secs(90));
            for (id, body) in announce(world, 50).await {
                world.queue.send(&id, body);
            }
        }
    });
}

#[test]
fn a_watcher_outlives_a_queue_that_refuses_and_whoever_is_to_end_says_so() {
    run(async |world| {
        for (id, body) in announce(world, 3).await {
            world.queue.send(&id, body);
        }
        world.queue.receives_are_denied.store(2, Ordering::Relaxed);
        let mut running = world.worker(world.announced(), Lands::AtOnce);
        let error = running.worker.once(&running.cancel).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input);
        let stop = running.cancel.clone();
        let (counts, ()) = tokio::join!(running.worker.watch(&running.cancel), async {
            world.until(|world| world.queue.left() == 0).await;
            stop.cancel();
        });
        assert_eq!(counts.unwrap().objects, 3);
        each_once(world, 3);
        let landed = world.landed.lock().unwrap();
        assert!(landed.iter().any(|piece| piece.health.status == Status::Denied));
    });
}

#[test]
fn what_fails_for_now_is_tried_again_and_is_no_poison() {
    run(async |world| {
        for (id, body) in announce(world, 3).await {
            world.queue.send(&id, body);
        }
        world.keep_out_of_reach(7);
        world.queue.receives_fail.store(5, Ordering::Relaxed);
        let mut running = world.worker(world.announced(), Lands::AtOnce);
        let stop = running.cancel.clone();
        let (counts, ()) = tokio::join!(running.worker.watch(&running.cancel), async {
            world.until(|world| world.queue.left() == 0).await;
            stop.cancel();
        });
        let counts = counts.unwrap();
        each_once(world, 3);
        assert_eq!((counts.left, counts.objects, counts.dead_letters), (7, 3, 0));
        assert_eq!((world.queue.left(), world.dead_letters().await.len()), (0, 0));
        // One row of health says it, not seven.
        let landed = world.landed.lock().unwrap();
        let failed: Vec<_> = landed.iter().filter(|piece| piece.health.status == Status::Failed).collect();
        assert!((1..=3).contains(&failed.len()));
        assert_eq!(failed[0].health.detail.as_deref(), Some("out of reach"));
    });
}

#[test]
fn a_message_may_announce_several_objects_and_goes_with_the_last() {
    run(async |world| {
        let messages = announce(world, 3).await;
        let records: Vec<_> = messages
            .iter()
            .map(|(_, body)| serde_json::from_str::<serde_json::Value>(body).unwrap()["Records"][0].clone())
            .collect();
        world.queue.send("m", serde_json::json!({"Records": records}).to_string());
        let other = record("999999999999", "i-9", 0);
        world.queue.send("other", world.put("other", other).await);
        let mut running = world.worker(world.announced(), Lands::AtOnce);
        let counts = running.worker.once(&running.cancel).await.unwrap();
        each_once(world, 3);
        assert_eq!((counts.objects, counts.left_out, world.queue.left()), (4, 1, 0));
    });
}

#[test]
fn without_size_and_etag_the_store_is_asked() {
    run(async |world| {
        world.put("o", record("111111111111", "i-1", 0)).await;
        let mut message: serde_json::Value = serde_json::from_str(&notification("o", "x", 1)).unwrap();
        let object = message["Records"][0]["s3"]["object"].as_object_mut().unwrap();
        object.remove("eTag");
        object.remove("size");
        world.queue.send("m", message.to_string());
        let mut running = world.worker(world.announced(), Lands::AtOnce);
        let counts = running.worker.once(&running.cancel).await.unwrap();
        assert_eq!((counts.objects, counts.rows, world.queue.left()), (1, 1, 0));
        let landed = world.landed.lock().unwrap();
        assert_eq!(
            landed[0].object.as_ref().unwrap().size_bytes,
            record("111111111111", "i-1", 0).len() as u64
        );
    });
}
