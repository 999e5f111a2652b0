//! Manifests: which files belong to one version of one export's billing period.
//!
//! Three kinds are read, told apart by the key that lists the files: AWS Data Exports (`dataFiles`), legacy Cost and
//! Usage Reports (`reportKeys`) and Azure exports (`blobs`). Every other key is ignored and none is required, so a
//! manifest of a later schema still reads. A manifest of something else is no error: it lists nothing of ours.
//!
//! Manifests name files by their place in the bucket they were delivered to. Exports are copied about, so a listed
//! file is looked for at its listed path first, and then below each folder above the manifest by the longest tail of
//! that path: a copy that kept the folders below the export's own resolves, a file of another period never does.
//!
//! Layouts: <https://docs.aws.amazon.com/cur/latest/userguide/dataexports-export-delivery.html> and
//! <https://docs.aws.amazon.com/cur/latest/userguide/understanding-report-versions.html>.

use std::collections::BTreeSet;

use serde_json::Value;

/// The keys under which the known kinds of manifest list their files.
const FILE_LISTS: &[&str] = &["dataFiles", "reportKeys", "blobs"];
/// The keys that hold a file's path where an entry of the list is an object.
const PATH_KEYS: &[&str] = &["path", "key", "blobName", "s3Uri", "uri", "fileName"];

/// What a manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// The files that belong, as paths in their bucket.
    pub(crate) files: Vec<String>,
}

/// Whether a file name is that of a manifest.
pub(crate) fn is_manifest_name(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("manifest.json")
}

impl Manifest {
    /// Reads a manifest; `None` when it is not JSON or lists no files under a key that we know.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let value: Value =
            serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).ok()?;
        let list = FILE_LISTS.iter().find_map(|key| value.get(key)?.as_array())?;
        let files = list.iter().map(|entry| file_path(entry).map(key_of)).collect::<Option<Vec<_>>>()?;
        Some(Self { files })
    }

    /// For each listed file the object it is, or the listed path when there is no such object.
    ///
    /// `folder` is the manifest's own folder and `objects` are the paths that exist, all from the same root.
    pub(crate) fn resolve(&self, folder: &str, objects: &BTreeSet<&str>) -> Vec<Result<String, String>> {
        self.files.iter().map(|file| resolve(file, folder, objects).ok_or_else(|| file.clone())).collect()
    }
}

fn file_path(entry: &Value) -> Option<&str> {
    entry.as_str().or_else(|| PATH_KEYS.iter().find_map(|key| entry.get(key)?.as_str()))
}

/// A listed path without `s3://bucket/` and without slashes at either end.
fn key_of(listed: &str) -> String {
    let key = match listed.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or(rest, |(_, key)| key),
        None => listed,
    };
    key.trim_matches('/').to_owned()
}

fn resolve(listed: &str, folder: &str, objects: &BTreeSet<&str>) -> Option<String> {
    if objects.contains(listed) {
        return Some(listed.to_owned());
    }
    let segments: Vec<&str> = listed.split('/').filter(|s| !s.is_empty()).collect();
    let folders: Vec<&str> = folder.split('/').filter(|s| !s.is_empty()).collect();
    for start in 0..segments.len() {
        let tail = segments[start..].join("/");
        for depth in (0..=folders.len()).rev() {
            let candidate =
                if depth == 0 { tail.clone() } else { format!("{}/{tail}", folders[..depth].join("/")) };
            if objects.contains(candidate.as_str()) {
                return Some(candidate);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_kinds_list_their_files() {
        let data_export = br#"{"executionId":"e","dataFiles":["s3://b/p/x/data/BILLING_PERIOD=2026-10/x-00001.csv.gz"],"later":{}}"#;
        assert_eq!(
            Manifest::parse(data_export).unwrap().files,
            ["p/x/data/BILLING_PERIOD=2026-10/x-00001.csv.gz"]
        );
        let legacy =
            br#"{"assemblyId":"a","bucket":"b","reportKeys":["/p/r/20230101-20230201/a/r-1.csv.gz"]}"#;
        assert_eq!(Manifest::parse(legacy).unwrap().files, ["p/r/20230101-20230201/a/r-1.csv.gz"]);
        let azure =
            br#"{"manifestVersion":"2024","blobs":[{"blobName":"d/e/part_0_0001.csv","byteCount":3}]}"#;
        assert_eq!(Manifest::parse(azure).unwrap().files, ["d/e/part_0_0001.csv"]);
    }

    #[test]
    fn a_manifest_of_something_else_lists_nothing() {
        for text in ["", "[]", "{}", r#"{"dataFiles":"x"}"#, r#"{"dataFiles":[7]}"#, "not json"] {
            assert_eq!(Manifest::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_copy_under_another_root_resolves_and_another_period_does_not() {
        let manifest = Manifest { files: vec!["old/root/x/data/BILLING_PERIOD=2026-10/x-1.parquet".into()] };
        let folder = "home/me/x/metadata/BILLING_PERIOD=2026-10";
        let copied = BTreeSet::from(["home/me/x/data/BILLING_PERIOD=2026-10/x-1.parquet"]);
        assert_eq!(
            manifest.resolve(folder, &copied),
            [Ok("home/me/x/data/BILLING_PERIOD=2026-10/x-1.parquet".into())]
        );
        let other = BTreeSet::from(["home/me/x/data/BILLING_PERIOD=2026-09/x-1.parquet"]);
        assert_eq!(manifest.resolve(folder, &other), [Err(manifest.files[0].clone())]);
    }
}
