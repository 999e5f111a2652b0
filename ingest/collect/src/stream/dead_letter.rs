//! The folder of what could not be taken: one JSON file for each message or object, with the reason.

use airshed_lake::Lake;
use object_store::ObjectStoreExt as _;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    error::{Context as _, Error, Result},
    land::progress::object_key,
};

/// Folder below the lake.
const FOLDER: &str = "_dead_letters";

/// What stands in the file.
#[derive(Debug, Serialize)]
pub(super) struct DeadLetter<'a> {
    /// The stream, as configured.
    pub(super) stream: &'a str,
    /// The object, or the message that names none: `message <id>`.
    pub(super) source: &'a str,
    /// The object's ETag; empty for a message, or where it is not known.
    pub(super) e_tag: &'a str,
    /// Why.
    pub(super) reason: &'a str,
    /// When, RFC 3339.
    pub(super) at: String,
    /// The message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<&'a str>,
}

impl DeadLetter<'_> {
    /// Writes the file. Its name follows from the source, so that the same letter is one file however often it is written.
    pub(super) async fn write(&self, lake: &Lake) -> Result<()> {
        let stream = xxh3_64(self.stream.as_bytes());
        let name = object_key(self.source, self.e_tag);
        let place = lake.location().child(&format!("{FOLDER}/{stream:016x}/{name:032x}.json"));
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::bug("a dead letter cannot be written").caused_by(error))?;
        let put = place.store.put(&place.path, text.into()).await;
        put.map(drop).context(|| format!("cannot write `{}`", place.url))
    }
}
