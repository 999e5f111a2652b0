//! Which resource a data point speaks of.
//!
//! CloudWatch publishes a metric many times over: by instance, by instance type, by group, for everything. A data point
//! belongs to one resource when it has the dimension that names the resource in its namespace, and else only dimensions
//! that say more of the same resource. All others are left out and counted: sums and means over resources would count
//! the same use twice.

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
pub(crate) enum Why {
    OtherNamespace,
    NoResource,
    PartOfResource,
}

/// How a namespace names its resources.
struct Rule {
    namespace: &'static str,
    /// The dimension that names the resource; with two, the id is both with a slash between them.
    main: &'static [&'static str],
    /// Dimensions that say more of the same resource.
    also: &'static [&'static str],
}

const fn rule(namespace: &'static str, main: &'static [&'static str], also: &'static [&'static str]) -> Rule {
    Rule { namespace, main, also }
}

/// Sources: `docs/metric-streams.md`.
const RULES: &[Rule] = &[
    rule("AWS/EC2", &["InstanceId"], &[]),
    rule("AWS/EBS", &["VolumeId"], &[]),
    rule("AWS/Lambda", &["FunctionName"], &[]),
    rule("AWS/RDS", &["DBInstanceIdentifier"], &[]),
    rule("AWS/DynamoDB", &["TableName"], &[]),
    rule("AWS/ElastiCache", &["CacheClusterId"], &[]),
    rule("AWS/Redshift", &["ClusterIdentifier"], &[]),
    rule("AWS/ES", &["DomainName"], &["ClientId"]),
    rule("AWS/DocDB", &["DBInstanceIdentifier"], &[]),
    rule("AWS/Neptune", &["DBInstanceIdentifier"], &[]),
    rule("AWS/ECS", &["ClusterName", "ServiceName"], &[]),
    rule("CWAgent", &["InstanceId"], &["ImageId", "InstanceType", "AutoScalingGroupName"]),
    rule("ContainerInsights", &["InstanceId"], &["ClusterName", "NodeName"]),
    rule("ECS/ContainerInsights", &["InstanceId"], &["ClusterName", "ContainerInstanceId"]),
    rule("/aws/sagemaker/TrainingJobs", &["Host"], &[]),
    rule("/aws/sagemaker/ProcessingJobs", &["Host"], &[]),
    rule("/aws/sagemaker/TransformJobs", &["Host"], &[]),
    rule("/aws/sagemaker/Endpoints", &["EndpointName"], &[]),
];

/// The id of the resource that a data point speaks of.
pub(crate) fn resource_of<'a>(
    namespace: &str,
    dimensions: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Cow<'a, str>, Why> {
    let rule = RULES.iter().find(|rule| rule.namespace == namespace).ok_or(Why::OtherNamespace)?;
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
