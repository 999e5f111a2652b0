//! What a run is: everything its numbers depend on, and the id made of it.

use std::collections::BTreeMap;

use airshed_domain::{
    id::RunId,
    period::BillingPeriod,
    schema::{self, column},
};
use airshed_lake::{
    DataFile, Lake, LakeTable,
    control::{self, RunRecord},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    error::{Error, ErrorKind, Result},
    stage::Calculation,
};

/// Version of the calculation. It changes whenever a released change can move a number; see CHANGELOG.md, "Changes
/// that restate numbers".
const CALCULATION_VERSION: &str = "1";

/// What the partition of `rejects` says of rows whose period could not be read.
const UNKNOWN_PERIOD: &str = "unknown";

/// The code version that takes part in a run id: the calculation's, not the binary's, so that a release that moves no
/// number restates nothing.
pub fn code_version() -> String {
    format!("calculation-{CALCULATION_VERSION}")
}

/// One batch of billing lines that a run reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchInput {
    /// The delivery.
    pub delivery: String,
    /// The reading of it.
    pub batch: String,
    /// What is added to the batch's `line_seq`, so that lines are numbered through over the whole run.
    pub first_seq: i64,
    /// Rows.
    pub rows: u64,
    /// Content hashes of its files, in order.
    pub files: Vec<String>,
}

/// A billing file and what is added to its `line_seq`.
pub(crate) type PlacedFile = (DataFile, i64);

/// Everything a run reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInputs {
    /// Batches, ordered by their content.
    pub batches: Vec<BatchInput>,
    /// Content hashes of the utilisation files.
    pub utilization: Vec<String>,
    /// Rows of the batches that could not be read. Those without a period count in the batch's first.
    pub rejected: u64,
}

impl RunInputs {
    /// What a recorded run read.
    ///
    /// # Errors
    /// When its record is not readable.
    pub fn of(run: &RunRecord) -> Result<Self> {
        let corrupt = |e| Error::with_source(ErrorKind::Corrupt, format!("inputs of {}", run.run_id), e);
        serde_json::from_str(&run.inputs).map_err(corrupt)
    }
}

/// A run before it is computed.
#[derive(Debug, Clone)]
pub(crate) struct RunPlan {
    /// The id.
    pub(crate) run_id: RunId,
    /// The billing period.
    pub(crate) period: BillingPeriod,
    /// What is read.
    pub(crate) inputs: RunInputs,
    /// The billing files, in the order of `inputs`, with what is added to their `line_seq`.
    pub(crate) files: Vec<PlacedFile>,
    /// The utilisation files.
    pub(crate) utilization_files: Vec<DataFile>,
    /// Version of `billing_lines`.
    pub(crate) billing_version: u64,
    /// SHA-256 over the content that is read.
    pub(crate) inputs_sha256: String,
    /// The configuration that the run's tables depend on.
    pub(crate) config: String,
    /// SHA-256 of that configuration.
    pub(crate) config_sha256: String,
}

impl RunPlan {
    /// One plan per billing period that the lake holds, at a version of `billing_lines` or at the newest.
    pub(crate) async fn all(
        lake: &Lake,
        calculation: &Calculation,
        version: Option<u64>,
    ) -> Result<Vec<Self>> {
        let Some(newest) = lake.existing_table(&schema::billing_lines()).await? else {
            return Ok(Vec::new());
        };
        let billing = match version {
            Some(version) => newest.at_version(version).await?,
            None => newest,
        };
        let utilization = lake.existing_table(&schema::utilization()).await?;
        let rejects = match lake.existing_table(&schema::rejects()).await? {
            Some(table) => table.files()?,
            None => Vec::new(),
        };
        let mut by_period: BTreeMap<String, Vec<DataFile>> = BTreeMap::new();
        let mut first_period: BTreeMap<String, String> = BTreeMap::new();
        for file in billing.files()? {
            let (period, batch) = (partition(&file, column::PERIOD)?, partition(&file, column::BATCH_ID)?);
            let first = first_period.entry(batch).or_insert_with(|| period.clone());
            if period < *first {
                first.clone_from(&period);
            }
            by_period.entry(period).or_default().push(file);
        }
        // Where every delivery was removed, a run of no lines takes the place of the one that had them.
        for period in control::current_runs(lake).await?.into_keys() {
            by_period.entry(period.to_string()).or_default();
        }
        let rejected_in = |period: &str, batches: &[BatchInput]| -> u64 {
            let counts = |file: &&DataFile| {
                let of = |column| file.partition.get(column).map(String::as_str);
                let batch = batches.iter().find(|b| {
                    of(column::BATCH_ID) == Some(&b.batch) && of(column::DELIVERY_ID) == Some(&b.delivery)
                });
                batch.is_some_and(|batch| match of(column::PERIOD) {
                    Some(UNKNOWN_PERIOD) => {
                        first_period.get(&batch.batch).is_some_and(|first| first == period)
                    }
                    own => own == Some(period),
                })
            };
            rejects.iter().filter(counts).map(|file| file.rows).sum()
        };
        let mut plans = Vec::new();
        for (period, files) in by_period {
            let parsed: BillingPeriod = period
                .parse()
                .map_err(|e| Error::with_source(ErrorKind::Corrupt, "table `billing_lines`", e))?;
            let (batches, files) = order_by_content(files)?;
            let utilization_files = utilization_of(utilization.as_ref(), parsed)?;
            let inputs = RunInputs {
                rejected: rejected_in(&period, &batches),
                batches,
                utilization: utilization_files.iter().map(|f| f.content_hash().to_owned()).collect(),
            };
            plans.push(Self::new(parsed, inputs, files, utilization_files, billing.version(), calculation));
        }
        Ok(plans)
    }

