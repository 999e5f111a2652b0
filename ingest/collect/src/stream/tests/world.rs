//! The queue, the bucket and the lander in memory.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use airshed_lake::{Lake, Location};
use arrow::{array::AsArray as _, compute::cast, datatypes::DataType};
use async_trait::async_trait;
use futures::TryStreamExt as _;
use jiff::Timestamp;
use object_store::{ObjectStore, ObjectStoreExt as _, memory::InMemory, path::Path};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock as _, VirtualClock},
    cloud::Answer,
    config::StreamConfig,
    error::{CallError, CallErrorKind, Error, ErrorKind, Result},
    land::{self, Piece, progress::object_key},
    stream::{Buckets, Limits, Message, Queue, Source, StreamParts, StreamWorker},
    unit::Shard,
};

pub(super) const VISIBILITY: Duration = Duration::from_secs(30);
const START_MS: u64 = 1_780_281_600_000;

/// A record of an instance's processor, of one minute.
pub(super) fn record(account: &str, instance: &str, minute: u64) -> String {
    format!(
        r#"{{"account_id":"{account}","region":"eu-west-1","namespace":"AWS/EC2","metric_name":"CPUUtilization","dimensions":{{"InstanceId":"{instance}"}},"timestamp":{},"value":{{"max":50.0,"min":0.5,"sum":50.0,"count":1.0}},"unit":"Percent"}}"#,
        START_MS + minute * 60_000
    ) + "\n"
}

/// A queue that hides what was received for [`VISIBILITY`].
#[derive(Debug)]
pub(super) struct MemoryQueue {
    clock: VirtualClock,
    messages: Mutex<Vec<(Message, Duration)>>,
    pub(super) deletes_fail: AtomicBool,
    pub(super) receives_fail: AtomicU32,
    pub(super) receives_are_denied: AtomicU32,
    /// Messages that were received at least once.
    pub(super) received: AtomicUsize,
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn receive(&self, wait: Duration) -> Answer<Vec<Message>> {
        if self.receives_fail.load(Ordering::Relaxed) > 0 {
            self.receives_fail.fetch_sub(1, Ordering::Relaxed);
            return Err(CallError::new(CallErrorKind::Throttled, "ReceiveMessage", "slow down"));
        }
        if self.receives_are_denied.load(Ordering::Relaxed) > 0 {
            self.receives_are_denied.fetch_sub(1, Ordering::Relaxed);
            return Err(CallError::new(CallErrorKind::Denied, "ReceiveMessage", "no"));
        }
        let found: Vec<Message> = {
            let now = self.clock.elapsed();
            let mut messages = self.messages.lock().unwrap();
            let visible = messages.iter_mut().filter(|(_, visible_at)| *visible_at <= now).take(10);
            visible
                .map(|(message, visible_at)| {
                    *visible_at = now + VISIBILITY;
                    message.received += 1;
                    message.receipt = format!("{}#{}", message.id, message.received);
                    message.clone()
                })
                .collect()
        };
        if found.is_empty() {
            self.clock.sleep(wait).await;
        }
        let first = found.iter().filter(|message| message.received == 1).count();
        self.received.fetch_add(first, Ordering::Relaxed);
        Ok(found)
    }

    async fn delete(&self, receipts: &[String]) -> Answer<()> {
        assert!(receipts.len() <= 10);
        if self.deletes_fail.load(Ordering::Relaxed) {
            return Err(CallError::new(CallErrorKind::Denied, "DeleteMessageBatch", "no"));
        }
        // As SQS has it: only the newest receipt deletes.
        self.messages.lock().unwrap().retain(|(message, _)| !receipts.contains(&message.receipt));
        Ok(())
    }

    async fn waiting(&self) -> Answer<u64> {
        Ok(self.left() as u64)
    }
}

impl MemoryQueue {
    pub(super) fn send(&self, id: &str, body: String) {
        let message = Message { id: id.to_owned(), receipt: String::new(), body, received: 0 };
        self.messages.lock().unwrap().push((message, Duration::ZERO));
    }

