//! Reads the objects of a delivery on worker threads.
//!
//! The unit of work is a row group; workers take the next one from a common list, decode and normalise it, and keep its
//! lines in their own shuffle. Which worker reads what changes nothing, as lines find their place by their content.

use std::{
    collections::{BTreeSet, VecDeque},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use arrow::array::RecordBatch;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::ObjectStore;
use tokio::{runtime::Handle, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::Progress;
use crate::{
    discover::{DataObject, IgnoreReason, IgnoredObject},
    error::{Context as _, Error, Result},
    format::{Destination, Opened, RawReader, ReadError, StoredObject},
    normalize::Normalizer,
    reject::Reject,
    shuffle::{FinishedWorker, Layout, ShuffleSettings, Shuffled, Shuffler},
};

/// Objects opened at a time; opening waits for the store.
const OPEN_AHEAD: usize = 8;
/// Rejects that one worker holds. A delivery with more is not a billing export that can be read.
const REJECTS_LIMIT: usize = 1_000_000;
/// Format recorded for an object that could not be read.
const UNREADABLE: &str = "unreadable";
/// Rejects that a report names.
const FIRST_REJECTS: usize = 3;

/// How a delivery is read.
#[derive(Debug, Clone)]
pub(super) struct ReadSettings {
    /// Worker threads.
    pub(super) threads: usize,
    /// Bytes that each may hold before it spills.
    pub(super) budget_bytes: usize,
    /// Folder of temporary files.
    pub(super) spill_folder: PathBuf,
}

/// What a delivery holds.
pub(super) struct Reading {
    /// Its lines.
    pub(super) shuffled: Shuffled,
    /// Rejected rows, with their object's place in the list.
    pub(super) rejects: Vec<(usize, Reject)>,
    /// Rows for `provider_reported`.
    pub(super) provider_reported: Vec<RecordBatch>,
    /// What was found in each object, in the order of the list.
    pub(super) objects: Vec<ObjectReading>,
    /// Rows that were read, rejects included.
    pub(super) rows_read: u64,
}

/// What was found in one object.
#[derive(Debug, Clone)]
pub(super) struct ObjectReading {
    /// Where it is.
    pub(super) uri: String,
    /// Its format; nothing when it holds no billing rows.
    pub(super) format: Option<&'static str>,
    /// Rows read, rejects included.
    pub(super) rows: u64,
    /// Rejects.
    pub(super) rejected: u64,
}

impl Reading {
    /// The first rejects in words, those of whole objects before those of rows.
    pub(super) fn first_rejects(&self) -> Vec<String> {
        let (objects, rows): (Vec<_>, Vec<_>) =
            self.rejects.iter().partition(|(_, reject)| reject.is_of_object());
        let all = objects.into_iter().chain(rows);
        let words = |(place, reject): &(usize, Reject)| {
            format!("{}, {}", self.objects[*place].uri, reject.in_words())
        };
        all.take(FIRST_REJECTS).map(words).collect()
    }

    /// Objects that were rejected, whole or from some place on.
    pub(super) fn unreadable(&self) -> Vec<String> {
        let of_objects = self.rejects.iter().filter(|(_, reject)| reject.is_of_object());
        let places: BTreeSet<usize> = of_objects.map(|(place, _)| *place).collect();
        places.into_iter().map(|place| self.objects[place].uri.clone()).collect()
    }

    /// Objects that hold no billing rows.
    pub(super) fn not_billing(&self) -> Vec<IgnoredObject> {
        self.objects
            .iter()
            .filter(|object| object.format.is_none())
            .map(|object| IgnoredObject { uri: object.uri.clone(), reason: IgnoreReason::NotBilling })
            .collect()
    }
}

/// One row group of one object.
struct Task {
    object: usize,
    uri: String,
    reader: Arc<RawReader>,
    row_group: usize,
    /// Its share of the object's size, for the progress.
    bytes: u64,
}

/// What one worker found.
struct Found {
    lines: FinishedWorker,
    rejects: Vec<(usize, Reject)>,
    provider_reported: Vec<RecordBatch>,
    /// Object and rows of each row group.
    rows: Vec<(usize, u64)>,
}

/// Reads every object.
pub(super) async fn read(
    store: &Arc<dyn ObjectStore>,
    objects: Vec<DataObject>,
    settings: &ReadSettings,
    progress: &Arc<dyn Progress>,
    cancel: &CancellationToken,
) -> Result<Reading> {
    let mut readings: Vec<ObjectReading> = objects
        .iter()
        .map(|object| ObjectReading { uri: object.uri.clone(), format: None, rows: 0, rejected: 0 })
        .collect();
    let mut rejects = Vec::new();
    let mut tasks = VecDeque::new();
    let mut opened = futures::stream::iter(objects.into_iter().enumerate())
        .map(|(place, object)| async move {
            let stored = StoredObject::listed(Arc::clone(store), &object);
            let opened = RawReader::open(stored.clone()).await;
            opened
                .context(|| "cannot open the object".to_owned())
                .map_err(|e| e.on(&object.uri))
                .map(|opened| (place, object, stored, opened))
        })
        .buffered(OPEN_AHEAD);
    // A local file may change under a read; an answer of S3 is whole.
    let mut local = Vec::new();
    while let Some((place, object, stored, opened)) = opened.try_next().await? {
        if object.local.is_some() {
            local.push((object.uri.clone(), stored));
        }
        match opened {
            Opened::NotBilling(_) => progress.advanced(0, object.size_bytes),
            Opened::Rejected(reject) => {
                readings[place].format = Some(UNREADABLE);
                rejects.push((place, *reject));
                progress.advanced(0, object.size_bytes);
            }
            Opened::Export(reader) => {
                readings[place].format = Some(reader.format().as_str());
                let reader = Arc::new(reader);
                tasks.extend(row_group_bytes(&reader, object.size_bytes).map(|(row_group, bytes)| Task {
                    object: place,
                    uri: object.uri.clone(),
                    reader: Arc::clone(&reader),
                    row_group,
                    bytes,
                }));
            }
        }
    }
    let layout = Arc::new(Layout::new()?);
    let found = run_workers(&layout, tasks, settings, progress, cancel).await?;
    for (uri, stored) in local {
        stored.confirm().await.context(|| "cannot read the object".to_owned()).map_err(|e| e.on(&uri))?;
    }
    let mut workers = Vec::new();
    let mut provider_reported = Vec::new();
    for Found { lines, rejects: more, provider_reported: reported, rows } in found {
        workers.push(lines);
        rejects.extend(more);
        provider_reported.extend(reported);
        for (object, rows) in rows {
            readings[object].rows += rows;
        }
    }
    for (object, reject) in &rejects {
        readings[*object].rejected += 1;
        // A reject that stands for no single row is counted as a row of its own, so that rows in = lines + rejects.
        readings[*object].rows += u64::from(reject.is_of_object());
    }
    rejects.sort_by(|(a_object, a), (b_object, b)| {
        (a_object, a.row_group, a.row_number, a.reason, &a.column, &a.detail).cmp(&(
            b_object,
            b.row_group,
            b.row_number,
            b.reason,
            &b.column,
            &b.detail,
        ))
    });
    let rows_read = readings.iter().map(|object| object.rows).sum();
    Ok(Reading {
        shuffled: Shuffled::new(layout, workers),
        rejects,
        provider_reported,
        objects: readings,
        rows_read,
    })
}

/// The row groups of an object, each with its share of the object's bytes.
fn row_group_bytes(reader: &RawReader, size_bytes: u64) -> impl Iterator<Item = (usize, u64)> {
    let groups = reader.row_groups() as u64;
    let end = move |group: u64| size_bytes * group / groups.max(1);
    (0..reader.row_groups()).map(move |group| (group, end(group as u64 + 1) - end(group as u64)))
}

async fn run_workers(
    layout: &Arc<Layout>,
    tasks: VecDeque<Task>,
    settings: &ReadSettings,
    progress: &Arc<dyn Progress>,
    cancel: &CancellationToken,
) -> Result<Vec<Found>> {
    let tasks = Arc::new(Mutex::new(tasks));
    // Cancelled when the caller cancels, when a worker fails and when this future is dropped.
    let stop = cancel.child_token();
    let _stop_on_drop = stop.clone().drop_guard();
    let mut workers = JoinSet::new();
    for _ in 0..settings.threads {
        let shuffle = ShuffleSettings {
            budget_bytes: settings.budget_bytes,
            spill_folder: settings.spill_folder.clone(),
        };
        let worker = Worker {
            shuffler: Shuffler::new(Arc::clone(layout), shuffle),
            rejects: Vec::new(),
            provider_reported: Vec::new(),
            rows: Vec::new(),
            progress: Arc::clone(progress),
            stop: stop.clone(),
        };
        let (tasks, runtime) = (Arc::clone(&tasks), Handle::current());
        workers.spawn_blocking(move || worker.run(&tasks, &runtime));
    }
    let mut found = Vec::new();
    let mut failure: Option<Error> = None;
    while let Some(result) = workers.join_next().await {
        match result.context(|| "a worker thread was broken off".to_owned()).and_then(|result| result) {
            Ok(result) => found.push(result),
            Err(error) => {
                stop.cancel();
                // The first failure is the cause; the others were stopped by it.
                failure.get_or_insert(error);
            }
        }
    }
    failure.map_or(Ok(found), Err)
}

struct Worker {
    shuffler: Shuffler,
    rejects: Vec<(usize, Reject)>,
    provider_reported: Vec<RecordBatch>,
    rows: Vec<(usize, u64)>,
    progress: Arc<dyn Progress>,
    stop: CancellationToken,
}

impl Worker {
    fn run(mut self, tasks: &Mutex<VecDeque<Task>>, runtime: &Handle) -> Result<Found> {
        loop {
            let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(task) = task else { break };
            let rows = self.row_group(&task, runtime).map_err(|error| error.on(&task.uri))?;
            self.rows.push((task.object, rows));
            self.progress.advanced(0, task.bytes);
        }
        let Self { shuffler, rejects, provider_reported, rows, .. } = self;
        Ok(Found { lines: shuffler.finish()?, rejects, provider_reported, rows })
    }

    /// Reads one row group; returns its rows.
    fn row_group(&mut self, task: &Task, runtime: &Handle) -> Result<u64> {
        let format = task.reader.format();
        let mut normalizer = match Normalizer::new(format, task.reader.schema()) {
            Ok(normalizer) => normalizer,
            Err(reject) => {
                // One reject stands for the whole object, not one for each row group.
                if task.row_group == 0 {
                    self.rejects.push((task.object, *reject));
                }
                return Ok(0);
            }
        };
        let object = u32::try_from(task.object).map_err(|e| Error::bug("too many objects").caused_by(e))?;
        let mut stream = task.reader.row_group(task.row_group);
        let mut rows = 0;
        while let Some(batch) = runtime.block_on(stream.next()) {
            if self.stop.is_cancelled() {
                return Err(Error::cancelled());
            }
            let raw = match batch {
                Ok(raw) => raw,
                Err(ReadError::Damaged(reject)) => {
                    rows += u64::from(!reject.is_of_object());
                    self.rejects.push((task.object, *reject));
                    continue;
                }
                Err(ReadError::Store(error)) => {
                    return Err(error).context(|| "cannot read the object".to_owned());
                }
            };
            let done = normalizer.normalize(&raw);
            let (read, lines) = (raw.batch.num_rows(), done.lines.num_rows());
            if read != lines + done.rejects.len() {
                let rejects = done.rejects.len();
                return Err(Error::bug(format!("{read} rows became {lines} lines and {rejects} rejects")));
            }
            match format.destination() {
                Destination::BillingLines => self.shuffler.push(object, &done.lines)?,
                Destination::ProviderReported => self.provider_reported.push(done.lines),
            }
            self.rejects.extend(done.rejects.into_iter().map(|reject| (task.object, reject)));
            if self.rejects.len() > REJECTS_LIMIT {
                return Err(Error::input(format!("more than {REJECTS_LIMIT} rows were rejected")));
            }
            rows += read as u64;
            self.progress.advanced(read as u64, 0);
        }
        Ok(rows)
    }
}
