//! Measured processor utilisation, joined to billing lines by resource and time.

use std::collections::HashMap;

use airshed_domain::schema::{self, column as c};
use airshed_lake::LakeTable;
use arrow::{
    array::{Array as _, AsArray as _, Float64Builder, RecordBatch},
    compute::cast,
    datatypes::{DataType, Field, Float64Type, Schema, TimestampMicrosecondType},
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::sync::Arc;

use crate::{
    error::{Error, ErrorKind, Result},
    plan::RunPlan,
};

/// Measured intervals by resource: `(start, end, average)` in microseconds, sorted and not overlapping by
/// construction of the table.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    by_resource: HashMap<String, Vec<(i64, i64, f64)>>,
}

impl Measured {
    /// Reads the utilisation that the plan names.
    pub(crate) async fn load(table: Option<&LakeTable>, plan: &RunPlan) -> Result<Self> {
        let mut this = Self::default();
        let Some(table) = table else { return Ok(this) };
        for file in &plan.utilization_files {
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

    /// Adds a column `utilization` to a batch of billing lines: the mean of the measured intervals weighted by the
    /// time they share with the line, null where nothing was measured.
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
        for row in 0..batch.num_rows() {
            let measured =
                resource.is_valid(row).then(|| self.by_resource.get(resource.value(row))).flatten();
            utilization
                .append_option(measured.and_then(|m| weighted_mean(m, start.value(row), end.value(row))));
        }
        let mut fields = batch.schema().fields().to_vec();
        fields.push(Arc::new(Field::new(c::UTILIZATION, DataType::Float64, true)));
        let mut columns = batch.columns().to_vec();
        columns.push(Arc::new(utilization.finish()));
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
            .map_err(|e| Error::with_source(ErrorKind::Corrupt, "billing lines", e))
    }
}

/// Mean of the intervals over `[start, end)`, weighted by shared time. Time without a measurement does not count.
fn weighted_mean(intervals: &[(i64, i64, f64)], start: i64, end: i64) -> Option<f64> {
    let first = intervals.partition_point(|(_, interval_end, _)| *interval_end <= start);
    let (mut weighted, mut shared) = (0.0, 0i64);
    for (interval_start, interval_end, avg) in intervals[first..].iter().take_while(|i| i.0 < end) {
        let overlap = (*interval_end).min(end) - (*interval_start).max(start);
        if overlap > 0 {
            weighted += avg * overlap as f64;
            shared += overlap;
        }
    }
    (shared > 0).then(|| weighted / shared as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_coverage_is_weighted_by_time() {
        let measured = [(0, 10, 0.2), (10, 40, 0.6)];
        assert_eq!(weighted_mean(&measured, 0, 10), Some(0.2));
        assert_eq!(weighted_mean(&measured, 0, 40), Some((0.2 * 10.0 + 0.6 * 30.0) / 40.0));
        assert_eq!(weighted_mean(&measured, 5, 100), Some((0.2 * 5.0 + 0.6 * 30.0) / 35.0));
        assert_eq!(weighted_mean(&measured, 40, 50), None);
    }
}
