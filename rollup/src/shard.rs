//! The rollups of one file of `emissions`, in memory.

use std::sync::Arc;

use airshed_domain::schema::{self, DIMENSIONS, MEASURES, Table, column as c};
use airshed_lake::{EncodedFile, FileEncoder};
use arrow::{
    array::RecordBatch,
    compute::cast,
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use datafusion::datasource::MemTable;
use parquet::arrow::{
    ProjectionMask,
    arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
};

use crate::{
    error::{Error, Result},
    session::{Resources, session},
    stage::RollupOptions,
    statement,
};

/// The rollups of one file.
pub(crate) struct Shard {
    pub(crate) hourly: EncodedFile,
    pub(crate) daily: EncodedFile,
    pub(crate) resource_daily: EncodedFile,
    /// To be merged with those of the other files.
    pub(crate) monthly: Vec<RecordBatch>,
    /// To be merged with those of the other files.
    pub(crate) coverage: Vec<RecordBatch>,
}

/// Rolls up one file of `emissions`.
pub(crate) async fn roll_up(bytes: bytes::Bytes, path: &str, options: &RollupOptions) -> Result<Shard> {
    let RollupOptions { tags, resources, .. } = options;
    let lines = read(bytes, path)?;
    let (hours, days, months) =
        (schema::emissions_hourly(), schema::emissions_daily(), schema::emissions_monthly());
    let (by_resource, covered) = (schema::emissions_resource_daily(), schema::coverage());
    let hourly = query("emissions", lines.clone(), &statement::hourly(tags), &hours, resources).await?;
    let daily = query("cells", hourly.clone(), &statement::daily(), &days, resources).await?;
    let monthly = query("cells", daily.clone(), &statement::monthly(), &months, resources).await?;
    let sql = statement::resource_daily(tags);
    let resource_daily = query("emissions", lines.clone(), &sql, &by_resource, resources).await?;
    let coverage = query("emissions", lines, &statement::coverage(), &covered, resources).await?;
    Ok(Shard {
        hourly: encode(&hours, &hourly)?,
        daily: encode(&days, &daily)?,
        resource_daily: encode(&by_resource, &resource_daily)?,
        monthly,
        coverage,
    })
}

/// The answer to `sql` over `batches` under the name `name`, with the types of `table`.
pub(crate) async fn query(
    name: &str,
    batches: Vec<RecordBatch>,
    sql: &str,
    table: &Table,
    resources: &Resources,
) -> Result<Vec<RecordBatch>> {
    let failed = |e| Error::query(format!("cannot fill table `{}`", table.name), e);
    let Some(first) = batches.first() else {
        return Ok(Vec::new());
    };
    let source = MemTable::try_new(first.schema(), vec![batches]).map_err(failed)?;
    let context = session(resources, 1)?;
    context.register_table(name, Arc::new(source)).map_err(failed)?;
    let answer = context.sql(sql).await.map_err(failed)?.collect().await.map_err(failed)?;
    let schema = table.file_schema();
    answer.iter().map(|batch| conform(batch, &schema, table)).collect()
}

/// One file of the batches.
pub(crate) fn encode(table: &Table, batches: &[RecordBatch]) -> Result<EncodedFile> {
    let mut encoder = FileEncoder::new(table, table.file_schema())?;
    for batch in batches {
        encoder.write(batch)?;
    }
    Ok(encoder.finish()?)
}

/// The columns of an emissions file that rollups need. Strings come as views, which the engine groups fastest.
fn read(bytes: bytes::Bytes, path: &str) -> Result<Vec<RecordBatch>> {
    let failed = |e| Error::query(format!("`{path}` cannot be read"), e);
    let fields = schema::emissions()
        .file_schema()
        .fields()
        .iter()
        .map(|field| match field.data_type() {
            DataType::Utf8 => Arc::new(Field::new(field.name(), DataType::Utf8View, field.is_nullable())),
            _ => Arc::clone(field),
        })
        .collect::<Vec<_>>();
    let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options).map_err(failed)?;
    let used =
        [c::USAGE_START, c::RESOURCE_ID, c::STATUS, c::REASON, c::QUALITY, c::BILLED_COST, c::EFFECTIVE_COST];
    let columns = used.iter().chain(DIMENSIONS).chain(MEASURES).copied();
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns);
    let reader = builder.with_projection(mask).build().map_err(failed)?;
    reader.map(|batch| batch.map_err(|e| Error::query(format!("`{path}` cannot be read"), e))).collect()
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