    pub(super) fn left(&self) -> usize {
        self.messages.lock().unwrap().len()
    }
}

/// The buckets of a store; they may be out of reach at first.
#[derive(Debug)]
struct MemoryBuckets {
    store: Arc<InMemory>,
    out_of_reach: AtomicU32,
}

impl Buckets for MemoryBuckets {
    fn open(&self, bucket: &str) -> Result<Location> {
        if self.out_of_reach.load(Ordering::Relaxed) > 0 {
            self.out_of_reach.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::new(ErrorKind::Retry, "out of reach"));
        }
        place(&self.store, &format!("s3://{bucket}"))
    }
}

fn place(store: &Arc<InMemory>, url: &str) -> Result<Location> {
    let store: Arc<dyn ObjectStore> = Arc::<InMemory>::clone(store);
    let url = url.parse().map_err(|_| Error::new(ErrorKind::Input, "no bucket's name"))?;
    Location::in_store(store, &url).map_err(|_| Error::new(ErrorKind::Input, "no bucket's name"))
}

/// How the lander answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lands {
    AtOnce,
    /// After a wait, and one piece after the other.
    Slowly(Duration),
    Never,
    Fenced,
}

pub(super) struct World {
    pub(super) clock: VirtualClock,
    pub(super) queue: Arc<MemoryQueue>,
    pub(super) limits: Arc<Limits>,
    pub(super) lake: Lake,
    store: Arc<InMemory>,
    buckets: Arc<MemoryBuckets>,
    /// Pieces that were landed.
    pub(super) landed: Arc<Mutex<Vec<Piece>>>,
}

impl World {
    pub(super) fn new() -> Self {
        Self::starting("2026-06-01T00:00:00Z")
    }

    pub(super) fn with_bytes_in_flight(self, bytes: u64) -> Self {
        Self { limits: Arc::new(Limits::new(2, bytes)), ..self }
    }

    pub(super) fn starting(at: &str) -> Self {
        let clock = VirtualClock::starting(at.parse().unwrap());
        let store = Arc::new(InMemory::new());
        let lake: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        Self {
            queue: Arc::new(MemoryQueue {
                clock: clock.clone(),
                messages: Mutex::default(),
                deletes_fail: AtomicBool::new(false),
                receives_fail: AtomicU32::new(0),
                receives_are_denied: AtomicU32::new(0),
                received: AtomicUsize::new(0),
            }),
            limits: Arc::new(Limits::new(2, 64 << 10)),
            lake: Lake::at(Location::in_store(lake, &"memory:///lake".parse().unwrap()).unwrap()),
            buckets: Arc::new(MemoryBuckets { store: Arc::clone(&store), out_of_reach: AtomicU32::new(0) }),
            clock,
            store,
            landed: Arc::default(),
        }
    }

    pub(super) fn keep_out_of_reach(&self, times: u32) {
        self.buckets.out_of_reach.store(times, Ordering::Relaxed);
    }

    /// Puts an object, and returns the message that announces it.
    pub(super) async fn put(&self, key: &str, object: impl Into<Vec<u8>>) -> String {
        let object = object.into();
        let size = object.len();
        let put = self.store.put(&Path::from(key), object.into()).await.unwrap();
        notification(key, &put.e_tag.unwrap(), size)
    }

    pub(super) fn worker(&self, source: Source, lands: Lands) -> Running {
        self.worker_that_knows(source, HashSet::new(), lands)
    }

