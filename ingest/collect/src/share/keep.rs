//! The work of keeping a part: beats, looks, and what follows from them.

use std::{
    collections::BTreeMap,
    sync::{MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    Held, Part,
    book::{Act, Book, Look},
    files::{Lease, Member},
    folder::Listing,
    members::Moment,
};
use crate::{
    error::{Error, ErrorKind, Result},
    unit::Shard,
};

/// Calls to the store at the same time.
const CALLS: usize = 16;

impl Part {
    /// Beats until the process leaves.
    pub(super) async fn keep_beating(&self) -> Result<()> {
        let mut beat = 1;
        while self.pause(self.pace("cannot beat", &self.beat(beat).await)).await {
            beat += 1;
        }
        Ok(())
    }

    pub(super) async fn beat(&self, beat: u64) -> Result<()> {
        let began = self.clock.elapsed();
        let member = Member { beat, started_at: self.me.started_at };
        let before = self.folder.member(&self.me.name);
        let written = self.folder.write_member(&self.me.name, &member);
        let (before, written) = tokio::join!(biased; before, written);
        written?;
        self.beaten_at.send_replace(began);
        if let Some(before) = before? {
            self.book().note_beat(before);
        }
        Ok(())
    }

    /// Gives everything up when the beats have not come through for two thirds of a lease, each time.
    pub(super) async fn mind_beats(&self) {
        let mut beaten_at = self.beaten_at.subscribe();
        loop {
            let left = self.left(*beaten_at.borrow_and_update());
            if left.is_zero() {
                self.update(Book::give_up);
                if beaten_at.changed().await.is_err() {
                    return;
                }
            } else {
                self.clock.sleep(left).await;
            }
        }
    }

    /// Time for which a beat still covers the leases.
    fn left(&self, beaten_at: Duration) -> Duration {
        (beaten_at + self.lease * 2 / 3).saturating_sub(self.clock.elapsed())
    }

    fn may_hold(&self) -> bool {
        !self.leaving.is_cancelled() && !self.left(*self.beaten_at.borrow()).is_zero()
    }

    /// Takes, keeps and gives back until the process leaves.
    pub(super) async fn keep_leases(&self) -> Result<()> {
        loop {
            let ticked = self.tick().await;
            if ticked.as_ref().is_err_and(|error| error.kind() == ErrorKind::Bug) {
                return ticked;
            }
            if let Some(twin) = self.book().twin() {
                return Err(twin);
            }
            if !self.pause(self.pace("cannot look after the leases", &ticked)).await {
                return Ok(());
            }
        }
    }

    async fn tick(&self) -> Result<()> {
        let mut listing = self.look().await?;
        let now = self.clock.elapsed();
        let acts = self.update(|book| if self.may_hold() { book.acts(now) } else { Vec::new() });
        if !acts.is_empty() {
            self.perform(acts).await;
            listing = self.look().await?;
        }
        let (outdated, forgotten) = {
            let book = self.book();
            (book.outdated(&listing), book.forgotten())
        };
        let deletes = outdated
            .into_iter()
            .map(|(shard, epoch)| async move { self.folder.delete_lease(shard, epoch).await });
        stream::iter(deletes).buffered(CALLS).try_collect::<()>().await?;
        for name in forgotten {
            self.folder.delete_member(&name).await?;
        }
        Ok(())
    }

    /// Reads what is new in the folder.
    async fn look(&self) -> Result<Listing> {
        let began = self.clock.elapsed();
        let listing = self.folder.list().await?;
        let (unread, doubtful) = {
            let book = self.book();
            (book.unread(&listing), book.members.doubtful(&listing.members))
        };
        let leases = self.read_leases(unread).await?;
        let beats = self.read_beats(doubtful).await?;
        let look = Look { leases, beats };
        let moment = Moment { began, ended: self.clock.elapsed() };
        self.update(|book| book.take_in(moment, &listing, look, self.may_hold()));
        Ok(listing)
    }

    async fn read_leases(&self, unread: Vec<(Shard, u64)>) -> Result<BTreeMap<Shard, Lease>> {
        let reads = unread.into_iter().map(|(shard, epoch)| async move {
            let gone = || Error::new(ErrorKind::Retry, format!("shard {shard} changed hands meanwhile"));
            let lease = self.folder.lease(shard, epoch).await?;
            Result::Ok((shard, lease.ok_or_else(gone)?))
        });
        stream::iter(reads).buffered(CALLS).try_collect().await
    }

    async fn read_beats(&self, names: Vec<String>) -> Result<BTreeMap<String, u64>> {
        let reads = names.into_iter().map(|name| async move {
            let member = self.folder.member(&name).await?;
            Result::Ok(member.map(|member| (name, member.beat)))
        });
        stream::iter(reads).buffered(CALLS).try_filter_map(async |beat| Ok(beat)).try_collect().await
    }

    /// Writes lease files. What failed is seen at the next look.
    pub(super) async fn perform(&self, acts: Vec<Act>) {
        let offers = acts
            .into_iter()
            .map(|act| async move { self.folder.offer(act.shard, act.epoch, &act.lease).await });
        let mut offers = stream::iter(offers).buffered(CALLS);
        while let Some(offer) = offers.next().await {
            if let Err(error) = offer {
                tracing::warn!(error = %error, "a lease may not have been written");
            }
        }
    }

    pub(super) async fn farewell(&self) -> Result<()> {
        self.look().await?;
        let acts = self.book().farewell();
        if !acts.is_empty() {
            self.perform(acts).await;
            self.look().await?;
            if !self.book().farewell().is_empty() {
                return Err(Error::new(ErrorKind::Retry, "not all shards could be released"));
            }
        }
        self.folder.delete_member(&self.me.name).await
    }

    /// Changes the book and shows the others in this process what changed.
    pub(super) fn update<T>(&self, change: impl FnOnce(&mut Book) -> T) -> T {
        let mut book = self.book();
        let answer = change(&mut book);
        self.held.send_if_modified(|shown| {
            let changed = !shown.iter().map(key).eq(book.held().iter().map(key));
            if changed {
                shown.clone_from(book.held());
            }
            changed
        });
        let swept = book.swept();
        self.swept.send_if_modified(|shown| {
            let changed = *shown != swept;
            *shown = swept;
            changed
        });
        answer
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long to wait after a step: shorter when it failed.
    fn pace(&self, what: &str, done: &Result<()>) -> Duration {
        match done {
            Ok(()) => self.lease / 3,
            Err(error) => {
                tracing::warn!(error = %error, "{what}, trying again");
                self.lease / 12
            }
        }
    }

    /// Waits; false when the process leaves.
    async fn pause(&self, pause: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.leaving.cancelled() => false,
            () = self.clock.sleep(pause) => true,
        }
    }
}

/// While it lives, the sharing runs; when it goes, nothing is held.
pub(super) struct Running<'a>(pub(super) &'a Part);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.update(Book::give_up);
        self.0.running.send_replace(false);
    }
}

fn key((shard, held): (&Shard, &Held)) -> (Shard, u64, bool) {
    (*shard, held.epoch, held.wanted_back)
}
