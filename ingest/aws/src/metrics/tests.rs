use aws_sdk_cloudwatch::types::MessageData;
use aws_smithy_types::DateTime;

use super::*;

fn place() -> Place {
    Place { of: "111122223333".into(), region: "eu-west-1".into(), role: None }
}

fn result(id: &str, status: StatusCode, values: &[(i64, f64)]) -> MetricDataResult {
    MetricDataResult::builder()
        .id(id)
        .status_code(status)
        .set_timestamps(Some(values.iter().map(|(time, _)| DateTime::from_secs(*time)).collect()))
        .set_values(Some(values.iter().map(|(_, value)| *value).collect()))
        .build()
}

fn answer(results: Vec<MetricDataResult>, next: Option<&str>) -> GetMetricDataOutput {
    GetMetricDataOutput::builder()
        .set_metric_data_results(Some(results))
        .set_next_token(next.map(str::to_owned))
        .build()
}

#[test]
fn values_belong_to_the_query_of_their_id() {
    let results = vec![
        result("q1", StatusCode::Complete, &[(3600, 2.5), (3660, 4.0)]),
        result("q0", StatusCode::Complete, &[]),
    ];
    let page = page(&answer(results, None), 2, &place()).unwrap();
    let time = |s| jiff::Timestamp::from_second(s).unwrap();
    let values = vec![(time(3600), 2.5), (time(3660), 4.0)];
    assert_eq!(page.items, [MetricValues { query: 1, values }, MetricValues { query: 0, values: vec![] }]);
    assert_eq!(page.next, None);
}

#[test]
fn what_cloudwatch_did_not_do_is_an_error() {
    let kind = |status, next| {
        let answer = answer(vec![result("q0", status, &[])], next);
        page(&answer, 1, &place()).map_err(|error| error.kind).map(|page| page.next)
    };
    assert_eq!(kind(StatusCode::PartialData, Some("more")), Ok(Some("more".to_owned())));
    assert_eq!(kind(StatusCode::PartialData, None), Err(CallErrorKind::Transient));
    assert_eq!(kind(StatusCode::InternalError, Some("more")), Err(CallErrorKind::Transient));
    assert_eq!(kind(StatusCode::Forbidden, None), Err(CallErrorKind::Denied));

    let limited = GetMetricDataOutput::builder()
        .messages(MessageData::builder().code("MaxMetricsExceeded").value("too many").build())
        .build();
    let error = page(&limited, 1, &place()).unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (CallErrorKind::Invalid, "MaxMetricsExceeded: too many")
    );
}

#[test]
fn values_that_nobody_asked_for_are_refused() {
    for id in ["q7", "x0", ""] {
        let answer = answer(vec![result(id, StatusCode::Complete, &[])], None);
        assert!(page(&answer, 1, &place()).is_err(), "{id}");
    }
    let mut uneven = result("q0", StatusCode::Complete, &[(3600, 1.0)]);
    uneven.values = None;
    assert!(page(&answer(vec![uneven], None), 1, &place()).is_err());
}

#[test]
fn a_query_goes_out_as_asked() {
    let metric = MetricEntry {
        namespace: "AWS/EC2".into(),
        metric: "CPUUtilization".into(),
        dimensions: [("InstanceId".to_owned(), "i-1".to_owned())].into(),
    };
    let query = wire_query(7, &MetricQuery { metric, statistic: "Average", period_s: 300 });
    assert_eq!(query.id(), Some("q7"));
    let stat = query.metric_stat().unwrap();
    assert_eq!((stat.period(), stat.stat(), stat.unit()), (Some(300), Some("Average"), None));
    let metric = stat.metric().unwrap();
    assert_eq!((metric.namespace(), metric.metric_name()), (Some("AWS/EC2"), Some("CPUUtilization")));
    assert_eq!(metric.dimensions()[0].value(), Some("i-1"));
}