    /// A worker, and a lander that answers it.
    pub(super) fn worker_that_knows(&self, source: Source, known: HashSet<u128>, lands: Lands) -> Running {
        let (landing, mut pieces) = land::channel(2);
        let (landed, clock) = (Arc::clone(&self.landed), self.clock.clone());
        let mut answers = tokio::task::JoinSet::new();
        answers.spawn(async move {
            if lands == Lands::Never {
                std::future::pending::<()>().await;
            }
            while let Some((piece, done)) = pieces.next().await {
                if let Lands::Slowly(wait) = lands {
                    clock.sleep(wait).await;
                }
                if lands == Lands::Fenced {
                    drop(done.send(Err(Error::new(ErrorKind::Fenced, "in other hands"))));
                    continue;
                }
                landed.lock().unwrap().push(piece);
                drop(done.send(Ok(())));
            }
        });
        let parts = StreamParts {
            lake: self.lake.clone(),
            buckets: Arc::<MemoryBuckets>::clone(&self.buckets),
            landing,
            clock: Arc::new(self.clock.clone()),
            is_collected: Arc::new(|account| account != "999999999999"),
            limits: Arc::clone(&self.limits),
        };
        let config = StreamConfig { source: "the stream".to_owned(), json_interval_s: 60 };
        let worker = StreamWorker::new(config, Shard(3), source, known, parts);
        Running { worker, cancel: CancellationToken::new(), _lander: answers }
    }

    pub(super) fn announced(&self) -> Source {
        Source::Announced(Arc::<MemoryQueue>::clone(&self.queue))
    }

    pub(super) fn listed(&self, prefix: &str, watermark: Option<Timestamp>) -> Source {
        let prefix = place(&self.store, &format!("s3://bucket/{prefix}")).unwrap();
        Source::Listed { prefix, watermark }
    }

    /// Lets time pass until something is so.
    pub(super) async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self) {
            self.clock.sleep(Duration::from_secs(1)).await;
        }
    }

    /// Waits without any time passing: the clock does not see work on other threads.
    pub(super) async fn at_once(&self, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self) {
            tokio::task::yield_now().await;
        }
    }

    /// Times that each `resource minute` was landed.
    pub(super) fn rows(&self) -> BTreeMap<String, usize> {
        let mut rows = BTreeMap::new();
        for batch in self.landed.lock().unwrap().iter().flat_map(|piece| &piece.rows) {
            let text = |name| {
                let column = cast(batch.column_by_name(name).unwrap(), &DataType::Int64);
                column.or_else(|_| cast(batch.column_by_name(name).unwrap(), &DataType::Utf8)).unwrap()
            };
            let ids = cast(batch.column_by_name("resource_id").unwrap(), &DataType::Utf8).unwrap();
            let starts = text("usage_start");
            for row in 0..batch.num_rows() {
                let start = starts.as_primitive::<arrow::datatypes::Int64Type>().value(row);
                let minute = (start / 1000 - i64::try_from(START_MS).unwrap()) / 60_000;
                *rows.entry(format!("{} {minute}", ids.as_string::<i32>().value(row))).or_default() += 1;
            }
        }
        rows
    }

    /// Keys of the objects that were landed: what a new worker is told.
    pub(super) fn known(&self) -> HashSet<u128> {
        let landed = self.landed.lock().unwrap();
        let objects = landed.iter().filter_map(|piece| piece.object.as_ref());
        objects.map(|object| object_key(&object.uri, &object.e_tag)).collect()
    }

    /// Dead letters, by their source.
    pub(super) async fn dead_letters(&self) -> BTreeMap<String, serde_json::Value> {
        let folder = Path::from("lake/_dead_letters");
        let files: Vec<_> = self.lake.store().list(Some(&folder)).try_collect().await.unwrap();
        let mut letters = BTreeMap::new();
        for file in files {
            let bytes = self.lake.store().get(&file.location).await.unwrap().bytes().await.unwrap();
            let letter: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            letters.insert(letter["source"].as_str().unwrap().to_owned(), letter);
        }
        letters
    }
}

pub(super) struct Running {
    pub(super) worker: StreamWorker,
    pub(super) cancel: CancellationToken,
    _lander: tokio::task::JoinSet<()>,
}

pub(super) fn notification(key: &str, e_tag: &str, size: usize) -> String {
    serde_json::json!({"Records": [{"eventName": "ObjectCreated:Put", "s3": {
        "bucket": {"name": "bucket"}, "object": {"key": key.replace('=', "%3D"), "size": size, "eTag": e_tag}
    }}]})
    .to_string()
}
