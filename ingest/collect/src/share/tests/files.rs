//! Files in the folder: what they look like, and what happens when they are not ours.

use std::time::Duration;

use futures::executor::block_on;
use object_store::ObjectStoreExt as _;

use super::{
    super::Share,
    LEASE,
    world::{Manner, World},
};
use crate::error::ErrorKind;

fn put(world: &World, name: &str, content: &'static str) {
    block_on(world.inner.put(&world.path(name), content.into())).unwrap();
}

fn get(world: &World, name: &str) -> String {
    let bytes = block_on(async { world.inner.get(&world.path(name)).await.unwrap().bytes().await.unwrap() });
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn files_are_plain_json() {
    for mut world in World::each(1) {
        world.start("a", Manner::default());
        // One beat when it joins, one when it starts, then one each third of a lease.
        world.run_for(LEASE * 2 + Duration::from_secs(1));
        let lease = get(&world, "leases/000/00000000000000000001.json");
        let holder = r#"{"name":"a","started_at":"2026-10-01T00:00:00Z"}"#;
        assert_eq!(lease, format!(r#"{{"holder":{holder},"swept_at":null}}"#));
        assert_eq!(get(&world, "members/a.json"), r#"{"beat":7,"started_at":"2026-10-01T00:00:00Z"}"#);
    }
}

const FOREIGN: [&str; 9] = [
    "notes.txt",
    "members/b.txt",
    "members/b/c.json",
    "members/.json",
    "leases/1/00000000000000000001.json",
    "leases/70000/00000000000000000001.json",
    "leases/000/1.json",
    "leases/000/+0000000000000000001.json",
    "leases/000/18446744073709551615.json",
];

#[test]
fn a_foreign_file_is_named_at_the_start() {
    for name in FOREIGN {
        for mut world in World::each(1) {
            put(&world, name, "{}");
            world.start("a", Manner::default());
            world.run_for(LEASE);
            let ended = world.processes[0].ended.borrow_mut().take().unwrap();
            let error = ended.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Bug);
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}

#[test]
fn a_damaged_file_is_named_and_ends_the_sharing() {
    let damaged = [
        ("members/b.json", "beat 7"),
        ("leases/000/00000000000000000099.json", "{}"),
        ("leases/000/00000000000000000099.json", r#"{"holder":null,"swept_at":"yesterday"}"#),
        ("leases/000/00000000000000000099.json", "\u{0}\u{1}"),
        ("odd.json", "{}"),
    ];
    for (name, content) in damaged {
        for mut world in World::each(1) {
            world.start("a", Manner::default());
            world.run_for(LEASE);
            let held = world.processes[0].held();
            put(&world, name, content);
            world.run_for(LEASE);
            let ended = world.processes[0].ended.borrow_mut().take().unwrap();
            let error = ended.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Bug);
            assert!(error.to_string().contains(name), "{error}");
            assert!(held.values().all(|held| held.lost.is_cancelled()));
        }
    }
}

#[test]
fn files_of_more_shards_than_there_are_do_no_harm() {
    for mut world in World::each(1) {
        put(&world, "leases/007/00000000000000000001.json", r#"{"holder":null,"swept_at":null}"#);
        world.start("a", Manner::default());
        world.run_for(LEASE * 3);
        assert_eq!(world.processes[0].held().len(), 1);
    }
}

#[test]
fn bad_settings_are_refused() {
    let world = World::in_memory(1, 1);
    let lake = airshed_lake::Lake::at(
        airshed_lake::Location::in_store(world.inner.clone(), &"memory://bucket/lake".parse().unwrap())
            .unwrap(),
    );
    let clock = || {
        let time = world.time.clone();
        let off = jiff::SignedDuration::ZERO;
        std::sync::Arc::new(super::time::SkewedClock { time, off, started: Duration::ZERO, rate: 1000 })
    };
    let good = crate::config::ShareConfig { shards: 1, lease: LEASE };
    for name in ["", "..", "a/b", "a b", "ä", "-a"] {
        let error = block_on(Share::join(&lake, &good, name, clock())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input, "{name}");
    }
    for (shards, lease) in [(0, LEASE), (1, Duration::ZERO)] {
        let config = crate::config::ShareConfig { shards, lease };
        let error = block_on(Share::join(&lake, &config, "a", clock())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input);
    }
}
