//! A small lake with rows made up by rule: three months, two files a partition, and a run that was superseded.

use std::sync::Arc;

use airshed_domain::{
    id::RunId,
    schema::{self, Column, Table, column as c},
};
use airshed_lake::{FileEncoder, Lake, Location, PartitionValues, StoreOptions, control};
use arrow::{
    array::{
        ArrayRef, BooleanArray, Decimal128Array, Int64Array, RecordBatch, StringArray,
        TimestampMicrosecondArray,
    },
    datatypes::DataType,
};
use tempfile::TempDir;

/// Rows of a file.
pub(super) const ROWS: usize = 1_500;
const MONTHS: [&str; 3] = ["2026-09", "2026-10", "2026-11"];
const HOUR_US: i64 = 3_600_000_000;
const SEPTEMBER_US: i64 = 1_788_220_800_000_000;

/// The lake, and its folder, which goes with it.
pub(super) async fn lake() -> (Lake, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::at(Location::parse(folder.path().to_str().unwrap(), &StoreOptions::new()).unwrap());
    for table in [
        schema::emissions(),
        schema::emissions_hourly(),
        schema::emissions_daily(),
        schema::emissions_monthly(),
        schema::provider_reported(),
    ] {
        for month in MONTHS {
            write(&lake, &table, month, &format!("run-{month}")).await;
        }
    }
    write(&lake, &schema::emissions(), MONTHS[0], "run-superseded").await;
    write(&lake, &schema::accounts(), MONTHS[0], "").await;
    for (i, month) in MONTHS.into_iter().enumerate() {
        let run = RunId::new(format!("run-{month}"));
        control::make_current(&lake, month.parse().unwrap(), &run, i64::try_from(i).unwrap()).await.unwrap();
    }
    (lake, folder)
}

async fn write(lake: &Lake, table: &Table, month: &str, run: &str) {
    let values = table.partition_columns().into_iter().map(|column| match column {
        c::RUN_ID => (column.to_owned(), run.to_owned()),
        _ => (column.to_owned(), month.to_owned()),
    });
    let partition: PartitionValues = values.collect();
    let mut open = lake.table(table).await.unwrap();
    let mut files = Vec::new();
    for part in 0..2 {
        let schema = table.file_schema();
        let stored = &table.columns[..schema.fields().len()];
        let first = part * ROWS + month.bytes().map(usize::from).sum::<usize>();
        let columns = stored.iter().map(|column| values_of(column, first)).collect();
        let mut encoder = FileEncoder::new(table, Arc::clone(&schema)).unwrap();
        encoder.write(&RecordBatch::try_new(schema, columns).unwrap()).unwrap();
        files
            .push(open.put(&partition, &format!("part-{part:05}"), encoder.finish().unwrap()).await.unwrap());
    }
    open.replace_partition(&partition, &files, "test").await.unwrap();
}

fn values_of(column: &Column, first: usize) -> ArrayRef {
    let rows = first..first + ROWS;
    let salt = column.name.len();
    let number = |row: usize| i64::try_from((row * 7_919 + salt * 104_729) % 100_003).unwrap();
    let is_null = |row: usize| column.nullable && number(row + 1) % 11 == 0;
    match &column.data_type {
        DataType::Utf8 => {
            let text = |row: usize| match column.name {
                c::ACCOUNT_ID => format!("{:012}", row % 7),
                c::CURRENCY => "USD".to_owned(),
                c::TAGS => format!(r#"{{"team":"{}"}}"#, ["web", "data", "ml"][row % 3]),
                c::LINE_ID => format!("line-{row}"),
                c::RESOURCE_ID => format!("i-{}", row % 211),
                name => format!("{name}-{}", number(row) % 5),
            };
            Arc::new(rows.map(|row| (!is_null(row)).then(|| text(row))).collect::<StringArray>())
        }
        DataType::Int64 => {
            Arc::new(rows.map(|row| (!is_null(row)).then(|| number(row))).collect::<Int64Array>())
        }
        DataType::Decimal128(precision, scale) => {
            let values: Decimal128Array = rows.map(|row| Some(i128::from(number(row)) * 1_234_567)).collect();
            Arc::new(values.with_precision_and_scale(*precision, *scale).unwrap())
        }
        DataType::Timestamp(..) => {
            let instant = |row: usize| SEPTEMBER_US + i64::try_from(row % 720).unwrap() * HOUR_US;
            let values: TimestampMicrosecondArray = rows.map(|row| Some(instant(row))).collect();
            Arc::new(values.with_timezone("UTC"))
        }
        DataType::Boolean => Arc::new(rows.map(|row| Some(row % 2 == 0)).collect::<BooleanArray>()),
        other => arrow::array::new_null_array(other, ROWS),
    }
}
