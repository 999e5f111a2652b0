//! Golden rows of the workshop data, where they are present.

use std::{collections::BTreeMap, path::PathBuf};

/// Rows of a CSV file without quotes: column name to cell.
pub(crate) fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let columns: Vec<&str> = lines.next().expect("a heading").split(',').collect();
    let row = |line: &str| {
        columns.iter().zip(line.split(',')).map(|(c, v)| ((*c).to_owned(), v.to_owned())).collect()
    };
    lines.map(row).collect()
}

/// A file of the workshop data.
pub(crate) fn shared(path: &str) -> Option<String> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("AIRSHED_SHARED").map_or_else(beside, PathBuf::from);
    std::fs::read_to_string(root.join("data").join(path)).ok()
}
