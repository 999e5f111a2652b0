//! What a run read of `utilization`, and finding it again.
//!
//! A run depends on the processor measurements after overlaps are resolved, not on the files that hold them: however many
//! processes collected them, and however their files were compacted, the run is the same.

use std::{collections::HashSet, sync::Arc};

use airshed_domain::{
    period::BillingPeriod,
    schema::{self, column as c},
};
use airshed_lake::{DataFile, Lake, LakeTable};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use super::Measurements;
use crate::{
    error::{Error, ErrorKind, Result},
    plan::digest,
};

/// What a run read of `utilization`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MeasuredInput {
    /// Content hashes of the files, in order: none, or of a run of the time before measurements were hashed.
    Files(Vec<String>),
    /// The measurements.
    Content(MeasuredContent),
}

/// The processor measurements of a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredContent {
    /// SHA-256 over the resolved measurements, sorted by resource and time. Nothing when there are none.
    pub sha256: Option<String>,
    /// SHA-256 over the content hashes of the files that were read. Where a period has just these files, its measurements
    /// are known without reading them. Takes no part in the run's id.
    pub files_sha256: String,
    /// Version of the table that was read. Takes no part in the run's id.
    pub version: u64,
}

impl MeasuredInput {
    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.id_parts().next().is_none()
    }

    /// What takes part in the run's id.
    pub(crate) fn id_parts(&self) -> impl Iterator<Item = &String> {
        match self {
            Self::Files(hashes) => hashes.as_slice(),
            Self::Content(content) => content.sha256.as_slice(),
        }
        .iter()
    }
}

/// The measurements of a period at one version of the table, read when they are first asked for and once.
#[derive(Debug)]
pub struct HeldMeasurements {
    table: Option<LakeTable>,
    files: Vec<DataFile>,
    loaded: OnceCell<Arc<Measurements>>,
}

impl HeldMeasurements {
    /// Those of the version that a handle reads; none when there is no table.
    ///
    /// # Errors
    /// When the files of the table cannot be listed.
    pub fn of(table: Option<&LakeTable>, period: BillingPeriod) -> Result<Self> {
        let partition = [(c::PERIOD.to_owned(), period.to_string())].into();
        let mut files = match table {
            Some(table) => table.partition_files(&partition)?,
            None => Vec::new(),
        };
        files.sort_by(|a, b| a.content_hash().cmp(b.content_hash()));
        Ok(Self { table: table.cloned(), files, loaded: OnceCell::new() })
    }

    /// Whether a run read just these.
    ///
    /// # Errors
    /// When files have to be read and cannot be.
    pub async fn are(&self, input: &MeasuredInput) -> Result<bool> {
        match input {
            MeasuredInput::Files(hashes) if !hashes.is_empty() => Ok(self.hashes().eq(hashes.iter())),
            MeasuredInput::Content(content) if content.files_sha256 == self.files_sha256() => Ok(true),
            _ => Ok(self.measurements().await?.sha256() == input.id_parts().next().map(String::as_str)),
        }
    }

    /// These, as a run records them. `known` are earlier readings of the same period by the same calculation.
    pub(crate) async fn input<'k>(
        &self,
        known: impl IntoIterator<Item = &'k MeasuredInput>,
    ) -> Result<MeasuredInput> {
        let Some(table) = &self.table else { return Ok(MeasuredInput::Files(Vec::new())) };
        if self.files.is_empty() {
            return Ok(MeasuredInput::Files(Vec::new()));
        }
        let files_sha256 = self.files_sha256();
        let of_these = known.into_iter().find_map(|input| match input {
            MeasuredInput::Content(content) if content.files_sha256 == files_sha256 => Some(&content.sha256),
            _ => None,
        });
        let sha256 = match of_these {
            Some(sha256) => sha256.clone(),
            None => self.measurements().await?.sha256().map(str::to_owned),
        };
        Ok(MeasuredInput::Content(MeasuredContent { sha256, files_sha256, version: table.version() }))
    }

    /// The measurements.
    pub(crate) async fn measurements(&self) -> Result<Arc<Measurements>> {
        let load = || async {
            match &self.table {
                Some(table) => Measurements::load(table, &self.files).await.map(Arc::new),
                None => Ok(Arc::default()),
            }
        };
        self.loaded.get_or_try_init(load).await.map(Arc::clone)
    }

    /// Those that a run read, wherever in the history of the table they are; else why they were not found.
    pub(crate) async fn find(
        lake: &Lake,
        period: BillingPeriod,
        input: &MeasuredInput,
    ) -> Result<Result<Self, Error>> {
        let Some(newest) = lake.existing_table(&schema::utilization()).await? else {
            let none = Self::of(None, period)?;
            return Ok(if input.is_empty() { Ok(none) } else { Err(gone(period)) });
        };
        // Newer measurements may wait for a run of their own: then an older version holds those of this run.
        let recorded = match input {
            MeasuredInput::Content(content) => Some(content.version.min(newest.version())),
            MeasuredInput::Files(_) => None,
        };
        let mut seen = HashSet::new();
        let mut failed = None;
        for version in recorded.into_iter().chain((0..=newest.version()).rev()) {
            match Self::at(&newest, version, period, input, &mut seen).await {
                Ok(Some(held)) => return Ok(Ok(held)),
                Ok(None) => {}
                Err(error) if error.kind() == ErrorKind::Retry => return Err(error),
                // Its log entry or a file of it was cleaned up; another version may hold the same.
                Err(error) => failed = Some(error),
            }
        }
        Ok(Err(match failed {
            Some(error) => Error::with_source(ErrorKind::Input, gone(period).to_string(), error),
            None => gone(period),
        }))
    }

    /// Those of a version, if a run read them; `seen` are the sets of files that were looked at.
    async fn at(
        newest: &LakeTable,
        version: u64,
        period: BillingPeriod,
        input: &MeasuredInput,
        seen: &mut HashSet<String>,
    ) -> Result<Option<Self>> {
        let held = Self::of(Some(&newest.at_version(version).await?), period)?;
        let is_new = seen.insert(held.files_sha256());
        Ok((is_new && held.are(input).await?).then_some(held))
    }

    fn hashes(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(DataFile::content_hash)
    }

    fn files_sha256(&self) -> String {
        digest(self.hashes())
    }
}

fn gone(period: BillingPeriod) -> Error {
    let gone = format!("the utilisation that the run of {period} read is not in the lake any more");
    Error::new(ErrorKind::Input, gone)
}
