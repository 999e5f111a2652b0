//! Rolling up a run and making it current.

use std::sync::Arc;

use airshed_domain::{
    period::BillingPeriod,
    schema::{self, Table, column},
};
use airshed_lake::{
    DataFile, FileEncoder, Lake, LakeTable, PartitionValues,
    control::{self, RunRecord},
};
use arrow::{array::RecordBatch, compute::cast, datatypes::SchemaRef};
use datafusion::{catalog::TableProvider, prelude::SessionContext};
use futures::StreamExt as _;

use crate::{
    error::{Error, Result},
    session::{Resources, session},
    statement,
};

/// Rows of a rollup file.
const FILE_ROWS: u64 = 1 << 20;

/// How the stage runs.
#[derive(Debug, Clone)]
pub struct RollupOptions {
    /// Tag keys that become a dimension.
    pub tags: Vec<String>,
    /// What it may use.
    pub resources: Resources,
    /// The time that is recorded, microseconds since 1970 in UTC.
    pub now_us: i64,
}

/// What became of one run.
#[derive(Debug, Clone)]
pub struct RollupOutcome {
    /// Billing period.
    pub period: BillingPeriod,
    /// The run.
    pub run: RunRecord,
    /// Rows of the tables written, by name; empty when the run was current already.
    pub rows: Vec<(&'static str, u64)>,
    /// Whether the run became current just now.
    pub published: bool,
}

/// Rolls up a completed run and makes it current for its period.
pub async fn roll_up(lake: &Lake, run: &RunRecord, options: &RollupOptions) -> Result<RollupOutcome> {
    let mut outcome =
        RollupOutcome { period: run.period, run: run.clone(), rows: Vec::new(), published: false };
    if control::current_runs(lake).await?.get(&run.period) == Some(&run.run_id) {
        return Ok(outcome);
    }
    let emissions = lake.table(&schema::emissions()).await?;
    let partition: PartitionValues = [
        (column::PERIOD.to_owned(), run.period.to_string()),
        (column::RUN_ID.to_owned(), run.run_id.to_string()),
    ]
    .into();
    let source = provider(&emissions, &partition).await?;
    let stage = Stage { lake, partition, options };

    let hourly = stage.write(&schema::emissions_hourly(), "emissions", source.clone(), &statement::hourly(&options.tags)).await?;
    let cells = provider(&hourly.table, &stage.partition).await?;
    let daily = stage.write(&schema::emissions_daily(), "cells", cells, &statement::daily()).await?;
    let cells = provider(&daily.table, &stage.partition).await?;
    let monthly = stage.write(&schema::emissions_monthly(), "cells", cells, &statement::monthly()).await?;
    let resources = stage
        .write(&schema::emissions_resource_daily(), "emissions", source.clone(), &statement::resource_daily(&options.tags))
        .await?;
    let coverage = stage.write(&schema::coverage(), "emissions", source, &statement::coverage()).await?;

    for written in [hourly, daily, monthly, resources, coverage] {
        outcome.rows.push((written.table.description().name, written.rows));
    }
    outcome.published = control::make_current(lake, run.period, &run.run_id, options.now_us).await?;
    Ok(outcome)
}

async fn provider(table: &LakeTable, partition: &PartitionValues) -> Result<Arc<dyn TableProvider>> {
    let within = |file: &DataFile| partition.iter().all(|(k, v)| file.partition.get(k) == Some(v));
    Ok(table.provider(&within).await?)
}

struct Stage<'a> {
    lake: &'a Lake,
    partition: PartitionValues,
    options: &'a RollupOptions,
}

struct Written {
    table: LakeTable,
    rows: u64,
}

impl Stage<'_> {
    /// Fills the run's partition of `table` with the answer to `sql` over `source` under the name `name`.
    async fn write(
        &self,
        table: &Table,
        name: &str,
        source: Arc<dyn TableProvider>,
        sql: &str,
    ) -> Result<Written> {
        let failed = |e| Error::query(format!("cannot fill table `{}`", table.name), e);
        let context: SessionContext = session(&self.options.resources)?;
        context.register_table(name, source).map_err(failed)?;
        let mut answer = context.sql(sql).await.map_err(failed)?.execute_stream().await.map_err(failed)?;
        let mut target = self.lake.table(table).await?;
        let schema = table.file_schema();
        let mut files = Vec::new();
        let mut encoder = FileEncoder::new(table, Arc::clone(&schema))?;
        let mut in_file = 0;
        let mut rows = 0;
        while let Some(batch) = answer.next().await {
            let mut rest = conform(&batch.map_err(failed)?, &schema, table)?;
            rows += rest.num_rows() as u64;
            // Files are cut at fixed rows, whatever batches the engine hands out.
            while in_file + rest.num_rows() as u64 >= FILE_ROWS {
                let take = usize::try_from(FILE_ROWS - in_file).unwrap_or(rest.num_rows());
                encoder.write(&rest.slice(0, take))?;
                rest = rest.slice(take, rest.num_rows() - take);
                let full = std::mem::replace(&mut encoder, FileEncoder::new(table, Arc::clone(&schema))?);
                self.put(&target, full, &mut files).await?;
                in_file = 0;
            }
            encoder.write(&rest)?;
            in_file += rest.num_rows() as u64;
        }
        if in_file > 0 {
            self.put(&target, encoder, &mut files).await?;
        }
        target.replace_partition(&self.partition, &files, "rollup").await?;
        Ok(Written { table: target, rows })
    }

    async fn put(&self, target: &LakeTable, encoder: FileEncoder, files: &mut Vec<DataFile>) -> Result<()> {
        let name = format!("part-{:05}", files.len());
        files.push(target.put(&self.partition, &name, encoder.finish()?).await?);
        Ok(())
    }
}

/// The engine's answer with the types that the table has.
fn conform(batch: &RecordBatch, schema: &SchemaRef, table: &Table) -> Result<RecordBatch> {
    let failed = |e| Error::query(format!("rows of table `{}`", table.name), e);
    let columns = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| cast(column, field.data_type()).map_err(failed))
        .collect::<Result<Vec<_>>>()?;
    RecordBatch::try_new(SchemaRef::clone(schema), columns).map_err(failed)
}
