//! Conservation, proved from the files: rows in equal rows out, and every grain sums to the same last digit.
//!
//! Three kinds of check: the files are whole ([`files`]), each delivery's rows all arrived ([`deliveries`]), and a run
//! and its rollups carry what its lines hold ([`current_runs`]). The first comes first, as sums over damaged files are
//! errors and not answers.

mod deliveries;
mod files;

use std::sync::Arc;

use airshed_domain::schema::{self, MEASURES, Table, column as c};
use airshed_lake::{
    DataFile, Lake,
    control::{self, RunRecord},
};
use arrow::{
    array::{Array as _, ArrayRef},
    util::display::array_value_to_string,
};
use datafusion::catalog::TableProvider;

use crate::{
    error::{Error, Result},
    session::{Resources, session},
};

pub use deliveries::deliveries;
pub use files::{FilesOf, files};

/// One thing that must be equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The run; none for what no run decides.
    pub run_id: Option<String>,
    /// What is compared.
    pub name: String,
    /// One side, exact.
    pub expected: String,
    /// The other side, exact.
    pub actual: String,
}

impl Check {
    /// Whether both sides are the same to the last digit.
    pub fn passed(&self) -> bool {
        self.expected == self.actual
    }
}

/// Checks the current run of every period.
pub async fn current_runs(lake: &Lake, resources: &Resources) -> Result<Vec<Check>> {
    let mut checks = Vec::new();
    for (period, run_id) in control::current_runs(lake).await? {
        let run = control::find_run(lake, &run_id).await?.ok_or_else(|| {
            Error::corrupt(format!("`periods` names {run_id} for {period}, `runs` does not"))
        })?;
        checks.extend(of_run(lake, &run, resources).await?);
    }
    Ok(checks)
}

async fn of_run(lake: &Lake, run: &RunRecord, resources: &Resources) -> Result<Vec<Check>> {
    let mut checks = Vec::new();
    let mut push = |name: String, expected: String, actual: String| {
        checks.push(Check { run_id: Some(run.run_id.to_string()), name, expected, actual });
    };
    let billing = lake.table(&schema::billing_lines()).await?.at_version(run.billing_version).await?;
    let period = run.period.to_string();
    let billed = sums(
        &billing.provider(&|file: &DataFile| file.partition.get(c::PERIOD) == Some(&period)).await?,
        &["count(*)".to_owned(), format!("sum({})", c::BILLED_COST), format!("sum({})", c::EFFECTIVE_COST)],
        resources,
    )
    .await?;
    let lines = run.totals.rows_estimated + run.totals.rows_unmapped + run.totals.rows_excluded;
    push("billing lines = estimated + unmapped + excluded".to_owned(), billed[0].clone(), lines.to_string());

    let costs = [c::BILLED_COST, c::EFFECTIVE_COST];
    let mut expected: Vec<(String, String)> = vec![(c::LINES.to_owned(), billed[0].clone())];
    expected.extend(costs.iter().zip(&billed[1..]).map(|(name, sum)| ((*name).to_owned(), sum.clone())));
    let line_sums = {
        let mut expressions = vec!["count(*)".to_owned()];
        expressions.extend(costs.iter().chain(MEASURES).map(|name| format!("sum({name})")));
        of_table(lake, &schema::emissions(), run, &expressions, resources).await?
    };
    for ((name, billed), carried) in expected.iter().zip(&line_sums) {
        push(format!("emissions {name} = billing_lines {name}"), billed.clone(), carried.clone());
    }
    let names: Vec<&str> = std::iter::once(c::LINES).chain(costs).chain(MEASURES.iter().copied()).collect();
    // A run of no lines has no cell that could say so.
    let of_cells: Vec<String> = std::iter::once(format!("coalesce(sum({}), 0)", c::LINES))
        .chain(names[1..].iter().map(|name| format!("sum({name})")))
        .collect();
    let rollups = [
        schema::emissions_hourly(),
        schema::emissions_daily(),
        schema::emissions_monthly(),
        schema::emissions_resource_daily(),
    ];
    // Runs that were rolled up before there was a summary have nothing of it.
    let mut summaries = Vec::new();
    for summary in schema::summaries() {
        let open = lake.table(&summary).await?;
        if open
            .files()?
            .iter()
            .any(|file| file.partition.get(c::RUN_ID).is_some_and(|id| *id == run.run_id.as_str()))
        {
            summaries.push(summary);
        }
    }
    for table in rollups.into_iter().chain(summaries) {
        let rolled = of_table(lake, &table, run, &of_cells, resources).await?;
        for ((name, line_sum), cell_sum) in names.iter().zip(&line_sums).zip(rolled) {
            push(format!("{} {name} = emissions {name}", table.name), line_sum.clone(), cell_sum);
        }
    }
    let covered = of_table(lake, &schema::coverage(), run, &of_cells[..3], resources).await?;
    for ((name, line_sum), cell_sum) in names.iter().zip(&line_sums).zip(covered) {
        push(format!("coverage {name} = emissions {name}"), line_sum.clone(), cell_sum);
    }
    Ok(checks)
}

async fn of_table(
    lake: &Lake,
    table: &Table,
    run: &RunRecord,
    expressions: &[String],
    resources: &Resources,
) -> Result<Vec<String>> {
    let run_id = run.run_id.to_string();
    let open = lake.table(table).await?;
    let provider = open.provider(&|file: &DataFile| file.partition.get(c::RUN_ID) == Some(&run_id)).await?;
    sums(&provider, expressions, resources).await
}

async fn sums(
    provider: &Arc<dyn TableProvider>,
    expressions: &[String],
    resources: &Resources,
) -> Result<Vec<String>> {
    let sql = format!("SELECT {} FROM checked", expressions.join(", "));
    let mut rows = answer(provider, &sql, resources).await?;
    rows.pop().ok_or_else(|| Error::corrupt("a sum has no row"))
}

/// The rows of a statement over the table `checked`, as texts.
async fn answer(
    provider: &Arc<dyn TableProvider>,
    sql: &str,
    resources: &Resources,
) -> Result<Vec<Vec<String>>> {
    let failed = |e| Error::query("cannot sum a table of the ledger", e);
    let context = session(resources)?;
    context.register_table("checked", Arc::clone(provider)).map_err(failed)?;
    let batches = context.sql(sql).await.map_err(failed)?.collect().await.map_err(failed)?;
    let mut rows = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let text = |column: &ArrayRef| {
                if column.is_null(row) {
                    return Ok("null".to_owned());
                }
                array_value_to_string(column, row).map_err(|e| Error::query("cannot print a sum", e))
            };
            rows.push(batch.columns().iter().map(text).collect::<Result<_>>()?);
        }
    }
    Ok(rows)
}
