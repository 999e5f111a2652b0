//! Which accounts are visited. Each list of the configuration that is not empty has to let an account in; one exclusion
//! keeps it out.

use std::collections::BTreeMap;

use super::{Account, Place, walk::Tree};
use crate::{
    cloud::{AccountEntry, Tags},
    config::AccountsConfig,
};

/// The one status in which an account can be visited.
const ACTIVE: &str = "ACTIVE";

/// Why an account is not visited.
pub(super) fn left_out(account: &Account, config: &AccountsConfig) -> Option<String> {
    let AccountsConfig { ids, include_units, include_tags, exclude_ids, exclude_units, exclude_tags, .. } =
        config;
    if let Some(status) = account.status.as_ref().filter(|status| *status != ACTIVE) {
        return Some(format!("the account is {status}"));
    }
    if exclude_ids.contains(&account.id) {
        return Some("excluded by id".to_owned());
    }
    if !exclude_units.is_empty() {
        let Some(place) = &account.place else {
            return Some("units are excluded, and its unit is not known".to_owned());
        };
        if let Some(unit) = exclude_units.iter().find(|unit| is_below(place, unit)) {
            return Some(format!("excluded by unit `{unit}`"));
        }
    }
    if !exclude_tags.is_empty() {
        let Some(tags) = &account.tags else {
            return Some("tags are excluded, and its tags are not known".to_owned());
        };
        if let Some(tag) = exclude_tags.iter().find(|tag| has_tag(tags, tag)) {
            return Some(format!("excluded by tag `{tag}`"));
        }
    }
    if !ids.is_empty() && !ids.contains(&account.id) {
        return Some("not among the accounts that are included by id".to_owned());
    }
    if !include_units.is_empty() {
        match &account.place {
            None => return Some("only some units are included, and its unit is not known".to_owned()),
            Some(place) if !include_units.iter().any(|unit| is_below(place, unit)) => {
                return Some("not below a unit that is included".to_owned());
            }
            Some(_) => {}
        }
    }
    if !include_tags.is_empty() {
        match &account.tags {
            None => return Some("only some tags are included, and its tags are not known".to_owned()),
            Some(tags) if !include_tags.iter().any(|tag| has_tag(tags, tag)) => {
                return Some("has no tag that is included".to_owned());
            }
            Some(_) => {}
        }
    }
    None
}

/// Names in the configuration that the organisation does not have: an exclusion with a slip in it would exclude nothing.
pub(super) fn unknown_names(
    config: &AccountsConfig,
    accounts: &BTreeMap<String, AccountEntry>,
    tree: &Tree,
) -> Vec<String> {
    let ids = config.ids.iter().chain(&config.exclude_ids).filter(|id| !accounts.contains_key(*id));
    let is_unit = |unit: &String| tree.places.iter().any(|place| is_below(place, unit));
    let units = config.include_units.iter().chain(&config.exclude_units);
    let units = units.filter(|unit| tree.is_whole && !is_unit(unit));
    ids.map(|id| format!("account {id} of the configuration is not in the organisation"))
        .chain(units.map(|unit| format!("unit `{unit}` of the configuration is not in the organisation")))
        .collect()
}

/// Whether a place is a unit, named by id or by path of names, or below it.
fn is_below(place: &Place, unit: &str) -> bool {
    let rest = place.names.strip_prefix(unit.trim_end_matches('/'));
    place.ids.split('/').any(|id| id == unit)
        || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether there is a tag of a key, or of a key and value with `=` between them.
fn has_tag(tags: &Tags, wanted: &str) -> bool {
    let with_value = |(key, value): (&String, &String)| {
        wanted.strip_prefix(key.as_str()).and_then(|rest| rest.strip_prefix('=')) == Some(value)
    };
    tags.contains_key(wanted) || tags.iter().any(with_value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn account() -> Account {
        Account {
            id: "111122223333".to_owned(),
            organization: None,
            name: None,
            status: Some(ACTIVE.to_owned()),
            place: Some(Place { names: "Root/Prod/Web".to_owned(), ids: "r-1/ou-1/ou-2".to_owned() }),
            joined_at: None,
            tags: Some([("env", "prod"), ("a=b", "c")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()),
            left_out: None,
        }
    }

    #[test]
    fn each_list_lets_in_and_one_exclusion_keeps_out() {
        type Set = fn(&mut AccountsConfig, Vec<String>);
        let ids: Set = |config, list| config.ids = list;
        let include_units: Set = |config, list| config.include_units = list;
        let include_tags: Set = |config, list| config.include_tags = list;
        let exclude_ids: Set = |config, list| config.exclude_ids = list;
        let exclude_units: Set = |config, list| config.exclude_units = list;
        let exclude_tags: Set = |config, list| config.exclude_tags = list;
        let cases: &[(Set, &[&str], bool)] = &[
            (ids, &[], true),
            (ids, &["111122223333", "1"], true),
            (ids, &["1"], false),
            (include_units, &["ou-1"], true),
            (include_units, &["Root/Prod"], true),
            (include_units, &["Root/Prod/"], true),
            (include_units, &["Root/Prod/Web"], true),
            (include_units, &["Root/Pro"], false),
            (include_units, &["Prod"], false),
            (include_units, &["ou-3", "r-1"], true),
            (include_tags, &["env"], true),
            (include_tags, &["env=prod"], true),
            (include_tags, &["env=pro"], false),
            (include_tags, &["env="], false),
            (include_tags, &["a=b=c"], true),
            (include_tags, &["a=b"], true),
            (exclude_ids, &["111122223333"], false),
            (exclude_units, &["ou-2"], false),
            (exclude_units, &["ou-4"], true),
            (exclude_tags, &["env=prod"], false),
            (exclude_tags, &["env=dev"], true),
        ];
        for (set, list, visited) in cases {
            let mut config = AccountsConfig::default();
            set(&mut config, strings(list));
            let reason = left_out(&account(), &config);
            assert_eq!(reason.is_none(), *visited, "{list:?}: {reason:?}");
        }
    }

    #[test]
    fn exclusion_wins_and_inclusions_are_all_needed() {
        let mut config = AccountsConfig { ids: strings(&["111122223333"]), ..AccountsConfig::default() };
        config.include_tags = strings(&["team"]);
        assert_eq!(left_out(&account(), &config).as_deref(), Some("has no tag that is included"));
        config.include_tags = strings(&["env"]);
        assert_eq!(left_out(&account(), &config), None);
        config.exclude_units = strings(&["Root"]);
        assert_eq!(left_out(&account(), &config).as_deref(), Some("excluded by unit `Root`"));
    }

    #[test]
    fn what_cannot_be_told_is_not_visited() {
        let unknown = Account { place: None, tags: None, ..account() };
        assert_eq!(left_out(&unknown, &AccountsConfig::default()), None);
        for text in ["ou-9", "Root/Other"] {
            let list = strings(&[text]);
            let by_unit = AccountsConfig { exclude_units: list.clone(), ..AccountsConfig::default() };
            assert!(left_out(&unknown, &by_unit).is_some());
            let by_tag = AccountsConfig { exclude_tags: list.clone(), ..AccountsConfig::default() };
            assert!(left_out(&unknown, &by_tag).is_some());
            let only = AccountsConfig { include_units: list, ..AccountsConfig::default() };
            assert!(left_out(&unknown, &only).is_some());
        }
        let closed = Account { status: Some("PENDING_CLOSURE".to_owned()), ..account() };
        let reason = left_out(&closed, &AccountsConfig::default());
        assert_eq!(reason.as_deref(), Some("the account is PENDING_CLOSURE"));
    }
}
