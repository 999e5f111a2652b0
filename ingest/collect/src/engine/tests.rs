//! Whole collectors over a stand-in cloud and a lake in memory, on a clock that runs faster.

use std::time::Instant;

use airshed_lake::Location;
use async_trait::async_trait;
use futures::TryStreamExt as _;
use object_store::memory::InMemory;

use super::*;
use crate::{
    CallErrorKind,
    config::{AccountsConfig, InventoryConfig, LandConfig, ShareConfig},
    gate::Limits as GateLimits,
    stand_in::{Call, Shape, StandIn},
    stream::{Buckets, Queue},
};

/// No streams and no exports.
#[derive(Debug)]
struct NoSources;

impl Buckets for NoSources {
    fn open(&self, bucket: &str) -> Result<Location> {
        Err(Error::new(ErrorKind::Input, format!("there is no bucket `{bucket}`")))
    }
}

impl Sources for NoSources {
    fn queue(&self, url: &str) -> Result<Arc<dyn Queue>> {
        Err(Error::new(ErrorKind::Input, format!("there is no queue `{url}`")))
    }

    fn export(&self, uri: &str) -> Result<Location> {
        Err(Error::new(ErrorKind::Input, format!("there is no export `{uri}`")))
    }
}

/// Ten minutes of it pass in a second. The ledger works on threads of its own, which a
/// [`VirtualClock`](crate::clock::VirtualClock) would not wait for.
#[derive(Debug, Clone, Copy)]
struct FastClock(Instant);

const SPEED: u32 = 600;
/// Until a test is taken for hung, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(2);

#[async_trait]
impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-11-02T05:30:00Z".parse().unwrap();
        start + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed() * SPEED
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration / SPEED).await;
    }
}

/// A cloud, a lake and a time for all collectors of a test.
struct World {
    clock: FastClock,
    lake: Lake,
    cloud: Arc<StandIn>,
}

impl World {
    fn new(fault: impl Fn(&Call) -> Option<CallErrorKind> + Send + Sync + 'static) -> Self {
        let url = "memory://bucket/lake".parse().unwrap();
        Self {
            clock: FastClock(Instant::now()),
            lake: Lake::at(Location::in_store(Arc::new(InMemory::new()), &url).unwrap()),
            cloud: Arc::new(StandIn::new(Shape::default()).with_faults(fault).with_log()),
        }
    }

    fn collector(&self, name: &str) -> (Collector, Arc<Board>) {
        let clock: Arc<dyn Clock> = Arc::new(self.clock);
        let board = Arc::new(Board::default());
        let hour = Duration::from_hours(1);
        let config = CollectConfig {
            collector: name.to_owned(),
            accounts: AccountsConfig { organization: true, every: hour, ..AccountsConfig::default() },
            regions: self.cloud.shape().regions.clone(),
            inventory: InventoryConfig { enabled: true, aggregator: None, every: hour },
            polling: None,
            streams: Vec::new(),
            exports: Vec::new(),
            exports_every: hour,
            provider_reported: false,
            share: ShareConfig { shards: 4, lease: 2 * hour },
            land: LandConfig { every: Duration::from_mins(1), rows: 1_000_000 },
            concurrency: 4,
            seed: 1,
        };
        let collector = Collector {
            lake: self.lake.clone(),
            cloud: Arc::<StandIn>::clone(&self.cloud),
            gate: Arc::new(Gate::new(GateLimits::default(), Arc::clone(&clock), 1)),
            sources: Arc::new(NoSources),
            clock,
            config,
            import: ImportOptions::new(std::env::temp_dir()),
            board: Arc::clone(&board),
        };
        (collector, board)
    }

    /// Where calls of a name were made, each time.
    fn calls(&self, name: &str) -> Vec<String> {
        let calls = self.cloud.log().into_iter().filter(|call| call.name == name);
        calls.map(|call| call.scope.map(|scope| scope.account).unwrap_or_default()).collect()
    }
}

