//! One story each, over a store in memory and over a folder.

mod book;
mod chance;
mod faults;
mod files;
mod storm;
mod time;
mod world;

use std::{collections::BTreeMap, time::Duration};

use futures::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use object_store::ObjectStore as _;

use self::{
    faults::Fault,
    world::{Manner, World},
};
use super::Share;
use crate::{error::ErrorKind, unit::Shard};

const LEASE: Duration = Duration::from_mins(1);
const SHARDS: u16 = 8;

fn epochs(world: &World, number: usize) -> BTreeMap<Shard, u64> {
    world.processes[number].held().iter().map(|(shard, held)| (*shard, held.epoch)).collect()
}

fn names(world: &World) -> Vec<String> {
    let root = world.path("");
    let listed = futures::executor::block_on(world.inner.list(Some(&root)).try_collect::<Vec<_>>()).unwrap();
    let below = |path: &object_store::path::Path| path.as_ref()[root.as_ref().len() + 1..].to_owned();
    let mut names: Vec<String> = listed.iter().map(|file| below(&file.location)).collect();
    names.sort();
    names
}

/// Runs `deed` of a process while the world goes on for a lease.
fn meanwhile(world: &mut World, deed: impl Future<Output = ()> + 'static) {
    let done = std::rc::Rc::new(std::cell::Cell::new(false));
    let flag = std::rc::Rc::clone(&done);
    world.spawn(async move {
        deed.await;
        flag.set(true);
    });
    world.run_for(Duration::ZERO);
    if !done.get() {
        world.run_for(LEASE * 2);
    }
    assert!(done.get());
}

#[test]
fn the_first_process_takes_everything_at_once() {
    for mut world in World::each(SHARDS) {
        let a = world.start("a", Manner::default());
        world.run_for(Duration::ZERO);
        assert_eq!(epochs(&world, a), (0..SHARDS).map(|n| (Shard(n), 1)).collect());
    }
}

#[test]
fn a_second_one_gets_its_share() {
    for mut world in World::each(SHARDS) {
        world.start("a", Manner::default());
        world.run_for(LEASE);
        world.start("b", Manner::default());
        world.run_for(LEASE);
        world.assert_fair();
        assert!(world.processes.iter().all(|process| !process.held().is_empty()));
    }
}

#[test]
fn the_dead_are_followed_after_a_lease_and_not_before() {
    for mut world in World::each(SHARDS) {
        let a = world.start("a", Manner::default());
        world.start("b", Manner::default());
        world.run_for(LEASE * 3);
        world.assert_fair();
        let before = world.processes[1].held().len();
        world.kill(a);
        // The last beat of `a` is up to a third of a lease old.
        world.run_for(LEASE * 3 / 5);
        assert_eq!(world.processes[0].held().len(), before);
        world.run_for(LEASE * 2);
        world.assert_fair();
        // Nothing of `a` is left, some time later.
        world.run_for(LEASE * 12);
        assert!(!names(&world).contains(&"members/a.json".to_owned()));
    }
}

#[test]
fn leases_of_unknown_processes_are_watched_for_a_lease_first() {
    for mut world in World::each(SHARDS) {
        let a = world.start("a", Manner::default());
        world.run_for(LEASE);
        world.kill(a);
        futures::executor::block_on(object_store::ObjectStoreExt::delete(
            &world.inner,
            &world.path("members/a.json"),
        ))
        .unwrap();
        let b = world.start("b", Manner::default());
        world.run_for(LEASE * 99 / 100);
        assert_eq!(epochs(&world, b), BTreeMap::new());
        world.run_for(LEASE / 2);
        assert_eq!(epochs(&world, b), (0..SHARDS).map(|n| (Shard(n), 2)).collect());
    }
}

#[test]
fn a_process_that_starts_again_takes_up_its_own_at_once() {
    for mut world in World::each(SHARDS) {
        let a = world.start("a", Manner::default());
        world.run_for(LEASE);
        world.kill(a);
        world.run_for(Duration::from_secs(1));
        let a = world.start("a", Manner::default());
        world.run_for(Duration::ZERO);
        assert_eq!(epochs(&world, a), (0..SHARDS).map(|n| (Shard(n), 2)).collect());
    }
}

