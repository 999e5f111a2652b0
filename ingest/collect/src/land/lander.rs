//! The task that commits.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use airshed_domain::schema::{self, column as c};
use airshed_lake::{DataFile, ErrorKind as LakeErrorKind, Lake, LakeTable, PartitionValues};
use tokio::{sync::oneshot, task::spawn_blocking};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{
    Message, Piece, Pieces,
    batch::{self, Encoders},
    companion::{Companions, Stamp},
    progress::Progress,
    recover::{self, Batch, OPERATION},
    sequence, stem,
};
use crate::{
    board::Board,
    clock::Clock,
    config::LandConfig,
    error::{Context as _, Error, ErrorKind, Result},
    unit::Shard,
};

/// Wait before a store that is out of reach is tried again.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// Longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Takes pieces and commits them. One for a process.
#[derive(Debug)]
pub struct Lander {
    lake: Lake,
    config: LandConfig,
    collector: String,
    clock: Arc<dyn Clock>,
    board: Arc<Board>,
    utilization: LakeTable,
    /// Last number of each shard that was taken over.
    numbers: HashMap<Shard, i64>,
    open: BTreeMap<Shard, OpenBatch>,
    open_rows: u64,
    /// When the oldest piece of the open batches came, on the clock's `elapsed`.
    open_since: Option<Duration>,
}

/// What a shard has handed over since the last commit.
#[derive(Debug, Default)]
struct OpenBatch {
    encoders: Encoders,
    companions: Companions,
    done: Vec<oneshot::Sender<Result<()>>>,
}

/// A shard's batch in files.
struct ReadyBatch {
    batch: Batch,
    files: Vec<DataFile>,
    done: Vec<oneshot::Sender<Result<()>>>,
    companions: Companions,
}

impl Lander {
    /// A lander of a lake. `collector` is what `collector_health` calls this process; `board` shows what was committed.
    pub async fn open(
        lake: Lake,
        config: LandConfig,
        collector: String,
        clock: Arc<dyn Clock>,
        board: Arc<Board>,
    ) -> Result<Self> {
        let context = || "cannot open table `utilization`".to_owned();
        let utilization = lake.table(&schema::utilization()).await.context(context)?;
        Ok(Self {
            lake,
            config,
            collector,
            clock,
            board,
            utilization,
            numbers: HashMap::new(),
            open: BTreeMap::new(),
            open_rows: 0,
            open_since: None,
        })
    }

    /// Lands what comes along until every [`super::Landing`] is dropped, then commits the rest. When `cancel` is called,
    /// waiting for a store that is out of reach ends; what was not committed then is not acknowledged.
    pub async fn run(mut self, mut pieces: Pieces, cancel: CancellationToken) -> Result<()> {
        loop {
            let due = self.open_since.map(|since| since + self.config.every);
            let message = match due {
                Some(due) if self.open_rows < self.config.rows => {
                    let wait = due.saturating_sub(self.clock.elapsed());
                    tokio::select! {
                        message = pieces.0.recv() => message,
                        () = self.clock.sleep(wait) => {
                            self.commit(&cancel).await?;
                            continue;
                        }
                    }
                }
                Some(_) => {
                    self.commit(&cancel).await?;
                    continue;
                }
                None => pieces.0.recv().await,
            };
            match message {
                Some(Message::Piece(piece, done)) => self.take(*piece, done).await?,
                Some(Message::Adopt(shards, answer)) => {
                    let result = self.adopt(&shards, &cancel).await;
                    // Nobody waits for it any more: no harm.
                    drop(answer.send(result));
                }
                Some(Message::Flush(answer)) => drop(answer.send(self.commit(&cancel).await)),
                None => return self.commit(&cancel).await,
            }
        }
    }

