//! Lines here are random draws from few values, so that equal keys, equal ids, nulls and wholly equal rows are common.

use std::path::Path;

use airshed_domain::fixed::{MONEY_PRECISION, MONEY_SCALE};
use arrow::{
    array::{Array as _, Decimal128Array, StringArray, TimestampMicrosecondArray},
    compute::{cast, concat_batches, take_record_batch},
    datatypes::{DataType, Decimal128Type, Int64Type, TimestampMicrosecondType},
};
use proptest::prelude::*;

use super::*;
use crate::{
    format::Destination,
    normalize::normalized_schema,
    shuffle::{ShuffleSettings, Shuffler},
};

/// October 2026 as months since year 0.
const OCTOBER: i32 = 2026 * 12 + 9;

pub(crate) fn settings(folder: &Path, budget_bytes: usize) -> ShuffleSettings {
    ShuffleSettings { budget_bytes, spill_folder: folder.to_owned() }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers everywhere.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// Random normalised lines of October and November 2026.
pub(crate) fn random_lines(seed: u64, rows: usize) -> RecordBatch {
    let mut draws = Draws(seed);
    let schema = normalized_schema(Destination::BillingLines);
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        let name = field.name().as_str();
        let null_one_in = if field.is_nullable() { 5 } else { u64::MAX };
        let optional = |draws: &mut Draws| draws.below(null_one_in) != 0;
        match field.data_type() {
            DataType::Int32 if name == c::PERIOD => {
                Arc::new((0..rows).map(|_| OCTOBER + i32::from(draws.below(50) == 0)).collect::<Int32Array>())
            }
            DataType::Int32 => Arc::new(Int32Array::from(vec![0; rows])),
            DataType::Int64 => Arc::new(Int64Array::from_iter_values((0i64..).take(rows))),
            DataType::Utf8 => {
                let ids = (0..rows).map(|_| Some(format!("{:x}", draws.below(rows as u64))));
                Arc::new(ids.collect::<StringArray>())
            }
            DataType::Dictionary(_, _) => {
                let values = match name {
                    c::ACCOUNT_ID | c::RESOURCE_ID => 60,
                    c::CURRENCY | c::PROVIDER => 2,
                    _ => 4,
                };
                let texts = (0..rows)
                    .map(|_| optional(&mut draws).then(|| format!("{name} é{}", draws.below(values))))
                    .collect::<StringArray>();
                cast(&texts, field.data_type()).unwrap()
            }
            DataType::Timestamp(_, _) => {
                let hours =
                    (0..rows).map(|_| 1_790_000_000_000_000 + draws.below(48).cast_signed() * 3_600_000_000);
                Arc::new(TimestampMicrosecondArray::from_iter_values(hours).with_timezone("UTC"))
            }
            DataType::Decimal128(_, _) => {
                let values = (0..rows).map(|_| optional(&mut draws).then(|| i128::from(draws.below(5)) - 2));
                let values = values.collect::<Decimal128Array>();
                Arc::new(values.with_precision_and_scale(MONEY_PRECISION, MONEY_SCALE).unwrap())
            }
            other => panic!("no random values of type {other}"),
        }
    });
    let columns = columns.collect();
    RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()
}

/// The same lines in another order, with the row numbers that they then have.
fn reordered(lines: &RecordBatch, seed: u64) -> RecordBatch {
    let mut draws = Draws(seed);
    let mut order: Vec<u32> = (0..u32::try_from(lines.num_rows()).unwrap()).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, usize::try_from(draws.below(i as u64 + 1)).unwrap());
    }
    let taken = take_record_batch(lines, &UInt32Array::from(order)).unwrap();
    let mut columns = taken.columns().to_vec();
    let last = columns.len() - 1;
    columns[last] = Arc::clone(lines.column(last));
    RecordBatch::try_new(taken.schema(), columns).unwrap()
}

/// How one shuffle is run.
#[derive(Debug, Clone, Copy)]
struct Run {
    workers: usize,
    batch_rows: usize,
    budget_bytes: usize,
    shard_lines: u64,
}

