//! Where objects and announcements come from.

use std::sync::Arc;

use airshed_lake::Location;

use crate::{
    error::Result,
    stream::{Buckets, Queue},
};

/// Opens queues, buckets of metric streams and billing exports, each with the credentials that belong to it.
pub trait Sources: Buckets {
    /// The queue of a metric stream.
    fn queue(&self, url: &str) -> Result<Arc<dyn Queue>>;

    /// A place of billing exports: `s3://bucket/prefix` or a folder.
    fn export(&self, uri: &str) -> Result<Location>;
}
