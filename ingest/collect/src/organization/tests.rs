//! Surveys of the stand-in.

use std::sync::Arc;

use airshed_lake::{Lake, StoreOptions};
use proptest::prelude::*;

use super::*;
use crate::{
    clock::VirtualClock,
    error::{CallErrorKind, ErrorKind},
    gate::Limits,
    stand_in::{Shape, StandIn},
};

const SHAPE: fn() -> Shape = || Shape { accounts: 100, units: 12, suspended_every: 10, ..Shape::default() };

fn organization() -> AccountsConfig {
    AccountsConfig { organization: true, ..AccountsConfig::default() }
}

/// A survey under a clock of its own.
fn look(cloud: &StandIn, config: &AccountsConfig, before: &[Account]) -> Result<Survey> {
    let clock = VirtualClock::starting(Timestamp::UNIX_EPOCH);
    let gate = Gate::new(Limits::default(), Arc::new(clock.clone()), 1);
    clock.block_on(survey(cloud, &gate, config, before, &CancellationToken::new())).unwrap()
}

fn denied(names: &'static [&'static str]) -> StandIn {
    StandIn::new(SHAPE()).with_faults(|call| names.contains(&call.name).then_some(CallErrorKind::Denied))
}

#[test]
fn accounts_stand_where_the_tree_has_them() {
    let survey = look(&StandIn::new(SHAPE()), &organization(), &[]).unwrap();
    assert_eq!((survey.status, survey.detail), (Status::Ok, None));
    assert_eq!(survey.accounts.len(), 100);
    for (index, account) in (0..).zip(&survey.accounts) {
        assert_eq!(account.id, StandIn::account_id(index));
        let place = account.place.as_ref().unwrap();
        assert_eq!(place.names, Shape::unit_path(SHAPE().unit_of(index)));
        assert_eq!(account.tags, Some(Shape::account_tags(index)));
        assert_eq!(account.left_out.is_some(), index % 10 == 9, "suspended accounts are kept, not visited");
    }
    let deepest = survey.accounts[11].place.clone().unwrap();
    assert_eq!(deepest.names, "Root/unit-2/unit-11");
    assert_eq!(deepest.ids, "r-root/ou-root-00000002/ou-root-0000000b");
}

#[test]
fn a_subtree_is_left_out_as_a_whole() {
    let config = AccountsConfig { exclude_units: vec!["Root/unit-2".to_owned()], ..organization() };
    let survey = look(&StandIn::new(SHAPE()), &config, &[]).unwrap();
    for account in &survey.accounts {
        let names = &account.place.as_ref().unwrap().names;
        let is_below = names == "Root/unit-2" || names.starts_with("Root/unit-2/");
        let is_suspended = account.status.as_deref() == Some("SUSPENDED");
        assert_eq!(account.left_out.is_some(), is_below || is_suspended, "{names}");
    }
}

#[test]
fn a_denied_tree_leaves_the_accounts_and_what_was_known() {
    let whole = look(&StandIn::new(SHAPE()), &organization(), &[]).unwrap();
    let partial = look(&denied(&["roots", "account_tags"]), &organization(), &[]).unwrap();
    assert_eq!(partial.status, Status::Partial);
    let detail = partial.detail.unwrap();
    assert!(detail.contains("roots") && detail.contains("account_tags"), "{detail}");
    assert_eq!(partial.accounts.len(), 100);
    assert!(partial.accounts.iter().all(|account| account.place.is_none() && account.tags.is_none()));
    assert!(partial.calls.calls < 20, "refused tags are not asked for again: {}", partial.calls.calls);

    let later = look(&denied(&["roots", "account_tags", "organization"]), &organization(), &whole.accounts);
    assert_eq!(later.unwrap().accounts, whole.accounts);
}

#[test]
fn without_the_list_there_is_no_survey() {
    let error = look(&denied(&["accounts"]), &organization(), &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Input);
}

