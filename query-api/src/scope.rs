//! Which rows somebody may see.
//!
//! A scope names accounts, organisational units and tags. It is applied where a table is read ([`guard`]), before
//! anything of a statement runs on the rows, so that it holds for every interface, join, subquery and error alike. A
//! table whose rows cannot be told apart by the scope is not there at all.

mod guard;
mod guard_exec;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
    sync::Arc,
};

use airshed_domain::schema::{Table, column as c};
use datafusion::{
    catalog::TableProvider,
    logical_expr::{Expr, ScalarUDF, col, lit},
};

pub(crate) use self::guard::Guarded;
pub(crate) use self::guard_exec::GuardExec;
use crate::error::{Error, ErrorKind, Result};

/// The rows that somebody may see. Values of one kind are alternatives; a row must match every kind that is named. The
/// default is everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Account ids.
    pub accounts: BTreeSet<String>,
    /// Organisational units, by id or by path of names such as `Engineering/Data`; those below are in.
    pub units: BTreeSet<String>,
    /// Values by tag key.
    pub tags: BTreeMap<String, BTreeSet<String>>,
}

impl Scope {
    /// Whether it lets every row through.
    pub fn is_everything(&self) -> bool {
        self.accounts.is_empty() && self.units.is_empty() && self.tags.is_empty()
    }
}

impl FromStr for Scope {
    type Err = Error;

    /// Reads `account=111122223333,account=444455556666,ou=Engineering/Data,tag.team=web`.
    fn from_str(text: &str) -> Result<Self> {
        let mut scope = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let wrong = || {
                let message = format!("`{part}` is no scope: account=ID, ou=ID-OR-PATH or tag.KEY=VALUE");
                Error::new(ErrorKind::Statement, message)
            };
            let (kind, value) = part.split_once('=').ok_or_else(wrong)?;
            match (kind, kind.strip_prefix("tag.")) {
                _ if value.is_empty() => return Err(wrong()),
                ("account", _) => scope.accounts.insert(value.to_owned()),
                ("ou", _) => scope.units.insert(value.trim_matches('/').to_owned()),
                (_, Some(key)) if !key.is_empty() => {
                    scope.tags.entry(key.to_owned()).or_default().insert(value.to_owned())
                }
                _ => return Err(wrong()),
            };
        }
        Ok(scope)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accounts = self.accounts.iter().map(|id| format!("account={id}"));
        let units = self.units.iter().map(|unit| format!("ou={unit}"));
        let tags =
            self.tags.iter().flat_map(|(key, values)| values.iter().map(move |v| format!("tag.{key}={v}")));
        let parts: Vec<String> = accounts.chain(units).chain(tags).collect();
        f.write_str(&parts.join(","))
    }
}

/// A scope whose units were looked up: what is asked of each row.
#[derive(Debug, Clone)]
pub(crate) struct RowScope {
    /// Only these accounts, where it is something.
    accounts: Option<BTreeSet<String>>,
    tags: BTreeMap<String, BTreeSet<String>>,
}

impl RowScope {
    /// The scope with the accounts of its units, or nothing when all rows are seen.
    pub(crate) fn of(scope: &Scope, in_units: BTreeSet<String>) -> Option<Self> {
        if scope.is_everything() {
            return None;
        }
        let accounts = match (scope.accounts.is_empty(), scope.units.is_empty()) {
            (true, true) => None,
            (false, true) => Some(scope.accounts.clone()),
            (true, false) => Some(in_units),
            (false, false) => Some(scope.accounts.intersection(&in_units).cloned().collect()),
        };
        Some(Self { accounts, tags: scope.tags.clone() })
    }

    /// The table as it is seen in this scope; nothing when its rows cannot be told apart.
    pub(crate) fn guard(
        &self,
        table: &Table,
        provider: Arc<dyn TableProvider>,
        tag: &ScalarUDF,
    ) -> Option<Arc<dyn TableProvider>> {
        // Which run is current for which month is no secret, and everything needs it.
        if table.name == PERIODS {
            return Some(provider);
        }
        let mut rows = Vec::new();
        if let Some(accounts) = &self.accounts {
            if !table.has(c::ACCOUNT_ID) {
                return None;
            }
            rows.push(
                col(c::ACCOUNT_ID).in_list(accounts.iter().map(|id| lit(id.as_str())).collect(), false),
            );
        }
        for (key, values) in &self.tags {
            if !table.has(c::TAGS) {
                return None;
            }
            let value = tag.call(vec![col(c::TAGS), lit(key.as_str())]);
            rows.push(value.in_list(values.iter().map(|value| lit(value.as_str())).collect(), false));
        }
        let rows = rows.into_iter().reduce(Expr::and)?;
        Some(Arc::new(Guarded::new(provider, rows)))
    }
}

const PERIODS: &str = "periods";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_written_as_they_are_read() {
        let text =
            "account=111122223333,account=444455556666,ou=Engineering/Data,tag.cost-centre=7,tag.team=web";
        let scope: Scope = text.parse().unwrap();
        assert_eq!(scope.to_string(), text);
        assert_eq!(scope.accounts.len(), 2);
        assert!("".parse::<Scope>().unwrap().is_everything());
    }

    #[test]
    fn what_is_no_scope_is_refused() {
        for text in ["account", "account=", "tag.=x", "team=web", "tag=web"] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
    }

    #[test]
    fn units_and_accounts_must_both_hold() {
        let scope: Scope = "account=1,account=2,ou=Data".parse().unwrap();
        let rows = RowScope::of(&scope, ["2", "3"].map(str::to_owned).into()).unwrap();
        assert_eq!(rows.accounts, Some(["2".to_owned()].into()));
        let nobody = RowScope::of(&"ou=Gone".parse().unwrap(), BTreeSet::new()).unwrap();
        assert_eq!(
            nobody.accounts,
            Some(BTreeSet::new()),
            "a unit without accounts is nothing, not everything"
        );
    }
}
