//! Metric streams into a lake on disk: objects read, decoded, joined to the accounts, encoded, committed.
//!
//! `cargo bench -p airshed-collect --bench streams -- [json|otlp] [seconds] [points a second]`. Without a rate objects
//! wait in line: how much goes through. With one they come at it: how old a data point is when its row can be read.
//! Every object has the same fleet and its own minute, as a stream delivers it.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a program that measures and prints"
)]

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use airshed_collect::{
    Clock,
    board::Board,
    cloud::Answer,
    config::{LandConfig, StreamConfig},
    land::{self, Lander},
    stream::{Buckets, Limits, Message, Queue, Source, StreamParts, StreamWorker},
    unit::Shard,
};
use airshed_domain::schema;
use airshed_lake::{Lake, Location, StoreOptions};
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use object_store::{ObjectStore, ObjectStoreExt as _, memory::InMemory, path::Path};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SHARD: Shard = Shard(0);
/// Different objects; after the last the first comes again under another name, as the fleet's values do.
const OBJECTS: usize = 16;
/// Objects that may wait in the queue.
const WAITING: usize = 64;

#[path = "../../metric-stream/benches/fleet.rs"]
mod fleet;
#[path = "../../metric-stream/tests/support/messages.rs"]
mod messages;

#[derive(Debug)]
struct SystemClock(Instant);

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Announces objects as long as it is told to.
#[derive(Debug)]
struct Announcer {
    waiting: Mutex<VecDeque<Message>>,
    is_over: AtomicBool,
}

