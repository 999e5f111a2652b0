//! Speed of the estimator on dictionary batches: 64k rows, some 5,000 classes, by the row.
//!
//! Three orders of rows: the hours of a month one after another, as a ledger sorts them; runs of a dozen rows of a class;
//! and at random, which is the worst case. Run with `cargo bench -p airshed-kernels`.

use std::{hint::black_box, sync::Arc};

use airshed_domain::{
    fixed::{MONEY, MONEY_PRECISION, MONEY_SCALE},
    period::BillingPeriod,
    schema,
};
use airshed_emission_factors::FactorSet;
use airshed_kernels::{
    estimate::Estimator,
    method::{MethodName, MethodOptions},
};
use arrow::{
    array::{
        ArrayRef, Decimal128Array, DictionaryArray, Int32Array, Int64Array, StringArray,
        TimestampMicrosecondArray,
    },
    datatypes::{DataType, Field, Int32Type, Schema},
    record_batch::RecordBatch,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROWS: usize = 65_536;
const CLASSES: usize = 5_000;
/// 2026-10-01T00:00:00Z.
const PERIOD_START_US: i64 = 1_790_812_800_000_000;
const HOUR_US: i64 = 3_600_000_000;
const PREFIXES: [&str; 10] =
    ["", "USE2-", "USW2-", "EU-", "EUC1-", "EUN1-", "APS1-", "APN1-", "SAE1-", "CAN1-"];
const STORAGE: [&str; 4] =
    ["EBS:VolumeUsage.gp3", "TimedStorage-ByteHrs", "DataTransfer-Out-Bytes", "DataTransfer-Regional-Bytes"];

/// Usage types: instances of every known type, some storage and transfer, in ten regions.
fn usage_types(factors: &FactorSet) -> Vec<String> {
    let instances = factors.compute().instances().map(|instance| format!("BoxUsage:{}", instance.name));
    let kinds: Vec<String> = instances.chain(STORAGE.map(str::to_owned)).collect();
    let all = PREFIXES.iter().flat_map(|prefix| kinds.iter().map(move |kind| format!("{prefix}{kind}")));
    all.take(CLASSES).collect()
}

fn dictionary(codes: Vec<i32>, values: Vec<String>) -> ArrayRef {
    let values = Arc::new(StringArray::from(values));
    Arc::new(
        DictionaryArray::<Int32Type>::try_new(Int32Array::from(codes), values).expect("codes are in range"),
    )
}

/// A batch whose row `i` has the usage type `order(i)`.
fn batch(usage_types: &[String], order: impl Fn(usize) -> usize) -> RecordBatch {
    let codes: Vec<i32> =
        (0..ROWS).map(|row| i32::try_from(order(row) % usage_types.len()).expect("small")).collect();
    let constant = |text: &str| dictionary(vec![0; ROWS], vec![text.to_owned()]);
    let hours = (0..ROWS).map(|row| PERIOD_START_US + i64::try_from(row % 744).expect("small") * HOUR_US);
    let start: Vec<i64> = hours.collect();
    let end: Vec<i64> = start.iter().map(|start| start + HOUR_US).collect();
    let money: ArrayRef = Arc::new(
        Decimal128Array::from_iter_values((0..ROWS).map(|row| 1_000_000_000_000 + row as i128))
            .with_precision_and_scale(MONEY_PRECISION, MONEY_SCALE)
            .expect("a valid scale"),
    );
    let table = schema::billing_lines();
    let columns = table.file_schema();
    let arrays: Vec<ArrayRef> = columns
        .fields()
        .iter()
        .map(|field| -> ArrayRef {
            match (field.name().as_str(), field.data_type()) {
                ("usage_type", _) => dictionary(codes.clone(), usage_types.to_vec()),
                ("provider", _) => constant("aws"),
                ("service_code", _) => constant("AmazonEC2"),
                ("line_type", _) => constant("Usage"),
                ("operation", _) => constant("RunInstances"),
                ("currency", _) => constant("USD"),
                ("usage_start", _) => {
                    Arc::new(TimestampMicrosecondArray::from(start.clone()).with_timezone("UTC"))
                }
                ("usage_end", _) => {
                    Arc::new(TimestampMicrosecondArray::from(end.clone()).with_timezone("UTC"))
                }
                ("line_seq", _) => Arc::new((0i64..).take(ROWS).collect::<Int64Array>()),
                ("line_id", _) => constant("line"),
                (_, data_type) if *data_type == MONEY => Arc::clone(&money),
                (_, DataType::Utf8) => {
                    Arc::new((0..ROWS).map(|_| None::<&str>).collect::<DictionaryArray<Int32Type>>())
                }
                (name, other) => unreachable!("{name} is {other}"),
            }
        })
        .collect();
    let fields = columns.fields().iter().zip(&arrays);
    let fields: Vec<Field> =
        fields.map(|(field, array)| Field::new(field.name(), array.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("columns of one length")
}

fn estimate(criterion: &mut Criterion) {
    let factors = Arc::new(FactorSet::embedded().expect("the embedded tables are valid"));
    let usage_types = usage_types(&factors);
    let period: BillingPeriod = "2026-10".parse().expect("a period");
    let per_class = ROWS / usage_types.len() + 1;
    let batches = [
        ("resource months", batch(&usage_types, |row| row / 744)),
        ("short runs", batch(&usage_types, |row| row / per_class)),
        ("random", batch(&usage_types, |row| row.wrapping_mul(2_654_435_761) >> 7)),
    ];
    let mut group = criterion.benchmark_group("estimate");
    group.throughput(Throughput::Elements(ROWS as u64));
    for (order, lines) in &batches {
        let mut estimator =
            Estimator::new(MethodName::Airshed, Arc::clone(&factors), MethodOptions::default(), period);
        estimator.estimate(lines).expect("a valid batch");
        group.bench_with_input(BenchmarkId::from_parameter(order), lines, |bencher, lines| {
            bencher.iter(|| black_box(estimator.estimate(lines).expect("a valid batch")));
        });
    }
    group.finish();
}

criterion_group!(benches, estimate);
criterion_main!(benches);
