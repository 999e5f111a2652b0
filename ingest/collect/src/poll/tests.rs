use std::{collections::BTreeSet, time::Duration};

use airshed_domain::{period::BillingPeriod, schema};
use airshed_metric_stream::utilization::RULES;
use arrow::{
    array::AsArray as _,
    compute::cast,
    datatypes::{DataType, Float64Type, TimestampMicrosecondType},
};
use futures::FutureExt as _;

use super::*;
use crate::{
    ErrorKind,
    clock::VirtualClock,
    cloud::MetricQuery,
    error::CallErrorKind,
    gate::Limits,
    land::{self, Pieces},
    stand_in::{self, Call, Kind, PageSizes, Shape, StandIn},
};

const HOUR_US: i64 = 3_600_000_000;
const SHARD: Shard = Shard(3);

/// Resource, metric, start in microseconds, average.
type Row = (String, String, i64, f64);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn config() -> PollingConfig {
    PollingConfig {
        period_s: 3600,
        settle: Duration::from_mins(20),
        lookback: Duration::from_hours(6),
        monthly_budget_usd: None,
        sample_above: 1000,
    }
}

struct World {
    cloud: Arc<StandIn>,
    clock: VirtualClock,
    poller: Poller,
    pieces: Pieces,
    cancel: CancellationToken,
}

impl World {
    fn new(cloud: StandIn, clock: VirtualClock, config: PollingConfig) -> Self {
        let cloud = Arc::new(cloud);
        let (landing, pieces) = land::channel(4);
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let gate = Arc::new(Gate::new(Limits::default(), Arc::clone(&shared), 1));
        let poller = Poller::new(Arc::<StandIn>::clone(&cloud), gate, landing, shared, config, 1).unwrap();
        Self { cloud, clock, poller, pieces, cancel: CancellationToken::new() }
    }

    fn of(shape: Shape, now: &str) -> Self {
        Self::new(StandIn::new(shape), VirtualClock::starting(at(now)), config())
    }

    /// Polls, and lands every piece at once.
    fn poll(&mut self, scope: &Scope, watermark: Option<Timestamp>) -> (Polled, Vec<Piece>) {
        let Self { clock, poller, pieces, cancel, .. } = self;
        let mut landed = Vec::new();
        let polled = clock.block_on(async {
            let mut poll = std::pin::pin!(poller.poll(SHARD, scope, watermark, cancel));
            loop {
                tokio::select! {
                    biased;
                    Some((piece, done)) = pieces.next() => {
                        landed.push(piece);
                        done.send(Ok(())).unwrap();
                    }
                    polled = &mut poll => break polled.unwrap(),
                }
            }
        });
        while let Some(Some((piece, _))) = pieces.next().now_or_never() {
            landed.push(piece);
        }
        (polled.unwrap(), landed)
    }
}

/// What the stand-in has of an account and region, named by its own ARNs, in the order of the rows.
fn expected(cloud: &StandIn, (account, region): (u32, usize), start: Timestamp, hours: i64) -> Vec<Row> {
    let scope = cloud.scope(account, region);
    let mut rows = Vec::new();
    for index in 0..cloud.shape().resources {
        let resource = match cloud.kind(index) {
            Kind::Instance | Kind::Volume => {
                cloud.resource_name(account, u32::try_from(region).unwrap(), index)
            }
            _ => cloud.resource(&scope, index).unwrap().arn,
        };
        for namespace in ["AWS/EC2", "AWS/EBS", "AWS/Lambda", "AWS/RDS", "AWS/DynamoDB", "CWAgent"] {
            for metric in cloud.metrics_of(&scope, index, namespace) {
                let name = match metric.metric.as_str() {
                    "CPUUtilization" => "cpu_utilization",
                    "mem_used_percent" => "memory_utilization",
                    "NetworkIn" => "network_in_bytes",
                    "NetworkOut" => "network_out_bytes",
                    "CPUCreditUsage" => "cpu_credit_usage",
                    "VolumeReadBytes" => "volume_read_bytes",
                    "VolumeWriteBytes" => "volume_write_bytes",
                    "Duration" => "duration_ms",
                    "ConsumedReadCapacityUnits" => "consumed_read_capacity_units",
                    "ConsumedWriteCapacityUnits" => "consumed_write_capacity_units",
                    _ => continue,
                };
                let scale = if stand_in::is_share(&metric.metric) { 100.0 } else { 1.0 };
                let query = MetricQuery { metric, statistic: "Average", period_s: 3600 };
                for hour in 0..hours {
                    let start = start + jiff::SignedDuration::from_hours(hour);
                    let value = StandIn::value(&scope, &query, start) / scale;
                    rows.push((resource.clone(), name.to_owned(), start.as_microsecond(), value));
                }
            }
        }
    }
    rows.sort_by(|a, b| (&a.0, &a.1, a.2).cmp(&(&b.0, &b.1, b.2)));
    rows
}

