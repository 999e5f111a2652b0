//! Sweeps of the stand-in into a lake.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use airshed_domain::schema;
use airshed_lake::{Lake, StoreOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use super::{rows::OldRows, *};
use crate::{
    clock::VirtualClock,
    error::ErrorKind,
    gate::Limits,
    stand_in::{Shape, StandIn},
};

mod history;

/// A row of the table: type, tags, configuration, source; from and to in seconds.
type Row = (String, Option<String>, Option<String>, i64, Option<i64>);

/// A lake, a stand-in and what denies.
struct World {
    folder: TempDir,
    cloud: StandIn,
    denied: Arc<Mutex<BTreeSet<&'static str>>>,
    clock: VirtualClock,
    gate: Gate,
    cancel: CancellationToken,
    aggregator: Option<&'static str>,
}

impl World {
    fn new(shape: Shape) -> Self {
        let denied: Arc<Mutex<BTreeSet<&'static str>>> = Arc::default();
        let asked = Arc::clone(&denied);
        let cloud = StandIn::new(shape).with_faults(move |call| {
            let denied = asked.lock().unwrap();
            let is_denied = denied.contains(call.name) || denied.contains(call.about.as_str());
            is_denied.then_some(CallErrorKind::Denied)
        });
        let clock = VirtualClock::starting(Timestamp::UNIX_EPOCH);
        let gate = Gate::new(Limits::default(), Arc::new(clock.clone()), 1);
        let folder = tempfile::tempdir().unwrap();
        Self { folder, cloud, denied, clock, gate, cancel: CancellationToken::new(), aggregator: None }
    }

    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.clock.block_on(work).unwrap()
    }

    fn lake(&self) -> Lake {
        Lake::open(self.folder.path().to_str().unwrap(), &StoreOptions::new()).unwrap()
    }

    fn deny(&self, names: &[&'static str]) {
        *self.denied.lock().unwrap() = names.iter().copied().collect();
    }

    fn sweeper(&self) -> Sweeper<'_> {
        let Self { cloud, gate, cancel, aggregator, .. } = self;
        Sweeper { cloud, gate, aggregator: *aggregator, cancel }
    }

    async fn writer(&self) -> InventoryWriter {
        InventoryWriter::open(&self.lake(), usize::MAX).await.unwrap()
    }

    async fn sweep(&self, writer: &InventoryWriter, scope: &Scope, second: i64) -> Result<Swept> {
        self.sweeper().sweep(writer.held(scope), Timestamp::from_second(second).unwrap()).await
    }

    /// A sweep, published.
    async fn observe(&self, scope: &Scope, second: i64) -> Swept {
        let mut writer = self.writer().await;
        let swept = self.sweep(&writer, scope, second).await.unwrap();
        let copy = Swept {
            read: Vec::new(),
            written: None,
            scope: scope.clone(),
            detail: swept.detail.clone(),
            ..swept
        };
        writer.add(swept).await.unwrap();
        writer.publish().await.unwrap();
        copy
    }

    async fn version(&self) -> u64 {
        self.lake().table(&schema::resources()).await.unwrap().version()
    }

    /// All rows by ARN, in the order of the files.
    async fn rows(&self) -> BTreeMap<String, Vec<Row>> {
        let table = self.lake().table(&schema::resources()).await.unwrap();
        let mut all: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for file in table.files().unwrap() {
            let bytes = table.fetch(&file).await.unwrap();
            for batch in ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap() {
                let rows = OldRows::of(&batch.unwrap()).unwrap();
                for row in 0..rows.len() {
                    let text = |text: Option<&str>| text.map(str::to_owned);
                    all.entry(rows.arn(row).to_owned()).or_default().push((
                        rows.resource_type(row).to_owned(),
                        text(rows.tags(row)),
                        text(rows.configuration(row)),
                        rows.valid_from(row) / 1_000_000,
                        rows.valid_to(row).map(|to| to / 1_000_000),
                    ));
                }
            }
        }
        all
    }
}

#[test]
fn a_second_sweep_without_change_commits_nothing() {
    let world = World::new(Shape { resources: 400, ..Shape::default() });
    let scope = world.cloud.scope(1, 0);
    world.run(async {
        let first = world.observe(&scope, 10).await;
        // 10 buckets of 400 are the tagging API's alone; it does not know the untagged.
        let there = 400 - (0..400).filter(|i| i % 10 == 9 && i % 4 == 3).count() as u64;
        assert_eq!((first.resources, first.opened, first.closed), (there, there, 0));
        let version = world.version().await;
        let mut writer = world.writer().await;
        let second = world.sweep(&writer, &scope, 20).await.unwrap();
        assert_eq!((second.resources, second.opened, second.closed), (there, 0, 0));
        assert!(!second.has_changed());
        assert_eq!(second.bookkeeping_bytes as u64, 32 * there, "nothing but the open versions is held");
        writer.add(second).await.unwrap();
        assert_eq!(writer.publish().await.unwrap(), Published::default());
        assert_eq!(world.version().await, version);
    });
}