#[async_trait]
impl Queue for Announcer {
    async fn receive(&self, wait: Duration) -> Answer<Vec<Message>> {
        let until = Instant::now() + wait;
        loop {
            {
                let mut waiting = self.waiting.lock().expect("no panic");
                let count = waiting.len().min(10);
                if count > 0 || self.is_over.load(Ordering::Relaxed) {
                    return Ok(waiting.drain(..count).collect());
                }
            }
            if Instant::now() >= until {
                return Ok(Vec::new());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn delete(&self, _receipts: &[String]) -> Answer<()> {
        Ok(())
    }

    async fn waiting(&self) -> Answer<u64> {
        Ok(self.waiting.lock().expect("no panic").len() as u64)
    }
}

/// The bucket with the objects.
#[derive(Debug)]
struct Bucket(Location);

impl Buckets for Bucket {
    fn open(&self, _bucket: &str) -> airshed_collect::Result<Location> {
        Ok(self.0.clone())
    }
}

/// What is asked for on the command line.
struct Asked {
    format: String,
    seconds: u64,
    points_per_second: Option<u64>,
}

fn asked() -> Asked {
    // `cargo bench` adds flags of its own.
    let given: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let number = |at: usize| given.get(at).and_then(|text| text.parse().ok());
    Asked {
        format: given.first().cloned().unwrap_or_else(|| "json".to_owned()),
        seconds: number(1).unwrap_or(60),
        points_per_second: number(2),
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run(&asked()));
}

async fn run(asked: &Asked) {
    let object = |number: usize| {
        let fleet = fleet::fleet(number as u64 * 180_000);
        Bytes::from(fleet::gzip(&if asked.format == "otlp" {
            fleet::otlp(&fleet)
        } else {
            fleet::json(&fleet)
        }))
    };
    let objects: Vec<Bytes> = (0..OBJECTS).map(object).collect();
    let bytes: usize = objects.iter().map(Bytes::len).sum();
    println!("{}: objects of {} data points, {} bytes each", asked.format, fleet::POINTS, bytes / OBJECTS);
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());

    let folder = tempfile::tempdir().expect("a folder");
    let lake = Lake::open(&folder.path().display().to_string(), &StoreOptions::new()).expect("a folder");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock(Instant::now()));
    let config = LandConfig { every: Duration::from_secs(30), rows: 4_000_000 };
    let board = Arc::new(Board::default());
    let (landing, pieces) = land::channel(16);
    let lander = Lander::open(lake.clone(), config, "bench".to_owned(), Arc::clone(&clock), board).await;
    let lander = tokio::spawn(lander.expect("a lake").run(pieces, CancellationToken::new()));
    landing.adopt(vec![SHARD]).await.expect("a lake");
    let url = "s3://metrics".parse().expect("a URL");
    let announcer =
        Arc::new(Announcer { waiting: Mutex::new(VecDeque::new()), is_over: AtomicBool::new(false) });
    let parts = StreamParts {
        lake: lake.clone(),
        buckets: Arc::new(Bucket(Location::in_store(Arc::clone(&store), &url).expect("a location"))),
        landing: landing.clone(),
        clock,
        is_collected: Arc::new(|account| !account.ends_with('7')),
        limits: Arc::new(Limits::new(2, 256 << 20)),
    };
    let config = StreamConfig { source: "queue".to_owned(), json_interval_s: 60 };
    let queue: Arc<dyn Queue> = Arc::<Announcer>::clone(&announcer);
    let mut worker =
        StreamWorker::new(config, SHARD, Source::Announced(queue), std::collections::HashSet::new(), parts);

    let begun = Instant::now();
    let feeding =
        tokio::spawn(feed(Arc::clone(&announcer), store, objects, (asked.seconds, asked.points_per_second)));
    let cancel = CancellationToken::new();
    let counts = worker.once(&cancel).await.expect("the stream is worked");
    let took = begun.elapsed().as_secs_f64();
    feeding.await.expect("feeding");
    drop(landing);
    drop(worker);
    lander.await.expect("the lander").expect("the lake");
    let points = counts.objects * fleet::POINTS;
    assert_eq!(points, counts.rows + counts.rejected + counts.left_out, "a data point was lost");
    println!(
        "{points} data points, {} rows, in {took:.1} s: {:.0} data points a second, rows committed",
        counts.rows,
        points as f64 / took
    );
    freshness(&lake).await;
    println!("most memory: {} MiB", peak_mib());
}

/// Announces objects until the time is over, as fast as they are taken or at a rate.
async fn feed(
    announcer: Arc<Announcer>,
    store: Arc<dyn ObjectStore>,
    objects: Vec<Bytes>,
    (seconds, points_per_second): (u64, Option<u64>),
) {
    let begun = Instant::now();
    let mut number = 0u64;
    while begun.elapsed() < Duration::from_secs(seconds) {
        let due = points_per_second
            .map(|rate| Duration::from_secs_f64((number * fleet::POINTS) as f64 / rate as f64));
        let is_full = announcer.waiting.lock().expect("no panic").len() >= WAITING;
        if is_full || due.is_some_and(|due| begun.elapsed() < due) {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        }
        // The name says when it was created.
        let key = format!("{}", Timestamp::now().as_microsecond());
        let object = objects[number as usize % OBJECTS].clone();
        let size = object.len();
        let put = store.put(&Path::from(key.as_str()), object.into()).await.expect("memory");
        let e_tag = put.e_tag.expect("memory has ETags");
        let body = format!(
            r#"{{"Records":[{{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{{"bucket":{{"name":"metrics"}},"object":{{"key":"{key}","size":{size},"eTag":"{e_tag}"}}}}}}]}}"#
        );
        let id = format!("message-{number}");
        let message = Message { receipt: id.clone(), id, body, received: 1 };
        announcer.waiting.lock().expect("no panic").push_back(message);
        number += 1;
    }
    announcer.is_over.store(true, Ordering::Relaxed);
}

/// Age of objects when their rows could be read: from `collected_objects`, where the name is the time of creation.
async fn freshness(lake: &Lake) {
    use airshed_domain::schema::column as c;
    use arrow::{array::AsArray as _, datatypes::TimestampMicrosecondType};
    let table = lake.table(&schema::collected_objects()).await.expect("a table");
    let mut ages_s = Vec::new();
    for file in table.files().expect("files") {
        let bytes = table.fetch(&file).await.expect("a file");
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes);
        for batch in reader.expect("a file").build().expect("a file") {
            let batch = batch.expect("rows");
            let names = batch.column_by_name(c::OBJECT_URI).expect("a column").as_string::<i32>();
            let created = |row: usize| {
                let (_, name) = names.value(row).rsplit_once('/').expect("a URI");
                name.parse::<i64>().expect("a time")
            };
            let landed = batch.column_by_name(c::LANDED_AT).expect("a column");
            let landed = landed.as_primitive::<TimestampMicrosecondType>();
            ages_s.extend((0..batch.num_rows()).map(|row| (landed.value(row) - created(row)) as f64 * 1e-6));
        }
    }
    ages_s.sort_by(f64::total_cmp);
    let at = |share: f64| ages_s[((ages_s.len() - 1) as f64 * share) as usize];
    println!(
        "object created to commit begun: median {:.1} s, 99 % {:.1} s, most {:.1} s",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
