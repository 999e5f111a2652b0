//! Reads billing exports into canonical billing lines; rejects bad rows with a reason.
//!
//! An input is listed into deliveries ([`discover()`]), each object is recognised and read ([`format`]), its rows become
//! ledger lines or rejects ([`normalize`], [`reject`]), lines are shuffled into buckets within a memory budget, sorted
//! into one canonical order that depends on their content alone, and published with one commit per table
//! ([`import()`]). The same rows in another order, from other files, on another number of threads give the same bytes.

pub mod deliveries;
pub mod discover;
mod error;
pub mod format;
pub mod import;
mod manifest;
pub mod normalize;
pub mod reject;
mod shard;
mod shuffle;
pub mod utilization;

pub use deliveries::{HeldDelivery, deliveries, remove_delivery};
pub use discover::{DataObject, Delivery, Discovery, IgnoreReason, IgnoredObject, discover, open_input};
pub use error::{Error, ErrorKind, Result};
pub use import::{ImportOptions, ImportReport, import};
pub use reject::Reject;
pub use utilization::{UtilizationReport, import_utilization};

/// Bytes as lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