fn rows(pieces: &[Piece]) -> Vec<Row> {
    let mut rows = Vec::new();
    for batch in pieces.iter().flat_map(|piece| &piece.rows) {
        assert_eq!(batch.schema(), schema::utilization().coded_file_schema());
        let text =
            |column: usize| cast(batch.column(column), &DataType::Utf8).unwrap().as_string::<i32>().clone();
        let time = |column: usize| batch.column(column).as_primitive::<TimestampMicrosecondType>().clone();
        let (start, end, resource, metric) = (time(0), time(1), text(4), text(5));
        let avg = batch.column(6).as_primitive::<Float64Type>();
        for row in 0..batch.num_rows() {
            assert_eq!(end.value(row) - start.value(row), HOUR_US);
            let (resource, metric) = (resource.value(row).to_owned(), metric.value(row).to_owned());
            rows.push((resource, metric, start.value(row), avg.value(row)));
        }
    }
    rows
}

/// The calls that bring data are those of the table, and their price is that of the metrics asked for.
#[test]
fn rows_are_exactly_those_of_the_window() {
    let mut world = World::of(Shape::default(), "2026-10-10T12:25:00Z");
    let scope = world.cloud.scope(4, 1);
    let (polled, pieces) = world.poll(&scope, Some(at("2026-10-10T09:00:00Z")));
    assert_eq!((polled.status, polled.is_behind), (Status::Ok, false));
    assert_eq!(polled.watermark, Some(at("2026-10-10T12:00:00Z")));
    let expected = expected(&world.cloud, (4, 1), at("2026-10-10T09:00:00Z"), 3);
    let metrics = expected.len() as u64 / 3;
    assert_eq!(metrics, 6 * 4 + 3 + 6 * 2 + 2 + 2 + 2 * 2);
    assert_eq!(rows(&pieces), expected);
    let [piece] = pieces.as_slice() else { panic!("one piece") };
    let health = &piece.health;
    assert_eq!(
        (health.shard, &health.unit, health.work),
        (SHARD, &Unit::Account(scope.account.clone()), Work::Polling)
    );
    assert_eq!((health.status, health.detail.as_deref()), (Status::Ok, None));
    assert_eq!((health.watermark, health.newest), (polled.watermark, polled.watermark));
    let namespaces = catalogue::namespaces().len() as u64;
    assert_eq!(health.calls.calls, namespaces + 1);
    assert_eq!(health.calls.cost_nano_usd, (namespaces + metrics) * 10_000);
    assert_eq!((health.rows_rejected, health.rows_left_out), (0, 0));
}

#[test]
fn many_pages_and_calls_bring_the_same_rows() {
    let pages = PageSizes { metrics: 7, values: 11, ..PageSizes::default() };
    let mut cut = World::of(Shape { pages, resources: 300, ..Shape::default() }, "2026-10-10T12:25:00Z");
    let scope = cut.cloud.scope(0, 0);
    let (_, pieces) = cut.poll(&scope, Some(at("2026-10-10T11:00:00Z")));
    assert_eq!(rows(&pieces), expected(&cut.cloud, (0, 0), at("2026-10-10T11:00:00Z"), 1));
    assert!(rows(&pieces).len() > 500, "more than one call");
}

