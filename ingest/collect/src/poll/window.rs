//! Which periods are asked for: only what is new, only what is settled, only what CloudWatch still has.
//!
//! All instants here are whole seconds since 1970. Periods divide a day, so that they stand on the same grid in every
//! month and no interval crosses the end of one.

use airshed_domain::period::BillingPeriod;

use crate::{
    config::PollingConfig,
    error::{Error, ErrorKind, Result},
};

const DAY_S: i64 = 86_400;

/// How long CloudWatch keeps data: a period that is a multiple of the first, for so long (seconds).
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>
const KEPT: &[(i64, i64)] = &[(3600, 455 * DAY_S), (300, 63 * DAY_S), (60, 15 * DAY_S)];
/// What is about to be dropped is not asked for: it might be gone by the time of the call.
const KEPT_MARGIN_S: i64 = 3600;
/// How long after its last data point a metric is listed.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html>
const LISTED_S: i64 = 14 * DAY_S;

/// Queries of one call of GetMetricData, as the service limits them.
pub(crate) const QUERIES_PER_CALL: usize = 500;
/// Data points of one answer of GetMetricData, as the service limits them.
const POINTS_PER_ANSWER: usize = 100_800;
/// Rows of one slice, so that memory does not grow with the backlog.
const ROWS_PER_SLICE: usize = 250_000;

/// What is to be asked for of an account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// First second.
    pub(crate) start_s: i64,
    /// First second after.
    pub(crate) end_s: i64,
    /// What of it CloudWatch cannot tell any more.
    pub(crate) missing: Option<String>,
}

/// A piece of a backlog that is asked for and lands as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slice {
    /// First second.
    pub(crate) start_s: i64,
    /// First second after.
    pub(crate) end_s: i64,
}

/// Refuses periods that CloudWatch or the ledger could not keep apart.
pub(crate) fn check(config: &PollingConfig) -> Result<()> {
    let period_s = i64::from(config.period_s);
    if period_s < 60 || period_s % 60 != 0 || DAY_S % period_s != 0 {
        let message = format!("a polling period of {period_s} s is not whole minutes that divide a day");
        return Err(Error::new(ErrorKind::Input, message));
    }
    Ok(())
}

/// The periods from the watermark (or as far as the first poll reaches) to the last that is settled; nothing when there
/// is no new one.
pub(crate) fn backlog(config: &PollingConfig, now_s: i64, watermark_s: Option<i64>) -> Option<Backlog> {
    let period_s = i64::from(config.period_s);
    let floor = |seconds: i64| seconds.div_euclid(period_s) * period_s;
    let seconds = |duration: std::time::Duration| i64::try_from(duration.as_secs()).unwrap_or(now_s);
    let end_s = floor(now_s - seconds(config.settle));
    // A watermark off the grid comes from another period: a part is asked for again, which does no harm.
    let wanted_s = floor(watermark_s.unwrap_or(now_s - seconds(config.lookback)));
    let kept_s = KEPT.iter().find(|(unit_s, _)| period_s % unit_s == 0).map_or(0, |(_, kept_s)| *kept_s);
    let oldest_s = floor(now_s - kept_s + KEPT_MARGIN_S + period_s - 1);
    let start_s = wanted_s.max(oldest_s);
    let missing = if wanted_s < oldest_s {
        let days = kept_s / DAY_S;
        Some(format!("CloudWatch keeps periods of {period_s} s for {days} days; older ones are gone"))
    } else if start_s < now_s - LISTED_S {
        Some(
            "CloudWatch lists no metric without data in the last 14 days; older data of such is missing"
                .to_owned(),
        )
    } else {
        None
    };
    (start_s < end_s).then_some(Backlog { start_s, end_s, missing })
}

