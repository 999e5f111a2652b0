use arrow::{
    array::{Array as _, AsArray as _},
    compute::cast,
    datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType},
};

use super::*;
use crate::cloud::MetricEntry;

const HOUR_S: i64 = 3600;
const START_S: i64 = 1_791_000_000 / HOUR_S * HOUR_S;

fn scope() -> Scope {
    Scope { account: "111122223333".to_owned(), region: "eu-west-1".to_owned() }
}

fn entry(namespace: &str, metric: &str, dimensions: &[(&str, &str)]) -> MetricEntry {
    let dimensions =
        dimensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    MetricEntry { namespace: namespace.to_owned(), metric: metric.to_owned(), dimensions }
}

fn listed(entries: impl IntoIterator<Item = MetricEntry>, sample_above: usize) -> Listed {
    let scope = scope();
    let targets = entries.into_iter().map(|entry| Target::of(&scope, entry).unwrap()).collect();
    Listed::of(targets, 1, sample_above)
}

fn built(listed: &Listed, values: &[(usize, i64, f64)]) -> Built {
    let slice = Slice { start_s: START_S, end_s: START_S + 4 * HOUR_S };
    let values = values
        .iter()
        .map(|&(target, hour, value)| Point {
            target,
            start_us: (START_S + hour * HOUR_S) * SECOND_US,
            value,
        })
        .collect();
    build(Asked { scope: &scope(), listed, slice, period_s: 3600, seed: 1 }, values).unwrap()
}

fn rows(built: &Built) -> Vec<(String, String, i64, f64)> {
    let mut rows = Vec::new();
    for batch in &built.rows {
        assert_eq!(batch.schema(), schema::utilization().coded_file_schema());
        let text =
            |column: usize| cast(batch.column(column), &DataType::Utf8).unwrap().as_string::<i32>().clone();
        let (resource, metric) = (text(4), text(5));
        let start = batch.column(0).as_primitive::<TimestampMicrosecondType>();
        let end = batch.column(1).as_primitive::<TimestampMicrosecondType>();
        let avg = batch.column(6).as_primitive::<Float64Type>();
        for row in 0..batch.num_rows() {
            assert_eq!(end.value(row) - start.value(row), HOUR_S * SECOND_US);
            let hour = (start.value(row) / SECOND_US - START_S) / HOUR_S;
            rows.push((resource.value(row).to_owned(), metric.value(row).to_owned(), hour, avg.value(row)));
        }
        assert_eq!(text(2).value(0), "111122223333");
        assert_eq!(text(3).value(0), "eu-west-1");
        assert_eq!(
            (batch.column(7).null_count(), batch.column(8).null_count()),
            (batch.num_rows(), batch.num_rows())
        );
    }
    rows
}

#[test]
fn values_become_rows_in_one_order_and_percent_shares() {
    let listed = listed(
        [
            entry("AWS/EC2", "NetworkIn", &[("InstanceId", "i-2")]),
            entry("AWS/EC2", "CPUUtilization", &[("InstanceId", "i-2")]),
            entry("AWS/Lambda", "Duration", &[("FunctionName", "f")]),
        ],
        10,
    );
    let values = [(0, 1, 12.5), (2, 3, 100.9), (2, 0, 50.0), (1, 0, 0.25), (0, 0, -0.0)];
    let arn = "arn:aws:lambda:eu-west-1:111122223333:function:f";
    let expected: Vec<(String, String, i64, f64)> = [
        (arn, "duration_ms", 0, -0.0),
        (arn, "duration_ms", 1, 12.5),
        ("i-2", "cpu_utilization", 0, 0.0025),
        ("i-2", "network_in_bytes", 0, 50.0),
        ("i-2", "network_in_bytes", 3, 100.9),
    ]
    .map(|(resource, metric, hour, value)| (resource.to_owned(), metric.to_owned(), hour, value))
    .into();
    let built_once = built(&listed, &values);
    assert_eq!(rows(&built_once), expected);
    assert!(rows(&built_once)[0].3.is_sign_positive());
    assert_eq!(built_once.newest_us, Some((START_S + 4 * HOUR_S) * SECOND_US));
    let mut shuffled = values;
    shuffled.reverse();
    assert_eq!(built(&listed, &shuffled).rows, built_once.rows);
}

