//! Sharing: which process works on which shard of a lake.
//!
//! Processes know of each other by small files in the lake alone ([`folder`]). A shard is held by whoever wrote the
//! newest file of its chain of leases; files are written where there is none, so of two that write the same epoch one
//! fails, and the epoch is the fencing token. A lease has no time of expiry, as clocks differ: a process *beats*, and is
//! dead to an observer that has seen the same beat for a whole lease ([`members`]). A process whose beats do not come
//! through gives its shards up by itself before that, after two thirds of a lease by its own clock.
//!
//! Each shard has a preferred holder among the living. Who holds it and is not preferred is told so
//! ([`Held::wanted_back`]) and releases it when it can; the preferred one takes what is released or was left by the dead,
//! and if it does not do so within a lease, anybody does.
//!
//! A process that is halted may go on for a moment as if it still held its shards. That does no harm: a lease says who
//! works, the log of `utilization` says who lands.

mod book;
mod files;
mod folder;
mod keep;
mod members;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use airshed_lake::Lake;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::{book::Book, files::Holder, folder::Folder, keep::Running};
use crate::{
    clock::Clock,
    config::ShareConfig,
    error::{Error, ErrorKind, Result},
    unit::Shard,
};

/// A shard that this process holds.
#[derive(Debug, Clone)]
pub struct Held {
    /// The fencing token: no other process ever holds the shard under this number, and later holders have higher ones.
    pub epoch: u64,
    /// Cancelled as soon as the shard is not held any more.
    pub lost: CancellationToken,
    /// Whether another process should have it: release it at the next safe point.
    pub wanted_back: bool,
}

/// The part of one process in the sharing; clones are the same part.
#[derive(Debug, Clone)]
pub struct Share(Arc<Part>);

#[derive(Debug)]
struct Part {
    me: Holder,
    lease: Duration,
    clock: Arc<dyn Clock>,
    folder: Folder,
    book: Mutex<Book>,
    held: watch::Sender<BTreeMap<Shard, Held>>,
    swept: watch::Sender<BTreeMap<Shard, Timestamp>>,
    /// Begin of the last write of the beat that went through.
    beaten_at: watch::Sender<Duration>,
    running: watch::Sender<bool>,
    leaving: CancellationToken,
}

impl Share {
    /// Makes this process known to the others. It holds nothing before [`run`](Self::run).
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a name that is no file name (letters, digits, `-`, `_`, `.`), no shards or no lease; else
    /// what the store says, and files in the folder that are not of the collectors.
    pub async fn join(
        lake: &Lake,
        config: &ShareConfig,
        collector: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let input = |message: String| Err(Error::new(ErrorKind::Input, message));
        if !files::is_name(collector) {
            return input(format!(
                "`{collector}` is no name for a collector: letters, digits, `-`, `_` and `.`"
            ));
        }
        if config.shards == 0 || config.lease.is_zero() {
            return input("sharing needs at least one shard and a lease".to_owned());
        }
        let me = Holder { name: collector.to_owned(), started_at: clock.now() };
        let part = Part {
            folder: Folder::new(lake, Arc::clone(&clock), config.lease / 6),
            book: Mutex::new(Book::new(me.clone(), config.shards, config.lease)),
            lease: config.lease,
            beaten_at: watch::Sender::new(clock.elapsed()),
            held: watch::Sender::default(),
            swept: watch::Sender::default(),
            running: watch::Sender::default(),
            leaving: CancellationToken::new(),
            clock,
            me,
        };
        part.folder.list().await?;
        part.beat(0).await?;
        Ok(Self(Arc::new(part)))
    }

    /// The shards that this process holds.
    pub fn held(&self) -> watch::Receiver<BTreeMap<Shard, Held>> {
        self.0.held.subscribe()
    }

    /// When each shard was last swept by whatever process, by that one's clock.
    pub fn swept(&self) -> watch::Receiver<BTreeMap<Shard, Timestamp>> {
        self.0.swept.subscribe()
    }

    /// Leaves alone, from now on, what was swept since a moment: for a process that ends when everything was swept once.
    pub fn skip_swept_since(&self, since: Timestamp) {
        self.0.update(|book| book.rest_since = Some(since));
    }

    /// Keeps the beat and the leases until `cancel` or [`leave`](Self::leave). A store that fails is tried again. When
    /// it ends, however it ends, nothing is held.
    ///
    /// # Errors
    /// [`ErrorKind::Bug`] for damaged or foreign files in the folder, [`ErrorKind::Input`] when another process runs
    /// under the same name.
    pub async fn run(self, cancel: CancellationToken) -> Result<()> {
        if self.0.running.send_replace(true) {
            return Err(Error::bug("the sharing of the work runs already"));
        }
        let running = Running(&self.0);
        let part = running.0;
        if part.leaving.is_cancelled() {
            return Ok(());
        }
        tokio::select! {
            biased;
            () = cancel.cancelled() => Ok(()),
            () = part.mind_beats() => Ok(()),
            kept = async { tokio::try_join!(biased; part.keep_beating(), part.keep_leases()) } => kept.map(drop),
        }
    }

    /// Gives a shard back, at a moment when no work on it is under way, and records the sweep that it saw. When the
    /// store fails, the release is written at a later tick.
    ///
    /// # Errors
    /// [`ErrorKind::Fenced`] when the shard was lost before.
    pub async fn release(&self, shard: Shard, swept_at: Option<Timestamp>) -> Result<()> {
        let act = self.0.update(|book| book.release(shard, swept_at))?;
        self.0.perform(vec![act]).await;
        Ok(())
    }

    /// Leaves in order, while [`run`](Self::run) goes on or after it: the beat stops, everything is released, then the member file is deleted. Tried for a lease at
    /// most; after that the others take over as from a dead process.
    ///
    /// # Errors
    /// What the store said last.
    pub async fn leave(&self) -> Result<()> {
        let part = &self.0;
        part.leaving.cancel();
        let mut running = part.running.subscribe();
        running.wait_for(|running| !running).await.map_err(|_| Error::cancelled())?;
        let until = part.clock.elapsed() + part.lease;
        loop {
            match part.farewell().await {
                Err(error) if error.kind() == ErrorKind::Bug || part.clock.elapsed() >= until => {
                    return Err(error);
                }
                Err(_) => part.clock.sleep(part.lease / 12).await,
                Ok(()) => return Ok(()),
            }
        }
    }
}
