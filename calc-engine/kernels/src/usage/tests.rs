use airshed_domain::status::UsageFamily;

use super::*;
use crate::{reason::Reason, sample::FACTORS};

#[test]
fn prefixes_are_known_codes_and_nothing_else() {
    let factors = &**FACTORS;
    let strip = |usage, service| strip_region_prefix(usage, service, factors.facility());
    for (usage, rest, region) in [
        ("BoxUsage:m5.large", "BoxUsage:m5.large", None),
        ("EU-BoxUsage:m5.large", "BoxUsage:m5.large", Some("eu-west-1")),
        ("USE1-Catalog-Storage", "Catalog-Storage", Some("us-east-1")),
        ("APS1-EBS:VolumeUsage.gp2", "EBS:VolumeUsage.gp2", Some("ap-southeast-1")),
        ("APS3-APN1-AWS-Out-Bytes", "AWS-Out-Bytes", Some("ap-south-1")),
        ("USE1-APN1-AWS-In-Bytes", "AWS-In-Bytes", Some("us-east-1")),
        ("us-east-1-KMS-Requests", "KMS-Requests", Some("us-east-1")),
        ("ap-northeast-3-KMS-Requests", "KMS-Requests", Some("ap-northeast-3")),
        ("AWS-Out-Bytes", "AWS-Out-Bytes", None),
        ("DNS-Queries", "DNS-Queries", None),
        ("QS-User-Standard-Month", "QS-User-Standard-Month", None),
        ("ECS-EC2-vCPU-Hours", "ECS-EC2-vCPU-Hours", None),
        ("USE1-EKS-EC2-GB-Hours", "EKS-EC2-GB-Hours", Some("us-east-1")),
        ("ETL-DPU-Hour", "ETL-DPU-Hour", None),
        ("AW-HW-2", "AW-HW-2", None),
        ("USW2-LAX1-BoxUsage:t3.medium", "BoxUsage:t3.medium", Some("us-west-2")),
        ("LAX1-BoxUsage:t3.medium", "BoxUsage:t3.medium", Some("us-west-2")),
        ("USE1WL1ATL1-BoxUsage:t3.medium", "BoxUsage:t3.medium", Some("us-east-1")),
        ("USE1WL1ATL1-CAN1-AWS-Out-Bytes", "AWS-Out-Bytes", Some("us-east-1")),
        ("CAN1-DEN1-AWS-Out-Bytes", "AWS-Out-Bytes", Some("ca-central-1")),
    ] {
        let stripped = strip(usage, "AmazonEC2");
        assert_eq!(stripped.usage, rest, "{usage}");
        assert_eq!(stripped.region.and_then(LineRegion::code), region, "{usage}");
    }
    assert_eq!(strip("XYZ9-BoxUsage:m5.large", "AmazonEC2").region, Some(LineRegion::UnknownPrefix("XYZ9")));
    // CloudFront's EU is a continent, not eu-west-1.
    let edge = strip("EU-DataTransfer-Out-Bytes", "AmazonCloudFront");
    assert_eq!((edge.usage, edge.region), ("DataTransfer-Out-Bytes", Some(LineRegion::Edge("eu-central-1"))));
}

#[test]
fn the_region_column_goes_before_the_prefix_and_transfers_name_theirs() {
    let factors = &**FACTORS;
    let read = |key: ClassKey<'static>| Line::read(&key, factors.facility()).region;
    let base = ClassKey { provider: Some("aws"), service_code: Some("AmazonEC2"), ..ClassKey::default() };
    let stated = ClassKey { usage_type: Some("USE2-BoxUsage:m5.large"), region: Some("eu-west-1"), ..base };
    assert_eq!(read(stated), LineRegion::Stated("eu-west-1"));
    let inbound = ClassKey {
        usage_type: Some("DataTransfer-In-Bytes"),
        from_region: Some("External"),
        to_region: Some("ap-southeast-2"),
        ..base
    };
    assert_eq!(read(inbound), LineRegion::Stated("ap-southeast-2"));
    assert_eq!(read(ClassKey { usage_type: Some("BoxUsage:m5.large"), ..base }).code(), Some("us-east-1"));
    assert_eq!(read(ClassKey { region: Some("Global"), ..base }), LineRegion::NoPrefix);
}

