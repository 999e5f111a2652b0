//! What the gate must know of a call.

use std::fmt;

use xxhash_rust::xxh3::Xxh3;

use crate::cloud::Scope;

/// The APIs whose limits are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Api {
    /// AWS Organizations, in the management account.
    Organizations,
    /// Account ListRegions.
    Account,
    /// Resource Groups Tagging GetResources.
    Tagging,
    /// The services' own lists.
    ServiceLists,
    /// Config SelectAggregateResourceConfig.
    Config,
    /// CloudWatch ListMetrics.
    ListMetrics,
    /// CloudWatch GetMetricData.
    GetMetricData,
    /// Sustainability.
    Sustainability,
}

impl Api {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Organizations,
        Self::Account,
        Self::Tagging,
        Self::ServiceLists,
        Self::Config,
        Self::ListMetrics,
        Self::GetMetricData,
        Self::Sustainability,
    ];
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Organizations => "Organizations",
            Self::Account => "ListRegions",
            Self::Tagging => "GetResources",
            Self::ServiceLists => "a service's list",
            Self::Config => "SelectAggregateResourceConfig",
            Self::ListMetrics => "ListMetrics",
            Self::GetMetricData => "GetMetricData",
            Self::Sustainability => "GetEstimatedCarbonEmissions",
        })
    }
}

/// What the gate must know of a call.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The API.
    pub api: Api,
    /// Where it is made; nothing for the collector's own account.
    pub scope: Option<&'a Scope>,
    /// List price of an attempt that the service takes on, 1e-9 US dollars.
    pub cost_nano_usd: u64,
    /// Whether a refusal speaks for the whole account, so that it is left alone. Else it is this call's alone, as
    /// where one service or region is forbidden by policy.
    pub account_breaker: bool,
}

impl<'a> Call<'a> {
    /// A call that costs nothing and whose refusal speaks for the account.
    pub fn new(api: Api, scope: Option<&'a Scope>) -> Self {
        Self { api, scope, cost_nano_usd: 0, account_breaker: true }
    }

    /// The place that it counts for: a hash of account and region.
    pub(super) fn place(&self) -> u64 {
        let mut hash = Xxh3::new();
        if let Some(Scope { account, region }) = self.scope {
            hash.update(account.as_bytes());
            hash.update(b"/");
            hash.update(region.as_bytes());
        }
        hash.digest()
    }
}

/// As in errors: `GetMetricData in 111122223333, eu-west-1`.
impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scope {
            Some(Scope { account, region }) => write!(f, "{} in {account}, {region}", self.api),
            None => write!(f, "{} in the collector's own account", self.api),
        }
    }
}
