use airshed_domain::schema::{self, Table};
use airshed_lake::{FileEncoder, PartitionValues, StoreOptions};
use arrow::{
    array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array},
    compute::cast,
    datatypes::DataType,
};

use super::*;

const PERIOD: &str = "2026-10";
const HOUR_US: i64 = 3_600_000_000;
/// 1 October 2026.
const START_US: i64 = 1_790_812_800_000_000;

/// A line: its number, which also is its hour, and the prefix of its id.
type Line = (i64, &'static str);

/// A folder with a table of lines, written file by file.
struct Bench {
    root: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    fn lake(&self) -> Lake {
        Lake::open(self.root.path().to_str().unwrap(), &StoreOptions::new()).unwrap()
    }

    async fn put(&self, delivery: &str, files: &[Vec<Line>]) -> (LakeTable, Vec<DataFile>) {
        let table = self.lake().table(&schema::billing_lines()).await.unwrap();
        let partition: PartitionValues =
            [(c::PERIOD, PERIOD), (c::DELIVERY_ID, delivery), (c::BATCH_ID, "batch")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        let mut put = Vec::new();
        for (number, lines) in files.iter().enumerate() {
            let mut encoder =
                FileEncoder::new(table.description(), table.description().file_schema()).unwrap();
            encoder.write(&batch(table.description(), lines)).unwrap();
            let name = format!("part-{number:05}");
            put.push(table.put(&partition, &name, encoder.finish().unwrap()).await.unwrap());
        }
        (table, put)
    }

    async fn publish(&self, delivery: &str, files: &[Vec<Line>]) {
        let (mut table, put) = self.put(delivery, files).await;
        let partition = [(c::DELIVERY_ID.to_owned(), delivery.to_owned())].into();
        table.replace_partition(&partition, &put, "test").await.unwrap();
    }

    /// The delivery that holds lines of these files too.
    async fn overlap(&self, files: &[Vec<Line>], held_lines: u64) -> Option<String> {
        let (table, put) = self.put("mine", files).await;
        let mut overlaps = Overlaps::new(&self.lake(), 2);
        overlaps.held_lines = held_lines;
        let found = overlaps.find(&DeliveryId::new("mine"), &table, &put).await.unwrap();
        found.map(|overlap| {
            let place =
                (overlap.period.as_str(), overlap.provider.as_str(), overlap.billing_account.as_str());
            assert_eq!(place, (PERIOD, "aws", "payer"));
            overlap.delivery.to_string()
        })
    }
}

/// Lines as the file schema has them: those columns that are compared, and nulls or one value for the rest.
fn batch(table: &Table, lines: &[Line]) -> RecordBatch {
    let of = |column: &str, data_type: &DataType, nullable: bool| -> ArrayRef {
        let numbers = || lines.iter().map(|(number, _)| *number);
        let start = || numbers().map(|number| START_US + number * HOUR_US);
        let array: ArrayRef = match column {
            c::LINE_SEQ | c::BILLED_COST => Arc::new(Int64Array::from_iter_values(numbers())),
            c::LINE_ID => {
                let ids = lines.iter().map(|(number, prefix)| format!("{prefix}-{number}"));
                Arc::new(StringArray::from_iter_values(ids))
            }
            c::PROVIDER => Arc::new(StringArray::from(vec!["aws"; lines.len()])),
            c::BILLING_ACCOUNT_ID => Arc::new(StringArray::from(vec!["payer"; lines.len()])),
            c::USAGE_START | c::USAGE_END => {
                Arc::new(TimestampMicrosecondArray::from_iter_values(start()).with_timezone("UTC"))
            }
            _ if nullable => new_null_array(data_type, lines.len()),
            _ => Arc::new(StringArray::from(vec!["0"; lines.len()])),
        };
        cast(&array, data_type).unwrap()
    };
    let schema = table.file_schema();
    let columns = schema.fields().iter().map(|f| of(f.name(), f.data_type(), f.is_nullable())).collect();
    RecordBatch::try_new(schema, columns).unwrap()
}

fn lines(numbers: impl IntoIterator<Item = i64>, prefix: &'static str) -> Vec<Line> {
    numbers.into_iter().map(|number| (number, prefix)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_found_in_whichever_files_they_stand() {
    let bench = Bench::new();
    bench.publish("theirs", &[lines(0..50, "a"), lines(50..100, "a"), lines(100..150, "a")]).await;
    // The first files have nothing in common; of the delivery at hand a tenth stands in the last of the other.
    let mine = [lines((0..90).step_by(2), "b"), lines([149, 148, 147, 146, 145], "a")];
    // Whether all of them are held at once or one row group at a time.
    for held_lines in [1_000, 1] {
        assert_eq!(bench.overlap(&mine, held_lines).await.as_deref(), Some("theirs"));
    }
    // The other side may be the small one.
    let bench = Bench::new();
    bench.publish("theirs", &[lines(140..150, "a")]).await;
    let mine = [lines(0..100, "a"), lines(100..200, "a"), lines(200..300, "a")];
    for held_lines in [1_000, 100] {
        assert_eq!(bench.overlap(&mine, held_lines).await.as_deref(), Some("theirs"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn content_under_other_ids_must_agree_throughout() {
    let bench = Bench::new();
    bench.publish("theirs", &[lines(0..70, "a"), lines(70..100, "a")]).await;
    assert_eq!(bench.overlap(&[lines(0..30, "b"), lines(30..100, "b")], 1).await.as_deref(), Some("theirs"));
    assert_eq!(bench.overlap(&[lines((0..100).step_by(2), "b")], 1_000).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_month_are_compared_where_their_times_meet() {
    let bench = Bench::new();
    bench.publish("theirs", &[lines(0..500, "a")]).await;
    assert_eq!(bench.overlap(&[lines(500..700, "a")], 1_000).await, None);
    // Ten hours twice, a small part of either delivery.
    assert_eq!(bench.overlap(&[lines(490..700, "a")], 1_000).await.as_deref(), Some("theirs"));
    // What is replaced by the delivery itself is no overlap.
    bench.publish("mine", &[lines(500..700, "a")]).await;
    assert_eq!(bench.overlap(&[lines(500..700, "a")], 1_000).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_accounts_are_told_apart_by_their_footers() {
    let bench = Bench::new();
    bench.publish("theirs", &[lines(0..50, "a")]).await;
    let (table, put) = bench.put("mine", &[lines(0..50, "a")]).await;
    let [file] = put.try_into().unwrap();
    let mine = LineFile::open(&bench.lake(), table.description().name, &file).await.unwrap().extents();
    let [mine] = mine.try_into().unwrap();
    assert!(mine.meets(&mine));
    let other = mine.clone().with_account("other");
    assert!(!mine.meets(&other) && !other.meets(&mine));
    // What holds both meets each.
    let both = mine.clone().or(&other);
    assert!(both.meets(&mine) && both.meets(&other));
}
