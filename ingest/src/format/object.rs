//! One version of an object: what was listed is what is read, or nothing is.
//!
//! Exports are overwritten in place while they are read. So every read asks the store for the entity tag that the
//! listing saw (`If-Match`), and all pieces of a reading are of one version. An object that was overwritten or removed
//! since then gives [`object_store::Error::Precondition`], which the import turns into an error to try again.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use object_store::{
    Error, GetOptions, OBJECT_STORE_COALESCE_DEFAULT, ObjectStore, coalesce_ranges, path::Path,
};

use crate::discover::DataObject;

/// An object as it was listed, and the store that holds it.
#[derive(Debug, Clone)]
pub struct StoredObject {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size_bytes: u64,
    e_tag: Option<String>,
    /// Bytes between two ranges that are rather read than left out.
    gap_bytes: u64,
}

impl StoredObject {
    /// The object of a listing of `store`.
    pub fn listed(store: Arc<dyn ObjectStore>, object: &DataObject) -> Self {
        // A request costs; a seek in a local file does not.
        let gap_bytes = if object.local.is_some() { 0 } else { OBJECT_STORE_COALESCE_DEFAULT };
        let (path, e_tag) = (object.path.clone(), object.e_tag.clone());
        Self { store, path, size_bytes: object.size_bytes, e_tag, gap_bytes }
    }

    /// An object that is never overwritten, such as a file of the lake, whose name carries its content.
    pub fn immutable(store: Arc<dyn ObjectStore>, path: Path, size_bytes: u64) -> Self {
        Self { store, path, size_bytes, e_tag: None, gap_bytes: OBJECT_STORE_COALESCE_DEFAULT }
    }

    /// Its place in the store.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub(crate) async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        self.get(GetOptions::new().with_range(Some(range))).await
    }

    pub(crate) async fn read_all(&self) -> Result<Bytes, Error> {
        self.get(GetOptions::new()).await
    }

    pub(crate) async fn read_ranges(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        coalesce_ranges(ranges, |range| self.read(range), self.gap_bytes).await
    }

    /// Fails when the object is no longer the one that was listed.
    pub(crate) async fn confirm(&self) -> Result<(), Error> {
        self.get(GetOptions::new().with_head(true)).await.map(drop)
    }

    async fn get(&self, options: GetOptions) -> Result<Bytes, Error> {
        let is_head = options.head;
        let options = options.with_if_match(self.e_tag.clone());
        let answer = self.store.get_opts(&self.path, options).await.map_err(gone)?;
        if is_head { Ok(Bytes::new()) } else { answer.bytes().await.map_err(gone) }
    }
}

/// An object that is gone is no longer the one that was listed.
fn gone(error: Error) -> Error {
    match error {
        Error::NotFound { path, source } => Error::Precondition { path, source },
        other => other,
    }
}
