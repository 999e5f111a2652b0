//! Meters of bytes that move, and of what moves them.

use super::super::{
    catalog::Region,
    meter::{Amount, Meter, Naming},
};

const EXTERNAL: &str = "External";

fn gb(median: f64) -> Amount {
    Amount::LogNormal { median, sigma: 1.8 }
}

fn transfer(meter: Meter, kind: &str, from: &'static str, to: &'static str) -> Meter {
    let mut meter = meter.family("Data Transfer").named(Naming::Instance).with(&[("transfer_type", kind)]);
    meter.service_code = "AWSDataTransfer";
    meter.from = Some(from);
    meter.to = Some(to);
    meter
}

/// From a region to the internet, by an instance or a bucket.
pub(crate) fn to_internet(by_bucket: bool, median_gb: f64, region: &'static Region) -> Meter {
    let (code, operation, naming) = if by_bucket {
        ("AmazonS3", "GetObject", Naming::Bucket)
    } else {
        ("AmazonEC2", "RunInstances", Naming::Instance)
    };
    let meter = Meter::new(code, operation, "DataTransfer-Out-Bytes", ("GB", 0.09), gb(median_gb), region);
    transfer(meter, "AWS Outbound", region.code, EXTERNAL).named(naming)
}

/// From the internet to a region.
pub(crate) fn from_internet(median_gb: f64, region: &'static Region) -> Meter {
    let usage_type = "DataTransfer-In-Bytes";
    let meter = Meter::new("AmazonEC2", "RunInstances", usage_type, ("GB", 0.0), gb(median_gb), region);
    transfer(meter, "AWS Inbound", EXTERNAL, region.code).without_region()
}

/// Between availability zones of a region.
pub(crate) fn between_zones(median_gb: f64, region: &'static Region) -> Meter {
    let usage_type = "DataTransfer-Regional-Bytes";
    let meter = Meter::new("AmazonEC2", "InterZone-Out", usage_type, ("GB", 0.01), gb(median_gb), region);
    transfer(meter, "IntraRegion", region.code, region.code)
}

/// Between regions, as the sending (`out`) or the receiving end sees it.
pub(crate) fn between_regions(
    median_gb: f64,
    region: &'static Region,
    peer: &'static Region,
    out: bool,
) -> Meter {
    let short = |r: &Region| match r.prefix {
        "" => "USE1".to_owned(),
        prefix => prefix.trim_end_matches('-').to_owned(),
    };
    let (way, price, from, to) = if out { ("Out", 0.02, region, peer) } else { ("In", 0.0, peer, region) };
    let usage_type = format!("{}-{}-AWS-{way}-Bytes", short(region), short(peer));
    let operation = format!("PublicIP-{way}");
    let meter = Meter::new("AmazonEC2", &operation, "", ("GB", price), gb(median_gb), region)
        .usage_type(usage_type)
        .without_region();
    transfer(meter, &format!("InterRegion {way}bound"), from.code, to.code)
}

/// From CloudFront's edge to the internet.
pub(crate) fn from_edge(median_gb: f64, region: &'static Region) -> Meter {
    let edge = match &region.code[..2] {
        "us" => "US",
        "ca" => "CA",
        "sa" => "SA",
        "ap" => "AP",
        "me" | "il" => "ME",
        "af" => "ZA",
        _ => "EU",
    };
    let meter = Meter::new("AmazonCloudFront", "GET", "", ("GB", 0.085), gb(median_gb), region)
        .usage_type(format!("{edge}-DataTransfer-Out-Bytes"))
        .without_region();
    let mut meter = transfer(meter, "CloudFront Outbound", region.code, EXTERNAL).named(Naming::Arn);
    meter.service_code = "AmazonCloudFront";
    meter
}

/// Hours of a NAT gateway.
pub(crate) fn nat_gateway(region: &'static Region) -> Meter {
    let price = ("Hrs", 0.045);
    Meter::new("AmazonEC2", "NatGateway", "NatGateway-Hours", price, Amount::Hour, region)
        .family("NAT Gateway")
}

/// Bytes through a NAT gateway.
pub(crate) fn nat_gateway_bytes(median_gb: f64, region: &'static Region) -> Meter {
    let price = ("GB", 0.045);
    Meter::new("AmazonEC2", "NatGateway", "NatGateway-Bytes", price, gb(median_gb), region)
        .family("NAT Gateway")
}

/// Hours of an application load balancer.
pub(crate) fn load_balancer(region: &'static Region) -> Meter {
    let price = ("Hrs", 0.0225);
    Meter::new("AWSELB", "LoadBalancing:Application", "LoadBalancerUsage", price, Amount::Hour, region)
        .family("Load Balancer-Application")
}

/// Capacity units of an application load balancer.
pub(crate) fn load_balancer_units(median: f64, region: &'static Region) -> Meter {
    let amount = Amount::LogNormal { median, sigma: 1.0 };
    Meter::new("AWSELB", "LoadBalancing:Application", "LCUUsage", ("LCU-Hrs", 0.008), amount, region)
        .family("Load Balancer-Application")
}
