//! Measured processor utilisation, joined to billing lines by resource and time.
//!
//! A line gets the mean over the part of its time that was measured, and the share of its time that this part is. What
//! follows from both is the kernels' matter. Where measurements overlap, [`resolve`] says which one speaks.

mod held;
mod load;
mod resolve;

use std::{collections::HashMap, sync::Arc};

use airshed_domain::{period::BillingPeriod, schema::column as c};
use airshed_kernels::utilization::Measured;
use airshed_lake::{DataFile, Lake, LakeTable};
use arrow::{
    array::{Array as _, AsArray as _, Float64Builder, RecordBatch},
    compute::cast,
    datatypes::{DataType, Field, Schema, TimestampMicrosecondType},
};
use sha2::{Digest as _, Sha256};

pub use self::held::{HeldMeasurements, MeasuredContent, MeasuredInput};
use self::resolve::Interval;
use crate::{
    error::{Error, ErrorKind, Result},
    plan::RunInputs,
};

/// Measured intervals by resource, in order and without overlap.
#[derive(Debug, Default)]
pub(crate) struct Measurements {
    by_resource: HashMap<Box<str>, Vec<Interval>>,
    sha256: Option<String>,
}

/// A billing line of a run with the measurements that the run read for it, as the estimator takes them.
///
/// # Errors
/// Also when the measurements that the run read are not in the lake any more.
pub async fn with_measurements(
    lake: &Lake,
    period: BillingPeriod,
    inputs: &RunInputs,
    line: RecordBatch,
) -> Result<RecordBatch> {
    if inputs.utilization.is_empty() {
        return Ok(line);
    }
    let held = HeldMeasurements::find(lake, period, &inputs.utilization).await??;
    held.measurements().await?.join(line)
}

impl Measurements {
    /// Reads files of the table `utilization`.
    pub(crate) async fn load(table: &LakeTable, files: &[DataFile]) -> Result<Self> {
        let by_resource = load::load(table, files).await?;
        let hashed = move || Self { sha256: sha256(&by_resource), by_resource };
        tokio::task::spawn_blocking(hashed)
            .await
            .map_err(|e| Error::with_source(ErrorKind::Corrupt, "hashing measurements broke off", e))
    }

    /// SHA-256 over all of them, sorted by resource and time; nothing when there are none.
    pub(crate) fn sha256(&self) -> Option<&str> {
        self.sha256.as_deref()
    }

    /// Adds the columns `utilization` and `utilization_cover` to a batch of billing lines: the mean of the measured
    /// intervals weighted by the time they share with the line, and the share of the line's time that they cover. Both
    /// are null where nothing was measured.
    pub(crate) fn join(&self, batch: RecordBatch) -> Result<RecordBatch> {
        if self.by_resource.is_empty() {
            return Ok(batch);
        }
        let corrupt = |what: &str| Error::new(ErrorKind::Corrupt, format!("billing lines: {what}"));
        let text = |name: &str| {
            let column = batch.column_by_name(name).ok_or_else(|| corrupt(name))?;
            cast(column, &DataType::Utf8)
                .map_err(|e| Error::with_source(ErrorKind::Corrupt, name.to_owned(), e))
        };
        let time = |name: &str| {
            batch
                .column_by_name(name)
                .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>())
                .ok_or_else(|| corrupt(name))
        };
        let resource = text(c::RESOURCE_ID)?;
        let resource = resource.as_string::<i32>();
        let (start, end) = (time(c::USAGE_START)?, time(c::USAGE_END)?);
        let mut utilization = Float64Builder::with_capacity(batch.num_rows());
        let mut cover = Float64Builder::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let intervals =
                resource.is_valid(row).then(|| self.by_resource.get(resource.value(row))).flatten();
            let measured = intervals.and_then(|i| weighted_mean(i, start.value(row), end.value(row)));
            utilization.append_option(measured.map(|measured| measured.mean));
            cover.append_option(measured.map(|measured| measured.cover));
        }
        let mut fields = batch.schema().fields().to_vec();
        fields.push(Arc::new(Field::new(c::UTILIZATION, DataType::Float64, true)));
        fields.push(Arc::new(Field::new(c::UTILIZATION_COVER, DataType::Float64, true)));
        let mut columns = batch.columns().to_vec();
        columns.push(Arc::new(utilization.finish()));
        columns.push(Arc::new(cover.finish()));
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
            .map_err(|e| Error::with_source(ErrorKind::Corrupt, "billing lines", e))
    }
}