#[test]
fn a_halted_process_finds_its_shards_lost() {
    for mut world in World::each(SHARDS) {
        let a = world.start("a", Manner::default());
        let b = world.start("b", Manner::default());
        world.run_for(LEASE * 3);
        let before = world.processes[a].held();
        world.processes[a].halt();
        world.run_for(LEASE * 3);
        assert_eq!(world.processes[b].held().len(), usize::from(SHARDS));
        assert!(before.values().all(|held| !held.lost.is_cancelled()), "it knows nothing yet");
        world.processes[a].resume();
        world.run_for(Duration::ZERO);
        assert!(before.values().all(|held| held.lost.is_cancelled()));
        world.run_for(LEASE * 2);
        world.assert_fair();
        for (shard, held) in world.processes[a].held() {
            assert!(held.epoch > before[&shard].epoch);
        }
    }
}

#[test]
fn without_the_store_a_process_gives_up_by_itself_and_comes_back() {
    for mut world in World::each(SHARDS) {
        let a = world.start("a", Manner::default());
        world.run_for(LEASE);
        let before = world.processes[a].held();
        world.processes[a].store.set_out(true);
        world.run_for(LEASE / 4);
        assert_eq!(world.processes[a].held().len(), usize::from(SHARDS), "a short gap does no harm");
        world.run_for(LEASE / 2);
        assert_eq!(epochs(&world, a), BTreeMap::new());
        assert!(before.values().all(|held| held.lost.is_cancelled()));
        world.run_for(LEASE * 5);
        world.processes[a].store.set_out(false);
        world.run_for(LEASE);
        assert_eq!(epochs(&world, a), (0..SHARDS).map(|n| (Shard(n), 2)).collect());
    }
}

#[test]
fn a_lease_that_seems_to_have_failed_is_looked_at_again() {
    for fault in [Fault::Kept, Fault::Lost, Fault::Silent, Fault::Late] {
        for mut world in World::each(SHARDS) {
            let a = world.start("a", Manner::default());
            world.processes[a].store.plan("leases/003/", fault);
            world.run_for(LEASE * 4);
            assert_eq!(epochs(&world, a), (0..SHARDS).map(|n| (Shard(n), 1)).collect(), "{fault:?}");
        }
    }
}

#[test]
fn a_release_that_seems_to_have_failed_is_seen_to() {
    let at: Timestamp = "2026-10-01T12:00:00Z".parse().unwrap();
    for fault in [Fault::Kept, Fault::Lost, Fault::Silent, Fault::Late] {
        for mut world in World::each(SHARDS) {
            let a = world.start("a", Manner::default());
            world.run_for(LEASE);
            world.processes[a].store.plan("leases/003/", fault);
            let share = world.processes[a].share();
            meanwhile(&mut world, async move { share.release(Shard(3), Some(at)).await.unwrap() });
            world.run_for(LEASE * 4);
            // 1 taken, 2 released, 3 taken again, as nobody else is there.
            assert_eq!(epochs(&world, a)[&Shard(3)], 3, "{fault:?}");
            let swept = world.processes[a].share().swept().borrow().clone();
            assert_eq!(swept, BTreeMap::from([(Shard(3), at)]), "{fault:?}");
        }
    }
}

#[test]
fn a_sweep_is_known_to_the_others_and_outlives_later_leases() {
    let at: Timestamp = "2026-10-01T12:00:00Z".parse().unwrap();
    for mut world in World::each(SHARDS) {
        let a = world.start("a", Manner::default());
        world.run_for(LEASE);
        let share = world.processes[a].share();
        meanwhile(&mut world, async move { share.release(Shard(1), Some(at)).await.unwrap() });
        world.run_for(LEASE);
        let b = world.start("b", Manner::default());
        world.run_for(LEASE * 2);
        let swept = world.processes[b].share().swept().borrow().clone();
        assert_eq!(swept, BTreeMap::from([(Shard(1), at)]));
    }
}

#[test]
fn what_was_swept_since_is_left_alone_where_asked_for() {
    let at: Timestamp = "2026-10-01T12:00:00Z".parse().unwrap();
    let earlier = at - SignedDuration::from_micros(1);
    for (since, is_held) in [(at, false), (earlier, false), (at + SignedDuration::from_micros(1), true)] {
        for mut world in World::each(SHARDS) {
            let a = world.start("a", Manner::default());
            world.run_for(LEASE);
            let share = world.processes[a].share();
            share.skip_swept_since(since);
            meanwhile(&mut world, async move { share.release(Shard(1), Some(at)).await.unwrap() });
            world.run_for(LEASE * 3);
            assert_eq!(epochs(&world, a).contains_key(&Shard(1)), is_held, "{since}");
            assert!(epochs(&world, a).contains_key(&Shard(2)));
        }
    }
}

