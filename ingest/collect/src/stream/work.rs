//! One object, from its announcement to its landing.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use airshed_lake::Location;
use object_store::path::Path;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::{JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;

use super::{
    Counts, StreamParts, chain,
    content::Content,
    dead_letter::DeadLetter,
    fetch::{Fetched, Trouble},
    memory::{Claim, Memory, Mine},
    unless,
};
use crate::{
    config::StreamConfig,
    error::{Context as _, Error, ErrorKind, Result},
    health::{Health, Status, Work as Kind},
    land::{CollectedObject, Piece, progress::object_key},
    unit::{Shard, Unit},
};

/// Times that an announced object that is not there is looked for, once for each time that its message comes.
const MOST_LOOKS: u32 = 3;
/// Times that an object may be found to be another one than before.
const MOST_CHANGES: u32 = 5;
/// Failures are told to `collector_health` at most so often.
const REPORT_EVERY: Duration = Duration::from_mins(1);
/// Objects in work for each that is decoded: the others are read meanwhile.
const PLACES_PER_CORE: usize = 4;

/// What the objects of a stream are worked with.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) config: StreamConfig,
    pub(super) shard: Shard,
    pub(super) parts: StreamParts,
    pub(super) memory: Memory,
    pub(super) buckets: Mutex<HashMap<String, Location>>,
    /// One for each object between its announcement and the lander.
    pub(super) places: Arc<Semaphore>,
    pub(super) most_places: u32,
    counts: Mutex<Counts>,
    /// When a failure was reported last.
    reported: Mutex<Option<Duration>>,
}

/// An object, as far as it is known before it is read.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) uri: String,
    /// Without quotes; empty where it is not known.
    pub(super) e_tag: String,
    pub(super) size_bytes: u64,
    /// Where it is; or why it cannot be anywhere.
    pub(super) place: Result<(Location, Path), String>,
}

/// How an object was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'a> {
    /// The message; nothing for an object that was listed.
    pub(super) body: Option<&'a str>,
    /// Times that it was received.
    pub(super) received: u32,
}

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It is in the ledger, or not needed: its message may go.
    Done,
    /// It failed for now, and comes again.
    Left,
}

impl Work {
    pub(super) fn new(config: StreamConfig, shard: Shard, parts: StreamParts, memory: Memory) -> Self {
        let places = parts.limits.concurrency() * PLACES_PER_CORE;
        Self {
            config,
            shard,
            parts,
            memory,
            buckets: Mutex::default(),
            places: Arc::new(Semaphore::new(places)),
            most_places: u32::try_from(places).unwrap_or(u32::MAX),
            counts: Mutex::default(),
            reported: Mutex::default(),
        }
    }

