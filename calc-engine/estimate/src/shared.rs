//! A run that several processes estimate: what is told of it, and the plan that another process makes of that.
//!
//! Each process plans by itself, from its own reading of the lake and with its own factors and code. Equal run ids prove
//! that the plans are equal; a process that comes to another id estimates nothing.

use std::sync::Arc;

use airshed_domain::{id::RunId, period::BillingPeriod, schema};
use airshed_emission_factors::FactorSet;
use airshed_kernels::method::{MethodName, MethodOptions};
use airshed_lake::{Lake, LakeTable, control::RunTotals};

use crate::{
    error::Result,
    plan::code_version,
    planner::Planner,
    shard::{Shards, file_name, run_partition},
    stage::Calculation,
    utilization::{HeldMeasurements, MeasuredInput},
};

/// What another process must be told of a run to plan it alike.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedRun {
    /// The id that it must come to.
    pub run_id: RunId,
    /// Billing period.
    pub period: BillingPeriod,
    /// Version of `billing_lines` to read.
    pub billing_version: u64,
    /// SHA-256 over the content that is read.
    pub inputs_sha256: String,
    /// The measurements to read.
    pub utilization: MeasuredInput,
    /// Rows that could not be read, as the asking process counted them. The id depends on it, the files do not.
    pub rejected: u64,
    /// The method profile.
    pub method: MethodName,
    /// Its options.
    pub options: MethodOptions,
    /// Tag keys that rollups keep as a dimension.
    pub rollup_tags: Vec<String>,
    /// The factors, by their content.
    pub factor_set: String,
    /// Version of the calculation.
    pub code_version: String,
}

impl SharedRun {
    pub(crate) fn of(shards: &Shards) -> Self {
        let (plan, calculation) = (&shards.plan, shards.calculation());
        Self {
            run_id: plan.run_id.clone(),
            period: plan.period,
            billing_version: plan.billing_version,
            inputs_sha256: plan.inputs_sha256.clone(),
            utilization: plan.inputs.utilization.clone(),
            rejected: plan.inputs.rejected,
            method: calculation.method,
            options: calculation.options.clone(),
            rollup_tags: calculation.rollup_tags.clone(),
            factor_set: calculation.factors.id().to_string(),
            code_version: code_version(),
        }
    }
}

/// Why a process cannot plan a run as it was told of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Different(String);

/// A run that was planned as another process told of it.
#[derive(Debug)]
pub struct PlannedRun {
    shards: Shards,
    emissions: LakeTable,
}

impl PlannedRun {
    /// Plans a run with the lake and the factors of this process.
    ///
    /// # Errors
    /// The outer one when the lake cannot be read; the inner one when this process comes to another run.
    pub async fn plan(
        lake: &Lake,
        factors: Arc<FactorSet>,
        run: &SharedRun,
    ) -> Result<Result<Self, Different>> {
        let different = |text: String| Ok(Err(Different(text)));
        if run.code_version != code_version() {
            return different(format!("it has {}, the run {}", code_version(), run.code_version));
        }
        if run.factor_set != factors.id().as_str() {
            let text = format!("its factor set is {}, that of the run {}", factors.id(), run.factor_set);
            return different(text);
        }
        let newest = lake.existing_table(&schema::billing_lines()).await?;
        if newest.is_none_or(|table| table.version() < run.billing_version) {
            return different(format!(
                "its lake has no version {} of the billing lines",
                run.billing_version
            ));
        }
        let calculation = Calculation {
            factors,
            method: run.method,
            options: run.options.clone(),
            rollup_tags: run.rollup_tags.clone(),
        };
        let planner = Planner::open(lake, &calculation, Some(run.billing_version)).await?;
        let Some(planner) = planner else { return different("its lake has no billing lines".to_owned()) };
        let Ok(measured) = HeldMeasurements::find(lake, run.period, &run.utilization).await? else {
            return different("its lake does not hold the measurements of the run".to_owned());
        };
        let plan = planner.plan_with(run.period, measured, run.utilization.clone(), Some(run.rejected))?;
        if plan.run_id != run.run_id {
            let what = if plan.inputs_sha256 == run.inputs_sha256 { "settings" } else { "billing lines" };
            return different(format!("its {what} make it {}, not {}", plan.run_id, run.run_id));
        }
        let shards = Shards::open(lake, &calculation, plan).await?;
        Ok(Ok(Self { shards, emissions: lake.table(&schema::emissions()).await? }))
    }

    /// Estimates a billing file, by its number, and puts the emissions file into the lake, where it is part of no table
    /// yet. Returns the first 32 hex digits of the SHA-256 of its bytes, and its totals.
    pub async fn estimate(&self, file: usize) -> Result<(String, RunTotals)> {
        let shard = self.shards.estimate(file).await?;
        let partition = run_partition(self.shards.plan.period, &self.shards.plan.run_id);
        let put = self.emissions.put(&partition, &file_name(file), shard.file).await?;
        Ok((put.content_hash().to_owned(), shard.totals))
    }
}
