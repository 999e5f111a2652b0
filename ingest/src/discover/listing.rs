//! The objects below an input, and their bytes where discovery needs them.

use std::path::PathBuf;

use airshed_lake::Location;
use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::{ObjectMeta, ObjectStoreExt as _, local::LocalFileSystem, path::Path};

use crate::error::{Context as _, Error, Result};

/// Largest manifest that is read. Real ones hold a few kilobytes per hundred files.
const MANIFEST_LIMIT_BYTES: u64 = 64 << 20;

/// What stands at a location.
#[derive(Debug)]
pub(crate) struct Listing {
    /// Every object, in the order of the paths.
    pub(crate) objects: Vec<ObjectMeta>,
    /// Whether the location names one file, not a folder.
    pub(crate) single_file: bool,
}

/// Lists every object at or below a location.
pub(crate) async fn list(location: &Location) -> Result<Listing> {
    if !location.path.as_ref().is_empty() {
        match location.store.head(&location.path).await {
            Ok(object) => return Ok(Listing { objects: vec![object], single_file: true }),
            Err(object_store::Error::NotFound { .. }) => {}
            // Some stores say so of a folder in other words; the listing then tells.
            Err(_) if location.url.scheme() == "file" => {}
            Err(error) => return Err(error).context(|| format!("cannot read `{}`", location.url)),
        }
    }
    let prefix = (!location.path.as_ref().is_empty()).then_some(&location.path);
    let mut objects: Vec<ObjectMeta> = location
        .store
        .list(prefix)
        .try_collect()
        .await
        .context(|| format!("cannot list `{}`", location.url))?;
    if objects.is_empty() {
        return Err(Error::input(format!("there are no files at `{}`", location.url)));
    }
    objects.sort_by(|a, b| a.location.cmp(&b.location));
    Ok(Listing { objects, single_file: false })
}

/// The bytes of a small object.
pub(crate) async fn read(location: &Location, object: &ObjectMeta) -> Result<Bytes> {
    let uri = location.uri_of(&object.location);
    if object.size > MANIFEST_LIMIT_BYTES {
        return Err(
            Error::input(format!("the manifest is larger than {MANIFEST_LIMIT_BYTES} bytes")).on(&uri)
        );
    }
    let result = location.store.get(&object.location).await.context(|| format!("cannot read `{uri}`"))?;
    result.bytes().await.context(|| format!("cannot read `{uri}`"))
}

/// The file behind an object, when its store is the local file system.
pub(crate) fn local_file(location: &Location, path: &Path) -> Option<PathBuf> {
    if location.url.scheme() != "file" {
        return None;
    }
    LocalFileSystem::new().path_to_filesystem(path).ok()
}