/// A local zone, however the export names it, is one place: its parent region, and not us-east-1 or nowhere.
#[test]
fn a_local_zone_is_the_same_however_it_is_named() {
    let factors = &**FACTORS;
    let read = |usage_type, region| {
        let key = ClassKey {
            provider: Some("aws"),
            service_code: Some("AmazonEC2"),
            usage_type: Some(usage_type),
            region,
            ..ClassKey::default()
        };
        Line::read(&key, factors.facility()).region
    };
    let los_angeles = LineRegion::LocalZone("us-west-2");
    for (usage_type, region) in [
        ("LAX1-BoxUsage:t3.medium", None),
        ("LAX1-BoxUsage:t3.medium", Some("us-west-2")),
        ("LAX1-BoxUsage:t3.medium", Some("us-west-2-lax-1")),
        ("USW2-LAX1-BoxUsage:t3.medium", None),
        ("BoxUsage:t3.medium", Some("us-west-2-lax-1")),
        ("BoxUsage:t3.medium", Some("us-west-2-lax-1a")),
    ] {
        assert_eq!(read(usage_type, region), los_angeles, "{usage_type} {region:?}");
    }
    for region in [None, Some("us-east-1"), Some("us-east-1-wl1-atl1"), Some("us-east-1-wl1-atl-wlz-1")] {
        let wavelength = read("USE1WL1ATL1-BoxUsage:t3.medium", region);
        assert_eq!(wavelength, LineRegion::LocalZone("us-east-1"), "{region:?}");
    }
    // A zone that is newer than our list still has the region that the line states; without one it is nowhere.
    assert_eq!(read("XYZ9-BoxUsage:t3.medium", Some("eu-west-1")), LineRegion::LocalZone("eu-west-1"));
    assert_eq!(read("XYZ9-BoxUsage:t3.medium", None), LineRegion::UnknownPrefix("XYZ9"));
    // The second code of a transfer between regions is the other end.
    assert_eq!(read("USW2-XYZ9-AWS-Out-Bytes", None), LineRegion::Prefix("us-west-2"));
    let transfer = ClassKey {
        provider: Some("aws"),
        service_code: Some("AmazonEC2"),
        usage_type: Some("DataTransfer-Out-Bytes"),
        from_region: Some("us-west-2-lax-1"),
        ..ClassKey::default()
    };
    assert_eq!(Line::read(&transfer, factors.facility()).region, los_angeles);
}

#[test]
fn only_usage_is_estimated() {
    for usage in ["Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"] {
        assert_eq!(charge::exclusion(usage), None, "{usage}");
    }
    for (line_type, reason) in [
        ("SavingsPlanNegation", Reason::CommitmentNegation),
        ("RIFee", Reason::CommitmentFee),
        ("SavingsPlanRecurringFee", Reason::CommitmentFee),
        ("Tax", Reason::Tax),
        ("Refund", Reason::Credit),
        ("EdpDiscount", Reason::Discount),
        ("Surprise", Reason::UnknownLineType),
    ] {
        assert_eq!(charge::exclusion(line_type), Some(reason), "{line_type}");
    }
}

#[test]
fn units_are_read_as_cur_and_focus_write_them() {
    let read = |usage: &'static str, service: &'static str, unit: &'static str| {
        let key = ClassKey {
            provider: Some("aws"),
            service_code: Some(service),
            usage_type: Some(usage),
            usage_unit: Some(unit),
            ..ClassKey::default()
        };
        meter::meter(&Line::read(&key, FACTORS.facility()))
    };
    for unit in ["ACU-Hr", "ACU-Hours"] {
        let found = read("Aurora:ServerlessV2Usage", "AmazonRDS", unit);
        assert!(matches!(found, Some(meter::Meter::Slice { .. })), "{unit}: {found:?}");
    }
    for unit in ["Lambda-GB-Second", "Second", "seconds", "Lambda-GB-Seconds"] {
        let found = read("Lambda-GB-Second", "AWSLambda", unit);
        assert!(matches!(found, Some(meter::Meter::Slice { .. })), "{unit}: {found:?}");
    }
    let wrong = read("Aurora:ServerlessV2Usage", "AmazonRDS", "GB-Mo");
    assert_eq!(wrong, Some(meter::Meter::None(Reason::UnknownUnit, UsageFamily::ServerlessCompute)));
}
