//! What an object holds: rows, rejects, and what is left out.

use airshed_domain::schema::column as c;
use airshed_metric_stream::{Decoder, Format, Options, Reject, utilization};
use arrow::{
    array::{AsArray as _, RecordBatch},
    datatypes::TimestampMicrosecondType,
};
use jiff::Timestamp;

use crate::{
    error::{Error, Result},
    land::RejectedPoint,
};

/// Rejects of one object that get a row each. All are counted.
const REJECTS_KEPT: u64 = 10_000;

/// What was read of an object.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) rows: Vec<RecordBatch>,
    pub(super) rejects: Vec<RejectedPoint>,
    /// Data points that were rejected, those without a row included.
    pub(super) rejected: u64,
    /// Data points of other metrics, accounts or resources.
    pub(super) left_out: u64,
    /// End of the newest data point.
    pub(super) newest: Option<Timestamp>,
    /// json, otlp, or unknown where nothing could be read.
    pub(super) format: &'static str,
    /// Why the object should be looked at, where it should.
    pub(super) poison: Option<String>,
}

impl Content {
    /// Reads an object. More than `most_points` data points are not read: then it has no rows.
    pub(super) fn of(
        object: &[u8],
        uri: &str,
        json_interval_s: u32,
        most_points: u64,
        is_collected: &(dyn Fn(&str) -> bool + Send + Sync),
    ) -> Result<Self> {
        let mut this = Self::empty();
        let mut points = 0;
        let mut decoder = Decoder::new(object, Options { json_interval_s, ..Options::default() });
        while let Some(batch) = decoder.next_batch().map_err(defect)? {
            let converted = utilization::convert(&batch.points, is_collected).map_err(defect)?;
            this.left_out += batch.left_out.total() + converted.not_taken + converted.other_accounts;
            points += batch.points.num_rows() as u64 + batch.left_out.total();
            for reject in batch.rejects.into_iter().chain(converted.rejects) {
                this.reject(uri, reject);
            }
            if points + this.rejected > most_points {
                return Ok(Self::unread(uri, format!("the object has more than {most_points} data points")));
            }
            if converted.rows.num_rows() > 0 {
                this.newest = this.newest.max(newest(&converted.rows));
                this.rows.push(converted.rows);
            }
        }
        if this.rejected > REJECTS_KEPT {
            let detail = format!("{} more data points were rejected", this.rejected - REJECTS_KEPT);
            this.rejects.push(whole(uri, "out_of_range", detail));
        }
        if points == 0 && this.rejected > 0 {
            this.poison = Some("nothing of the object could be read".to_owned());
        } else {
            this.format = match decoder.format() {
                Some(Format::Json) => "json",
                Some(Format::Otlp) => "otlp",
                None => "unknown",
            };
            if decoder.is_cut_off() {
                this.poison = Some("the end of the object could not be read".to_owned());
            }
        }
        Ok(this)
    }

    /// An object that is not read, for a reason.
    pub(super) fn unread(uri: &str, reason: String) -> Self {
        let rejects = vec![whole(uri, "damaged", reason.clone())];
        Self { rejects, rejected: 1, poison: Some(reason), ..Self::empty() }
    }

    fn empty() -> Self {
        Self {
            rows: Vec::new(),
            rejects: Vec::new(),
            rejected: 0,
            left_out: 0,
            newest: None,
            format: "unknown",
            poison: None,
        }
    }

    fn reject(&mut self, uri: &str, reject: Reject) {
        self.rejected += 1;
        if self.rejected <= REJECTS_KEPT {
            self.rejects.push(RejectedPoint {
                source: uri.to_owned(),
                record: i64::try_from(reject.record).unwrap_or(i64::MAX),
                reason: reject.reason.as_str(),
                detail: reject.detail,
                value: reject.value,
            });
        }
    }
}

/// A reject of all, or of the rest, of an object.
fn whole(uri: &str, reason: &'static str, detail: String) -> RejectedPoint {
    RejectedPoint { source: uri.to_owned(), record: -1, reason, detail, value: None }
}

fn newest(rows: &RecordBatch) -> Option<Timestamp> {
    let ends = rows.column_by_name(c::USAGE_END)?.as_primitive_opt::<TimestampMicrosecondType>()?;
    ends.values().iter().max().and_then(|us| Timestamp::from_microsecond(*us).ok())
}

/// Bytes in memory do not fail: what does is our own.
fn defect(error: airshed_metric_stream::Error) -> Error {
    Error::bug("an object could not be decoded").caused_by(error)
}
