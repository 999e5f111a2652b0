//! The provider's own monthly figures from its API, into `provider_reported`.
//!
//! The last months are asked for, because AWS restates them: a new model version gives rows of its own, other figures
//! under the same version take the place of the old. Figures are decimal texts in metric tons; they become grams by
//! moving the point, so that no digit is lost.

use std::{collections::BTreeMap, sync::Arc};

use airshed_domain::{
    fixed::{QUANTITY_SCALE, QUANTITY_SUM_PRECISION, decimal_from_str},
    period::BillingPeriod,
    schema::{self, column as c},
};
use airshed_lake::{FileEncoder, Lake, PartitionValues};
use arrow::array::{ArrayRef, Decimal128Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use tokio_util::sync::CancellationToken;

use crate::{
    cloud::{Cloud, ReportedEmissions},
    error::{Context as _, Error, Result},
    gate::{Api, Gate},
    health::{Health, Status, Tally, Work},
    unit::{Shard, Unit},
};

/// Months that are asked for: AWS gives 38 months at most, and restates the newest ones.
const MONTHS: i32 = 14;
/// The delivery that the rows belong to.
const DELIVERY: &str = "collect-sustainability";
/// All of it is one reading: what a month holds is replaced as a whole.
const BATCH: &str = "newest";
/// Recorded in the commits, and the sequence that they are made in.
const OPERATION: &str = "collect provider_reported";
/// Digits from tons to steps of the ledger's grams.
const GRAM_STEPS_PER_TON: i8 = 6 + QUANTITY_SCALE;

/// Column of the ledger and the provider's name of the kind.
const FIGURES: &[(&str, &str)] = &[
    (c::TOTAL_LOCATION_G, "TOTAL_LBM_CARBON_EMISSIONS"),
    (c::TOTAL_MARKET_G, "TOTAL_MBM_CARBON_EMISSIONS"),
    (c::SCOPE_1_G, "TOTAL_SCOPE_1_CARBON_EMISSIONS"),
    (c::SCOPE_2_LOCATION_G, "TOTAL_SCOPE_2_LBM_CARBON_EMISSIONS"),
    (c::SCOPE_2_MARKET_G, "TOTAL_SCOPE_2_MBM_CARBON_EMISSIONS"),
    (c::SCOPE_3_LOCATION_G, "TOTAL_SCOPE_3_LBM_CARBON_EMISSIONS"),
    (c::SCOPE_3_MARKET_G, "TOTAL_SCOPE_3_MBM_CARBON_EMISSIONS"),
];

/// Asks for the provider's figures and replaces what the ledger has of the same months.
///
/// # Errors
/// Where the lake cannot be written. A call that fails for good is the status of the work.
pub async fn collect_reported(
    cloud: &dyn Cloud,
    gate: &Gate,
    lake: &Lake,
    shard: Shard,
    payer: &str,
    now: Timestamp,
    cancel: &CancellationToken,
) -> Result<Health> {
    let tally = Tally::default();
    let mut health = Health::of(shard, Unit::ProviderReported, Work::ProviderReported);
    let (start, end) = window(now)?;
    let mut rows = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let page = gate
            .call(Api::Sustainability, None, &tally, cancel, || {
                cloud.reported_emissions(start, end, next.as_deref())
            })
            .await;
        match page {
            Ok(page) => {
                rows.extend(page.items);
                next = page.next;
            }
            Err(error) if error.kind == crate::CallErrorKind::Cancelled => return Err(error.into()),
            Err(error) => {
                health.status = Status::of(&error);
                health.detail = Some(error.to_string());
                health.calls = tally.counts();
                return Ok(health);
            }
        }
        if next.is_none() {
            break;
        }
    }
    health.calls = tally.counts();
    health.rows = rows.len() as u64;
    publish(lake, payer, rows).await?;
    Ok(health)
}

/// The first of the month, [`MONTHS`] ago, and the first of this month.
fn window(now: Timestamp) -> Result<(Timestamp, Timestamp)> {
    let bug = |e: jiff::Error| Error::bug("the clock is out of range").caused_by(e);
    let month =
        now.to_zoned(TimeZone::UTC).first_of_month().and_then(|day| day.start_of_day()).map_err(bug)?;
    let start = month.checked_sub(MONTHS.months()).map_err(bug)?;
    Ok((start.timestamp(), month.timestamp()))
}

