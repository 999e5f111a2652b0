//! Where objects and announcements come from.

use std::{fmt::Debug, sync::Arc};

use airshed_lake::Location;

use crate::{error::Result, stream::Queue};

/// Opens queues and buckets with the credentials that belong to them.
pub trait Sources: Debug + Send + Sync {
    /// The queue of a metric stream.
    fn queue(&self, url: &str) -> Result<Arc<dyn Queue>>;

    /// A place in a bucket of metric streams: `s3://bucket/prefix`.
    fn stream(&self, uri: &str) -> Result<Location>;

    /// A place of billing exports: `s3://bucket/prefix` or a folder.
    fn export(&self, uri: &str) -> Result<Location>;
}
