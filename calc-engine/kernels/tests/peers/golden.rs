//! Golden rows: the figures that a tool itself computed, a line each.
//!
//! Some are in the repository (`data/`). The whole files and the tables that may not be shipped lie in the folder that
//! `AIRSHED_SHARED` names, else in `../shared` beside the project; what is not there is said on standard error.

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

/// Files below `data` of the shared folder; `None`, said aloud, when one is not there.
#[expect(clippy::print_stderr, reason = "a test that compares nothing must say so")]
pub(crate) fn shared<const N: usize>(paths: [&str; N]) -> Option<[String; N]> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("AIRSHED_SHARED").map_or_else(beside, PathBuf::from);
    let mut texts = [const { String::new() }; N];
    for (text, path) in texts.iter_mut().zip(paths) {
        let path = root.join("data").join(path);
        match std::fs::read_to_string(&path) {
            Ok(found) => *text = found,
            Err(error) => {
                eprintln!("SKIPPED: {}: {error} (AIRSHED_SHARED names the folder)", path.display());
                return None;
            }
        }
    }
    Some(texts)
}
