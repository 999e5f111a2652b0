//! The folder of users and tokens.

use std::sync::Arc;

use airshed_lake::{Lake, Location};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, path::Path};
use serde::{Serialize, de::DeserializeOwned};

use super::{TokenRecord, UserRecord, is_user_name};
use crate::error::{Error, ErrorKind, Result};

const FOLDER: &str = "_access";
const USERS: &str = "users";
const TOKENS: &str = "tokens";
/// Files read at the same time.
const READS: usize = 16;

/// The folder.
#[derive(Debug, Clone)]
pub struct AccessStore {
    store: Arc<dyn ObjectStore>,
    root: Path,
}

impl AccessStore {
    /// The folder `_access` of a ledger.
    pub fn in_lake(lake: &Lake) -> Self {
        Self { store: Arc::clone(lake.store()), root: lake.location().path.clone().join(FOLDER) }
    }

    /// A folder of one's own.
    pub fn at(location: &Location) -> Self {
        Self { store: Arc::clone(&location.store), root: location.path.clone() }
    }

    /// All users.
    ///
    /// # Errors
    /// [`ErrorKind::Retry`] where the store fails, [`ErrorKind::Corrupt`] for a damaged file, which is named.
    pub async fn users(&self) -> Result<Vec<UserRecord>> {
        self.all(USERS).await
    }

    /// All tokens.
    ///
    /// # Errors
    /// As of [`users`](Self::users).
    pub async fn tokens(&self) -> Result<Vec<TokenRecord>> {
        self.all(TOKENS).await
    }

    /// Adds a user.
    ///
    /// # Errors
    /// [`ErrorKind::Statement`] when there is one of that name, or it is no name.
    pub async fn add_user(&self, user: &UserRecord) -> Result<()> {
        if !is_user_name(&user.name) {
            let message = format!(
                "`{}` is no name of a user: lower-case letters, digits, `-`, `_`, `.`, `@`, a letter first",
                user.name
            );
            return Err(Error::new(ErrorKind::Statement, message));
        }
        self.create(USERS, &user.name, user).await
    }

    /// Adds a token.
    ///
    /// # Errors
    /// As of [`add_user`](Self::add_user).
    pub async fn add_token(&self, token: &TokenRecord) -> Result<()> {
        self.create(TOKENS, &token.id, token).await
    }

    /// Removes a user and the tokens that stand for them. Returns whether there was one.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn remove_user(&self, name: &str) -> Result<bool> {
        for token in self.tokens().await?.iter().filter(|token| token.user == name) {
            self.remove(TOKENS, &token.id).await?;
        }
        self.remove(USERS, name).await
    }

    /// Removes a token. Returns whether there was one.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn remove_token(&self, id: &str) -> Result<bool> {
        self.remove(TOKENS, id).await
    }

    fn path(&self, kind: &str, name: &str) -> Path {
        self.root.clone().join(kind).join(format!("{name}.json"))
    }

    async fn all<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<T>> {
        let folder = self.root.clone().join(kind);
        let files: Vec<_> = self.store.list(Some(&folder)).try_collect().await.map_err(failed)?;
        let mut paths: Vec<Path> = files.into_iter().map(|file| file.location).collect();
        paths.sort();
        let reads = paths.into_iter().map(|path| async move {
            let bytes = match self.store.get(&path).await {
                Ok(found) => found.bytes().await.map_err(failed)?,
                // Removed since it was listed.
                Err(object_store::Error::NotFound { .. }) => return Ok(None),
                Err(error) => return Err(failed(error)),
            };
            let damaged = |e| Error::with_source(ErrorKind::Corrupt, format!("`{path}` is damaged"), e);
            serde_json::from_slice(&bytes).map(Some).map_err(damaged)
        });
        stream::iter(reads).buffered(READS).try_filter_map(async |found| Ok(found)).try_collect().await
    }

    async fn create<T: Serialize + Sync>(&self, kind: &str, name: &str, content: &T) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(content)
            .map_err(|e| Error::with_source(ErrorKind::Corrupt, "cannot encode", e))?;
        let options = PutOptions::from(PutMode::Create);
        match self.store.put_opts(&self.path(kind, name), bytes.into(), options).await {
            Ok(_) => Ok(()),
            Err(object_store::Error::AlreadyExists { .. }) => {
                Err(Error::new(ErrorKind::Statement, format!("`{name}` is there already")))
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn remove(&self, kind: &str, name: &str) -> Result<bool> {
        let path = self.path(kind, name);
        match self.store.head(&path).await {
            Ok(_) => self.store.delete(&path).await.map(|()| true).map_err(failed),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }
}

fn failed(error: object_store::Error) -> Error {
    Error::with_source(ErrorKind::Retry, "the folder of users cannot be used", error)
}
