//! Workloads: what each kind of account runs.

use anyhow::Result;

use crate::cur2::{
    catalog::Region,
    services::{
        compute::{self, Dimension, Fargate, Platform},
        managed, network, other, storage,
    },
};

use super::{
    company::{self, Member, Purpose},
    estate::{Estate, Payment, Pod, region_of},
    shape::Shape,
};

/// Puts every workload of every account into the estate.
pub(crate) fn build(estate: &mut Estate) -> Result<()> {
    for member in company::accounts() {
        let region = region_of(member.region)?;
        match member.purpose {
            Purpose::Product => product(estate, &member, region)?,
            Purpose::Security => security(estate, &member, region)?,
            Purpose::Infrastructure => infrastructure(estate, &member, region)?,
            Purpose::Data => data(estate, &member, region)?,
            Purpose::MachineLearning => machine_learning(estate, &member, region)?,
            Purpose::Sandbox => sandbox(estate, &member, region)?,
        }
        background(estate, &member, region);
    }
    Ok(())
}

fn product(estate: &mut Estate, member: &Member, region: &'static Region) -> Result<()> {
    let [web, database, cache] = member.families;
    let (base, scaled, size, shape) = match member.environment {
        "prod" => (3u32, 6u32, "xlarge", Shape::Always),
        "staging" => (1, 1, "large", Shape::Always),
        _ => (3, 0, "large", Shape::Office),
    };
    let prod = member.environment == "prod";
    let instance = estate.instance_type(&format!("{web}.{size}"))?;
    let meter = compute::instance(&instance, region, Platform::Linux);
    for rank in 0..base {
        let payment = match (prod, rank) {
            (true, 0) => Payment::Reserved,
            (true, _) => Payment::SavingsPlan,
            _ => Payment::OnDemand,
        };
        estate.add_paid(member, "web", &meter, shape, payment);
        // Volumes stay when instances are switched off.
        estate.add(member, "web", &storage::volume(0, 80.0, region), Shape::Always);
    }
    let spot = compute::spot_instance(&instance, region);
    for rank in 0..scaled {
        let threshold = 0.2 + 0.75 * f64::from(rank) / f64::from(scaled);
        let meter = if rank % 3 == 2 { &spot } else { &meter };
        estate.add(member, "web", meter, Shape::Above(threshold));
    }
    let database_size = if prod { "2xlarge" } else { "large" };
    let engine = if matches!(member.team, "payments" | "storefront") { 2 } else { 0 };
    let instance = estate.instance_type(&format!("{database}.{database_size}"))?;
    let meter = managed::database(&instance, engine, prod && engine == 0, region);
    let payment = if prod { Payment::Reserved } else { Payment::OnDemand };
    estate.add_paid(member, "database", &meter, shape, payment);
    let volume = match (engine, prod) {
        (2, _) => 6,
        (_, true) => 2,
        (_, false) => 0,
    };
    estate.add(member, "database", &storage::database_volume(volume, 600.0, region), Shape::Growing(0.08));
    let instance = estate.instance_type(&format!("{cache}.{}", if prod { "large" } else { "small" }));
    let instance = instance.or_else(|_| estate.instance_type(&format!("{cache}.large")))?;
    estate.add(member, "cache", &managed::cache(&instance, "Redis", region), shape);
    traffic(estate, member, region, if prod { 1.0 } else { 0.04 })?;
    if !prod {
        return Ok(());
    }
    estate.add(member, "database", &storage::database_volume(7, 900.0, region), Shape::Growing(0.1));
    let report = estate.instance_type("m5.4xlarge")?;
    estate.add(member, "nightly", &compute::instance(&report, region, Platform::Linux), Shape::Nightly(4));
    if member.team == "storefront" {
        cluster(estate, member, region)?;
    }
    if member.team == "search" {
        let node = estate.instance_type("r6g.2xlarge")?;
        for _ in 0..6 {
            estate.add(member, "index", &managed::opensearch(&node, region), Shape::Always);
        }
    }
    if member.team == "payments" {
        let windows = estate.instance_type("m5.xlarge")?;
        estate.add(member, "ledger", &compute::instance(&windows, region, Platform::Windows), Shape::Always);
        let broker = estate.instance_type("m5.large")?;
        estate.add(member, "ledger", &managed::message_broker(&broker, region), Shape::Always);
        estate.add(member, "ledger", &managed::aurora_serverless(4.0, region), Shape::Traffic);
    }
    Ok(())
}