#[test]
fn rows_say_what_the_sources_told() {
    let world = World::new(Shape::default());
    let scope = world.cloud.scope(2, 1);
    world.run(async {
        world.observe(&scope, 10).await;
        let rows = world.rows().await;
        for index in 0..20 {
            let entry = world.cloud.resource(&scope, index).unwrap();
            let tags = serde_json::to_string(&entry.tags).unwrap();
            let configuration = serde_json::to_string(&entry.configuration).unwrap();
            let configuration = Some(configuration).filter(|text| text != "{}");
            if configuration.is_none() && tags == "{}" {
                assert!(!rows.contains_key(&entry.arn), "an untagged bucket is told by nobody");
                continue;
            }
            assert_eq!(rows[&entry.arn], [(entry.resource_type, Some(tags), configuration, 10, None)]);
        }
    });
}

#[test]
fn only_what_changed_gets_new_versions() {
    let world = World::new(Shape { resources: 1_000, untagged_every: 0, ..Shape::default() });
    let scope = world.cloud.scope(0, 0);
    world.run(async {
        world.observe(&scope, 10).await;
        world.cloud.set_state(|_, index| match index {
            // 700 is an instance, 709 a bucket: one changes what is configured, the other tags.
            700 => Some(2),
            709 => Some(1),
            711 => None,
            _ => Some(0),
        });
        let swept = world.observe(&scope, 20).await;
        assert_eq!((swept.resources, swept.opened, swept.closed), (999, 2, 3));
        let rows = world.rows().await;
        let versions = |index| &rows[&arn(&world, &scope, index)];
        for index in 0..1_000 {
            let expected = match index {
                700 | 709 => vec![(10, Some(20)), (20, None)],
                711 => vec![(10, Some(20))],
                _ => vec![(10, None)],
            };
            let times: Vec<_> = versions(index).iter().map(|row| (row.3, row.4)).collect();
            assert_eq!(times, expected, "{index}");
        }
        assert_ne!(versions(700)[0].2, versions(700)[1].2);
        assert_ne!(versions(709)[0].1, versions(709)[1].1);
    });
}

/// The ARN of a resource that was there at first.
fn arn(world: &World, scope: &Scope, index: u32) -> String {
    StandIn::new(world.cloud.shape().clone()).resource(scope, index).unwrap().arn
}

#[test]
fn a_denied_list_is_told_and_takes_nothing_away() {
    let world = World::new(Shape::default());
    let scope = world.cloud.scope(0, 0);
    world.run(async {
        world.observe(&scope, 10).await;
        let before = world.rows().await;
        world.cloud.set_state(|_, _| None);
        world.deny(&["Ec2Instances", "tagged_resources"]);
        let swept = world.observe(&scope, 20).await;
        assert_eq!(swept.status, Status::Partial);
        let detail = swept.detail.unwrap();
        assert!(detail.contains("the tagging API") && detail.contains("list Ec2Instances"), "{detail}");
        for (arn, versions) in world.rows().await {
            let is_open = versions[0].4.is_none();
            let stays = ["AWS::EC2::Instance", "AWS::S3::Bucket"].contains(&versions[0].0.as_str());
            assert_eq!(is_open, stays, "{arn}");
        }
        assert_eq!(before.len(), world.rows().await.len());
    });
}

#[test]
fn an_account_that_refuses_all_is_denied_and_keeps_what_it_has() {
    let world = World::new(Shape::default());
    let scope = world.cloud.scope(0, 0);
    world.run(async {
        world.observe(&scope, 10).await;
        let before = world.rows().await;
        world.deny(&["listed_resources", "tagged_resources"]);
        let swept = world.observe(&scope, 20).await;
        assert_eq!(swept.status, Status::Denied);
        assert_eq!(world.rows().await, before);
    });
}

#[test]
fn the_aggregator_alone_is_asked_where_there_is_one() {
    let mut world = World::new(Shape::default());
    world.aggregator = Some("all");
    let scope = world.cloud.scope(0, 0);
    world.run(async {
        let swept = world.observe(&scope, 10).await;
        assert_eq!((swept.resources, swept.calls.calls), (20, 1));
        let calls: Vec<_> = world.cloud.calls_by_name().into_iter().collect();
        assert_eq!(calls, [("aggregated_resources", 1)]);
    });
}

