//! The bucket's side: objects below a prefix are found by listing it again and again.
//!
//! Firehose puts the hour of an object's first record into its key (`2026/01/31/09/...`, UTC), and may deliver it a day
//! later. Where all names below the prefix are years, a *deep* listing begins a day before the watermark, once an hour,
//! and the listings in between with the hours at hand. Elsewhere each listing reads all names. Only objects that were
//! delivered since the watermark, less an overlap, are looked at; which of those are landed is known.
//!
//! Each thousand names cost a call. Large fleets are better announced by a queue.

use std::{sync::Arc, time::Duration};

use airshed_lake::Location;
use futures::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp, tz::Offset};
use object_store::{ObjectMeta, path::Path};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    Until,
    fetch::e_tag_of,
    unless,
    work::{Object, Origin, Work, ended_well},
};
use crate::{
    error::{Context as _, Error, Result},
    health::Health,
    land::progress::object_key,
};

/// Time between two listings.
const EVERY: Duration = Duration::from_secs(30);
/// Time between two deep listings.
const DEEP_EVERY: Duration = Duration::from_hours(1);
/// How long before the watermark the hour of a key may be: Firehose tries to deliver for a day, and there is the overlap.
/// <https://docs.aws.amazon.com/firehose/latest/dev/retry.html>
const LATEST: SignedDuration = SignedDuration::from_hours(26);
/// The same, for listings that are not deep.
const USUAL: SignedDuration = SignedDuration::from_hours(2);
/// How far the bucket's clock and ours may be apart, and a large delivery may take.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);
/// Digits of a year.
const YEAR_DIGITS: usize = 4;

/// How names below the prefix are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// They begin with year, month, day and hour.
    ByHour,
    Any,
}

/// Works a prefix. Moves the watermark on as far as all before has been handed over.
pub(super) async fn run(
    work: &Arc<Work>,
    prefix: &Location,
    watermark: &mut Option<Timestamp>,
    until: Until,
    cancel: &CancellationToken,
) -> Result<()> {
    let clock = Arc::clone(&work.parts.clock);
    let mut tasks = JoinSet::new();
    let (mut layout, mut deep_at) = (Layout::Any, None);
    loop {
        let (started, elapsed) = (clock.now(), clock.elapsed());
        let is_deep = deep_at.is_none_or(|at| elapsed.saturating_sub(at) >= DEEP_EVERY);
        let left = work.counts().left;
        let listed = async {
            if is_deep {
                layout = unless(cancel, layout_of(prefix)).await??;
            }
            let from = if is_deep { watermark.map(|at| (at, LATEST)) } else { Some((started, USUAL)) };
            let from = from.filter(|_| layout == Layout::ByHour);
            list(
                work,
                prefix,
                from.map(|(at, late)| hour_of(prefix, at, late)),
                *watermark,
                &mut tasks,
                cancel,
            )
            .await
        };
        match listed.await {
            // A watcher outlives a bucket that is out of reach or refuses.
            Err(error) if until == Until::Cancelled => drop(work.leave(error, cancel).await?),
            Err(error) => {
                work.finish(&mut tasks, cancel).await?;
                return Err(error);
            }
            Ok(()) => {}
        }
        if is_deep {
            work.handed_over(cancel).await?;
            if work.counts().left == left {
                // Pieces of a shard land in their order: when this one does, so have those of the objects before it.
                work.tell(Health { watermark: Some(started), ..work.health() }, cancel).await?;
                (*watermark, deep_at) = (Some(started), Some(elapsed));
            }
        }
        if until == Until::Empty {
            return work.finish(&mut tasks, cancel).await;
        }
        let next = clock.sleep(EVERY);
        tokio::pin!(next);
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(Error::cancelled()),
                Some(ended) = tasks.join_next() => ended_well(ended)?,
                () = &mut next => break,
            }
        }
    }
}

/// Lists once, and sets to work what is new.
async fn list(
    work: &Arc<Work>,
    prefix: &Location,
    from: Option<Path>,
    watermark: Option<Timestamp>,
    tasks: &mut JoinSet<Result<()>>,
    cancel: &CancellationToken,
) -> Result<()> {
    let oldest = watermark.and_then(|at| at.checked_sub(OVERLAP).ok());
    let mut names = match from {
        Some(from) => prefix.store.list_with_offset(Some(&prefix.path), &from),
        None => prefix.store.list(Some(&prefix.path)),
    };
    let context = || format!("cannot list `{}`", prefix.url);
    while let Some(meta) = unless(cancel, names.try_next()).await?.context(context)? {
        while let Some(ended) = tasks.try_join_next() {
            ended_well(ended)?;
        }
        let is_old = oldest.is_some_and(|oldest| meta.last_modified.timestamp() < oldest.as_second());
        // Folders made by hand are objects without bytes.
        if is_old || meta.size == 0 {
            continue;
        }
        let object = object_of(prefix, meta);
        if work.memory.knows(object_key(&object.uri, &object.e_tag)) {
            continue;
        }
        let place = work.place(cancel).await?;
        let (work, cancel) = (Arc::clone(work), cancel.clone());
        let origin = Origin { body: None, received: 1 };
        tasks.spawn(async move { work.collect(object, origin, place, &cancel).await.map(drop) });
    }
    Ok(())
}

fn object_of(prefix: &Location, meta: ObjectMeta) -> Object {
    Object {
        uri: prefix.uri_of(&meta.location),
        e_tag: e_tag_of(&meta),
        size_bytes: meta.size,
        place: Ok((prefix.clone(), meta.location)),
    }
}

async fn layout_of(prefix: &Location) -> Result<Layout> {
    let context = || format!("cannot list `{}`", prefix.url);
    let found = prefix.store.list_with_delimiter(Some(&prefix.path)).await.context(context)?;
    let is_year = |path: &Path| {
        path.filename()
            .is_some_and(|name| name.len() == YEAR_DIGITS && name.bytes().all(|b| b.is_ascii_digit()))
    };
    let by_hour =
        found.objects.iter().all(|meta| meta.size == 0) && found.common_prefixes.iter().all(is_year);
    Ok(if by_hour { Layout::ByHour } else { Layout::Any })
}

/// The folder of the hour so long before an instant.
fn hour_of(prefix: &Location, at: Timestamp, before: SignedDuration) -> Path {
    let hour = Offset::UTC.to_datetime(at.checked_sub(before).unwrap_or(Timestamp::UNIX_EPOCH));
    let parts = [
        format!("{:04}", hour.year()),
        format!("{:02}", hour.month()),
        format!("{:02}", hour.day()),
        format!("{:02}", hour.hour()),
    ];
    parts.into_iter().fold(prefix.path.clone(), Path::join)
}