#[test]
fn names_that_the_organisation_does_not_have_are_told() {
    let exclude_ids = vec!["999999999999".to_owned()];
    let config =
        AccountsConfig { exclude_ids, exclude_units: vec!["Root/unit-1x".to_owned()], ..organization() };
    let survey = look(&StandIn::new(SHAPE()), &config, &[]).unwrap();
    assert_eq!(survey.status, Status::Partial);
    let detail = survey.detail.unwrap();
    assert!(detail.contains("999999999999") && detail.contains("unit-1x"), "{detail}");
}

#[test]
fn configured_accounts_need_no_call() {
    let ids = ["222222222222", "111111111111", "222222222222"].map(str::to_owned).to_vec();
    let exclude_ids = vec!["111111111111".to_owned()];
    let config = AccountsConfig { ids, exclude_ids, ..AccountsConfig::default() };
    let survey = look(&StandIn::new(SHAPE()), &config, &[]).unwrap();
    let ids: Vec<_> = survey.accounts.iter().map(|a| (a.id.as_str(), a.left_out.as_deref())).collect();
    assert_eq!(ids, [("111111111111", Some("excluded by id")), ("222222222222", None)]);
    assert_eq!(survey.calls.calls, 0);
}

#[test]
fn ten_thousand_accounts_cost_the_calls_that_are_expected() {
    assert_eq!(expected_calls(10_000, 100), 11_209);
    for (accounts, units) in [(10_000, 100), (1, 0), (20, 0), (45, 2)] {
        let cloud = StandIn::new(Shape { accounts, units, ..Shape::default() });
        let survey = look(&cloud, &organization(), &[]).unwrap();
        let expected = expected_calls(u64::from(accounts), u64::from(units));
        let difference = survey.calls.calls.abs_diff(expected);
        assert_eq!(survey.calls.calls, cloud.calls());
        // The stand-in's last page may be followed by an empty one, and accounts may be spread well or badly.
        assert!(difference * 100 <= expected.max(200), "{accounts}: {} and {expected}", survey.calls.calls);
    }
}

#[test]
fn the_table_changes_when_an_account_does() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path().to_str().unwrap(), &StoreOptions::new()).unwrap();
    let mut accounts = look(&StandIn::new(SHAPE()), &organization(), &[]).unwrap().accounts;
    let bare = look(&denied(&["roots", "account_tags", "organization"]), &organization(), &[]).unwrap();
    accounts.truncate(50);
    accounts.extend(bare.accounts.into_iter().skip(50));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let at = |s| Timestamp::from_second(s).unwrap();
    runtime.block_on(async {
        assert!(known(&lake).await.unwrap().is_empty());
        assert!(publish(&lake, &accounts, at(10)).await.unwrap());
        assert_eq!(known(&lake).await.unwrap(), accounts, "all columns come back");
        assert!(!publish(&lake, &accounts, at(20)).await.unwrap(), "nothing changed");
        let table = lake.table(&airshed_domain::schema::accounts()).await.unwrap();
        let version = table.version();
        accounts.remove(3);
        accounts[0].name = Some("renamed".to_owned());
        assert!(publish(&lake, &accounts, at(30)).await.unwrap());
        assert_eq!(known(&lake).await.unwrap(), accounts);
        let table = lake.table(&airshed_domain::schema::accounts()).await.unwrap();
        assert_eq!(table.version(), version + 1);
        assert_eq!(table.files().unwrap().iter().map(|file| file.rows).sum::<u64>(), 101);
    });
}

proptest! {
    #[test]
    fn tags_are_found_by_key_and_by_value(key in "[a-z=]{1,4}", value in "[a-z=]{0,4}", text in "[a-z=]{1,6}") {
        let account = Account { tags: Some([(key.clone(), value.clone())].into()), ..configured("1") };
        let config = AccountsConfig { exclude_tags: vec![text.clone()], ..AccountsConfig::default() };
        let expected = text == key || text == format!("{key}={value}");
        prop_assert_eq!(select::left_out(&account, &config).is_some(), expected);
    }
}