#[test]
fn a_region_that_was_switched_off_is_closed() {
    let world = World::new(Shape { region_off_every: 2, ..Shape::default() });
    let (account, scope) = (StandIn::account_id(1), world.cloud.scope(1, 0));
    let off = Scope { account: account.clone(), region: "us-east-1".to_owned() };
    world.run(async {
        let mut writer = world.writer().await;
        // It was on before.
        let before = StandIn::new(Shape::default());
        let sweeper = Sweeper { cloud: &before, ..world.sweeper() };
        for scope in [&scope, &off] {
            let swept = sweeper.sweep(writer.held(scope), Timestamp::from_second(10).unwrap()).await.unwrap();
            writer.add(swept).await.unwrap();
        }
        writer.publish().await.unwrap();

        let configured = world.cloud.shape().regions.clone();
        let held = writer.regions_of(&account);
        assert_eq!(held, configured);
        let tally = Tally::default();
        let regions = world.sweeper().regions(&account, &configured, &held, &tally).await.unwrap();
        assert_eq!(
            (regions.visit, regions.off.clone()),
            (vec!["eu-west-1".to_owned()], vec![off.region.clone()])
        );
        let closed = close(writer.held(&off), Timestamp::from_second(20).unwrap()).await.unwrap();
        assert_eq!((closed.resources, closed.opened, closed.closed), (0, 0, 19));
        writer.add(closed).await.unwrap();
        writer.publish().await.unwrap();
        let open = world.rows().await.into_values().flatten().filter(|row| row.4.is_none()).count();
        assert_eq!(open, 19);
        let again = close(writer.held(&off), Timestamp::from_second(30).unwrap()).await.unwrap();
        assert!(!again.has_changed());
    });
}

#[test]
fn many_account_regions_are_one_commit() {
    let world = World::new(Shape::default());
    world.run(async {
        let mut writer = InventoryWriter::open(&world.lake(), 6).await.unwrap();
        let version = world.version().await;
        let mut published = Vec::new();
        for account in 0..4 {
            for region in 0..2 {
                let swept = world.sweep(&writer, &world.cloud.scope(account, region), 10).await.unwrap();
                published.push(writer.add(swept).await.unwrap().published);
            }
        }
        assert_eq!(published, [0, 0, 0, 0, 0, 6, 0, 0]);
        assert_eq!(writer.publish().await.unwrap().published, 2);
        assert_eq!(world.version().await, version + 2);
    });
}

#[test]
fn sweeps_that_wait_are_what_the_next_one_starts_from() {
    let world = World::new(Shape::default());
    let scope = world.cloud.scope(0, 0);
    world.run(async {
        let mut writer = world.writer().await;
        for (second, revision) in [(10, 0), (20, 2)] {
            world.cloud.set_state(move |_, index| (index != 0 || second > 10).then_some(revision));
            let swept = world.sweep(&writer, &scope, second).await.unwrap();
            writer.add(swept).await.unwrap();
        }
        assert_eq!(writer.publish().await.unwrap().published, 1);
        let rows = world.rows().await;
        let times = |index| rows[&arn(&world, &scope, index)].iter().map(|r| (r.3, r.4)).collect::<Vec<_>>();
        assert_eq!(times(0), [(20, None)]);
        assert_eq!(times(3), [(10, Some(20)), (20, None)]);
    });
}

#[test]
fn of_two_processes_the_slower_one_sweeps_again() {
    let world = World::new(Shape::default());
    let (shared, other) = (world.cloud.scope(0, 0), world.cloud.scope(1, 0));
    world.run(async {
        let (mut fast, mut slow) = (world.writer().await, world.writer().await);
        let swept = world.sweep(&fast, &shared, 10).await.unwrap();
        fast.add(swept).await.unwrap();
        for scope in [&shared, &other] {
            let swept = world.sweep(&slow, scope, 11).await.unwrap();
            slow.add(swept).await.unwrap();
        }
        assert_eq!(fast.publish().await.unwrap(), Published { published: 1, lost: vec![] });
        let outcome = slow.publish().await.unwrap();
        assert_eq!(outcome, Published { published: 1, lost: vec![shared.clone()] });
        assert!(!world.sweep(&slow, &shared, 12).await.unwrap().has_changed(), "the other one had it all");
        let rows = world.rows().await;
        assert_eq!(rows.len(), 38);
        assert!(rows.values().all(|versions| versions.len() == 1));
    });
}

#[test]
fn versions_of_no_time_are_not_kept_and_a_clock_behind_does_no_harm() {
    let world = World::new(Shape::default());
    let scope = world.cloud.scope(0, 0);
    world.run(async {
        world.observe(&scope, 100).await;
        world.cloud.set_state(|_, _| Some(2));
        world.observe(&scope, 90).await;
        for versions in world.rows().await.into_values() {
            assert_eq!(versions.len(), 1);
            assert_eq!((versions[0].3, versions[0].4), (100, None));
        }
    });
}

#[test]
fn a_stop_ends_the_sweep() {
    let world = World::new(Shape::default());
    world.cancel.cancel();
    world.run(async {
        let writer = world.writer().await;
        let error = world.sweep(&writer, &world.cloud.scope(0, 0), 10).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    });
}
