//! What a source tells of a resource, as the table writes it.

use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128};

use crate::{
    cloud::{ResourceEntry, Scope, ServiceList},
    error::{Error, Result},
};

/// Bits of an identity that are kept; the rest of its 16 bytes are marks.
pub(super) const KEY_SHIFT: u32 = 16;
/// Tags of a resource that has none.
pub(super) const NO_TAGS: &str = "{}";
const GLOBAL: &str = "global";

/// A resource in the words of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) arn: String,
    pub(super) resource_type: String,
    /// A JSON object.
    pub(super) tags: Option<String>,
    /// A JSON object; nothing where the source tells nothing.
    pub(super) configuration: Option<String>,
}

impl Told {
    pub(super) fn of(entry: ResourceEntry) -> Result<Self> {
        let json = |map| serde_json::to_string(map).map_err(|e| Error::bug("a map is not JSON").caused_by(e));
        let configuration = (!entry.configuration.is_empty()).then_some(&entry.configuration);
        Ok(Self {
            tags: entry.tags.as_ref().map(json).transpose()?,
            configuration: configuration.map(json).transpose()?,
            arn: entry.arn,
            resource_type: entry.resource_type,
        })
    }
}

/// The identity of a resource: 112 bits of the hash of its ARN.
pub(super) fn key_of(arn: &str) -> u128 {
    xxh3_128(arn.as_bytes()) >> KEY_SHIFT
}

/// The content of a version that the tags are.
pub(super) fn hash_of_tags(tags: Option<&str>) -> u64 {
    tags.map_or(0, |tags| xxh3_64(tags.as_bytes()))
}

/// The rest of its content.
pub(super) fn hash_of_rest(resource_type: &str, configuration: Option<&str>) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(resource_type.as_bytes());
    if let Some(configuration) = configuration {
        hash.update(&[0]);
        hash.update(configuration.as_bytes());
    }
    hash.digest()
}

/// The place in [`ServiceList::ALL`] of the list that tells of a type.
pub(super) fn list_of(resource_type: &str) -> Option<usize> {
    let list = match resource_type {
        "AWS::EC2::Instance" => ServiceList::Ec2Instances,
        "AWS::EC2::Volume" => ServiceList::Ec2Volumes,
        "AWS::RDS::DBInstance" => ServiceList::RdsInstances,
        "AWS::Lambda::Function" => ServiceList::LambdaFunctions,
        "AWS::DynamoDB::Table" => ServiceList::DynamoDbTables,
        _ => return None,
    };
    ServiceList::ALL.iter().position(|one| *one == list)
}

/// The resource as bills name it: the id of an instance or volume, else the ARN.
pub(super) fn resource_id(arn: &str) -> &str {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (Some("ec2"), Some(resource)) = (parts.next(), parts.nth(2)) else { return arn };
    resource.strip_prefix("instance/").or_else(|| resource.strip_prefix("volume/")).unwrap_or(arn)
}

/// The region of a resource that was found in `scope`. Buckets have a region, though their ARNs do not name it.
pub(super) fn region_of<'a>(arn: &str, scope: &'a Scope) -> &'a str {
    let mut parts = arn.splitn(6, ':').skip(2);
    match (parts.next(), parts.next()) {
        (Some(service), Some("")) if service != "s3" => GLOBAL,
        _ => &scope.region,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand_in::Kind;

    #[test]
    fn resources_are_named_as_bills_name_them() {
        let cases = [
            ("arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc", "i-0abc"),
            ("arn:aws-cn:ec2:cn-north-1:111122223333:volume/vol-0abc", "vol-0abc"),
            ("arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-1", "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-1"),
            ("arn:aws:s3:::bucket", "arn:aws:s3:::bucket"),
            (
                "arn:aws:rds:eu-west-1:111122223333:db:instance/x",
                "arn:aws:rds:eu-west-1:111122223333:db:instance/x",
            ),
            ("not an arn", "not an arn"),
        ];
        for (arn, id) in cases {
            assert_eq!(resource_id(arn), id);
        }
    }

    #[test]
    fn only_services_without_regions_are_global() {
        let scope = Scope { account: "111122223333".to_owned(), region: "us-east-1".to_owned() };
        assert_eq!(region_of("arn:aws:cloudfront::111122223333:distribution/E1", &scope), "global");
        assert_eq!(region_of("arn:aws:s3:::bucket", &scope), "us-east-1");
        assert_eq!(region_of("arn:aws:sqs:us-east-1:111122223333:q", &scope), "us-east-1");
    }

    #[test]
    fn each_list_has_the_type_that_it_lists() {
        for kind in Kind::MIX {
            let list = list_of(kind.resource_type()).map(|place| ServiceList::ALL[place]);
            assert_eq!(list, kind.list());
        }
    }

    #[test]
    fn content_is_told_apart_from_no_content() {
        assert_ne!(hash_of_tags(None), hash_of_tags(Some(NO_TAGS)));
        assert_ne!(hash_of_rest("a", None), hash_of_rest("a", Some("")));
        assert_ne!(hash_of_rest("a", Some("b")), hash_of_rest("ab", None));
    }
}
