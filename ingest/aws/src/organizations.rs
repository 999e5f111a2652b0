//! Organizations and Account Management: accounts, units, tags, regions.
//!
//! Organizations answers in one region of a partition; the SDK finds it from any region.

use airshed_collect::cloud::{AccountEntry, Answer, Organization, OrganizationalUnit, Page};
use aws_sdk_account::types::RegionOptStatus;
use aws_sdk_organizations::types::Account;

use crate::{
    call::{Caller, Place, next_page, odd, timestamp},
    clients::{Clients, at},
};

/// Most regions that a page of ListRegions may hold.
const REGIONS_A_PAGE: i32 = 50;

pub(crate) async fn organization(clients: &Clients, caller: &Caller, place: &Place) -> Answer<Organization> {
    const CALL: &str = "DescribeOrganization";
    let request = clients.organizations.describe_organization().customize();
    let answer = caller
        .call(CALL, place, |credentials| {
            request.config_override(at!(aws_sdk_organizations, place, credentials)).send()
        })
        .await?;
    let organization = answer.organization.ok_or_else(|| odd(CALL, place, "no organisation"))?;
    Ok(Organization {
        id: organization.id.ok_or_else(|| odd(CALL, place, "no id"))?,
        management_account: organization
            .master_account_id
            .ok_or_else(|| odd(CALL, place, "no management account"))?,
    })
}

pub(crate) async fn accounts(
    clients: &Clients,
    caller: &Caller,
    place: &Place,
    next: Option<&str>,
) -> Answer<Page<AccountEntry>> {
    const CALL: &str = "ListAccounts";
    let request = clients.organizations.list_accounts().set_next_token(next.map(str::to_owned)).customize();
    let answer = caller
        .call(CALL, place, |credentials| {
            request.config_override(at!(aws_sdk_organizations, place, credentials)).send()
        })
        .await?;
    let next = next_page(answer.next_token());
    let entries = answer.accounts.unwrap_or_default().into_iter().map(|account| {
        let status = status(&account).ok_or_else(|| odd(CALL, place, "an account without a state"))?;
        Ok(AccountEntry {
            status,
            joined_at: account.joined_timestamp.as_ref().and_then(timestamp),
            id: account.id.ok_or_else(|| odd(CALL, place, "an account without an id"))?,
            name: account.name.unwrap_or_default(),
        })
    });
    Ok(Page { items: entries.collect::<Answer<_>>()?, next })
}

/// The state, which takes the place of the status: <https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html>.
fn status(account: &Account) -> Option<String> {
    let state = account.state().map(|state| state.as_str().to_owned());
    state.or_else(|| account.status().map(|status| status.as_str().to_owned()))
}

pub(crate) async fn roots(
    clients: &Clients,
    caller: &Caller,
    place: &Place,
    next: Option<&str>,
) -> Answer<Page<OrganizationalUnit>> {
    const CALL: &str = "ListRoots";
    let request = clients.organizations.list_roots().set_next_token(next.map(str::to_owned)).customize();
    let answer = caller
        .call(CALL, place, |credentials| {
            request.config_override(at!(aws_sdk_organizations, place, credentials)).send()
        })
        .await?;
    let next = next_page(answer.next_token());
    let roots = answer.roots.unwrap_or_default().into_iter();
    let items = roots.map(|root| unit(CALL, place, root.id, root.name)).collect::<Answer<_>>()?;
    Ok(Page { items, next })
}

pub(crate) async fn units_of(
    clients: &Clients,
    caller: &Caller,
    place: &Place,
    parent: &str,
    next: Option<&str>,
) -> Answer<Page<OrganizationalUnit>> {
    const CALL: &str = "ListOrganizationalUnitsForParent";
    let request = clients
        .organizations
        .list_organizational_units_for_parent()
        .parent_id(parent)
        .set_next_token(next.map(str::to_owned))
        .customize();
    let answer = caller
        .call(CALL, place, |credentials| {
            request.config_override(at!(aws_sdk_organizations, place, credentials)).send()
        })
        .await?;
    let next = next_page(answer.next_token());
    let units = answer.organizational_units.unwrap_or_default().into_iter();
    let items = units.map(|found| unit(CALL, place, found.id, found.name)).collect::<Answer<_>>()?;
    Ok(Page { items, next })
}

fn unit(call: &str, place: &Place, id: Option<String>, name: Option<String>) -> Answer<OrganizationalUnit> {
    let id = id.ok_or_else(|| odd(call, place, "a unit without an id"))?;
    Ok(OrganizationalUnit { id, name: name.unwrap_or_default() })
}

pub(crate) async fn accounts_of(
    clients: &Clients,
    caller: &Caller,
    place: &Place,
    parent: &str,
    next: Option<&str>,
) -> Answer<Page<String>> {
    const CALL: &str = "ListAccountsForParent";
    let request = clients
        .organizations
        .list_accounts_for_parent()
        .parent_id(parent)
        .set_next_token(next.map(str::to_owned))
        .customize();
    let answer = caller
        .call(CALL, place, |credentials| {
            request.config_override(at!(aws_sdk_organizations, place, credentials)).send()
        })
        .await?;
    let next = next_page(answer.next_token());
    let accounts = answer.accounts.unwrap_or_default().into_iter();
    let items =
        accounts.map(|account| account.id.ok_or_else(|| odd(CALL, place, "an account without an id")));
    Ok(Page { items: items.collect::<Answer<_>>()?, next })
}

pub(crate) async fn account_tags(
    clients: &Clients,
    caller: &Caller,
    place: &Place,
    account: &str,
    next: Option<&str>,
) -> Answer<Page<(String, String)>> {
    let request = clients
        .organizations
        .list_tags_for_resource()
        .resource_id(account)
        .set_next_token(next.map(str::to_owned))
        .customize();
    let answer = caller
        .call("ListTagsForResource", place, |credentials| {
            request.config_override(at!(aws_sdk_organizations, place, credentials)).send()
        })
        .await?;
    let next = next_page(answer.next_token());
    let tags = answer.tags.unwrap_or_default().into_iter();
    Ok(Page { items: tags.map(|tag| (tag.key, tag.value)).collect(), next })
}

pub(crate) async fn regions(
    clients: &Clients,
    caller: &Caller,
    place: &Place,
    next: Option<&str>,
) -> Answer<Page<String>> {
    const CALL: &str = "ListRegions";
    let request = clients
        .account
        .list_regions()
        .region_opt_status_contains(RegionOptStatus::Enabled)
        .region_opt_status_contains(RegionOptStatus::EnabledByDefault)
        .max_results(REGIONS_A_PAGE)
        .set_next_token(next.map(str::to_owned))
        .customize();
    let answer = caller
        .call(CALL, place, |credentials| {
            request.config_override(at!(aws_sdk_account, place, credentials)).send()
        })
        .await?;
    let next = next_page(answer.next_token());
    let regions = answer.regions.unwrap_or_default().into_iter();
    let items =
        regions.map(|region| region.region_name.ok_or_else(|| odd(CALL, place, "a region without a name")));
    Ok(Page { items: items.collect::<Answer<_>>()?, next })
}
