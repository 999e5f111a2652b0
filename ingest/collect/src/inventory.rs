//! The resources of an account and region: listed, compared with what was known, and kept as versions in `resources`.
//!
//! Sources are the AWS Config aggregator, where there is one, or the Resource Groups Tagging API and the services' own
//! lists ([`ServiceList`]). Of the latter two the tagging API tells tags and the lists tell configuration; a list that
//! answered decides alone which resources of its type there are, because the tagging API still tells of some that are
//! gone. A source that failed takes nothing away: what only it would show stays as it was, and the sweep is partial.
//!
//! A page is compared as it comes and forgotten. In memory stay 32 bytes for each open version (16 of identity, 16 of
//! content) and what is new or changed in full; see `merge`. The old file is streamed through when there is something
//! to write. A sweep that finds nothing new writes and commits nothing.
//!
//! Measured with `benches/inventory.rs` (two cores shared with other work, four sweeps at a time, stand-in included):
//!
//! | | 1 account-region of 950,000 | 2,000 account-regions, 4,750,000 in all |
//! |---|---|---|
//! | on disk, bytes a resource | 12.6 | 19.7 |
//! | first sweep | 13 s, 324 bytes in memory a resource | 31 s, 0.73 MB at most for one |
//! | sweep without change | 4 s, 32 bytes a resource | 18 s, 76 kB at most for one |
//! | sweep with 1 % changed | 6 s, 34 bytes a resource | 24 s, 81 kB at most for one |
//!
//! So 50 million resources are about 1 GB on disk and a few MB of bookkeeping, where they are spread over accounts. Ids and
//! names of the stand-in repeat less than its types and configuration, as real ones do, but they are shorter: expect
//! somewhat more on disk. A change anywhere in an account-region rewrites its file, so changes that are spread evenly
//! rewrite the table.

mod entry;
mod known;
mod merge;
mod regions;
mod rewrite;
mod rows;
mod writer;

use std::{fmt, sync::Arc};

use airshed_lake::{DataFile, LakeTable};
use futures::TryStreamExt as _;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub use regions::Regions;
pub use writer::{InventoryWriter, Published};

use self::{
    entry::Told,
    known::Known,
    merge::{Complete, Merge, Slot},
};
use crate::{
    cloud::{Answer, Cloud, Page, ResourceEntry, Scope, ServiceList},
    error::{CallError, CallErrorKind, Context as _, Result},
    gate::{Api, Call, Gate},
    health::{CallCounts, Health, Status, Tally, Work},
    unit::{Shard, Unit},
};

/// What sweeps are made with.
#[derive(Debug, Clone, Copy)]
pub struct Sweeper<'a> {
    /// Whom to ask.
    pub cloud: &'a dyn Cloud,
    /// Through which all calls go.
    pub gate: &'a Gate,
    /// Name of the Config aggregator, where there is one.
    pub aggregator: Option<&'a str>,
    /// Ends sweeps.
    pub cancel: &'a CancellationToken,
}

/// What the table holds of an account and region.
#[derive(Debug, Clone)]
pub struct Held {
    scope: Scope,
    files: Vec<DataFile>,
    table: Arc<LakeTable>,
}

/// What a sweep of an account and region found.
#[derive(Debug)]
pub struct Swept {
    /// Where.
    pub scope: Scope,
    /// Resources that are there now, as far as is known.
    pub resources: u64,
    /// Versions that begin.
    pub opened: u64,
    /// Versions that end.
    pub closed: u64,
    /// Ok; partial when a source failed; else how all of them did.
    pub status: Status,
    /// What failed.
    pub detail: Option<String>,
    /// Its calls.
    pub calls: CallCounts,
    /// Most bytes that it held of resources.
    pub bookkeeping_bytes: usize,
    read: Vec<DataFile>,
    written: Option<Vec<DataFile>>,
}

impl Swept {
    /// Whether there is something to publish.
    pub fn has_changed(&self) -> bool {
        self.written.is_some()
    }

    /// The row of `collector_health`, without what it does not know.
    pub fn health(&self, shard: Shard) -> Health {
        Health {
            scope: Some(self.scope.clone()),
            status: self.status,
            detail: self.detail.clone(),
            rows: self.opened + self.closed,
            calls: self.calls,
            ..Health::of(shard, Unit::Account(self.scope.account.clone()), Work::Inventory)
        }
    }
}

/// A source that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Config,
    Tagging,
    List(ServiceList),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config => f.write_str("the Config aggregator"),
            Self::Tagging => f.write_str("the tagging API"),
            Self::List(list) => write!(f, "list {list:?}"),
        }
    }
}

