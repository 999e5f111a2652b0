//! What can be typed: the command line as data.
//!
//! A doc comment here is the help text, `docs/cli.md` is made from it, and each command shows examples. Options that
//! every command understands are in [`Global`]. No option has a default here: defaults stand once, in
//! [`crate::settings`], so that flag, environment, file and default can be told apart.

mod collect;
mod deliveries;
mod factors;
mod serve;
mod stages;
mod tools;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use collect::CollectArgs;
pub(crate) use deliveries::{DeliveriesArgs, DeliveriesCommand};
pub(crate) use factors::{FactorsArgs, FactorsCommand};
pub(crate) use serve::{ServeArgs, TokenArgs, TokenCommand, TrustArgs, UserArgs, UserCommand, WorkerArgs};
pub(crate) use stages::{
    EstimateArgs, ExplainArgs, ImportArgs, RollupArgs, RunArgs, SpreadArgs, SqlArgs, VerifyArgs,
};
pub(crate) use tools::{BenchArgs, BenchCommand, DemoArgs};

/// An open carbon ledger for cloud estates.
///
/// Reads billing exports, turns every billed line into energy, CO2e and water with cited factors, and keeps the result
/// as exact Delta tables that any SQL engine can read.
#[derive(Debug, Parser)]
#[command(name = "airshed", version, propagate_version = false, arg_required_else_help = true)]
#[command(max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed, or done in part: a delivery was refused or a file could not be read
  2    wrong usage or configuration
  3    the ledger is not what it should be
  5    coverage below the threshold
  75   failed for now; the same command may succeed later
  130  interrupted

Start with `airshed demo`, or `airshed run --input FOLDER --lake FOLDER`.";

/// Options that every command understands.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Configuration file [default: airshed.toml in the working folder, where there is one] [env: AIRSHED_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<String>,
    /// Where the ledger is: a folder or s3://bucket/prefix [env: AIRSHED_LAKE]
    #[arg(long, global = true, value_name = "PATH_OR_URI")]
    pub(crate) lake: Option<String>,
    /// Form of the result on standard output [default: table]
    #[arg(short, long, global = true, value_name = "FORM")]
    pub(crate) output: Option<Form>,
    /// Only the result and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// No progress; what was done is still said
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
    /// More log lines on standard error; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Leave processor time and peak memory of this process in a file, for benchmarks
    #[arg(long, global = true, hide = true, value_name = "FILE")]
    pub(crate) usage_file: Option<std::path::PathBuf>,
}

/// Form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Form {
    /// For people
    #[default]
    Table,
    /// One JSON document; decimals are strings, so that no digit is lost
    Json,
    /// One JSON object a line
    Ndjson,
    /// Comma-separated values with a header
    Csv,
    /// Apache Parquet, exact types
    Parquet,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(RunArgs),
    Import(ImportArgs),
    Collect(CollectArgs),
    Deliveries(DeliveriesArgs),
    Estimate(EstimateArgs),
    Rollup(RollupArgs),
    Sql(SqlArgs),
    Serve(ServeArgs),
    Worker(WorkerArgs),
    User(UserArgs),
    Token(TokenArgs),
    Explain(ExplainArgs),
    Verify(VerifyArgs),
    Factors(FactorsArgs),
    Config(ConfigArgs),
    Doctor(DoctorArgs),
    Demo(DemoArgs),
    Bench(BenchArgs),
    Completions(CompletionsArgs),
}

impl Command {
    /// Whether the command handles an interrupt itself, because it has something to finish.
    pub(crate) fn ends_in_order(&self) -> bool {
        matches!(self, Self::Collect(_) | Self::Serve(_) | Self::Worker(_))
    }
}

/// Show the settings in force, or an example file.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Every setting with its value and where the value came from
    #[command(after_help = "\
Examples:
  airshed config show
  AIRSHED_METHOD_NAME=ccf airshed config show -o csv")]
    Show,
    /// A commented airshed.toml with the defaults
    #[command(after_help = "\
Examples:
  airshed config example > airshed.toml")]
    Example,
}

/// Check what a run needs: settings, factors, ledger, credentials, input.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  airshed doctor
  airshed doctor --input s3://billing/exports --lake s3://carbon/ledger")]
pub(crate) struct DoctorArgs {
    /// Also look at this input: a file, a folder or s3://bucket/prefix
    #[arg(long, value_name = "PATH_OR_URI")]
    pub(crate) input: Option<String>,
}

/// Print a completion script for a shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  airshed completions bash > ~/.local/share/bash-completion/completions/airshed
  airshed completions zsh > ~/.zfunc/_airshed
  airshed completions fish > ~/.config/fish/completions/airshed.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}
