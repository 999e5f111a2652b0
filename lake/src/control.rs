//! Runs and periods: which calculation is current.
//!
//! A stage writes its tables for a run; [`record_run`] says that the run is complete, and one commit to `periods`
//! ([`make_current`]) makes it current for its billing period. Readers resolve [`current_runs`] first, so that no
//! query sees half a run.

use std::{collections::BTreeMap, sync::Arc};

use airshed_domain::{
    fixed::{QUANTITY_SCALE, QUANTITY_SUM_PRECISION},
    id::RunId,
    period::BillingPeriod,
    schema,
};
use arrow::{
    array::{
        Array, ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    },
    compute::cast,
    datatypes::SchemaRef,
};
use datafusion::prelude::SessionContext;

use crate::{
    data_file::FileEncoder,
    error::{Context as _, Error, ErrorKind, Result},
    lake::Lake,
    table::{LakeTable, PartitionValues},
};

/// A completed run, as in table `runs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// Hash of everything that the numbers depend on.
    pub run_id: RunId,
    /// Billing period.
    pub period: BillingPeriod,
    /// Method profile.
    pub method: String,
    /// Content-addressed id of the factor set.
    pub factor_set: String,
    /// Version of the calculation.
    pub code_version: String,
    /// The configuration that the tables of the run depend on.
    pub config: String,
    /// SHA-256 of that configuration.
    pub config_sha256: String,
    /// SHA-256 over the content of the billing lines.
    pub inputs_sha256: String,
    /// The batches read, as JSON.
    pub inputs: String,
    /// Version of `billing_lines` that was read.
    pub billing_version: u64,
    /// Rows and totals of the run.
    pub totals: RunTotals,
    /// When it was completed, microseconds since 1970 in UTC.
    pub published_at_us: i64,
}

/// Rows and exact totals of a run. Quantities in steps of 1e-8 (kWh, gCO2e).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunTotals {
    /// Rows with an estimate.
    pub rows_estimated: u64,
    /// Rows that no model fits.
    pub rows_unmapped: u64,
    /// Rows excluded by rule.
    pub rows_excluded: u64,
    /// Rows that could not be read.
    pub rows_rejected: u64,
    /// Energy, 1e-8 kWh.
    pub energy_kwh: i128,
    /// Operational emissions, location-based, 1e-8 g.
    pub co2e_location_g: i128,
    /// Operational emissions, market-based, 1e-8 g.
    pub co2e_market_g: i128,
    /// Embodied emissions, 1e-8 g.
    pub co2e_embodied_g: i128,
}

impl RunTotals {
    /// Rows delivered, rejects included.
    pub fn rows_in(&self) -> u64 {
        self.rows_estimated + self.rows_unmapped + self.rows_excluded + self.rows_rejected
    }
}

/// Writes a completed run to `runs`. A run that is there already is left as it is.
pub async fn record_run(lake: &Lake, run: &RunRecord) -> Result<()> {
    if find_run(lake, &run.run_id).await?.is_some() {
        return Ok(());
    }
    let strings = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
    let integer = |value: u64| -> ArrayRef { Arc::new(Int64Array::from(vec![signed(value)])) };
    let sum = |value: i128| -> ArrayRef { Arc::new(quantity_sum(value)) };
    let totals = &run.totals;
    let columns = vec![
        strings(run.run_id.as_str()),
        strings(&run.period.to_string()),
        strings(&run.method),
        strings(&run.factor_set),
        strings(&run.code_version),
        strings(&run.config),
        strings(&run.config_sha256),
        strings(&run.inputs_sha256),
        strings(&run.inputs),
        integer(run.billing_version),
        integer(totals.rows_in()),
        integer(totals.rows_estimated),
        integer(totals.rows_unmapped),
        integer(totals.rows_excluded),
        integer(totals.rows_rejected),
        sum(totals.energy_kwh),
        sum(totals.co2e_location_g),
        sum(totals.co2e_market_g),
        sum(totals.co2e_embodied_g),
        Arc::new(instant(run.published_at_us)),
    ];
    let mut table = lake.table(&schema::runs()).await?;
    let file = encode_row(&table, columns)?;
    let file = table.put(&PartitionValues::new(), &format!("{}-{}", run.period, run.run_id), file).await?;
    // The run's own sequence has one number: of two processes that completed the same run, one records it.
    match table.append_numbered(&file, &format!("runs/{}", run.run_id), 1, "record").await {
        Err(error) if error.kind() == ErrorKind::Retry && find_run(lake, &run.run_id).await?.is_some() => {
            Ok(())
        }
        other => other,
    }
}

