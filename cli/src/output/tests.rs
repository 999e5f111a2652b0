use std::sync::Mutex;

use arrow::{
    array::{Decimal128Array, Float64Array, Int64Array, TimestampMicrosecondArray},
    datatypes::TimeUnit,
};

use super::*;

/// A sink that can be read after the writer is gone.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn batch() -> RecordBatch {
    let fields = vec![
        Field::new("service", DataType::Utf8, true),
        Field::new("kwh", DataType::Decimal128(18, 8), true),
        Field::new("lines", DataType::Int64, false),
        Field::new("pue", DataType::Float64, true),
        Field::new("hour", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
    ];
    let kwh = Decimal128Array::from(vec![Some(150_000_000), None]).with_precision_and_scale(18, 8).unwrap();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![Some("Amazon, \"EC2\""), None])),
        Arc::new(kwh),
        Arc::new(Int64Array::from(vec![1, 2])),
        Arc::new(Float64Array::from(vec![Some(1.15), None])),
        Arc::new(TimestampMicrosecondArray::from(vec![0, 3_600_000_000]).with_timezone("UTC")),
    ];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn written(form: Form, batches: &[RecordBatch]) -> Vec<u8> {
    let sink = Shared::default();
    let mut writer = ResultWriter::new(form, &batch().schema(), Box::new(sink.clone())).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    assert_eq!(writer.finish().unwrap(), batches.iter().map(RecordBatch::num_rows).sum::<usize>());
    sink.0.lock().unwrap().clone()
}

fn text(form: Form, batches: &[RecordBatch]) -> String {
    String::from_utf8(written(form, batches)).unwrap()
}

#[test]
fn csv_keeps_every_digit_and_quotes() {
    assert_eq!(
        text(Form::Csv, &[batch()]),
        "service,kwh,lines,pue,hour\n\
         \"Amazon, \"\"EC2\"\"\",1.50000000,1,1.15,1970-01-01T00:00:00Z\n\
         ,,2,,1970-01-01T01:00:00Z\n"
    );
}

#[test]
fn csv_without_rows_still_has_its_header() {
    assert_eq!(text(Form::Csv, &[]), "service,kwh,lines,pue,hour\n");
}

#[test]
fn json_has_decimals_as_strings_and_nulls_as_null() {
    let first = r#"{"service":"Amazon, \"EC2\"","kwh":"1.50000000","lines":1,"pue":1.15,"hour":"1970-01-01T00:00:00Z"}"#;
    let second = r#"{"service":null,"kwh":null,"lines":2,"pue":null,"hour":"1970-01-01T01:00:00Z"}"#;
    assert_eq!(text(Form::Json, &[batch()]), format!("[\n{first},\n{second}\n]\n"));
    assert_eq!(text(Form::Ndjson, &[batch()]), format!("{first}\n{second}\n"));
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&text(Form::Json, &[])).unwrap(),
        serde_json::json!([])
    );
}

#[test]
fn parquet_reads_back_as_it_was() {
    let file = file_of(&written(Form::Parquet, &[batch()]));
    let mut reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap()
        .build()
        .unwrap();
    assert_eq!(reader.next().unwrap().unwrap(), batch());
}

fn file_of(bytes: &[u8]) -> std::fs::File {
    use std::io::{Seek as _, SeekFrom};
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file
}

#[test]
fn a_table_aligns_numbers_and_drops_zeros_at_the_end() {
    insta::assert_snapshot!(text(Form::Table, &[batch()]), @r#"
    ┌───────────────┬─────┬───────┬──────┬──────────────────────┐
    │ service       ┆ kwh ┆ lines ┆  pue ┆ hour                 │
    ╞═══════════════╪═════╪═══════╪══════╪══════════════════════╡
    │ Amazon, "EC2" ┆ 1.5 ┆     1 ┆ 1.15 ┆ 1970-01-01T00:00:00Z │
    │               ┆     ┆     2 ┆      ┆ 1970-01-01T01:00:00Z │
    └───────────────┴─────┴───────┴──────┴──────────────────────┘
    "#);
}

#[test]
fn a_long_table_is_cut_to_the_limit() {
    let many = vec![batch(); TABLE_ROWS];
    let rows = text(Form::Table, &many).lines().filter(|line| line.contains("1970-01-01T01")).count();
    assert_eq!(rows, TABLE_ROWS / 2);
}
