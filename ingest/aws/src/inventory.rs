//! Resources of an account and region: by tag, and by the services' own lists.
//!
//! What is told of a resource is what an estimate may need and what changes only when somebody changes it: no states,
//! no addresses, no zone of a database that fails over by itself.

mod aggregator;

use std::{collections::BTreeMap, fmt::Display};

use airshed_collect::{
    Scope,
    cloud::{Answer, Page, ResourceEntry, ServiceList, Tags},
};
use aws_sdk_ec2::types::{CpuOptions, Filter, Instance, Reservation, Volume};
use aws_sdk_lambda::types::{EphemeralStorage, FunctionConfiguration};
use aws_sdk_rds::types::DbInstance;

pub(crate) use self::aggregator::aggregated_resources;
use crate::{
    call::{Caller, Place, next_page, odd},
    clients::{Clients, at},
    resource_type::{partition, resource_type},
};

/// Resources on a page. Sources: the API references of GetResources (at most 100), DescribeInstances and
/// DescribeVolumes (at most 1000 and 500; larger pages time out more easily), DescribeDBInstances, ListTables (100).
const TAGGED_A_PAGE: i32 = 100;
const EC2_A_PAGE: i32 = 500;
const RDS_A_PAGE: i32 = 100;
const DYNAMODB_A_PAGE: i32 = 100;

/// States of instances that exist: terminated ones are listed for about another hour.
const INSTANCE_STATES: [&str; 5] = ["pending", "running", "shutting-down", "stopping", "stopped"];

pub(crate) async fn tagged_resources(
    clients: &Clients,
    caller: &Caller,
    place: &Place,
    next: Option<&str>,
) -> Answer<Page<ResourceEntry>> {
    const CALL: &str = "GetResources";
    let request = clients
        .tagging
        .get_resources()
        .resources_per_page(TAGGED_A_PAGE)
        .set_pagination_token(next.map(str::to_owned))
        .customize();
    let answer = caller
        .call(CALL, place, |credentials| {
            request.config_override(at!(aws_sdk_resourcegroupstagging, place, credentials)).send()
        })
        .await?;
    let next = next_page(answer.pagination_token());
    let found = answer.resource_tag_mapping_list.unwrap_or_default().into_iter().map(|mapping| {
        let arn = mapping.resource_arn.ok_or_else(|| odd(CALL, place, "a resource without an ARN"))?;
        let tags = mapping.tags.unwrap_or_default().into_iter();
        Ok(ResourceEntry {
            resource_type: resource_type(&arn).ok_or_else(|| odd(CALL, place, &arn))?,
            arn,
            tags: Some(tags.map(|tag| (tag.key, tag.value)).collect()),
            configuration: BTreeMap::new(),
        })
    });
    Ok(Page { items: found.collect::<Answer<_>>()?, next })
}

pub(crate) async fn listed_resources(
    clients: &Clients,
    caller: &Caller,
    place: &Place,
    (scope, list): (&Scope, ServiceList),
    next: Option<&str>,
) -> Answer<Page<ResourceEntry>> {
    match list {
        ServiceList::Ec2Instances => instances(clients, caller, place, scope, next).await,
        ServiceList::Ec2Volumes => volumes(clients, caller, place, scope, next).await,
        ServiceList::RdsInstances => databases(clients, caller, place, next).await,
        ServiceList::LambdaFunctions => functions(clients, caller, place, next).await,
        ServiceList::DynamoDbTables => tables(clients, caller, place, scope, next).await,
    }
}