#[test]
fn the_next_poll_asks_only_for_what_is_new() {
    let mut world = World::of(Shape::default(), "2026-10-10T12:25:00Z");
    let scope = world.cloud.scope(0, 0);
    let (first, pieces) = world.poll(&scope, None);
    assert_eq!(rows(&pieces), expected(&world.cloud, (0, 0), at("2026-10-10T06:00:00Z"), 6), "the lookback");
    let calls = world.cloud.calls();
    assert!(!world.poller.is_due(first.watermark) && world.poller.is_due(None));
    let (nothing, none) = world.poll(&scope, first.watermark);
    assert_eq!((nothing.status, nothing.watermark, none.len()), (Status::Ok, first.watermark, 0));
    assert_eq!(world.cloud.calls(), calls, "and no call for nothing");
    world.clock.advance(Duration::from_hours(1));
    assert!(world.poller.is_due(first.watermark));
    let (next, pieces) = world.poll(&scope, first.watermark);
    assert_eq!(rows(&pieces), expected(&world.cloud, (0, 0), at("2026-10-10T12:00:00Z"), 1));
    assert_eq!(next.watermark, Some(at("2026-10-10T13:00:00Z")));
}

#[test]
fn the_same_window_brings_the_same_bytes() {
    let polled = || {
        let mut world = World::of(Shape::default(), "2026-10-10T12:25:00Z");
        let scope = world.cloud.scope(0, 0);
        world.poll(&scope, None).1.into_iter().flat_map(|piece| piece.rows).collect::<Vec<_>>()
    };
    assert_eq!(polled(), polled());
}

#[test]
fn a_page_that_fails_lands_nothing_and_the_next_poll_brings_it() {
    for (kind, status) in [
        (CallErrorKind::Throttled, Status::Throttled),
        (CallErrorKind::Transient, Status::Failed),
        (CallErrorKind::Invalid, Status::Failed),
        (CallErrorKind::Denied, Status::Denied),
    ] {
        let pages = PageSizes { values: 20, ..PageSizes::default() };
        let clock = VirtualClock::starting(at("2026-10-10T12:25:00Z"));
        let mended_at = Duration::from_mins(50);
        let now = clock.clone();
        let fault = move |call: &Call| {
            let third = call.name == "metric_data" && call.next.as_deref() == Some("40");
            (third && now.elapsed() < mended_at).then_some(kind)
        };
        let cloud = StandIn::new(Shape { pages, ..Shape::default() }).with_faults(fault);
        let mut world = World::new(cloud, clock, config());
        let scope = world.cloud.scope(0, 0);
        let before = at("2026-10-10T11:00:00Z");
        let (polled, pieces) = world.poll(&scope, Some(before));
        assert_eq!(
            (polled.status, polled.watermark, polled.is_behind),
            (status, Some(before), true),
            "{kind:?}"
        );
        let [piece] = pieces.as_slice() else { panic!("one piece") };
        assert!(piece.rows.is_empty() && piece.estimates.is_empty() && piece.rejects.is_empty());
        assert_eq!((piece.health.status, piece.health.watermark), (status, Some(before)));
        assert!(piece.health.detail.is_some());
        world.clock.advance(mended_at);
        let (polled, pieces) = world.poll(&scope, polled.watermark);
        assert_eq!((polled.status, polled.is_behind), (Status::Ok, false), "{kind:?}");
        let hours = (polled.watermark.unwrap().as_microsecond() - before.as_microsecond()) / HOUR_US;
        assert_eq!(rows(&pieces), expected(&world.cloud, (0, 0), before, hours), "{kind:?}");
    }
}

/// What CloudWatch gets 15 minutes late is in once the period has settled; without the wait it would be lost.
#[test]
fn a_late_value_is_not_lost() {
    let taken = |settle| {
        let clock = VirtualClock::starting(at("2026-10-10T12:00:01Z"));
        let cloud = StandIn::new(Shape::default());
        let late = clock.clone();
        cloud.set_state(move |_, _| (late.now() >= at("2026-10-10T12:15:00Z")).then_some(0));
        let mut world = World::new(cloud, clock, PollingConfig { settle, ..config() });
        let scope = world.cloud.scope(0, 0);
        let mut watermark = Some(at("2026-10-10T11:00:00Z"));
        let mut taken = 0;
        for _ in 0..6 {
            let (polled, pieces) = world.poll(&scope, watermark);
            taken += rows(&pieces).len();
            watermark = polled.watermark;
            world.clock.advance(Duration::from_mins(5));
        }
        assert_eq!(watermark, Some(at("2026-10-10T12:00:00Z")));
        taken
    };
    assert_eq!((taken(Duration::from_mins(20)), taken(Duration::ZERO)), (47, 0));
}