async fn publish(lake: &Lake, payer: &str, rows: Vec<ReportedEmissions>) -> Result<()> {
    let table = schema::provider_reported();
    let context = || format!("cannot publish `{}`", table.name);
    let mut by_period: BTreeMap<BillingPeriod, Vec<ReportedEmissions>> = BTreeMap::new();
    for row in rows {
        let period = BillingPeriod::of_epoch_seconds(row.month.as_second())
            .map_err(|e| Error::bug("the provider reports a month out of range").caused_by(e))?;
        by_period.entry(period).or_default().push(row);
    }
    let mut open = lake.table(&table).await.context(context)?;
    let mut files = Vec::with_capacity(by_period.len());
    for (period, mut rows) in by_period {
        rows.sort_by(|a, b| key(a).cmp(&key(b)));
        let mut encoder = FileEncoder::new(&table, table.file_schema()).context(context)?;
        encoder.write(&batch(period, payer, &rows)?).context(context)?;
        let partition = [(c::PERIOD, &*period.to_string()), (c::DELIVERY_ID, DELIVERY), (c::BATCH_ID, BATCH)]
            .map(|(column, value)| (column.to_owned(), value.to_owned()));
        let partition = PartitionValues::from(partition);
        files.push(
            open.put(&partition, "part-00000", encoder.finish().context(context)?).await.context(context)?,
        );
    }
    let periods: Vec<&String> = files.iter().filter_map(|file| file.partition.get(c::PERIOD)).collect();
    let of_these = |file: &airshed_lake::DataFile| {
        file.partition.get(c::DELIVERY_ID).is_some_and(|delivery| delivery == DELIVERY)
            && file.partition.get(c::PERIOD).is_some_and(|period| periods.contains(&period))
    };
    open.replace_in_sequence(&of_these, &files, OPERATION, OPERATION).await.context(context).map(drop)
}

fn key(row: &ReportedEmissions) -> (&str, &Option<String>, &Option<String>, &str, &str) {
    (&row.account, &row.region, &row.location, &row.service, &row.model_version)
}

fn batch(period: BillingPeriod, payer: &str, rows: &[ReportedEmissions]) -> Result<RecordBatch> {
    const MICROS_PER_SECOND: i64 = 1_000_000;
    let texts = |value: &dyn Fn(&ReportedEmissions) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<StringArray>())
    };
    let instant = |second: i64| -> ArrayRef {
        let values = TimestampMicrosecondArray::from_value(second * MICROS_PER_SECOND, rows.len());
        Arc::new(values.with_timezone("UTC"))
    };
    let window = period.window();
    let mut columns = vec![
        texts(&|_| Some("aws".to_owned())),
        texts(&|row| Some(row.model_version.clone())),
        Arc::new(TimestampMicrosecondArray::from(vec![None; rows.len()]).with_timezone("UTC")) as ArrayRef,
        texts(&|_| Some(payer.to_owned())),
        texts(&|row| Some(row.account.clone())),
        texts(&|row| row.region.clone()),
        texts(&|row| row.location.clone()),
        texts(&|row| Some(row.service.clone())),
        instant(window.start_s),
        instant(window.end_s),
    ];
    for (_, kind) in FIGURES {
        columns.push(Arc::new(grams(rows, kind)?));
    }
    let table = schema::provider_reported();
    RecordBatch::try_new(table.file_schema(), columns)
        .context(|| format!("cannot make rows of `{}`", table.name))
}

fn grams(rows: &[ReportedEmissions], kind: &str) -> Result<Decimal128Array> {
    let values = rows.iter().map(|row| {
        let Some(tonnes) = row.tonnes.get(kind) else { return Ok(None) };
        decimal_from_str(tonnes, GRAM_STEPS_PER_TON)
            .map(Some)
            .map_err(|e| Error::bug(format!("the provider's {kind} is `{tonnes}`")).caused_by(e))
    });
    let values: Decimal128Array = values.collect::<Result<Vec<_>>>()?.into_iter().collect();
    values
        .with_precision_and_scale(QUANTITY_SUM_PRECISION, QUANTITY_SCALE)
        .context(|| "the provider's figures do not fit the ledger".to_owned())
}
