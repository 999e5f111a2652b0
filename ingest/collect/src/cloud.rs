//! What the collectors ask of AWS: one method is one call, and one page of its answer.
//!
//! Implementations make a single attempt and say what became of it ([`CallErrorKind`](crate::CallErrorKind)); limits,
//! waiting and trying again are the [`gate`](crate::gate)'s. The texts of `next` are the service's own page tokens.

use std::{collections::BTreeMap, fmt::Debug};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::error::CallError;

/// The answer of one call.
pub type Answer<T> = Result<T, CallError>;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// Where a call is made: in an account, through its role, in a region.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// Account id, 12 digits.
    pub account: String,
    /// Region code.
    pub region: String,
}

/// One page of an answer.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// What it holds.
    pub items: Vec<T>,
    /// Token of the next page.
    pub next: Option<String>,
}

/// The organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id, `o-...`.
    pub id: String,
    /// The management account.
    pub management_account: String,
}

/// An account as Organizations lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountEntry {
    /// Account id, 12 digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// ACTIVE, SUSPENDED, PENDING_CLOSURE or CLOSED.
    pub status: String,
    /// When it joined.
    pub joined_at: Option<Timestamp>,
}

/// A root or organisational unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationalUnit {
    /// Its id, `r-...` or `ou-...`.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A resource that a source tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceEntry {
    /// CloudFormation's name of the type, such as `AWS::EC2::Instance`.
    pub resource_type: String,
    /// ARN.
    pub arn: String,
    /// Tags, where the source tells them.
    pub tags: Option<Tags>,
    /// What else it tells, by name, such as `instance_type` or `memory_mib`. Nothing that changes by itself.
    pub configuration: BTreeMap<String, String>,
}

/// The services whose own lists are read, because the tagging API knows only what has or had a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServiceList {
    /// EC2 DescribeInstances.
    Ec2Instances,
    /// EC2 DescribeVolumes.
    Ec2Volumes,
    /// RDS DescribeDBInstances.
    RdsInstances,
    /// Lambda ListFunctions.
    LambdaFunctions,
    /// DynamoDB ListTables.
    DynamoDbTables,
}

impl ServiceList {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Ec2Instances,
        Self::Ec2Volumes,
        Self::RdsInstances,
        Self::LambdaFunctions,
        Self::DynamoDbTables,
    ];
}

/// A metric that CloudWatch lists.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetricEntry {
    /// Namespace, such as `AWS/EC2`.
    pub namespace: String,
    /// Name, such as `CPUUtilization`.
    pub metric: String,
    /// Names and values of its dimensions, in the order in which CloudWatch lists them, and in which it is asked.
    pub dimensions: Vec<(String, String)>,
}

/// One query of GetMetricData.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricQuery {
    /// The metric.
    pub metric: MetricEntry,
    /// `Average`, `Sum`, `Maximum` or `SampleCount`.
    pub statistic: &'static str,
    /// Period, seconds; a multiple of 60.
    pub period_s: u32,
}

/// One call of GetMetricData: at most 500 queries over one window.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricRequest {
    /// The queries.
    pub queries: Vec<MetricQuery>,
    /// First instant, on a multiple of the period.
    pub start: Timestamp,
    /// End, exclusive, on a multiple of the period.
    pub end: Timestamp,
}

/// Values of one query.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricValues {
    /// Index of the query in the request.
    pub query: usize,
    /// Start of the period and value.
    pub values: Vec<(Timestamp, f64)>,
}

/// The provider's own figures of one account, month, region and service, grams.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportedEmissions {
    /// Account.
    pub account: String,
    /// Region, where the service has one.
    pub region: Option<String>,
    /// Location as the provider names it.
    pub location: Option<String>,
    /// Service code.
    pub service: String,
    /// Start of the month.
    pub month: Timestamp,
    /// Version of the provider's model.
    pub model_version: String,
    /// Figures in metric tons by the provider's name of the kind, as decimal text, such as
    /// `TOTAL_LBM_CARBON_EMISSIONS`.
    pub tonnes: BTreeMap<String, String>,
}

/// AWS, or a stand-in.
#[async_trait]
pub trait Cloud: Debug + Send + Sync {
    /// Organizations DescribeOrganization.
    async fn organization(&self) -> Answer<Organization>;

    /// Organizations ListAccounts.
    async fn accounts(&self, next: Option<&str>) -> Answer<Page<AccountEntry>>;

    /// Organizations ListRoots.
    async fn roots(&self, next: Option<&str>) -> Answer<Page<OrganizationalUnit>>;

    /// Organizations ListOrganizationalUnitsForParent.
    async fn units_of(&self, parent: &str, next: Option<&str>) -> Answer<Page<OrganizationalUnit>>;

    /// Organizations ListAccountsForParent: ids of accounts right below a root or unit.
    async fn accounts_of(&self, parent: &str, next: Option<&str>) -> Answer<Page<String>>;

    /// Organizations ListTagsForResource, of an account.
    async fn account_tags(&self, account: &str, next: Option<&str>) -> Answer<Page<(String, String)>>;

    /// Account ListRegions: the regions that are switched on in the account.
    async fn regions(&self, account: &str, next: Option<&str>) -> Answer<Page<String>>;

    /// Resource Groups Tagging GetResources.
    async fn tagged_resources(&self, scope: &Scope, next: Option<&str>) -> Answer<Page<ResourceEntry>>;

    /// A service's own list.
    async fn listed_resources(
        &self,
        scope: &Scope,
        list: ServiceList,
        next: Option<&str>,
    ) -> Answer<Page<ResourceEntry>>;

    /// Config SelectAggregateResourceConfig: what the aggregator knows of one account and region.
    async fn aggregated_resources(
        &self,
        aggregator: &str,
        scope: &Scope,
        next: Option<&str>,
    ) -> Answer<Page<ResourceEntry>>;

    /// CloudWatch ListMetrics of one namespace.
    async fn metrics(&self, scope: &Scope, namespace: &str, next: Option<&str>) -> Answer<Page<MetricEntry>>;

    /// CloudWatch GetMetricData. Values of one query may come over several pages.
    async fn metric_data(
        &self,
        scope: &Scope,
        request: &MetricRequest,
        next: Option<&str>,
    ) -> Answer<Page<MetricValues>>;

    /// Sustainability GetEstimatedCarbonEmissions of whole months, by account, region and service.
    async fn reported_emissions(
        &self,
        start: Timestamp,
        end: Timestamp,
        next: Option<&str>,
    ) -> Answer<Page<ReportedEmissions>>;
}
