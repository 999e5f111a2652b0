//! Pieces to land, and what a lake holds of them.

use std::{path::Path, sync::Arc, time::Duration};

use airshed_collect::{
    Clock,
    clock::TokioClock,
    config::LandConfig,
    health::{CallCounts, Health, Status, Work},
    land::{self, CollectedObject, Lander, Landing, Piece, RejectedPoint},
    unit::{Shard, Unit},
};
use airshed_domain::schema::{self, Table};
use airshed_lake::{Lake, StoreOptions};
use arrow::{
    array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    util::display::{ArrayFormatter, FormatOptions},
};
use jiff::Timestamp;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) fn clock() -> Arc<dyn Clock> {
    let now = || "2026-11-02T00:00:00Z".parse().unwrap();
    Arc::new(TokioClock::new(tokio::time::Instant::now(), now))
}

/// A lander at work on a lake.
pub(crate) async fn lander(
    lake: &Lake,
    collector: &str,
    cancel: &CancellationToken,
) -> airshed_collect::Result<(Landing, JoinSet<airshed_collect::Result<()>>)> {
    let config = LandConfig { every: Duration::from_mins(1), rows: 1_000_000 };
    let lander = Lander::open(lake.clone(), config, collector.to_owned(), clock(), Arc::default()).await?;
    let (landing, pieces) = land::channel(8);
    let mut task = JoinSet::new();
    task.spawn(lander.run(pieces, cancel.clone()));
    Ok((landing, task))
}

/// Object `number` of a stream: ten minutes of a processor, the first in October and the others in November, and one
/// reject in every third object.
pub(crate) fn piece(shard: Shard, number: u32) -> Piece {
    const MINUTE_US: i64 = 60_000_000;
    let november: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
    let start = november.as_microsecond() + (i64::from(number) * 10 - 5) * MINUTE_US;
    let starts: Vec<i64> = (0..10).map(|minute| start + minute * MINUTE_US).collect();
    let ends: Vec<i64> = starts.iter().map(|start| start + MINUTE_US).collect();
    let text = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text; 10])) };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(TimestampMicrosecondArray::from(starts).with_timezone("UTC")),
        Arc::new(TimestampMicrosecondArray::from(ends).with_timezone("UTC")),
        text("111122223333"),
        text("eu-west-1"),
        text(&format!("i-{number}")),
        text(schema::CPU_UTILIZATION),
        Arc::new(Float64Array::from_iter_values((0..10).map(|minute| f64::from(minute) / 10.0))),
        Arc::new(Float64Array::from(vec![None; 10])),
        Arc::new(Int64Array::from(vec![Some(1); 10])),
    ];
    let rows = RecordBatch::try_new(schema::utilization().file_schema(), columns).unwrap();
    let uri = object_uri(number);
    let rejects = (number.is_multiple_of(3)).then(|| RejectedPoint {
        source: uri.clone(),
        record: 10,
        reason: "out_of_range",
        detail: "CPUUtilization is not 0 to 100 percent".to_owned(),
        value: Some("170".to_owned()),
    });
    let rejects: Vec<_> = rejects.into_iter().collect();
    Piece {
        health: Health {
            shard,
            unit: Unit::Stream("s3://metrics".to_owned()),
            work: Work::Stream,
            scope: None,
            status: Status::Ok,
            detail: None,
            watermark: Some(Timestamp::from_microsecond(start).unwrap()),
            newest: None,
            rows_rejected: rejects.len() as u64,
            rows_left_out: 0,
            rows: 0,
            calls: CallCounts::default(),
        },
        rows: vec![rows],
        estimates: Vec::new(),
        rejects,
        object: Some(CollectedObject {
            stream: "s3://metrics".to_owned(),
            uri,
            e_tag: "tag".to_owned(),
            size_bytes: 1000,
            format: "json",
        }),
    }
}

pub(crate) fn object_uri(number: u32) -> String {
    format!("s3://metrics/{number}")
}

pub(crate) fn local_lake(folder: &Path) -> Lake {
    Lake::open(folder.to_str().unwrap(), &StoreOptions::new()).unwrap()
}

/// Rows of a table as texts of the named columns, sorted.
pub(crate) async fn rows(lake: &Lake, table: &Table, columns: &[&str]) -> Vec<String> {
    let open = lake.table(table).await.unwrap();
    let mut rows = Vec::new();
    for file in open.files().unwrap() {
        let bytes = open.fetch(&file).await.unwrap();
        for batch in ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap() {
            let batch = batch.unwrap();
            let options = FormatOptions::default();
            let formatters: Vec<_> = columns
                .iter()
                .map(|name| ArrayFormatter::try_new(batch.column_by_name(name).unwrap(), &options).unwrap())
                .collect();
            let row = |row| formatters.iter().map(|f| f.value(row).to_string()).collect::<Vec<_>>().join(" ");
            rows.extend((0..batch.num_rows()).map(row));
        }
    }
    rows.sort();
    rows
}
