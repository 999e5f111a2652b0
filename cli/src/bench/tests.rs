//! Small sizes: the generator's promises, and the copy on what it generates.

use std::{fs, path::PathBuf};

use airshed_ingest::format::Format;

use super::{
    copy::{CopyOptions, copy},
    generate::{GenerateOptions, generate},
    *,
};
use crate::cur2::schema::COLUMNS;

fn options(name: &str, seed: u64, threads: usize) -> GenerateOptions {
    let out = std::env::temp_dir().join(format!("airshed-bench-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&out);
    let period = "2026-10".parse().unwrap();
    GenerateOptions { rows: 150_000, out, seed, period, threads }
}

fn bytes(files: &[PathBuf]) -> Vec<Vec<u8>> {
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

#[test]
fn a_seed_means_the_same_bytes_whatever_the_threads() {
    let all = [options("one", 5, 1), options("two", 5, 4), options("other", 6, 2)];
    let [one, two, other] = all.each_ref().map(|options| bytes(&generate(options).unwrap().files));
    assert!(one == two, "another number of threads, other bytes");
    assert!(one != other, "another seed, the same bytes");
    for options in all {
        fs::remove_dir_all(options.out).unwrap();
    }
}

#[tokio::test]
async fn the_copy_holds_every_row() {
    let options = options("copy", 5, 2);
    let written = generate(&options).unwrap();
    assert_eq!(written.rows, 150_000);
    let (input, output) = (options.out.clone(), options.out.join("copied"));
    let report = copy(&CopyOptions { input, output: output.clone(), threads: 2 }).await.unwrap();
    assert_eq!(report.rows, 150_000);
    let imported = COLUMNS.iter().filter(|(name, _)| Format::Cur2.uses(name)).count();
    assert_eq!(report.columns, imported);
    assert!(imported > 30, "only {imported} columns");
    assert!(bytes_under(&output).unwrap() > 1_000_000);
    fs::remove_dir_all(options.out).unwrap();
}

#[test]
fn the_table_shows_run_beside_copy() {
    let measurement = |wall_s: f64| Measurement {
        wall_s,
        rows_per_s: 1e6 / wall_s,
        usage: ProcessUsage { user_s: Some(1.0), system_s: Some(0.5), peak_rss_bytes: Some(500_000_000) },
        written_bytes: 2_000_000,
        report: serde_json::json!({"stages": [{"name": "import", "seconds": 1.25}]}),
    };
    let (run, copy) = (measurement(3.0), measurement(2.0));
    let size = SizeReport {
        rows: 1_000_000,
        input_bytes: 1,
        generate_s: 1.0,
        wall_ratio: run.wall_s / copy.wall_s,
        cpu_ratio: Some(1.0),
        run,
        copy,
    };
    let text = table(&BenchReport { threads: 2, sizes: vec![size] });
    for part in ["run", "copy", "1.50", "import", "1.25", "500"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}
