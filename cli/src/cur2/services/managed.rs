//! Meters of managed services that run on instance types.

use super::super::{
    catalog::{InstanceType, Region},
    meter::{Amount, Meter},
};

/// Database engines of RDS: name, operation code.
pub(crate) const ENGINES: [(&str, &str); 5] = [
    ("PostgreSQL", "0014"),
    ("MySQL", "0002"),
    ("Aurora PostgreSQL", "0021"),
    ("Aurora MySQL", "0016"),
    ("SQL Server", "0012"),
];

/// Redshift nodes: vCPU, GiB, USD per hour.
pub(crate) const REDSHIFT_NODES: [(&str, u32, u32, f64); 6] = [
    ("ra3.xlplus", 4, 32, 1.086),
    ("ra3.4xlarge", 12, 96, 3.26),
    ("ra3.16xlarge", 48, 384, 13.04),
    ("dc2.large", 2, 15, 0.25),
    ("dc2.8xlarge", 32, 244, 4.8),
    ("ds2.xlarge", 4, 31, 0.85),
];

fn hourly(rate: f64) -> (&'static str, f64) {
    ("Hrs", (rate * 1e6).round() / 1e6)
}

/// A database instance; `engine` is an index into [`ENGINES`].
pub(crate) fn database(
    instance: &InstanceType,
    engine: usize,
    multi_az: bool,
    region: &'static Region,
) -> Meter {
    let (name, code) = ENGINES[engine];
    let (usage_type, copies, deployment) =
        if multi_az { ("Multi-AZUsage", 2.0, "Multi-AZ") } else { ("InstanceUsage", 1.0, "Single-AZ") };
    let rate = hourly(instance.usd_per_hour * 1.8 * copies);
    let operation = format!("CreateDBInstance:{code}");
    let usage_type = format!("{usage_type}:db.{}", instance.name);
    let mut meter = Meter::new("AmazonRDS", &operation, &usage_type, rate, Amount::Hour, region)
        .family("Database Instance")
        .on(instance, "db.", "")
        .with(&[
            ("database_engine", name),
            ("deployment_option", deployment),
            ("license_model", "No license required"),
        ]);
    meter.normalization = f64::from(instance.vcpu) * 2.0;
    meter
}

/// Capacity units of Aurora Serverless v2.
pub(crate) fn aurora_serverless(median_acu: f64, region: &'static Region) -> Meter {
    let amount = Amount::LogNormal { median: median_acu, sigma: 0.8 };
    Meter::new(
        "AmazonRDS",
        "CreateDBInstance:0021",
        "Aurora:ServerlessV2Usage",
        ("ACU-Hr", 0.12),
        amount,
        region,
    )
    .family("ServerlessV2")
    .with(&[("database_engine", "Aurora PostgreSQL")])
}

/// A cache node.
pub(crate) fn cache(instance: &InstanceType, engine: &str, region: &'static Region) -> Meter {
    let code = match engine {
        "Memcached" => "0001",
        "Redis" => "0002",
        _ => "0003",
    };
    let operation = format!("CreateCacheCluster:{code}");
    let usage_type = format!("NodeUsage:cache.{}", instance.name);
    let rate = hourly(instance.usd_per_hour * 1.4);
    let mut meter = Meter::new("AmazonElastiCache", &operation, &usage_type, rate, Amount::Hour, region)
        .family("Cache Instance")
        .on(instance, "cache.", "")
        .with(&[("cache_engine", engine)]);
    meter.normalization = f64::from(instance.vcpu) * 2.0;
    meter
}

/// A Redshift node; `node` is an index into [`REDSHIFT_NODES`].
pub(crate) fn redshift(node: usize, region: &'static Region) -> Meter {
    let (name, vcpu, memory_gib, rate) = REDSHIFT_NODES[node];
    let usage_type = format!("Node:{name}");
    let mut meter =
        Meter::new("AmazonRedshift", "RunComputeNode:0001", &usage_type, ("Hrs", rate), Amount::Hour, region)
            .family("Compute Instance")
            .with(&[
                ("vcpu", &vcpu.to_string()),
                ("memory", &format!("{memory_gib} GiB")),
                ("usage_family", "Node Usage"),
            ]);
    meter.instance_type = Some(name.to_owned());
    meter.instance_family = Some("Memory optimized");
    meter
}

/// A data node of OpenSearch.
pub(crate) fn opensearch(instance: &InstanceType, region: &'static Region) -> Meter {
    let usage_type = format!("ESInstance:{}", instance.name);
    let rate = hourly(instance.usd_per_hour * 1.5);
    Meter::new("AmazonES", "ESDomain", &usage_type, rate, Amount::Hour, region)
        .family("Amazon OpenSearch Service Instance")
        .on(instance, "", ".search")
}

/// A Kafka broker.
pub(crate) fn kafka_broker(instance: &InstanceType, region: &'static Region) -> Meter {
    let usage_type = format!("Kafka.{}", instance.name);
    let rate = hourly(instance.usd_per_hour * 2.0);
    Meter::new("AmazonMSK", "RunBroker", &usage_type, rate, Amount::Hour, region)
        .family("Managed Streaming for Apache Kafka (MSK)")
        .hardware(instance)
}

/// The fee of EMR on an instance, beside the instance itself.
pub(crate) fn map_reduce(instance: &InstanceType, region: &'static Region) -> Meter {
    let usage_type = format!("BoxUsage:{}", instance.name);
    let rate = hourly(instance.usd_per_hour * 0.25);
    Meter::new("ElasticMapReduce", "RunInstances", &usage_type, rate, Amount::Hour, region)
        .family("Elastic Map Reduce Instance")
        .on(instance, "", "")
        .with(&[("softwaretype", "EMR")])
}

/// A SageMaker instance: `use_case` is `Host`, `Train` or `Notebk`.
pub(crate) fn sagemaker(instance: &InstanceType, use_case: &str, region: &'static Region) -> Meter {
    let usage_type = format!("{use_case}:ml.{}", instance.name);
    let rate = hourly(instance.usd_per_hour * 1.2);
    Meter::new("AmazonSageMaker", "RunInstance", &usage_type, rate, Amount::Hour, region)
        .family("ML Instance")
        .on(instance, "ml.", "")
        .prefixed_everywhere()
        .with(&[("component", use_case)])
}

/// A broker pair of Amazon MQ.
pub(crate) fn message_broker(instance: &InstanceType, region: &'static Region) -> Meter {
    let usage_type = format!("Active/Standby:mq.{}", instance.name);
    let rate = hourly(instance.usd_per_hour * 6.25);
    Meter::new("AmazonMQ", "CreateBroker:0001", &usage_type, rate, Amount::Hour, region)
        .family("Broker Instances")
        .prefixed_everywhere()
        .hardware(instance)
}
