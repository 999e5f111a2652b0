//! Speed of decoding, in data points a second on one core, beside its floors.
//!
//! An object of 100,000 data points of a made [`fleet`]. Per format: `inflate`
//! (decompression alone), `parse` (a library alone: serde_json into borrowed structs, prost into owned ones), `decode` of
//! plain and gzip objects into batches, and `utilization` (gzip objects into rows of the table). The same object on
//! every machine. Run with `cargo bench -p airshed-metric-stream`.

use std::{borrow::Cow, hint::black_box, io::Read as _};

use airshed_metric_stream::{Decoder, Options, utilization};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::read::MultiGzDecoder;
use prost::Message as _;
use serde::Deserialize;

mod fleet;
#[path = "../tests/support/messages.rs"]
mod messages;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    let fleet = fleet::fleet(0);
    let objects = [
        ("json", fleet::json(&fleet), parse_json as fn(&[u8]) -> u64),
        ("otlp", fleet::otlp(&fleet), parse_otlp),
    ];
    for (format, plain, parse) in objects {
        let gzip = fleet::gzip(&plain);
        assert_eq!(decode(&plain), fleet::POINTS);
        assert_eq!(decode(&gzip), fleet::POINTS);
        let mut group = criterion.benchmark_group(format);
        group.throughput(Throughput::Elements(fleet::POINTS)).sample_size(10);
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
