//! Many processes that come, go, die, halt and lose the store, at random but from a seed. The world checks at each step
//! that no epoch and no shard has two holders; here, that in the end the split is fair.

use std::time::Duration;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::{
    LEASE,
    chance::Chance,
    world::{Manner, World},
};

const NAMES: [&str; 7] = ["a", "b", "c", "d", "e.example.org", "f-1.json", "g_2"];

fn manner(chance: &mut Chance) -> Manner {
    let hours = i64::try_from(chance.below(49)).unwrap() - 24;
    Manner {
        off: SignedDuration::from_hours(hours),
        rate: 950 + u32::try_from(chance.below(101)).unwrap(),
        releases: Some(LEASE / 10),
    }
}

fn start(world: &mut World, chance: &mut Chance, faults: u64) {
    let name = NAMES[chance.index(NAMES.len())];
    if world.processes.iter().all(|process| process.name != name) {
        let number = world.start(name, manner(chance));
        world.processes[number].store.storm(faults, LEASE / 10);
    }
}

/// One event: somebody comes, or something happens to somebody.
fn event(world: &mut World, chance: &mut Chance, faults: u64) {
    let number = chance.index(world.processes.len().max(1));
    let Some(process) = world.processes.get(number) else { return start(world, chance, faults) };
    match chance.below(8) {
        0 | 1 => start(world, chance, faults),
        2 => world.kill(number),
        3 => process.halt(),
        4 | 5 => process.resume(),
        6 => process.store.set_out(true),
        _ => process.store.set_out(false),
    }
}

fn storm(mut world: World, seed: u64, faults: u64, events: usize) {
    let mut chance = Chance(seed ^ 0x5eed);
    for _ in 0..events {
        event(&mut world, &mut chance, faults);
        world.run_for(chance.duration(LEASE));
        for process in &world.processes {
            assert!(process.ended.borrow().is_none(), "{}: {:?}", process.name, process.ended.borrow());
        }
    }
    for process in &world.processes {
        process.resume();
        process.store.set_out(false);
        process.store.storm(0, Duration::ZERO);
    }
    world.run_for(LEASE * 10);
    world.assert_fair();
}

#[test]
fn a_storm_over_a_folder_ends_in_a_fair_split() {
    for seed in 0..3 {
        storm(World::in_folder(5, seed), seed, 100, 30);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_storm_in_memory_ends_in_a_fair_split(seed: u64, shards in 1_u16..12, faults in 0_u64..250) {
        storm(World::in_memory(shards, seed), seed, faults, 60);
    }
}
