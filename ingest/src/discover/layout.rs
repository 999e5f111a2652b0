//! Where a file stands in an export's folders: the billing period's folder, the version below it, the name.
//!
//! Period folders that exports write: `BILLING_PERIOD=2026-10` (AWS Data Exports, FOCUS), `usage_period=2026-10` (AWS
//! carbon emissions), `20261001-20261101` (legacy CUR, Azure) and `year=2026/month=10` (legacy CUR for Athena). A file
//! that stands in none of them belongs to the folder it is in.
//!
//! Exports that keep their versions put each into a folder of its own below the period's: named by the time of its
//! making (AWS Data Exports, Azure) or by a random id (legacy CUR), which only the time of writing puts in order.

use std::cmp::Reverse;

/// Keys of the folders `key=value` that hold one billing period.
const PERIOD_KEYS: &[&str] = &["billing_period", "billingperiod", "usage_period", "period"];

/// Where a file stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The folder of its billing period, or its own folder.
    pub(super) folder: String,
    /// The folders between that folder and the file, joined by slashes.
    pub(super) below: String,
    /// Its name.
    pub(super) name: String,
}

/// Orders versions of one period: the greatest is the latest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct VersionRank {
    /// The version's folder when its name starts with a time, else nothing.
    time: String,
    /// Of manifests without such a folder the one nearest to the period's folder is the current one.
    depth: Reverse<usize>,
    /// When the object was last written, in milliseconds since 1970.
    modified_ms: i64,
}

impl Place {
    /// The place of a file by its path.
    pub(super) fn of(path: &str) -> Self {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let segments: Vec<&str> = folders.split('/').filter(|s| !s.is_empty()).collect();
        let period = (0..segments.len()).rev().find(|&i| is_period(&segments, i));
        let end = period.map_or(segments.len(), |i| i + 1);
        Self { folder: segments[..end].join("/"), below: segments[end..].join("/"), name: name.to_owned() }
    }

    /// The place of a file that was given by itself: it is its own folder.
    pub(super) fn single(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        Self { folder: path.to_owned(), below: String::new(), name: name.to_owned() }
    }

    /// The folder of its version, when it stands in one.
    pub(super) fn version_folder(&self) -> Option<&str> {
        let first = self.below.split('/').next()?;
        (starts_with_time(first) || is_random_id(first)).then_some(first)
    }
}

impl VersionRank {
    /// The rank of a version folder's object.
    pub(super) fn new(version_folder: &str, modified_ms: i64) -> Self {
        let time = if starts_with_time(version_folder) { version_folder } else { "" };
        Self { time: time.to_owned(), depth: Reverse(0), modified_ms }
    }

    /// The rank of a manifest at `place`.
    pub(super) fn of_manifest(place: &Place, modified_ms: i64) -> Self {
        match place.version_folder() {
            Some(folder) if starts_with_time(folder) => Self::new(folder, modified_ms),
            _ => {
                let depth = place.below.split('/').filter(|s| !s.is_empty()).count();
                Self { time: String::new(), depth: Reverse(depth), modified_ms }
            }
        }
    }
}

/// The folder of the data that a manifest in `manifest_folder` speaks of: AWS Data Exports keep both side by side.
pub(super) fn data_folder_of(manifest_folder: &str) -> String {
    let mut segments: Vec<&str> = manifest_folder.split('/').collect();
    if let Some(metadata) = segments.iter_mut().rev().find(|segment| **segment == "metadata") {
        *metadata = "data";
    }
    segments.join("/")
}

/// Whether the folder `segments[i]` holds one billing period.
fn is_period(segments: &[&str], i: usize) -> bool {
    let segment = segments[i];
    if let Some((key, value)) = segment.split_once('=') {
        let key = key.to_ascii_lowercase();
        let follows_year = || i > 0 && segments[i - 1].to_ascii_lowercase().starts_with("year=");
        return !value.is_empty()
            && (PERIOD_KEYS.contains(&key.as_str()) || (key == "month" && follows_year()));
    }
    segment.split_once('-').is_some_and(|(from, to)| is_date(from) && is_date(to))
}

fn is_date(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a folder's name starts with a time: `20261101T...`, `2026-11-01T...`, `202611010930`.
fn starts_with_time(name: &str) -> bool {
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    let dashed = name.len() > 10
        && name
            .bytes()
            .take(10)
            .enumerate()
            .all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
    let compact = (digits == 8 && name.as_bytes().get(8) == Some(&b'T')) || matches!(digits, 12 | 14);
    dashed || compact
}

/// Whether a folder's name is a UUID, with or without dashes.
fn is_random_id(name: &str) -> bool {
    matches!(name.len(), 32 | 36)
        && name.bytes().filter(u8::is_ascii_hexdigit).count() == 32
        && name.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}