#[test]
fn pieces_end_with_the_month() {
    let mut world = World::of(Shape::default(), "2026-11-01T03:25:00Z");
    let scope = world.cloud.scope(0, 0);
    let (polled, pieces) = world.poll(&scope, Some(at("2026-10-31T22:00:00Z")));
    assert_eq!(polled.watermark, Some(at("2026-11-01T03:00:00Z")));
    let found: Vec<_> = pieces
        .iter()
        .map(|piece| (piece.health.watermark.unwrap(), rows(std::slice::from_ref(piece))))
        .collect();
    let october = expected(&world.cloud, (0, 0), at("2026-10-31T22:00:00Z"), 2);
    let november = expected(&world.cloud, (0, 0), at("2026-11-01T00:00:00Z"), 3);
    assert_eq!(found, [(at("2026-11-01T00:00:00Z"), october), (at("2026-11-01T03:00:00Z"), november)]);
}

#[test]
fn a_long_backlog_is_worked_off_in_slices_and_what_is_gone_is_said() {
    let shape = Shape { resources: 1, kinds: vec![Kind::Function], ..Shape::default() };
    let cloud = StandIn::new(shape);
    let clock = VirtualClock::starting(at("2026-10-10T12:25:00Z"));
    let lookback = Duration::from_hours(500 * 24);
    let mut world = World::new(cloud, clock, PollingConfig { lookback, ..config() });
    let scope = world.cloud.scope(0, 0);
    let (mut polled, mut pieces) = world.poll(&scope, None);
    assert_eq!((polled.status, polled.is_behind, pieces.len()), (Status::Partial, true, SLICES_PER_POLL));
    assert!(pieces[0].health.detail.as_deref().unwrap().contains("455 days"));
    assert!(pieces[1..].iter().all(|piece| piece.health.status == Status::Ok));
    while polled.is_behind {
        let more;
        (polled, more) = world.poll(&scope, polled.watermark);
        pieces.extend(more);
    }
    assert_eq!(polled.watermark, Some(at("2026-10-10T12:00:00Z")));
    // 455 days before 12:25, an hour left out and whole hours: from 14:00 on.
    let first = at("2025-07-12T14:00:00Z");
    assert_eq!(rows(&pieces), expected(&world.cloud, (0, 0), first, 455 * 24 - 2));
    let months: BTreeSet<_> =
        rows(&pieces).iter().map(|row| BillingPeriod::of_epoch_seconds(row.2 / 1_000_000).unwrap()).collect();
    assert_eq!(pieces.len(), months.len());
}

#[test]
fn many_functions_are_sampled_and_estimated() {
    let shape = Shape { resources: 300, kinds: vec![Kind::Function, Kind::Volume], ..Shape::default() };
    let clock = VirtualClock::starting(at("2026-10-10T12:25:00Z"));
    let mut world = World::new(StandIn::new(shape), clock, PollingConfig { sample_above: 60, ..config() });
    let scope = world.cloud.scope(0, 0);
    let (polled, pieces) = world.poll(&scope, Some(at("2026-10-10T11:00:00Z")));
    assert_eq!(polled.status, Status::Ok);
    let all = expected(&world.cloud, (0, 0), at("2026-10-10T11:00:00Z"), 1);
    let found = rows(&pieces);
    assert!(found.iter().all(|row| all.contains(row)));
    assert_eq!(found.iter().filter(|row| row.1 == "duration_ms").count(), 60);
    assert_eq!(found.len(), 60 + 2 * 150, "volumes are polled whole");
    let [estimates] = pieces[0].estimates.as_slice() else { panic!("one batch of estimates") };
    let number = |name| estimates.column_by_name(name).unwrap().as_primitive::<Float64Type>().value(0);
    let truth: f64 = all.iter().filter(|row| row.1 == "duration_ms").map(|row| row.3).sum();
    let error = (number("total") - truth) / number("standard_error");
    assert!(error.abs() < 3.3, "{error} standard errors from the truth");
}

