//! Resources of an account and region: by tag, by the services' own [`lists`](crate::lists), and by an aggregator.

mod aggregator;

use std::collections::BTreeMap;

use airshed_collect::{
    Scope,
    cloud::{Answer, Page, ResourceEntry, ServiceList},
};

pub(crate) use self::aggregator::aggregated_resources;
use crate::{
    call::{Caller, Place, next_page, odd},
    clients::{Clients, at},
    lists::{Databases, Functions, Instances, Tables, Volumes},
    resource_type::resource_type,
};

/// Most resources that a page of GetResources may hold.
const A_PAGE: i32 = 100;

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
        .resources_per_page(A_PAGE)
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
    let lists = &clients.lists;
    match list {
        ServiceList::Ec2Instances => lists.page::<Instances>(caller, place, scope, next).await,
        ServiceList::Ec2Volumes => lists.page::<Volumes>(caller, place, scope, next).await,
        ServiceList::RdsInstances => lists.page::<Databases>(caller, place, scope, next).await,
        ServiceList::LambdaFunctions => lists.page::<Functions>(caller, place, scope, next).await,
        ServiceList::DynamoDbTables => lists.page::<Tables>(caller, place, scope, next).await,
    }
}