fn sha256(by_resource: &HashMap<Box<str>, Vec<Interval>>) -> Option<String> {
    let mut resources: Vec<_> = by_resource.iter().collect();
    resources.sort_unstable_by_key(|(resource, _)| *resource);
    let mut hash = Sha256::new();
    for (resource, intervals) in &resources {
        hash.update((resource.len() as u64).to_le_bytes());
        hash.update(resource.as_bytes());
        hash.update((intervals.len() as u64).to_le_bytes());
        for interval in *intervals {
            hash.update(interval.start_us.to_le_bytes());
            hash.update(interval.end_us.to_le_bytes());
            hash.update(interval.avg.to_bits().to_le_bytes());
        }
    }
    (!resources.is_empty()).then(|| format!("{:x}", hash.finalize()))
}

/// Mean of the intervals over `[start, end)`, weighted by shared time, and the share of that time which they cover.
/// A line without a length was measured if an interval holds its start.
fn weighted_mean(intervals: &[Interval], start: i64, end: i64) -> Option<Measured> {
    let end = end.max(start.saturating_add(1));
    let first = intervals.partition_point(|interval| interval.end_us <= start);
    let (mut weighted, mut shared) = (0.0, 0i64);
    for interval in intervals[first..].iter().take_while(|interval| interval.start_us < end) {
        let overlap = interval.end_us.min(end) - interval.start_us.max(start);
        if overlap > 0 {
            weighted += interval.avg * overlap as f64;
            shared += overlap;
        }
    }
    (shared > 0)
        .then(|| Measured { mean: weighted / shared as f64, cover: shared as f64 / (end - start) as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(start_us: i64, end_us: i64, avg: f64) -> Interval {
        Interval { start_us, end_us, avg }
    }

    #[test]
    fn partial_coverage_is_weighted_by_time() {
        let intervals = [interval(0, 10, 0.2), interval(10, 40, 0.6)];
        for (start, end, mean, cover) in [
            (0, 10, 0.2, 1.0),
            (0, 40, (0.2 * 10.0 + 0.6 * 30.0) / 40.0, 1.0),
            (5, 100, (0.2 * 5.0 + 0.6 * 30.0) / 35.0, 35.0 / 95.0),
            (15, 15, 0.6, 1.0),
        ] {
            assert_eq!(weighted_mean(&intervals, start, end), Some(Measured { mean, cover }));
        }
        assert_eq!(weighted_mean(&intervals, 40, 50), None);
    }

    #[test]
    fn five_minutes_do_not_stand_for_a_month() {
        let minute = 60_000_000;
        let month = 31 * 24 * 60;
        let found = weighted_mean(&[interval(0, 5 * minute, 1.0)], 0, month * minute).unwrap();
        assert!((found.cover - 5.0 / 44_640.0).abs() < 1e-15, "{found:?}");
    }

    #[test]
    fn the_hash_is_of_the_content_and_nothing_measured_has_none() {
        let of = |resources: &[(&str, &[Interval])]| {
            sha256(
                &resources.iter().map(|(name, intervals)| (Box::from(*name), intervals.to_vec())).collect(),
            )
        };
        let (first, second) = (interval(0, 5, 0.5), interval(5, 10, 0.5));
        let both = of(&[("a", &[first]), ("b", &[second])]);
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("b", &[second]), ("a", &[first])]), both);
        for other in [
            of(&[("a", &[first, second]), ("b", &[])]),
            of(&[("a", &[second]), ("b", &[first])]),
            of(&[("a", &[interval(0, 5, 0.500_000_000_000_000_1)]), ("b", &[second])]),
            of(&[("a", &[first])]),
        ] {
            assert_ne!(other, both);
        }
    }
}
