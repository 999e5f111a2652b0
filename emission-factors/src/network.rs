//! Transferred gigabytes: energy per GB by kind of way, and which line of a bill carries it.
//!
//! Published figures span 0.001 to 0.059 kWh/GB for the same way, so every kind has wide bounds. A transfer between
//! regions or availability zones is billed at both ends; it is counted once, at the sender, and the receiver's line is
//! excluded with that reason. From and to the internet there is only one line. Inside the region the network is in the
//! provider's buildings and their PUE applies; outside it does not ([`Transfer::in_facility`]).
//!
//! Rules are data, `data/network/rules.csv`, read from the top: the first that fits decides.

use std::collections::BTreeMap;

use airshed_domain::id::FactorId;

use crate::{
    FactorError, pattern,
    provenance::Sources,
    table,
    value::{Band, Factor},
};

const KIND_COLUMNS: &[&str] =
    &["kind", "low", "kwh_per_gb", "high", "in_facility", "source_id", "page", "note"];
const RULE_COLUMNS: &[&str] = &["service", "usage_type", "operation", "kind", "counted", "note"];

/// Which way data took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TransferKind {
    /// Within a region, between availability zones or through its network services.
    IntraRegion,
    /// Between regions, or between a region and an edge location, over the provider's backbone.
    InterRegion,
    /// From or to the internet.
    Internet,
    /// From a content delivery network's edge to its readers.
    Cdn,
}

impl TransferKind {
    /// Every kind.
    pub const ALL: &[Self] = &[Self::IntraRegion, Self::InterRegion, Self::Internet, Self::Cdn];

    /// The word as it stands in the tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IntraRegion => "intra_region",
            Self::InterRegion => "inter_region",
            Self::Internet => "internet",
            Self::Cdn => "cdn",
        }
    }
}

impl std::str::FromStr for TransferKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let kind = Self::ALL.iter().copied().find(|kind| kind.as_str() == text);
        kind.ok_or_else(|| format!("`{text}` is not a kind of transfer"))
    }
}

/// Energy of one kind of transfer.
#[derive(Debug, Clone, PartialEq)]
pub struct TransferEnergy {
    /// Energy per billed GB, before PUE, kWh.
    pub kwh_per_gb: Band,
    /// The network stands in the provider's buildings, so their PUE applies.
    pub in_facility: bool,
    /// Its id in the set.
    pub factor_id: FactorId,
    source_id: String,
    page: String,
    note: String,
}

/// What a transfer line is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transfer<'t> {
    /// Which way the data took.
    pub kind: TransferKind,
    /// This line carries the transfer's energy; the line of the other end does when not.
    pub counted: bool,
    /// Energy of the kind.
    pub energy: &'t TransferEnergy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    service: String,
    usage_type: String,
    operation: String,
    kind: TransferKind,
    counted: bool,
}

/// Kinds of transfer and the rules that tell them apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    kinds: BTreeMap<TransferKind, TransferEnergy>,
    rules: Vec<Rule>,
}

impl Table {
    /// Reads the embedded tables.
    ///
    /// # Errors
    /// When a table is not readable, lacks a kind or names an unknown source.
    pub fn load(sources: &Sources) -> Result<Self, FactorError> {
        let mut kinds = BTreeMap::new();
        for row in table::read("network/kinds.csv", include_str!("../data/network/kinds.csv"), KIND_COLUMNS)?
        {
            let kind: TransferKind = row.parse("kind")?;
            let energy = TransferEnergy {
                kwh_per_gb: row.band("low", "kwh_per_gb", "high")?,
                in_facility: row.parse("in_facility")?,
                factor_id: FactorId::new(format!("network/kind/{}", kind.as_str())),
                source_id: sources.require(row.text("source_id")?)?.to_owned(),
                page: row.text("page")?.to_owned(),
                note: row.optional_text("note")?.unwrap_or("").to_owned(),
            };
            if kinds.insert(kind, energy).is_some() {
                return Err(row.error("kind", "stands twice"));
            }
        }
        if let Some(missing) = TransferKind::ALL.iter().find(|kind| !kinds.contains_key(kind)) {
            let missing = missing.as_str();
            return Err(FactorError::reference(format!("network/kinds.csv: no row for `{missing}`")));
        }
        let mut rules = Vec::new();
        for row in table::read("network/rules.csv", include_str!("../data/network/rules.csv"), RULE_COLUMNS)?
        {
            rules.push(Rule {
                service: row.text("service")?.to_owned(),
                usage_type: row.text("usage_type")?.to_owned(),
                operation: row.text("operation")?.to_owned(),
                kind: row.parse("kind")?,
                counted: row.parse("counted")?,
            });
        }
        Ok(Self { kinds, rules })
    }

    /// What kind of transfer a line is, by its service, usage type (with or without region prefixes) and operation;
    /// `None` when no rule knows it as a transfer.
    pub fn transfer(&self, service_code: &str, usage_type: &str, operation: &str) -> Option<Transfer<'_>> {
        let rule = self.rules.iter().find(|rule| {
            pattern::matches(&rule.service, service_code)
                && pattern::matches(&rule.usage_type, usage_type)
                && pattern::matches(&rule.operation, operation)
        })?;
        let energy = self.kinds.get(&rule.kind)?;
        Some(Transfer { kind: rule.kind, counted: rule.counted, energy })
    }

    /// Energy of a kind.
    pub fn energy(&self, kind: TransferKind) -> Option<&TransferEnergy> {
        self.kinds.get(&kind)
    }

    /// Every number in its listing form.
    pub fn factors(&self) -> Vec<Factor> {
        let kinds = self.kinds.iter();
        kinds
            .map(|(kind, energy)| Factor {
                id: energy.factor_id.clone(),
                kind: "network/kind",
                key: kind.as_str().to_owned(),
                unit: "kWh/GB",
                value: energy.kwh_per_gb,
                source_id: energy.source_id.clone(),
                page: energy.page.clone(),
                valid_from: None,
                valid_to: None,
                note: energy.note.clone(),
            })
            .collect()
    }

    /// The rules, and what is not a number of the kinds, as lines of the canonical text that the set's id is the hash of.
    pub fn canonical_lines(&self) -> impl Iterator<Item = String> + '_ {
        let rules = self.rules.iter().enumerate().map(|(place, rule)| {
            let Rule { service, usage_type, operation, kind, counted } = rule;
            let kind = kind.as_str();
            format!("network/rule\t{place}\t{service}\t{usage_type}\t{operation}\t{kind}\t{counted}")
        });
        let kinds = self.kinds.iter();
        rules.chain(
            kinds.map(|(kind, energy)| {
                format!("network/in_facility\t{}\t{}", kind.as_str(), energy.in_facility)
            }),
        )
    }
}

#[cfg(test)]
mod tests;