    async fn take(&mut self, piece: Piece, done: oneshot::Sender<Result<()>>) -> Result<()> {
        let shard = piece.health.shard;
        if !self.numbers.contains_key(&shard) {
            drop(done.send(Err(fenced(shard))));
            return Ok(());
        }
        let Piece { health, rows, estimates, rejects, object } = piece;
        let count: u64 = rows.iter().map(|batch| batch.num_rows() as u64).sum();
        let open = self.open.entry(shard).or_default();
        let mut encoders = std::mem::take(&mut open.encoders);
        let (encoders, estimates) = spawn_blocking(move || {
            rows.iter().try_for_each(|batch| encoders.write(batch))?;
            let estimates = estimates.iter().map(|rows| batch::by_period(rows, c::USAGE_START));
            let estimates: Vec<_> = estimates.collect::<Result<Vec<_>>>()?;
            Ok::<_, Error>((encoders, estimates.into_iter().flatten().collect()))
        })
        .await
        .context(|| "encoding rows was broken off".to_owned())??;
        open.encoders = encoders;
        open.companions.add(count, health, object, rejects, estimates);
        open.done.push(done);
        self.open_rows += count;
        self.open_since.get_or_insert(self.clock.elapsed());
        Ok(())
    }

    async fn adopt(&mut self, shards: &[Shard], cancel: &CancellationToken) -> Result<Progress> {
        for shard in shards {
            self.refuse(*shard);
        }
        let context = || "cannot read table `utilization`".to_owned();
        self.utilization.refresh().await.context(context)?;
        let mut last = Vec::with_capacity(shards.len());
        for shard in shards {
            last.push(recover::last_batch(&self.utilization, *shard).await?);
        }
        recover::complete(&self.lake, &last.iter().collect::<Vec<_>>(), cancel).await?;
        self.numbers.extend(last.iter().map(|batch| (batch.shard, batch.number)));
        Progress::load(&self.lake, self.clock.now()).await
    }

    /// Drops what a shard has handed over and was not committed.
    fn refuse(&mut self, shard: Shard) {
        self.numbers.remove(&shard);
        for done in self.open.remove(&shard).into_iter().flat_map(|open| open.done) {
            drop(done.send(Err(fenced(shard))));
        }
    }

    async fn commit(&mut self, cancel: &CancellationToken) -> Result<()> {
        self.open_since = None;
        self.open_rows = 0;
        let mut ready = Vec::new();
        for (shard, open) in std::mem::take(&mut self.open) {
            ready.push(self.put(shard, open, cancel).await?);
        }
        if ready.is_empty() {
            return Ok(());
        }
        let rows: u64 = ready.iter().flat_map(|ready| &ready.files).map(|file| file.rows).sum();
        let span = tracing::info_span!("commit", shards = ready.len(), rows);
        let landed = self.commit_rows(ready, cancel).instrument(span).await?;
        let batches: Vec<&Batch> = landed.iter().map(|ready| &ready.batch).collect();
        let mut wait = FIRST_WAIT;
        while let Err(error) = recover::complete(&self.lake, &batches, cancel).await {
            wait_for_lake(&*self.clock, error, &mut wait, cancel).await?;
        }
        self.numbers.extend(batches.iter().map(|batch| (batch.shard, batch.number)));
        let now = self.clock.now();
        for ready in landed {
            ready.companions.show(&self.board, now);
            ready.done.into_iter().for_each(|done| drop(done.send(Ok(()))));
        }
        Ok(())
    }

    /// Puts the files of a shard's batch. They belong to no table yet.
    async fn put(&mut self, shard: Shard, open: OpenBatch, cancel: &CancellationToken) -> Result<ReadyBatch> {
        let number = self.numbers.get(&shard).map_or(1, |last| last + 1);
        let stamp = Stamp { collector: self.collector.clone(), at: self.clock.now() };
        let mut wait = FIRST_WAIT;
        let companions = loop {
            match open.companions.put(&self.lake, shard, number, &stamp).await {
                Ok(companions) => break companions,
                Err(error) => wait_for_lake(&*self.clock, error, &mut wait, cancel).await?,
            }
        };
        let note = serde_json::to_string(&companions)
            .map_err(|e| Error::bug("a batch cannot be described").caused_by(e))?;
        let encoded = spawn_blocking(move || open.encoders.finish(&note))
            .await
            .context(|| "encoding rows was broken off".to_owned())??;
        let mut files = Vec::with_capacity(encoded.len());
        for (period, file) in encoded {
            let partition = PartitionValues::from([(c::PERIOD.to_owned(), period)]);
            let mut wait = FIRST_WAIT;
            files.push(loop {
                let context = || "cannot put a file of `utilization`".to_owned();
                match self
                    .utilization
                    .put(&partition, &stem(shard, number), file.clone())
                    .await
                    .context(context)
                {
                    Ok(file) => break file,
                    Err(error) => wait_for_lake(&*self.clock, error, &mut wait, cancel).await?,
                }
            });
        }
        let batch = Batch { shard, number, companions };
        Ok(ReadyBatch { batch, files, done: open.done, companions: open.companions })
    }

