//! What work is split into, and which shard a piece of it belongs to.

use std::fmt;

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A thing that is worked on by one process at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// The organisation: its accounts.
    Organization,
    /// An account: its inventory and its metrics.
    Account(String),
    /// A metric stream: a queue or a prefix, as configured.
    Stream(String),
    /// A billing export, as configured.
    Export(String),
    /// The provider's own figures.
    ProviderReported,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization => f.write_str("organization"),
            Self::Account(id) => write!(f, "account {id}"),
            Self::Stream(name) => write!(f, "stream {name}"),
            Self::Export(uri) => write!(f, "export {uri}"),
            Self::ProviderReported => f.write_str("provider reported"),
        }
    }
}

/// Number of a shard, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shard(pub u16);

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

impl Unit {
    /// The shard of the unit out of `shards`, by rendezvous hashing: another number of shards moves as few units as can
    /// be.
    pub fn shard(&self, shards: u16) -> Shard {
        let name = self.to_string();
        let weight = |shard: &u16| xxh3_64_with_seed(name.as_bytes(), u64::from(*shard));
        Shard((0..shards).max_by_key(weight).unwrap_or_default())
    }
}
