//! A table of the lake as a plain Parquet scan.
//!
//! delta-rs gives a scan node of its own, which cannot be written down for another process and reads the log anew for
//! each statement. Our tables need nothing of it: their files are known, no column is mapped and no row deleted, so a
//! Parquet scan with partition columns reads the same. Which files a statement needs is decided before any is opened, by
//! their partitions and by the bounds that their entries in the log tell.

pub(crate) mod store;

use std::sync::Arc;

use airshed_lake::{Bound, DataFile, FileFilter, LakeTable};
use arrow::{
    array::{AsArray as _, RecordBatch},
    datatypes::{Field, Schema, SchemaRef},
};
use async_trait::async_trait;
use datafusion::{
    catalog::{Session, TableProvider},
    common::{
        ColumnStatistics, DFSchema, Result, ScalarValue, Statistics, internal_err, plan_datafusion_err,
        pruning::PrunableStatistics, stats::Precision,
    },
    datasource::{
        file_format::{FileFormat as _, parquet::ParquetFormat},
        listing::PartitionedFile,
        physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource},
        table_schema::TableSchema,
    },
    logical_expr::{Expr, TableProviderFilterPushDown, TableType, utils::conjunction},
    physical_optimizer::pruning::PruningPredicateBuilder,
    physical_plan::{ExecutionPlan, empty::EmptyExec},
};

/// Values of an `IN` that files are left out by; of a longer list every file is read.
const LISTED: usize = 256;

/// The files of a table that are shown.
#[derive(Debug)]
pub(crate) struct FilesTable {
    schema: TableSchema,
    files: Vec<ShownFile>,
}

#[derive(Debug)]
struct ShownFile {
    file: PartitionedFile,
    rows: usize,
    /// Bounds of the columns of the table.
    bounds: Arc<Statistics>,
}

impl FilesTable {
    /// The files of a table's version that `shows` accepts, read as `schema`, whose last columns are the table's
    /// partition columns.
    pub(crate) fn new(table: &LakeTable, schema: &SchemaRef, shows: &FileFilter<'_>) -> crate::Result<Self> {
        let description = table.description();
        let names = description.partition_columns();
        let (stored, partition) = schema.fields().split_at(schema.fields().len().saturating_sub(names.len()));
        let corrupt = |e| crate::Error::with_source(crate::ErrorKind::Corrupt, "a table cannot be read", e);
        if !partition.iter().map(|field| field.name().as_str()).eq(names.iter().copied()) {
            return Err(corrupt(plan_datafusion_err!(
                "the partition columns of `{}` are not its last",
                description.name
            )));
        }
        let files = table.files()?.into_iter().filter(|file| shows(file)).map(|file| {
            let values = partition.iter().map(|field| match file.partition.get(field.name()) {
                Some(value) => ScalarValue::try_from_string(value.clone(), field.data_type()),
                None => ScalarValue::try_from(field.data_type()),
            });
            let values = values.collect::<Result<Vec<_>>>().map_err(corrupt)?;
            let path = format!("{}/{}", description.name, file.path);
            Ok(ShownFile {
                rows: usize::try_from(file.rows).unwrap_or(usize::MAX),
                bounds: Arc::new(bounds(schema, &file).map_err(corrupt)?),
                file: PartitionedFile::new(path, file.size).with_partition_values(values),
            })
        });
        let files = files.collect::<crate::Result<Vec<_>>>()?;
        let stored = Schema::new_with_metadata(stored.to_vec(), schema.metadata().clone());
        let schema = TableSchema::builder(Arc::new(stored)).with_table_partition_cols(partition.to_vec());
        Ok(Self { schema: schema.build(), files })
    }

    /// Rows of all its files.
    pub(crate) fn rows(&self) -> usize {
        sum_of_rows(&self.files.iter().collect::<Vec<_>>())
    }

    /// Rows of the files that a scan with these conditions opens.
    pub(crate) fn rows_read(&self, state: &dyn Session, filters: &[Expr]) -> Result<usize> {
        Ok(sum_of_rows(&self.selected(state, filters)?))
    }

