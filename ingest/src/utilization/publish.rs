//! Brings the measurements of one file into one order and publishes them.
//!
//! A file of the table carries the delivery in its name and the hash of its content: equal measurements give the same
//! file, and what a delivery brought before is found by its name. The commits go `rejects`, `utilization`, `objects`;
//! killed in between, the next import makes the same files and adds what is missing.
//!
//! What other imported files measured is read from one version of the table, and the commit holds only while no other
//! import has committed since: of two imports at the same moment the later one is refused, and looks again. Files of
//! collectors are not looked at: they may overlap anything, and the estimate says which measurement speaks.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use airshed_domain::{
    id::{BatchId, DeliveryId},
    period::BillingPeriod,
    schema::{self, column as c},
};
use airshed_lake::{DataFile, EncodedFile, Lake, LakeTable, PartitionValues};
use arrow::{
    array::{
        ArrayRef, AsArray as _, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    },
    compute::cast,
    datatypes::{DataType, TimestampMicrosecondType},
};
use jiff::Timestamp;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{
    UtilizationFile, is_delivery_id,
    read::{Contents, Measurement},
};
use crate::{
    discover::DataObject,
    error::{Context as _, Error, Result},
    import::{
        fingerprint::UTILIZATION_FORMAT,
        publish::{encode, encode_rejects, reject_period},
    },
    normalize::period_number,
    reject::{Reason, Reject},
};

/// How a file's name starts; the delivery follows, then the hash of the content.
const STEM: &str = "part-";
/// All imports of utilisation commit in this sequence.
const SEQUENCE: &str = "utilization";
/// Recorded in the commits.
const OPERATION: &str = "import utilization";
const MICROS_PER_SECOND: i64 = 1_000_000;

/// The file that is published.
pub(super) struct Source<'a> {
    pub(super) delivery: &'a DeliveryId,
    pub(super) batch: &'a BatchId,
    pub(super) object: &'a DataObject,
    pub(super) fingerprint: &'a str,
    pub(super) imported_at: Timestamp,
}

/// Measured time by resource and metric, `(start, end)` in microseconds, in order and without overlap.
type Taken = HashMap<String, HashMap<String, Vec<(i64, i64)>>>;

/// Publishes a file's contents in place of what its delivery brought before; fills in the counts of `report`. Returns
/// whether the ledger changed; `was_complete` says that it held this very file.
///
/// # Errors
/// [`ErrorKind::Retry`](crate::ErrorKind::Retry) when another import published in the meantime.
pub(super) async fn publish(
    lake: &Lake,
    source: &Source<'_>,
    contents: Contents,
    was_complete: bool,
    report: &mut UtilizationFile,
) -> Result<bool> {
    let rows = contents.measurements.len() + contents.rejects.len();
    let context = || "cannot open a table of the lake".to_owned();
    let mut table = lake.table(&schema::utilization()).await.context(context)?;
    let stem = format!("{STEM}{}", source.delivery);
    let is_ours = |file: &DataFile| delivery_of_file(file) == Some(source.delivery.as_str());
    let taken = taken(&table, &contents.measurements, source.delivery).await?;
    let sorted = tokio::task::spawn_blocking(move || sort(contents, &taken))
        .await
        .context(|| "sorting measurements was broken off".to_owned())?;
    if sorted.measurements.len() + sorted.rejects.len() != rows {
        return Err(Error::bug(format!("{rows} rows became another number")));
    }
    report.unused_metrics.clear();
    report.measurements.clear();
    report.rows = rows as u64;
    report.rejects = sorted.rejects.len() as u64;
    for measurement in sorted.measurements.iter().filter(|m| &*m.metric != schema::CPU_UTILIZATION) {
        *report.unused_metrics.entry(measurement.metric.to_string()).or_default() += 1;
    }

    let rejects_changed = publish_rejects(lake, source, &sorted.rejects).await?;
    let mut files = Vec::new();
    for (period, measurements) in by_period(&sorted.measurements)? {
        report.measurements.insert(period, measurements.len() as u64);
        let file = encode_measurements(&measurements)?;
        let partition = PartitionValues::from([(c::PERIOD.to_owned(), period.to_string())]);
        let context = || "cannot put a file into the lake".to_owned();
        files.push(table.put(&partition, &stem, file).await.context(context)?);
    }
    let context = || format!("cannot publish `{}`", source.object.uri);
    let changed = table.replace_in_sequence(&is_ours, &files, SEQUENCE, OPERATION).await.context(context)?
        || rejects_changed;
    if changed || !was_complete {
        publish_object(lake, source, report).await?;
    }
    Ok(changed || !was_complete)
}

/// The delivery that brought a file of the table, as the file's name says; nothing for files of collectors.
pub(crate) fn delivery_of_file(file: &DataFile) -> Option<&str> {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let (delivery, _) = name.strip_prefix(STEM)?.split_once('-')?;
    is_delivery_id(delivery).then_some(delivery)
}

