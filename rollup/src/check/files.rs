//! The files of the ledger hold the bytes that were written.
//!
//! The name of a file carries the SHA-256 of its bytes, so a file can be held against its own name. Nothing else tells
//! of every flipped bit: many a damaged page still decodes, to other figures.

use std::error::Error as _;

use airshed_domain::schema::{self, Table, column as c};
use airshed_lake::{DataFile, ErrorKind as LakeErrorKind, Lake, LakeTable, control::RunRecord};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use sha2::{Digest as _, Sha256};

use super::Check;
use crate::{
    error::{Error, Result},
    session::Resources,
};

/// Files at fault that a check names.
const NAMED_FAULTS: usize = 5;

/// Which files are looked at.
#[derive(Debug, Clone, Copy)]
pub enum FilesOf<'a> {
    /// Those that say which runs there are.
    Control,
    /// What the ledger holds of deliveries, and what these runs read and wrote.
    Runs(&'a [RunRecord]),
}

/// Checks that each file is there and has the bytes that its name says, table by table.
pub async fn files(lake: &Lake, of: FilesOf<'_>, resources: &Resources) -> Result<Vec<Check>> {
    let mut checks = Vec::new();
    for table in schema::all() {
        let is_control = [schema::runs().name, schema::periods().name].contains(&table.name);
        if matches!(of, FilesOf::Control) != is_control {
            continue;
        }
        let Some(open) = lake.existing_table(&table).await? else { continue };
        let files = chosen(&open, &table, of).await?;
        let expected = format!("{} whole files", files.len());
        let faults: Vec<Option<String>> = stream::iter(&files)
            .map(|file| fault(&open, file))
            .buffered(resources.threads.max(1))
            .try_collect()
            .await?;
        let whole = faults.iter().filter(|fault| fault.is_none()).count();
        let faults: Vec<String> = faults.into_iter().flatten().collect();
        let mut actual = vec![format!("{whole} whole files")];
        let unnamed = faults.len().saturating_sub(NAMED_FAULTS);
        actual.extend(faults.into_iter().take(NAMED_FAULTS));
        actual.extend((unnamed > 0).then(|| format!("and {unnamed} more")));
        let actual = actual.join("; ");
        checks.push(Check {
            run_id: None,
            name: format!("{} files are as written", table.name),
            expected,
            actual,
        });
    }
    Ok(checks)
}

async fn chosen(open: &LakeTable, table: &Table, of: FilesOf<'_>) -> Result<Vec<DataFile>> {
    let mut files = open.files()?;
    let FilesOf::Runs(runs) = of else { return Ok(files) };
    if table.partition_columns().contains(&c::RUN_ID) {
        let is_of_runs = |file: &DataFile| {
            file.partition.get(c::RUN_ID).is_some_and(|id| runs.iter().any(|run| run.run_id.as_str() == id))
        };
        files.retain(is_of_runs);
    } else if table.name == schema::billing_lines().name {
        // Lines that were replaced since are still what the run was made of.
        for run in runs {
            let period = run.period.to_string();
            let read = open.at_version(run.billing_version).await?.files()?;
            files.extend(read.into_iter().filter(|file| file.partition.get(c::PERIOD) == Some(&period)));
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
    }
    Ok(files)
}

/// What is wrong with a file, if anything is.
async fn fault(table: &LakeTable, file: &DataFile) -> Result<Option<String>> {
    let path = format!("{}/{}", table.description().name, file.path);
    let bytes = match table.fetch(file).await {
        Ok(bytes) => bytes,
        // The table could be read a moment ago, so the place is right and the file is at fault.
        Err(error) if error.kind() == LakeErrorKind::Input => {
            let why = error.source().map(|why| format!(": {why}")).unwrap_or_default();
            return Ok(Some(format!("{path} is missing or cannot be read{why}")));
        }
        Err(error) => return Err(error.into()),
    };
    let hashed = tokio::task::spawn_blocking(move || format!("{:x}", Sha256::digest(&bytes)))
        .await
        .map_err(|e| Error::query("hashing a file broke off", e))?;
    Ok((!hashed.starts_with(file.content_hash())).then(|| format!("{path} is damaged")))
}
