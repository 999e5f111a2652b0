//! Which resource a data point speaks of.
//!
//! CloudWatch publishes a metric many times over: by instance, by instance type, by group, for everything. A data point
//! belongs to one resource when it has the dimension that names the resource in its namespace, and else only dimensions
//! that say more of the same resource. All others are left out and counted: sums and means over resources would count
//! the same use twice.
//!
//! Rows of the ledger name a resource as the bill does, so that both meet without a look at the inventory.

use std::borrow::Cow;

/// Data points that speak of no single resource, by the reason for it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct LeftOut {
    /// The namespace is not one whose main dimension is known here.
    pub other_namespace: u64,
    /// The dimension that names the resource is not there: a figure over several resources.
    pub no_resource: u64,
    /// There are further dimensions: a part of the resource, such as one processor, table operation or function version.
    pub part_of_resource: u64,
}

impl LeftOut {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.other_namespace + self.no_resource + self.part_of_resource
    }

    /// Adds the counts of another batch.
    pub fn add(&mut self, other: Self) {
        self.other_namespace += other.other_namespace;
        self.no_resource += other.no_resource;
        self.part_of_resource += other.part_of_resource;
    }

    pub(crate) fn count(&mut self, why: Why) {
        match why {
            Why::OtherNamespace => self.other_namespace += 1,
            Why::NoResource => self.no_resource += 1,
            Why::PartOfResource => self.part_of_resource += 1,
        }
    }
}

/// Why a data point is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The namespace is not one whose main dimension is known here.
    OtherNamespace,
    /// The dimension that names the resource is not there.
    NoResource,
    /// There are further dimensions.
    PartOfResource,
}

/// How a namespace names its resources.
struct Rule {
    namespace: &'static str,
    /// The dimension that names the resource; with two, the name is both with a slash between them.
    main: &'static [&'static str],
    /// Dimensions that say more of the same resource.
    also: &'static [&'static str],
    billed: Billed,
}

/// How a bill names the resource of a name.
enum Billed {
    /// By the name itself.
    ByName,
    /// By the ARN `arn:<partition>:<service>:<region>:<account>:<kind><name>`.
    ByArn { service: &'static str, kind: &'static str },
}

const fn by_name(
    namespace: &'static str,
    main: &'static [&'static str],
    also: &'static [&'static str],
) -> Rule {
    Rule { namespace, main, also, billed: Billed::ByName }
}

const fn by_arn(
    namespace: &'static str,
    main: &'static [&'static str],
    also: &'static [&'static str],
    service: &'static str,
    kind: &'static str,
) -> Rule {
    Rule { namespace, main, also, billed: Billed::ByArn { service, kind } }
}

/// Sources: `docs/metric-streams.md`.
const RULES: &[Rule] = &[
    by_name("AWS/EC2", &["InstanceId"], &[]),
    by_name("AWS/EBS", &["VolumeId"], &[]),
    by_arn("AWS/Lambda", &["FunctionName"], &[], "lambda", "function:"),
    by_arn("AWS/RDS", &["DBInstanceIdentifier"], &[], "rds", "db:"),
    by_arn("AWS/DynamoDB", &["TableName"], &[], "dynamodb", "table/"),
    by_arn("AWS/ElastiCache", &["CacheClusterId"], &[], "elasticache", "cluster:"),
    by_arn("AWS/Redshift", &["ClusterIdentifier"], &[], "redshift", "cluster:"),
    by_arn("AWS/ES", &["DomainName"], &["ClientId"], "es", "domain/"),
    by_arn("AWS/DocDB", &["DBInstanceIdentifier"], &[], "rds", "db:"),
    by_arn("AWS/Neptune", &["DBInstanceIdentifier"], &[], "rds", "db:"),
    by_arn("AWS/ECS", &["ClusterName", "ServiceName"], &[], "ecs", "service/"),
    by_name("CWAgent", &["InstanceId"], &["ImageId", "InstanceType", "AutoScalingGroupName"]),
    by_name("ContainerInsights", &["InstanceId"], &["ClusterName", "NodeName"]),
    by_name("ECS/ContainerInsights", &["InstanceId"], &["ClusterName", "ContainerInstanceId"]),
    by_arn("/aws/sagemaker/TrainingJobs", &["Host"], &[], "sagemaker", "training-job/"),
    by_arn("/aws/sagemaker/ProcessingJobs", &["Host"], &[], "sagemaker", "processing-job/"),
    by_arn("/aws/sagemaker/TransformJobs", &["Host"], &[], "sagemaker", "transform-job/"),
    by_arn("/aws/sagemaker/Endpoints", &["EndpointName"], &[], "sagemaker", "endpoint/"),
];

