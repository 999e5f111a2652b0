//! `airshed deliveries`: what was imported, and taking it out again.

use clap::{Args, Subcommand};

/// List what was imported, or remove a delivery.
#[derive(Debug, Args)]
pub(crate) struct DeliveriesArgs {
    #[command(subcommand)]
    pub(crate) command: DeliveriesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeliveriesCommand {
    /// Every delivery with its id, source, periods, rows and time of import
    #[command(after_help = "\
Examples:
  airshed deliveries list
  airshed deliveries list -o json")]
    List,
    /// Take deliveries out of the ledger, as if they had never been imported
    ///
    /// `airshed estimate` and then `airshed rollup` make the ledger's figures without them. Runs of the past keep
    /// theirs: `airshed sql --as-of RUN_ID`.
    #[command(after_help = "\
Examples:
  airshed deliveries remove 3f2a91c07b5e
  airshed estimate && airshed rollup")]
    Remove {
        /// Ids of deliveries, as `airshed deliveries list` shows them
        #[arg(value_name = "DELIVERY_ID", required = true)]
        ids: Vec<String>,
    },
}
