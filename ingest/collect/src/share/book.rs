//! What a process knows of the leases, and what it does about them. No input or output: a look goes in, acts come out.
//!
//! Only a look says who has a shard. An act that seems to have failed may have gone through, and one that went through
//! may have come too late (onto an epoch that others have passed and deleted), so a shard is held from the look that
//! shows our own lease as its newest.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    Held,
    files::{Holder, Lease, Member},
    folder::Listing,
    members::{Members, Moment},
};
use crate::{
    error::{Error, ErrorKind, Result},
    unit::Shard,
};

/// Beats of another process under our name after which it is no late echo of a dead one.
const TWIN_BEATS: u32 = 3;

/// A lease file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Act {
    pub(super) shard: Shard,
    pub(super) epoch: u64,
    pub(super) lease: Lease,
}

/// What a look brought beside the listing.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// Newest leases that were not known.
    pub(super) leases: BTreeMap<Shard, Lease>,
    /// Beats of doubtful members.
    pub(super) beats: BTreeMap<String, u64>,
}

/// What a process knows.
#[derive(Debug)]
pub(super) struct Book {
    me: Holder,
    shards: u16,
    lease: Duration,
    pub(super) members: Members,
    newest: BTreeMap<Shard, (u64, Lease)>,
    held: BTreeMap<Shard, Held>,
    /// Epochs that we try to have: an own lease with another epoch is from before a gap and is not taken up again.
    attempts: BTreeMap<Shard, u64>,
    /// Epochs that we had and give back, with the sweep to be recorded.
    releasing: BTreeMap<Shard, (u64, Option<Timestamp>)>,
    /// Since when a shard is free, and its newest epoch then.
    free: BTreeMap<Shard, (u64, Duration)>,
    /// What another process last wrote into the file of our name, and how many beats of it were seen.
    twin: Option<(Member, u32)>,
    /// Shards that were swept since then are not taken.
    pub(super) rest_since: Option<Timestamp>,
}

impl Book {
    /// An empty book.
    pub(super) fn new(me: Holder, shards: u16, lease: Duration) -> Self {
        Self {
            members: Members::new(&me.name, lease),
            me,
            shards,
            lease,
            newest: BTreeMap::new(),
            held: BTreeMap::new(),
            attempts: BTreeMap::new(),
            releasing: BTreeMap::new(),
            free: BTreeMap::new(),
            twin: None,
            rest_since: None,
        }
    }

    /// What is held.
    pub(super) fn held(&self) -> &BTreeMap<Shard, Held> {
        &self.held
    }

    /// When each shard was last swept, where it was.
    pub(super) fn swept(&self) -> BTreeMap<Shard, Timestamp> {
        self.newest.iter().filter_map(|(shard, (_, lease))| Some((*shard, lease.swept_at?))).collect()
    }

    /// Newest leases of a listing that have to be read.
    pub(super) fn unread(&self, listing: &Listing) -> Vec<(Shard, u64)> {
        let known =
            |shard: &Shard, epoch: u64| self.newest.get(shard).is_some_and(|(known, _)| *known == epoch);
        newest(listing).filter(|(shard, epoch)| !known(shard, *epoch)).collect()
    }

    /// Takes in a look. What is ours and was tried for is held from now on, if `alive`; what is not ours any more is
    /// lost.
    pub(super) fn take_in(&mut self, moment: Moment, listing: &Listing, mut look: Look, alive: bool) {
        let mut before = std::mem::take(&mut self.newest);
        for (shard, epoch) in newest(listing) {
            let known = before.remove(&shard).filter(|(known, _)| *known == epoch);
            if let Some(lease) = look.leases.remove(&shard).or(known.map(|(_, lease)| lease)) {
                self.newest.insert(shard, (epoch, lease));
            }
        }
        let holders = holders(&self.newest);
        self.members.observe(moment, &listing.members, &look.beats, &holders);
        self.settle(alive);
    }

    /// Takes note of what was in the file of our name; counts the beats that are not ours.
    pub(super) fn note_beat(&mut self, found: Member) {
        if found.started_at == self.me.started_at {
            return;
        }
        let beats = match &self.twin {
            Some((last, beats)) if *last == found => *beats,
            Some((last, beats)) if last.started_at == found.started_at => beats + 1,
            _ => 1,
        };
        self.twin = Some((found, beats));
    }

    /// Another process that runs under our name and started before us.
    pub(super) fn twin(&self) -> Option<Error> {
        let (twin, beats) = self.twin.as_ref()?;
        let name = &self.me.name;
        (*beats >= TWIN_BEATS && twin.started_at < self.me.started_at).then(|| {
            Error::new(ErrorKind::Input, format!("another collector runs as `{name}`: names must differ"))
        })
    }

