//! Measured processor utilisation, joined to billing lines by resource and time.
//!
//! A line gets the mean over the part of its time that was measured, and the share of its time that this part is. What
//! follows from both is the kernels' matter.

use std::collections::HashMap;

use airshed_domain::{
    period::BillingPeriod,
    schema::{self, column as c},
};
use airshed_kernels::utilization::Measured;
use airshed_lake::{DataFile, Lake, LakeTable};
use arrow::{
    array::{Array as _, AsArray as _, Float64Builder, RecordBatch},
    compute::cast,
    datatypes::{DataType, Field, Float64Type, Schema, TimestampMicrosecondType},
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::sync::Arc;

use crate::{
    error::{Error, ErrorKind, Result},
    plan::{RunInputs, utilization_of},
};

/// Measured intervals by resource: `(start, end, average)` in microseconds, sorted and not overlapping by
/// construction of the table.
#[derive(Debug, Default)]
pub(crate) struct Measurements {
    by_resource: HashMap<String, Vec<(i64, i64, f64)>>,
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
    if let Some(newest) = lake.existing_table(&schema::utilization()).await? {
        // Newer measurements may wait for a run of their own: then an older version holds those of this run.
        for version in (0..=newest.version()).rev() {
            let table = newest.at_version(version).await?;
            let files = utilization_of(Some(&table), period)?;
            if files.iter().map(DataFile::content_hash).eq(inputs.utilization.iter().map(String::as_str)) {
                return Measurements::load(Some(&table), &files).await?.join(line);
            }
        }
    }
    let gone = format!("the utilisation that the run of {period} read is not in the lake any more");
    Err(Error::new(ErrorKind::Input, gone))
}

impl Measurements {
    /// Reads files of the table `utilization`.
    pub(crate) async fn load(table: Option<&LakeTable>, files: &[DataFile]) -> Result<Self> {
        let mut this = Self::default();
        let Some(table) = table else { return Ok(this) };
        for file in files {
            let corrupt = |e: Box<dyn std::error::Error + Send + Sync>| {
                Error::with_source(ErrorKind::Corrupt, format!("`{}` cannot be read", file.path), e)
            };
            let reader = ParquetRecordBatchReaderBuilder::try_new(table.fetch(file).await?)
                .and_then(ParquetRecordBatchReaderBuilder::build)
                .map_err(|e| corrupt(e.into()))?;
            for batch in reader {
                this.push(&batch.map_err(|e| corrupt(e.into()))?)?;
            }
        }
        this.by_resource.values_mut().for_each(|intervals| intervals.sort_by_key(|i| (i.0, i.1)));
        Ok(this)
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let column = |name: &str, data_type: &DataType| {
            batch
                .column_by_name(name)
                .ok_or_else(|| Error::new(ErrorKind::Corrupt, format!("utilization lacks `{name}`")))
                .and_then(|array| {
                    cast(array, data_type).map_err(|e| {
                        Error::with_source(ErrorKind::Corrupt, format!("utilization `{name}`"), e)
                    })
                })
        };
        let resource = column(c::RESOURCE_ID, &DataType::Utf8)?;
        let metric = column(c::METRIC, &DataType::Utf8)?;
        let start = column(c::USAGE_START, &schema::timestamp_type())?;
        let end = column(c::USAGE_END, &schema::timestamp_type())?;
        let avg = column(c::AVG, &DataType::Float64)?;
        let (resource, metric) = (resource.as_string::<i32>(), metric.as_string::<i32>());
        let start = start.as_primitive::<TimestampMicrosecondType>();
        let end = end.as_primitive::<TimestampMicrosecondType>();
        let avg = avg.as_primitive::<Float64Type>();
        for row in (0..batch.num_rows()).filter(|row| metric.value(*row) == schema::CPU_UTILIZATION) {
            let interval = (start.value(row), end.value(row), avg.value(row));
            match self.by_resource.get_mut(resource.value(row)) {
                Some(intervals) => intervals.push(interval),
                None => {
                    self.by_resource.insert(resource.value(row).to_owned(), vec![interval]);
                }
            }
        }
        Ok(())
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

/// Mean of the intervals over `[start, end)`, weighted by shared time, and the share of that time which they cover.
/// A line without a length was measured if an interval holds its start.
fn weighted_mean(intervals: &[(i64, i64, f64)], start: i64, end: i64) -> Option<Measured> {
    let end = end.max(start.saturating_add(1));
    let first = intervals.partition_point(|(_, interval_end, _)| *interval_end <= start);
    let (mut weighted, mut shared) = (0.0, 0i64);
    for (interval_start, interval_end, avg) in intervals[first..].iter().take_while(|i| i.0 < end) {
        let overlap = (*interval_end).min(end) - (*interval_start).max(start);
        if overlap > 0 {
            weighted += avg * overlap as f64;
            shared += overlap;
        }
    }
    (shared > 0)
        .then(|| Measured { mean: weighted / shared as f64, cover: shared as f64 / (end - start) as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_coverage_is_weighted_by_time() {
        let intervals = [(0, 10, 0.2), (10, 40, 0.6)];
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
        let found = weighted_mean(&[(0, 5 * minute, 1.0)], 0, month * minute).unwrap();
        assert!((found.cover - 5.0 / 44_640.0).abs() < 1e-15, "{found:?}");
    }
}
