use super::*;

fn table() -> Table {
    Table::load(&Sources::embedded().unwrap()).unwrap()
}

#[test]
fn transfers_are_told_apart_and_counted_once() {
    use TransferKind::{Cdn, InterRegion, Internet, IntraRegion};
    let table = table();
    for (service, usage_type, operation, expected) in [
        ("AmazonEC2", "USE1-APN1-AWS-Out-Bytes", "PublicIP-Out", Some((InterRegion, true))),
        ("AmazonS3", "USE1-APN1-AWS-In-Bytes", "PutObject", Some((InterRegion, false))),
        ("AmazonEC2", "DataTransfer-Regional-Bytes", "InterZone-Out", Some((IntraRegion, true))),
        ("AmazonEC2", "DataTransfer-Regional-Bytes", "InterZone-In", Some((IntraRegion, false))),
        ("AmazonEC2", "DataTransfer-Regional-Bytes", "PublicIP-In", Some((IntraRegion, false))),
        ("AWSELB", "DataTransfer-Regional-Bytes", "LoadBalancing", Some((IntraRegion, true))),
        (
            "AWSCloudShell",
            "USE1-DataTransfer-xAZ-In-Bytes",
            "CloudShell data transfer",
            Some((IntraRegion, false)),
        ),
        (
            "AWSCloudShell",
            "CAN1-DataTransfer-xAZ-Out-Bytes",
            "CloudShell data transfer",
            Some((IntraRegion, true)),
        ),
        ("AmazonEC2", "DataTransfer-Out-Bytes", "RunInstances", Some((Internet, true))),
        ("AmazonEC2", "EUW2-DataTransfer-In-Bytes", "RunInstances", Some((Internet, true))),
        ("AmazonCloudFront", "EU-DataTransfer-Out-Bytes", "GET", Some((Cdn, true))),
        ("AmazonCloudFront", "EU-DataTransfer-Out-OBytes", "GET", Some((InterRegion, true))),
        ("AmazonS3", "USE1-CloudFront-Out-Bytes", "GetObject", Some((InterRegion, true))),
        ("AmazonEC2", "NatGateway-Bytes", "NatGateway", Some((IntraRegion, true))),
        ("AmazonCloudWatch", "USE1-DataProcessing-Bytes", "PutLogEvents", None),
        ("AmazonEC2", "BoxUsage:m5.large", "RunInstances", None),
        ("AmazonS3", "Requests-Tier1", "PutObject", None),
    ] {
        let transfer = table.transfer(service, usage_type, operation);
        assert_eq!(transfer.map(|t| (t.kind, t.counted)), expected, "{service} {usage_type} {operation}");
    }
}

/// The field's spread: 0.001 (CCF) to 0.059 kWh/GB (SPRUCE, Tailpipe); Aslan's 0.06 of 2015 halved four times.
#[test]
fn kinds_hold_the_published_spread() {
    let table = table();
    let internet = table.energy(TransferKind::Internet).unwrap();
    assert!((internet.kwh_per_gb.central() - 0.06 / 16.0).abs() < 1e-12);
    assert!(
        (internet.kwh_per_gb.low() - 0.001).abs() < 1e-12
            && (internet.kwh_per_gb.high() - 0.059).abs() < 1e-12
    );
    assert!(!internet.in_facility);
    let inside = table.energy(TransferKind::IntraRegion).unwrap();
    assert!(inside.in_facility);
    let mut last = 0.0;
    for kind in [TransferKind::IntraRegion, TransferKind::InterRegion, TransferKind::Internet] {
        let central = table.energy(kind).unwrap().kwh_per_gb.central();
        assert!(central > last, "{}", kind.as_str());
        last = central;
    }
}
