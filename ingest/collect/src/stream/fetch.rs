//! Reading an object: patiently, whole, and within the bytes that may be in memory.

use std::{
    future::Future,
    sync::{Arc, PoisonError},
    time::Duration,
};

use airshed_lake::{Location, is_refusal};
use bytes::Bytes;
use object_store::{ObjectMeta, ObjectStoreExt as _, path::Path};
use tokio::{sync::OwnedSemaphorePermit, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::{
    chain,
    content::Content,
    event::Announced,
    unless,
    work::{Object, Work},
};
use crate::error::{Context as _, Error, ErrorKind, Result};

/// Attempts to read; after them the object comes again with its message or the next listing.
const ATTEMPTS: u32 = 4;
/// Wait before the second attempt; doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Buckets that are kept open.
const OPEN_BUCKETS: usize = 64;
/// Most data points of an object. Firehose delivers at most 128 MiB before compression, of which a data point takes more
/// than a hundred bytes.
const MOST_POINTS: u64 = 5_000_000;

/// An object that was read, and its share of the bytes in flight.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) content: Content,
    pub(super) in_flight: Option<OwnedSemaphorePermit>,
}

/// Why an object was not read.
#[derive(Debug)]
pub(super) enum Trouble {
    /// There is none.
    Missing,
    /// It is another one than was announced.
    Changed { e_tag: String, size_bytes: u64 },
    /// It failed for now, or it is the end of the work.
    Failed(Error),
}

impl Fetched {
    /// An object that is not read, for a reason.
    pub(super) fn unread(uri: &str, reason: String) -> Self {
        Self { content: Content::unread(uri, reason), in_flight: None }
    }
}

impl Work {
    /// Finds out what an announcement does not say.
    ///
    /// # Errors
    /// What keeps it from being found out for now.
    pub(super) async fn identify(&self, announced: Announced, cancel: &CancellationToken) -> Result<Object> {
        let Announced { bucket, key, e_tag, size_bytes } = announced;
        let place = match (self.bucket(&bucket), Path::parse(&key)) {
            (Ok(location), Ok(path)) => Ok((location, path)),
            (Err(error), _) if error.kind() != ErrorKind::Input => return Err(error),
            (Err(error), _) => Err(format!("the bucket cannot be opened: {}", chain(&error))),
            (_, Err(error)) => Err(format!("the key is not read: {error}")),
        };
        let uri = match &place {
            Ok((location, path)) => location.uri_of(path),
            Err(_) => format!("s3://{bucket}/{key}"),
        };
        let mut object = Object {
            uri,
            e_tag: e_tag.unwrap_or_default(),
            size_bytes: size_bytes.unwrap_or_default(),
            place,
        };
        if let Ok((location, path)) = &object.place
            && (object.e_tag.is_empty() || size_bytes.is_none())
        {
            match patiently(self, cancel, || location.store.head(path)).await {
                Ok(meta) => (object.e_tag, object.size_bytes) = (e_tag_of(&meta), meta.size),
                Err(Trouble::Failed(error)) => return Err(error),
                // Whoever reads it sees that.
                Err(Trouble::Missing | Trouble::Changed { .. }) => {}
            }
        }
        Ok(object)
    }

    /// Reads and decodes an object.
    pub(super) async fn fetch(
        &self,
        object: &Object,
        cancel: &CancellationToken,
    ) -> Result<Fetched, Trouble> {
        let uri = object.uri.clone();
        let (location, path) = match &object.place {
            Ok(place) => place,
            Err(reason) => return Ok(Fetched::unread(&uri, reason.clone())),
        };
        let limits = &self.parts.limits;
        if object.size_bytes > limits.object_bytes() {
            let reason = format!("the object has more than {} bytes", limits.object_bytes());
            return Ok(Fetched::unread(&uri, reason));
        }
        let in_flight = unless(cancel, limits.hold(object.size_bytes)).await??;
        let bytes = patiently(self, cancel, || whole(location, path, object)).await??;
        let decoder = unless(cancel, limits.decoder()).await??;
        let (is_collected, interval_s) = (Arc::clone(&self.parts.is_collected), self.config.json_interval_s);
        let decoding = spawn_blocking(move || {
            let content = Content::of(&bytes, &uri, interval_s, MOST_POINTS, &*is_collected);
            drop(decoder);
            content
        });
        let content = unless(cancel, decoding).await?.context(|| "decoding was broken off".to_owned())??;
        Ok(Fetched { content, in_flight: Some(in_flight) })
    }

    fn bucket(&self, name: &str) -> Result<Location> {
        let mut open = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(location) = open.get(name) {
            return Ok(location.clone());
        }
        let location = self.parts.buckets.open(name)?;
        if open.len() >= OPEN_BUCKETS {
            open.clear();
        }
        open.insert(name.to_owned(), location.clone());
        Ok(location)
    }
}

/// The bytes of an object, when it is the one that is expected.
async fn whole(
    location: &Location,
    path: &Path,
    object: &Object,
) -> Result<Result<Bytes, Trouble>, object_store::Error> {
    let found = location.store.get(path).await?;
    let (e_tag, size_bytes) = (e_tag_of(&found.meta), found.meta.size);
    let is_same = size_bytes == object.size_bytes && (e_tag.is_empty() || e_tag == object.e_tag);
    if !is_same {
        return Ok(Err(Trouble::Changed { e_tag, size_bytes }));
    }
    found.bytes().await.map(Ok)
}

pub(super) fn e_tag_of(meta: &ObjectMeta) -> String {
    meta.e_tag.as_deref().unwrap_or_default().trim_matches('"').to_owned()
}

/// Asks a store, again where that helps.
async fn patiently<T, A>(work: &Work, cancel: &CancellationToken, ask: impl Fn() -> A) -> Result<T, Trouble>
where
    A: Future<Output = Result<T, object_store::Error>>,
{
    let (mut attempt, mut wait) = (1, FIRST_WAIT);
    loop {
        let error = match unless(cancel, ask()).await? {
            Ok(answer) => return Ok(answer),
            Err(object_store::Error::NotFound { .. }) => return Err(Trouble::Missing),
            Err(error) => error,
        };
        if attempt == ATTEMPTS || is_refusal(&error) {
            let kind = if is_refusal(&error) { ErrorKind::Input } else { ErrorKind::Retry };
            return Err(Trouble::Failed(Error::new(kind, "cannot read an object").caused_by(error)));
        }
        unless(cancel, work.parts.clock.sleep(wait)).await?;
        attempt += 1;
        wait *= 2;
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}
