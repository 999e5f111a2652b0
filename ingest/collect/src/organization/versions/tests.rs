use proptest::prelude::*;

use super::*;
use crate::organization::configured;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// An account of a revision.
fn account(index: u8, revision: u8) -> Account {
    Account { name: Some(revision.to_string()), ..configured(&format!("{index:012}")) }
}

proptest! {
    /// The model: for each look, what it saw. At any time exactly that is open, and versions of an account do not overlap.
    #[test]
    fn at_any_time_what_was_seen_is_open(
        looks in prop::collection::vec((0i64..3, prop::collection::btree_map(0u8..5, 0u8..3, 0..5)), 1..8),
    ) {
        let (mut versions, mut now, mut seen) = (Vec::new(), 0, Vec::new());
        for (step, accounts) in looks {
            now += step;
            let accounts: Vec<Account> = accounts.into_iter().map(|(i, r)| account(i, r)).collect();
            if let Some(changed) = after(&versions, &accounts, at(now)) {
                prop_assert!(changed != versions);
                versions = changed;
            }
            seen.push((now, accounts));
        }
        for (place, (time, accounts)) in seen.iter().enumerate() {
            // Of several looks at the same instant the last counts.
            if seen.get(place + 1).is_some_and(|(next, _)| next == time) {
                continue;
            }
            let open: Vec<&Account> = versions
                .iter()
                .filter(|v| v.from <= at(*time) && v.to.is_none_or(|to| at(*time) < to))
                .map(|v| &v.account)
                .collect();
            prop_assert_eq!(open, accounts.iter().collect::<Vec<_>>());
        }
        for pair in versions.windows(2) {
            let overlap = pair[0].account.id == pair[1].account.id && pair[0].to.is_none_or(|to| to > pair[1].from);
            prop_assert!(!overlap);
        }
    }
}

#[test]
fn a_clock_that_is_behind_does_not_make_versions_overlap() {
    let first = after(&[], &[account(1, 1)], at(100)).unwrap();
    let second = after(&first, &[account(1, 2)], at(50)).unwrap();
    assert_eq!(second, [Version { account: account(1, 2), from: at(100), to: None }]);
    let third = after(&second, &[], at(120)).unwrap();
    assert_eq!(third[0].to, Some(at(120)));
}
