//! `airshed factors`: look at the emission factors, check them, add your own.

use clap::{Args, Subcommand};

/// Look at the emission factors, check them, add your own.
#[derive(Debug, Args)]
pub(crate) struct FactorsArgs {
    #[command(subcommand)]
    pub(crate) command: FactorsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FactorsCommand {
    /// List factors with value, range, unit and source
    #[command(after_help = "\
Examples:
  airshed factors list
  airshed factors list grid/yearly
  airshed factors list -o csv > factors.csv")]
    List {
        /// Only ids that start with this
        #[arg(value_name = "PREFIX")]
        prefix: Option<String>,
    },
    /// Show one factor with its source, licence, page and note
    #[command(after_help = "\
Examples:
  airshed factors show facility/pue/aws/eu-west-1/2024")]
    Show {
        /// Id of the factor, as in column factors of the ledger
        #[arg(value_name = "FACTOR_ID")]
        id: String,
    },
    /// Show what differs from the set shipped with this version, or from a saved listing
    #[command(after_help = "\
Examples:
  airshed factors diff
  airshed factors list -o csv > before.csv; airshed factors diff before.csv")]
    Diff {
        /// A listing saved with `factors list -o csv` [default: the shipped set]
        #[arg(value_name = "LISTING")]
        before: Option<String>,
    },
    /// Check the set: every number has a source with a licence, ids are unique, bounds are in order
    #[command(after_help = "\
Examples:
  airshed factors verify")]
    Verify,
    /// Check a file of hourly grid intensities and keep a copy in the ledger
    ///
    /// CSV or Parquet: Electricity Maps' download format, or columns zone, hour, g/kWh. Where an hour is missing the
    /// yearly factor serves, and each row says which it was.
    #[command(after_help = "\
Examples:
  airshed factors import-grid DE_2025_hourly.csv
  airshed factors import-grid intensity.parquet --lake s3://carbon/ledger")]
    ImportGrid {
        /// The file
        #[arg(value_name = "FILE")]
        file: String,
    },
    /// Check a file of measured power curves and keep a copy in the ledger
    ///
    /// CSV with the columns instance_type, idle_w, w_10, w_50, w_100 and source. Sources that are not shipped stand in a
    /// second file beside it, FILE with the ending .sources.csv.
    #[command(after_help = "\
Examples:
  airshed factors import-power curves.csv")]
    ImportPower {
        /// The file
        #[arg(value_name = "FILE")]
        file: String,
    },
    /// Take Boavizta's tables from an installed boaviztapi package
    ///
    /// The tables are under AGPL-3.0 and therefore not shipped; install the package (`pip install boaviztapi`) and name
    /// its folder.
    #[command(after_help = "\
Examples:
  airshed factors import-boavizta .venv/lib/python3.12/site-packages/boaviztapi")]
    ImportBoavizta {
        /// Folder of the package
        #[arg(value_name = "FOLDER")]
        folder: String,
    },
    /// Take SPRUCE's table of instances from your copy
    ///
    /// SPRUCE derived it from Boavizta's data, so it is not shipped either: the file is
    /// src/main/resources/boavizta/instanceTypes.csv of its repository.
    #[command(after_help = "\
Examples:
  airshed factors import-spruce instanceTypes.csv")]
    ImportSpruce {
        /// The file
        #[arg(value_name = "FILE")]
        file: String,
    },
}