    fn new(
        period: BillingPeriod,
        inputs: RunInputs,
        files: Vec<PlacedFile>,
        utilization_files: Vec<DataFile>,
        billing_version: u64,
        calculation: &Calculation,
    ) -> Self {
        let rejected = inputs.rejected.to_string();
        let content = inputs.batches.iter().flat_map(|b| &b.files).chain(&inputs.utilization);
        let inputs_sha256 = digest(content.chain([&rejected]).map(String::as_str));
        let config = format!(
            "{}rollup_tags={}\n",
            calculation.options.canonical_text(),
            calculation.rollup_tags.join(",")
        );
        let config_sha256 = digest([config.as_str()]);
        let id = digest([
            &period.to_string(),
            &inputs_sha256,
            calculation.factors.id().as_str(),
            calculation.method.as_str(),
            &config_sha256,
            &code_version(),
        ]);
        Self {
            run_id: RunId::new(format!("run-{}", &id[..16])),
            period,
            inputs,
            files,
            utilization_files,
            billing_version,
            inputs_sha256,
            config,
            config_sha256,
        }
    }
}

/// The utilisation files of a period, ordered by their content.
pub(crate) fn utilization_of(table: Option<&LakeTable>, period: BillingPeriod) -> Result<Vec<DataFile>> {
    let Some(table) = table else { return Ok(Vec::new()) };
    let mut files = table.partition_files(&[(column::PERIOD.to_owned(), period.to_string())].into())?;
    files.sort_by(|a, b| a.content_hash().cmp(b.content_hash()));
    Ok(files)
}

/// Groups files into batches and orders batches by content, never by where they were delivered.
fn order_by_content(files: Vec<DataFile>) -> Result<(Vec<BatchInput>, Vec<PlacedFile>)> {
    let mut groups: BTreeMap<(String, String), Vec<DataFile>> = BTreeMap::new();
    for file in files {
        let key = (partition(&file, column::DELIVERY_ID)?, partition(&file, column::BATCH_ID)?);
        groups.entry(key).or_default().push(file);
    }
    let mut groups: Vec<_> = groups
        .into_iter()
        .map(|(key, files)| {
            let hashes: Vec<String> = files.iter().map(|f| f.content_hash().to_owned()).collect();
            (hashes, key, files)
        })
        .collect();
    groups.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    let mut batches = Vec::new();
    let mut ordered = Vec::new();
    let mut first_seq = 0;
    for (hashes, (delivery, batch), files) in groups {
        let rows: u64 = files.iter().map(|f| f.rows).sum();
        ordered.extend(files.into_iter().map(|file| (file, first_seq)));
        batches.push(BatchInput { delivery, batch, first_seq, rows, files: hashes });
        first_seq += i64::try_from(rows).unwrap_or(i64::MAX);
    }
    Ok((batches, ordered))
}

fn partition(file: &DataFile, column: &str) -> Result<String> {
    file.partition
        .get(column)
        .cloned()
        .ok_or_else(|| Error::new(ErrorKind::Corrupt, format!("`{}` has no partition `{column}`", file.path)))
}

/// SHA-256 over texts, each with its length, as hexadecimal digits.
fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    format!("{:x}", hash.finalize())
}