/// Every run that was completed, oldest first.
pub async fn runs(lake: &Lake) -> Result<Vec<RunRecord>> {
    let mut found = Vec::new();
    for batch in rows(lake, &schema::runs()).await? {
        let row = Row::new(&batch);
        for i in 0..batch.num_rows() {
            let count = |column| row.integer(i, column).map(i64::unsigned_abs);
            found.push(RunRecord {
                run_id: RunId::new(row.text(i, 0)?),
                period: parse_period(&row.text(i, 1)?)?,
                method: row.text(i, 2)?,
                factor_set: row.text(i, 3)?,
                code_version: row.text(i, 4)?,
                config: row.text(i, 5)?,
                config_sha256: row.text(i, 6)?,
                inputs_sha256: row.text(i, 7)?,
                inputs: row.text(i, 8)?,
                billing_version: count(9)?,
                totals: RunTotals {
                    rows_estimated: count(11)?,
                    rows_unmapped: count(12)?,
                    rows_excluded: count(13)?,
                    rows_rejected: count(14)?,
                    energy_kwh: row.decimal(i, 15)?,
                    co2e_location_g: row.decimal(i, 16)?,
                    co2e_market_g: row.decimal(i, 17)?,
                    co2e_embodied_g: row.decimal(i, 18)?,
                },
                published_at_us: row.integer(i, 19)?,
            });
        }
    }
    found.sort_by(|a, b| (a.published_at_us, &a.run_id).cmp(&(b.published_at_us, &b.run_id)));
    Ok(found)
}

/// One completed run.
pub async fn find_run(lake: &Lake, run_id: &RunId) -> Result<Option<RunRecord>> {
    Ok(runs(lake).await?.into_iter().find(|run| run.run_id == *run_id))
}

/// One change of the current run of a billing period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodChange {
    /// Running number within the period, from 1.
    pub seq: i64,
    /// The run that became current.
    pub run_id: RunId,
    /// When, microseconds since 1970 in UTC.
    pub published_at_us: i64,
}

/// Every change of every period, oldest first.
pub async fn period_history(lake: &Lake) -> Result<BTreeMap<BillingPeriod, Vec<PeriodChange>>> {
    let mut history: BTreeMap<BillingPeriod, Vec<PeriodChange>> = BTreeMap::new();
    for batch in rows(lake, &schema::periods()).await? {
        let row = Row::new(&batch);
        for i in 0..batch.num_rows() {
            history.entry(parse_period(&row.text(i, 0)?)?).or_default().push(PeriodChange {
                seq: row.integer(i, 1)?,
                run_id: RunId::new(row.text(i, 2)?),
                published_at_us: row.integer(i, 4)?,
            });
        }
    }
    for changes in history.values_mut() {
        changes.sort_by_key(|change| change.seq);
    }
    Ok(history)
}

/// The current run of every period.
pub async fn current_runs(lake: &Lake) -> Result<BTreeMap<BillingPeriod, RunId>> {
    let history = period_history(lake).await?;
    Ok(history
        .into_iter()
        .filter_map(|(period, changes)| Some((period, changes.last()?.run_id.clone())))
        .collect())
}

/// Makes a run current for its period, in one commit. Returns whether anything changed.
///
/// Two publishers that race for one period write the same sequence number; the later commit is refused with
/// [`crate::ErrorKind::Retry`].
pub async fn make_current(lake: &Lake, period: BillingPeriod, run_id: &RunId, now_us: i64) -> Result<bool> {
    let history = period_history(lake).await?.remove(&period).unwrap_or_default();
    let last = history.last();
    if last.is_some_and(|change| change.run_id == *run_id) {
        return Ok(false);
    }
    let seq = last.map_or(1, |change| change.seq + 1);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![period.to_string()])),
        Arc::new(Int64Array::from(vec![seq])),
        Arc::new(StringArray::from(vec![run_id.as_str()])),
        Arc::new(StringArray::from(vec![last.map(|change| change.run_id.as_str())])),
        Arc::new(instant(now_us)),
    ];
    let mut table = lake.table(&schema::periods()).await?;
    let file = encode_row(&table, columns)?;
    let file = table.put(&PartitionValues::new(), &format!("{period}-{seq:06}"), file).await?;
    table.append_numbered(&file, &format!("periods/{period}"), seq, "publish").await?;
    Ok(true)
}

