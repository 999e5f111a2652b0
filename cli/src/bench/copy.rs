//! The yardstick: DataFusion reads the columns that the import reads and writes them as zstd Parquet.
//!
//! No parsing, no estimate, no ledger, no order: what any pipeline that keeps the columns must at least pay.

use std::path::PathBuf;

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

/// The columns of a CUR 2.0 export that an import reads.
pub(crate) const IMPORTED_COLUMNS: [&str; 48] = [
    "bill_bill_type",
    "bill_billing_entity",
    "bill_billing_period_start_date",
    "bill_invoice_id",
    "bill_payer_account_id",
    "cost_category",
    "identity_line_item_id",
    "identity_time_interval",
    "line_item_availability_zone",
    "line_item_currency_code",
    "line_item_line_item_description",
    "line_item_line_item_type",
    "line_item_net_unblended_cost",
    "line_item_operation",
    "line_item_product_code",
    "line_item_resource_id",
    "line_item_unblended_cost",
    "line_item_usage_account_id",
    "line_item_usage_account_name",
    "line_item_usage_amount",
    "line_item_usage_end_date",
    "line_item_usage_start_date",
    "line_item_usage_type",
    "pricing_public_on_demand_cost",
    "pricing_unit",
    "product",
    "product_from_region_code",
    "product_instance_family",
    "product_instance_type",
    "product_location",
    "product_product_family",
    "product_region_code",
    "product_servicecode",
    "product_to_region_code",
    "reservation_effective_cost",
    "reservation_reservation_a_r_n",
    "reservation_unused_quantity",
    "reservation_unused_recurring_fee",
    "resource_tags",
    "savings_plan_savings_plan_a_r_n",
    "savings_plan_savings_plan_effective_cost",
    "savings_plan_total_commitment_to_date",
    "savings_plan_used_commitment",
    "split_line_item_actual_usage",
    "split_line_item_parent_resource_id",
    "split_line_item_split_cost",
    "split_line_item_split_usage",
    "split_line_item_split_usage_ratio",
];

/// Copies the columns of every file.
pub(crate) async fn copy(options: &CopyOptions) -> Result<CopyReport> {
    let config = SessionConfig::new().with_target_partitions(options.threads);
    let context = SessionContext::new_with_config(config);
    let input = options.input.to_string_lossy();
    let frame = context
        .read_parquet(format!("{}/", input.trim_end_matches('/')), ParquetReadOptions::default())
        .await
        .with_context(|| format!("cannot read {input}"))?
        .select_columns(&IMPORTED_COLUMNS)?;
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
    Ok(CopyReport { rows: counts.sum(), columns: IMPORTED_COLUMNS.len() })
}