/// What other imported files measured of the same resources in the same periods.
async fn taken(table: &LakeTable, measurements: &[Measurement], ours: &DeliveryId) -> Result<Taken> {
    let context = || "cannot read what is measured already".to_owned();
    let resources: HashSet<&str> = measurements.iter().map(|m| &*m.resource).collect();
    let mut periods: HashSet<String> = HashSet::new();
    let mut last = None;
    for measurement in measurements {
        let touched = (period_of(measurement.start_us)?, period_of(measurement.end_us - 1)?);
        if last != Some(touched) {
            periods.extend(months(touched).map(|period| period.to_string()));
            last = Some(touched);
        }
    }
    let mut taken = Taken::new();
    for file in table.files().context(context)? {
        let is_other = delivery_of_file(&file).is_some_and(|delivery| delivery != ours.as_str())
            && file.partition.get(c::PERIOD).is_some_and(|p| periods.contains(p));
        if !is_other {
            continue;
        }
        let corrupt =
            |error: parquet::errors::ParquetError| Error::bug(format!("`{}`", file.path)).caused_by(error);
        let reader = ParquetRecordBatchReaderBuilder::try_new(table.fetch(&file).await.context(context)?)
            .and_then(ParquetRecordBatchReaderBuilder::build)
            .map_err(corrupt)?;
        for batch in reader {
            add_taken(&mut taken, &batch.context(context)?, &resources)?;
        }
    }
    taken.values_mut().flat_map(HashMap::values_mut).for_each(|intervals| intervals.sort_unstable());
    Ok(taken)
}

fn add_taken(taken: &mut Taken, batch: &RecordBatch, resources: &HashSet<&str>) -> Result<()> {
    let column = |name: &str, data_type: &DataType| {
        let array = batch.column_by_name(name).ok_or_else(|| Error::bug(format!("no column `{name}`")))?;
        cast(array, data_type).context(|| format!("column `{name}`"))
    };
    let resource = column(c::RESOURCE_ID, &DataType::Utf8)?;
    let metric = column(c::METRIC, &DataType::Utf8)?;
    let start = column(c::USAGE_START, &schema::timestamp_type())?;
    let end = column(c::USAGE_END, &schema::timestamp_type())?;
    let (resource, metric) = (resource.as_string::<i32>(), metric.as_string::<i32>());
    let start = start.as_primitive::<TimestampMicrosecondType>();
    let end = end.as_primitive::<TimestampMicrosecondType>();
    for row in (0..batch.num_rows()).filter(|row| resources.contains(resource.value(*row))) {
        let metrics = taken.entry(resource.value(row).to_owned()).or_default();
        let intervals = metrics.entry(metric.value(row).to_owned()).or_default();
        intervals.push((start.value(row), end.value(row)));
    }
    Ok(())
}

/// Puts measurements in order and turns those that overlap another one into rejects. Which one stays depends on the
/// measurements alone, not on the order of the rows.
fn sort(contents: Contents, taken: &Taken) -> Contents {
    let Contents { mut measurements, mut rejects } = contents;
    measurements.sort_unstable_by(order);
    let mut kept: Vec<Measurement> = Vec::with_capacity(measurements.len());
    for measurement in measurements {
        let by_other = taken
            .get(&*measurement.resource)
            .and_then(|metrics| metrics.get(&*measurement.metric))
            .is_some_and(|intervals| overlaps(intervals, &measurement));
        let by_own = kept.last().is_some_and(|last| {
            last.resource == measurement.resource
                && last.metric == measurement.metric
                && last.end_us > measurement.start_us
        });
        if by_other {
            let detail = "another file measured the resource at that time; its rows stay";
            rejects.push(overlap(&measurement, detail.to_owned()));
        } else if by_own && let Some(last) = kept.last() {
            let detail = format!("data row {} measured the resource at that time", last.row);
            rejects.push(overlap(&measurement, detail));
        } else {
            kept.push(measurement);
        }
    }
    rejects.sort_by_key(|reject| reject.row_number);
    Contents { measurements: kept, rejects }
}

fn order(a: &Measurement, b: &Measurement) -> std::cmp::Ordering {
    let time = |m: &Measurement| (m.start_us, m.end_us);
    let of_optional = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    };
    (&a.resource, &a.metric, time(a))
        .cmp(&(&b.resource, &b.metric, time(b)))
        .then_with(|| a.avg.total_cmp(&b.avg))
        .then_with(|| of_optional(a.max, b.max))
        .then_with(|| {
            (a.samples, &a.account, &a.region, a.row).cmp(&(b.samples, &b.account, &b.region, b.row))
        })
}

/// Whether a measurement shares time with one of these intervals.
fn overlaps(intervals: &[(i64, i64)], measurement: &Measurement) -> bool {
    let first = intervals.partition_point(|(_, end)| *end <= measurement.start_us);
    intervals.get(first).is_some_and(|(start, _)| *start < measurement.end_us)
}

fn overlap(measurement: &Measurement, detail: String) -> Reject {
    let mut reject =
        Reject::of_row(0, measurement.row, Reason::Overlap, detail).in_column(c::USAGE_START).with_value(
            &Timestamp::from_microsecond(measurement.start_us)
                .map_or_else(|_| measurement.start_us.to_string(), |start| start.to_string()),
        );
    reject.period = period_of(measurement.start_us).ok().map(period_number);
    reject
}

