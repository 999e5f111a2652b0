//! The command that collects.

use clap::Args;

/// Collect an AWS organisation: accounts, resources, utilisation, billing exports, the provider's own figures.
///
/// What is collected stands in the section [collect] of the configuration. Several processes may collect into the same
/// ledger: they share the work and take over from one that died. Every row lands once. An account that refuses is said
/// and recorded in `collector_health`, and stops nothing.
///
/// `--once` visits everything once and ends; `--watch` goes on until it is interrupted. An interrupt ends in order: what
/// was taken is committed and the work is handed back.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  airshed config example > airshed.toml       # then name regions, roles, exports and streams in [collect]
  airshed collect --plan --config airshed.toml
  airshed collect --once --config airshed.toml --lake s3://carbon/ledger
  airshed collect --watch --config airshed.toml --lake s3://carbon/ledger")]
pub(crate) struct CollectArgs {
    /// Visit everything once, then end
    #[arg(long, conflicts_with_all = ["watch", "plan"], required_unless_present_any = ["watch", "plan"])]
    pub(crate) once: bool,
    /// Go on until interrupted
    #[arg(long, conflicts_with = "plan")]
    pub(crate) watch: bool,
    /// Only say what polling would ask for, how long it would take and what it would cost; lists metrics, writes nothing
    #[arg(long)]
    pub(crate) plan: bool,
}
