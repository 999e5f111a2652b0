//! Who is alive, and whose a shard should be.
//!
//! No process trusts the clock of another: a member is dead when an observer has looked at the same beat for a whole
//! lease by the observer's own clock, which never goes back. What was not looked at for so long is taken for alive.

use std::{collections::BTreeMap, time::Duration};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::folder::Mark;
use crate::unit::Shard;

/// Leases after which the file of a dead member is deleted, when it holds nothing any more. A process that was only
/// halted writes it anew.
const FORGOTTEN_AFTER: u32 = 10;

/// What a process has seen of the others.
#[derive(Debug)]
pub(super) struct Members {
    me: String,
    lease: Duration,
    seen: BTreeMap<String, Seen>,
}

/// What was last seen of a name: that of a member file, or of the holder of a lease without one.
#[derive(Debug)]
struct Seen {
    mark: Option<Mark>,
    beat: Option<u64>,
    /// When this was seen first.
    since: Duration,
    /// For how long the same was seen.
    unchanged: Duration,
}

/// Begin and end of a look into the folder. What it shows was so at some moment between the two.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) began: Duration,
    pub(super) ended: Duration,
}

impl Members {
    /// Nothing was seen yet.
    pub(super) fn new(me: &str, lease: Duration) -> Self {
        Self { me: me.to_owned(), lease, seen: BTreeMap::new() }
    }

    /// Names whose file looks as it did. It has to be read: the mark alone may be too coarse.
    pub(super) fn doubtful(&self, listed: &BTreeMap<String, Mark>) -> Vec<String> {
        let same = |name: &String, mark| {
            *name != self.me && self.seen.get(name).is_some_and(|seen| seen.mark.as_ref() == Some(mark))
        };
        listed.iter().filter(|(name, mark)| same(name, mark)).map(|(name, _)| name.clone()).collect()
    }

    /// Takes in a look: the listed files, the beats of the doubtful, and who holds something.
    pub(super) fn observe(
        &mut self,
        moment: Moment,
        listed: &BTreeMap<String, Mark>,
        beats: &BTreeMap<String, u64>,
        holders: &[&str],
    ) {
        let names = listed.keys().map(String::as_str).chain(holders.iter().copied());
        let mut before = std::mem::take(&mut self.seen);
        for name in names.filter(|name| *name != self.me) {
            let now = Seen {
                mark: listed.get(name).cloned(),
                beat: beats.get(name).copied(),
                since: moment.ended,
                unchanged: Duration::ZERO,
            };
            let seen = match before.remove(name) {
                Some(old) if old.mark == now.mark && old.beat == now.beat => {
                    let unchanged = moment.began.saturating_sub(old.since);
                    Seen { unchanged, ..old }
                }
                _ => now,
            };
            self.seen.entry(name.to_owned()).or_insert(seen);
        }
    }

    /// Whether a holder is dead.
    pub(super) fn is_dead(&self, name: &str) -> bool {
        self.seen.get(name).is_some_and(|seen| seen.unchanged >= self.lease)
    }

    /// Who should have a shard: the highest of the hashes of the living and the shard, so that who comes or goes moves
    /// no shard between the others.
    pub(super) fn preferred(&self, shard: Shard) -> &str {
        let living = self.seen.iter().filter(|(name, seen)| seen.mark.is_some() && !self.is_dead(name));
        let names = living.map(|(name, _)| name.as_str()).chain([self.me.as_str()]);
        let weighed = names.map(|name| (xxh3_64_with_seed(name.as_bytes(), u64::from(shard.0)), name));
        weighed.max().map_or(&self.me, |(_, name)| name)
    }

    /// Members that are long dead and hold nothing.
    pub(super) fn forgotten(&self, holders: &[&str]) -> Vec<String> {
        let long = self.lease * FORGOTTEN_AFTER;
        let gone = |name: &str, seen: &Seen| {
            seen.mark.is_some() && seen.unchanged >= long && !holders.contains(&name)
        };
        self.seen.iter().filter(|(name, seen)| gone(name, seen)).map(|(name, _)| name.clone()).collect()
    }
}