    pub(super) fn counts(&self) -> Counts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self, add: impl FnOnce(&mut Counts)) {
        add(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// A place among the objects in work; waits for one.
    pub(super) async fn place(&self, cancel: &CancellationToken) -> Result<OwnedSemaphorePermit> {
        let place = unless(cancel, Arc::clone(&self.places).acquire_owned()).await?;
        place.map_err(|_| Error::cancelled())
    }

    /// Waits until no object is on its way to the lander.
    pub(super) async fn handed_over(&self, cancel: &CancellationToken) -> Result<()> {
        let all = Arc::clone(&self.places).acquire_many_owned(self.most_places);
        unless(cancel, all).await?.map(drop).map_err(|_| Error::cancelled())
    }

    /// Waits until everything in work has landed.
    pub(super) async fn finish(
        &self,
        tasks: &mut JoinSet<Result<()>>,
        cancel: &CancellationToken,
    ) -> Result<()> {
        self.handed_over(cancel).await?;
        // Else the last ones wait for the next commit. How each of them fared its own task says.
        drop(unless(cancel, self.parts.landing.flush()).await?);
        while let Some(ended) = unless(cancel, tasks.join_next()).await? {
            ended_well(ended)?;
        }
        Ok(())
    }

    /// Collects an object; returns when it is landed. Its place is free once it is handed over.
    ///
    /// # Errors
    /// What ends the work on the stream: a shard in other hands, a cancellation, a defect.
    pub(super) async fn collect(
        &self,
        mut object: Object,
        origin: Origin<'_>,
        place: OwnedSemaphorePermit,
        cancel: &CancellationToken,
    ) -> Result<End> {
        let (mut place, mut changes) = (Some(place), 0);
        loop {
            let mine = match self.memory.claim(object_key(&object.uri, &object.e_tag)) {
                Claim::Mine(mine) => mine,
                Claim::Landed => {
                    self.count(|counts| counts.known += 1);
                    return Ok(End::Done);
                }
                Claim::Busy(mut busy) => {
                    place = None;
                    // It ends when the other one is dropped.
                    drop(unless(cancel, busy.changed()).await?);
                    continue;
                }
            };
            let held = match place.take() {
                Some(place) => place,
                None => self.place(cancel).await?,
            };
            match self.fetch(&object, cancel).await {
                Ok(fetched) => return self.land(&object, fetched, origin, (mine, held), cancel).await,
                Err(Trouble::Changed { .. }) if changes == MOST_CHANGES => {
                    let message = format!("`{}` does not stay the same", object.uri);
                    return self.leave(Error::new(ErrorKind::Retry, message), cancel).await;
                }
                Err(Trouble::Changed { e_tag, size_bytes }) => {
                    changes += 1;
                    object = Object { e_tag, size_bytes, ..object };
                    place = Some(held);
                }
                Err(Trouble::Missing) if origin.body.is_none() => {
                    // It was deleted since it was listed, and is listed no more.
                    self.count(|counts| counts.gone += 1);
                    return Ok(End::Done);
                }
                Err(Trouble::Missing) if origin.received >= MOST_LOOKS => {
                    let fetched = Fetched::unread(&object.uri, "there is no such object".to_owned());
                    return self.land(&object, fetched, origin, (mine, held), cancel).await;
                }
                Err(Trouble::Missing) => {
                    let error = Error::new(ErrorKind::Retry, format!("there is no object `{}`", object.uri));
                    return self.leave(error, cancel).await;
                }
                Err(Trouble::Failed(error)) => return self.leave(error, cancel).await,
            }
        }
    }

    async fn land(
        &self,
        object: &Object,
        fetched: Fetched,
        origin: Origin<'_>,
        (mine, place): (Mine<'_>, OwnedSemaphorePermit),
        cancel: &CancellationToken,
    ) -> Result<End> {
        let Fetched { content, in_flight } = fetched;
        if let Some(reason) = &content.poison {
            let letter = DeadLetter {
                stream: &self.config.source,
                source: &object.uri,
                e_tag: &object.e_tag,
                reason,
                at: self.parts.clock.now().to_string(),
                body: origin.body,
            };
            if let Err(error) = unless(cancel, letter.write(&self.parts.lake)).await? {
                return self.leave(error, cancel).await;
            }
            tracing::warn!(source = %object.uri, reason, "a dead letter was written");
            self.count(|counts| counts.dead_letters += 1);
        }
        let rows = content.rows.iter().map(|batch| batch.num_rows() as u64).sum::<u64>();
        let (rejected, left_out) = (content.rejected, content.left_out);
        let piece = self.piece(object, content);
        let pending = unless(cancel, self.parts.landing.hand_over(piece)).await??;
        drop((in_flight, place));
        // A failure leaves open whether the piece landed: only the ledger knows, and the shard is taken over anew.
        unless(cancel, pending.landed()).await?.map_err(|error| match error.kind() {
            ErrorKind::Retry | ErrorKind::Input => {
                Error::new(ErrorKind::Fenced, "it is not known whether an object landed").caused_by(error)
            }
            ErrorKind::Fenced | ErrorKind::Cancelled | ErrorKind::Bug => error,
        })?;
        mine.landed(self.parts.clock.elapsed());
        self.count(|counts| {
            counts.objects += 1;
            counts.rows += rows;
            counts.rejected += rejected;
            counts.left_out += left_out;
        });
        Ok(End::Done)
    }

    fn piece(&self, object: &Object, content: Content) -> Piece {
        let health = Health {
            status: if content.poison.is_some() { Status::Partial } else { Status::Ok },
            detail: content.poison.map(|reason| format!("{}: {reason}", object.uri)),
            newest: content.newest,
            rows_rejected: content.rejected,
            rows_left_out: content.left_out,
            ..self.health()
        };
        let object = CollectedObject {
            stream: self.config.source.clone(),
            uri: object.uri.clone(),
            e_tag: object.e_tag.clone(),
            size_bytes: object.size_bytes,
            format: content.format,
        };
        Piece {
            health,
            rows: content.rows,
            estimates: Vec::new(),
            rejects: content.rejects,
            object: Some(object),
        }
    }

    /// The health of this stream when there is nothing to say.
    pub(super) fn health(&self) -> Health {
        Health::of(self.shard, Unit::Stream(self.config.source.clone()), Kind::Stream)
    }

    /// Lands health without rows; does not wait for it.
    pub(super) async fn tell(&self, health: Health, cancel: &CancellationToken) -> Result<()> {
        unless(cancel, self.parts.landing.hand_over(Piece::report(health))).await?.map(drop)
    }

    /// Leaves an object that failed for now.
    ///
    /// # Errors
    /// The error itself, when it is the end of the work.
    pub(super) async fn leave(&self, error: Error, cancel: &CancellationToken) -> Result<End> {
        let status = match error.kind() {
            ErrorKind::Retry => Status::Failed,
            ErrorKind::Input => Status::Denied,
            ErrorKind::Fenced | ErrorKind::Cancelled | ErrorKind::Bug => return Err(error),
        };
        self.count(|counts| counts.left += 1);
        if self.may_report() {
            let detail = Some(chain(&error));
            self.tell(Health { status, detail, ..self.health() }, cancel).await?;
        }
        Ok(End::Left)
    }

    fn may_report(&self) -> bool {
        let now = self.parts.clock.elapsed();
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        let may = reported.is_none_or(|last| now.saturating_sub(last) >= REPORT_EVERY);
        if may {
            *reported = Some(now);
        }
        may
    }
}

/// The end of a task that works on an object.
pub(super) fn ended_well(ended: Result<Result<()>, JoinError>) -> Result<()> {
    ended.context(|| "work on an object was broken off".to_owned())?
}