/// Start of a region's code and its partition, where it is not `aws`.
const PARTITIONS: &[(&str, &str)] = &[
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
];

fn rule_of(namespace: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.namespace == namespace)
}

/// The name of the resource that a metric with these dimensions speaks of.
///
/// # Errors
/// Why it speaks of no single resource.
pub fn resource_of<'a>(
    namespace: &str,
    dimensions: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Cow<'a, str>, Why> {
    let rule = rule_of(namespace).ok_or(Why::OtherNamespace)?;
    let mut found = [""; 2];
    let mut further = false;
    for (name, value) in dimensions {
        if let Some(place) = rule.main.iter().position(|main| *main == name) {
            found[place] = value;
        } else if !rule.also.contains(&name) {
            further = true;
        }
    }
    if found[..rule.main.len()].contains(&"") {
        return Err(Why::NoResource);
    }
    if further {
        return Err(Why::PartOfResource);
    }
    Ok(match rule.main.len() {
        1 => Cow::Borrowed(found[0]),
        _ => Cow::Owned(format!("{}/{}", found[0], found[1])),
    })
}

/// How a bill (CUR, `lineItem/ResourceId`) names the resource that a metric with these dimensions speaks of: by its id,
/// or by its ARN, which follows from account, region and name.
///
/// # Errors
/// Why it speaks of no single resource.
pub fn billed_id<'a>(
    namespace: &str,
    account: &str,
    region: &str,
    dimensions: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Cow<'a, str>, Why> {
    let name = resource_of(namespace, dimensions)?;
    Ok(match billed_id_of_name(namespace, account, region, &name) {
        Cow::Owned(arn) => Cow::Owned(arn),
        Cow::Borrowed(_) => name,
    })
}

/// As [`billed_id`], of a name that [`resource_of`] gave. The name of another namespace stays as it is.
pub fn billed_id_of_name<'a>(namespace: &str, account: &str, region: &str, name: &'a str) -> Cow<'a, str> {
    match rule_of(namespace).map(|rule| &rule.billed) {
        Some(Billed::ByArn { service, kind }) => {
            let partition = partition_of(region);
            Cow::Owned(format!("arn:{partition}:{service}:{region}:{account}:{kind}{name}"))
        }
        Some(Billed::ByName) | None => Cow::Borrowed(name),
    }
}