/// What comes with traffic: load balancer, NAT, transfer, functions, queues, object storage.
fn traffic(estate: &mut Estate, member: &Member, region: &'static Region, scale: f64) -> Result<()> {
    let peer = region_of(if region.code == "us-east-1" { "eu-west-1" } else { "us-east-1" })?;
    let always = [network::load_balancer(region), storage::bucket(0, 9000.0 * scale, region)];
    for meter in always {
        estate.add(member, "web", &meter, Shape::Always);
    }
    let following = [
        network::load_balancer_units(14.0 * scale, region),
        network::to_internet(false, 60.0 * scale, region),
        compute::lambda_duration(42_000.0 * scale, member.team == "search", region),
    ];
    let shape = if member.environment == "dev" { Shape::Office } else { Shape::Traffic };
    for meter in following {
        estate.add(member, "web", &meter, shape);
    }
    if scale >= 1.0 {
        for meter in [network::nat_gateway(region), storage::bucket(1, 4000.0, region)] {
            estate.add(member, "web", &meter, Shape::Always);
        }
        for meter in [
            network::nat_gateway_bytes(22.0, region),
            network::between_zones(45.0, region),
            network::from_internet(12.0, region),
            compute::lambda_requests(310_000.0, region),
            storage::bucket_requests(true, 40_000.0, region),
            storage::bucket_requests(false, 900_000.0, region),
            network::from_edge(180.0, region),
            network::between_regions(9.0, region, peer, true),
            network::between_regions(9.0, region, peer, false),
            network::to_internet(true, 30.0, region),
        ] {
            estate.add(member, "web", &meter, Shape::Traffic);
        }
        let how = Fargate { arm: member.team == "mobile", ..Fargate::default() };
        for (dimension, per_hour) in [(Dimension::Cpu, 16.0), (Dimension::Memory, 32.0)] {
            let meter = compute::fargate(dimension, how, per_hour, region);
            estate.add_paid(member, "api", &meter, Shape::Traffic, Payment::SavingsPlan);
        }
        known(
            estate,
            member,
            "api",
            &[("AmazonDynamoDB", "ReadRequest"), ("AmazonApiGateway", "")],
            Shape::Traffic,
            region,
        );
        known(
            estate,
            member,
            "api",
            &[("AmazonDynamoDB", "TimedStorage-"), ("AmazonECR", "")],
            Shape::Always,
            region,
        );
    }
    Ok(())
}

/// A Kubernetes cluster: control plane, nodes, and for every pod the split of its node.
fn cluster(estate: &mut Estate, member: &Member, region: &'static Region) -> Result<()> {
    estate.add(member, "cluster", &compute::eks_cluster(region), Shape::Always);
    let instance = estate.instance_type("m6g.2xlarge")?;
    for (number, shape) in
        [Shape::Always, Shape::Always, Shape::Always, Shape::Above(0.5)].into_iter().enumerate()
    {
        let meter = compute::instance(&instance, region, Platform::Linux);
        let node = estate.add_paid(member, "cluster", &meter, shape, Payment::OnDemand);
        for (pod, (namespace, vcpu)) in
            [("cart", 2.0), ("search", 1.5), ("checkout", 1.5), ("monitoring", 0.5)].into_iter().enumerate()
        {
            let name = format!("{}-{number}-{pod}", member.team);
            let meter = compute::split(true, Dimension::Cpu, vcpu, region);
            let id = meter.resource_id(&mut estate.random, &member.account.id, &name);
            let pod = Pod { id, namespace, node: &node, shape };
            estate.add_split(member, &pod, &meter, vcpu / 8.0);
            let meter = compute::split(true, Dimension::Memory, vcpu * 4.0, region);
            estate.add_split(member, &pod, &meter, vcpu / 8.0);
        }
    }
    Ok(())
}

