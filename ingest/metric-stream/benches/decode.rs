//! Speed of decoding, in data points a second on one core, beside its floors.
//!
//! An object of 100,000 data points of a made fleet: 20 accounts, four regions, instances with eleven metrics, volumes,
//! functions, tables and databases; one data point in ten is an aggregate that is left out. Per format: `inflate`
//! (decompression alone), `parse` (a library alone: serde_json into borrowed structs, prost into owned ones), `decode` of
//! plain and gzip objects into batches, and `utilization` (gzip objects into rows of the table). The same object on
//! every machine. Run with `cargo bench -p airshed-metric-stream`.

use std::{borrow::Cow, fmt::Write as _, hint::black_box, io::Read as _, io::Write as _};

use airshed_metric_stream::{Decoder, Options, utilization};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use prost::Message as _;
use serde::Deserialize;

#[path = "../tests/support/messages.rs"]
mod messages;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const POINTS: u64 = 100_000;
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

struct Sample {
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

/// A fleet in which every draw depends on the number of the data point alone.
fn fleet() -> Vec<Sample> {
    (0..POINTS).map(sample).collect()
}

fn sample(number: u64) -> Sample {
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
        start_ms: START_MS + draw(3) * 60_000,
        min: a.min(b),
        max: a.max(b),
        sum: f64::midpoint(a, b) * count as f64,
        count,
    }
}

fn json(fleet: &[Sample]) -> Vec<u8> {
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

/// Messages of one account and region each, as a stream makes them.
fn otlp(fleet: &[Sample]) -> Vec<u8> {
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

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes).and_then(|()| gzip.finish()).expect("a vector grows")
}

fn inflate(gzip: &[u8], buffer: &mut [u8]) -> usize {
    let mut inflate = MultiGzDecoder::new(gzip);
    let mut total = 0;
    loop {
        match inflate.read(buffer).expect("good gzip") {
            0 => return total,
            read => total += read,
        }
    }
}

/// Data points and left out ones.
fn decode(object: &[u8]) -> u64 {
    let mut decoder = Decoder::new(object, Options::default());
    let mut records = 0;
    while let Some(batch) = decoder.next_batch().expect("a slice does not fail") {
        assert!(batch.rejects.is_empty());
        records += batch.points.num_rows() as u64 + batch.left_out.total();
        black_box(&batch.points);
    }
    records
}

fn to_utilization(object: &[u8]) -> u64 {
    let mut decoder = Decoder::new(object, Options::default());
    let mut rows = 0;
    while let Some(batch) = decoder.next_batch().expect("a slice does not fail") {
        let converted = utilization::convert(&batch.points, |_| true).expect("columns of data points");
        rows += converted.rows.num_rows() as u64;
        black_box(&converted.rows);
    }
    rows
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    account_id: Cow<'a, str>,
    #[serde(borrow)]
    region: Cow<'a, str>,
    #[serde(borrow)]
    metric_name: Cow<'a, str>,
    timestamp: i64,
    value: Statistics,
}

#[derive(Deserialize)]
struct Statistics {
    sum: f64,
    count: f64,
}

fn parse_json(object: &[u8]) -> u64 {
    let mut records = 0;
    for record in serde_json::Deserializer::from_slice(object).into_iter::<Record<'_>>() {
        let Record { account_id, region, metric_name, timestamp, value } = record.expect("good JSON");
        black_box((account_id, region, metric_name, timestamp, value.sum, value.count));
        records += 1;
    }
    records
}

fn parse_otlp(mut object: &[u8]) -> u64 {
    let mut messages = 0;
    while !object.is_empty() {
        black_box(messages::Request::decode_length_delimited(&mut object).expect("a good message"));
        messages += 1;
    }
    messages
}

fn benches(criterion: &mut Criterion) {
    let fleet = fleet();
    let objects =
        [("json", json(&fleet), parse_json as fn(&[u8]) -> u64), ("otlp", otlp(&fleet), parse_otlp)];
    for (format, plain, parse) in objects {
        let gzip = gzip(&plain);
        assert_eq!(decode(&plain), POINTS);
        assert_eq!(decode(&gzip), POINTS);
        let mut group = criterion.benchmark_group(format);
        group.throughput(Throughput::Elements(POINTS)).sample_size(10);
        let mut buffer = vec![0; 256 * 1024];
        group.bench_function(format!("inflate ({} to {} bytes)", gzip.len(), plain.len()), |b| {
            b.iter(|| inflate(black_box(&gzip), &mut buffer));
        });
        group.bench_function("parse", |b| b.iter(|| parse(black_box(&plain))));
        group.bench_function("decode plain", |b| b.iter(|| decode(black_box(&plain))));
        group.bench_function("decode gzip", |b| b.iter(|| decode(black_box(&gzip))));
        group.bench_function("utilization gzip", |b| b.iter(|| to_utilization(black_box(&gzip))));
        group.finish();
    }
}

criterion_group!(decoding, benches);
criterion_main!(decoding);