fn encode_row(table: &LakeTable, columns: Vec<ArrayRef>) -> Result<crate::EncodedFile> {
    let description = table.description();
    let schema = description.file_schema();
    let batch = RecordBatch::try_new(SchemaRef::clone(&schema), columns)
        .map_err(|e| Error::corrupt(format!("row of `{}` does not fit: {e}", description.name)))?;
    let mut encoder = FileEncoder::new(description, schema)?;
    encoder.write(&batch)?;
    encoder.finish()
}

/// All rows of a small control table, with plain types; nothing when the table does not exist.
async fn rows(lake: &Lake, table: &schema::Table) -> Result<Vec<RecordBatch>> {
    let Some(open) = lake.existing_table(table).await? else {
        return Ok(Vec::new());
    };
    let context = || format!("cannot read table `{}`", table.name);
    let provider = open.provider(&|_| true).await?;
    let session = SessionContext::new();
    let batches = session.read_table(provider).context(context)?.collect().await.context(context)?;
    let schema = table.schema();
    let plain = |batch: RecordBatch| {
        let columns = schema
            .fields()
            .iter()
            .map(|field| {
                let column = batch
                    .column_by_name(field.name())
                    .ok_or_else(|| Error::corrupt(format!("`{}` lacks `{}`", table.name, field.name())))?;
                cast(column, field.data_type())
                    .map_err(|e| Error::corrupt(format!("`{}` in `{}`: {e}", field.name(), table.name)))
            })
            .collect::<Result<Vec<_>>>()?;
        RecordBatch::try_new(SchemaRef::clone(&schema), columns)
            .map_err(|e| Error::corrupt(format!("rows of `{}` do not fit: {e}", table.name)))
    };
    batches.into_iter().map(plain).collect()
}

/// Typed access to the cells of a control table.
struct Row<'a> {
    batch: &'a RecordBatch,
}

impl<'a> Row<'a> {
    fn new(batch: &'a RecordBatch) -> Self {
        Self { batch }
    }

    fn cell<T: 'static>(&self, column: usize) -> Result<&'a T> {
        self.batch
            .column(column)
            .as_any()
            .downcast_ref::<T>()
            .ok_or_else(|| Error::corrupt(format!("column {column} of a control table has another type")))
    }

    fn text(&self, row: usize, column: usize) -> Result<String> {
        Ok(self.cell::<StringArray>(column)?.value(row).to_owned())
    }

    fn integer(&self, row: usize, column: usize) -> Result<i64> {
        match self.cell::<Int64Array>(column) {
            Ok(array) => Ok(array.value(row)),
            Err(_) => Ok(self.cell::<TimestampMicrosecondArray>(column)?.value(row)),
        }
    }

    fn decimal(&self, row: usize, column: usize) -> Result<i128> {
        let array = self.cell::<Decimal128Array>(column)?;
        Ok(if array.is_null(row) { 0 } else { array.value(row) })
    }
}

fn parse_period(text: &str) -> Result<BillingPeriod> {
    text.parse().map_err(|e| Error::corrupt(format!("control table: {e}")))
}

fn quantity_sum(value: i128) -> Decimal128Array {
    // The data type is set directly: precision and scale are the constants of the schema.
    let data_type = arrow::datatypes::DataType::Decimal128(QUANTITY_SUM_PRECISION, QUANTITY_SCALE);
    Decimal128Array::from(vec![value]).with_data_type(data_type)
}

fn instant(us: i64) -> TimestampMicrosecondArray {
    TimestampMicrosecondArray::from(vec![us]).with_timezone("UTC")
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
