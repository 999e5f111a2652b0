//! Decoding as its users see it: golden samples of both formats, hostile bytes, and the rows of `utilization`.

mod golden;
mod hostile;
#[path = "../support/messages.rs"]
mod messages;
mod utilization;

use std::{
    io::{Read, Write as _},
    sync::Arc,
};

use airshed_metric_stream::{Decoder, LeftOut, Options, Reject};
use arrow::{
    array::{ArrayRef, AsArray as _, RecordBatch},
    compute::cast,
    datatypes::{DataType, TimeUnit},
};
use flate2::{Compression, write::GzEncoder};
use prost::Message as _;

/// All that an object holds.
#[derive(Debug, Default)]
struct Whole {
    batches: Vec<RecordBatch>,
    rejects: Vec<Reject>,
    left_out: LeftOut,
    is_cut_off: bool,
}

impl Whole {
    fn of(source: impl Read, batch_rows: usize) -> Self {
        let mut decoder = Decoder::new(source, Options { batch_rows, ..Options::default() });
        let mut whole = Self::default();
        while let Some(piece) = decoder.next_batch().expect("the source does not fail") {
            whole.batches.push(piece.points);
            whole.rejects.extend(piece.rejects);
            whole.left_out.add(piece.left_out);
        }
        assert!(decoder.next_batch().expect("the source does not fail").is_none(), "the end is the end");
        whole.is_cut_off = decoder.is_cut_off();
        whole.check();
        whole
    }

    /// Each record is a data point, a reject or left out, and each has a number of its own.
    fn check(&self) {
        let mut numbers: Vec<u64> = self.rejects.iter().map(|reject| reject.record).collect();
        for batch in &self.batches {
            let records = batch.column_by_name("record").expect("a column");
            numbers.extend(records.as_primitive::<arrow::datatypes::UInt64Type>().values());
        }
        let records = numbers.len() as u64 + self.left_out.total();
        numbers.sort_unstable();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
        assert!(numbers.last().is_none_or(|last| *last < records), "{numbers:?} of {records}");
        assert!(self.rejects.iter().all(|reject| reject.offset.is_some() && !reject.detail.is_empty()));
    }

    fn points(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    fn rows(&self) -> Vec<String> {
        self.batches.iter().flat_map(rows).collect()
    }

    /// Record, offset and reason of each reject.
    fn reasons(&self) -> Vec<(u64, u64, &'static str)> {
        let place = |reject: &Reject| {
            (reject.record, reject.offset.expect("from the decoder"), reject.reason.as_str())
        };
        self.rejects.iter().map(place).collect()
    }
}

/// Rows as text, cells with a blank between them, `-` for null.
fn rows(batch: &RecordBatch) -> Vec<String> {
    let columns: Vec<_> = batch.columns().iter().map(texts).collect();
    (0..batch.num_rows())
        .map(|row| columns.iter().map(|column| column[row].as_str()).collect::<Vec<_>>().join(" "))
        .collect()
}

fn texts(column: &ArrayRef) -> Vec<String> {
    // Arrow knows the zone UTC only with its table of zones.
    let is_time = matches!(column.data_type(), DataType::Timestamp(..));
    let to = |column: &ArrayRef, data_type| cast(column, data_type).expect("a cast");
    let column = if is_time {
        to(&to(column, &DataType::Int64), &DataType::Timestamp(TimeUnit::Microsecond, None))
    } else {
        Arc::clone(column)
    };
    let column = to(&column, &DataType::Utf8);
    let zone = if is_time { "Z" } else { "" };
    column
        .as_string::<i32>()
        .iter()
        .map(|cell| cell.map_or("-".to_owned(), |c| format!("{c}{zone}")))
        .collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes).and_then(|()| gzip.finish()).expect("a vector grows")
}

fn otlp(requests: &[messages::Request]) -> Vec<u8> {
    requests.iter().flat_map(messages::Request::encode_length_delimited_to_vec).collect()
}

/// A JSON record of an instance.
fn instance(id: &str, start_ms: i64, sum: f64, count: f64) -> String {
    format!(
        r#"{{"metric_stream_name":"fleet","account_id":"123456789012","region":"eu-west-1","namespace":"AWS/EC2","metric_name":"CPUUtilization","dimensions":{{"InstanceId":"{id}"}},"timestamp":{start_ms},"value":{{"max":{sum:?},"min":0.5,"sum":{sum:?},"count":{count:?}}},"unit":"Percent"}}"#
    )
}

/// A request with one summary metric of an account and region.
fn request(name: &str, unit: &str, data_points: Vec<messages::DataPoint>) -> messages::Request {
    let summary = Some(messages::Summary { data_points });
    let metric = messages::Metric { name: name.to_owned(), unit: unit.to_owned(), gauge: None, summary };
    messages::Request {
        resource_metrics: vec![messages::ResourceMetrics {
            resource: Some(messages::resource("123456789012", "eu-west-1")),
            scope_metrics: vec![messages::ScopeMetrics { metrics: vec![metric] }],
        }],
    }
}

/// A data point of one minute of an instance's processors.
fn cpu_point(id: &str, start_s: u64, sum: f64) -> messages::DataPoint {
    messages::DataPoint {
        labels: vec![],
        start_time_unix_nano: start_s * 1_000_000_000,
        time_unix_nano: (start_s + 60) * 1_000_000_000,
        count: 2,
        sum,
        quantile_values: messages::quantiles(&[(0.0, 0.5), (0.99, 2.0), (1.0, sum)]),
        attributes: messages::attributes("AWS/EC2", "CPUUtilization", &[("InstanceId", id)]),
    }
}
