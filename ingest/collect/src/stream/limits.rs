//! How much is in work at the same time, over all streams of a process.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};

/// Bytes that one permit stands for.
const PERMIT_BYTES: u64 = 1024;
/// Most permits: what a semaphore holds on every platform.
const MOST_PERMITS: u32 = 1 << 28;

/// Limits of objects in work; shared by the streams of a process.
#[derive(Debug)]
pub struct Limits {
    concurrency: usize,
    decoders: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    permits: u32,
}

impl Limits {
    /// Decodes so many objects at a time, and holds at most so many bytes of objects, between the first byte read and the
    /// lander. An object with more bytes than that is not read.
    pub fn new(concurrency: usize, bytes_in_flight: u64) -> Self {
        let concurrency = concurrency.max(1);
        let permits =
            u32::try_from(bytes_in_flight / PERMIT_BYTES).unwrap_or(u32::MAX).clamp(1, MOST_PERMITS);
        Self {
            concurrency,
            decoders: Arc::new(Semaphore::new(concurrency)),
            bytes: Arc::new(Semaphore::new(permits as usize)),
            permits,
        }
    }

    pub(super) fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// Most bytes of an object.
    pub(super) fn object_bytes(&self) -> u64 {
        u64::from(self.permits) * PERMIT_BYTES
    }

    /// Holds the bytes of an object; waits until they are free.
    pub(super) async fn hold(&self, bytes: u64) -> Result<OwnedSemaphorePermit> {
        let permits = u32::try_from(bytes.div_ceil(PERMIT_BYTES)).unwrap_or(u32::MAX).min(self.permits);
        Arc::clone(&self.bytes).acquire_many_owned(permits).await.map_err(|_| Error::cancelled())
    }

    /// The right to decode; waits for it.
    pub(super) async fn decoder(&self) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.decoders).acquire_owned().await.map_err(|_| Error::cancelled())
    }
}

#[cfg(test)]
impl Limits {
    /// Bytes of objects that are held now.
    pub(super) fn held_bytes(&self) -> u64 {
        self.object_bytes() - self.bytes.available_permits() as u64 * PERMIT_BYTES
    }
}
