//! The lake: a place, and the tables in it.

use std::sync::Arc;

use airshed_domain::schema::Table;
use object_store::ObjectStore;

use crate::{
    error::Result,
    location::{Location, StoreOptions},
    table::LakeTable,
};

/// A folder or S3 prefix of tables.
#[derive(Debug, Clone)]
pub struct Lake {
    location: Location,
}

impl Lake {
    /// Opens (it need not exist yet) a lake at a local path or `s3://bucket/prefix`.
    pub fn open(uri: &str, options: &StoreOptions) -> Result<Self> {
        Ok(Self { location: Location::parse(uri, options)? })
    }

    /// A lake at a location that the caller made.
    pub fn at(location: Location) -> Self {
        Self { location }
    }

    /// Where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The object store that holds it, rooted at the bucket or at `/`.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.location.store
    }

    /// Opens a table at its newest version, creating it when it is missing.
    pub async fn table(&self, table: &Table) -> Result<LakeTable> {
        LakeTable::open_or_create(self.location.child(table.name), table).await
    }

    /// Opens a table at its newest version, or `None` when it was never created.
    pub async fn existing_table(&self, table: &Table) -> Result<Option<LakeTable>> {
        LakeTable::open(self.location.child(table.name), table).await
    }
}
