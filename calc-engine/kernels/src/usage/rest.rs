//! Usage types that are known, and have no energy of their own or no published model.
//!
//! Telling them apart from unknown ones matters in coverage: `no_model` is a gap of the science, `unknown_usage_type`
//! a gap of ours.

use airshed_domain::status::UsageFamily;

use super::Line;
use crate::reason::Reason;

/// Parts of usage types that name performance or licences of a thing with its own line.
const INCLUDED: [(&str, Reason, UsageFamily); 7] = [
    ("EBS:VolumeP-IOPS", Reason::IncludedInStorage, UsageFamily::BlockStorage),
    ("EBS:VolumeP-Throughput", Reason::IncludedInStorage, UsageFamily::BlockStorage),
    ("EBS:VolumeIOUsage", Reason::IncludedInStorage, UsageFamily::BlockStorage),
    ("-PIOPS", Reason::IncludedInStorage, UsageFamily::DatabaseStorage),
    (":PIOPS", Reason::IncludedInStorage, UsageFamily::DatabaseStorage),
    ("GP3-Throughput", Reason::IncludedInStorage, UsageFamily::DatabaseStorage),
    ("ExtendedSupport", Reason::IncludedInInstance, UsageFamily::Instance),
];

/// Parts of usage types of databases' throughput: no one publishes energy per request or capacity unit.
const THROUGHPUT: [&str; 7] = [
    "CapacityUnit-Hrs",
    "CapacityUnitSecond",
    "RequestUnits",
    "StorageIOUsage",
    "ReplicatedWrite",
    "ElastiCacheProcessingUnits",
    "BackupIOUsage",
];

/// Parts of usage types of requests, events, addresses, gateways, licences and seats.
const NO_MODEL: [&str; 56] = [
    "Request",
    "request",
    "Events",
    "Event-64K",
    "LoadBalancerUsage",
    "LCUUsage",
    "NatGateway",
    "VpcEndpoint",
    "VpcPeering",
    "TransitGateway",
    "PublicIPv4",
    "ElasticIP",
    "AmazonEKS-Hours",
    "AmazonEKS-",
    "ShardHour",
    "DataScanned",
    "DataProcessing-Bytes",
    "KMS-Keys",
    "CW:",
    "Metric",
    "Alarm",
    "Dashboard",
    "HostedZone",
    "DNS-Queries",
    "StateTransition",
    "AWSSecretsManager",
    "ConfigurationItemRecorded",
    "ConfigRule",
    "QS-",
    "BudgetsUsage",
    "Catalog-",
    "EventsAnalyzed",
    "RegistryAndShadow",
    "AW-HW",
    "AW-SW",
    "BundleUsage",
    "Retrieval",
    "Monitoring-Automation",
    "StorageObjectCount",
    "TagStorage",
    "StorageAnalytics",
    "StorageLens",
    "S3-Select",
    "Select-Scanned",
    "Select-Returned",
    "Invocation",
    "Operations",
    "Messages",
    "Connection",
    "Kafka.mcu",
    "FastSnapshotRestore",
    "directAPI",
    "ServerlessStorage",
    "CachedData",
    "Subscription",
    "Dollar",
];

/// What becomes of a line that is neither compute nor in a table of the factor set.
pub fn rest(line: &Line<'_>) -> (Reason, UsageFamily) {
    let usage = line.usage;
    if usage.is_empty() {
        return (Reason::UnknownUsageType, UsageFamily::Other);
    }
    if let Some((_, reason, family)) = INCLUDED.iter().find(|(part, _, _)| usage.contains(part)) {
        return (*reason, *family);
    }
    if THROUGHPUT.iter().any(|part| usage.contains(part)) {
        return (Reason::NoModel, UsageFamily::DatabaseThroughput);
    }
    if NO_MODEL.iter().any(|part| usage.contains(part)) {
        return (Reason::NoModel, UsageFamily::Other);
    }
    (Reason::UnknownUsageType, UsageFamily::Other)
}
