//! How far work has come: what a process must know when it takes over a shard.

use std::collections::{HashMap, HashSet};

use airshed_domain::schema::{self, Table, column as c};
use airshed_lake::Lake;
use arrow::{
    array::{Array as _, AsArray as _, RecordBatch, StringArray},
    compute::cast,
    datatypes::{DataType, Float64Type, TimestampMicrosecondType},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use parquet::arrow::{ProjectionMask, arrow_reader::ParquetRecordBatchReaderBuilder};
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    error::{Context as _, Error, Result},
    health::Work,
};

/// Objects that were landed longer ago are forgotten: queues keep messages 14 days at most.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-queue-parameters.html>
const OBJECTS_KEPT: SignedDuration = SignedDuration::from_hours(15 * 24);

/// A kind of work of a unit, in a region where it has one: what a watermark belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkKey {
    /// The unit, as `collector_health` names it.
    pub unit: String,
    /// The work, as `collector_health` names it.
    pub work: String,
    /// The region.
    pub region: Option<String>,
}

/// Watermarks and landed objects.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Everything before these instants was taken.
    pub watermarks: HashMap<WorkKey, Timestamp>,
    /// When work last ended without a failure.
    pub done_at: HashMap<WorkKey, Timestamp>,
    /// List price of all polling of this calendar month, US dollars.
    pub polled_usd: f64,
    /// Stream objects that are in the ledger, by [`object_key`]. 16 bytes each.
    pub objects: HashSet<u128>,
}

/// A landed object in [`Progress`]: an object that is written again under its name is another one.
pub fn object_key(uri: &str, e_tag: &str) -> u128 {
    let e_tag = e_tag.trim_matches('"');
    xxh3_128(format!("{uri}\n{e_tag}").as_bytes())
}

impl Progress {
    /// Reads the progress of all units.
    pub async fn load(lake: &Lake, now: Timestamp) -> Result<Self> {
        let mut this = Self::default();
        let month = now.to_zoned(TimeZone::UTC).first_of_month().and_then(|day| day.start_of_day());
        let month = month.map_or(Timestamp::MIN, |start| start.timestamp());
        let names = [c::UNIT, c::WORK, c::REGION, c::STATUS, c::WATERMARK, c::AT, c::API_COST_USD];
        read(lake, &schema::collector_health(), &names, |batch| {
            let [unit, work, region, status] =
                [c::UNIT, c::WORK, c::REGION, c::STATUS].map(|name| text(batch, name));
            let (unit, work, region, status) = (unit?, work?, region?, status?);
            let (watermark, at) = (instants(batch, c::WATERMARK)?, instants(batch, c::AT)?);
            let cost = column(batch, c::API_COST_USD)?.as_primitive_opt::<Float64Type>();
            let cost = cost.ok_or_else(|| Error::bug("`api_cost_usd` is no number"))?;
            for row in 0..batch.num_rows() {
                if work.value(row) == Work::Polling.as_str() && at[row].is_some_and(|at| at >= month) {
                    this.polled_usd += cost.value(row);
                }
                let key = WorkKey {
                    unit: unit.value(row).to_owned(),
                    work: work.value(row).to_owned(),
                    region: region.is_valid(row).then(|| region.value(row).to_owned()),
                };
                if let Some(watermark) = watermark[row] {
                    let known = this.watermarks.entry(key.clone()).or_insert(watermark);
                    *known = watermark.max(*known);
                }
                if let (Some(at), "ok" | "partial") = (at[row], status.value(row)) {
                    let known = this.done_at.entry(key).or_insert(at);
                    *known = at.max(*known);
                }
            }
            Ok(())
        })
        .await?;
        let oldest = now.saturating_sub(OBJECTS_KEPT).unwrap_or(Timestamp::MIN);
        let names = [c::OBJECT_URI, c::OBJECT_E_TAG, c::LANDED_AT];
        read(lake, &schema::collected_objects(), &names, |batch| {
            let (uri, e_tag) = (text(batch, c::OBJECT_URI)?, text(batch, c::OBJECT_E_TAG)?);
            let landed = instants(batch, c::LANDED_AT)?;
            let recent = (0..batch.num_rows()).filter(|row| landed[*row].is_some_and(|at| at >= oldest));
            this.objects.extend(recent.map(|row| object_key(uri.value(row), e_tag.value(row))));
            Ok(())
        })
        .await?;
        Ok(this)
    }
}

async fn read(
    lake: &Lake,
    table: &Table,
    columns: &[&str],
    mut take: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<()> {
    let context = || format!("cannot read `{}`", table.name);
    let Some(open) = lake.existing_table(table).await.context(context)? else { return Ok(()) };
    for file in open.files().context(context)? {
        let bytes = open.fetch(&file).await.context(context)?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).context(context)?;
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        for batch in builder.with_projection(mask).build().context(context)? {
            take(&batch.context(context)?)?;
        }
    }
    Ok(())
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a arrow::array::ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| Error::bug(format!("a table of the collectors lacks `{name}`")))
}

fn text(batch: &RecordBatch, name: &str) -> Result<StringArray> {
    let array = cast(column(batch, name)?, &DataType::Utf8).context(|| format!("column `{name}`"))?;
    Ok(array.as_string::<i32>().clone())
}

fn instants(batch: &RecordBatch, name: &str) -> Result<Vec<Option<Timestamp>>> {
    let array =
        cast(column(batch, name)?, &schema::timestamp_type()).context(|| format!("column `{name}`"))?;
    let array = array.as_primitive::<TimestampMicrosecondType>();
    Ok(array.iter().map(|us| us.and_then(|us| Timestamp::from_microsecond(us).ok())).collect())
}