/// Calls and price of a plan are those that the polls then have.
#[test]
fn a_plan_foretells_calls_and_price() {
    let shape = Shape { resources: 700, ..Shape::default() };
    let pages = PageSizes { metrics: 250, ..PageSizes::default() };
    let mut world = World::of(Shape { pages, ..shape }, "2026-10-10T12:25:00Z");
    let scopes: Vec<Scope> = (0..4).map(|place| world.cloud.scope(place / 2, place as usize % 2)).collect();
    let counts: Vec<PollCounts> = world
        .clock
        .block_on(async {
            let mut counts = Vec::new();
            for scope in &scopes {
                counts.push(world.poller.counts(scope, &world.cancel).await.unwrap());
            }
            counts
        })
        .unwrap();
    let limits = Limits::default();
    let pace = plan::PollPace {
        listing: limits.of(crate::gate::Api::ListMetrics),
        data: limits.of(crate::gate::Api::GetMetricData),
        latency: Duration::from_millis(50),
        concurrency: 2,
    };
    let plan = plan::PollPlan::new(counts, 3600, &pace);
    let before = world.cloud.calls();
    let mut cost = 0;
    for scope in &scopes {
        let (polled, pieces) = world.poll(scope, Some(at("2026-10-10T11:00:00Z")));
        assert_eq!(polled.status, Status::Ok);
        cost += pieces.iter().map(|piece| piece.health.calls.cost_nano_usd).sum::<u64>();
    }
    assert_eq!(world.cloud.calls() - before, plan.calls_per_sweep);
    assert!((plan.usd_per_month - cost as f64 * 1e-9 * 730.0).abs() < 1e-9);
}

#[test]
fn a_stopped_or_fenced_poll_says_so() {
    let mut world = World::of(Shape::default(), "2026-10-10T12:25:00Z");
    let scope = world.cloud.scope(0, 0);
    let poll = |world: &World| {
        let poll = world.poller.poll(SHARD, &scope, Some(at("2026-10-10T11:00:00Z")), &world.cancel);
        world.clock.block_on(poll).unwrap()
    };
    let pending = poll(&world).unwrap().pending.unwrap();
    let (_, done) = world.pieces.next().now_or_never().unwrap().unwrap();
    done.send(Err(Error::new(ErrorKind::Fenced, "in other hands"))).unwrap();
    let landed = world.clock.block_on(pending.landed()).unwrap();
    assert_eq!(landed.unwrap_err().kind(), ErrorKind::Fenced);
    world.cancel.cancel();
    assert_eq!(poll(&world).unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(world.pieces.next().now_or_never().is_none());
}

#[test]
fn every_rule_has_a_place_in_the_catalogue() {
    let scope = Scope { account: "111122223333".to_owned(), region: "eu-west-1".to_owned() };
    let dimension = |namespace| match namespace {
        "AWS/EC2" | "CWAgent" => "InstanceId",
        "AWS/EBS" => "VolumeId",
        "AWS/Lambda" => "FunctionName",
        "AWS/RDS" | "AWS/DocDB" | "AWS/Neptune" => "DBInstanceIdentifier",
        "AWS/DynamoDB" => "TableName",
        "AWS/ElastiCache" => "CacheClusterId",
        "AWS/Redshift" => "ClusterIdentifier",
        "AWS/ES" => "DomainName",
        other => panic!("{other} is new: say which dimension names its resources"),
    };
    for rule in RULES {
        let entry = crate::cloud::MetricEntry {
            namespace: rule.namespace.to_owned(),
            metric: rule.cloudwatch_metric.to_owned(),
            dimensions: [(dimension(rule.namespace).to_owned(), "name".to_owned())].into(),
        };
        let target = catalogue::Target::of(&scope, entry).unwrap();
        assert_eq!(target.rule.metric, rule.metric);
        assert_eq!(target.query(300).statistic, "Average");
        assert!(catalogue::namespaces().contains(&rule.namespace));
    }
}
