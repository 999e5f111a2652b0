//! Inventory at scale: a stand-in cloud swept into a lake on disk, once new, once unchanged, once with a hundredth changed.
//!
//! `cargo bench -p airshed-collect --features stand-in --bench inventory`. Two shapes: one account-region of 1,000,000
//! resources, and 2,000 account-regions of 2,500. Limits are waited for on a virtual clock, so that what is timed is
//! work: the stand-in's answers, comparing, encoding, writing, committing. Bookkeeping is that of one account-region, the
//! most; bytes on disk count replaced files too, until they are vacuumed. One in twenty resources is an untagged bucket,
//! of which no source tells. The figures are in `inventory.rs`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program that measures and prints")]

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use airshed_collect::{
    Scope,
    clock::VirtualClock,
    gate::{Gate, Limits},
    inventory::{InventoryWriter, Sweeper},
    stand_in::{PageSizes, Shape, StandIn},
};
use airshed_lake::{Lake, StoreOptions};
use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

/// Sweeps at the same time.
const CONCURRENCY: usize = 4;
/// Account-regions of a commit.
const EVERY: usize = 500;

fn main() {
    for (accounts, resources) in [(1, 1_000_000), (1_000, 2_500)] {
        let regions = if accounts == 1 { 1 } else { 2 };
        let regions =
            ["eu-west-1", "us-east-1"][..regions].iter().map(|region| (*region).to_owned()).collect();
        let pages = PageSizes { lists: 1_000, ..PageSizes::default() };
        run(Shape { accounts, resources, regions, pages, ..Shape::default() });
    }
}

fn run(shape: Shape) {
    println!(
        "\n{} account-regions of {} resources",
        shape.accounts as usize * shape.regions.len(),
        shape.resources
    );
    println!(
        "{:>9} {:>10} {:>8} {:>8} {:>9} {:>8} {:>13} {:>11} {:>8}",
        "sweep",
        "resources",
        "opened",
        "closed",
        "calls",
        "seconds",
        "bytes on disk",
        "bookkeeping",
        "RSS MiB"
    );
    let folder = tempfile::tempdir().unwrap();
    let clock = VirtualClock::starting(Timestamp::UNIX_EPOCH);
    let cloud = StandIn::new(shape);
    for (second, name) in [(10, "new"), (20, "unchanged"), (30, "1 %")] {
        if name == "1 %" {
            cloud.set_state(|_, index| Some(if index % 100 == 3 { 2 } else { 0 }));
        }
        // Limits start afresh, as they would after an hour.
        let gate = Gate::new(Limits::default(), Arc::new(clock.clone()), 1);
        let start = Instant::now();
        let totals = clock.block_on(sweep(&cloud, &gate, folder.path(), second)).unwrap();
        totals.print(name, start.elapsed(), folder.path());
    }
}

#[derive(Default)]
struct Totals {
    resources: u64,
    opened: u64,
    closed: u64,
    calls: u64,
    /// Of one account-region, the most.
    bookkeeping_bytes: usize,
}

async fn sweep(cloud: &StandIn, gate: &Gate, folder: &Path, second: i64) -> Totals {
    let lake = Lake::open(folder.to_str().unwrap(), &StoreOptions::new()).unwrap();
    let mut writer = InventoryWriter::open(&lake, EVERY).await.unwrap();
    let cancel = CancellationToken::new();
    let sweeper = Sweeper { cloud, gate, aggregator: None, cancel: &cancel };
    let shape = cloud.shape();
    let scopes: Vec<Scope> = (0..shape.accounts)
        .flat_map(|account| (0..shape.regions.len()).map(move |region| (account, region)))
        .map(|(account, region)| cloud.scope(account, region))
        .collect();
    let mut totals = Totals::default();
    for scopes in scopes.chunks(EVERY) {
        let held: Vec<_> = scopes.iter().map(|scope| writer.held(scope)).collect();
        let at = Timestamp::from_second(second).unwrap();
        let mut sweeps = stream::iter(held).map(|held| sweeper.sweep(held, at)).buffer_unordered(CONCURRENCY);
        while let Some(swept) = sweeps.next().await {
            let swept = swept.unwrap();
            totals.resources += swept.resources;
            totals.opened += swept.opened;
            totals.closed += swept.closed;
            totals.calls += swept.calls.calls;
            totals.bookkeeping_bytes = totals.bookkeeping_bytes.max(swept.bookkeeping_bytes);
            writer.add(swept).await.unwrap();
        }
    }
    writer.publish().await.unwrap();
    totals
}

impl Totals {
    fn print(&self, name: &str, took: Duration, folder: &Path) {
        let table = folder.join("resources");
        let sizes = std::fs::read_dir(table).unwrap().map(|entry| entry.unwrap());
        let parquet = sizes.filter(|entry| entry.path().extension().is_some_and(|end| end == "parquet"));
        let bytes: u64 = parquet.map(|entry| entry.metadata().unwrap().len()).sum();
        let Self { resources, opened, closed, calls, bookkeeping_bytes } = self;
        println!(
            "{name:>9} {resources:>10} {opened:>8} {closed:>8} {calls:>9} {:>8.1} {bytes:>13} {bookkeeping_bytes:>11} {:>8}",
            took.as_secs_f64(),
            peak_rss_mib(),
        );
    }
}

/// The most memory that the process had, so far.
fn peak_rss_mib() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.map_or_else(|| "?".to_owned(), |kib| (kib / 1024).to_string())
}
