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

const BILL_HEADER: &str = "identity_line_item_id,bill_payer_account_id,bill_billing_period_start_date,\
    line_item_usage_account_id,line_item_line_item_type,line_item_usage_start_date,line_item_usage_end_date,\
    line_item_product_code,line_item_usage_type,line_item_operation,line_item_resource_id,line_item_usage_amount,\
    line_item_currency_code,line_item_unblended_cost,pricing_unit,product_instance_type,product_region_code,resource_tags";

/// A bill of one machine in some hours of October 2026.
fn bill(folder: &Path, name: &str, hours: std::ops::Range<usize>) {
    let lines = hours.map(|hour| {
        let next = hour + 1;
        format!(
            "line-{hour},999999999999,2026-10-01T00:00:00Z,111111111111,Usage,2026-10-02T{hour:02}:00:00Z,\
             2026-10-02T{next:02}:00:00Z,AmazonEC2,BoxUsage:m5.large,RunInstances,i-1,1,USD,0.096,Hrs,m5.large,\
             us-east-1,\n"
        )
    });
    let file = folder.join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, format!("{BILL_HEADER}\n{}", lines.collect::<String>())).unwrap();
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// The data files of a table.
fn data_files(table: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(table).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            files.extend(data_files(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "parquet") {
            files.push(entry);
        }
    }
    files
}

#[test]
fn a_part_of_the_input_is_no_success_and_says_what_is_missing() {
    let here = folder();
    bill(here.path(), "bills/good.csv", 0..5);
    fs::write(here.path().join("bills/notes.csv"), "name,colour\nx,red\n").unwrap();
    let arguments = |command| [command, "--input", "bills", "--lake", "lake", "-o", "json"];
    let whole = run(here.path(), &arguments("run"));
    assert_eq!(whole.code, 0, "{}", whole.stderr);
    let ignored = &json(&whole.stdout)["ignored"];
    assert_eq!(ignored[0]["reason"], "not a billing export", "{ignored}");
    assert!(ignored[0]["uri"].as_str().unwrap().ends_with("bills/notes.csv"), "{ignored}");

    // One file that cannot be read at all, and one that breaks off.
    fs::write(here.path().join("bills/broken.parquet"), b"PAR1 and no more").unwrap();
    // The second time nothing is read, and the file is still missing.
    for _ in 0..2 {
        let part = run(here.path(), &arguments("run"));
        assert_eq!(part.code, 1, "{}", part.stderr);
        let unreadable = &json(&part.stdout)["deliveries"][0]["unreadable"];
        assert!(unreadable[0].as_str().unwrap().ends_with("bills/broken.parquet"), "{unreadable}");
        assert!(part.stderr.contains("bills/broken.parquet"), "{}", part.stderr);
        assert_eq!(json(&part.stdout)["rows"]["estimated"], 5);
    }
    let part = run(here.path(), &arguments("import"));
    assert_eq!(part.code, 1, "{}", part.stderr);
    let rows = json(&part.stdout);
    let of = |state: &str| {
        let found = rows.as_array().unwrap().iter().find(|row| row["state"] == state);
        found.unwrap_or_else(|| panic!("no {state} row in {rows}")).clone()
    };
    assert!(of("unreadable")["delivery"].as_str().unwrap().ends_with("bills/broken.parquet"));
    assert_eq!(of("ignored")["reason"], "not a billing export");
    // What is in the ledger is right.
    let verified = run(here.path(), &["verify", "--lake", "lake"]);
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);

    fs::remove_file(here.path().join("bills/broken.parquet")).unwrap();
    let whole = run(here.path(), &arguments("run"));
    assert_eq!(whole.code, 0, "{}", whole.stderr);
}

