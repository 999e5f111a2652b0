//! AWS usage types out of `ChargeDescription`, for FOCUS files that have neither `x_UsageType` nor `SkuMeter`.
//!
//! AWS's descriptions follow the line item descriptions of CUR: `$0.096 per On Demand Linux m5.large Instance Hour`,
//! `USD 0.02 per GB for EUN1-AWS-Out-Bytes in EU (Stockholm)`. Either they name the usage type, or a fixed phrase tells
//! it. The region prefix is not made up: the region stands in its own column. The phrases are those of the FOCUS 1.0
//! sample (<https://github.com/FinOps-Open-Cost-and-Usage-Spec/FOCUS-Sample-Data>); what none fits has no usage type.

use std::borrow::Cow;

use super::super::place::is_instance_type;

/// Phrases, and the usage type that each tells. The first that fits counts.
const PHRASES: &[(&[&str], &str)] = &[
    (&["regional data transfer"], "DataTransfer-Regional-Bytes"),
    (&["data transfer out of", "to CloudFront"], "CloudFront-Out-Bytes"),
    (&["data transfer in to", "from CloudFront"], "CloudFront-In-Bytes"),
    (&["data transfer in per month"], "DataTransfer-In-Bytes"),
    (&["data transfer out"], "DataTransfer-Out-Bytes"),
    (&["data transfer from "], "AWS-In-Bytes"),
    (&["data transfer to "], "AWS-Out-Bytes"),
    (&["provisioned IOPS-month of gp3"], "EBS:VolumeP-IOPS.gp3"),
    (&["provisioned MiBps-month of gp3"], "EBS:VolumeP-Throughput.gp3"),
    (&["(gp3) provisioned storage"], "EBS:VolumeUsage.gp3"),
    (&["(gp2) provisioned storage"], "EBS:VolumeUsage.gp2"),
    (&["(io1) provisioned storage"], "EBS:VolumeUsage.piops"),
    (&["(io2) provisioned storage"], "EBS:VolumeUsage.io2"),
    (&["(st1) provisioned storage"], "EBS:VolumeUsage.st1"),
    (&["(sc1) provisioned storage"], "EBS:VolumeUsage.sc1"),
    (&["Magnetic provisioned storage"], "EBS:VolumeUsage"),
    (&["snapshot data stored"], "EBS:SnapshotUsage"),
    (&["per NAT Gateway Hour"], "NatGateway-Hours"),
    (&["Data Processed by NAT Gateways"], "NatGateway-Bytes"),
    (&["In-use public IPv4 address"], "PublicIPv4:InUseAddress"),
    (&["Idle public IPv4 address"], "PublicIPv4:IdleAddress"),
    (&["load balancer capacity unit-hour"], "LCUUsage"),
    (&["LoadBalancer-hour"], "LoadBalancerUsage"),
    (&["AWS Fargate - vCPU"], "Fargate-vCPU-Hours:perCPU"),
    (&["AWS Fargate - Memory"], "Fargate-GB-Hours"),
    (&["AWS Lambda - Total Compute"], "Lambda-GB-Second"),
    (&["AWS Lambda - Total Requests"], "Request"),
    (&["PUT, COPY, POST, or LIST requests"], "Requests-Tier1"),
    (&["GET and all other requests"], "Requests-Tier2"),
    (&["custom log data ingested"], "DataProcessing-Bytes"),
    (&["of consumed storage (Aurora"], "Aurora:StorageUsage"),
    (&["of log storage"], "TimedStorage-ByteHrs"),
    (&["month of storage used"], "TimedStorage-ByteHrs"),
    (&["month of data storage"], "TimedStorage-ByteHrs"),
    (&["GB-Month of storage"], "TimedStorage-ByteHrs"),
];

/// The usage type that a description tells.
pub(in crate::normalize) fn usage_type(description: &str) -> Option<Cow<'_, str>> {
    if let Some(named) = named(description) {
        return Some(Cow::Borrowed(named));
    }
    if let Some(instance) = instance_hours(description) {
        return Some(Cow::Owned(instance));
    }
    let fits = |words: &[&str]| words.iter().all(|word| description.contains(word));
    PHRASES.iter().find(|(words, _)| fits(words)).map(|(_, usage_type)| Cow::Borrowed(*usage_type))
}

/// `... per GB for EUN1-AWS-Out-Bytes in EU (Stockholm)`: the word between `for` and `in`.
fn named(description: &str) -> Option<&str> {
    let (_, rest) = description.split_once(" for ")?;
    let (word, rest) = rest.split_once(' ')?;
    let is_code = word.contains(['-', ':']) && !word.starts_with('(');
    let is_code = is_code || word.bytes().filter(u8::is_ascii_uppercase).count() >= 2;
    (is_code && rest.starts_with("in ")).then_some(word)
}

/// `$0.096 per On Demand Linux m5.large Instance Hour`.
fn instance_hours(description: &str) -> Option<String> {
    let lower = description.to_ascii_lowercase();
    if !lower.contains("instance hour") && !lower.contains("instance-hour") && !lower.contains("node hour") {
        return None;
    }
    let word = description.split_whitespace().find(|word| is_instance_type(word))?;
    let kind = match word.split('.').next()? {
        "db" => "InstanceUsage",
        "cache" => "NodeUsage",
        "ml" => return Some(format!("Instance:{word}")),
        _ if lower.contains("spot") => "SpotUsage",
        _ => "BoxUsage",
    };
    Some(format!("{kind}:{word}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Descriptions as they stand in the FOCUS 1.0 sample; usage types as CUR names the same charges.
    #[test]
    fn descriptions_tell_usage_types() {
        for (description, expected) in [
            ("$1.624 per On Demand Linux g5.4xlarge Instance Hour", Some("BoxUsage:g5.4xlarge")),
            ("USD 0.02 per GB for EUN1-AWS-Out-Bytes in EU (Stockholm)", Some("EUN1-AWS-Out-Bytes")),
            ("USD0.0595 per GB-Mo for EBS:SnapshotUsage in Africa (Cape Town)", Some("EBS:SnapshotUsage")),
            (
                "USD0.0 per Events for FreeEventsRecorded in Asia Pacific (Hyderabad)",
                Some("FreeEventsRecorded"),
            ),
            ("$0.085 per GB - next 40 TB / month data transfer out", Some("DataTransfer-Out-Bytes")),
            ("$0.000 per GB - data transfer in per month", Some("DataTransfer-In-Bytes")),
            (
                "$0.02 per GB - US West (Oregon) data transfer to US East (Northern Virginia)",
                Some("AWS-Out-Bytes"),
            ),
            ("$0.00 per GB data transfer in to EU (Germany) from CloudFront", Some("CloudFront-In-Bytes")),
            (
                "$0.08 per GB-month of General Purpose (gp3) provisioned storage - US West (Oregon)",
                Some("EBS:VolumeUsage.gp3"),
            ),
            ("$0.023 per GB - first 50 TB / month of storage used", Some("TimedStorage-ByteHrs")),
            ("AWS Fargate - vCPU  - US West 2 (Oregon)", Some("Fargate-vCPU-Hours:perCPU")),
            ("$0.03 per GB-mo of log storage - US West (Oregon)", Some("TimedStorage-ByteHrs")),
            ("$0.000025 per state transition", None),
            ("USD 0.10 per hour per vCPU running RDS Extended Support for MySQL 5.7 in Year 1, Year 2", None),
            ("", None),
        ] {
            assert_eq!(usage_type(description).as_deref(), expected, "{description}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_description_is_read_or_not(text in ".{0,80}") {
            let _ = usage_type(&text);
        }
    }
}
