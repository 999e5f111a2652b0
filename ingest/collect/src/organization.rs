//! The accounts of an organisation: listed, placed in the tree of units, filtered, and kept as versions in `accounts`.
//!
//! ListAccounts alone gives the accounts; the tree (ListRoots, ListOrganizationalUnitsForParent,
//! ListAccountsForParent) and the tags (ListTagsForResource) say more of them. Where those are denied, as they may be to
//! a delegated administrator, the survey is [`Partial`](Status::Partial), what was known before stays, and an account of
//! which it cannot be told whether a filter excludes it is not visited. The tree is walked from the top, never asked
//! account by account: see [`expected_calls`].

mod select;
mod table;
mod versions;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub use table::{known, publish};

use crate::{
    cloud::{Cloud, Tags},
    config::AccountsConfig,
    error::Result,
    gate::Gate,
    health::{CallCounts, Status, Tally},
};

/// Entries of a page of Organizations' lists.
const PAGE: u64 = 20;
/// Reasons that a survey spells out; more are counted.
const REASONS_SAID: usize = 3;

/// An account, as the collectors know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Account id, 12 digits.
    pub id: String,
    /// Organisation id; nothing for accounts that are configured by id.
    pub organization: Option<String>,
    /// Name, where the organisation is asked.
    pub name: Option<String>,
    /// ACTIVE, SUSPENDED, PENDING_CLOSURE or CLOSED, where the organisation is asked.
    pub status: Option<String>,
    /// Its place in the tree, where that may be read.
    pub place: Option<Place>,
    /// When it joined.
    pub joined_at: Option<Timestamp>,
    /// Its tags, where those may be read.
    pub tags: Option<Tags>,
    /// Why it is not visited; nothing for an account that is.
    pub left_out: Option<String>,
}

/// A place in the tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Names from the root down, with slashes between them.
    pub names: String,
    /// Ids from the root down, with slashes between them.
    pub ids: String,
}

/// What one look at the organisation found.
#[derive(Debug)]
pub struct Survey {
    /// All accounts, by id.
    pub accounts: Vec<Account>,
    /// Ok or partial.
    pub status: Status,
    /// What is missing.
    pub detail: Option<String>,
    /// Its calls.
    pub calls: CallCounts,
}

/// Calls of one survey: DescribeOrganization, ListRoots, the pages of ListAccounts, two lists for each unit and the root
/// with their pages, and one ListTagsForResource for each account, for which there is no list. 10,000 accounts in 100
/// units are 11,209 calls, 10,000 of them for tags. Units that hold a full page's multiple need fewer; a service that
/// answers with short pages needs more.
pub fn expected_calls(accounts: u64, units: u64) -> u64 {
    let parents = units + 1;
    2 + accounts.div_ceil(PAGE) + (parents + units / PAGE) + (parents + accounts / PAGE) + accounts
}

/// Asks the organisation for its accounts, or takes the configured ones, and decides which are visited.
///
/// `before` are the accounts as they were known ([`known`]); what cannot be read now is taken from them.
///
/// # Errors
/// When the accounts cannot be listed.
pub async fn survey(
    cloud: &dyn Cloud,
    gate: &Gate,
    config: &AccountsConfig,
    before: &[Account],
    cancel: &CancellationToken,
) -> Result<Survey> {
    let mut missing = Vec::new();
    let tally = Tally::default();
    let mut accounts = if config.organization {
        let asking = walk::Asking { cloud, gate, tally: &tally, cancel };
        listed(&asking, config, before, &mut missing).await?
    } else {
        let ids: BTreeSet<&String> = config.ids.iter().collect();
        ids.into_iter().map(|id| configured(id)).collect()
    };
    for account in &mut accounts {
        account.left_out = select::left_out(account, config);
    }
    let status = if missing.is_empty() { Status::Ok } else { Status::Partial };
    Ok(Survey { accounts, status, detail: detail(&missing), calls: tally.counts() })
}

async fn listed(
    asking: &walk::Asking<'_>,
    config: &AccountsConfig,
    before: &[Account],
    missing: &mut Vec<String>,
) -> Result<Vec<Account>> {
    let before: BTreeMap<&str, &Account> = before.iter().map(|known| (known.id.as_str(), known)).collect();
    let entries = asking.accounts().await?;
    let organization =
        walk::optional(asking.organization().await, missing)?.map(|organization| organization.id);
    let tree = asking.tree(missing).await?;
    let ids: Vec<&str> = entries.keys().map(String::as_str).collect();
    let mut tags = asking.tags(&ids, missing).await?;
    missing.extend(select::unknown_names(config, &entries, &tree));
    let account = |entry: crate::cloud::AccountEntry| {
        let known = before.get(entry.id.as_str());
        Account {
            organization: organization.clone().or_else(|| known.and_then(|known| known.organization.clone())),
            name: Some(entry.name),
            status: Some(entry.status),
            place: tree.place_of(&entry.id).or_else(|| known.and_then(|known| known.place.clone())),
            joined_at: entry.joined_at.map(in_microseconds),
            tags: tags.remove(&entry.id).or_else(|| known.and_then(|known| known.tags.clone())),
            left_out: None,
            id: entry.id,
        }
    };
    Ok(entries.into_values().map(account).collect())
}

fn configured(id: &str) -> Account {
    Account {
        id: id.to_owned(),
        organization: None,
        name: None,
        status: None,
        place: None,
        joined_at: None,
        tags: None,
        left_out: None,
    }
}

/// An instant as tables hold it.
fn in_microseconds(instant: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(instant.as_microsecond()).unwrap_or(instant)
}

fn detail(missing: &[String]) -> Option<String> {
    let said = missing.iter().take(REASONS_SAID).cloned().collect::<Vec<_>>().join("; ");
    match missing.len() {
        0 => None,
        count if count > REASONS_SAID => Some(format!("{said}; and {} more", count - REASONS_SAID)),
        _ => Some(said),
    }
}

#[cfg(test)]
mod tests;