    /// Commits rows of shards under their next numbers; those that are in other hands are told so and left out.
    async fn commit_rows(
        &mut self,
        mut ready: Vec<ReadyBatch>,
        cancel: &CancellationToken,
    ) -> Result<Vec<ReadyBatch>> {
        let mut wait = FIRST_WAIT;
        loop {
            let files: Vec<_> = ready.iter().flat_map(|ready| ready.files.clone()).collect();
            let numbers: Vec<_> =
                ready.iter().map(|ready| (sequence(ready.batch.shard), ready.batch.number)).collect();
            let error = match self.utilization.append_under(&files, &numbers, OPERATION).await {
                Ok(()) => return Ok(ready),
                Err(error) => error,
            };
            if error.kind() != LakeErrorKind::Retry {
                return Err(error).context(|| "cannot commit to `utilization`".to_owned());
            }
            match self.taken(&ready).await {
                Err(error) => wait_for_lake(&*self.clock, error, &mut wait, cancel).await?,
                Ok(taken) if taken.iter().all(|taken| *taken == Taken::No) => {
                    let error =
                        Error::new(ErrorKind::Retry, "cannot commit to `utilization`").caused_by(error);
                    wait_for_lake(&*self.clock, error, &mut wait, cancel).await?;
                }
                Ok(taken) if taken.contains(&Taken::ByUs) => {
                    // The commit went through and only its answer was lost.
                    return Ok(ready);
                }
                Ok(taken) => {
                    let mut taken = taken.into_iter();
                    ready.retain_mut(|ready| {
                        let free = taken.next() == Some(Taken::No);
                        if !free {
                            let shard = ready.batch.shard;
                            self.numbers.remove(&shard);
                            ready.done.drain(..).for_each(|done| drop(done.send(Err(fenced(shard)))));
                        }
                        free
                    });
                    if ready.is_empty() {
                        return Ok(ready);
                    }
                }
            }
        }
    }

    /// Who took the numbers of batches.
    async fn taken(&mut self, ready: &[ReadyBatch]) -> Result<Vec<Taken>> {
        let context = || "cannot read table `utilization`".to_owned();
        self.utilization.refresh().await.context(context)?;
        let held = self.utilization.files().context(context)?;
        let mut taken = Vec::with_capacity(ready.len());
        for ready in ready {
            let last = self.utilization.last_number(&sequence(ready.batch.shard)).await.context(context)?;
            taken.push(if last.is_none_or(|last| last < ready.batch.number) {
                Taken::No
            } else if ready.files.iter().any(|ours| held.iter().any(|file| file.path == ours.path)) {
                Taken::ByUs
            } else {
                Taken::ByAnother
            });
        }
        Ok(taken)
    }
}

/// Who took a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    No,
    ByUs,
    ByAnother,
}

fn fenced(shard: Shard) -> Error {
    Error::new(ErrorKind::Fenced, format!("shard {shard} is in other hands"))
}

/// Waits before the next attempt, where that helps.
async fn wait_for_lake(
    clock: &dyn Clock,
    error: Error,
    wait: &mut Duration,
    cancel: &CancellationToken,
) -> Result<()> {
    if error.kind() != ErrorKind::Retry || cancel.is_cancelled() {
        return Err(error);
    }
    tracing::warn!(%error, wait_ms = wait.as_millis(), "the lake is out of reach, trying again");
    tokio::select! {
        () = cancel.cancelled() => return Err(error),
        () = clock.sleep(*wait) => {}
    }
    *wait = (*wait * 2).min(LONGEST_WAIT);
    Ok(())
}