const PLAIN: Run =
    Run { workers: 1, batch_rows: 100_000, budget_bytes: usize::MAX, shard_lines: SHARD_LINES };

fn shuffled(lines: &RecordBatch, run: Run) -> Shuffled {
    let folder = tempfile::tempdir().unwrap();
    let layout = Arc::new(Layout::new().unwrap());
    let mut workers: Vec<Shuffler> = (0..run.workers)
        .map(|_| Shuffler::new(Arc::clone(&layout), settings(folder.path(), run.budget_bytes)))
        .collect();
    for (turn, start) in (0..lines.num_rows()).step_by(run.batch_rows).enumerate() {
        let batch = lines.slice(start, run.batch_rows.min(lines.num_rows() - start));
        workers[turn % run.workers].push(0, &batch).unwrap();
    }
    Shuffled::new(layout, workers.into_iter().map(|worker| worker.finish().unwrap()).collect())
}

fn uris() -> ArrayRef {
    Arc::new(StringArray::from(vec!["file:///a.parquet"]))
}

/// The hashes of the `billing_lines` files of a run.
fn files(lines: &RecordBatch, run: Run) -> Vec<(i32, usize, String)> {
    let shuffled = shuffled(lines, run);
    plan(&shuffled, run.shard_lines)
        .into_iter()
        .map(|spec| {
            let encoded = encode(&shuffled, &spec, &uris()).unwrap();
            assert_eq!((encoded.lines.rows(), encoded.sources.rows()), (spec.lines, spec.lines));
            (spec.period, spec.number, encoded.lines.content_hash().to_owned())
        })
        .collect()
}

#[test]
fn order_threads_memory_and_batches_do_not_change_the_bytes() {
    let lines = random_lines(42, 20_000);
    let base = Run { shard_lines: 3_000, ..PLAIN };
    let expected = files(&lines, base);
    assert!(expected.len() > 6, "{} shards", expected.len());
    for run in [
        Run { workers: 4, ..base },
        Run { batch_rows: 777, ..base },
        Run { budget_bytes: 1, batch_rows: 2_500, ..base },
        Run { workers: 3, batch_rows: 1_000, budget_bytes: 1_000_000, ..base },
    ] {
        assert_eq!(files(&lines, run), expected, "{run:?}");
        assert_eq!(files(&reordered(&lines, 7), run), expected, "reordered, {run:?}");
    }
    // The comparison can fail: one other cost is another file.
    let mut columns = lines.columns().to_vec();
    let cost = lines.schema().index_of(c::BILLED_COST).unwrap();
    let costs = columns[cost].as_primitive::<Decimal128Type>();
    let changed: Decimal128Array = costs.unary(|value| if value == 2 { 3 } else { value });
    columns[cost] = Arc::new(changed.with_precision_and_scale(MONEY_PRECISION, MONEY_SCALE).unwrap());
    assert_ne!(files(&RecordBatch::try_new(lines.schema(), columns).unwrap(), base), expected);
}

#[test]
fn shards_cover_every_line_once() {
    let lines = random_lines(8, 10_000);
    for shard_lines in [1, 100, 2_500, SHARD_LINES] {
        let shuffled = shuffled(&lines, PLAIN);
        let shards = plan(&shuffled, shard_lines);
        for (&period, counts) in &shuffled.counts {
            let mut next = (0, 0, 0);
            for shard in shards.iter().filter(|shard| shard.period == period) {
                assert_eq!((shard.number, shard.first_line_seq, shard.buckets.start), next);
                assert_eq!(shard.lines, counts[shard.buckets.clone()].iter().sum::<u64>());
                assert!(
                    shard.lines <= shard_lines
                        || shard.buckets.clone().filter(|&b| counts[b] > 0).count() == 1
                );
                next =
                    (shard.number + 1, shard.first_line_seq + shard.lines.cast_signed(), shard.buckets.end);
            }
            assert_eq!(next.1.cast_unsigned(), counts.iter().sum::<u64>());
        }
        assert_eq!(shards.iter().map(|shard| shard.lines).sum::<u64>(), 10_000);
    }
}

