//! The values of one slice: all calls, all their pages, or an error.

use std::pin::pin;

use futures::TryStreamExt as _;
use tokio_util::sync::CancellationToken;

use super::{
    catalogue::Target,
    plan::METRIC_NANO_USD,
    window::{QUERIES_PER_CALL, Slice},
};
use crate::{
    cloud::{Answer, Cloud, MetricRequest, Scope},
    error::{CallError, CallErrorKind},
    gate::{Api, Call, Gate},
    health::Tally,
};

/// A value as CloudWatch answers it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    /// Index of the target.
    pub(crate) target: usize,
    /// Start of the period, microseconds since 1970.
    pub(crate) start_us: i64,
    /// The value.
    pub(crate) value: f64,
}

/// Asks for the values of `targets` over a slice, 500 at a time. A page counts as a call at full price: AWS does not say
/// that it is cheaper.
pub(crate) async fn values(
    (cloud, gate): (&dyn Cloud, &Gate),
    scope: &Scope,
    targets: &[Target],
    (slice, period_s): (Slice, u32),
    tally: &Tally,
    cancel: &CancellationToken,
) -> Answer<Vec<Point>> {
    let wrong = |kind, message: &str| {
        CallError::new(kind, Call::new(Api::GetMetricData, Some(scope)).to_string(), message)
    };
    let instant = |seconds| {
        jiff::Timestamp::from_second(seconds).map_err(|e| wrong(CallErrorKind::Invalid, &e.to_string()))
    };
    let (start, end) = (instant(slice.start_s)?, instant(slice.end_s)?);
    let mut values = Vec::new();
    for (number, targets) in targets.chunks(QUERIES_PER_CALL).enumerate() {
        let queries: Vec<_> = targets.iter().map(|target| target.query(period_s)).collect();
        let request = &MetricRequest { queries, start, end };
        // A refusal may be that of one region or service by policy, so it does not speak for the account.
        let call = Call {
            cost_nano_usd: METRIC_NANO_USD * targets.len() as u64,
            account_breaker: false,
            ..Call::new(Api::GetMetricData, Some(scope))
        };
        let page =
            |next: Option<String>| async move { cloud.metric_data(scope, request, next.as_deref()).await };
        let mut pages = pin!(gate.pages(call, tally, cancel, page));
        while let Some(items) = pages.try_next().await? {
            for item in items {
                if item.query >= targets.len() {
                    return Err(wrong(
                        CallErrorKind::Invalid,
                        "the answer has values of a query that was not asked",
                    ));
                }
                let target = number * QUERIES_PER_CALL + item.query;
                values.extend(item.values.into_iter().map(|(start, value)| Point {
                    target,
                    start_us: start.as_microsecond(),
                    value,
                }));
            }
        }
    }
    Ok(values)
}
