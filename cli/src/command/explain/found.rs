//! A line with everything that is known about it: its run, its sources, its row of the ledger, its calculation.

use airshed_domain::{
    id::RunId,
    period::BillingPeriod,
    schema::{self, column as c},
};
use airshed_estimate::{BatchInput, BillingLine, RunInputs, find_line, with_measurements};
use airshed_kernels::{
    estimate::Estimator,
    explain::{Explanation, explain},
};
use airshed_lake::control;
use airshed_query_api::Ledger;
use anyhow::{Context as _, bail};
use arrow::{array::RecordBatch, util::display::array_value_to_string};
use futures::TryStreamExt as _;
use serde_json::{Value, json};

use super::super::stages::{self, Periods};
use crate::{app::App, args::ExplainArgs};

/// A line of a current run.
pub(super) struct Found {
    pub(super) run_id: String,
    pub(super) period: String,
    pub(super) method: String,
    pub(super) factor_set: String,
    pub(super) code_version: String,
    pub(super) sources: Vec<Source>,
    pub(super) explanation: Explanation,
    /// Its row of `emissions`.
    row: RecordBatch,
}

/// Where a line stood.
pub(super) struct Source {
    pub(super) object_uri: String,
    pub(super) row_group: String,
    pub(super) row_number: String,
}

/// Finds lines by id; returns at most `most` of them, and how many there are besides.
pub(super) async fn find(
    app: &App,
    ledger: &Ledger,
    args: &ExplainArgs,
    most: usize,
) -> anyhow::Result<(Vec<Found>, usize)> {
    let periods = Periods::parse(args.period.as_slice())?;
    let lake = app.lake()?;
    let Some(billing) = lake.existing_table(&schema::billing_lines()).await? else {
        return Ok((Vec::new(), 0));
    };
    let mut found = Vec::new();
    let mut more = 0;
    for line in find_line(&billing, &args.line_id).await? {
        let period: BillingPeriod = partition(&line, c::PERIOD)?.parse()?;
        let Some(run_id) = ledger.runs().get(&period).filter(|_| periods.contains(period)) else { continue };
        if found.len() == most {
            more += 1;
            continue;
        }
        found.extend(of_run(app, ledger, &line, period, run_id).await?);
    }
    Ok((found, more))
}

/// The line in a run; nothing when the run did not read its batch.
async fn of_run(
    app: &App,
    ledger: &Ledger,
    line: &BillingLine,
    period: BillingPeriod,
    run_id: &RunId,
) -> anyhow::Result<Option<Found>> {
    let run = control::find_run(&app.lake()?, run_id).await?;
    let run = run.with_context(|| format!("`periods` names {run_id} for {period}, `runs` does not"))?;
    let (delivery, batch) = (partition(line, c::DELIVERY_ID)?, partition(line, c::BATCH_ID)?);
    let inputs = RunInputs::of(&run)?;
    let is_its = |input: &&BatchInput| input.delivery == delivery && input.batch == batch;
    let Some(input) = inputs.batches.iter().find(is_its) else { return Ok(None) };

    let seq = line.line_seq + input.first_seq;
    let row =
        rows(ledger, &format!("SELECT * FROM emissions WHERE period = '{period}' AND line_seq = {seq}"))
            .await?;
    let sql = format!(
        "SELECT object_uri, row_group, row_number FROM line_sources WHERE period = '{period}' AND delivery_id = '{delivery}' \
         AND batch_id = '{batch}' AND line_seq = {}",
        line.line_seq
    );
    let sources = rows(ledger, &sql).await?;
    let cell =
        |column: usize, row: usize| array_value_to_string(sources.column(column), row).unwrap_or_default();
    let source =
        |row: usize| Source { object_uri: cell(0, row), row_group: cell(1, row), row_number: cell(2, row) };

    let calculation = stages::calculation(app, Some(&run.method)).await?;
    if calculation.factors.id().as_str() != run.factor_set {
        bail!("the run used factor set {}, at hand is {}", run.factor_set, calculation.factors.id());
    }
    let mut estimator = Estimator::new(calculation.method, calculation.factors, calculation.options, period);
    let line = with_measurements(&app.lake()?, period, &inputs, line.line.clone()).await?;
    let explanation = explain(&mut estimator, &line)?;
    Ok(Some(Found {
        run_id: run.run_id.to_string(),
        period: period.to_string(),
        method: run.method,
        factor_set: run.factor_set,
        code_version: run.code_version,
        sources: (0..sources.num_rows()).map(source).collect(),
        explanation,
        row,
    }))
}

