//! The long tail: services that most bills hold a little of.
//!
//! A table rather than functions: nothing but codes, units and rates. Usage types start with the region's prefix, with
//! `USE1-` even in us-east-1, with the region code, or with nothing, as the service does it.

use super::super::{
    catalog::{InstanceType, Region},
    meter::{
        Amount::{self, Hour, LogNormal, PerMonth},
        Meter, Naming,
    },
};

use Prefix::{CodeFirst, Everywhere, Global, Region as ByRegion};

/// What stands before the usage type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prefix {
    /// The region's prefix.
    Region,
    /// The region's prefix, `USE1-` in us-east-1.
    Everywhere,
    /// The region code.
    CodeFirst,
    /// Nothing, and the export names no region.
    Global,
}

/// A meter before its region is known.
#[derive(Debug)]
pub(crate) struct Other {
    /// How often a benchmark draws it.
    pub(crate) weight: f64,
    product_code: &'static str,
    operation: &'static str,
    usage_type: &'static str,
    unit: &'static str,
    usd: f64,
    amount: Amount,
    family: &'static str,
    prefix: Prefix,
}

/// Every meter of the long tail.
#[rustfmt::skip] // one row a line: a table
pub(crate) static OTHERS: [Other; 60] = [
    row(5.0, "AmazonEC2", "NatGateway", "NatGateway-Hours", "Hrs", 0.045, Hour, "NAT Gateway", ByRegion),
    row(5.0, "AmazonEC2", "NatGateway", "NatGateway-Bytes", "GB", 0.045, LogNormal { median: 4.0, sigma: 2.0 }, "NAT Gateway", ByRegion),
    row(7.0, "AWSELB", "LoadBalancing:Application", "LoadBalancerUsage", "Hrs", 0.0225, Hour, "Load Balancer-Application", ByRegion),
    row(7.0, "AWSELB", "LoadBalancing:Application", "LCUUsage", "LCU-Hrs", 0.008, LogNormal { median: 0.5, sigma: 1.0 }, "Load Balancer-Application", ByRegion),
    row(3.0, "AWSELB", "LoadBalancing:Network", "LoadBalancerUsage", "Hrs", 0.0225, Hour, "Load Balancer-Network", ByRegion),
    row(9.0, "AmazonVPC", "RunInstances", "PublicIPv4:InUseAddress", "Hrs", 0.005, Hour, "IP Address", ByRegion),
    row(1.0, "AmazonVPC", "AllocateAddressVPC", "PublicIPv4:IdleAddress", "Hrs", 0.005, Hour, "IP Address", ByRegion),
    row(5.0, "AmazonVPC", "VpcEndpoint", "VpcEndpoint-Hours", "Hrs", 0.01, Hour, "VpcEndpoint", ByRegion),
    row(4.0, "AmazonVPC", "VpcEndpoint", "VpcEndpoint-Bytes", "GB", 0.01, LogNormal { median: 1.0, sigma: 2.0 }, "VpcEndpoint", ByRegion),
    row(2.0, "AmazonVPC", "TransitGatewayVPC", "TransitGateway-Hours", "Hrs", 0.05, Hour, "", ByRegion),
    row(2.0, "AmazonVPC", "TransitGatewayVPC", "TransitGateway-Bytes", "GigaBytes", 0.02, LogNormal { median: 3.0, sigma: 2.0 }, "", ByRegion),
    row(8.0, "AmazonCloudWatch", "MetricStorage", "CW:MetricMonitorUsage", "Metrics", 0.3, LogNormal { median: 0.05, sigma: 1.5 }, "Metric", ByRegion),
    row(5.0, "AmazonCloudWatch", "PutLogEvents", "DataProcessing-Bytes", "GB", 0.5, LogNormal { median: 0.2, sigma: 2.0 }, "Data Payload", ByRegion),
    row(4.0, "AmazonCloudWatch", "HourlyStorageMetering", "TimedStorage-ByteHrs", "GB-Mo", 0.03, PerMonth(120.0), "Storage Snapshot", ByRegion),
    row(3.0, "AmazonCloudWatch", "Unknown", "CW:AlarmMonitorUsage", "Alarms", 0.1, LogNormal { median: 0.02, sigma: 1.0 }, "Alarm", ByRegion),
    row(6.0, "awskms", "Decrypt", "-KMS-Requests", "Requests", 0.000_003, LogNormal { median: 900.0, sigma: 2.0 }, "Encryption Key", CodeFirst),
    row(3.0, "awskms", "Unknown", "-KMS-Keys", "Keys", 1.0, PerMonth(1.0), "Encryption Key", CodeFirst),
    row(5.0, "AWSQueueService", "SendMessage", "Requests-Tier1", "Requests", 0.000_000_4, LogNormal { median: 5000.0, sigma: 2.0 }, "API Request", ByRegion),
    row(3.0, "AmazonSNS", "Publish", "Requests-Tier1", "Requests", 0.000_000_5, LogNormal { median: 2000.0, sigma: 2.0 }, "API Request", ByRegion),
    row(3.0, "AmazonApiGateway", "ApiGatewayRequest", "ApiGatewayRequest", "Requests", 0.000_003_5, LogNormal { median: 2000.0, sigma: 2.0 }, "API Calls", ByRegion),
    row(2.0, "AmazonStates", "StateTransition", "StateTransition", "StateTransitions", 0.000_025, LogNormal { median: 200.0, sigma: 2.0 }, "", ByRegion),
    row(3.0, "AWSSecretsManager", "Unknown", "AWSSecretsManager-Secrets", "Secrets", 0.4, PerMonth(1.0), "Secret", Everywhere),
    row(2.0, "AmazonGuardDuty", "CloudTrailEvents", "PaidEventsAnalyzed", "Events", 0.000_004, LogNormal { median: 3000.0, sigma: 1.5 }, "", Everywhere),
    row(3.0, "AWSConfig", "None", "ConfigurationItemRecorded", "ConfigurationItemRecorded", 0.003, LogNormal { median: 3.0, sigma: 1.5 }, "Management Tools - AWS Config", Everywhere),
    row(2.0, "AmazonRoute53", "HostedZone", "HostedZone", "HostedZone", 0.5, PerMonth(1.0), "DNS Zone", Global),
    row(3.0, "AmazonRoute53", "A", "DNS-Queries", "Queries", 0.000_000_4, LogNormal { median: 9000.0, sigma: 2.0 }, "DNS Query", Global),
    row(3.0, "AmazonKinesis", "shardHourStorage", "Storage-ShardHour", "ShardHour", 0.015, Hour, "Kinesis Streams", ByRegion),
    row(2.0, "AmazonAthena", "ExecuteQuery", "DataScannedInTB", "Terabytes", 5.0, LogNormal { median: 0.01, sigma: 2.0 }, "", Everywhere),
    row(3.0, "AWSGlue", "Jobrun", "ETL-DPU-Hour", "DPU-Hour", 0.44, LogNormal { median: 2.0, sigma: 1.0 }, "AWS Glue", Everywhere),
    row(1.0, "AmazonWorkSpaces", "CreateWorkspace", "AW-HW-2", "Hrs", 0.3, Hour, "Enterprise Applications", ByRegion),
    row(2.0, "AmazonECR", "TimedStorage-ByteHrs", "TimedStorage-ByteHrs", "GB-Mo", 0.1, PerMonth(60.0), "EC2 Container Registry", ByRegion),
    row(2.0, "AmazonEFS", "Storage", "TimedStorage-ByteHrs", "GB-Mo", 0.3, PerMonth(300.0), "Storage", ByRegion),
    row(1.0, "AmazonEFS", "Storage-IA", "IATimedStorage-ByteHrs", "GB-Mo", 0.025, PerMonth(900.0), "Storage", ByRegion),
    row(1.0, "AmazonFSx", "CreateFileSystem:Lustre", "Storage.SSD.50", "GB-Mo", 0.14, PerMonth(1200.0), "Storage", ByRegion),
    row(2.0, "AWSBackup", "Storage", "WarmStorage-ByteHrs-EBS", "GB-Mo", 0.05, PerMonth(700.0), "AWS Backup Storage", Everywhere),
    row(1.0, "AmazonNeptune", "CreateDBInstance:0022", "InstanceUsage:db.r5.large", "Hrs", 0.348, Hour, "Database Instance", ByRegion),
    row(1.0, "AmazonDocDB", "CreateDBInstance", "InstanceUsage:db.r5.large", "Hrs", 0.277, Hour, "Database Instance", ByRegion),
    row(1.0, "AmazonDocDB", "CreateCluster", "StorageUsage", "GB-Mo", 0.1, PerMonth(200.0), "Database Storage", ByRegion),
    row(1.0, "AmazonMQ", "CreateBroker:0001", "Active/Standby:mq.m5.large", "Hrs", 0.6, Hour, "Broker Instances", Everywhere),
    row(1.0, "AWSDatabaseMigrationSvc", "CreateDMSInstance", "InstanceUsage:dms.r5.large", "Hrs", 0.216, Hour, "Replication Server", ByRegion),
    row(2.0, "AmazonBedrock", "InvokeModelInference", "MistralLarge-output-tokens", "1K tokens", 0.012, LogNormal { median: 20.0, sigma: 2.0 }, "", Everywhere),
    row(2.0, "AmazonBedrock", "InvokeModelInference", "MistralLarge-input-tokens", "1K tokens", 0.004, LogNormal { median: 80.0, sigma: 2.0 }, "", Everywhere),
    row(1.0, "AmazonBedrock", "InvokeModelInference", "Mixtral8x7B-output-tokens", "1K tokens", 0.0007, LogNormal { median: 30.0, sigma: 2.0 }, "", Everywhere),
    row(2.0, "AmazonBedrock", "InvokeModelInference", "Claude3.5Sonnet-output-tokens", "1K tokens", 0.015, LogNormal { median: 20.0, sigma: 2.0 }, "", Everywhere),
    row(1.0, "ElasticMapReduce", "ServerlessRun", "EMR-SERVERLESS-vCPUHours", "vCPU-Hours", 0.052_624, LogNormal { median: 8.0, sigma: 1.0 }, "", Everywhere),
    row(1.0, "ElasticMapReduce", "ServerlessRun", "EMR-SERVERLESS-MemoryGBHours", "GB-Hours", 0.005_778_5, LogNormal { median: 32.0, sigma: 1.0 }, "", Everywhere),
    row(2.0, "AmazonDynamoDB", "CommittedThroughput", "ReadCapacityUnit-Hrs", "ReadCapacityUnit-Hrs", 0.00013, LogNormal { median: 50.0, sigma: 1.5 }, "Provisioned IOPS", ByRegion),
    row(2.0, "AmazonDynamoDB", "CommittedThroughput", "WriteCapacityUnit-Hrs", "WriteCapacityUnit-Hrs", 0.00065, LogNormal { median: 30.0, sigma: 1.5 }, "Provisioned IOPS", ByRegion),
    row(3.0, "AmazonDynamoDB", "PayPerRequestThroughput", "ReadRequestUnits", "ReadRequestUnits", 0.000_000_125, LogNormal { median: 9000.0, sigma: 2.0 }, "Amazon DynamoDB PayPerRequest Throughput", ByRegion),
    row(3.0, "AmazonDynamoDB", "StandardStorage", "TimedStorage-ByteHrs", "GB-Mo", 0.25, PerMonth(80.0), "Database Storage", ByRegion),
    row(1.0, "AmazonDynamoDB", "StandardStorage", "TimedPITRStorage-ByteHrs", "GB-Mo", 0.2, PerMonth(80.0), "Database Storage", ByRegion),
    row(1.0, "AmazonRedshift", "CreateCluster", "RMS:ra3.4xlarge", "GB-Mo", 0.024, PerMonth(3000.0), "Redshift Managed Storage", ByRegion),
    row(1.0, "AmazonRedshift", "PaidSnapshot", "Redshift:PaidSnapshots", "GB-Mo", 0.023, PerMonth(800.0), "Storage Snapshot", ByRegion),
    row(1.0, "AmazonElastiCache", "CreateSnapshot", "ElastiCache:BackupUsage", "GB-Mo", 0.085, PerMonth(30.0), "Storage Snapshot", ByRegion),
    row(2.0, "AmazonRDS", "CreateDBInstance:0021", "Aurora:ServerlessV2Usage", "ACU-Hr", 0.12, LogNormal { median: 2.0, sigma: 0.8 }, "ServerlessV2", ByRegion),
    row(2.0, "AmazonRDS", "CreateDBInstance:0021", "Aurora:StorageIOUsage", "IOs", 0.000_000_2, LogNormal { median: 90_000.0, sigma: 2.0 }, "System Operation", ByRegion),
    row(3.0, "AmazonEC2", "CreateVolume-Gp3", "EBS:VolumeP-IOPS.gp3", "IOPS-Mo", 0.005, PerMonth(3000.0), "System Operation", ByRegion),
    row(2.0, "AmazonEC2", "CreateVolume-Gp3", "EBS:VolumeP-Throughput.gp3", "GiBps-mo", 40.96, PerMonth(0.2), "Provisioned Throughput", ByRegion),
    row(2.0, "AmazonEC2", "RunInstances", "CPUCredits:t3", "vCPU-Hours", 0.05, LogNormal { median: 0.5, sigma: 1.0 }, "CPU Credits", ByRegion),
    row(1.0, "AmazonES", "ESDomain", "ES:GP3-Storage", "GB-Mo", 0.122, PerMonth(400.0), "Amazon OpenSearch Service Volume", ByRegion),
];

