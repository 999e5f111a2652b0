//! `airshed bench`: how long import, estimate and ledger write take, beside a plain copy of the same columns.
//!
//! For each size it generates a CUR 2.0 export, then starts this binary twice as a child: `airshed run` on the export,
//! and `airshed bench copy`, which reads the columns that the import reads and writes them as zstd Parquet with
//! DataFusion and does nothing else. Each is its own process, so that peak memory is its own. A child measures itself
//! when it is given the hidden `--usage-file` (see `usage.rs`); wall time is taken here, around the child.

pub(crate) mod copy;
pub(crate) mod generate;
mod table;
#[cfg(test)]
mod tests;
pub(crate) mod usage;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use airshed_domain::period::BillingPeriod;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use generate::GenerateOptions;
use usage::ProcessUsage;

pub(crate) use table::table;

/// What to measure.
#[derive(Debug, Clone)]
pub(crate) struct BenchOptions {
    /// Sizes, in millions of rows.
    pub(crate) rows_millions: Vec<u32>,
    /// Folder for inputs and results; emptied of what the benchmark wrote unless `keep`.
    pub(crate) scratch: PathBuf,
    /// Leave inputs and results behind.
    pub(crate) keep: bool,
    /// Seed of the data.
    pub(crate) seed: u64,
    /// Billing period of the data.
    pub(crate) period: BillingPeriod,
    /// Threads that generate; also DataFusion partitions of the copy.
    pub(crate) threads: usize,
}

/// What was measured: one entry a size.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct BenchReport {
    /// Processors that the system offers.
    pub(crate) threads: usize,
    /// Measurements by size.
    pub(crate) sizes: Vec<SizeReport>,
}

/// The measurements of one size.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct SizeReport {
    /// Rows of the input.
    pub(crate) rows: u64,
    /// Bytes of the input.
    pub(crate) input_bytes: u64,
    /// Seconds to generate it.
    pub(crate) generate_s: f64,
    /// `airshed run`.
    pub(crate) run: Measurement,
    /// The plain copy.
    pub(crate) copy: Measurement,
    /// Wall time of the run over that of the copy.
    pub(crate) wall_ratio: f64,
    /// Processor time of the run over that of the copy.
    pub(crate) cpu_ratio: Option<f64>,
}

/// One child process.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Measurement {
    /// Seconds from start to end.
    pub(crate) wall_s: f64,
    /// Rows of the input per second.
    pub(crate) rows_per_s: f64,
    /// What the child measured of itself.
    pub(crate) usage: ProcessUsage,
    /// Bytes that it left on disk.
    pub(crate) written_bytes: u64,
    /// The child's own report, as it printed it.
    pub(crate) report: Value,
}

/// Measures every size. `progress` is told what happens, in short sentences.
pub(crate) fn run(options: &BenchOptions, progress: &mut dyn FnMut(&str)) -> Result<BenchReport> {
    let binary = std::env::current_exe().context("cannot find this binary")?;
    let mut sizes = Vec::new();
    for millions in &options.rows_millions {
        sizes.push(measure_size(&binary, *millions, options, progress)?);
    }
    Ok(BenchReport { threads: options.threads, sizes })
}

fn measure_size(
    binary: &Path,
    millions: u32,
    options: &BenchOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<SizeReport> {
    let folder = options.scratch.join(format!("{millions}m"));
    if folder.exists() {
        bail!("{} exists already; give another scratch folder", folder.display());
    }
    let [input, lake, copied] = ["input", "lake", "copy"].map(|name| folder.join(name));
    let rows = u64::from(millions) * 1_000_000;
    progress(&format!("generating {millions} million rows"));
    let started = Instant::now();
    let generated = generate::generate(&GenerateOptions {
        rows,
        out: input.clone(),
        seed: options.seed,
        period: options.period,
        threads: options.threads,
    })?;
    let generate_s = started.elapsed().as_secs_f64();
    let input_bytes = generated.bytes;

    progress(&format!("{millions} million rows: airshed bench copy"));
    let arguments =
        ["bench".as_ref(), "copy".as_ref(), "--input".as_ref(), input.as_os_str(), "--to".as_ref()];
    let copy = measure(binary, &[&arguments[..], &[copied.as_os_str()]].concat(), rows, &folder, &copied)?;

    progress(&format!("{millions} million rows: airshed run"));
    let arguments =
        ["run".as_ref(), "--input".as_ref(), input.as_os_str(), "--lake".as_ref(), lake.as_os_str()];
    let output = ["-o".as_ref(), "json".as_ref()];
    let run = measure(binary, &[&arguments[..], &output].concat(), rows, &folder, &lake)?;

    if !options.keep {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    let wall_ratio = run.wall_s / copy.wall_s;
    let cpu_ratio = run.usage.cpu_s().zip(copy.usage.cpu_s()).map(|(run, copy)| run / copy);
    Ok(SizeReport { rows, input_bytes, generate_s, run, copy, wall_ratio, cpu_ratio })
}

/// Runs a child to its end and reads what it measured.
fn measure(
    binary: &Path,
    arguments: &[&std::ffi::OsStr],
    rows: u64,
    folder: &Path,
    output: &Path,
) -> Result<Measurement> {
    let usage_file = folder.join("usage.json");
    let name = arguments.iter().take(2).map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let started = Instant::now();
    let child = Command::new(binary)
        .args(arguments)
        .arg("--usage-file")
        .arg(&usage_file)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{name}`"))?;
    let wall_s = started.elapsed().as_secs_f64();
    if !child.status.success() {
        bail!("`{name}` ended with {}", child.status);
    }
    let usage = ProcessUsage::read(&usage_file)?;
    // A child that prints a table instead of JSON is measured all the same; its report is then the text.
    let report = serde_json::from_slice(&child.stdout)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&child.stdout).into_owned()));
    Ok(Measurement {
        wall_s,
        rows_per_s: rows as f64 / wall_s,
        usage,
        written_bytes: bytes_under(output)?,
        report,
    })
}

/// Bytes of every file under a folder.
fn bytes_under(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { bytes_under(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}
