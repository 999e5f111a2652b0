//! Landing: rows and the progress that they stand for, in one commit.
//!
//! A process has one lander. It takes [`Piece`]s of work from a bounded channel, encodes their rows as they come into one
//! Parquet file for each shard and billing period, and commits all of them together, at least once a minute.
//!
//! # Exactly once
//!
//! Every shard has a sequence in the log of the table `utilization`, and each batch of a shard takes the next number in
//! the same commit that adds its rows. Of two processes that both believe to hold a shard only one can land from the same
//! state; the other is told [`ErrorKind::Fenced`](crate::ErrorKind::Fenced), and nothing of what it handed over is in the
//! ledger. A lease therefore only saves work; what is landed once is decided by the log.
//!
//! What a batch did beside its rows (watermarks in `collector_health`, objects in `collected_objects`, `rejects`,
//! `utilization_estimates`) is put into files first, which the footer of the batch's rows names. After the commit of the
//! rows those files are appended to their tables under the same number. Killed in between, the next holder of the shard
//! reads the footer of the last batch ([`recover`]) and appends what is missing before it begins.

mod batch;
mod companion;
mod lander;
pub mod progress;
mod recover;

use arrow::array::RecordBatch;
use tokio::sync::{mpsc, oneshot};

pub use self::lander::Lander;
use self::progress::Progress;
use crate::{
    error::{Error, Result},
    health::Health,
    unit::Shard,
};

/// What one piece of work brought. It lands whole, once, or not at all.
#[derive(Debug)]
pub struct Piece {
    /// The work, how it ended, and how far it got: its `watermark` is landed with the rows.
    pub health: Health,
    /// Rows of `utilization`, with the columns of its files; strings may be dictionaries
    /// ([`coded_file_schema`](airshed_domain::schema::Table::coded_file_schema)).
    pub rows: Vec<RecordBatch>,
    /// Rows of `utilization_estimates`, with the columns of its files.
    pub estimates: Vec<RecordBatch>,
    /// Data points that were rejected.
    pub rejects: Vec<RejectedPoint>,
    /// The object that they came from, for metric streams.
    pub object: Option<CollectedObject>,
}

impl Piece {
    /// Work that brought no rows.
    pub fn report(health: Health) -> Self {
        Self { health, rows: Vec::new(), estimates: Vec::new(), rejects: Vec::new(), object: None }
    }
}

/// A row of `rejects`.
#[derive(Debug, Clone)]
pub struct RejectedPoint {
    /// The object, or the call that brought it.
    pub source: String,
    /// Number of the record, from 0; -1 for all of it.
    pub record: i64,
    /// Why, as a short code.
    pub reason: &'static str,
    /// Why, in a sentence.
    pub detail: String,
    /// The value at fault.
    pub value: Option<String>,
}

/// A row of `collected_objects`; counts of rows are added when it lands.
#[derive(Debug, Clone)]
pub struct CollectedObject {
    /// The stream, as configured.
    pub stream: String,
    /// Where it was read.
    pub uri: String,
    /// Its ETag.
    pub e_tag: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// json, otlp or unknown.
    pub format: &'static str,
}

/// What is asked of the lander.
#[derive(Debug)]
enum Message {
    /// Hand in a piece.
    Piece(Box<Piece>, oneshot::Sender<Result<()>>),
    /// Take over shards: complete what their last holder left, and say how far they are.
    Adopt(Vec<Shard>, oneshot::Sender<Result<Progress>>),
    /// Commit now.
    Flush(oneshot::Sender<Result<()>>),
}

/// The way to the lander; clones lead to the same.
#[derive(Debug, Clone)]
pub struct Landing {
    messages: mpsc::Sender<Message>,
}

/// A piece that was handed over.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Result<()>>);

/// A way to a lander and what comes along it. `capacity` pieces wait at most.
pub fn channel(capacity: usize) -> (Landing, Pieces) {
    let (messages, received) = mpsc::channel(capacity);
    (Landing { messages }, Pieces(received))
}

/// The receiving end of [`Landing`].
#[derive(Debug)]
pub struct Pieces(mpsc::Receiver<Message>);

#[cfg(any(test, feature = "stand-in"))]
impl Pieces {
    /// The next piece, and the way to say that it has landed, for tests that stand in for the lander.
    pub async fn next(&mut self) -> Option<(Piece, oneshot::Sender<Result<()>>)> {
        loop {
            if let Message::Piece(piece, done) = self.0.recv().await? {
                return Some((*piece, done));
            }
        }
    }
}

impl Landing {
    /// Hands a piece over; waits while the lander is behind.
    pub async fn hand_over(&self, piece: Piece) -> Result<Pending> {
        let (done, pending) = oneshot::channel();
        let message = Message::Piece(Box::new(piece), done);
        self.messages.send(message).await.map_err(|_| Error::cancelled())?;
        Ok(Pending(pending))
    }

    /// Takes over shards. What their last holder left half done is completed first.
    pub async fn adopt(&self, shards: Vec<Shard>) -> Result<Progress> {
        let (done, answer) = oneshot::channel();
        self.messages.send(Message::Adopt(shards, done)).await.map_err(|_| Error::cancelled())?;
        answer.await.map_err(|_| Error::cancelled())?
    }

    /// Commits what was handed over so far.
    pub async fn flush(&self) -> Result<()> {
        let (done, answer) = oneshot::channel();
        self.messages.send(Message::Flush(done)).await.map_err(|_| Error::cancelled())?;
        answer.await.map_err(|_| Error::cancelled())?
    }
}

impl Pending {
    /// Waits until the piece is committed.
    ///
    /// # Errors
    /// [`ErrorKind::Fenced`](crate::ErrorKind::Fenced) when the shard is in other hands: nothing of the piece landed.
    pub async fn landed(self) -> Result<()> {
        self.0.await.map_err(|_| Error::cancelled())?
    }
}

/// The sequence of a shard, in every table that its batches are in.
fn sequence(shard: Shard) -> String {
    format!("collect-{shard}")
}

/// How the names of the files of a batch begin; shard, number of the batch and hash follow, parted by `-`.
pub(crate) const STEM: &str = "part-collect";

fn stem(shard: Shard, number: i64) -> String {
    format!("{STEM}{shard}-{number:010}")
}
