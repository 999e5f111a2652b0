//! The architecture as a test: what each crate may depend on, must not contain, and must not call.
//!
//! A rule that only stands in a document is broken by the first hurried change. [`rules`] holds the tables of the
//! design; `graph` checks them against `cargo metadata`, `source` against the text of the libraries. Both checks are
//! plain functions over data, so that made-up graphs and made-up files prove that they can fail.

mod graph;
mod rules;
mod source;

use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand};

fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is a folder of the workspace").to_owned()
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(workspace_root().join("Cargo.toml"))
        .other_options(vec!["--locked".to_owned(), "--offline".to_owned()])
        .exec()
        .expect("cargo metadata")
}

#[test]
fn crates_depend_only_on_what_the_design_allows() {
    let graph = graph::Graph::from_metadata(&metadata());
    assert_none(&graph.disallowed_edges(rules::ALLOWED));
}

#[test]
fn crates_contain_nothing_forbidden() {
    let graph = graph::Graph::from_metadata(&metadata());
    assert_none(&graph.forbidden_contents(rules::MUST_NOT_CONTAIN));
    assert_none(&graph.forbidden_direct(rules::LIBRARIES_MUST_NOT_NAME, rules::BINARY));
}

#[test]
fn the_datafusion_family_has_one_version_each() {
    let graph = graph::Graph::from_metadata(&metadata());
    assert_none(&graph.second_versions(rules::ONE_VERSION));
}

#[test]
fn libraries_read_no_environment_clock_or_chance_and_print_nothing() {
    let mut found = Vec::new();
    for library in rules::LIBRARY_FOLDERS {
        let folder = workspace_root().join(library).join("src");
        assert!(folder.is_dir(), "{} is a library of the design", folder.display());
        found.extend(source::forbidden_calls(&folder, rules::LIBRARIES_MUST_NOT_CALL));
        if !rules::SERVERS.contains(library) {
            found.extend(source::forbidden_calls(&folder, rules::ONLY_SERVERS_MAY_CALL));
        }
    }
    assert_none(&found);
}

#[test]
fn every_member_has_a_rule_and_shares_the_lints() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        assert!(rules::ALLOWED.iter().any(|(of, _)| *of == name), "{name} has no row in rules::ALLOWED");
        let manifest = std::fs::read_to_string(&package.manifest_path).expect("manifest");
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name} does not share the workspace lints");
    }
}

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "{}", found.join("\n"));
}
