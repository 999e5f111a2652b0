//! Completes what a process left that was killed between the commit of a batch's rows and the rest of it.

use airshed_lake::{ErrorKind as LakeErrorKind, Lake, LakeTable, footer_note};
use tokio_util::sync::CancellationToken;

use super::{
    batch::FOOTER,
    companion::{self, Companion},
    sequence, stem,
};
use crate::{
    error::{Context as _, Error, Result},
    unit::Shard,
};

/// Recorded in the commits.
pub(super) const OPERATION: &str = "collect";

/// A batch's number and what else belongs to it.
pub(super) struct Batch {
    pub(super) shard: Shard,
    pub(super) number: i64,
    pub(super) companions: Vec<Companion>,
}

/// The last number of a shard and, where rows came with it, what their footer names.
pub(super) async fn last_batch(utilization: &LakeTable, shard: Shard) -> Result<Batch> {
    let context = || format!("cannot read where shard {shard} stands");
    let number = utilization.last_number(&sequence(shard)).await.context(context)?.unwrap_or(0);
    let begin = stem(shard, number);
    let files = utilization.files().context(context)?;
    let last =
        files.iter().find(|file| file.path.rsplit('/').next().is_some_and(|name| name.starts_with(&begin)));
    let companions = match last {
        Some(file) => {
            let bytes = utilization.fetch(file).await.context(context)?;
            let note = footer_note(&bytes, FOOTER).context(context)?.unwrap_or_default();
            serde_json::from_str(&note)
                .map_err(|e| Error::bug(format!("`{}` does not name its batch", file.path)).caused_by(e))?
        }
        None => Vec::new(),
    };
    Ok(Batch { shard, number, companions })
}

/// Appends what belongs to batches to its tables, where it is not yet there: one commit a table.
pub(super) async fn complete(lake: &Lake, batches: &[&Batch], cancel: &CancellationToken) -> Result<()> {
    for table in companion::tables() {
        let context = || format!("cannot append to `{}`", table.name);
        let of_table = |batch: &&&Batch| batch.companions.iter().any(|file| file.table == table.name);
        let mut waiting: Vec<&Batch> = batches.iter().filter(of_table).copied().collect();
        if waiting.is_empty() {
            continue;
        }
        let mut open = lake.table(&table).await.context(context)?;
        loop {
            let mut missing = Vec::with_capacity(waiting.len());
            for batch in waiting {
                let taken = open.last_number(&sequence(batch.shard)).await.context(context)?;
                if taken.is_none_or(|taken| taken < batch.number) {
                    missing.push(batch);
                }
            }
            if missing.is_empty() {
                break;
            }
            let of_table = |file: &&Companion| file.table == table.name;
            let files: Vec<_> =
                missing.iter().flat_map(|b| &b.companions).filter(of_table).map(Companion::file).collect();
            let numbers: Vec<_> = missing.iter().map(|batch| (sequence(batch.shard), batch.number)).collect();
            match open.append_under(&files, &numbers, OPERATION).await {
                Ok(()) => break,
                // Somebody completed one of them, or the store is out of reach: look again.
                Err(e) if e.kind() == LakeErrorKind::Retry && !cancel.is_cancelled() => {
                    open.refresh().await.context(context)?;
                }
                Err(e) => return Err(e).context(context),
            }
            waiting = missing;
        }
    }
    Ok(())
}
