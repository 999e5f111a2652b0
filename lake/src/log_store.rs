//! How a commit on S3 is atomic: the log entry is put only if no entry of that version is there.
//!
//! S3 has had that condition (`If-None-Match: *`) since August 2024
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>), so Delta's log store for stores
//! with a conditional put serves it, over the store that [`Location`](crate::Location) made. delta-rs has it for local
//! folders only; its own S3 crate would bring a second client with credentials of its own.

use std::sync::Arc;

use deltalake::{
    DeltaResult,
    logstore::{
        LogStore, LogStoreFactory, ObjectStoreRef, StorageConfig, default_logstore, logstore_factories,
    },
};
use url::Url;

struct ConditionalPut;

impl LogStoreFactory for ConditionalPut {
    fn with_options(
        &self,
        prefixed_store: ObjectStoreRef,
        root_store: ObjectStoreRef,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(prefixed_store, root_store, location, options))
    }
}

/// Makes delta-rs commit in this way at locations with the scheme of `location` that it has no way for.
pub(crate) fn register(location: &Url) {
    if let Ok(scheme) = Url::parse(&format!("{}://", location.scheme())) {
        logstore_factories().entry(scheme).or_insert_with(|| Arc::new(ConditionalPut));
    }
}