#[test]
fn what_cannot_be_is_rejected_with_its_reason() {
    let listed = listed([entry("AWS/EC2", "CPUUtilization", &[("InstanceId", "i-1")])], 10);
    let built = built(
        &listed,
        &[(0, 0, 101.0), (0, 1, 101.1), (0, 2, -0.1), (0, 3, f64::NAN), (0, 4, 5.0), (0, -1, 5.0)],
    );
    assert_eq!(rows(&built), [("i-1".to_owned(), "cpu_utilization".to_owned(), 0, 1.0)]);
    let rejects: Vec<_> = built.rejects.iter().map(|reject| (reject.record, reject.reason)).collect();
    let expected = [
        (0, "bad_timestamp"),
        (2, "out_of_range"),
        (3, "out_of_range"),
        (4, "not_finite"),
        (5, "bad_timestamp"),
    ];
    assert_eq!(rejects, expected);
    assert_eq!(built.rejects[1].source, "GetMetricData in 111122223333, eu-west-1");
    assert_eq!(built.rejects[1].value.as_deref(), Some("101.1"));
    assert!(
        built.rejects[1].detail.starts_with("CPUUtilization of i-1 at 20"),
        "{}",
        built.rejects[1].detail
    );
}

/// An instance that left its group has its memory under two sets of dimensions: each hour is taken once, from whichever
/// has it.
#[test]
fn a_metric_published_twice_is_taken_once() {
    let group = [("AutoScalingGroupName", "g"), ("InstanceId", "i-1")];
    let listed = listed(
        [
            entry("CWAgent", "mem_used_percent", &group),
            entry("CWAgent", "mem_used_percent", &[("InstanceId", "i-1")]),
            entry("CWAgent", "mem_used_percent", &[("InstanceId", "i-2")]),
        ],
        10,
    );
    let built = built(
        &listed,
        &[(0, 0, 10.0), (1, 0, 11.0), (1, 1, 20.0), (2, 0, 30.0), (0, 2, 400.0), (1, 2, 40.0)],
    );
    let found: Vec<_> =
        rows(&built).into_iter().map(|(resource, _, hour, value)| (resource, hour, value)).collect();
    let expected = [("i-1", 0, 0.1), ("i-1", 1, 0.2), ("i-1", 2, 0.4), ("i-2", 0, 0.3)];
    assert_eq!(found, expected.map(|(resource, hour, value)| (resource.to_owned(), hour, value)));
    assert_eq!((built.left_out, built.rejects.len()), (1, 1));
}

fn functions(count: usize) -> Vec<MetricEntry> {
    (0..count).map(|id| entry("AWS/Lambda", "Duration", &[("FunctionName", &format!("f{id:02}"))])).collect()
}

#[test]
fn a_sample_lands_with_what_it_says_of_all() {
    let mut entries = functions(40);
    entries.push(entry("AWS/EC2", "NetworkIn", &[("InstanceId", "i-1")]));
    let listed = listed(entries, 5);
    assert_eq!(listed.targets.len(), 6);
    let [kind] = listed.samples.as_slice() else { panic!("one kind is sampled") };
    assert_eq!((kind.population, kind.sampled, kind.resource_type), (40, 5, "AWS::Lambda::Function"));
    // Two of five have a value in the first hour, one that was rejected counts as not drawn in the second.
    let built = built(&listed, &[(0, 0, 3.0), (3, 0, 5.0), (0, 1, 4.0), (1, 1, f64::INFINITY), (5, 1, 7.0)]);
    let [estimates] = built.estimates.as_slice() else { panic!("one batch of estimates") };
    assert_eq!(estimates.schema(), schema::utilization_estimates().file_schema());
    assert_eq!(estimates.num_rows(), 4, "one for each hour");
    let counts = |name| estimates.column_by_name(name).unwrap().as_primitive::<Int64Type>().values().to_vec();
    assert_eq!(counts("population"), [40; 4]);
    assert_eq!(counts("sampled"), [5, 4, 5, 5]);
    assert_eq!(counts("measured"), [2, 1, 0, 0]);
    let totals = estimates.column_by_name("total").unwrap().as_primitive::<Float64Type>();
    assert_eq!(totals.values().to_vec(), [64.0, 40.0, 0.0, 0.0]);
    assert_eq!(rows(&built).len(), 4);
}

#[test]
fn what_is_not_above_the_limit_is_polled_whole() {
    let listed = listed(functions(5), 5);
    assert_eq!((listed.targets.len(), listed.samples.len()), (5, 0));
    assert!(built(&listed, &[(0, 0, 1.0)]).estimates.is_empty());
    let instances = (0..9).map(|id| entry("AWS/EC2", "NetworkIn", &[("InstanceId", &format!("i-{id}"))]));
    assert_eq!(self::listed(instances, 5).targets.len(), 9, "instances are never sampled");
}