/// Measurements by billing period. One that crosses the end of a month is cut there; how many of its samples fell on
/// which side is not known, so the pieces have none.
fn by_period(measurements: &[Measurement]) -> Result<BTreeMap<BillingPeriod, Vec<Measurement>>> {
    let mut periods: BTreeMap<BillingPeriod, Vec<Measurement>> = BTreeMap::new();
    for measurement in measurements {
        let touched = (period_of(measurement.start_us)?, period_of(measurement.end_us - 1)?);
        for period in months(touched) {
            let window = period.window();
            let mut piece = measurement.clone();
            if touched.0 != touched.1 {
                piece.start_us = piece.start_us.max(window.start_s * MICROS_PER_SECOND);
                piece.end_us = piece.end_us.min(window.end_s * MICROS_PER_SECOND);
                piece.samples = None;
            }
            periods.entry(period).or_default().push(piece);
        }
    }
    Ok(periods)
}

/// The months from the first to the last.
fn months((first, last): (BillingPeriod, BillingPeriod)) -> impl Iterator<Item = BillingPeriod> {
    std::iter::successors(Some(first), |period| Some(period.next())).take_while(move |period| *period <= last)
}

fn period_of(micros: i64) -> Result<BillingPeriod> {
    BillingPeriod::of_epoch_seconds(micros.div_euclid(MICROS_PER_SECOND))
        .map_err(|e| Error::bug("a time was not checked").caused_by(e))
}

fn encode_measurements(measurements: &[Measurement]) -> Result<EncodedFile> {
    let instants = |of: fn(&Measurement) -> i64| -> ArrayRef {
        let values = TimestampMicrosecondArray::from_iter_values(measurements.iter().map(of));
        Arc::new(values.with_timezone("UTC"))
    };
    let text = |of: fn(&Measurement) -> Option<&str>| -> ArrayRef {
        Arc::new(measurements.iter().map(of).collect::<StringArray>())
    };
    let columns: Vec<ArrayRef> = vec![
        instants(|m| m.start_us),
        instants(|m| m.end_us),
        text(|m| m.account.as_deref()),
        text(|m| m.region.as_deref()),
        text(|m| Some(&m.resource)),
        text(|m| Some(&m.metric)),
        Arc::new(Float64Array::from_iter_values(measurements.iter().map(|m| m.avg))),
        Arc::new(measurements.iter().map(|m| m.max).collect::<Float64Array>()),
        Arc::new(measurements.iter().map(|m| m.samples).collect::<Int64Array>()),
    ];
    encode(&schema::utilization(), columns)
}

async fn publish_rejects(lake: &Lake, source: &Source<'_>, rejects: &[Reject]) -> Result<bool> {
    let context = || format!("cannot publish what was rejected of `{}`", source.object.uri);
    let mut table = lake.table(&schema::rejects()).await.context(context)?;
    let mut periods: BTreeMap<String, Vec<(&str, &Reject)>> = BTreeMap::new();
    for reject in rejects {
        periods.entry(reject_period(reject)).or_default().push((&source.object.uri, reject));
    }
    let mut files = Vec::new();
    for (period, rejects) in periods {
        let mut partition = source.partition();
        partition.insert(c::PERIOD.to_owned(), period);
        let file = encode_rejects(&rejects)?;
        files.push(table.put(&partition, "part-00000", file).await.context(context)?);
    }
    table.replace_partition(&source.whole_delivery(), &files, OPERATION).await.context(context)
}

async fn publish_object(lake: &Lake, source: &Source<'_>, report: &UtilizationFile) -> Result<()> {
    let context = || format!("cannot record `{}`", source.object.uri);
    let text = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
    let integer = |value: u64| -> ArrayRef { Arc::new(Int64Array::from(vec![value.cast_signed()])) };
    let imported_at = TimestampMicrosecondArray::from_value(source.imported_at.as_microsecond(), 1);
    let columns = vec![
        text(&source.object.uri),
        integer(source.object.size_bytes),
        text(source.fingerprint),
        text(UTILIZATION_FORMAT),
        integer(report.rows),
        integer(report.rejects),
        Arc::new(imported_at.with_timezone("UTC")),
    ];
    let mut table = lake.table(&schema::objects()).await.context(context)?;
    let file = encode(&schema::objects(), columns)?;
    let file = table.put(&source.partition(), "part-00000", file).await.context(context)?;
    table.replace_partition(&source.whole_delivery(), &[file], OPERATION).await.context(context)?;
    Ok(())
}

impl Source<'_> {
    fn whole_delivery(&self) -> PartitionValues {
        PartitionValues::from([(c::DELIVERY_ID.to_owned(), self.delivery.to_string())])
    }

    fn partition(&self) -> PartitionValues {
        let mut partition = self.whole_delivery();
        partition.insert(c::BATCH_ID.to_owned(), self.batch.to_string());
        partition
    }
}