impl Sweeper<'_> {
    /// Lists the resources of an account and region, compares them with the open versions, and puts the files of the new
    /// versions into the lake. They are published by [`InventoryWriter::add`].
    ///
    /// A clock that is behind the newest time of the versions counts as that time, so that versions never overlap.
    ///
    /// # Errors
    /// When the collector stops or the lake fails. Sources that fail are told in the status.
    pub async fn sweep(&self, held: Held, observed_at: Timestamp) -> Result<Swept> {
        let mut merge = Merge::new(load(&held).await?);
        let tally = Tally::default();
        let sources: Vec<Source> = match self.aggregator {
            Some(_) => vec![Source::Config],
            None => [Source::Tagging].into_iter().chain(ServiceList::ALL.map(Source::List)).collect(),
        };
        let mut failed: Vec<(Source, CallError)> = Vec::new();
        for source in &sources {
            match self.read(*source, &held.scope, &tally, &mut merge).await? {
                Ok(()) => {}
                Err(error) if error.kind == CallErrorKind::Cancelled => return Err(error.into()),
                Err(error) => failed.push((*source, error)),
            }
        }
        let mut swept = if failed.len() == sources.len() {
            nothing(&held)
        } else {
            let is_ok = |source| sources.contains(&source) && !failed.iter().any(|(at, _)| *at == source);
            let complete = Complete {
                config: self.aggregator.map(|_| is_ok(Source::Config)),
                tagging: is_ok(Source::Tagging),
                lists: ServiceList::ALL.map(|list| is_ok(Source::List(list))),
            };
            write(held, merge, complete, observed_at).await?
        };
        swept.status = match failed.as_slice() {
            [] => Status::Ok,
            [(_, first), ..] if failed.len() == sources.len() => match first.kind {
                CallErrorKind::Denied => Status::Denied,
                CallErrorKind::Throttled => Status::Throttled,
                _ => Status::Failed,
            },
            _ => Status::Partial,
        };
        let reasons: Vec<String> =
            failed.iter().map(|(source, error)| format!("{source}: {error}")).collect();
        swept.detail = (!reasons.is_empty()).then(|| reasons.join("; "));
        swept.calls = tally.counts();
        Ok(swept)
    }

    /// Reads all pages of a source. What came before an error stays.
    async fn read(
        &self,
        source: Source,
        scope: &Scope,
        tally: &Tally,
        merge: &mut Merge,
    ) -> Result<Answer<()>> {
        let cloud = self.cloud;
        match source {
            Source::Config => {
                let aggregator = self.aggregator.unwrap_or_default();
                let call = Call::new(Api::Config, None);
                let page = move |next: Option<String>| async move {
                    cloud.aggregated_resources(aggregator, scope, next.as_deref()).await
                };
                self.take(call, tally, merge, Slot::List, page).await
            }
            Source::Tagging => {
                let page = move |next: Option<String>| async move {
                    cloud.tagged_resources(scope, next.as_deref()).await
                };
                self.take(regional(Api::Tagging, scope), tally, merge, Slot::Tagging, page).await
            }
            Source::List(list) => {
                let page = move |next: Option<String>| async move {
                    cloud.listed_resources(scope, list, next.as_deref()).await
                };
                self.take(regional(Api::ServiceLists, scope), tally, merge, Slot::List, page).await
            }
        }
    }

    async fn take<A>(
        &self,
        call: Call<'_>,
        tally: &Tally,
        merge: &mut Merge,
        slot: Slot,
        page: impl Fn(Option<String>) -> A + Send,
    ) -> Result<Answer<()>>
    where
        A: Future<Output = Answer<Page<ResourceEntry>>> + Send,
    {
        let mut pages = std::pin::pin!(self.gate.pages(call, tally, self.cancel, page));
        loop {
            match pages.try_next().await {
                Ok(Some(entries)) => {
                    for entry in entries {
                        merge.accept(slot, &Told::of(entry)?);
                    }
                }
                Ok(None) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            }
        }
    }
}

/// A call whose refusal speaks for itself: policies forbid single services and regions.
fn regional(api: Api, scope: &Scope) -> Call<'_> {
    Call { account_breaker: false, ..Call::new(api, Some(scope)) }
}

/// Ends all versions of an account and region: the region was switched off, which AWS allows only when nothing runs in it.
pub async fn close(held: Held, observed_at: Timestamp) -> Result<Swept> {
    let merge = Merge::new(load(&held).await?);
    let complete = Complete { config: None, tagging: true, lists: [true; ServiceList::ALL.len()] };
    write(held, merge, complete, observed_at).await
}

async fn load(held: &Held) -> Result<Known> {
    let context = || format!("cannot read `resources` of {}, {}", held.scope.account, held.scope.region);
    let rows: u64 = held.files.iter().map(|file| file.rows).sum();
    let mut known = Known::for_rows(rows);
    for file in &held.files {
        let bytes = held.table.fetch(file).await.context(context)?;
        known = tokio::task::spawn_blocking(move || known.with_file(bytes)).await.context(context)??;
    }
    tokio::task::spawn_blocking(|| known.sorted()).await.context(context)
}

async fn write(held: Held, merge: Merge, complete: Complete, observed_at: Timestamp) -> Result<Swept> {
    let bookkeeping_bytes = merge.bytes();
    let newest_us = merge.newest_us();
    let changes = tokio::task::spawn_blocking(move || merge.finish(complete))
        .await
        .context(|| "cannot compare resources".to_owned())?;
    let (resources, opened, closed) = (changes.resources, changes.opened, changes.closed);
    let written = if opened + closed == 0 {
        None
    } else {
        let at_us = observed_at.as_microsecond().max(newest_us.unwrap_or(i64::MIN));
        Some(rewrite::rewrite(&held, changes, at_us).await?)
    };
    let unchanged = nothing(&held);
    Ok(Swept { resources, opened, closed, bookkeeping_bytes, written, ..unchanged })
}

fn nothing(held: &Held) -> Swept {
    Swept {
        scope: held.scope.clone(),
        resources: 0,
        opened: 0,
        closed: 0,
        status: Status::Ok,
        detail: None,
        calls: CallCounts::default(),
        bookkeeping_bytes: 0,
        read: held.files.clone(),
        written: None,
    }
}

#[cfg(test)]
mod tests;