async fn instances(
    clients: &Clients,
    caller: &Caller,
    place: &Place,
    scope: &Scope,
    next: Option<&str>,
) -> Answer<Page<ResourceEntry>> {
    const CALL: &str = "DescribeInstances";
    let states = INSTANCE_STATES.map(str::to_owned).to_vec();
    let request = clients
        .ec2
        .describe_instances()
        .filters(Filter::builder().name("instance-state-name").set_values(Some(states)).build())
        .max_results(EC2_A_PAGE)
        .set_next_token(next.map(str::to_owned))
        .customize();
    let answer = caller
        .call(CALL, place, |credentials| request.config_override(at!(aws_sdk_ec2, place, credentials)).send())
        .await?;
    let next = next_page(answer.next_token());
    let instances = answer.reservations().iter().flat_map(Reservation::instances);
    let items = instances.map(|instance| {
        let entry = instance_entry(instance, scope);
        entry.ok_or_else(|| odd(CALL, place, "an instance without an id"))
    });
    Ok(Page { items: items.collect::<Answer<_>>()?, next })
}

fn instance_entry(instance: &Instance, scope: &Scope) -> Option<ResourceEntry> {
    let placement = instance.placement();
    let cpu = instance.cpu_options();
    Some(ResourceEntry {
        resource_type: "AWS::EC2::Instance".into(),
        arn: arn(scope, "ec2", format_args!("instance/{}", instance.instance_id()?)),
        tags: Some(ec2_tags(instance.tags())),
        configuration: configuration([
            ("architecture", text(instance.architecture())),
            ("availability_zone", text(placement.and_then(|placement| placement.availability_zone()))),
            ("cpu_cores", text(cpu.and_then(CpuOptions::core_count))),
            ("cpu_threads_per_core", text(cpu.and_then(CpuOptions::threads_per_core))),
            ("instance_type", text(instance.instance_type())),
            ("lifecycle", text(instance.instance_lifecycle())),
            ("platform", text(instance.platform_details())),
            ("tenancy", text(placement.and_then(|placement| placement.tenancy()))),
        ]),
    })
}

async fn volumes(
    clients: &Clients,
    caller: &Caller,
    place: &Place,
    scope: &Scope,
    next: Option<&str>,
) -> Answer<Page<ResourceEntry>> {
    const CALL: &str = "DescribeVolumes";
    let request = clients
        .ec2
        .describe_volumes()
        .max_results(EC2_A_PAGE)
        .set_next_token(next.map(str::to_owned))
        .customize();
    let answer = caller
        .call(CALL, place, |credentials| request.config_override(at!(aws_sdk_ec2, place, credentials)).send())
        .await?;
    let next = next_page(answer.next_token());
    let items = answer
        .volumes()
        .iter()
        .map(|volume| volume_entry(volume, scope).ok_or_else(|| odd(CALL, place, "a volume without an id")));
    Ok(Page { items: items.collect::<Answer<_>>()?, next })
}

fn volume_entry(volume: &Volume, scope: &Scope) -> Option<ResourceEntry> {
    Some(ResourceEntry {
        resource_type: "AWS::EC2::Volume".into(),
        arn: arn(scope, "ec2", format_args!("volume/{}", volume.volume_id()?)),
        tags: Some(ec2_tags(volume.tags())),
        configuration: configuration([
            ("availability_zone", text(volume.availability_zone())),
            ("iops", text(volume.iops())),
            ("size_gib", text(volume.size())),
            ("throughput_mib_per_s", text(volume.throughput())),
            ("volume_type", text(volume.volume_type())),
        ]),
    })
}

fn ec2_tags(tags: &[aws_sdk_ec2::types::Tag]) -> Tags {
    let pair = |tag: &aws_sdk_ec2::types::Tag| {
        Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))
    };
    tags.iter().filter_map(pair).collect()
}

async fn databases(
    clients: &Clients,
    caller: &Caller,
    place: &Place,
    next: Option<&str>,
) -> Answer<Page<ResourceEntry>> {
    const CALL: &str = "DescribeDBInstances";
    let request = clients
        .rds
        .describe_db_instances()
        .max_records(RDS_A_PAGE)
        .set_marker(next.map(str::to_owned))
        .customize();
    let answer = caller
        .call(CALL, place, |credentials| request.config_override(at!(aws_sdk_rds, place, credentials)).send())
        .await?;
    let next = next_page(answer.marker());
    let items = answer.db_instances().iter().map(|database| {
        database_entry(database).ok_or_else(|| odd(CALL, place, "a database without an ARN"))
    });
    Ok(Page { items: items.collect::<Answer<_>>()?, next })
}

