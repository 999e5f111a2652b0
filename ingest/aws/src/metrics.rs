//! CloudWatch: which metrics there are, and their values.

mod json;

use airshed_collect::{
    CallError, CallErrorKind,
    cloud::{Answer, MetricEntry, MetricQuery, MetricRequest, MetricValues, Page},
};
use aws_sdk_cloudwatch::{
    operation::get_metric_data::GetMetricDataOutput,
    types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StatusCode},
};

use self::json::Json;
use crate::{
    call::{Caller, Place, date_time, next_page, odd, timestamp},
    clients::{Clients, at},
};

const GET: &str = "GetMetricData";

pub(crate) async fn metrics(
    clients: &Clients,
    caller: &Caller,
    place: &Place,
    namespace: &str,
    next: Option<&str>,
) -> Answer<Page<MetricEntry>> {
    const CALL: &str = "ListMetrics";
    let request = clients
        .cloudwatch
        .list_metrics()
        .namespace(namespace)
        .set_next_token(next.map(str::to_owned))
        .customize()
        .interceptor(Json::new(json::ListMetrics));
    let answer = caller
        .call(CALL, place, |credentials| {
            request.config_override(at!(aws_sdk_cloudwatch, place, credentials)).send()
        })
        .await?;
    let next = next_page(answer.next_token());
    let entries = answer.metrics.unwrap_or_default().into_iter().map(|metric| {
        let dimensions = metric.dimensions.unwrap_or_default().into_iter();
        let whole =
            dimensions.map(|dimension| Some((dimension.name?, dimension.value?))).collect::<Option<_>>();
        Some(MetricEntry { namespace: metric.namespace?, metric: metric.metric_name?, dimensions: whole? })
    });
    let items =
        entries.collect::<Option<_>>().ok_or_else(|| odd(CALL, place, "a metric without its names"))?;
    Ok(Page { items, next })
}

pub(crate) async fn metric_data(
    clients: &Clients,
    caller: &Caller,
    place: &Place,
    request: &MetricRequest,
    next: Option<&str>,
) -> Answer<Page<MetricValues>> {
    let queries = request.queries.iter().enumerate().map(|(index, query)| wire_query(index, query)).collect();
    let call = clients
        .cloudwatch
        .get_metric_data()
        .set_metric_data_queries(Some(queries))
        .start_time(date_time(request.start))
        .end_time(date_time(request.end))
        .scan_by(ScanBy::TimestampAscending)
        .set_next_token(next.map(str::to_owned))
        .customize()
        .interceptor(Json::new(json::GetMetricData));
    let answer = caller
        .call(GET, place, |credentials| {
            call.config_override(at!(aws_sdk_cloudwatch, place, credentials)).send()
        })
        .await?;
    page(&answer, request.queries.len(), place)
}

fn wire_query(index: usize, query: &MetricQuery) -> MetricDataQuery {
    let MetricEntry { namespace, metric, dimensions } = &query.metric;
    let dimensions =
        dimensions.iter().map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let metric = Metric::builder()
        .namespace(namespace)
        .metric_name(metric)
        .set_dimensions(Some(dimensions.collect()))
        .build();
    let stat = MetricStat::builder()
        .metric(metric)
        .stat(query.statistic)
        // Every period of CloudWatch fits.
        .period(i32::try_from(query.period_s).unwrap_or(i32::MAX))
        .build();
    MetricDataQuery::builder().id(format!("q{index}")).metric_stat(stat).build()
}

/// The values of a page. What CloudWatch could not do is an error: it says so beside the values that it has.
fn page(answer: &GetMetricDataOutput, queries: usize, place: &Place) -> Answer<Page<MetricValues>> {
    if let Some(message) = answer.messages().first() {
        let text = format!("{}: {}", message.code().unwrap_or_default(), message.value().unwrap_or_default());
        return Err(CallError::new(CallErrorKind::Invalid, format!("{GET} in {place}"), text));
    }
    let next = next_page(answer.next_token());
    let mut items = Vec::with_capacity(answer.metric_data_results().len());
    for result in answer.metric_data_results() {
        complete(result, next.is_some(), place)?;
        let query = result.id().and_then(|id| id.strip_prefix('q')).and_then(|index| index.parse().ok());
        let query = query.filter(|query| *query < queries);
        let query = query.ok_or_else(|| odd(GET, place, "values of a query that was not asked"))?;
        if result.timestamps().len() != result.values().len() {
            return Err(odd(GET, place, "not as many times as values"));
        }
        let values = result.timestamps().iter().zip(result.values());
        let values = values.map(|(time, value)| Some((timestamp(time)?, *value))).collect::<Option<_>>();
        items.push(MetricValues {
            query,
            values: values.ok_or_else(|| odd(GET, place, "a time out of range"))?,
        });
    }
    Ok(Page { items, next })
}

fn complete(result: &MetricDataResult, more: bool, place: &Place) -> Answer<()> {
    let kind = match result.status_code() {
        None | Some(StatusCode::Complete) => return Ok(()),
        Some(StatusCode::PartialData) if more => return Ok(()),
        Some(StatusCode::Forbidden) => CallErrorKind::Denied,
        // An internal error, and a part without the token for the rest: the same page again.
        Some(_) => CallErrorKind::Transient,
    };
    let status = result.status_code().map(StatusCode::as_str).unwrap_or_default();
    let said = result.messages().iter().filter_map(|message| message.value()).collect::<Vec<_>>().join("; ");
    Err(CallError::new(kind, format!("{GET} in {place}"), format!("{status} {said}").trim_end()))
}

#[cfg(test)]
mod tests;