impl Found {
    /// Figures that the calculation and the ledger disagree on.
    pub(super) fn differences(&self) -> Vec<String> {
        let stored = |column: &str| {
            let array = self.row.column_by_name(column).filter(|array| array.len() == 1)?;
            if array.is_null(0) { Some("null".to_owned()) } else { array_value_to_string(array, 0).ok() }
        };
        let figures = self.explanation.figures.iter().map(|figure| (figure.column, figure.text.clone()));
        let status = (c::STATUS, self.explanation.status.to_string());
        figures
            .chain([status])
            .filter_map(|(column, again)| {
                let stored = stored(column).unwrap_or_else(|| "no row".to_owned());
                (stored != again)
                    .then(|| format!("{column}: the ledger has {stored}, calculated again it is {again}"))
            })
            .collect()
    }

    /// All of it as JSON. Figures are decimal strings.
    pub(super) fn json(&self) -> Value {
        let explanation = &self.explanation;
        let number =
            |n: &airshed_kernels::class::Input| json!({ "name": n.name, "value": n.value, "unit": n.unit });
        let key: serde_json::Map<_, _> =
            explanation.key.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let steps = explanation.steps.iter().map(|step| {
            json!({
                "title": step.title,
                "formula": step.formula,
                "inputs": step.inputs.iter().map(number).collect::<Vec<_>>(),
                "result": step.result.as_ref().map(number),
                "factors": step.factor_ids,
                "note": step.note,
            })
        });
        let figures = explanation.figures.iter().map(|figure| {
            let value = figure.steps.map(|_| &figure.text);
            json!({ "column": figure.column, "value": value, "unit": figure.unit, "formula": figure.formula })
        });
        let citations = explanation.citations.iter().map(|citation| {
            json!({
                "factor": citation.factor_id,
                "value": citation.value,
                "source": citation.source,
                "version": citation.version,
                "licence": citation.licence,
                "url": citation.url,
                "page": citation.page,
                "note": citation.note,
            })
        });
        let sources = self.sources.iter().map(|source| {
            json!({ "object_uri": source.object_uri, "row_group": source.row_group, "row_number": source.row_number })
        });
        json!({
            "line_id": explanation.line_id,
            "status": explanation.status.as_str(),
            "reason": explanation.reason.map(|reason| reason.to_string()),
            "usage_family": explanation.family.as_str(),
            "period": self.period,
            "run_id": self.run_id,
            "method": self.method,
            "factor_set": self.factor_set,
            "code_version": self.code_version,
            "sources": sources.collect::<Vec<_>>(),
            "billed": key,
            "steps": steps.collect::<Vec<_>>(),
            "figures": figures.collect::<Vec<_>>(),
            "factors": citations.collect::<Vec<_>>(),
            "differences": self.differences(),
        })
    }
}

fn partition<'l>(line: &'l BillingLine, column: &str) -> anyhow::Result<&'l str> {
    let value = line.file.partition.get(column).map(String::as_str);
    value.with_context(|| format!("`{}` has no partition `{column}`", line.file.path))
}

async fn rows(ledger: &Ledger, sql: &str) -> anyhow::Result<RecordBatch> {
    let stream = ledger.query(sql).await?;
    let schema = stream.schema();
    let batches: Vec<RecordBatch> = stream.try_collect().await?;
    Ok(arrow::compute::concat_batches(&schema, &batches)?)
}
