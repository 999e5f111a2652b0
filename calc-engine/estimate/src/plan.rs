//! What a run is: everything its numbers depend on, and the id made of it.

use airshed_domain::{id::RunId, period::BillingPeriod};
use airshed_lake::{DataFile, control::RunRecord};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    error::{Error, ErrorKind, Result},
    stage::Calculation,
    utilization::{HeldMeasurements, MeasuredInput},
};

/// Version of the calculation. It changes whenever a released change can move a number; see CHANGELOG.md, "Changes
/// that restate numbers".
const CALCULATION_VERSION: &str = "1";

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
    /// The measurements.
    pub utilization: MeasuredInput,
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
#[derive(Debug)]
pub(crate) struct RunPlan {
    /// The id.
    pub(crate) run_id: RunId,
    /// The billing period.
    pub(crate) period: BillingPeriod,
    /// What is read.
    pub(crate) inputs: RunInputs,
    /// The billing files, in the order of `inputs`, with what is added to their `line_seq`.
    pub(crate) files: Vec<PlacedFile>,
    /// The measurements.
    pub(crate) measured: HeldMeasurements,
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
    pub(crate) fn new(
        period: BillingPeriod,
        inputs: RunInputs,
        files: Vec<PlacedFile>,
        measured: HeldMeasurements,
        billing_version: u64,
        calculation: &Calculation,
    ) -> Self {
        let rejected = inputs.rejected.to_string();
        let content = inputs.batches.iter().flat_map(|b| &b.files).chain(inputs.utilization.id_parts());
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
            measured,
            billing_version,
            inputs_sha256,
            config,
            config_sha256,
        }
    }
}

/// SHA-256 over texts, each with its length, as hexadecimal digits.
pub(crate) fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    format!("{:x}", hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it stands in `runs` of ledgers that were written before measurements were hashed.
    #[test]
    fn inputs_that_name_files_are_still_read() {
        let old = r#"{"batches":[],"utilization":["c0ffee"],"rejected":2}"#;
        let inputs: RunInputs = serde_json::from_str(old).unwrap();
        assert_eq!(inputs.utilization, MeasuredInput::Files(vec!["c0ffee".to_owned()]));
        assert_eq!(serde_json::to_string(&inputs).unwrap(), old);
        let nothing = r#"{"batches":[],"utilization":[],"rejected":0}"#;
        assert!(serde_json::from_str::<RunInputs>(nothing).unwrap().utilization.is_empty());
    }
}
