//! Resources as an AWS Config aggregator knows them: one query an account and region.
//!
//! The query language and the shape of the answers:
//! <https://docs.aws.amazon.com/config/latest/developerguide/querying-AWS-resources.html>. Below `configuration` stands
//! what the service's own describe call says, with names that begin with a small letter.

use std::collections::BTreeMap;

use airshed_collect::{
    Scope,
    cloud::{Answer, Page, ResourceEntry, Tags},
};
use serde_json::Value;

use crate::{
    call::{Caller, Place, next_page, odd},
    clients::{Clients, at},
    resource_type::type_from_config,
};

const CALL: &str = "SelectAggregateResourceConfig";

/// Most results that a page may hold.
const A_PAGE: i32 = 100;

/// What is told of the types whose resources the services' own lists tell of as well, under the same names.
/// Type, name, path below `configuration`.
const CONFIGURATION: [(&str, &str, &str); 25] = [
    ("AWS::EC2::Instance", "architecture", "architecture"),
    ("AWS::EC2::Instance", "availability_zone", "placement.availabilityZone"),
    ("AWS::EC2::Instance", "cpu_cores", "cpuOptions.coreCount"),
    ("AWS::EC2::Instance", "cpu_threads_per_core", "cpuOptions.threadsPerCore"),
    ("AWS::EC2::Instance", "instance_type", "instanceType"),
    ("AWS::EC2::Instance", "lifecycle", "instanceLifecycle"),
    ("AWS::EC2::Instance", "platform", "platformDetails"),
    ("AWS::EC2::Instance", "tenancy", "placement.tenancy"),
    ("AWS::EC2::Volume", "availability_zone", "availabilityZone"),
    ("AWS::EC2::Volume", "iops", "iops"),
    ("AWS::EC2::Volume", "size_gib", "size"),
    ("AWS::EC2::Volume", "throughput_mib_per_s", "throughput"),
    ("AWS::EC2::Volume", "volume_type", "volumeType"),
    ("AWS::RDS::DBInstance", "cluster", "dBClusterIdentifier"),
    ("AWS::RDS::DBInstance", "engine", "engine"),
    ("AWS::RDS::DBInstance", "instance_type", "dBInstanceClass"),
    ("AWS::RDS::DBInstance", "iops", "iops"),
    ("AWS::RDS::DBInstance", "multi_az", "multiAZ"),
    ("AWS::RDS::DBInstance", "size_gib", "allocatedStorage"),
    ("AWS::RDS::DBInstance", "storage_type", "storageType"),
    ("AWS::Lambda::Function", "architecture", "architectures"),
    ("AWS::Lambda::Function", "ephemeral_storage_mib", "ephemeralStorage.size"),
    ("AWS::Lambda::Function", "memory_mib", "memorySize"),
    ("AWS::Lambda::Function", "package_type", "packageType"),
    ("AWS::Lambda::Function", "runtime", "runtime"),
];

pub(crate) async fn aggregated_resources(
    clients: &Clients,
    caller: &Caller,
    place: &Place,
    (aggregator, scope): (&str, &Scope),
    next: Option<&str>,
) -> Answer<Page<ResourceEntry>> {
    let query = query(scope).ok_or_else(|| odd(CALL, place, "no account and region to ask for"))?;
    let request = clients
        .config
        .select_aggregate_resource_config()
        .configuration_aggregator_name(aggregator)
        .expression(query)
        .max_results(A_PAGE)
        .set_next_token(next.map(str::to_owned))
        .customize();
    let answer = caller
        .call(CALL, place, |credentials| {
            request.config_override(at!(aws_sdk_config, place, credentials)).send()
        })
        .await?;
    let next = next_page(answer.next_token());
    let items = answer
        .results()
        .iter()
        .map(|result| entry(result).ok_or_else(|| odd(CALL, place, "a resource without type or id")));
    Ok(Page { items: items.collect::<Answer<_>>()?, next })
}

