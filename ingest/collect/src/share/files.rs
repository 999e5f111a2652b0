//! Files of the folder: their names and contents.
//!
//! ```text
//! _collectors/members/<collector>.json        {"beat": 7, "started_at": "2026-10-01T08:00:00Z"}
//! _collectors/leases/<shard>/<epoch>.json     {"holder": {"name": "a", "started_at": "..."}, "swept_at": null}
//! ```

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::unit::Shard;

/// A process: names are taken again, so when it started belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    pub(super) name: String,
    #[serde(with = "instant")]
    pub(super) started_at: Timestamp,
}

/// Content of a lease file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lease {
    /// Who has the shard; nobody when it was released.
    pub(super) holder: Option<Holder>,
    /// When the shard was last swept, by the clock of who swept it; handed on from lease to lease.
    #[serde(with = "instant::option")]
    pub(super) swept_at: Option<Timestamp>,
}

/// Content of a member file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    /// Goes up each time.
    pub(super) beat: u64,
    #[serde(with = "instant")]
    pub(super) started_at: Timestamp,
}

/// Whether a collector may have this name: it is the name of a file in any store.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.len() <= 128 && name.chars().all(plain) && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// The collector of a member file.
pub(super) fn member_of(file: &str) -> Option<&str> {
    file.strip_suffix(".json").filter(|name| is_name(name))
}

/// The shard of a folder of leases.
pub(super) fn shard_of(folder: &str) -> Option<Shard> {
    folder.parse().ok().map(Shard).filter(|shard| shard.to_string() == folder)
}

/// The epoch of a lease file. The last number is none, as there must be a next one.
pub(super) fn epoch_of(file: &str) -> Option<u64> {
    let digits = file.strip_suffix(".json").filter(|digits| digits.len() == 20)?;
    digits.parse().ok().filter(|epoch| *epoch < u64::MAX && digits == format!("{epoch:020}"))
}

/// Instants as text in JSON.
mod instant {
    use jiff::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(at)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }

    pub(super) mod option {
        use jiff::Timestamp;
        use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

        #[expect(clippy::ref_option, reason = "serde passes the field by reference")]
        pub(in super::super) fn serialize<S: Serializer>(
            at: &Option<Timestamp>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => serializer.collect_str(at),
                None => serializer.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Timestamp>, D::Error> {
            let text = Option::<String>::deserialize(deserializer)?;
            text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
        }
    }
}