/// The partition that stands in the ARNs of a region.
pub fn partition_of(region: &str) -> &'static str {
    let known = PARTITIONS.iter().find(|(start, _)| region.starts_with(start));
    known.map_or("aws", |(_, partition)| partition)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(namespace: &str, dimensions: &[(&'static str, &'static str)]) -> Result<String, Why> {
        resource_of(namespace, dimensions.iter().copied()).map(Cow::into_owned)
    }

    #[test]
    fn only_a_single_resource_has_an_id() {
        let instance = ("InstanceId", "i-1");
        assert_eq!(resource("AWS/EC2", &[instance]), Ok("i-1".to_owned()));
        assert_eq!(resource("AWS/EC2", &[("InstanceType", "m5.large")]), Err(Why::NoResource));
        assert_eq!(resource("AWS/EC2", &[]), Err(Why::NoResource));
        assert_eq!(resource("AWS/EC2", &[instance, ("Core", "1")]), Err(Why::PartOfResource));
        assert_eq!(resource("My/App", &[instance]), Err(Why::OtherNamespace));
        let node = [("NodeId", "0001"), ("CacheClusterId", "c")];
        assert_eq!(resource("AWS/ElastiCache", &node), Err(Why::PartOfResource));
    }

    #[test]
    fn what_says_more_of_the_same_resource_does_no_harm_in_any_order() {
        let domain = [("ClientId", "123456789012"), ("DomainName", "logs")];
        assert_eq!(resource("AWS/ES", &domain), Ok("logs".to_owned()));
        let agent = [("AutoScalingGroupName", "g"), ("ImageId", "ami"), ("InstanceId", "i-1")];
        assert_eq!(resource("CWAgent", &agent), Ok("i-1".to_owned()));
    }

    #[test]
    fn a_service_is_named_by_cluster_and_service() {
        let service = ("ServiceName", "web");
        assert_eq!(resource("AWS/ECS", &[service, ("ClusterName", "c")]), Ok("c/web".to_owned()));
        assert_eq!(resource("AWS/ECS", &[("ClusterName", "c")]), Err(Why::NoResource));
    }

    /// Formats: the Service Authorization Reference, as linked in `docs/metric-streams.md`.
    #[test]
    fn bills_name_instances_and_volumes_by_id_and_others_by_arn() {
        let billed = |namespace, region, dimensions: &[(&'static str, &'static str)]| {
            billed_id(namespace, "123456789012", region, dimensions.iter().copied()).map(Cow::into_owned)
        };
        let cases = [
            ("AWS/EC2", "eu-west-1", "InstanceId", "i-1", "i-1"),
            ("CWAgent", "eu-west-1", "InstanceId", "i-1", "i-1"),
            ("AWS/EBS", "cn-north-1", "VolumeId", "vol-1", "vol-1"),
            (
                "AWS/Lambda",
                "eu-west-1",
                "FunctionName",
                "f",
                "arn:aws:lambda:eu-west-1:123456789012:function:f",
            ),
            (
                "AWS/DynamoDB",
                "cn-north-1",
                "TableName",
                "t",
                "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/t",
            ),
            (
                "AWS/RDS",
                "us-gov-west-1",
                "DBInstanceIdentifier",
                "d",
                "arn:aws-us-gov:rds:us-gov-west-1:123456789012:db:d",
            ),
            (
                "AWS/DocDB",
                "eu-west-1",
                "DBInstanceIdentifier",
                "d",
                "arn:aws:rds:eu-west-1:123456789012:db:d",
            ),
            (
                "AWS/Neptune",
                "eu-west-1",
                "DBInstanceIdentifier",
                "d",
                "arn:aws:rds:eu-west-1:123456789012:db:d",
            ),
            (
                "AWS/ElastiCache",
                "us-isob-east-1",
                "CacheClusterId",
                "c-001",
                "arn:aws-iso-b:elasticache:us-isob-east-1:123456789012:cluster:c-001",
            ),
            (
                "AWS/Redshift",
                "us-iso-east-1",
                "ClusterIdentifier",
                "c",
                "arn:aws-iso:redshift:us-iso-east-1:123456789012:cluster:c",
            ),
            ("AWS/ES", "eu-west-1", "DomainName", "d", "arn:aws:es:eu-west-1:123456789012:domain/d"),
            (
                "/aws/sagemaker/Endpoints",
                "eusc-de-east-1",
                "EndpointName",
                "e",
                "arn:aws-eusc:sagemaker:eusc-de-east-1:123456789012:endpoint/e",
            ),
        ];
        for (namespace, region, dimension, name, expected) in cases {
            assert_eq!(billed(namespace, region, &[(dimension, name)]), Ok(expected.to_owned()));
        }
        let service = [("ServiceName", "web"), ("ClusterName", "c")];
        let expected = "arn:aws:ecs:eu-west-1:123456789012:service/c/web".to_owned();
        assert_eq!(billed("AWS/ECS", "eu-west-1", &service), Ok(expected));
        assert_eq!(billed("AWS/ECS", "eu-west-1", &service[..1]), Err(Why::NoResource));
        assert_eq!(billed_id_of_name("My/App", "123456789012", "eu-west-1", "x"), "x");
    }

    #[test]
    fn no_namespace_stands_twice_and_ids_have_at_most_two_parts() {
        for (place, rule) in RULES.iter().enumerate() {
            assert!(
                RULES[..place].iter().all(|other| other.namespace != rule.namespace),
                "{}",
                rule.namespace
            );
            assert!((1..=2).contains(&rule.main.len()), "{}", rule.namespace);
        }
    }
}
