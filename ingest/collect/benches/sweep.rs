//! A sweep of 10,000 accounts: planned, then made, on a virtual clock.
//!
//! `cargo bench -p airshed-collect --features stand-in --bench sweep [-- CONCURRENCY]`. The cloud is a stand-in whose every call takes
//! 200 ms. Prints what the plan says of calls and duration beside what was observed, the highest rate of any account
//! and region beside its limit, and the most memory that the process had.
#![expect(clippy::print_stdout, reason = "a program that measures and prints")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use airshed_collect::{
    Clock, Cloud, Scope,
    clock::VirtualClock,
    config::PollingConfig,
    gate::{Api, Gate, Limits},
    health::Status,
    land::{self, Pieces},
    poll::{
        Poller,
        plan::{PollPace, PollPlan},
    },
    stand_in::{Shape, StandIn},
    unit::Shard,
};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

const ACCOUNTS: u32 = 10_000;
/// Resources of an account and region: with their metrics more than one call of GetMetricData takes.
const RESOURCES: u32 = 400;
const LATENCY: Duration = Duration::from_millis(200);
/// Accounts and regions worked on at the same time, unless an argument says otherwise: with many, the limits of the
/// process decide and not the latency.
const CONCURRENCY: usize = 32;
const PERIOD_S: u32 = 3600;

fn main() {
    // `cargo bench` adds flags of its own.
    let concurrency = std::env::args().skip(1).find_map(|text| text.parse().ok()).unwrap_or(CONCURRENCY);
    let now: Timestamp = "2026-11-02T05:30:00Z".parse().expect("a timestamp");
    // Hours before the end of the sweep: there is something to ask for however long the sweep takes.
    let watermark: Timestamp = "2026-11-02T03:00:00Z".parse().expect("a timestamp");
    let clock = VirtualClock::starting(now);
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let waits = Arc::clone(&shared);
    let cloud = StandIn::new(Shape { accounts: ACCOUNTS, resources: RESOURCES, ..Shape::default() })
        .with_hook(Arc::new(move |_| {
            let clock = Arc::clone(&waits);
            async move {
                clock.sleep(LATENCY).await;
                None
            }
            .boxed()
        }));
    let cloud = Arc::new(cloud);
    let gate = Arc::new(Gate::new(Limits::default(), Arc::clone(&shared), 1).with_observer());
    let config = PollingConfig {
        period_s: PERIOD_S,
        settle: Duration::from_mins(15),
        lookback: Duration::from_hours(1),
        monthly_budget_usd: None,
        sample_above: 1_000,
    };
    let (landing, pieces) = land::channel(concurrency);
    let dynamic: Arc<dyn Cloud> = Arc::<StandIn>::clone(&cloud);
    let poller = Poller::new(dynamic, Arc::clone(&gate), landing, shared, config, 1).expect("a poller");
    let regions = cloud.shape().regions.len();
    let scopes: Vec<Scope> = (0..ACCOUNTS)
        .flat_map(|account| (0..regions).map(move |region| (account, region)))
        .map(|(account, region)| cloud.scope(account, region))
        .collect();

    let started = Instant::now();
    let plan = clock.block_on(planned(&poller, &gate, &scopes, concurrency)).expect("a runtime");
    println!(
        "planned {} account-regions in {:.1} s of this machine",
        plan.account_regions,
        started.elapsed().as_secs_f64()
    );
    println!("most memory after planning: {} MiB", peak_mib());

    clock.advance(Duration::from_mins(1));
    let (before, started) = (cloud.calls(), Instant::now());
    let (begun, rows) = (
        clock.elapsed(),
        clock.block_on(swept(&poller, pieces, &scopes, (watermark, concurrency))).expect("a runtime"),
    );
    let (took, calls) = (clock.elapsed().saturating_sub(begun), cloud.calls() - before);
    println!("swept {rows} rows in {:.1} s of this machine", started.elapsed().as_secs_f64());
    println!("most memory after the sweep: {} MiB", peak_mib());
    println!("{:>12} {:>12} {:>12}", "", "planned", "observed");
    println!("{:>12} {:>12} {:>12}", "calls", plan.calls_per_sweep, calls);
    println!("{:>12} {:>12.1} {:>12.1}", "seconds", plan.sweep_duration.as_secs_f64(), took.as_secs_f64());
    println!("{:>12} {:>12.2}", "USD a month", plan.usd_per_month);
    for api in [Api::ListMetrics, Api::GetMetricData] {
        let most =
            gate.observed().into_iter().filter(|of| of.api == api).max_by_key(|of| of.most_in_a_second);
        let most = most.expect("calls were made");
        println!(
            "{api}: {} calls in a second at most, the limit lets {} through",
            most.most_in_a_second, most.limit_in_a_second
        );
        assert!(most.most_in_a_second <= most.limit_in_a_second, "an account was above its limit");
    }
    let off = |planned: f64, observed: f64| (observed / planned - 1.0).abs();
    assert!(off(plan.calls_per_sweep as f64, calls as f64) <= 0.1, "calls are off by more than a tenth");
    assert!(
        off(plan.sweep_duration.as_secs_f64(), took.as_secs_f64()) <= 0.1,
        "duration is off by more than a tenth"
    );
}

async fn planned(poller: &Poller, gate: &Gate, scopes: &[Scope], concurrency: usize) -> PollPlan {
    let cancel = CancellationToken::new();
    let counts = stream::iter(scopes).map(|scope| poller.counts(scope, &cancel)).buffered(concurrency);
    let counts: Vec<_> = counts.try_collect().await.expect("every account answers");
    let limits = gate.limits();
    let pace = PollPace {
        listing: limits.of(Api::ListMetrics),
        data: limits.of(Api::GetMetricData),
        latency: LATENCY,
        concurrency,
    };
    PollPlan::new(counts, PERIOD_S, &pace)
}

/// Polls every account and region once; returns the rows.
async fn swept(
    asker: &Poller,
    mut pieces: Pieces,
    scopes: &[Scope],
    (watermark, concurrency): (Timestamp, usize),
) -> u64 {
    let cancel = CancellationToken::new();
    let polls = stream::iter(scopes).map(|scope| asker.poll(Shard(0), scope, Some(watermark), &cancel));
    let mut answers = polls.buffer_unordered(concurrency);
    let mut rows = 0;
    loop {
        tokio::select! {
            biased;
            Some((piece, done)) = pieces.next() => {
                rows += piece.rows.iter().map(|batch| batch.num_rows() as u64).sum::<u64>();
                done.send(Ok(())).ok();
            }
            answer = answers.next() => match answer {
                Some(answer) => assert_eq!(answer.expect("every account answers").status, Status::Ok),
                None => return rows,
            }
        }
    }
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
