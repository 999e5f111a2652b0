//! Accounts, units and regions by index.

use jiff::{SignedDuration, Timestamp};

use super::{Shape, StandIn};
use crate::{
    cloud::{AccountEntry, Answer, OrganizationalUnit, Scope, Tags},
    error::{CallError, CallErrorKind},
};

/// Id of the one root.
pub(super) const ROOT: &str = "r-root";
const FIRST_ACCOUNT: u64 = 100_000_000_000;
/// Units right below the root, and below each unit.
const UNITS_BELOW: u32 = 3;
/// Seconds of 2020-01-01T00:00:00Z.
const FIRST_JOINED_S: i64 = 1_577_836_800;

impl StandIn {
    /// Id of an account, by its index.
    pub fn account_id(index: u32) -> String {
        format!("{:012}", FIRST_ACCOUNT + u64::from(index))
    }

    /// Index of an account, by its id.
    pub(super) fn account_index(&self, id: &str) -> Answer<u32> {
        let index = id.parse::<u64>().ok().and_then(|id| id.checked_sub(FIRST_ACCOUNT));
        index
            .and_then(|index| u32::try_from(index).ok())
            .filter(|index| *index < self.shape.accounts)
            .ok_or_else(|| CallError::new(CallErrorKind::Invalid, id, "there is no such account"))
    }

    /// An account and region, by index.
    pub fn scope(&self, account: u32, region: usize) -> Scope {
        Scope { account: Self::account_id(account), region: self.shape.regions[region].clone() }
    }

    /// Indices of account and region. Denied where the account does not work or the region is switched off.
    pub(super) fn place(&self, scope: &Scope) -> Answer<(u32, u32)> {
        let account = self.account_index(&scope.account)?;
        let denied = |why| CallError::new(CallErrorKind::Denied, &scope.account, why);
        if self.shape.is_suspended(account) {
            return Err(denied("the account is suspended"));
        }
        let region = self.shape.regions_on(account).iter().position(|region| *region == scope.region);
        let region = region.and_then(|region| u32::try_from(region).ok());
        region.map(|region| (account, region)).ok_or_else(|| denied("the region is switched off"))
    }

    pub(super) fn account(&self, index: u32) -> AccountEntry {
        let joined = Timestamp::UNIX_EPOCH
            + SignedDuration::from_secs(FIRST_JOINED_S)
            + SignedDuration::from_hours(i64::from(index));
        AccountEntry {
            id: Self::account_id(index),
            name: format!("account {index}"),
            status: if self.shape.is_suspended(index) { "SUSPENDED" } else { "ACTIVE" }.to_owned(),
            joined_at: Some(joined),
        }
    }
}

impl Shape {
    /// Whether an account is suspended, by its index.
    pub fn is_suspended(&self, account: u32) -> bool {
        self.suspended_every > 0 && account % self.suspended_every == self.suspended_every - 1
    }

    /// The regions that are switched on in an account, by its index.
    pub fn regions_on(&self, account: u32) -> &[String] {
        let all = &self.regions;
        let less = self.region_off_every > 0 && account % self.region_off_every == self.region_off_every - 1;
        if less { &all[..all.len().saturating_sub(1)] } else { all }
    }

    /// The unit that holds an account; nothing for the root.
    pub fn unit_of(&self, account: u32) -> Option<u32> {
        let place = account % (self.units + 1);
        (place < self.units).then_some(place)
    }

    /// The unit above a unit; nothing for the root.
    pub fn unit_above(unit: u32) -> Option<u32> {
        (unit / UNITS_BELOW).checked_sub(1)
    }

    /// Names from the root down to the unit.
    pub fn unit_path(unit: Option<u32>) -> String {
        match unit {
            None => "Root".to_owned(),
            Some(unit) => format!("{}/unit-{unit}", Self::unit_path(Self::unit_above(unit))),
        }
    }

    /// Id of a unit.
    pub fn unit_id(unit: u32) -> String {
        format!("ou-root-{unit:08x}")
    }

    /// Tags of an account.
    pub fn account_tags(account: u32) -> Tags {
        let environment = ["dev", "prod", "test"][account as usize % 3];
        Tags::from([
            ("environment".to_owned(), environment.to_owned()),
            ("team".to_owned(), format!("team-{}", account % 7)),
        ])
    }

    pub(super) fn unit(index: u32) -> OrganizationalUnit {
        OrganizationalUnit { id: Self::unit_id(index), name: format!("unit-{index}") }
    }

    /// A parent's index, or nothing for the root.
    pub(super) fn parent(&self, id: &str) -> Answer<Option<u32>> {
        if id == ROOT {
            return Ok(None);
        }
        let index = id.strip_prefix("ou-root-").and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match index {
            Some(index) if index < self.units => Ok(Some(index)),
            _ => Err(CallError::new(CallErrorKind::Invalid, id, "there is no such unit")),
        }
    }
}
