//! Partitions of AWS: which one a region is in, and where its services answer.
//!
//! Source: the SDKs' own table, which is the same in all of them, in botocore at
//! <https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json>; see also
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.

/// A partition.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    /// What its region codes begin with.
    prefix: &'static str,
    /// As ARNs spell it.
    pub(crate) name: &'static str,
    /// What the names of its hosts end with.
    pub(crate) dns_suffix: &'static str,
    /// The same of hosts that have addresses of both families.
    pub(crate) dual_stack_dns_suffix: &'static str,
}

const fn partition(
    prefix: &'static str,
    name: &'static str,
    dns_suffix: &'static str,
    dual_stack_dns_suffix: &'static str,
) -> Partition {
    Partition { prefix, name, dns_suffix, dual_stack_dns_suffix }
}

/// The last one takes every region that no other does: AWS's own go on growing.
const PARTITIONS: [Partition; 8] = [
    partition("cn-", "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    partition("eu-isoe-", "aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    partition("eusc-", "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"),
    partition("us-gov-", "aws-us-gov", "amazonaws.com", "api.aws"),
    partition("us-iso-", "aws-iso", "c2s.ic.gov", "api.aws.ic.gov"),
    partition("us-isob-", "aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud"),
    partition("us-isof-", "aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    AWS,
];

const AWS: Partition = partition("", "aws", "amazonaws.com", "api.aws");

impl Partition {
    /// The one that a region is in.
    pub(crate) fn of(region: &str) -> &'static Self {
        PARTITIONS.iter().find(|partition| region.starts_with(partition.prefix)).unwrap_or(&AWS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_follow_from_regions() {
        for (region, name) in [
            ("eu-west-1", "aws"),
            ("mx-central-1", "aws"),
            ("cn-northwest-1", "aws-cn"),
            ("eusc-de-east-1", "aws-eusc"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eu-isoe-west-1", "aws-iso-e"),
        ] {
            assert_eq!(Partition::of(region).name, name, "{region}");
        }
    }
}
