//! Versions of accounts: how what is seen now changes what was known.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Account;

/// An account as it was over a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) account: Account,
    pub(super) from: Timestamp,
    /// Exclusive; nothing while it holds.
    pub(super) to: Option<Timestamp>,
}

/// The versions after `now` was seen, by account and time; nothing when nothing changed.
///
/// A clock that is behind the newest time of `old` counts as that time, so that versions never overlap. A version that
/// would hold for no time at all is not kept.
pub(super) fn after(old: &[Version], now: &[Account], seen_at: Timestamp) -> Option<Vec<Version>> {
    let newest = old.iter().map(|version| version.to.unwrap_or(version.from)).max();
    let at = newest.map_or(seen_at, |newest| newest.max(seen_at));
    let mut fresh: BTreeMap<&str, &Account> =
        now.iter().map(|account| (account.id.as_str(), account)).collect();
    let mut versions = Vec::with_capacity(old.len());
    let mut has_changed = false;
    for version in old {
        let holds = version.to.is_none() && fresh.get(version.account.id.as_str()) == Some(&&version.account);
        if holds {
            fresh.remove(version.account.id.as_str());
        }
        let ends = version.to.is_none() && !holds;
        has_changed |= ends;
        match ends {
            false => versions.push(version.clone()),
            true if version.from < at => versions.push(Version { to: Some(at), ..version.clone() }),
            true => {}
        }
    }
    has_changed |= !fresh.is_empty();
    versions.extend(fresh.into_values().map(|account| Version {
        account: account.clone(),
        from: at,
        to: None,
    }));
    versions.sort_by(|a, b| (&a.account.id, a.from).cmp(&(&b.account.id, b.from)));
    has_changed.then_some(versions)
}

#[cfg(test)]
mod tests;
