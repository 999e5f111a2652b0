//! What a collector is told, in the form that it works with. The binary fills it from its settings.

use std::time::Duration;

/// Everything that decides what is collected and how.
#[derive(Debug, Clone)]
pub struct CollectConfig {
    /// Name of this process, unlike that of any other at the same time.
    pub collector: String,
    /// Which accounts.
    pub accounts: AccountsConfig,
    /// Regions that are visited, where they are switched on.
    pub regions: Vec<String>,
    /// Inventory.
    pub inventory: InventoryConfig,
    /// Polling of metrics; nothing when metrics come by streams alone.
    pub polling: Option<PollingConfig>,
    /// Metric streams.
    pub streams: Vec<StreamConfig>,
    /// Billing exports: `s3://bucket/prefix`.
    pub exports: Vec<String>,
    /// How often exports are looked at.
    pub exports_every: Duration,
    /// Whether the provider's own monthly figures are asked for.
    pub provider_reported: bool,
    /// Sharing of the work.
    pub share: ShareConfig,
    /// Commits.
    pub land: LandConfig,
    /// Accounts and regions that are worked on at the same time.
    pub concurrency: usize,
    /// Seed of all chance: jitter of waits, samples.
    pub seed: u64,
}

impl CollectConfig {
    /// Whether there is anything to do in accounts.
    pub fn visits_accounts(&self) -> bool {
        !self.regions.is_empty() && (self.inventory.enabled || self.polling.is_some())
    }
}

/// Which accounts are visited.
#[derive(Debug, Clone, Default)]
pub struct AccountsConfig {
    /// Whether the organisation is asked. Else `ids` is the whole list.
    pub organization: bool,
    /// Only these accounts, where not empty.
    pub ids: Vec<String>,
    /// Only accounts below these units (ids or paths of names), where not empty.
    pub include_units: Vec<String>,
    /// Only accounts with one of these tags (`key` or `key=value`), where not empty.
    pub include_tags: Vec<String>,
    /// Not these accounts, ids.
    pub exclude_ids: Vec<String>,
    /// Not those below these units.
    pub exclude_units: Vec<String>,
    /// Not those with one of these tags.
    pub exclude_tags: Vec<String>,
    /// How often the organisation is asked.
    pub every: Duration,
}

/// Inventory of resources.
#[derive(Debug, Clone)]
pub struct InventoryConfig {
    /// Whether resources are listed.
    pub enabled: bool,
    /// Name of the AWS Config aggregator; without one each account is asked.
    pub aggregator: Option<String>,
    /// How often an account's resources are listed.
    pub every: Duration,
}

/// Polling of GetMetricData.
#[derive(Debug, Clone)]
pub struct PollingConfig {
    /// Period of the queries, seconds.
    pub period_s: u32,
    /// Age that a period must have before it is asked for: late data points are in by then.
    pub settle: Duration,
    /// How far back the first poll of an account reaches.
    pub lookback: Duration,
    /// Dollars a month that all polling may cost by the plan; above it nothing is polled.
    pub monthly_budget_usd: Option<f64>,
    /// Resources of one kind, account and region above which a sample is polled instead of all.
    pub sample_above: usize,
}

/// A metric stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamConfig {
    /// URL of the SQS queue that announces objects, or `s3://bucket/prefix` that is listed.
    pub source: String,
    /// Seconds that a JSON data point speaks for.
    pub json_interval_s: u32,
}

/// Sharing of the work between processes.
#[derive(Debug, Clone)]
pub struct ShareConfig {
    /// Shards; the same for all processes of a lake.
    pub shards: u16,
    /// A process that was not heard of for so long is taken for dead.
    pub lease: Duration,
}

/// Commits of rows.
#[derive(Debug, Clone)]
pub struct LandConfig {
    /// Longest time from a row's arrival to its commit.
    pub every: Duration,
    /// Rows after which a commit is made earlier.
    pub rows: u64,
}
