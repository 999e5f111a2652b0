//! Resources by index.

use std::collections::BTreeMap;

use super::StandIn;
use crate::cloud::{ResourceEntry, Scope, ServiceList, Tags};

const FORTY_BITS: u64 = 1 << 40;
/// Low bits of 2^64 / golden ratio; odd, so that it has an inverse.
const SCATTER: u64 = 0xb9_7f4a_7c15;
/// Its inverse modulo 2^40.
const GATHER: u64 = 0xe1_9937_733d;

/// Kinds of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// EC2 instance.
    Instance,
    /// EBS volume.
    Volume,
    /// Lambda function.
    Function,
    /// RDS instance.
    Database,
    /// DynamoDB table.
    Table,
    /// S3 bucket, which only the tagging API and Config tell of.
    Bucket,
}

impl Kind {
    /// What a mixed account holds, in turns.
    pub const MIX: [Self; 10] = [
        Self::Instance,
        Self::Volume,
        Self::Function,
        Self::Instance,
        Self::Volume,
        Self::Database,
        Self::Instance,
        Self::Volume,
        Self::Table,
        Self::Bucket,
    ];

    /// CloudFormation's name.
    pub fn resource_type(self) -> &'static str {
        match self {
            Self::Instance => "AWS::EC2::Instance",
            Self::Volume => "AWS::EC2::Volume",
            Self::Function => "AWS::Lambda::Function",
            Self::Database => "AWS::RDS::DBInstance",
            Self::Table => "AWS::DynamoDB::Table",
            Self::Bucket => "AWS::S3::Bucket",
        }
    }

    /// The service's own list that tells of it.
    pub fn list(self) -> Option<ServiceList> {
        match self {
            Self::Instance => Some(ServiceList::Ec2Instances),
            Self::Volume => Some(ServiceList::Ec2Volumes),
            Self::Function => Some(ServiceList::LambdaFunctions),
            Self::Database => Some(ServiceList::RdsInstances),
            Self::Table => Some(ServiceList::DynamoDbTables),
            Self::Bucket => None,
        }
    }

    /// Whether the list tells tags.
    fn list_tells_tags(self) -> bool {
        matches!(self, Self::Instance | Self::Volume | Self::Database)
    }
}

impl StandIn {
    /// Kind of the resource of an index.
    pub fn kind(&self, index: u32) -> Kind {
        self.shape.kinds[index as usize % self.shape.kinds.len()]
    }

    /// The name of a resource as its metrics have it: an instance or volume id, or a name.
    pub fn resource_name(&self, account: u32, region: u32, index: u32) -> String {
        match self.kind(index) {
            Kind::Instance => format!("i-{account:05x}{region:02x}{:010x}", scattered(index)),
            Kind::Volume => format!("vol-{account:05x}{region:02x}{:010x}", scattered(index)),
            Kind::Function => format!("fn-{index}"),
            Kind::Database => format!("db-{index}"),
            Kind::Table => format!("table-{index}"),
            Kind::Bucket => format!("bucket-{account}-{region}-{index}"),
        }
    }

    /// All that any source tells of a resource; nothing while it is not there, or in a place that is not.
    pub fn resource(&self, scope: &Scope, index: u32) -> Option<ResourceEntry> {
        let (account, region) = self.place(scope).ok()?;
        self.resource_at(scope, account, region, index)
    }

    pub(super) fn resource_at(
        &self,
        scope: &Scope,
        account: u32,
        region: u32,
        index: u32,
    ) -> Option<ResourceEntry> {
        let revision = self.revision(scope, index)?;
        let kind = self.kind(index);
        let name = self.resource_name(account, region, index);
        let Scope { account: owner, region: code } = scope;
        let arn = match kind {
            Kind::Instance => format!("arn:aws:ec2:{code}:{owner}:instance/{name}"),
            Kind::Volume => format!("arn:aws:ec2:{code}:{owner}:volume/{name}"),
            Kind::Function => format!("arn:aws:lambda:{code}:{owner}:function:{name}"),
            Kind::Database => format!("arn:aws:rds:{code}:{owner}:db:{name}"),
            Kind::Table => format!("arn:aws:dynamodb:{code}:{owner}:table/{name}"),
            Kind::Bucket => format!("arn:aws:s3:::{name}"),
        };
        Some(ResourceEntry {
            resource_type: kind.resource_type().to_owned(),
            arn,
            tags: Some(self.tags(account, index, revision)),
            configuration: configuration(kind, index, revision),
        })
    }

    /// What the tagging API tells: tags, of what has any.
    pub(super) fn as_tagged(entry: ResourceEntry) -> Option<ResourceEntry> {
        let has_tags = entry.tags.as_ref().is_some_and(|tags| !tags.is_empty());
        has_tags.then_some(ResourceEntry { configuration: BTreeMap::new(), ..entry })
    }

    /// What the service's own list tells.
    pub(super) fn as_listed(kind: Kind, entry: ResourceEntry) -> ResourceEntry {
        let tags = entry.tags.filter(|_| kind.list_tells_tags());
        ResourceEntry { tags, ..entry }
    }

    fn tags(&self, account: u32, index: u32, revision: u32) -> Tags {
        let every = self.shape.untagged_every;
        if every > 0 && index % every == every - 1 {
            return Tags::new();
        }
        let mut tags = Tags::from([
            ("Name".to_owned(), format!("thing-{:08x}", scattered(index) ^ u64::from(account))),
            ("application".to_owned(), format!("application-{}", index % 20)),
        ]);
        // Odd revisions change the tags, even ones what is configured.
        if revision % 2 == 1 {
            tags.insert("revision".to_owned(), revision.to_string());
        }
        tags
    }
}

/// Forty bits that look like chance, as real ids do, and tell the index again.
fn scattered(index: u32) -> u64 {
    u64::from(index).wrapping_mul(SCATTER) % FORTY_BITS
}

/// The index that was scattered.
pub(super) fn gathered(id: u64) -> Option<u32> {
    let index = u128::from(id) * u128::from(GATHER) % u128::from(FORTY_BITS);
    u32::try_from(index).ok()
}

fn configuration(kind: Kind, index: u32, revision: u32) -> BTreeMap<String, String> {
    let pick = |choices: [&str; 4]| choices[(index / 10 + revision / 2) as usize % 4].to_owned();
    let pairs: Vec<(&str, String)> = match kind {
        Kind::Instance => {
            vec![("instance_type", pick(["m5.large", "c6g.xlarge", "t3.medium", "r5.2xlarge"]))]
        }
        Kind::Volume => {
            vec![("size_gib", pick(["8", "100", "500", "2000"])), ("volume_type", "gp3".to_owned())]
        }
        Kind::Function => {
            vec![("architecture", "x86_64".to_owned()), ("memory_mib", pick(["128", "512", "1024", "3008"]))]
        }
        Kind::Database => vec![
            ("engine", "postgres".to_owned()),
            ("instance_class", pick(["db.t3.medium", "db.m5.large", "db.r5.xlarge", "db.m6g.large"])),
        ],
        Kind::Table => {
            vec![("billing_mode", pick(["PROVISIONED", "PAY_PER_REQUEST", "PROVISIONED", "PROVISIONED"]))]
        }
        Kind::Bucket => vec![],
    };
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
