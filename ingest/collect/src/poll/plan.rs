//! What polling will cost and how long a sweep will take, before any of it is asked for.
//!
//! A plan is made from counts alone, one account and region after the other, and holds no more than one number for each
//! that is worked on at the same time: 10,000 accounts take as much memory as one.
//!
//! The model: so many workers take accounts and regions in order. Each makes its calls one after the other; a call takes
//! the latency, and starts no earlier than the limit of that account and region allows. The sweep is over when the last
//! worker is done, and not before the limits of the whole process let so many calls through. Landing is not in it: a
//! worker does not wait for it.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use super::window::QUERIES_PER_CALL;
use crate::gate::{ApiLimits, Limit};

/// List price of GetMetricData per metric asked for, in 1e-9 US dollars: 0.01 US dollars per 1,000.
/// <https://aws.amazon.com/cloudwatch/pricing/>
pub(super) const METRIC_NANO_USD: u64 = 10_000;
/// List price of one call of ListMetrics, in 1e-9 US dollars: 0.01 US dollars per 1,000, the free million not counted.
/// <https://aws.amazon.com/cloudwatch/pricing/>
pub(super) const LISTING_NANO_USD: u64 = 10_000;

/// Hours of a month in AWS's price examples.
const HOURS_PER_MONTH: f64 = 730.0;

/// What a sweep asks for in one account and region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollCounts {
    /// Calls of ListMetrics.
    pub listing_calls: u64,
    /// Metrics that are polled, samples counted as such.
    pub metrics: u64,
}

/// What decides how fast a sweep goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollPace {
    /// Limits of ListMetrics.
    pub listing: ApiLimits,
    /// Limits of GetMetricData.
    pub data: ApiLimits,
    /// Time of one call.
    pub latency: Duration,
    /// Accounts and regions that are worked on at the same time.
    pub concurrency: usize,
}

/// What polling costs and takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PollPlan {
    /// Accounts and regions.
    pub account_regions: u64,
    /// Metrics that are polled.
    pub metrics: u64,
    /// Calls of ListMetrics and GetMetricData of one sweep.
    pub calls_per_sweep: u64,
    /// Sweeps of a month of 730 hours.
    pub sweeps_per_month: f64,
    /// List price of a month, US dollars.
    pub usd_per_month: f64,
    /// Time of one sweep.
    pub sweep_duration: Duration,
}

impl PollPlan {
    /// The plan for accounts and regions in the order in which they are worked on, each polled once every `period_s`
    /// seconds for the one period that is new.
    pub fn new(counts: impl IntoIterator<Item = PollCounts>, period_s: u32, pace: &PollPace) -> Self {
        let (mut account_regions, mut metrics, mut listing_calls, mut data_calls) = (0, 0, 0, 0);
        let mut workers: BinaryHeap<Reverse<Duration>> =
            std::iter::repeat_n(Reverse(Duration::ZERO), pace.concurrency.max(1)).collect();
        let mut longest = Duration::ZERO;
        for count in counts {
            let calls = count.metrics.div_ceil(QUERIES_PER_CALL as u64);
            account_regions += 1;
            metrics += count.metrics;
            listing_calls += count.listing_calls;
            data_calls += calls;
            let work = in_turn(count.listing_calls, pace.listing.place, pace.latency)
                + in_turn(calls, pace.data.place, pace.latency);
            if let Some(Reverse(free)) = workers.pop() {
                longest = longest.max(free + work);
                workers.push(Reverse(free + work));
            }
        }
        let sweeps_per_month = HOURS_PER_MONTH * 3600.0 / f64::from(period_s.max(1));
        let nano_usd = metrics * METRIC_NANO_USD + listing_calls * LISTING_NANO_USD;
        let let_through = in_turn(listing_calls, pace.listing.overall, Duration::ZERO).max(in_turn(
            data_calls,
            pace.data.overall,
            Duration::ZERO,
        ));
        Self {
            account_regions,
            metrics,
            calls_per_sweep: listing_calls + data_calls,
            sweeps_per_month,
            usd_per_month: nano_usd as f64 / 1e9 * sweeps_per_month,
            sweep_duration: longest.max(let_through),
        }
    }

    /// Why nothing is polled: the plan costs more than the configuration allows.
    pub fn over_budget(&self, monthly_budget_usd: Option<f64>) -> Option<String> {
        let budget = monthly_budget_usd.filter(|budget| self.usd_per_month > *budget)?;
        Some(format!(
            "polling {} metrics of {} accounts and regions would cost {:.2} US dollars a month, more than {budget:.2}",
            self.metrics, self.account_regions, self.usd_per_month,
        ))
    }
}

/// Time of calls that are made one after the other under a limit that was at rest: the first few as fast as answers come,
/// then no faster than the limit allows.
fn in_turn(calls: u64, limit: Limit, latency: Duration) -> Duration {
    let Some(before_last) = calls.checked_sub(1) else { return Duration::ZERO };
    let answers = latency.as_secs_f64() * before_last as f64;
    let held_up = calls.saturating_sub(u64::from(limit.burst.get()));
    let turns = held_up as f64 / f64::from(limit.per_second.get());
    latency + Duration::try_from_secs_f64(answers.max(turns)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests;
