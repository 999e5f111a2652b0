//! The folder that processes share: `_collectors/` of the lake.
//!
//! A member file is overwritten by its process. A lease file is written once, where there is none, and never changed.
//! Every call is given up after a while; what it did by then is unknown, and the next listing tells.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::Arc,
    time::Duration,
};

use airshed_lake::Lake;
use futures::TryStreamExt as _;
use object_store::{
    ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, path::Path,
};
use serde::{Serialize, de::DeserializeOwned};

use super::files::{Lease, Member, epoch_of, member_of, shard_of};
use crate::{
    clock::Clock,
    error::{Context as _, Error, ErrorKind, Result},
    unit::Shard,
};

const FOLDER: &str = "_collectors";
const MEMBERS: &str = "members";
const LEASES: &str = "leases";

/// What a listing says of a member file. Another mark is another content; the same mark may hide another content
/// where times are coarse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) e_tag: Option<String>,
    pub(super) modified_us: i64,
}

/// What is in the folder.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) members: BTreeMap<String, Mark>,
    /// Epochs of each shard, at least one.
    pub(super) epochs: BTreeMap<Shard, BTreeSet<u64>>,
}

/// The folder.
#[derive(Debug)]
pub(super) struct Folder {
    store: Arc<dyn ObjectStore>,
    root: Path,
    clock: Arc<dyn Clock>,
    patience: Duration,
}

impl Folder {
    /// The folder of a lake, whose calls are given up after `patience`.
    pub(super) fn new(lake: &Lake, clock: Arc<dyn Clock>, patience: Duration) -> Self {
        let root = lake.location().path.clone().join(FOLDER);
        Self { store: Arc::clone(lake.store()), root, clock, patience }
    }

    /// What is there.
    ///
    /// # Errors
    /// [`ErrorKind::Bug`], with its name, for a file that no collector wrote.
    pub(super) async fn list(&self) -> Result<Listing> {
        let files = self.store.list(Some(&self.root)).try_collect::<Vec<_>>();
        let mut listing = Listing::default();
        for file in self.within(&self.root, "list", files).await? {
            self.sort_in(&file, &mut listing)?;
        }
        Ok(listing)
    }

    /// The content of a lease file, or `None` when it is gone.
    pub(super) async fn lease(&self, shard: Shard, epoch: u64) -> Result<Option<Lease>> {
        self.read(&self.lease_path(shard, epoch)).await
    }

    /// Writes a lease file unless there is one. That it went through says little, and that it failed nothing: who has
    /// the shard is what the next listing shows.
    pub(super) async fn offer(&self, shard: Shard, epoch: u64, lease: &Lease) -> Result<()> {
        let path = self.lease_path(shard, epoch);
        let options = PutOptions::from(PutMode::Create);
        let put = self.store.put_opts(&path, encode(&path, lease)?, options);
        let put = async {
            match put.await {
                Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        };
        self.within(&path, "write", put).await
    }

    /// Deletes a lease file.
    pub(super) async fn delete_lease(&self, shard: Shard, epoch: u64) -> Result<()> {
        self.delete(&self.lease_path(shard, epoch)).await
    }

    /// The content of a member file, or `None` when there is none.
    pub(super) async fn member(&self, name: &str) -> Result<Option<Member>> {
        self.read(&self.member_path(name)).await
    }

    /// Writes or overwrites a member file.
    pub(super) async fn write_member(&self, name: &str, member: &Member) -> Result<()> {
        let path = self.member_path(name);
        let put = self.store.put(&path, encode(&path, member)?);
        self.within(&path, "write", put).await.map(drop)
    }

    /// Deletes a member file.
    pub(super) async fn delete_member(&self, name: &str) -> Result<()> {
        self.delete(&self.member_path(name)).await
    }

    fn member_path(&self, name: &str) -> Path {
        self.root.clone().join(MEMBERS).join(format!("{name}.json"))
    }

    fn lease_path(&self, shard: Shard, epoch: u64) -> Path {
        self.root.clone().join(LEASES).join(shard.to_string()).join(format!("{epoch:020}.json"))
    }

    fn sort_in(&self, file: &ObjectMeta, listing: &mut Listing) -> Result<()> {
        let parts: Vec<_> = file.location.prefix_match(&self.root).into_iter().flatten().collect();
        let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
        match parts.as_slice() {
            [MEMBERS, name] => {
                let name = member_of(name).ok_or_else(|| foreign(&file.location))?;
                let modified_us = file.last_modified.timestamp_micros();
                listing.members.insert(name.to_owned(), Mark { e_tag: file.e_tag.clone(), modified_us });
            }
            [LEASES, shard, epoch] => {
                let (Some(shard), Some(epoch)) = (shard_of(shard), epoch_of(epoch)) else {
                    return Err(foreign(&file.location));
                };
                listing.epochs.entry(shard).or_default().insert(epoch);
            }
            _ => return Err(foreign(&file.location)),
        }
        Ok(())
    }

    async fn read<T: DeserializeOwned>(&self, path: &Path) -> Result<Option<T>> {
        let get = async {
            match self.store.get(path).await {
                Ok(found) => found.bytes().await.map(Some),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        };
        let Some(bytes) = self.within(path, "read", get).await? else { return Ok(None) };
        match serde_json::from_slice(&bytes) {
            Ok(content) => Ok(Some(content)),
            Err(error) => Err(Error::bug(format!(
                "`{path}` is damaged; stop all collectors of the lake and delete it, then start them again"
            ))
            .caused_by(error)),
        }
    }

    async fn delete(&self, path: &Path) -> Result<()> {
        let delete = async {
            match self.store.delete(path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        };
        self.within(path, "delete", delete).await
    }

    async fn within<T>(
        &self,
        path: &Path,
        verb: &str,
        call: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T> {
        tokio::select! {
            biased;
            answer = call => answer.context(|| format!("cannot {verb} `{path}`")),
            () = self.clock.sleep(self.patience) => Err(Error::new(
                ErrorKind::Retry,
                format!("cannot {verb} `{path}`: no answer in {:?}", self.patience),
            )),
        }
    }
}

fn encode<T: Serialize>(path: &Path, content: &T) -> Result<PutPayload> {
    let bytes = serde_json::to_vec(content)
        .map_err(|e| Error::bug(format!("cannot encode `{path}`")).caused_by(e))?;
    Ok(bytes.into())
}

fn foreign(path: &Path) -> Error {
    Error::bug(format!("`{path}` is not a file of the collectors, and their folder must hold nothing else"))
}