/// The query; none where account or region hold what would end their quotes.
fn query(Scope { account, region }: &Scope) -> Option<String> {
    let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let mut paths: Vec<&str> = CONFIGURATION.iter().map(|(_, _, path)| *path).collect();
    paths.sort_unstable();
    paths.dedup();
    let paths = paths.join(", configuration.");
    (is_plain(account) && is_plain(region)).then(|| {
        format!(
            "SELECT resourceType, resourceId, arn, tags, configuration.{paths} WHERE accountId = '{account}' AND awsRegion = '{region}'"
        )
    })
}

/// A resource. Where Config knows no ARN, its id stands for it.
fn entry(result: &str) -> Option<ResourceEntry> {
    let result: Value = serde_json::from_str(result).ok()?;
    let resource_type = result["resourceType"].as_str()?;
    let arn = result["arn"].as_str().or_else(|| result["resourceId"].as_str())?;
    let told =
        CONFIGURATION.iter().filter(|(of, _, _)| *of == resource_type).filter_map(|(_, name, path)| {
            let value = path.split('.').fold(&result["configuration"], |value, name| &value[name]);
            Some(((*name).to_owned(), text(value)?))
        });
    Some(ResourceEntry {
        arn: arn.to_owned(),
        tags: result["tags"].as_array().map(|pairs| tags(pairs)),
        configuration: told.collect::<BTreeMap<_, _>>(),
        resource_type: type_from_config(resource_type).to_owned(),
    })
}

fn tags(pairs: &[Value]) -> Tags {
    let pair = |tag: &Value| {
        Some((tag["key"].as_str()?.to_owned(), tag["value"].as_str().unwrap_or_default().to_owned()))
    };
    pairs.iter().filter_map(pair).collect()
}

/// A value; the first one of a list.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Array(values) => values.first().and_then(text),
        Value::Null | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_names_one_account_and_region() {
        let scope = |account: &str| Scope { account: account.into(), region: "eu-west-1".into() };
        let query = |account| super::query(&scope(account));
        let text = query("111122223333").unwrap();
        assert!(
            text.starts_with("SELECT resourceType, resourceId, arn, tags, configuration.allocatedStorage")
        );
        assert!(text.ends_with(" WHERE accountId = '111122223333' AND awsRegion = 'eu-west-1'"));
        assert_eq!(text.matches("configuration.iops").count(), 1);
        // The limit of an expression is 4,096 characters.
        assert!(text.len() < 4096);
        assert_eq!(query("1' OR accountId = '2"), None);
    }

    /// The shape is that of the example results in the developer guide.
    #[test]
    fn answers_become_the_same_words_as_the_services_own_lists() {
        let instance = entry(
            r#"{"resourceId":"i-1","resourceType":"AWS::EC2::Instance","arn":"arn:aws:ec2:eu-west-1:1:instance/i-1",
                "tags":[{"tag":"team=web","key":"team","value":"web"}],
                "configuration":{"instanceType":"m5.large","architecture":"x86_64","iops":3,
                                 "placement":{"tenancy":"default"},"cpuOptions":{"coreCount":1}}}"#,
        )
        .unwrap();
        let told: Vec<_> = instance.configuration.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(
            told,
            [
                ("architecture", "x86_64"),
                ("cpu_cores", "1"),
                ("instance_type", "m5.large"),
                ("tenancy", "default")
            ]
        );
        assert_eq!(instance.tags.unwrap()["team"], "web");

        let function = r#"{"resourceId":"f","resourceType":"AWS::Lambda::Function",
                           "configuration":{"memorySize":512,"architectures":["arm64"]}}"#;
        let function = entry(function).unwrap();
        assert_eq!((function.arn.as_str(), function.tags), ("f", None));
        assert_eq!(function.configuration["memory_mib"], "512");
        assert_eq!(function.configuration["architecture"], "arm64");

        let domain = r#"{"resourceId":"d","resourceType":"AWS::Elasticsearch::Domain","arn":"arn:d"}"#;
        assert_eq!(entry(domain).unwrap().resource_type, "AWS::OpenSearchService::Domain");
        assert_eq!(entry(r#"{"resourceId":"d"}"#), None);
        assert_eq!(entry("not json"), None);
    }
}
