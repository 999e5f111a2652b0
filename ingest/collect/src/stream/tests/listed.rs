//! Objects that a listing finds.

use std::time::Duration;

use jiff::Timestamp;

use super::world::{Lands, World, record};
use crate::{clock::Clock as _, health::Health};

fn watermarks(world: &World) -> Vec<Timestamp> {
    world.landed.lock().unwrap().iter().filter_map(|piece| piece.health.watermark).collect()
}

#[test]
fn objects_below_a_prefix_land_once_and_the_watermark_follows_them() {
    let world = World::new();
    let work = async {
        for n in 0..30 {
            world
                .put(
                    &format!("fleet/2026/06/01/{:02}/o-{n}", n % 24),
                    record("111111111111", &format!("i-{n}"), 0),
                )
                .await;
        }
        world.put("elsewhere/2026/06/01/00/o", record("111111111111", "i-x", 0)).await;
        world.put("fleet/2026/06/01/00/empty", "").await;
        let mut running = world.worker(world.listed("fleet", None), Lands::AtOnce);
        let counts = running.worker.once(&running.cancel).await.unwrap();
        assert_eq!((counts.objects, counts.rows), (30, 30));
        let again = running.worker.once(&running.cancel).await.unwrap();
        assert_eq!(again, counts);
        // Another process goes on from the ledger.
        world.put("fleet/2026/06/01/01/late", record("111111111111", "i-late", 0)).await;
        let source = world.listed("fleet", watermarks(&world).last().copied());
        let mut next = world.worker_that_knows(source, world.known(), Lands::AtOnce);
        assert_eq!(next.worker.once(&next.cancel).await.unwrap().objects, 1);
    };
    world.clock.block_on(work).unwrap();
    assert_eq!(world.rows().values().sum::<usize>(), 31);
    let expected: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
    assert!(watermarks(&world).iter().all(|at| *at >= expected) && watermarks(&world).len() == 3);
}

#[test]
fn names_before_the_hours_that_may_be_late_are_not_listed_and_old_objects_are_not_read() {
    let world = World::new();
    let work = async {
        let watermark: Timestamp = "2026-06-03T05:30:00Z".parse().unwrap();
        for (hour, id) in
            [("2026/06/02/02", "i-before"), ("2026/06/02/03", "i-first"), ("2026/06/03/09", "i-new")]
        {
            world.put(&format!("p/{hour}/o"), record("111111111111", id, 0)).await;
        }
        let mut running = world.worker(world.listed("p", Some(watermark)), Lands::AtOnce);
        running.worker.once(&running.cancel).await.unwrap();
        let ids: Vec<_> = world.rows().into_keys().collect();
        assert_eq!(ids, ["i-first 0", "i-new 0"]);
        // Names that are no hours: all are listed, and those delivered long before the watermark are not read.
        world.put("q/stream/o", record("111111111111", "i-q", 0)).await;
        let later: Timestamp = "2199-01-01T00:00:00Z".parse().unwrap();
        for (watermark, objects) in [(later, 0), (watermark, 1)] {
            let mut running = world.worker(world.listed("q", Some(watermark)), Lands::AtOnce);
            assert_eq!(running.worker.once(&running.cancel).await.unwrap().objects, objects);
        }
    };
    world.clock.block_on(work).unwrap();
}

#[test]
fn a_watcher_finds_new_objects_and_moves_its_watermark_only_when_it_listed_deep() {
    let world = World::starting("2026-06-01T00:10:00Z");
    let work = async {
        let mut running = world.worker(world.listed("p", None), Lands::AtOnce);
        let stop = running.cancel.clone();
        let (counts, ()) = tokio::join!(running.worker.watch(&running.cancel), async {
            world.clock.sleep(Duration::from_secs(100)).await;
            world.put("p/2026/06/01/00/o", record("111111111111", "i-now", 0)).await;
            world.put("p/2026/05/31/01/o", record("111111111111", "i-late", 0)).await;
            world.clock.sleep(Duration::from_mins(1)).await;
            world.at_once(|world| !world.rows().is_empty()).await;
            assert_eq!(world.rows().into_keys().collect::<Vec<_>>(), ["i-now 0"]);
            world.clock.sleep(Duration::from_hours(1)).await;
            world.at_once(|world| world.rows().len() == 2 && watermarks(world).len() == 2).await;
            stop.cancel();
        });
        assert_eq!(counts.unwrap().objects, 2);
    };
    world.clock.block_on(work).unwrap();
    assert_eq!(watermarks(&world).len(), 2);
    let landed = world.landed.lock().unwrap();
    let told: Vec<&Health> = landed.iter().map(|p| &p.health).filter(|h| h.watermark.is_some()).collect();
    assert_eq!(told[0].watermark.unwrap().to_string(), "2026-06-01T00:10:00Z");
}

#[test]
fn a_watermark_waits_for_objects_that_failed() {
    let world = World::new();
    let work = async {
        world.put("p/2026/06/01/00/o", record("111111111111", "i-1", 0)).await;
        let mut running = world.worker(world.listed("p", None), Lands::Fenced);
        running.worker.once(&running.cancel).await.unwrap_err();
    };
    world.clock.block_on(work).unwrap();
    assert!(watermarks(&world).is_empty());
}