#[test]
fn a_damaged_or_missing_file_fails_the_verification_by_name() {
    let here = folder();
    bill(here.path(), "bills/good.csv", 0..5);
    let made = run(here.path(), &["run", "--input", "bills", "--lake", "lake"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let verify = || run(here.path(), &["verify", "--lake", "lake", "-o", "csv"]);
    let whole = verify();
    assert_eq!(whole.code, 0, "{}{}", whole.stdout, whole.stderr);
    assert!(whole.stdout.contains("rows in its objects = billing lines + rejects"), "{}", whole.stdout);
    for table in
        ["billing_lines", "line_sources", "emissions", "emissions_hourly", "coverage", "runs", "periods"]
    {
        let [file] = data_files(&here.path().join("lake").join(table)).try_into().unwrap();
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = fs::read(&file).unwrap();
        let mut damaged = bytes.clone();
        let middle = damaged.len() / 3;
        damaged[middle..middle + 4].iter_mut().for_each(|byte| *byte ^= 0xff);
        fs::write(&file, damaged).unwrap();
        let ended = verify();
        assert_eq!(ended.code, 3, "{table}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains(&name) && ended.stdout.contains("is damaged"), "{}", ended.stdout);
        fs::remove_file(&file).unwrap();
        let ended = verify();
        assert_eq!(ended.code, 3, "{table}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains(&name) && ended.stdout.contains("is missing"), "{}", ended.stdout);
        fs::write(&file, bytes).unwrap();
    }
    // A table whose log cannot be read is damage too.
    let log = here.path().join("lake/emissions/_delta_log/00000000000000000000.json");
    fs::write(log, "not json").unwrap();
    let ended = verify();
    assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("emissions"), "{}", ended.stderr);
}

#[test]
fn a_delivery_that_was_a_mistake_is_removed() {
    let here = folder();
    bill(here.path(), "good/a.csv", 0..5);
    bill(here.path(), "mistake/b.csv", 10..13);
    let run_it = |input: &str| {
        let ended = run(here.path(), &["run", "--input", input, "--lake", "lake", "-o", "json"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        json(&ended.stdout)
    };
    let ask = |sql: &str| run(here.path(), &["sql", "--lake", "lake", "-o", "csv", sql]).stdout;
    let totals = "SELECT count(*), sum(billed_cost), sum(co2e_location_g) FROM emissions";
    run_it("good");
    let before = ask(totals);
    let with_mistake = run_it("mistake")["runs"][0]["run_id"].as_str().unwrap().to_owned();
    let of_both = ask(totals);
    assert_ne!(of_both, before);

    let list = || json(&run(here.path(), &["deliveries", "list", "--lake", "lake", "-o", "json"]).stdout);
    let held = list();
    assert_eq!(held.as_array().unwrap().len(), 2, "{held}");
    let mistake = &held[1];
    assert!(mistake["source"].as_str().unwrap().ends_with("mistake/b.csv"), "{held}");
    assert_eq!((&mistake["rows_in"], &mistake["periods"]), (&"3".into(), &"2026-10".into()), "{held}");
    let id = mistake["delivery_id"].as_str().unwrap();

    let unknown = run(here.path(), &["deliveries", "remove", "--lake", "lake", id, "no-such-delivery"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.stderr.contains("no-such-delivery"), "{}", unknown.stderr);
    assert_eq!(list(), held, "all or nothing");
    let removed = run(here.path(), &["deliveries", "remove", "--lake", "lake", id]);
    assert_eq!(removed.code, 0, "{}", removed.stderr);
    assert_eq!(list().as_array().unwrap().len(), 1);
    for command in ["estimate", "rollup"] {
        let ended = run(here.path(), &[command, "--lake", "lake"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    assert_eq!(ask(totals), before);
    let past = run(here.path(), &["sql", "--lake", "lake", "-o", "csv", "--as-of", &with_mistake, totals]);
    assert_eq!(past.stdout, of_both, "{}", past.stderr);
    let verified = run(here.path(), &["verify", "--lake", "lake"]);
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);

    // The last one too: the month is then empty.
    let id = list()[0]["delivery_id"].as_str().unwrap().to_owned();
    assert_eq!(run(here.path(), &["deliveries", "remove", "--lake", "lake", &id]).code, 0);
    for command in ["estimate", "rollup", "verify"] {
        let ended = run(here.path(), &[command, "--lake", "lake"]);
        assert_eq!(ended.code, 0, "{command}: {}{}", ended.stdout, ended.stderr);
    }
    assert_eq!(ask("SELECT count(*) FROM emissions").lines().nth(1), Some("0"));
}

#[test]
fn of_factor_files_the_last_import_wins() {
    let here = folder();
    let header = "zone,datetime,direct,lifecycle";
    for (name, row) in [
        ("a.csv", "DE,2026-10-01T00:00:00Z,300,350"),
        ("b.csv", "DE,2026-10-01T00:00:00Z,200,250"),
        ("fr.csv", "FR,2026-10-01T00:00:00Z,30,35"),
    ] {
        fs::write(here.path().join(name), format!("{header}\n{row}\n")).unwrap();
    }
    let import = |file: &str| run(here.path(), &["factors", "import-grid", file, "-o", "csv"]).stdout;
    let set = || run(here.path(), &["factors", "verify"]).stderr;
    assert!(import("a.csv").contains("grid/0001-a.csv,imported"));
    let of_a = set();
    assert!(import("b.csv").contains("grid/0002-b.csv,imported"));
    assert_ne!(set(), of_a);
    assert!(import("a.csv").contains("grid/0003-a.csv,imported"));
    assert_eq!(set(), of_a);
    // A file beside which others stand is in force still: it is not kept again each night.
    assert!(import("fr.csv").contains("grid/0004-fr.csv,imported"));
    let of_both = set();
    assert!(import("a.csv").contains("grid/0003-a.csv,already there"));
    assert!(import("fr.csv").contains("grid/0004-fr.csv,already there"));
    assert_eq!(set(), of_both);
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
