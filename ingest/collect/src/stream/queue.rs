//! The queue that announces a stream's objects.

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;

use crate::cloud::Answer;

/// A queue with at-least-once delivery, such as SQS: a message that was received stays hidden for a while and comes
/// again unless it is deleted. One method is one call; waiting and trying again are the caller's.
#[async_trait]
pub trait Queue: Debug + Send + Sync {
    /// Up to ten messages; waits up to `wait` for the first. None is an answer too.
    async fn receive(&self, wait: Duration) -> Answer<Vec<Message>>;

    /// Deletes up to ten messages by their receipts. A message that is gone already is no error.
    async fn delete(&self, receipts: &[String]) -> Answer<()>;

    /// About how many messages wait: those that can be received now and those that are hidden.
    async fn waiting(&self) -> Answer<u64>;
}

/// A message that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id, the same whenever it is received.
    pub id: String,
    /// The receipt of this delivery, which deletes it.
    pub receipt: String,
    /// Its text.
    pub body: String,
    /// How many times it was received, this time included.
    pub received: u32,
}
