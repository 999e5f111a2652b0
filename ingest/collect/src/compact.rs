//! Compaction: the many small files that landing leaves become fewer, larger ones.
//!
//! Rows are sorted, and of `utilization` rows that were brought twice one is kept; what a reader is told stays the same.
//! The files of a table are exchanged in one commit. Left alone are files of imports, large files, and those of the
//! newest batch of each shard, as their footers say what else belongs to it ([`land`](crate::land)).
//!
//! Appends do not disturb a compaction, nor the other way round. All compactions of a table are in one sequence: of two
//! at the same moment the later one is refused and changes nothing, so that no row is there twice. Memory holds the rows
//! of one new file, some 300 bytes each.

mod choose;
mod rewrite;

use airshed_domain::schema::{self, Table};
use airshed_lake::{DataFile, Lake, LakeTable};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use self::{choose::Group, rewrite::Rewritten};
use crate::error::{Context as _, Error, Result};

/// How the names of the new files begin.
const STEM: &str = "part-compact";
/// All compactions of a table commit in this sequence.
const SEQUENCE: &str = "compact";
/// Recorded in the commits.
const OPERATION: &str = "compact";
/// Files fetched at the same time.
const FETCH_AHEAD: usize = 8;

/// How large files are made.
#[derive(Debug, Clone)]
pub struct CompactLimits {
    /// Most rows of a new file. Files with half of it are left as they are.
    pub rows: u64,
    /// Most bytes of the files that become one. Files with half of it are left as they are.
    pub bytes: u64,
    /// Least files that are worth a new one.
    pub least_files: usize,
}

impl Default for CompactLimits {
    fn default() -> Self {
        Self { rows: 1_000_000, bytes: 128 << 20, least_files: 8 }
    }
}

/// What a compaction of a table did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Files that were replaced.
    pub files_before: usize,
    /// Files that took their place.
    pub files_after: usize,
    /// Rows of the new files.
    pub rows: u64,
    /// Rows that were left out because the same row was there.
    pub repeats: u64,
}

/// The tables that collectors write small files to.
pub fn tables() -> [Table; 4] {
    [
        schema::utilization(),
        schema::utilization_estimates(),
        schema::collected_objects(),
        schema::collector_health(),
    ]
}

/// Compacts one of [`tables`].
///
/// # Errors
/// [`ErrorKind::Retry`](crate::ErrorKind::Retry) when another compaction of the table committed in the meantime, or a
/// delivery was removed; [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled) when `cancel` was called before the
/// commit. Then nothing changed.
pub async fn compact(
    lake: &Lake,
    table: &Table,
    limits: &CompactLimits,
    cancel: &CancellationToken,
) -> Result<Compacted> {
    let context = || format!("cannot compact table `{}`", table.name);
    let mut compacted = Compacted::default();
    let Some(mut open) = lake.existing_table(table).await.context(context)? else { return Ok(compacted) };
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for group in choose::groups(open.files().context(context)?, limits) {
        let (file, repeats) = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Error::cancelled()),
            rewritten = rewrite(&open, &group) => rewritten?,
        };
        compacted.files_before += group.files.len();
        compacted.files_after += 1;
        compacted.rows += file.rows;
        compacted.repeats += repeats;
        // Where all rows of a group are in one of its files already, that one stays.
        let stays = group.files.iter().any(|old| old.path == file.path);
        old.extend(group.files.into_iter().filter(|old| old.path != file.path));
        new.extend((!stays).then_some(file));
    }
    if !old.is_empty() {
        open.rewrite_in_sequence(&old, &new, SEQUENCE, OPERATION).await.context(context)?;
    }
    Ok(compacted)
}

/// Puts the file that a group becomes; returns it and the number of repeated rows. It is not yet in the table.
async fn rewrite(open: &LakeTable, group: &Group) -> Result<(DataFile, u64)> {
    let table = open.description().clone();
    let context = || format!("cannot compact table `{}`", table.name);
    let fetched = stream::iter(&group.files).map(|file| open.fetch(file)).buffered(FETCH_AHEAD);
    let files: Vec<_> = fetched.try_collect().await.context(context)?;
    let of = table.clone();
    let Rewritten { file, repeats } =
        spawn_blocking(move || rewrite::rewrite(&of, files)).await.context(context)??;
    let before: u64 = group.files.iter().map(|file| file.rows).sum();
    if file.rows() + repeats != before {
        return Err(Error::bug(format!("{before} rows of `{}` became another number", table.name)));
    }
    Ok((open.put(&group.partition, STEM, file).await.context(context)?, repeats))
}

#[cfg(test)]
mod tests;
