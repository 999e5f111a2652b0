//! Reading the processor measurements of files of `utilization`.
//!
//! Only the columns and the row groups that can hold any are decoded; a resource's name is kept once. Memory holds four
//! files as they are stored and 32 bytes a measurement.

use std::{collections::HashMap, mem};

use airshed_domain::schema::{self, column as c};
use airshed_lake::{DataFile, LakeTable};
use arrow::{
    array::{Array as _, AsArray as _, DictionaryArray, PrimitiveArray, RecordBatch},
    datatypes::{ArrowPrimitiveType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType},
};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
    },
    file::metadata::RowGroupMetaData,
};

use super::resolve::{Interval, Measurement, UNKNOWN_SAMPLES, resolve};
use crate::error::{Error, ErrorKind, Result};

/// Files fetched ahead of the one that is decoded.
const FETCH_AHEAD: usize = 4;
/// Rows decoded at a time.
const BATCH_ROWS: usize = 65_536;
/// The columns that are read.
const COLUMNS: [&str; 6] = [c::USAGE_START, c::USAGE_END, c::RESOURCE_ID, c::METRIC, c::AVG, c::SAMPLES];

/// Resolved intervals by resource, of files of the table.
pub(super) async fn load(table: &LakeTable, files: &[DataFile]) -> Result<HashMap<Box<str>, Vec<Interval>>> {
    let fetch = |file: DataFile| async move {
        let bytes = table.fetch(&file).await?;
        Ok::<_, Error>((file, bytes))
    };
    let mut fetched = stream::iter(files.to_vec()).map(fetch).buffered(FETCH_AHEAD);
    let broken_off = |e| Error::with_source(ErrorKind::Corrupt, "reading measurements broke off", e);
    let mut rows = Rows::default();
    while let Some((file, bytes)) = fetched.try_next().await? {
        let read = move || {
            let added = rows.add_file(bytes);
            added.map(|()| rows).map_err(|e| {
                Error::with_source(ErrorKind::Corrupt, format!("`{}` cannot be read", file.path), e)
            })
        };
        rows = tokio::task::spawn_blocking(read).await.map_err(broken_off)??;
    }
    tokio::task::spawn_blocking(move || rows.resolved()).await.map_err(broken_off)
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measurements as they stood in the files.
#[derive(Default)]
struct Rows {
    places: HashMap<Box<str>, usize>,
    measurements: Vec<Vec<Measurement>>,
}

impl Rows {
    fn add_file(&mut self, bytes: Bytes) -> Result<(), Failure> {
        let options = ArrowReaderOptions::new().with_schema(schema::utilization().coded_file_schema());
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options)?;
        let groups = builder.metadata().row_groups().iter().enumerate();
        let groups = groups.filter(|(_, group)| may_hold(group)).map(|(index, _)| index).collect();
        let columns = ProjectionMask::columns(builder.parquet_schema(), COLUMNS);
        let reader =
            builder.with_row_groups(groups).with_projection(columns).with_batch_size(BATCH_ROWS).build()?;
        for batch in reader {
            self.add(&batch?)?;
        }
        Ok(())
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let (resource, metric) = (text(batch, c::RESOURCE_ID)?, text(batch, c::METRIC)?);
        let start = numbers::<TimestampMicrosecondType>(batch, c::USAGE_START)?;
        let end = numbers::<TimestampMicrosecondType>(batch, c::USAGE_END)?;
        let avg = numbers::<Float64Type>(batch, c::AVG)?;
        let samples = numbers::<Int64Type>(batch, c::SAMPLES)?;
        let metrics = metric.values().as_string::<i32>();
        let is_processor: Vec<bool> =
            metrics.iter().map(|metric| metric == Some(schema::CPU_UTILIZATION)).collect();
        let names = resource.values().as_string::<i32>();
        let mut places: Vec<Option<usize>> = vec![None; names.len()];
        for row in 0..batch.num_rows() {
            let (Some(metric), Some(name)) = (metric.key(row), resource.key(row)) else {
                return Err("a row names no resource or metric".into());
            };
            if !is_processor[metric] {
                continue;
            }
            let place = match places[name] {
                Some(place) => place,
                None => *places[name].insert(self.place(names.value(name))),
            };
            self.measurements[place].push(Measurement {
                start_us: start.value(row),
                end_us: end.value(row),
                avg: avg.value(row),
                samples: if samples.is_valid(row) { samples.value(row) } else { UNKNOWN_SAMPLES },
            });
        }
        Ok(())
    }

    /// Where the measurements of a resource are.
    fn place(&mut self, resource: &str) -> usize {
        if let Some(place) = self.places.get(resource) {
            return *place;
        }
        let place = self.measurements.len();
        self.places.insert(resource.into(), place);
        self.measurements.push(Vec::new());
        place
    }

    fn resolved(mut self) -> HashMap<Box<str>, Vec<Interval>> {
        let places = mem::take(&mut self.places).into_iter();
        let resolved = places.map(|(name, place)| (name, resolve(mem::take(&mut self.measurements[place]))));
        resolved.filter(|(_, intervals)| !intervals.is_empty()).collect()
    }
}

/// Whether a row group can hold processor measurements, as far as its statistics tell.
fn may_hold(group: &RowGroupMetaData) -> bool {
    let metric = group.columns().iter().find(|column| column.column_path().string() == c::METRIC);
    let Some(statistics) = metric.and_then(|column| column.statistics()) else { return true };
    let wanted = schema::CPU_UTILIZATION.as_bytes();
    statistics.min_bytes_opt().is_none_or(|min| min <= wanted)
        && statistics.max_bytes_opt().is_none_or(|max| wanted <= max)
}

fn text<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a DictionaryArray<Int32Type>, Failure> {
    let column = batch.column_by_name(name).and_then(|column| column.as_dictionary_opt());
    column.ok_or_else(|| format!("there is no column `{name}`").into())
}

fn numbers<'a, T: ArrowPrimitiveType>(
    batch: &'a RecordBatch,
    name: &str,
) -> Result<&'a PrimitiveArray<T>, Failure> {
    let column = batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<T>());
    column.ok_or_else(|| format!("there is no column `{name}`").into())
}

#[cfg(test)]
mod tests;
