//! What can never be read.

use super::world::{Lands, VISIBILITY, World, notification, record};
use crate::{clock::Clock as _, health::Status};

#[test]
fn poison_goes_to_a_dead_letter_with_the_reason_and_what_could_be_read_lands() {
    let world = World::new();
    let work = async {
        let good = record("111111111111", "i-1", 0);
        let cut = good.clone() + &record("111111111111", "i-2", 0)[..100];
        let queue = &world.queue;
        queue.send("no-json", "hello".to_owned());
        queue.send("test-event", r#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#.to_owned());
        queue.send("good", world.put("good", good).await);
        queue.send("garbage", world.put("garbage", vec![0xff; 1000]).await);
        queue.send("cut", world.put("cut", cut).await);
        queue.send("large", world.put("large", vec![b' '; (64 << 10) + 1]).await);
        queue.send("gone", notification("gone", "1", 10));
        queue.send("key", notification("a//b", "1", 10));
        let mut running = world.worker(world.announced(), Lands::AtOnce);
        let first = running.worker.once(&running.cancel).await.unwrap();
        assert_eq!((first.dead_letters, first.left, queue.left()), (5, 1, 1));
        // What is not there may be there later.
        for _ in 0..2 {
            world.clock.sleep(VISIBILITY).await;
            running.worker.once(&running.cancel).await.unwrap();
        }
        let counts = running.worker.counts();
        assert_eq!((counts.dead_letters, counts.objects, counts.left, queue.left()), (6, 7, 2, 0));
        let letters = world.dead_letters().await;
        let reasons: Vec<_> = letters
            .iter()
            .map(|(source, letter)| (source.as_str(), letter["reason"].as_str().unwrap()))
            .collect();
        assert_eq!(
            reasons,
            [
                ("message no-json", "the message is no JSON: expected value at line 1 column 1"),
                ("s3://bucket/a//b", "the key is not read: Path \"a//b\" contained empty path segment"),
                ("s3://bucket/cut", "the end of the object could not be read"),
                ("s3://bucket/garbage", "nothing of the object could be read"),
                ("s3://bucket/gone", "there is no such object"),
                ("s3://bucket/large", "the object has more than 65536 bytes"),
            ]
        );
        let letter = &letters["message no-json"];
        assert_eq!((letter["body"].as_str(), letter["stream"].as_str()), (Some("hello"), Some("the stream")));
        assert!(letter["at"].as_str().unwrap().starts_with("2026-06-01T00:00:"));
        assert!(letters["s3://bucket/gone"]["body"].as_str().unwrap().contains("ObjectCreated"));
    };
    world.clock.block_on(work).unwrap();
    let rows = world.rows();
    assert_eq!(rows.into_iter().collect::<Vec<_>>(), [("i-1 0".to_owned(), 2)]);
    let landed = world.landed.lock().unwrap();
    for piece in landed.iter().filter(|piece| piece.health.status == Status::Partial) {
        let object = piece.object.as_ref().unwrap();
        assert!(piece.rejects.len() as u64 == piece.health.rows_rejected && !piece.rejects.is_empty());
        assert!(piece.rejects.iter().all(|reject| reject.source == object.uri && !reject.detail.is_empty()));
        assert_eq!(object.format, if object.uri.ends_with("cut") { "json" } else { "unknown" });
    }
    assert_eq!(landed.iter().filter(|piece| piece.health.status == Status::Partial).count(), 6);
}

#[test]
fn many_rejects_of_one_object_are_counted_and_not_all_kept() {
    let world = World::new().with_bytes_in_flight(8 << 20);
    let work = async {
        let bad = record("111111111111", "i-1", 0).replace("eu-west-1", "");
        let object = bad.repeat(10_050);
        world.queue.send("m", world.put("o", object).await);
        let mut running = world.worker(world.announced(), Lands::AtOnce);
        let counts = running.worker.once(&running.cancel).await.unwrap();
        assert_eq!((counts.rejected, counts.dead_letters), (10_050, 1));
        let landed = world.landed.lock().unwrap();
        assert_eq!((landed[0].rejects.len(), landed[0].health.rows_rejected), (10_001, 10_050));
        assert_eq!(landed[0].rejects[10_000].detail, "50 more data points were rejected");
    };
    world.clock.block_on(work).unwrap();
}
