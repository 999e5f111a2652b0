//! Metric streams: objects that CloudWatch delivers through Firehose to S3.
//!
//! [`StreamWorker`] takes the objects of one stream, which a queue announces or a listing finds. Each object becomes one
//! [`Piece`](crate::land::Piece); it is done once that has landed, and only then is its message deleted. What is landed is
//! known by URI and ETag, from the ledger when the worker begins: messages may come late, twice or in any order, and the
//! process may die at any time, without a row lost or doubled.
//!
//! What can never be read is *poison*: a message that is no announcement, an object that is too large, is not there, or
//! of which nothing, or not the end, can be read. It goes to a dead letter with the reason, is landed with what could be
//! read and a reject, and is done. What fails for now stays in the queue, or is listed again.
//!
//! Bounded: objects in work (by number and bytes, [`Limits`]), messages that wait for their landing. While the lander is
//! behind, nothing is received.

mod announced;
mod content;
mod dead_letter;
mod event;
mod fetch;
mod limits;
mod listed;
mod memory;
mod queue;
#[cfg(test)]
mod tests;
mod work;

use std::{collections::HashSet, fmt, future::Future, sync::Arc};

use airshed_lake::{Lake, Location};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub use self::{
    limits::Limits,
    queue::{Message, Queue},
};
use self::{memory::Memory, work::Work};
use crate::{
    clock::Clock,
    config::StreamConfig,
    error::{Error, ErrorKind, Result},
    land::Landing,
    unit::Shard,
};

/// Opens the buckets of streams.
pub trait Buckets: fmt::Debug + Send + Sync {
    /// The root of a bucket.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] when there can be no such bucket: what it was to hold is given up.
    fn open(&self, bucket: &str) -> Result<Location>;
}

/// Says whether an account is collected.
pub type IsCollected = dyn Fn(&str) -> bool + Send + Sync;

/// What the streams of a process are worked with.
#[derive(Clone)]
pub struct StreamParts {
    /// The ledger.
    pub lake: Lake,
    /// Where objects are.
    pub buckets: Arc<dyn Buckets>,
    /// The way to the lander.
    pub landing: Landing,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Which accounts are collected. Data points of others are left out and counted.
    pub is_collected: Arc<IsCollected>,
    /// How much is in work.
    pub limits: Arc<Limits>,
}

/// Where the objects of a stream are found.
#[derive(Debug)]
pub enum Source {
    /// A queue announces them.
    Announced(Arc<dyn Queue>),
    /// They are listed below a place.
    Listed {
        /// The place, in a bucket's store.
        prefix: Location,
        /// Everything that was delivered before was taken.
        watermark: Option<Timestamp>,
    },
}

/// What a worker did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Objects and messages that landed, those with a dead letter included.
    pub objects: u64,
    /// Rows of `utilization` that landed.
    pub rows: u64,
    /// Data points that were rejected.
    pub rejected: u64,
    /// Data points of other metrics, accounts or resources.
    pub left_out: u64,
    /// Announcements of objects that had landed before.
    pub known: u64,
    /// Objects that were deleted between listing and reading.
    pub gone: u64,
    /// Dead letters written.
    pub dead_letters: u64,
    /// Times that an object or a deletion of messages failed and was left for later.
    pub left: u64,
}

/// Works one stream.
#[derive(Debug)]
pub struct StreamWorker {
    work: Arc<Work>,
    source: Source,
    /// Ends it in order: nothing more is received, and what was is landed and deleted.
    stop: CancellationToken,
}

/// Whether to end when there is nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    Empty,
    Cancelled,
}

impl StreamWorker {
    /// A worker of a stream. `landed` are the objects that the ledger holds, by
    /// [`object_key`](crate::land::progress::object_key), as they were when the shard was taken over: a worker that follows
    /// another on a shard that was not taken over anew would not know what that one landed.
    pub fn new(
        config: StreamConfig,
        shard: Shard,
        source: Source,
        landed: HashSet<u128>,
        parts: StreamParts,
    ) -> Self {
        let memory = Memory::new(landed, parts.clock.elapsed());
        Self {
            work: Arc::new(Work::new(config, shard, parts, memory)),
            source,
            stop: CancellationToken::new(),
        }
    }

    /// The same, ended in order when `stop` is called: a queue's messages in work land and are deleted first.
    #[must_use]
    pub fn until(self, stop: CancellationToken) -> Self {
        Self { stop, ..self }
    }

    /// What was done so far.
    pub fn counts(&self) -> Counts {
        self.work.counts()
    }

    /// Works until the queue was empty twice in a row, or everything that was listed has landed.
    ///
    /// # Errors
    /// [`ErrorKind::Fenced`] when the shard is in other hands; [`ErrorKind::Cancelled`]; [`ErrorKind::Retry`] and
    /// [`ErrorKind::Input`] when the queue or the bucket cannot be read. What had not landed comes again.
    pub async fn once(&mut self, cancel: &CancellationToken) -> Result<Counts> {
        self.run(Until::Empty, cancel).await?;
        Ok(self.counts())
    }

    /// Works until it is cancelled; a queue or a bucket that cannot be read is tried again. What was handed over by then
    /// may land later; its messages come again, and are known.
    ///
    /// # Errors
    /// [`ErrorKind::Fenced`] when the shard is in other hands.
    pub async fn watch(&mut self, cancel: &CancellationToken) -> Result<Counts> {
        match self.run(Until::Cancelled, cancel).await {
            Err(error) if error.kind() == ErrorKind::Cancelled && cancel.is_cancelled() => Ok(self.counts()),
            ended => ended.map(|()| self.counts()),
        }
    }

    async fn run(&mut self, until: Until, cancel: &CancellationToken) -> Result<()> {
        match &mut self.source {
            Source::Announced(queue) => announced::run(&self.work, queue, until, (&self.stop, cancel)).await,
            Source::Listed { prefix, watermark } => {
                // What was not landed is listed again.
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => Ok(()),
                    ended = listed::run(&self.work, prefix, watermark, until, cancel) => ended,
                }
            }
        }
    }
}

impl fmt::Debug for StreamParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lake, buckets, limits, .. } = self;
        f.debug_struct("StreamParts")
            .field("lake", lake)
            .field("buckets", buckets)
            .field("limits", limits)
            .finish_non_exhaustive()
    }
}

/// Waits for `future`, but no longer than until `cancel` is called.
async fn unless<T>(cancel: &CancellationToken, future: impl Future<Output = T>) -> Result<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::cancelled()),
        value = future => Ok(value),
    }
}

/// An error and its causes.
fn chain(error: &Error) -> String {
    let error: &dyn std::error::Error = error;
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
