//! The binary as scripts and people meet it: what it prints, where, and how it ends.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use arrow::{array::UInt32Array, compute::take_record_batch};
use parquet::arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder};

/// Of so many lines of the sample month one is kept: all kinds of line remain, and an unoptimised build is quick.
const KEEP_ONE_OF: usize = 16;

/// A command with no settings but those of the test.
fn airshed(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_airshed"));
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("AIRSHED_") || name.starts_with("AWS_"))
    {
        command.env_remove(name);
    }
    command.current_dir(folder).env("HOME", folder).stdin(Stdio::null());
    command
}

struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

fn run(folder: &Path, arguments: &[&str]) -> Ended {
    let output = airshed(folder).args(arguments).output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Writes part of the lines of an export's Parquet files to a folder.
fn thin_out(export: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(export).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            thin_out(&entry, to);
        } else if entry.extension().is_some_and(|extension| extension == "parquet") {
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&entry).unwrap()).unwrap();
            let target = File::create(to.join(entry.file_name().unwrap())).unwrap();
            let mut writer = ArrowWriter::try_new(target, reader.schema().clone(), None).unwrap();
            for batch in reader.build().unwrap() {
                let batch = batch.unwrap();
                let kept: UInt32Array = (0u32..).take(batch.num_rows()).step_by(KEEP_ONE_OF).collect();
                writer.write(&take_record_batch(&batch, &kept).unwrap()).unwrap();
            }
            writer.close().unwrap();
        }
    }
}

#[test]
fn no_arguments_is_a_usage_error_with_help() {
    let here = folder();
    let ended = run(here.path(), &[]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("Usage: airshed"), "{}", ended.stderr);
}