    /// What is to be done now, shard by shard: what is free and should be ours is taken, what is not wanted goes back.
    pub(super) fn acts(&mut self, now: Duration) -> Vec<Act> {
        let mut acts = Vec::new();
        for shard in (0..self.shards).map(Shard) {
            let ours = self.members.preferred(shard) == self.me.name;
            if let Some(held) = self.held.get_mut(&shard) {
                held.wanted_back = !ours;
                continue;
            }
            let (epoch, swept_at) =
                self.newest.get(&shard).map_or((0, None), |(e, lease)| (*e, lease.swept_at));
            let rests = swept_at.is_some_and(|at| self.rest_since.is_some_and(|since| at >= since));
            let act = |holder: Option<Holder>, swept_at| Act {
                shard,
                epoch: epoch + 1,
                lease: Lease { holder, swept_at },
            };
            let holder = self.newest.get(&shard).and_then(|(_, lease)| lease.holder.as_ref());
            if let Some((_, swept)) = self.releasing.get(&shard) {
                acts.push(act(None, swept.or(swept_at)));
            } else if holder.is_some_and(|holder| holder.name == self.me.name) {
                acts.push(act((ours && !rests).then(|| self.me.clone()), swept_at));
            } else if rests || holder.is_some_and(|holder| !self.members.is_dead(&holder.name)) {
                self.free.remove(&shard);
            } else {
                let free = self.free.entry(shard).or_insert((epoch, now));
                if free.0 != epoch {
                    *free = (epoch, now);
                }
                if ours || now.saturating_sub(free.1) >= self.lease {
                    acts.push(act(Some(self.me.clone()), swept_at));
                }
            }
        }
        for act in acts.iter().filter(|act| act.lease.holder.is_some()) {
            self.attempts.insert(act.shard, act.epoch);
        }
        acts
    }

    /// Gives a shard back: it is not held from now on, and the file that says so is to be written.
    ///
    /// # Errors
    /// [`ErrorKind::Fenced`] when it is not held.
    pub(super) fn release(&mut self, shard: Shard, swept_at: Option<Timestamp>) -> Result<Act> {
        let Some(held) = self.held.remove(&shard) else {
            return Err(Error::new(ErrorKind::Fenced, format!("shard {shard} is in other hands now")));
        };
        held.lost.cancel();
        self.releasing.insert(shard, (held.epoch, swept_at));
        let before = self.newest.get(&shard).and_then(|(_, lease)| lease.swept_at);
        let lease = Lease { holder: None, swept_at: swept_at.or(before) };
        Ok(Act { shard, epoch: held.epoch + 1, lease })
    }

    /// Lets everything go without a word to the others.
    pub(super) fn give_up(&mut self) {
        for held in std::mem::take(&mut self.held).values() {
            held.lost.cancel();
        }
        self.attempts.clear();
    }

    /// The releases of all that is still ours by the folder, when leaving.
    pub(super) fn farewell(&self) -> Vec<Act> {
        let mine = self.newest.iter().filter(|(_, (_, lease))| lease.holder.as_ref() == Some(&self.me));
        mine.map(|(shard, (epoch, lease))| {
            let swept = self.releasing.get(shard).and_then(|(_, swept_at)| *swept_at);
            let lease = Lease { holder: None, swept_at: swept.or(lease.swept_at) };
            Act { shard: *shard, epoch: epoch + 1, lease }
        })
        .collect()
    }

    /// Epochs of held shards that nobody asks for any more: all but the last two.
    pub(super) fn outdated(&self, listing: &Listing) -> Vec<(Shard, u64)> {
        let held = listing.epochs.iter().filter(|(shard, _)| self.held.contains_key(shard));
        held.flat_map(|(shard, epochs)| epochs.iter().rev().skip(2).map(|epoch| (*shard, *epoch))).collect()
    }

    /// Members whose files can go.
    pub(super) fn forgotten(&self) -> Vec<String> {
        self.members.forgotten(&holders(&self.newest))
    }

    fn settle(&mut self, alive: bool) {
        let Self { me, newest, held, attempts, releasing, .. } = self;
        held.retain(|shard, held| {
            let ours = newest.get(shard).is_some_and(|(epoch, _)| *epoch == held.epoch);
            if !ours {
                held.lost.cancel();
            }
            ours
        });
        releasing.retain(|shard, (ours, _)| newest.get(shard).is_some_and(|(epoch, _)| epoch == ours));
        attempts.retain(|shard, ours| {
            let Some((epoch, lease)) = newest.get(shard).filter(|(epoch, _)| epoch >= ours) else {
                return true;
            };
            if alive && epoch == ours && lease.holder.as_ref() == Some(me) {
                let lost = CancellationToken::new();
                held.insert(*shard, Held { epoch: *epoch, lost, wanted_back: false });
            }
            false
        });
    }
}

fn newest(listing: &Listing) -> impl Iterator<Item = (Shard, u64)> {
    listing.epochs.iter().filter_map(|(shard, epochs)| Some((*shard, *epochs.last()?)))
}

fn holders(newest: &BTreeMap<Shard, (u64, Lease)>) -> Vec<&str> {
    let names: BTreeSet<&str> =
        newest.values().filter_map(|(_, lease)| Some(lease.holder.as_ref()?.name.as_str())).collect();
    names.into_iter().collect()
}