#[test]
fn cost_that_comes_in_goes_out() {
    let lines = random_lines(11, 5_000);
    let shuffled = shuffled(&lines, Run { workers: 2, batch_rows: 500, budget_bytes: 1, ..PLAIN });
    let mut out = std::collections::BTreeMap::<i32, Costs>::new();
    for spec in plan(&shuffled, 1_000) {
        for (currency, cost) in encode(&shuffled, &spec, &uris()).unwrap().costs {
            *out.entry(spec.period).or_default().entry(currency).or_default() += cost;
        }
    }
    assert_eq!(out, shuffled.costs);
    let cost = lines.schema().index_of(c::BILLED_COST).unwrap();
    let expected: i128 = lines.column(cost).as_primitive::<Decimal128Type>().values().iter().sum();
    assert_eq!(out.values().flat_map(Costs::values).sum::<i128>(), expected);
}

/// One cell of a line, ordered as the canonical order says: null first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Null,
    Number(i128),
    Text(String),
}

fn cell(column: &ArrayRef, row: usize) -> Cell {
    if column.is_null(row) {
        return Cell::Null;
    }
    match column.data_type() {
        DataType::Int64 => Cell::Number(column.as_primitive::<Int64Type>().value(row).into()),
        DataType::Timestamp(_, _) => {
            Cell::Number(column.as_primitive::<TimestampMicrosecondType>().value(row).into())
        }
        DataType::Decimal128(_, _) => Cell::Number(column.as_primitive::<Decimal128Type>().value(row)),
        _ => Cell::Text(cast(column, &DataType::Utf8).unwrap().as_string::<i32>().value(row).to_owned()),
    }
}

/// The content of each row, columns in canonical order, by plain means: the independent calculation.
fn cells(batch: &RecordBatch) -> Vec<Vec<Cell>> {
    let leading = [c::ACCOUNT_ID, c::SERVICE_CODE, c::USAGE_TYPE, c::RESOURCE_ID, c::USAGE_START, c::LINE_ID];
    let left_out = [c::LINE_SEQ, c::PERIOD, c::ROW_GROUP, c::ROW_NUMBER];
    let schema = batch.schema();
    let rest = schema.fields().iter().map(|field| field.name().as_str());
    let rest = rest.filter(|name| !leading.contains(name) && !left_out.contains(name));
    let names: Vec<&str> = leading.into_iter().chain(rest).collect();
    let columns: Vec<ArrayRef> = names
        .iter()
        .map(|name| {
            let column = batch.column_by_name(name).unwrap();
            match column.data_type() {
                DataType::Dictionary(_, _) => cast(column, &DataType::Utf8).unwrap(),
                _ => Arc::clone(column),
            }
        })
        .collect();
    (0..batch.num_rows()).map(|row| columns.iter().map(|column| cell(column, row)).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn lines_stand_in_canonical_order(seed in any::<u64>(), rows in 1usize..400, workers in 1usize..4, spill in any::<bool>()) {
        let lines = random_lines(seed, rows);
        let budget_bytes = if spill { 1 } else { usize::MAX };
        let shuffled = shuffled(&lines, Run { workers, batch_rows: 50, budget_bytes, ..PLAIN });
        let periods = lines.column(0).as_primitive::<Int32Type>();
        for spec in plan(&shuffled, SHARD_LINES) {
            let shard = Shard::load(&shuffled, &spec).unwrap();
            let schema = schema::billing_lines().coded_file_schema();
            let order = shard.canonical_order().unwrap();
            // The small batches test that none is lost where one ends.
            let batches: Vec<RecordBatch> = order
                .chunks(64)
                .map(|rows| {
                    let line_seq: ArrayRef = Arc::new(Int64Array::from_iter_values((0i64..).take(rows.len())));
                    shard.lines(rows, &line_seq, &schema).unwrap()
                })
                .collect();
            let sorted = cells(&concat_batches(&schema, &batches).unwrap());
            let chosen: UInt32Array =
                (0u32..).zip(periods.values()).filter(|(_, period)| **period == spec.period).map(|(row, _)| row).collect();
            let mut expected = cells(&take_record_batch(&lines, &chosen).unwrap());
            expected.sort();
            prop_assert_eq!(sorted, expected);
        }
    }
}