fn security(estate: &mut Estate, member: &Member, region: &'static Region) -> Result<()> {
    let instance = estate.instance_type("m5.xlarge")?;
    estate.add(member, "siem", &compute::instance(&instance, region, Platform::RedHat), Shape::Always);
    for (class, gb) in [(0, 2_000.0), (7, 60_000.0), (8, 180_000.0)] {
        estate.add(member, "archive", &storage::bucket(class, gb, region), Shape::Growing(0.05));
    }
    known(estate, member, "audit", &[("AmazonGuardDuty", ""), ("AWSConfig", "")], Shape::Traffic, region);
    Ok(())
}

fn infrastructure(estate: &mut Estate, member: &Member, region: &'static Region) -> Result<()> {
    for _ in 0..3 {
        estate.add(member, "network", &network::nat_gateway(region), Shape::Always);
        estate.add(member, "network", &network::nat_gateway_bytes(60.0, region), Shape::Traffic);
    }
    known(
        estate,
        member,
        "network",
        &[
            ("AmazonVPC", "TransitGateway-Hours"),
            ("AmazonVPC", "VpcEndpoint-Hours"),
            ("AmazonVPC", "PublicIPv4:InUse"),
        ],
        Shape::Always,
        region,
    );
    known(
        estate,
        member,
        "network",
        &[("AmazonVPC", "TransitGateway-Bytes"), ("AmazonRoute53", "DNS")],
        Shape::Traffic,
        region,
    );
    let build = estate.instance_type("c6a.4xlarge")?;
    for rank in 0..4 {
        let meter = compute::spot_instance(&build, region);
        estate.add(member, "ci", &meter, if rank == 0 { Shape::Always } else { Shape::Office });
    }
    let old = estate.instance_type("t2.medium")?;
    estate.add(member, "bastion", &compute::instance(&old, region, Platform::Linux), Shape::Always);
    estate.add(member, "bastion", &storage::volume(1, 100.0, region), Shape::Always);
    estate.add(member, "bastion", &compute::cpu_credits(region), Shape::Traffic);
    Ok(())
}

fn data(estate: &mut Estate, member: &Member, region: &'static Region) -> Result<()> {
    let prod = member.environment == "prod";
    for (class, gb) in [(0, 80_000.0), (3, 40_000.0), (4, 25_000.0), (6, 90_000.0)] {
        let gb = if prod { gb } else { gb * 0.05 };
        estate.add(member, "lake", &storage::bucket(class, gb, region), Shape::Growing(0.06));
    }
    let worker = estate.instance_type("r5.4xlarge")?;
    for _ in 0..if prod { 6 } else { 1 } {
        let spot = compute::spot_instance(&worker, region);
        estate.add(member, "etl", &spot, Shape::Nightly(5));
        estate.add(member, "etl", &managed::map_reduce(&worker, region), Shape::Nightly(5));
        estate.add(member, "etl", &storage::volume(4, 500.0, region), Shape::Nightly(5));
    }
    known(
        estate,
        member,
        "etl",
        &[("AWSGlue", ""), ("ElasticMapReduce", "vCPUHours")],
        Shape::Nightly(6),
        region,
    );
    known(estate, member, "reports", &[("AmazonAthena", "")], Shape::Traffic, region);
    if member.account.name == "data-warehouse" {
        for _ in 0..4 {
            estate.add(member, "warehouse", &managed::redshift(1, region), Shape::Always);
        }
        known(
            estate,
            member,
            "warehouse",
            &[("AmazonRedshift", "RMS"), ("AmazonRedshift", "Snapshots")],
            Shape::Always,
            region,
        );
    }
    if member.account.name == "data-streams" {
        let broker = estate.instance_type("m7g.large")?;
        for _ in 0..3 {
            estate.add(member, "events", &managed::kafka_broker(&broker, region), Shape::Always);
        }
        known(estate, member, "events", &[("AmazonKinesis", "")], Shape::Always, region);
    }
    Ok(())
}