fn database_entry(database: &DbInstance) -> Option<ResourceEntry> {
    let pair = |tag: &aws_sdk_rds::types::Tag| {
        Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))
    };
    Some(ResourceEntry {
        resource_type: "AWS::RDS::DBInstance".into(),
        arn: database.db_instance_arn()?.to_owned(),
        tags: Some(database.tag_list().iter().filter_map(pair).collect()),
        configuration: configuration([
            ("cluster", text(database.db_cluster_identifier())),
            ("engine", text(database.engine())),
            ("instance_type", text(database.db_instance_class())),
            ("iops", text(database.iops())),
            ("multi_az", text(database.multi_az())),
            ("size_gib", text(database.allocated_storage())),
            ("storage_type", text(database.storage_type())),
        ]),
    })
}

async fn functions(
    clients: &Clients,
    caller: &Caller,
    place: &Place,
    next: Option<&str>,
) -> Answer<Page<ResourceEntry>> {
    const CALL: &str = "ListFunctions";
    let request = clients.lambda.list_functions().set_marker(next.map(str::to_owned)).customize();
    let answer = caller
        .call(CALL, place, |credentials| {
            request.config_override(at!(aws_sdk_lambda, place, credentials)).send()
        })
        .await?;
    let next = next_page(answer.next_marker());
    let items = answer.functions().iter().map(|function| {
        function_entry(function).ok_or_else(|| odd(CALL, place, "a function without an ARN"))
    });
    Ok(Page { items: items.collect::<Answer<_>>()?, next })
}

fn function_entry(function: &FunctionConfiguration) -> Option<ResourceEntry> {
    let storage = function.ephemeral_storage().map(EphemeralStorage::size);
    Some(ResourceEntry {
        resource_type: "AWS::Lambda::Function".into(),
        arn: function.function_arn()?.to_owned(),
        tags: None,
        configuration: configuration([
            ("architecture", text(function.architectures().first())),
            ("ephemeral_storage_mib", text(storage)),
            ("memory_mib", text(function.memory_size())),
            ("package_type", text(function.package_type())),
            ("runtime", text(function.runtime())),
        ]),
    })
}

async fn tables(
    clients: &Clients,
    caller: &Caller,
    place: &Place,
    scope: &Scope,
    next: Option<&str>,
) -> Answer<Page<ResourceEntry>> {
    let request = clients
        .dynamodb
        .list_tables()
        .limit(DYNAMODB_A_PAGE)
        .set_exclusive_start_table_name(next.map(str::to_owned))
        .customize();
    let answer = caller
        .call("ListTables", place, |credentials| {
            request.config_override(at!(aws_sdk_dynamodb, place, credentials)).send()
        })
        .await?;
    let entry = |name: &String| ResourceEntry {
        resource_type: "AWS::DynamoDB::Table".into(),
        arn: arn(scope, "dynamodb", format_args!("table/{name}")),
        tags: None,
        configuration: BTreeMap::new(),
    };
    Ok(Page {
        items: answer.table_names().iter().map(entry).collect(),
        next: next_page(answer.last_evaluated_table_name()),
    })
}

fn arn(Scope { account, region }: &Scope, service: &str, resource: impl Display) -> String {
    format!("arn:{}:{service}:{region}:{account}:{resource}", partition(region))
}

fn text(value: Option<impl ToString>) -> Option<String> {
    value.map(|value| value.to_string())
}

fn configuration<const N: usize>(values: [(&str, Option<String>); N]) -> BTreeMap<String, String> {
    let told = values.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    told.filter(|(_, value)| !value.is_empty()).collect()
}

#[cfg(test)]
mod tests;
