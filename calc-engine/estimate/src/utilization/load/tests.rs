use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
use parquet::{arrow::ArrowWriter, file::properties::WriterProperties};

use super::*;

/// Resource, metric, start, end, mean, samples.
type Row = (&'static str, &'static str, i64, i64, f64, Option<i64>);

const CPU: &str = schema::CPU_UTILIZATION;

/// A file with a row group for each group of rows.
fn file(groups: &[&[Row]]) -> Bytes {
    let schema = schema::utilization().file_schema();
    let properties = WriterProperties::builder().build();
    let mut writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties)).unwrap();
    for rows in groups {
        let instants = |of: fn(&Row) -> i64| -> ArrayRef {
            let values = TimestampMicrosecondArray::from_iter_values(rows.iter().map(of));
            Arc::new(values.with_timezone("UTC"))
        };
        let texts = |of: fn(&Row) -> Option<&'static str>| -> ArrayRef {
            Arc::new(rows.iter().map(of).collect::<StringArray>())
        };
        let columns: Vec<ArrayRef> = vec![
            instants(|row| row.2),
            instants(|row| row.3),
            texts(|_| Some("111122223333")),
            texts(|_| None),
            texts(|row| Some(row.0)),
            texts(|row| Some(row.1)),
            Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.4))),
            Arc::new(rows.iter().map(|_| None).collect::<Float64Array>()),
            Arc::new(rows.iter().map(|row| row.5).collect::<Int64Array>()),
        ];
        writer.write(&RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()).unwrap();
        writer.flush().unwrap();
    }
    writer.into_inner().unwrap().into()
}

/// Start, end, mean.
type Piece = (i64, i64, f64);

fn read(files: &[Bytes]) -> Vec<(String, Vec<Piece>)> {
    let mut rows = Rows::default();
    for file in files {
        rows.add_file(file.clone()).unwrap();
    }
    let pieces = |intervals: Vec<Interval>| intervals.iter().map(|i| (i.start_us, i.end_us, i.avg)).collect();
    let mut found: Vec<_> = rows
        .resolved()
        .into_iter()
        .map(|(name, intervals)| (name.into_string(), pieces(intervals)))
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn only_processor_measurements_are_kept_and_resolved_over_all_files() {
    let first = file(&[
        &[("i-a", "network_in_bytes", 0, 10, 700.0, None), ("i-a", CPU, 0, 10, 0.5, Some(1))],
        &[("i-b", CPU, 0, 10, 0.25, None), ("i-c", "duration_ms", 0, 10, 9.0, None)],
    ]);
    let second = file(&[&[("i-a", CPU, 5, 10, 0.75, None), ("i-a", CPU, 0, 10, 0.9, None)]]);
    let expected =
        [("i-a".to_owned(), vec![(0, 5, 0.5), (5, 10, 0.75)]), ("i-b".to_owned(), vec![(0, 10, 0.25)])];
    assert_eq!(read(&[first.clone(), second.clone()]), expected);
    assert_eq!(read(&[second.clone(), first.clone(), second]), expected);
    assert_eq!(read(&[]), []);
}

#[test]
fn row_groups_without_any_are_not_read() {
    let bytes = file(&[
        &[("i-a", "consumed_read_capacity_units", 0, 10, 1.0, None)],
        &[("i-a", "a", 0, 10, 1.0, None), ("i-a", "z", 0, 10, 1.0, None)],
        &[("i-a", CPU, 0, 10, 0.5, None)],
        &[("i-a", "memory_utilization", 0, 10, 0.5, None)],
    ]);
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
    let held: Vec<bool> = builder.metadata().row_groups().iter().map(may_hold).collect();
    assert_eq!(held, [false, true, true, false]);
    assert_eq!(read(&[bytes]), [("i-a".to_owned(), vec![(0, 10, 0.5)])]);
}

#[test]
fn a_file_of_another_table_is_an_error() {
    let other = schema::collected_objects().file_schema();
    let mut writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&other), None).unwrap();
    writer.write(&RecordBatch::new_empty(other)).unwrap();
    let bytes = Bytes::from(writer.into_inner().unwrap());
    assert!(Rows::default().add_file(bytes).is_err());
}