#[test]
fn who_leaves_releases_first_and_is_followed_at_once() {
    for mut world in World::each(SHARDS) {
        let a = world.start("a", Manner::default());
        world.start("b", Manner::default());
        world.run_for(LEASE * 3);
        let held = world.processes[a].held();
        let share = world.processes[a].share();
        meanwhile(&mut world, async move { share.leave().await.unwrap() });
        assert!(held.values().all(|held| held.lost.is_cancelled()));
        assert!(matches!(*world.processes[a].ended.borrow(), Some(Ok(()))));
        assert!(!names(&world).contains(&"members/a.json".to_owned()));
        world.bury(a);
        world.run_for(LEASE / 3);
        world.assert_fair();
    }
}

#[test]
fn a_shard_that_was_lost_cannot_be_released() {
    let mut world = World::in_memory(SHARDS, 1);
    let a = world.start("a", Manner::default());
    world.run_for(LEASE);
    world.processes[a].store.set_out(true);
    world.run_for(LEASE);
    let share = world.processes[a].share();
    meanwhile(&mut world, async move {
        let error = share.release(Shard(0), None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fenced);
    });
}

#[test]
fn a_preferred_holder_that_cannot_take_a_shard_is_passed_over_after_a_lease() {
    for mut world in World::each(SHARDS) {
        let a = world.start("a", Manner::default());
        let b = world.start("b", Manner { releases: None, ..Manner::default() });
        world.run_for(LEASE * 3);
        let mine = *world.processes[a].held().keys().next().unwrap();
        let share = world.processes[a].share();
        meanwhile(&mut world, async move { share.release(mine, None).await.unwrap() });
        // `a` beats, but none of its leases gets through.
        for _ in 0..100 {
            world.processes[a].store.plan("leases/", Fault::Lost);
        }
        world.run_for(LEASE * 9 / 10);
        assert!(!world.processes[b].held().contains_key(&mine));
        world.run_for(LEASE / 2);
        assert!(world.processes[b].held().contains_key(&mine));
    }
}

#[test]
fn clocks_that_are_hours_apart_change_nothing() {
    for mut world in World::each(SHARDS) {
        for (name, hours) in [("a", -7), ("b", 0), ("c", 11)] {
            world.start(name, Manner { off: SignedDuration::from_hours(hours), ..Manner::default() });
        }
        world.run_for(LEASE * 3);
        world.assert_fair();
        let before: Vec<_> = (0..3).map(|number| epochs(&world, number)).collect();
        world.run_for(LEASE * 100);
        let after: Vec<_> = (0..3).map(|number| epochs(&world, number)).collect();
        assert_eq!(before, after, "nothing moves while nobody comes or goes");
        world.kill(2);
        world.run_for(LEASE * 2);
        world.assert_fair();
    }
}

#[test]
fn the_last_two_epochs_are_kept() {
    for mut world in World::each(1) {
        for _ in 0..5 {
            let a = world.start("a", Manner::default());
            world.run_for(LEASE);
            world.kill(a);
            world.run_for(Duration::from_secs(1));
        }
        let expected = [
            "leases/000/00000000000000000004.json".to_owned(),
            "leases/000/00000000000000000005.json".to_owned(),
            "members/a.json".to_owned(),
        ];
        assert_eq!(names(&world), expected);
    }
}

#[test]
fn of_two_with_one_name_the_later_goes() {
    for mut world in World::each(SHARDS) {
        // Two of one name take each other's leases, one epoch after the other, until the later sees the other beat.
        let a = world.start("a", Manner::default());
        world.run_for(LEASE / 7);
        let twin = world.start("a", Manner::default());
        world.run_for(LEASE * 6);
        assert!(world.processes[a].ended.borrow().is_none());
        let ended = world.processes[twin].ended.borrow_mut().take().unwrap();
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Input);
        assert_eq!(world.processes[a].held().len(), usize::from(SHARDS));
    }
}

#[test]
fn the_sharing_can_run_on_any_thread() {
    fn is_send(_: &impl Send) {}
    fn all(share: &Share) {
        is_send(&share.clone().run(tokio_util::sync::CancellationToken::new()));
        is_send(&share.release(Shard(0), None));
        is_send(&share.leave());
    }
    let _: fn(&Share) = all;
}
