//! Billing files that other processes estimate, and what comes back from them.
//!
//! The stage asks [`Elsewhere`] for one file after the other, believes nothing that it can check, and commits by itself:
//! a run is the same whoever calculated it, and nobody else can publish half of one. What nobody else can do now, the
//! stage does.

use airshed_lake::{DataFile, LakeTable, PartitionValues, control::RunTotals};
use futures::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::{
    error::{Error, ErrorKind, Result},
    shard::{Shards, file_name, run_partition},
    shared::SharedRun,
};

/// Estimates billing files in other processes on the same lake.
pub trait Elsewhere: Send + Sync {
    /// Estimates a billing file of a run, by its number. The emissions file stands in the lake then, and is part of no
    /// table yet. Nothing when nobody is there who can.
    fn estimate<'a>(
        &'a self,
        run: &'a SharedRun,
        file: usize,
    ) -> BoxFuture<'a, Result<Option<Estimated>, Refused>>;
}

/// A billing file that another process estimated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimated {
    /// Who did.
    pub by: String,
    /// The first 32 hex digits of the SHA-256 of the emissions file.
    pub content_hash: String,
    /// Totals of the file.
    pub totals: RunTotals,
}

/// Another process does not estimate this run, and will not.
#[derive(Debug, thiserror::Error)]
#[error("{by} does not take part: {reason}")]
pub struct Refused {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// An emissions file in the lake, not yet committed.
pub(crate) struct Written {
    pub(crate) file: DataFile,
    pub(crate) totals: RunTotals,
}

/// Writes the emissions files of a run.
pub(crate) struct Writer<'a> {
    shards: &'a Shards,
    run: SharedRun,
    elsewhere: Option<&'a dyn Elsewhere>,
    emissions: &'a LakeTable,
    partition: PartitionValues,
    /// Files that this process estimates at a time.
    own: Semaphore,
    threads: usize,
}

/// Files that are asked for elsewhere at a time; more than that wait for none of them.
const ASKED: usize = 512;

impl<'a> Writer<'a> {
    pub(crate) fn new(
        shards: &'a Shards,
        elsewhere: Option<&'a dyn Elsewhere>,
        emissions: &'a LakeTable,
        threads: usize,
    ) -> Self {
        let threads = threads.max(1);
        let partition = run_partition(shards.plan.period, &shards.plan.run_id);
        let run = SharedRun::of(shards);
        Self { shards, run, elsewhere, emissions, partition, own: Semaphore::new(threads), threads }
    }

    /// Files to work on at a time.
    pub(crate) fn at_once(&self) -> usize {
        if self.elsewhere.is_some() { ASKED.max(self.threads) } else { self.threads }
    }

    /// Writes the emissions file of a billing file.
    pub(crate) async fn write(&self, index: usize) -> Result<Written> {
        if let Some(elsewhere) = self.elsewhere {
            let asked = elsewhere.estimate(&self.run, index).await;
            let asked = asked.map_err(|e| {
                Error::with_source(
                    ErrorKind::Input,
                    format!("the run of {} is not estimated", self.shards.plan.period),
                    e,
                )
            })?;
            if let Some(estimated) = asked {
                return self.found(index, estimated).await;
            }
        }
        let closed = |e| Error::with_source(ErrorKind::Corrupt, "no place to calculate", e);
        let _place = self.own.acquire().await.map_err(closed)?;
        let shard = self.shards.estimate(index).await?;
        let file = self.emissions.put(&self.partition, &file_name(index), shard.file).await?;
        Ok(Written { file, totals: shard.totals })
    }

    /// The file that another process wrote: in this lake, a row for each billing line.
    async fn found(&self, index: usize, estimated: Estimated) -> Result<Written> {
        let Estimated { by, content_hash, totals } = estimated;
        let (billing, _) = &self.shards.plan.files[index];
        if totals.rows_in() != billing.rows {
            let text = format!("{by} gives {} rows for `{}`", totals.rows_in(), billing.path);
            return Err(Error::new(ErrorKind::Corrupt, text));
        }
        let file = self
            .emissions
            .put_elsewhere(&self.partition, &file_name(index), &content_hash, billing.rows)
            .await?;
        let file = file.ok_or_else(|| {
            let text = format!("what {by} wrote is not in this lake\nstart it with the same `--lake`");
            Error::new(ErrorKind::Input, text)
        })?;
        Ok(Written { file, totals })
    }
}
