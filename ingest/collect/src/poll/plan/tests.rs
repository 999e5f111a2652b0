use super::*;

fn limit(per_second: u32, burst: u32) -> Limit {
    let positive = |n| std::num::NonZeroU32::new(n).unwrap();
    Limit { per_second: positive(per_second), burst: positive(burst) }
}

fn pace(concurrency: usize) -> PollPace {
    PollPace {
        listing: ApiLimits { place: limit(10, 2), overall: limit(200, 50) },
        data: ApiLimits { place: limit(20, 5), overall: limit(100, 50) },
        latency: Duration::from_millis(80),
        concurrency,
    }
}

/// By hand: 1,000 metrics at 0.01 US dollars per 1,000 and 10 calls at 0.01 per 1,000, 730 times a month, are
/// 730 * (0.01 + 0.0001) = 7.373 US dollars. Calls: the first 2 lists at once, the last of 10 no earlier than 8 tenths of
/// a second later; then 2 that start 80 ms apart.
#[test]
fn one_account_and_region_by_hand() {
    let counts = [PollCounts { listing_calls: 10, metrics: 1_000 }];
    let plan = PollPlan::new(counts, 3600, &pace(4));
    assert_eq!((plan.account_regions, plan.metrics, plan.calls_per_sweep), (1, 1_000, 12));
    assert!((plan.sweeps_per_month - 730.0).abs() < 1e-9);
    assert!((plan.usd_per_month - 7.373).abs() < 1e-9, "{}", plan.usd_per_month);
    assert_eq!(plan.sweep_duration, Duration::from_millis(880 + 160));
    let finer = PollPlan::new(counts, 300, &pace(4));
    assert!((finer.usd_per_month - 12.0 * 7.373).abs() < 1e-9);
}

#[test]
fn nothing_costs_and_takes_nothing() {
    let plan = PollPlan::new([], 3600, &pace(4));
    assert_eq!((plan.calls_per_sweep, plan.sweep_duration), (0, Duration::ZERO));
    assert_eq!(plan.over_budget(Some(0.0)), None);
}

#[test]
fn a_plan_above_the_budget_is_refused_with_both_sums() {
    let plan = PollPlan::new([PollCounts { listing_calls: 10, metrics: 1_000 }], 3600, &pace(4));
    assert_eq!(plan.over_budget(None), None);
    assert_eq!(plan.over_budget(Some(7.38)), None);
    let reason = plan.over_budget(Some(7.37)).unwrap();
    assert!(reason.contains("7.37 US dollars a month, more than 7.37"), "{reason}");
    assert!(reason.contains("1000 metrics of 1 accounts and regions"), "{reason}");
}

/// A token bucket: when the next call may start that is ready at `now`.
struct Bucket {
    interval: f64,
    burst: f64,
    /// When all tokens are back.
    full: f64,
}

impl Bucket {
    fn of(limit: Limit) -> Self {
        Self {
            interval: 1.0 / f64::from(limit.per_second.get()),
            burst: f64::from(limit.burst.get()),
            full: 0.0,
        }
    }

    fn start(&mut self, now: f64) -> f64 {
        let start = now.max(self.full - (self.burst - 1.0) * self.interval);
        self.full = self.full.max(start) + self.interval;
        start
    }
}

/// A sweep played call by call: each worker takes the next account and region, and every call waits for its turn there
/// and in the whole process. The worker whose next call is ready first goes first.
fn played(counts: &[PollCounts], pace: &PollPace) -> f64 {
    let apis = [pace.listing, pace.data];
    let mut overall = apis.map(|api| Bucket::of(api.overall));
    let latency = pace.latency.as_secs_f64();
    let mut workers: BinaryHeap<Reverse<(u64, usize)>> =
        (0..pace.concurrency).map(|worker| Reverse((0, worker))).collect();
    let mut work: Vec<([u64; 2], [Bucket; 2])> =
        workers.iter().map(|_| ([0, 0], apis.map(|api| Bucket::of(api.place)))).collect();
    let (mut next, mut end) = (counts.iter(), 0.0_f64);
    while let Some(Reverse((now_ns, worker))) = workers.pop() {
        let now = now_ns as f64 * 1e-9;
        let (left, places) = &mut work[worker];
        if *left == [0, 0] {
            end = end.max(now);
            let Some(count) = next.next() else { continue };
            *left = [count.listing_calls, count.metrics.div_ceil(500)];
            *places = apis.map(|api| Bucket::of(api.place));
        }
        let mut done = now;
        if let Some(api) = left.iter().position(|left| *left > 0) {
            left[api] -= 1;
            done = overall[api].start(places[api].start(now)) + latency;
        }
        workers.push(Reverse((Duration::from_secs_f64(done).as_nanos().try_into().unwrap(), worker)));
    }
    end
}

/// 30,000 accounts and regions of very unlike sizes, limited once by workers and accounts, once by the limits over all.
#[test]
fn a_sweep_takes_as_long_as_planned() {
    let counts: Vec<PollCounts> = (0..30_000_u64)
        .map(|place| {
            let metrics =
                [40, 900, 3_000, 12, 0, 25_000][usize::try_from(place * 7 % 6).unwrap()] + place % 100;
            PollCounts { listing_calls: 10 + metrics / 2_000, metrics }
        })
        .collect();
    for concurrency in [4, 16, 64, 256] {
        let pace = pace(concurrency);
        let planned = PollPlan::new(counts.iter().copied(), 3600, &pace).sweep_duration.as_secs_f64();
        let played = played(&counts, &pace);
        assert!(
            (planned / played - 1.0).abs() < 0.1,
            "{concurrency}: planned {planned} s, played {played} s"
        );
    }
}
