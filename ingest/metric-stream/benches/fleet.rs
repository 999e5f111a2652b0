//! A made fleet as metric streams deliver it, for benchmarks: the same on every machine.
//!
//! 20 accounts, four regions, instances with eleven metrics, volumes, functions, tables and databases; one data point in
//! ten is an aggregate over resources. Every draw depends on the number of the data point alone.

use std::{fmt::Write as _, io::Write as _};

use flate2::{Compression, write::GzEncoder};
use prost::Message as _;

use crate::messages;

/// Data points of an object.
pub(crate) const POINTS: u64 = 100_000;
/// 2026-10-01T00:00:00Z.
const START_MS: u64 = 1_790_812_800_000;
/// Data points of a message and of a Firehose record.
const MESSAGE_POINTS: usize = 500;
const REGIONS: [&str; 4] = ["eu-west-1", "us-east-1", "us-west-2", "ap-southeast-2"];
/// Namespace, dimension, start of the id, metrics with unit and UCUM code.
type Kind = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str, &'static str)]);
const KINDS: [Kind; 6] = [
    (
        "AWS/EC2",
        "InstanceId",
        "i-0",
        &[
            ("CPUUtilization", "Percent", "%"),
            ("NetworkIn", "Bytes", "By"),
            ("NetworkOut", "Bytes", "By"),
            ("NetworkPacketsIn", "Count", "{Count}"),
            ("NetworkPacketsOut", "Count", "{Count}"),
            ("EBSReadBytes", "Bytes", "By"),
            ("EBSWriteBytes", "Bytes", "By"),
            ("EBSReadOps", "Count", "{Count}"),
            ("EBSWriteOps", "Count", "{Count}"),
            ("CPUCreditUsage", "Count", "{Count}"),
            ("StatusCheckFailed", "Count", "{Count}"),
        ],
    ),
    (
        "AWS/EBS",
        "VolumeId",
        "vol-0",
        &[
            ("VolumeReadBytes", "Bytes", "By"),
            ("VolumeWriteBytes", "Bytes", "By"),
            ("VolumeIdleTime", "Seconds", "s"),
        ],
    ),
    (
        "AWS/Lambda",
        "FunctionName",
        "orders-",
        &[("Duration", "Milliseconds", "ms"), ("Errors", "Count", "{Count}")],
    ),
    ("AWS/DynamoDB", "TableName", "sessions-", &[("ConsumedReadCapacityUnits", "Count", "{Count}")]),
    (
        "AWS/RDS",
        "DBInstanceIdentifier",
        "db-",
        &[("CPUUtilization", "Percent", "%"), ("ReadIOPS", "Count/Second", "{Count}/s")],
    ),
    ("AWS/EC2", "InstanceType", "m5.", &[("CPUUtilization", "Percent", "%")]),
];

/// One data point.
pub(crate) struct Sample {
    account: String,
    region: &'static str,
    namespace: &'static str,
    metric: &'static str,
    unit: &'static str,
    ucum: &'static str,
    dimension: &'static str,
    id: String,
    start_ms: u64,
    min: f64,
    max: f64,
    sum: f64,
    count: u64,
}

/// The data points of an object, from so many milliseconds after the start of October 2026 on.
pub(crate) fn fleet(after_ms: u64) -> Vec<Sample> {
    (0..POINTS).map(|number| sample(number, after_ms)).collect()
}

fn sample(number: u64, after_ms: u64) -> Sample {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut draw = |below: u64| {
        state ^= state >> 30;
        state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state ^= state >> 27;
        (state >> 16) % below
    };
    let kind = match draw(10) {
        0..=4 => 0,
        5 | 6 => 1,
        7 => 2,
        8 => 3 + usize::from(draw(2) == 1),
        _ => 5,
    };
    let (namespace, dimension, prefix, metrics) = KINDS[kind];
    let (metric, unit, ucum) = metrics[usize::try_from(draw(metrics.len() as u64)).unwrap_or_default()];
    let resource = draw(20_000);
    let account = resource % 20;
    let count = 1 + draw(5);
    let scale = if unit == "Percent" { 100_000 } else { 100_000_000 };
    let (a, b) = (draw(scale) as f64 / 1000.0, draw(scale) as f64 / 1000.0);
    Sample {
        account: format!("{:012}", 100_000_000_000 + account * 7_654_321),
        region: REGIONS[usize::try_from(resource / 20 % 4).unwrap_or_default()],
        namespace,
        metric,
        unit,
        ucum,
        dimension,
        id: format!("{prefix}{:016x}", resource.wrapping_mul(0x2545_f491_4f6c_dd1d)),
        start_ms: START_MS + after_ms + draw(3) * 60_000,
        min: a.min(b),
        max: a.max(b),
        sum: f64::midpoint(a, b) * count as f64,
        count,
    }
}

/// As JSON records.
pub(crate) fn json(fleet: &[Sample]) -> Vec<u8> {
    let mut text = String::new();
    for s in fleet {
        let _ = writeln!(
            text,
            "{{\"metric_stream_name\":\"fleet\",\"account_id\":\"{}\",\"region\":\"{}\",\"namespace\":\"{}\",\
             \"metric_name\":\"{}\",\"dimensions\":{{\"{}\":\"{}\"}},\"timestamp\":{},\
             \"value\":{{\"max\":{:?},\"min\":{:?},\"sum\":{:?},\"count\":{}.0}},\"unit\":\"{}\"}}",
            s.account,
            s.region,
            s.namespace,
            s.metric,
            s.dimension,
            s.id,
            s.start_ms,
            s.max,
            s.min,
            s.sum,
            s.count,
            s.unit
        );
    }
    text.into_bytes()
}

/// As OpenTelemetry messages of one account and region each, as a stream makes them.
pub(crate) fn otlp(fleet: &[Sample]) -> Vec<u8> {
    let mut sorted: Vec<&Sample> = fleet.iter().collect();
    sorted.sort_by_key(|s| (&s.account, s.region, s.namespace, s.metric));
    let mut bytes = Vec::new();
    for group in sorted.chunk_by(|a, b| (&a.account, a.region) == (&b.account, b.region)) {
        for points in group.chunks(MESSAGE_POINTS) {
            let metrics = points
                .chunk_by(|a, b| (a.namespace, a.metric) == (b.namespace, b.metric))
                .map(|of_metric| messages::Metric {
                    name: format!("amazonaws.com/{}/{}", of_metric[0].namespace, of_metric[0].metric),
                    unit: of_metric[0].ucum.to_owned(),
                    gauge: None,
                    summary: Some(messages::Summary {
                        data_points: of_metric.iter().map(|sample| data_point(sample)).collect(),
                    }),
                })
                .collect();
            let resource = Some(messages::resource(&group[0].account, group[0].region));
            let scope_metrics = vec![messages::ScopeMetrics { metrics }];
            let request = messages::Request {
                resource_metrics: vec![messages::ResourceMetrics { resource, scope_metrics }],
            };
            request.encode_length_delimited(&mut bytes).expect("a vector grows");
        }
    }
    bytes
}

fn data_point(s: &Sample) -> messages::DataPoint {
    messages::DataPoint {
        labels: vec![],
        start_time_unix_nano: s.start_ms * 1_000_000,
        time_unix_nano: (s.start_ms + 60_000) * 1_000_000,
        count: s.count,
        sum: s.sum,
        quantile_values: messages::quantiles(&[(0.0, s.min), (1.0, s.max)]),
        attributes: messages::attributes(s.namespace, s.metric, &[(s.dimension, &s.id)]),
    }
}

/// Compressed.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes).and_then(|()| gzip.finish()).expect("a vector grows")
}
