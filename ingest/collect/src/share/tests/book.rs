//! What follows from a look, one rule at a time: the cases that a story meets only by bad luck.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    super::{
        book::{Book, Look},
        files::{Holder, Lease},
        folder::{Listing, Mark},
        members::{Members, Moment},
    },
    LEASE,
};
use crate::unit::Shard;

const SHARD: Shard = Shard(0);

fn holder(name: &str) -> Holder {
    Holder { name: name.to_owned(), started_at: jiff::Timestamp::UNIX_EPOCH }
}

/// Shows the book that the newest lease of the only shard is this.
fn show(book: &mut Book, epoch: u64, name: Option<&str>, alive: bool) {
    let epochs = BTreeMap::from([(SHARD, BTreeSet::from([epoch]))]);
    let listing = Listing { members: BTreeMap::new(), epochs };
    let leases = BTreeMap::from([(SHARD, Lease { holder: name.map(holder), swept_at: None })]);
    let moment = Moment { began: Duration::ZERO, ended: Duration::ZERO };
    book.take_in(moment, &listing, Look { leases, beats: BTreeMap::new() }, alive);
}

/// A book that has asked for the epoch after 1, which was released.
fn asked() -> Book {
    let mut book = Book::new(holder("a"), 1, LEASE);
    show(&mut book, 1, None, true);
    let acts = book.acts(Duration::ZERO);
    assert_eq!((acts[0].epoch, &acts[0].lease.holder), (2, &Some(holder("a"))));
    book
}

#[test]
fn a_lease_is_held_from_the_look_that_shows_it() {
    let mut book = asked();
    assert!(book.held().is_empty());
    show(&mut book, 2, Some("a"), true);
    assert_eq!(book.held()[&SHARD].epoch, 2);
    assert!(book.acts(Duration::ZERO).is_empty());
}

#[test]
fn a_lease_of_another_is_not() {
    let mut book = asked();
    show(&mut book, 2, Some("b"), true);
    assert!(book.held().is_empty());
    assert!(book.acts(Duration::ZERO).is_empty());
}

#[test]
fn a_lease_on_an_epoch_that_others_have_passed_is_not() {
    let mut book = asked();
    // Ours is there too, made after the others had deleted theirs: only the newest counts.
    let epochs = BTreeMap::from([(SHARD, BTreeSet::from([2, 9]))]);
    let listing = Listing { members: BTreeMap::new(), epochs };
    assert_eq!(book.unread(&listing), [(SHARD, 9)]);
    show(&mut book, 9, Some("b"), true);
    assert!(book.held().is_empty());
}

#[test]
fn a_lease_that_comes_while_no_beat_goes_through_is_taken_anew() {
    let mut book = asked();
    show(&mut book, 2, Some("a"), false);
    assert!(book.held().is_empty());
    assert_eq!(book.acts(Duration::ZERO)[0].epoch, 3);
}

#[test]
fn a_lease_from_before_a_gap_is_taken_anew() {
    let mut book = asked();
    book.give_up();
    show(&mut book, 2, Some("a"), true);
    assert!(book.held().is_empty());
    assert_eq!(book.acts(Duration::ZERO)[0].epoch, 3);
}

#[test]
fn the_same_mark_with_another_beat_is_alive() {
    let mark = Mark { e_tag: None, modified_us: 0 };
    let listed = BTreeMap::from([("b".to_owned(), mark)]);
    let mut members = Members::new("a", LEASE);
    let mut look = |seconds: u64, beat: u64| {
        let at = Duration::from_secs(seconds);
        let beats = members.doubtful(&listed).into_iter().map(|name| (name, beat)).collect();
        members.observe(Moment { began: at, ended: at }, &listed, &beats, &[]);
        members.is_dead("b")
    };
    for tick in 0..10 {
        assert!(!look(tick * 20, tick));
    }
    assert!(!look(200, 9) && !look(239, 9), "first seen at 180");
    assert!(look(240, 9));
    assert!(!look(260, 10), "it was only halted");
}

#[test]
fn the_time_of_a_look_counts_against_death_at_both_ends() {
    let mark = Mark { e_tag: Some("1".to_owned()), modified_us: 0 };
    let listed = BTreeMap::from([("b".to_owned(), mark)]);
    let beats = BTreeMap::from([("b".to_owned(), 1)]);
    let mut members = Members::new("a", LEASE);
    let mut look = |began: u64, ended: u64| {
        let moment = Moment { began: Duration::from_secs(began), ended: Duration::from_secs(ended) };
        members.observe(moment, &listed, &beats, &[]);
        members.is_dead("b")
    };
    assert!(!look(0, 10));
    assert!(!look(69, 80), "a beat may have come at 69.5");
    assert!(look(70, 70));
}
