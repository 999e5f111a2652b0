//! Meters of things that compute: EC2, Lambda, Fargate, split container lines.

use super::super::{
    catalog::{InstanceType, Region},
    meter::{Amount, Meter, Naming},
};

/// What EC2 instances run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    /// Linux without licence.
    Linux,
    /// Windows with licence.
    Windows,
    /// Red Hat Enterprise Linux.
    RedHat,
}

/// An EC2 instance hour at the on-demand rate.
pub(crate) fn instance(instance: &InstanceType, region: &'static Region, platform: Platform) -> Meter {
    let licence = f64::from(instance.vcpu) * 0.046;
    let (operation, price, name) = match platform {
        Platform::Linux => ("RunInstances", instance.usd_per_hour, "Linux"),
        Platform::Windows => ("RunInstances:0002", instance.usd_per_hour + licence, "Windows"),
        Platform::RedHat => ("RunInstances:0010", instance.usd_per_hour, "RHEL"),
    };
    let price = (price * 1e6).round() / 1e6;
    let usage_type = format!("BoxUsage:{}", instance.name);
    let mut meter = Meter::new("AmazonEC2", operation, &usage_type, ("Hrs", price), Amount::Hour, region)
        .family("Compute Instance")
        .named(Naming::Instance)
        .on(instance, "", "")
        .with(&[
            ("operating_system", name),
            ("tenancy", "Shared"),
            ("current_generation", "Yes"),
            ("marketoption", "OnDemand"),
            ("pre_installed_sw", "NA"),
            ("license_model", "No License required"),
            ("capacitystatus", "Used"),
            ("network_performance", "Up to 10 Gigabit"),
            ("storage", "EBS only"),
        ]);
    meter.normalization = f64::from(instance.vcpu) * 2.0;
    meter.zonal = true;
    meter
}

/// An EC2 instance hour at the spot rate, 35 % of on-demand.
pub(crate) fn spot_instance(instance_type: &InstanceType, region: &'static Region) -> Meter {
    let mut meter = instance(instance_type, region, Platform::Linux);
    meter.usage_type = format!("{}SpotUsage:{}", region.prefix, instance_type.name);
    "RunInstances:SV007".clone_into(&mut meter.operation);
    meter.price = (meter.price * 0.35 * 1e6).round() / 1e6;
    meter.spot = true;
    for (key, value) in &mut meter.attributes {
        if *key == "marketoption" {
            "Spot".clone_into(value);
        }
    }
    meter
}

/// CPU credits of burstable instances.
pub(crate) fn cpu_credits(region: &'static Region) -> Meter {
    let amount = Amount::LogNormal { median: 0.5, sigma: 1.0 };
    Meter::new("AmazonEC2", "RunInstances", "CPUCredits:t3", ("vCPU-Hours", 0.05), amount, region)
        .family("CPU Credits")
        .named(Naming::Instance)
}

/// Lambda GB-seconds.
pub(crate) fn lambda_duration(gb_seconds: f64, arm: bool, region: &'static Region) -> Meter {
    let (usage_type, group, price) = if arm {
        ("Lambda-GB-Second-ARM", "AWS-Lambda-Duration-ARM", 0.000_013_333_4)
    } else {
        ("Lambda-GB-Second", "AWS-Lambda-Duration", 0.000_016_666_7)
    };
    let amount = Amount::LogNormal { median: gb_seconds, sigma: 2.0 };
    Meter::new("AWSLambda", "Invoke", usage_type, ("Lambda-GB-Second", price), amount, region)
        .family("Serverless")
        .with(&[("group", group)])
}

/// Lambda requests.
pub(crate) fn lambda_requests(requests: f64, region: &'static Region) -> Meter {
    let amount = Amount::LogNormal { median: requests, sigma: 2.0 };
    Meter::new("AWSLambda", "Invoke", "Request", ("Requests", 2e-7), amount, region)
        .family("Serverless")
        .with(&[("group", "AWS-Lambda-Requests")])
}

/// A dimension of Fargate and of split container lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dimension {
    /// vCPU-hours.
    Cpu,
    /// GB-hours of memory.
    Memory,
    /// GB-hours of ephemeral storage beyond the free part (Fargate only).
    Storage,
}

/// How a Fargate task is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fargate {
    /// For a Kubernetes pod rather than an ECS task.
    pub(crate) eks: bool,
    /// On Graviton.
    pub(crate) arm: bool,
    /// On spot capacity.
    pub(crate) spot: bool,
}

/// Fargate vCPU-hours, GB-hours or storage.
pub(crate) fn fargate(dimension: Dimension, how: Fargate, per_hour: f64, region: &'static Region) -> Meter {
    let (code, operation) = if how.eks { ("AmazonEKS", "FargatePod") } else { ("AmazonECS", "FargateTask") };
    let (name, unit, price) = match dimension {
        Dimension::Cpu => ("vCPU-Hours:perCPU", "hours", 0.04048),
        Dimension::Memory => ("GB-Hours", "hours", 0.004_445),
        Dimension::Storage => ("EphemeralStorage-GB-Hours", "GB-Hours", 0.000_111),
    };
    let usage_type = format!(
        "{}Fargate-{}{name}",
        if how.spot { "SpotUsage-" } else { "" },
        if how.arm { "ARM-" } else { "" },
    );
    let rate = price * if how.arm { 0.8 } else { 1.0 } * if how.spot { 0.3 } else { 1.0 };
    let amount = Amount::LogNormal { median: per_hour, sigma: 0.6 };
    let mut meter = Meter::new(code, operation, &usage_type, (unit, rate), amount, region)
        .family("Compute")
        .named(Naming::Task)
        .prefixed_everywhere()
        .with(&[("tenancy", "Shared")])
        .with(match dimension {
            Dimension::Cpu => &[("cputype", "perCPU")],
            Dimension::Memory | Dimension::Storage => &[("memorytype", "perGB")],
        });
    if how.arm {
        meter = meter.with(&[("cpuarchitecture", "ARM")]);
    }
    meter.spot = how.spot;
    meter
}

/// A split cost allocation line: the share of an EC2 instance that one pod or task took.
/// <https://docs.aws.amazon.com/cur/latest/userguide/split-cost-allocation-data.html>
pub(crate) fn split(eks: bool, dimension: Dimension, per_hour: f64, region: &'static Region) -> Meter {
    let (code, operation, kind) =
        if eks { ("AmazonEKS", "EKSPod-EC2", "EKS") } else { ("AmazonECS", "ECSTask-EC2", "ECS") };
    let (unit, usd) = match dimension {
        Dimension::Cpu => ("vCPU-Hours", 0.0255),
        Dimension::Memory | Dimension::Storage => ("GB-Hours", 0.0028),
    };
    let amount = Amount::LogNormal { median: per_hour, sigma: 0.7 };
    let usage_type = format!("{kind}-EC2-{unit}");
    let mut meter = Meter::new(code, operation, &usage_type, (unit, 0.0), amount, region)
        .named(Naming::Task)
        .prefixed_everywhere();
    meter.split_usd_per_unit = Some(usd);
    meter
}

/// The fee of a Kubernetes control plane.
pub(crate) fn eks_cluster(region: &'static Region) -> Meter {
    let usage_type = "AmazonEKS-Hours:perCluster";
    Meter::new("AmazonEKS", "CreateOperation", usage_type, ("Hours", 0.1), Amount::Hour, region)
        .family("Compute")
        .prefixed_everywhere()
        .with(&[("tiertype", "HAStandard")])
}
