//! The commands that make data of their own: the sample company and the benchmark.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Make a sample company with a month of bills, and run the pipeline on it.
///
/// Nobody was ever billed for any of it; usage types, units and rates are AWS's public ones. The same seed gives the
/// same bytes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  airshed demo
  airshed demo --out /tmp/acme --months 3
  airshed demo --only-files")]
pub(crate) struct DemoArgs {
    /// Folder to write to [default: demo]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
    /// The newest month, YYYY-MM [default: 2026-10]
    #[arg(long, value_name = "YYYY-MM")]
    pub(crate) period: Option<String>,
    /// Months to make [default: 1]
    #[arg(long, value_name = "COUNT")]
    pub(crate) months: Option<u32>,
    /// Seed of the sample [default: 1]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// Write the bills and stop
    #[arg(long)]
    pub(crate) only_files: bool,
}

/// Measure import, estimate and ledger write beside a plain copy of the same columns.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  airshed bench
  airshed bench --rows-millions 1,5 -o json
  airshed bench --scratch /mnt/fast --keep")]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    pub(crate) command: Option<BenchCommand>,
    /// Sizes in millions of rows, separated by commas [default: 1,5,20]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) rows_millions: Vec<u32>,
    /// Folder for inputs and results [default: a folder of its own among the temporary files]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) scratch: Option<PathBuf>,
    /// Leave inputs and results behind
    #[arg(long)]
    pub(crate) keep: bool,
    /// Seed of the data [default: 1]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Copy the columns that an import reads: the yardstick
    #[command(after_help = "\
Examples:
  airshed bench copy --input ./exports --to ./copied")]
    Copy {
        /// Folder of Parquet files
        #[arg(long, value_name = "FOLDER")]
        input: PathBuf,
        /// Folder to write to
        #[arg(long, value_name = "FOLDER")]
        to: PathBuf,
    },
}
