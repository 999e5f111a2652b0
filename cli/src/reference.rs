//! The generated pages of `docs/`: command line, settings, tables.
//!
//! They are checked in, so that they can be read without building, and compared here, so that they cannot go stale.
//! `UPDATE_DOCS=1` (or `make docs`) rewrites them instead.

mod cli_page;
mod configuration_page;
mod tables_page;

use std::path::PathBuf;

fn check(name: &str, generated: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, generated).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == generated, "docs/{name} is stale; `make docs` rewrites it");
}

#[test]
fn the_command_line_page_is_current() {
    check("cli.md", &cli_page::text());
}

#[test]
fn the_configuration_page_is_current() {
    check("configuration.md", &configuration_page::text());
}

#[test]
fn the_tables_page_is_current() {
    check("tables.md", &tables_page::text());
}