#[test]
fn an_unknown_key_is_refused_with_line_and_known_keys() {
    let here = folder();
    fs::write(here.path().join("airshed.toml"), "[import]\nmemory_mb = 1\n").unwrap();
    let ended = run(here.path(), &["config", "show"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    insta::assert_snapshot!(ended.stderr);
}

#[test]
fn a_bad_value_names_its_variable() {
    let here = folder();
    let output =
        airshed(here.path()).args(["config", "show"]).env("AIRSHED_IMPORT_THREADS", "many").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8(output.stderr).unwrap());
}

#[test]
fn a_missing_input_is_said_once() {
    let here = folder();
    let ended = run(here.path(), &["run", "--input", "nowhere", "--lake", "lake"]);
    assert_eq!(ended.code, 1);
    insta::assert_snapshot!(ended.stderr);
}

#[test]
fn errors_are_json_when_json_is_asked_for() {
    let here = folder();
    let ended = run(here.path(), &["run", "--input", "nowhere", "--lake", "lake", "-o", "json"]);
    assert_eq!(ended.code, 1);
    let error: serde_json::Value = serde_json::from_str(ended.stderr.trim()).unwrap();
    assert_eq!(error["exit_code"], 1);
    assert!(error["error"].as_str().unwrap().contains("nowhere"), "{error}");
}

#[test]
fn a_folder_of_other_files_is_no_success() {
    let here = folder();
    std::fs::create_dir(here.path().join("input")).unwrap();
    fs::write(here.path().join("input/notes.txt"), "nothing").unwrap();
    let ended = run(here.path(), &["run", "--input", "input", "--lake", "lake"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("holds no billing export"), "{}", ended.stderr);
}

#[test]
fn config_show_tells_value_and_origin() {
    let here = folder();
    fs::write(here.path().join("airshed.toml"), "[method]\nname = \"ccf\"\n").unwrap();
    let output = airshed(here.path())
        .args(["config", "show", "-o", "csv", "--lake", "s3://bucket/ledger"])
        .env("AIRSHED_IMPORT_THREADS", "3")
        .env("AWS_SECRET_ACCESS_KEY", "do-not-print")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(!text.contains("do-not-print"));
    insta::assert_snapshot!(text);
}

#[test]
fn the_example_configuration_is_accepted() {
    let here = folder();
    let example = run(here.path(), &["config", "example"]);
    fs::write(here.path().join("airshed.toml"), &example.stdout).unwrap();
    assert_eq!(run(here.path(), &["config", "show"]).code, 0);
}

#[test]
fn completions_are_printed_for_every_shell() {
    let here = folder();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ended = run(here.path(), &["completions", shell]);
        assert_eq!(ended.code, 0, "{shell}");
        assert!(ended.stdout.contains("airshed"), "{shell}");
    }
}

#[test]
fn factors_are_listed_shown_and_verified() {
    let here = folder();
    let list = run(here.path(), &["factors", "list", "-o", "csv"]);
    assert_eq!(list.code, 0, "{}", list.stderr);
    let first = list.stdout.lines().nth(1).unwrap().split(',').next().unwrap().to_owned();
    let show = run(here.path(), &["factors", "show", &first, "-o", "ndjson"]);
    assert!(show.stdout.contains("licence"), "{}", show.stdout);
    let verify = run(here.path(), &["factors", "verify"]);
    assert_eq!(verify.code, 0, "{}{}", verify.stdout, verify.stderr);
    let none = run(here.path(), &["factors", "show", "no/such/factor"]);
    assert_eq!(none.code, 1);
    assert!(none.stderr.contains("hint:"), "{}", none.stderr);
}

#[test]
fn an_imported_grid_changes_the_factor_set_once() {
    let here = folder();
    let grid =
        "zone,datetime,direct,lifecycle\nDE,2026-10-01T00:00:00Z,300,350\nDE,2026-10-01T01:00:00Z,310,360\n";
    fs::write(here.path().join("de.csv"), grid).unwrap();
    let set = || run(here.path(), &["factors", "verify"]).stderr;
    let before = set();
    let import = || run(here.path(), &["factors", "import-grid", "de.csv", "-o", "csv"]).stdout;
    assert!(import().contains("grid/0001-de.csv,imported"));
    let after = set();
    assert_ne!(before, after);
    assert!(import().contains("grid/0001-de.csv,already there"));
    assert_eq!(after, set());
    fs::write(here.path().join("bad.csv"), "zone,datetime,direct\nDE,yesterday,300\n").unwrap();
    assert_eq!(run(here.path(), &["factors", "import-grid", "bad.csv"]).code, 1);
}

/// The whole way on the sample company: one test, because one run serves all of its questions.
#[test]
fn a_ledger_is_made_asked_explained_and_verified() {
    let here = folder();
    let made = run(here.path(), &["demo", "--only-files"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    thin_out(&here.path().join("demo/acme-cur2"), &here.path().join("bills"));
    let arguments = ["run", "--input", "bills", "--lake", "lake", "-o", "json"];
    let first = run(here.path(), &arguments);
    assert_eq!(first.code, 0, "{}", first.stderr);
    let summary: serde_json::Value = serde_json::from_str(&first.stdout).unwrap();
    let rows = &summary["rows"];
    let count = |name: &str| rows[name].as_u64().unwrap();
    assert_eq!(count("in"), ["estimated", "unmapped", "excluded", "rejected"].map(count).iter().sum::<u64>());
    assert!(count("estimated") > 0, "{rows}");

    // The same again changes nothing.
    let again: serde_json::Value = serde_json::from_str(&run(here.path(), &arguments).stdout).unwrap();
    assert_eq!(again["runs"][0]["state"], "unchanged");
    assert_eq!(again["totals"], summary["totals"]);

    // What SQL says is what the summary says.
    let sql = "SELECT sum(co2e_location_g) FROM emissions";
    let asked = run(here.path(), &["sql", "--lake", "lake", "-o", "csv", sql]);
    assert_eq!(asked.code, 0, "{}", asked.stderr);
    let total = asked.stdout.lines().nth(1).unwrap();
    assert_eq!(total, summary["totals"]["co2e_location_g"]["central"]);
    let mut piped = airshed(here.path())
        .args(["sql", "--lake", "lake", "-o", "csv"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    piped.stdin.take().unwrap().write_all(format!("-- from a file\n{sql};\n").as_bytes()).unwrap();
    let piped = piped.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), asked.stdout);

    // SQL is read-only.
    let drop = run(here.path(), &["sql", "--lake", "lake", "DROP TABLE emissions"]);
    assert_eq!(drop.code, 1);
    assert!(drop.stderr.contains("read-only"), "{}", drop.stderr);

    // A line explains itself, and its explanation agrees with the ledger.
    let sql = "SELECT line_id FROM emissions WHERE status = 'estimated' AND co2e_location_g > 0 ORDER BY line_id LIMIT 1";
    let id = run(here.path(), &["sql", "--lake", "lake", "-o", "csv", sql])
        .stdout
        .lines()
        .nth(1)
        .unwrap()
        .to_owned();
    let explained = run(here.path(), &["explain", "--lake", "lake", &id]);
    assert_eq!(explained.code, 0, "{}{}", explained.stdout, explained.stderr);
    for part in
        ["├─ source", "row group", "├─ figures", "co2e_location_g", "the ledger holds the same figures"]
    {
        assert!(explained.stdout.contains(part), "{part} in {}", explained.stdout);
    }
    let json = run(here.path(), &["explain", "--lake", "lake", &id, "-o", "json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["differences"], serde_json::json!([]));
    assert_eq!(run(here.path(), &["explain", "--lake", "lake", "no-such-line"]).code, 1);

    let verified = run(here.path(), &["verify", "--lake", "lake", "-o", "csv"]);
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
    assert!(verified.stdout.contains("replay gives the same bytes,pass"), "{}", verified.stdout);

    // Another method is another run; a threshold that is not met has its own exit code.
    let mut other = arguments.to_vec();
    other.extend(["--method", "ccf", "--min-coverage", "1"]);
    let other = run(here.path(), &other);
    assert_eq!(other.code, 5, "{}", other.stderr);
    let summary: serde_json::Value = serde_json::from_str(&other.stdout).unwrap();
    assert_eq!(summary["method"], "ccf");
    assert_eq!(summary["runs"][0]["state"], "new");

    // A settings file that no longer gives the run's numbers fails the replay.
    let verified = run(here.path(), &["verify", "--lake", "lake"]);
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
    fs::write(here.path().join("airshed.toml"), "[method]\ndefault_utilization = 0.3\n").unwrap();
    assert_eq!(run(here.path(), &["verify", "--lake", "lake"]).code, 3);
}
