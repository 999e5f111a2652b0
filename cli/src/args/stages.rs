//! The commands that make, check and read the ledger.

use clap::Args;

use super::TrustArgs;

/// Import, estimate and roll up in one go, then print a summary.
///
/// Doing it twice changes nothing: what was imported is recognised by content, and a run with the same inputs, factors,
/// method and settings already exists. A delivery that AWS wrote again replaces what it delivered before.
///
/// Measured utilisation, where given, takes the place of the default for the resources and hours it covers; lines that
/// are in the ledger already are then estimated again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  airshed run --input ./exports --lake ./airshed-data
  airshed run --input s3://billing/exports/cur2 --lake s3://carbon/ledger --min-coverage 0.9
  airshed run --input bill.csv.gz --method ccf -o json
  airshed run --utilization cpu-2026-10.csv")]
pub(crate) struct RunArgs {
    /// Billing exports: a file, a folder or s3://bucket/prefix
    #[arg(long, value_name = "PATH_OR_URI", required_unless_present = "utilization")]
    pub(crate) input: Option<String>,
    /// Measured utilisation: a CSV file, plain or gzip, or a folder of such; may be repeated
    #[arg(long, value_name = "PATH_OR_URI")]
    pub(crate) utilization: Vec<String>,
    /// Method profile: airshed, ccf, boavizta or spruce [env: AIRSHED_METHOD_NAME]
    #[arg(long, value_name = "NAME")]
    pub(crate) method: Option<String>,
    /// Exit with code 5 when less than this share of cost, 0 to 1, has an estimate [env: AIRSHED_ROLLUP_MIN_COVERAGE]
    #[arg(long, value_name = "SHARE")]
    pub(crate) min_coverage: Option<f64>,
    #[command(flatten)]
    pub(crate) spread: SpreadArgs,
}

/// Who estimates.
#[derive(Debug, Args)]
pub(crate) struct SpreadArgs {
    /// Workers that estimate billing files, separated by commas (docs/distributed.md) [env: AIRSHED_ESTIMATE_WORKERS]
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    pub(crate) workers: Option<Vec<String>>,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// Read billing exports into the ledger.
///
/// Rows that cannot be read go to the table `rejects` with file, row, column and reason. A delivery that was refused, or
/// a file that could not be read or not to its end, gives exit code 1, as long as it is part of the input; what could
/// be read is imported all the same.
///
/// A file of measured utilisation has the columns resource_id, usage_start, usage_end (RFC 3339), metric and avg, and
/// may have max, samples, account_id and region. Processor use is the metric cpu_utilization, 0 to 1. The same file
/// with other content replaces what it brought before.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  airshed import --input ./exports --lake ./airshed-data
  airshed import --input s3://billing/exports/cur2/BILLING_PERIOD=2026-10
  airshed import --utilization cpu-2026-10.csv

cpu-2026-10.csv:
  resource_id,usage_start,usage_end,metric,avg
  i-0123456789abcdef0,2026-10-01T00:00:00Z,2026-10-01T01:00:00Z,cpu_utilization,0.37")]
pub(crate) struct ImportArgs {
    /// Billing exports: a file, a folder or s3://bucket/prefix
    #[arg(long, value_name = "PATH_OR_URI", required_unless_present = "utilization")]
    pub(crate) input: Option<String>,
    /// Measured utilisation: a CSV file, plain or gzip, or a folder of such; may be repeated
    #[arg(long, value_name = "PATH_OR_URI")]
    pub(crate) utilization: Vec<String>,
}

/// Estimate energy, CO2e and water of imported lines.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  airshed estimate
  airshed estimate --period 2026-10 --method boavizta
  airshed estimate --workers http://127.0.0.1:7001,http://127.0.0.1:7002")]
pub(crate) struct EstimateArgs {
    /// Billing period, YYYY-MM; may be repeated [default: every period with lines]
    #[arg(long = "period", value_name = "YYYY-MM")]
    pub(crate) periods: Vec<String>,
    /// Method profile: airshed, ccf, boavizta or spruce [env: AIRSHED_METHOD_NAME]
    #[arg(long, value_name = "NAME")]
    pub(crate) method: Option<String>,
    #[command(flatten)]
    pub(crate) spread: SpreadArgs,
}

/// Sum current runs by hour, day, month and resource, and count coverage.
///
/// Only periods whose run changed are summed again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  airshed rollup
  airshed rollup --period 2026-10")]
pub(crate) struct RollupArgs {
    /// Billing period, YYYY-MM; may be repeated [default: every period with a run]
    #[arg(long = "period", value_name = "YYYY-MM")]
    pub(crate) periods: Vec<String>,
}

/// Ask the ledger in SQL: one statement, or a prompt.
///
/// Read-only. Without a statement it opens a prompt with history and completion, or reads statements from standard
/// input when that is not a terminal.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  airshed sql \"SELECT service_code, sum(co2e_location_g) / 1e3 AS kg FROM emissions_monthly GROUP BY 1 ORDER BY 2 DESC\"
  airshed sql -o csv \"SELECT * FROM coverage\" > coverage.csv
  airshed sql < report.sql

At the prompt: a statement ends with `;`. \\d lists tables, \\d TABLE its columns, \\o FORM sets the form of results,
\\? helps, \\q leaves.")]
pub(crate) struct SqlArgs {
    /// One statement, or several separated by `;`
    #[arg(value_name = "STATEMENT")]
    pub(crate) statement: Option<String>,
    /// See the ledger as it stood when this run became current
    #[arg(long, value_name = "RUN_ID")]
    pub(crate) as_of: Option<String>,
}

/// Show where a line's figures come from, step by step.
///
/// A tree: the object and row it was read from, every step with formula, values and units, each factor with its
/// publisher and page, and the rounding.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  airshed explain 4f2kq7zdqw5e3ayzbwmjz6mihx3o6zxj3ejdvmyj2aaixkvqbcra
  airshed explain LINE_ID --period 2026-10 -o json")]
pub(crate) struct ExplainArgs {
    /// The line's id, as in column line_id
    #[arg(value_name = "LINE_ID")]
    pub(crate) line_id: String,
    /// Only lines of this billing period, YYYY-MM, where an id occurs in several
    #[arg(long, value_name = "YYYY-MM")]
    pub(crate) period: Option<String>,
}

/// Check the ledger: conservation of rows and cost, replay, rollups.
///
/// Files: each holds the bytes that were written. Conservation: of each delivery, rows in its objects = billing lines +
/// rejects + provider_reported; of each period, rows in = estimated + unmapped + excluded + rejected, and cost in =
/// cost out. Rollups: each total equals the sum of its lines. Replay: the estimate is made again and compared byte by
/// byte. Exits with code 3 when a check fails, or a file is damaged or missing, which is named.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  airshed verify --lake ./airshed-data
  airshed verify --period 2026-10 -o json")]
pub(crate) struct VerifyArgs {
    /// Billing period, YYYY-MM; may be repeated [default: every period with a run]
    #[arg(long = "period", value_name = "YYYY-MM")]
    pub(crate) periods: Vec<String>,
}
