//! The yardstick: DataFusion reads the very columns that the import reads and writes them as zstd Parquet.
//!
//! No parsing, no estimate, no ledger, no order: what any pipeline that keeps the columns must at least pay.

use std::path::PathBuf;

use airshed_ingest::format::Format;
use anyhow::{Context as _, Result};
use datafusion::{
    config::TableParquetOptions,
    dataframe::DataFrameWriteOptions,
    prelude::{ParquetReadOptions, SessionConfig, SessionContext},
};

/// What to copy.
#[derive(Debug, Clone)]
pub(crate) struct CopyOptions {
    /// Folder that holds Parquet files, at any depth.
    pub(crate) input: PathBuf,
    /// Folder to write to.
    pub(crate) output: PathBuf,
    /// Partitions that DataFusion works on at once.
    pub(crate) threads: usize,
}

/// What was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(crate) struct CopyReport {
    /// Rows.
    pub(crate) rows: u64,
    /// Columns.
    pub(crate) columns: usize,
}

/// Copies the columns of every file.
pub(crate) async fn copy(options: &CopyOptions) -> Result<CopyReport> {
    // Exports keep their files in folders of folders.
    let config = SessionConfig::new()
        .with_target_partitions(options.threads)
        .set_bool("datafusion.execution.listing_table_ignore_subdirectory", false);
    let context = SessionContext::new_with_config(config);
    let input = options.input.to_string_lossy();
    let frame = context
        .read_parquet(format!("{}/", input.trim_end_matches('/')), ParquetReadOptions::default())
        .await
        .with_context(|| format!("cannot read {input}"))?;
    let fields = frame.schema().fields();
    let columns: Vec<String> =
        fields.iter().map(|f| f.name().clone()).filter(|name| Format::Cur2.uses(name)).collect();
    let frame = frame.select_columns(&columns.iter().map(String::as_str).collect::<Vec<_>>())?;
    let mut parquet = TableParquetOptions::default();
    parquet.global.compression = Some("zstd(1)".to_owned());
    let output = options.output.to_string_lossy();
    let batches = frame
        .write_parquet(&format!("{output}/"), DataFrameWriteOptions::new(), Some(parquet))
        .await
        .with_context(|| format!("cannot write {output}"))?;
    let counts = batches.iter().filter_map(|batch| {
        let counts = batch.column(0).as_any().downcast_ref::<arrow::array::UInt64Array>()?;
        Some(arrow::compute::sum(counts).unwrap_or(0))
    });
    Ok(CopyReport { rows: counts.sum(), columns: columns.len() })
}
