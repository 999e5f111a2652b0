use std::collections::BTreeSet;

use super::*;
use crate::cloud::{Cloud as _, MetricQuery, MetricRequest, ServiceList};

#[tokio::test]
async fn all_pages_together_are_the_whole_without_repeats() {
    let shape =
        Shape { pages: PageSizes { tagging: 3, lists: 2, ..PageSizes::default() }, ..Shape::default() };
    let cloud = StandIn::new(shape);
    let scope = cloud.scope(4, 1);
    let mut found = BTreeSet::new();
    let mut next: Option<String> = None;
    loop {
        let page = cloud.tagged_resources(&scope, next.as_deref()).await.unwrap();
        assert!(page.items.len() <= 3);
        for entry in page.items {
            assert!(found.insert(entry.arn));
        }
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), 15, "20 resources, each fourth without tags");
    let mut listed = 0;
    for list in ServiceList::ALL {
        let mut next: Option<String> = None;
        loop {
            let page = cloud.listed_resources(&scope, list, next.as_deref()).await.unwrap();
            listed += page.items.len();
            next = page.next;
            if next.is_none() {
                break;
            }
        }
    }
    assert_eq!(listed, 18, "20 resources, each tenth a bucket");
}

#[tokio::test]
async fn values_are_those_of_the_function_however_they_are_cut() {
    let pages = PageSizes { values: 7, ..PageSizes::default() };
    let cloud = StandIn::new(Shape { pages, ..Shape::default() });
    let scope = cloud.scope(0, 0);
    let queries: Vec<MetricQuery> = cloud
        .metrics(&scope, "AWS/EC2", None)
        .await
        .unwrap()
        .items
        .into_iter()
        .map(|metric| MetricQuery { metric, statistic: "Average", period_s: 300 })
        .collect();
    assert_eq!(queries.len(), 6 * 5 + 1, "6 instances of 20 resources");
    let start = jiff::Timestamp::from_second(1_700_000_400).unwrap();
    let request = MetricRequest { start, end: start + jiff::SignedDuration::from_hours(1), queries };
    let mut values = 0;
    let mut next: Option<String> = None;
    loop {
        let page = cloud.metric_data(&scope, &request, next.as_deref()).await.unwrap();
        for answer in page.items {
            for (at, value) in answer.values {
                let expected = StandIn::value(&scope, &request.queries[answer.query], at);
                assert_eq!(value.to_bits(), expected.to_bits());
                values += 1;
            }
        }
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(values, 31 * 12);
}

#[tokio::test]
async fn faults_and_absent_places_are_answered_as_errors() {
    let shape = Shape { suspended_every: 2, region_off_every: 3, ..Shape::default() };
    let cloud = StandIn::new(shape)
        .with_faults(|call| (call.name == "metrics").then_some(CallErrorKind::Throttled))
        .with_log();
    let kind = |answer: Answer<Page<_>>| answer.unwrap_err().kind;
    assert_eq!(kind(cloud.tagged_resources(&cloud.scope(1, 0), None).await), CallErrorKind::Denied);
    assert_eq!(kind(cloud.tagged_resources(&cloud.scope(2, 1), None).await), CallErrorKind::Denied);
    assert_eq!(
        cloud.metrics(&cloud.scope(0, 0), "AWS/EC2", None).await.unwrap_err().kind,
        CallErrorKind::Throttled
    );
    assert_eq!(cloud.calls(), 3);
    assert_eq!(cloud.log()[2].about, "AWS/EC2");
}

#[test]
fn metrics_find_their_resources_again() {
    let cloud = StandIn::new(Shape { resources: u32::MAX, ..Shape::default() });
    let scope = cloud.scope(7, 1);
    for index in [0, 1, 4, 999_999, 3_000_000_000, u32::MAX - 5] {
        for namespace in ["AWS/EC2", "AWS/EBS", "AWS/Lambda"] {
            for metric in cloud.metrics_of(&scope, index, namespace) {
                assert!(cloud.has_values(&scope, &metric), "{metric:?}");
            }
        }
    }
}