#[tokio::test]
async fn sweeps_end_where_the_organisation_cannot_be_listed() {
    let world = World::new(|call| (call.name == "accounts").then_some(CallErrorKind::Denied));
    let ((a, board_a), (b, board_b)) = (world.collector("a"), world.collector("b"));
    let cancel = CancellationToken::new();
    let both = async { tokio::join!(a.run(Mode::Once, &cancel), b.run(Mode::Once, &cancel)) };
    let (a, b) = tokio::time::timeout(PATIENCE, both).await.expect("they wait for each other");
    a.unwrap();
    b.unwrap();
    let problems: Vec<String> = [board_a, board_b]
        .iter()
        .flat_map(|board| board.shards().into_values().flat_map(|shard| shard.problems))
        .collect();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("no accounts are known"), "{problems:?}");
    assert!(world.calls("regions").is_empty());
}

#[tokio::test]
async fn what_was_swept_is_not_taken_again() {
    let world = World::new(|_| None);
    let ((a, _), (b, _)) = (world.collector("a"), world.collector("b"));
    let cancel = CancellationToken::new();
    let both = async { tokio::join!(a.run(Mode::Once, &cancel), b.run(Mode::Once, &cancel)) };
    let (a, b) = tokio::time::timeout(PATIENCE, both).await.expect("they wait for each other");
    a.unwrap();
    b.unwrap();
    let mut visited = world.calls("regions");
    visited.sort();
    let accounts: Vec<String> = (0..world.cloud.shape().accounts).map(StandIn::account_id).collect();
    assert_eq!(visited, accounts, "each account once, by one of the two");
    let names: Vec<_> = world.lake.store().list(None).try_collect().await.unwrap();
    let epochs = names.iter().filter(|file| file.location.as_ref().contains("/leases/")).map(|file| {
        let name = file.location.filename().unwrap().trim_end_matches(".json");
        name.parse::<u64>().unwrap()
    });
    // Taken and released, and perhaps handed over in between.
    assert!(epochs.max().unwrap() <= 6, "leases change hands although all is done");
}

#[tokio::test]
async fn what_fails_is_tried_again_soon_and_what_refuses_later() {
    let (refuses, fails) = (StandIn::account_id(2), StandIn::account_id(3));
    let world = {
        let (refuses, fails) = (refuses.clone(), fails.clone());
        World::new(move |call| {
            let account = &call.scope.as_ref()?.account;
            match call.name {
                "regions" if *account == refuses => Some(CallErrorKind::Denied),
                "regions" if *account == fails => Some(CallErrorKind::Transient),
                _ => None,
            }
        })
    };
    let (collector, board) = world.collector("a");
    let cancel = CancellationToken::new();
    let asked = |account: &str| world.calls("regions").iter().filter(|asked| *asked == account).count();
    let reported = || {
        let works = board.shards().into_values().flat_map(|shard| shard.works.into_values());
        works.fold((0, 0), |sum, work| (sum.0 + work.denied, sum.1 + work.failed))
    };
    // A single try is given up after eight calls.
    let tried_again = async {
        while asked(&fails) <= 3 * 8 || reported().0 == 0 || reported().1 < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        ended = collector.run(Mode::Watch, &cancel) => panic!("it ended: {ended:?}"),
        tried = tokio::time::timeout(PATIENCE, tried_again) => tried.expect("it is not tried again"),
    }
    let hours = world.clock.elapsed().as_secs() / 3600;
    let most = |an_hour: u64| usize::try_from(1 + (1 + hours) * an_hour).unwrap();
    assert!((1..=most(4)).contains(&asked(&refuses)), "{} times in {hours} hours", asked(&refuses));
    assert!((1..=most(1)).contains(&asked(&StandIn::account_id(4))), "a sweep is made once an hour");
    assert_eq!(reported().0, 1, "a refusal is reported once");
}
