//! Factor files that the ledger keeps.

use airshed_lake::{Lake, Location};
use anyhow::Context as _;
use futures::TryStreamExt as _;
use object_store::{ObjectStore as _, ObjectStoreExt as _, path::Path};

use super::Kind;

/// A kept file.
pub(super) struct KeptFile {
    /// Its name, number included, such as `grid/0003-de_2026.csv`.
    pub(super) name: String,
    path: Path,
}

/// Where a file's bytes are kept already.
pub(super) struct Twin {
    /// The newest kept file with these bytes.
    pub(super) name: String,
    /// Whether no file of its kind was imported after it.
    pub(super) is_last: bool,
}

/// The kept files of a kind, in the order of their import.
pub(super) async fn list(lake: &Lake, kind: Kind) -> anyhow::Result<Vec<KeptFile>> {
    let folder = folder(lake, kind);
    let listing: Vec<_> = folder
        .store
        .list(Some(&folder.path))
        .try_collect()
        .await
        .with_context(|| format!("cannot list the factor files in {}", folder.url))?;
    let mut files: Vec<KeptFile> = listing
        .into_iter()
        .map(|object| {
            let file = object.location.filename().unwrap_or_default();
            KeptFile { name: format!("{}/{file}", kind.folder()), path: object.location }
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// The bytes of a kept file.
pub(super) async fn read(lake: &Lake, file: &KeptFile) -> anyhow::Result<Vec<u8>> {
    let context = || format!("cannot read the factor file {}", file.name);
    let object = lake.store().get(&file.path).await.with_context(context)?;
    Ok(object.bytes().await.with_context(context)?.to_vec())
}

/// The newest kept file with these bytes.
pub(super) async fn twin(lake: &Lake, kind: Kind, bytes: &[u8]) -> anyhow::Result<Option<Twin>> {
    for (age, file) in list(lake, kind).await?.into_iter().rev().enumerate() {
        if read(lake, &file).await? == bytes {
            return Ok(Some(Twin { name: file.name, is_last: age == 0 }));
        }
    }
    Ok(None)
}

/// Keeps a file after those that are there; returns its name.
pub(super) async fn keep(lake: &Lake, kind: Kind, name: &str, bytes: Vec<u8>) -> anyhow::Result<String> {
    let files = list(lake, kind).await?;
    let name = format!("{:04}-{name}", files.len() + 1);
    let folder = folder(lake, kind);
    let place = folder.child(&name);
    folder
        .store
        .put(&place.path, bytes.into())
        .await
        .with_context(|| format!("cannot write {}", place.url))?;
    Ok(format!("{}/{name}", kind.folder()))
}

fn folder(lake: &Lake, kind: Kind) -> Location {
    lake.location().child("_factors").child(kind.folder())
}