    /// The files that can hold rows which meet the conditions, as far as partition columns and bounds tell.
    fn selected(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<&ShownFile>> {
        let files = self.of_partitions(state, filters)?;
        let (Some(condition), false) = (conjunction(filters.iter().cloned()), files.is_empty()) else {
            return Ok(files);
        };
        let schema = self.schema.table_schema();
        let condition = state.create_physical_expr(condition, &DFSchema::try_from(Arc::clone(schema))?)?;
        let mut builder = PruningPredicateBuilder::new().with_file_schema(Arc::clone(schema));
        builder = builder.with_max_in_list_size(LISTED);
        let Some(condition) = builder.build(condition) else { return Ok(files) };
        let bounds = files.iter().map(|file| Arc::clone(&file.bounds)).collect();
        let kept = condition.prune(&PrunableStatistics::new(bounds, Arc::clone(schema)))?;
        Ok(files.into_iter().zip(kept).filter_map(|(file, kept)| kept.then_some(file)).collect())
    }

    /// The files whose partitions meet the conditions.
    fn of_partitions(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<&ShownFile>> {
        let partition = self.schema.table_partition_cols();
        let is_told = |filter: &&Expr| {
            let columns = filter.column_refs();
            !columns.is_empty() && columns.iter().all(|column| partition.find(&column.name).is_some())
        };
        let condition = conjunction(filters.iter().filter(is_told).cloned());
        let (Some(condition), false) = (condition, self.files.is_empty()) else {
            return Ok(self.files.iter().collect());
        };
        let values = (0..partition.len())
            .map(|i| {
                ScalarValue::iter_to_array(
                    self.files.iter().map(|shown| shown.file.partition_values[i].clone()),
                )
            })
            .collect::<Result<Vec<_>>>()?;
        let batch = RecordBatch::try_new(Arc::new(Schema::new(partition.clone())), values)?;
        let condition = state.create_physical_expr(condition, &DFSchema::try_from(batch.schema())?)?;
        let selected = condition.evaluate(&batch)?.into_array(batch.num_rows())?;
        let Some(selected) = selected.as_boolean_opt() else {
            return internal_err!("a condition on partition columns is no condition");
        };
        let files = self.files.iter().zip(selected);
        Ok(files.filter_map(|(file, selected)| (selected == Some(true)).then_some(file)).collect())
    }
}

fn sum_of_rows(files: &[&ShownFile]) -> usize {
    files.iter().fold(0, |sum, shown| sum.saturating_add(shown.rows))
}

/// What a file's entry in the log tells of the columns of a table.
fn bounds(schema: &Schema, file: &DataFile) -> Result<Statistics> {
    let of_column = |field: &Arc<Field>| {
        let value = |bound: &Bound| match bound {
            Bound::Text(text) => ScalarValue::from(text.as_str()).cast_to(field.data_type()),
            Bound::Instant(us) => {
                ScalarValue::TimestampMicrosecond(Some(*us), None).cast_to(field.data_type())
            }
        };
        // Nulls are unknown: files of which nothing is known and others stand in one list.
        let (least, most) = match file.bounds.of(field.name()) {
            Some((least, most)) => (value(least)?, value(most)?),
            None => (ScalarValue::try_from(field.data_type())?, ScalarValue::try_from(field.data_type())?),
        };
        Ok(ColumnStatistics {
            min_value: Precision::Exact(least),
            max_value: Precision::Exact(most),
            ..ColumnStatistics::new_unknown()
        })
    };
    let column_statistics = schema.fields().iter().map(of_column).collect::<Result<_>>()?;
    Ok(Statistics { num_rows: Precision::Absent, total_byte_size: Precision::Absent, column_statistics })
}

#[async_trait]
impl TableProvider for FilesTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.schema.table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.schema();
        let selected = self.selected(state, filters)?;
        if selected.is_empty() {
            let shown =
                projection.map_or_else(|| Ok((*schema).clone()), |columns| schema.project(columns))?;
            return Ok(Arc::new(EmptyExec::new(Arc::new(shown))));
        }
        let statistics = Statistics {
            num_rows: Precision::Exact(sum_of_rows(&selected)),
            total_byte_size: Precision::Absent,
            column_statistics: vec![ColumnStatistics::new_unknown(); schema.fields().len()],
        };
        let files = FileGroup::new(selected.into_iter().map(|shown| shown.file.clone()).collect());
        // Conditions on rows come down later, when the plan is optimised.
        let source = ParquetSource::new(self.schema.clone());
        let scan = FileScanConfigBuilder::new(store::name()?, Arc::new(source))
            .with_file_groups(files.split_files(state.config().target_partitions()))
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        let format = ParquetFormat::new().with_options(state.default_table_options().parquet);
        format.create_physical_plan(state, scan).await
    }
}

#[cfg(test)]
mod tests;