fn machine_learning(estate: &mut Estate, member: &Member, region: &'static Region) -> Result<()> {
    let serving = member.account.name == "ml-serving";
    if serving {
        let instance = estate.instance_type("g5.2xlarge")?;
        for rank in 0..4 {
            let shape = if rank == 0 { Shape::Always } else { Shape::Above(0.2 * f64::from(rank)) };
            estate.add(member, "ranking", &managed::sagemaker(&instance, "Host", region), shape);
        }
        known(
            estate,
            member,
            "assistant",
            &[
                ("AmazonBedrock", "MistralLarge-output"),
                ("AmazonBedrock", "MistralLarge-input"),
                ("AmazonBedrock", "Claude"),
            ],
            Shape::Traffic,
            region,
        );
        return Ok(());
    }
    let training = member.account.name == "ml-training";
    for (name, count, chance) in
        [("p4d.24xlarge", 2, 0.3), ("g4dn.12xlarge", 3, 0.5), ("trn1.2xlarge", 2, 0.4)]
    {
        let instance = estate.instance_type(name)?;
        for _ in 0..if training { count } else { 1 } {
            let chance = if training { chance } else { 0.1 };
            let meter = compute::instance(&instance, region, Platform::Linux);
            estate.add(member, "training", &meter, Shape::SomeDays(chance));
        }
    }
    let notebook = estate.instance_type("m5.xlarge")?;
    estate.add(member, "notebooks", &managed::sagemaker(&notebook, "Notebk", region), Shape::Office);
    estate.add(member, "features", &storage::bucket(0, 30_000.0, region), Shape::Growing(0.1));
    known(estate, member, "features", &[("AmazonFSx", ""), ("AmazonEFS", "")], Shape::Always, region);
    Ok(())
}

fn sandbox(estate: &mut Estate, member: &Member, region: &'static Region) -> Result<()> {
    for (name, shape) in
        [("t3.medium", Shape::Always), ("g6.xlarge", Shape::SomeDays(0.2)), ("a1.large", Shape::Office)]
    {
        let instance = estate.instance_type(name)?;
        estate.add(member, "try", &compute::instance(&instance, region, Platform::Linux), shape);
    }
    for kind in [1, 2, 5, 6] {
        estate.add(member, "try", &storage::volume(kind, 200.0, region), Shape::Always);
    }
    Ok(())
}

/// What every account has a little of.
fn background(estate: &mut Estate, member: &Member, region: &'static Region) {
    let (always, following) = if member.environment == "prod" {
        (
            &[("awskms", "KMS-Keys"), ("AmazonCloudWatch", "TimedStorage"), ("AWSBackup", "")][..],
            &[("awskms", "KMS-Requests"), ("AmazonCloudWatch", "DataProcessing"), ("AWSQueueService", "")][..],
        )
    } else {
        (&[("awskms", "KMS-Keys")][..], &[("AmazonCloudWatch", "DataProcessing")][..])
    };
    known(estate, member, "platform", always, Shape::Always, region);
    known(estate, member, "platform", following, Shape::Traffic, region);
    if member.environment == "prod" {
        estate.add(member, "platform", &storage::snapshot(350.0, region), Shape::Growing(0.03));
    }
}

/// Adds meters of the long tail, each by service and a part of its usage type.
fn known(
    estate: &mut Estate,
    member: &Member,
    application: &str,
    meters: &[(&str, &str)],
    shape: Shape,
    region: &'static Region,
) {
    for (product_code, usage_type) in meters {
        if let Some(found) = other::find(product_code, usage_type) {
            let meter = found.meter(region, estate.types());
            estate.add(member, application, &meter, shape);
        }
    }
}