impl Backlog {
    /// The first slice of what is left from `start_s` on: as long as one answer and memory allow for so many metrics,
    /// and within one billing period.
    pub(crate) fn slice(&self, start_s: i64, period_s: u32, metrics: usize) -> Slice {
        let per_answer = POINTS_PER_ANSWER / metrics.clamp(1, QUERIES_PER_CALL);
        let count = (ROWS_PER_SLICE / metrics.max(1)).min(per_answer).max(1);
        let length_s = i64::from(period_s).saturating_mul(i64::try_from(count).unwrap_or(i64::MAX));
        let month_end_s = BillingPeriod::of_epoch_seconds(start_s).map_or(i64::MAX, |p| p.window().end_s);
        Slice { start_s, end_s: start_s.saturating_add(length_s).min(month_end_s).min(self.end_s) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HOUR: i64 = 3600;

    fn config(period_s: u32) -> PollingConfig {
        PollingConfig {
            period_s,
            settle: Duration::from_mins(15),
            lookback: Duration::from_hours(24),
            monthly_budget_usd: None,
            sample_above: 1000,
        }
    }

    fn at(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_second()
    }

    #[test]
    fn a_period_is_asked_for_once_it_is_settled() {
        let config = config(3600);
        let noon = at("2026-10-10T12:00:00Z");
        let last_end = |now_s| backlog(&config, now_s, None).unwrap().end_s;
        assert_eq!(last_end(noon + 899), noon - HOUR);
        assert_eq!(last_end(noon + 900), noon);
        assert_eq!(backlog(&config, noon + 899, Some(noon - HOUR)), None);
        assert_eq!(backlog(&config, noon + 900, Some(noon)), None);
        let new = backlog(&config, noon + 2 * HOUR + 900, Some(noon)).unwrap();
        assert_eq!((new.start_s, new.end_s, new.missing), (noon, noon + 2 * HOUR, None));
    }

    #[test]
    fn the_first_poll_reaches_back_and_a_watermark_off_the_grid_is_asked_for_again() {
        let noon = at("2026-10-10T12:00:00Z");
        assert_eq!(backlog(&config(3600), noon + 1000, None).unwrap().start_s, noon - 24 * HOUR);
        let from_finer = backlog(&config(3600), noon + 5000, Some(noon + 300)).unwrap();
        assert_eq!((from_finer.start_s, from_finer.end_s), (noon, noon + HOUR));
    }

    /// Limits as AWS states them: 60 s for 15 days, 300 s for 63 days, 3600 s for 455 days.
    #[test]
    fn what_is_gone_is_not_asked_for_and_said() {
        let now = at("2026-10-10T12:00:00Z");
        for (period_s, days) in [(60, 15), (120, 15), (300, 63), (900, 63), (3600, 455), (86_400, 455)] {
            let oldest = now - days * DAY_S;
            let backlog = backlog(&config(period_s), now, Some(oldest - 10 * DAY_S)).unwrap();
            assert!(backlog.start_s > oldest, "{period_s}");
            assert!(backlog.start_s <= oldest + KEPT_MARGIN_S + i64::from(period_s), "{period_s}");
            assert!(backlog.missing.unwrap().contains(&format!("for {days} days")), "{period_s}");
        }
        let kept = backlog(&config(3600), now, Some(now - 13 * DAY_S)).unwrap();
        assert_eq!((kept.start_s, kept.missing), (now - 13 * DAY_S, None));
        let unlisted = backlog(&config(3600), now, Some(now - 20 * DAY_S)).unwrap();
        assert_eq!(unlisted.start_s, now - 20 * DAY_S);
        assert!(unlisted.missing.unwrap().contains("14 days"));
    }

    #[test]
    fn slices_meet_and_keep_the_limits() {
        for (period_s, metrics) in [(60, 500), (60, 3), (300, 7001), (3600, 500), (3600, 0), (3600, 400_000)]
        {
            let (start_s, end_s) = (at("2026-10-25T00:00:00Z"), at("2026-11-05T00:00:00Z"));
            let backlog = Backlog { start_s, end_s, missing: None };
            let mut next_s = start_s;
            while next_s < end_s {
                let slice = backlog.slice(next_s, period_s, metrics);
                assert_eq!(slice.start_s, next_s);
                assert!(slice.end_s > slice.start_s && slice.end_s <= end_s);
                let periods = usize::try_from((slice.end_s - slice.start_s) / i64::from(period_s)).unwrap();
                assert!(periods * metrics.min(QUERIES_PER_CALL) <= POINTS_PER_ANSWER);
                assert!(periods == 1 || periods * metrics <= ROWS_PER_SLICE);
                let month = |seconds| BillingPeriod::of_epoch_seconds(seconds).unwrap();
                assert_eq!(month(slice.start_s), month(slice.end_s - 1));
                next_s = slice.end_s;
            }
        }
    }

    #[test]
    fn other_periods_are_refused() {
        for period_s in [0, 1, 30, 61, 90, 420, 7000, 172_800] {
            assert!(check(&config(period_s)).is_err(), "{period_s}");
        }
        for period_s in [60, 120, 300, 900, 3600, 7200, 86_400] {
            assert!(check(&config(period_s)).is_ok(), "{period_s}");
        }
    }
}
