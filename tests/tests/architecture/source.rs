//! A plain search through the text of a library for calls that it must not make.
//!
//! Comments are left out, and so is everything from `#[cfg(test)]` on, which by the style of this workspace is the end
//! of a file; files named `tests.rs` and folders named `tests` are tests.

use std::path::{Path, PathBuf};

/// `file:line: what, why` for every forbidden call below a folder, in order of path.
pub(crate) fn forbidden_calls(folder: &Path, rules: &[(&str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    for file in rust_files(folder) {
        let text = std::fs::read_to_string(&file).expect("a source file is text");
        for (line, call, reason) in forbidden_in(&text, rules) {
            found.push(format!("{}:{line}: `{call}`: {reason}", file.display()));
        }
    }
    found
}

fn forbidden_in<'r>(text: &str, rules: &[(&'r str, &'r str)]) -> Vec<(usize, &'r str, &'r str)> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.starts_with("#[cfg(test)]") {
            break;
        }
        let code = line.split("//").next().unwrap_or_default();
        let hits = rules.iter().filter(|(call, _)| code.contains(call));
        found.extend(hits.map(|(call, reason)| (index + 1, *call, *reason)));
    }
    found
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
        if path.is_dir() && !is_test {
            files.extend(rust_files(&path));
        } else if !is_test && path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::LIBRARIES_MUST_NOT_CALL as RULES;

    #[test]
    fn calls_are_found_with_their_line() {
        let text = "use std::env;\nfn f() {\n    let t = SystemTime::now();\n    eprintln!(\"{t:?}\");\n}\n";
        let lines: Vec<_> =
            forbidden_in(text, RULES).into_iter().map(|(line, call, _)| (line, call)).collect();
        assert_eq!(lines, [(1, "std::env"), (3, "SystemTime::now"), (4, "println!")]);
    }

    #[test]
    fn comments_and_tests_are_left_alone() {
        let text = "//! never std::env\nlet a = 1; // println!\n#[cfg(test)]\nmod tests { fn f() { println!(); } }\n";
        assert_eq!(forbidden_in(text, RULES), []);
    }
}