/// The first meter of a service whose usage type holds the given text.
pub(crate) fn find(product_code: &str, usage_type: &str) -> Option<&'static Other> {
    OTHERS.iter().find(|o| o.product_code == product_code && o.usage_type.contains(usage_type))
}

impl Other {
    /// The meter in a region. `types` gives the hardware of those that run on an instance type.
    pub(crate) fn meter(&self, region: &'static Region, types: &[InstanceType]) -> Meter {
        let price = (self.unit, self.usd);
        let code = self.product_code;
        let mut meter = Meter::new(code, self.operation, self.usage_type, price, self.amount, region);
        meter = match self.prefix {
            Prefix::Region => meter,
            Everywhere => meter.prefixed_everywhere(),
            CodeFirst => meter.usage_type(format!("{}{}", region.code, self.usage_type)),
            Global => meter.usage_type(self.usage_type.to_owned()).without_region(),
        };
        if !self.family.is_empty() {
            meter = meter.family(self.family);
        }
        if self.usage_type.starts_with("EBS:") {
            meter = meter.named(Naming::Volume);
        }
        let named = self.usage_type.split_once(":db.").or(self.usage_type.split_once(":dms."));
        let instance = named.and_then(|(_, name)| types.iter().find(|known| known.name == name));
        match (instance, code) {
            (None, _) => meter,
            (Some(instance), "AWSDatabaseMigrationSvc") => meter.hardware(instance),
            (Some(instance), _) => meter.on(instance, "db.", ""),
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "one row of the table above")]
const fn row(
    weight: f64,
    product_code: &'static str,
    operation: &'static str,
    usage_type: &'static str,
    unit: &'static str,
    usd: f64,
    amount: Amount,
    family: &'static str,
    prefix: Prefix,
) -> Other {
    Other { weight, product_code, operation, usage_type, unit, usd, amount, family, prefix }
}
