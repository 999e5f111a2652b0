//! The factor set: every number a calculation may use, immutable, named by its content.
//!
//! The id of a set is a hash over the sorted text of all its factors and sources and the digests of imported tables, so
//! the same numbers have the same id on any machine and a changed number can not hide behind an old name.

use std::collections::{BTreeMap, BTreeSet};

use airshed_domain::id::{FactorId, FactorSetId};
use sha2::{Digest as _, Sha256};

use crate::{
    FactorError, ai, compute, facility, grid, network, profile,
    provenance::{Source, Sources},
    storage,
    value::Factor,
};

/// An immutable set of factors. Share it behind an `Arc`.
#[derive(Debug, Clone)]
pub struct FactorSet {
    id: FactorSetId,
    sources: Sources,
    factors: BTreeMap<FactorId, Factor>,
    compute: compute::Table,
    facility: facility::Table,
    grid: grid::Table,
    storage: storage::Table,
    network: network::Table,
    ai: ai::Table,
    profiles: profile::Table,
}

/// What differs between two sets, by factor id.
#[derive(Debug, Clone, PartialEq)]
pub enum FactorChange {
    /// Only in the new set.
    Added(Factor),
    /// Only in the old set.
    Removed(Factor),
    /// In both, but not the same.
    Changed {
        /// In the old set.
        before: Factor,
        /// In the new set.
        after: Factor,
    },
}

impl FactorSet {
    /// The set that is shipped with this version.
    ///
    /// # Errors
    /// When an embedded table is faulty; the tests of this crate exclude it.
    pub fn embedded() -> Result<Self, FactorError> {
        Self::builder().build()
    }

    /// A set of the shipped tables and what the user imports.
    pub fn builder() -> FactorSetBuilder {
        FactorSetBuilder::default()
    }

    /// The content address: `fs-` and 16 hexadecimal digits of SHA-256.
    pub fn id(&self) -> &FactorSetId {
        &self.id
    }

    /// Every factor, by id.
    pub fn factors(&self) -> impl Iterator<Item = &Factor> {
        self.factors.values()
    }

    /// The factor with this id.
    pub fn factor(&self, id: &FactorId) -> Option<&Factor> {
        self.factors.get(id)
    }

    /// The factors of a row or table: those whose id is `prefix` or stands under it, such as `compute/instance/m5.xlarge`.
    pub fn factors_under<'s>(&'s self, prefix: &'s str) -> impl Iterator<Item = &'s Factor> {
        let under = move |id: &FactorId| {
            id.as_str().strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.factors
            .range(FactorId::new(prefix)..)
            .take_while(move |(id, _)| id.as_str().starts_with(prefix))
            .filter(move |(id, _)| under(id))
            .map(|(_, factor)| factor)
    }

    /// The source with this id.
    pub fn source(&self, id: &str) -> Option<&Source> {
        self.sources.get(id)
    }

    /// Every source, by id.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// What changes from this set to `newer`, by factor id.
    pub fn diff(&self, newer: &Self) -> Vec<FactorChange> {
        let ids: BTreeSet<_> = self.factors.keys().chain(newer.factors.keys()).collect();
        ids.into_iter()
            .filter_map(|id| match (self.factors.get(id), newer.factors.get(id)) {
                (None, Some(after)) => Some(FactorChange::Added(after.clone())),
                (Some(before), None) => Some(FactorChange::Removed(before.clone())),
                (Some(before), Some(after)) if before != after => {
                    Some(FactorChange::Changed { before: before.clone(), after: after.clone() })
                }
                _ => None,
            })
            .collect()
    }

    /// Instances, processors, accelerators.
    pub fn compute(&self) -> &compute::Table {
        &self.compute
    }

    /// PUE and WUE.
    pub fn facility(&self) -> &facility::Table {
        &self.facility
    }

    /// Grid zones and intensities.
    pub fn grid(&self) -> &grid::Table {
        &self.grid
    }

    /// Storage classes.
    pub fn storage(&self) -> &storage::Table {
        &self.storage
    }

    /// Data transfer.
    pub fn network(&self) -> &network::Table {
        &self.network
    }

    /// Hosted AI models.
    pub fn ai(&self) -> &ai::Table {
        &self.ai
    }

    /// Coefficients of the peers' published methods.
    pub fn profiles(&self) -> &profile::Table {
        &self.profiles
    }
}

/// Collects imported tables, then builds the set. What is imported is part of the content address.
#[derive(Debug, Clone, Default)]
pub struct FactorSetBuilder {
    sources: Vec<Source>,
    power_curves: BTreeMap<String, compute::PowerCurvePoints>,
    hours: Vec<grid::HourlyGrid>,
    spruce_instances: Option<profile::spruce::Instances>,
    boavizta: Option<profile::boavizta::Boavizta>,
}

impl FactorSetBuilder {
    /// Adds a source that imported rows name.
    #[must_use]
    pub fn with_source(mut self, source: Source) -> Self {
        self.sources.push(source);
        self
    }

    /// Adds measured power curves, see [`compute::import_power_csv`]; a later curve of a type replaces an earlier one.
    #[must_use]
    pub fn with_power_curves(mut self, curves: BTreeMap<String, compute::PowerCurvePoints>) -> Self {
        self.power_curves.extend(curves);
        self
    }

    /// Lays hourly grid factors over those added before.
    #[must_use]
    pub fn with_hourly_grid(mut self, hours: grid::HourlyGrid) -> Self {
        self.hours.push(hours);
        self
    }

    /// Sets SPRUCE's table of instances, for the profile `spruce`.
    #[must_use]
    pub fn with_spruce_instances(mut self, instances: profile::spruce::Instances) -> Self {
        self.spruce_instances = Some(instances);
        self
    }

    /// Sets Boavizta's tables, for the profile `boavizta`.
    #[must_use]
    pub fn with_boavizta(mut self, boavizta: profile::boavizta::Boavizta) -> Self {
        self.boavizta = Some(boavizta);
        self
    }

    /// Reads the embedded tables, adds what was imported, checks it all and names it.
    ///
    /// # Errors
    /// When a table is faulty, names an unknown source, or two factors share an id.
    pub fn build(self) -> Result<FactorSet, FactorError> {
        let mut sources = Sources::embedded()?;
        for source in self.sources {
            sources.insert(source)?;
        }
        let compute = compute::Table::load(&sources)?.with_power_curves(self.power_curves);
        let facility = facility::Table::load(&sources)?;
        let mut grid = grid::Table::load(&sources)?;
        for hours in &self.hours {
            grid = grid.with_hourly(hours).map_err(|error| {
                FactorError::table("the imported hourly grid factors do not fit together").with_source(error)
            })?;
        }
        let storage = storage::Table::load(&sources)?;
        let network = network::Table::load(&sources)?;
        let ai = ai::Table::load(&sources)?;
        let mut profiles = profile::Table::load(&sources)?;
        profiles.spruce_instances = self.spruce_instances;
        profiles.boavizta = self.boavizta;
        let factors = listing(
            &sources,
            [
                compute.factors(),
                facility.factors(),
                grid.factors(),
                storage.factors(),
                network.factors(),
                ai.factors(),
                profiles.factors(),
            ],
        )?;
        let lines = factors
            .values()
            .map(Factor::canonical_line)
            .chain(sources.iter().map(Source::canonical_line))
            .chain(facility.canonical_lines())
            .chain(storage.canonical_lines())
            .chain(network.canonical_lines())
            .chain(ai.canonical_lines())
            .chain(grid.hourly_digest());
        let id = content_address(lines);
        Ok(FactorSet { id, sources, factors, compute, facility, grid, storage, network, ai, profiles })
    }
}

fn listing(
    sources: &Sources,
    listings: impl IntoIterator<Item = Vec<Factor>>,
) -> Result<BTreeMap<FactorId, Factor>, FactorError> {
    let mut factors = BTreeMap::new();
    for factor in listings.into_iter().flatten() {
        sources.require(&factor.source_id)?;
        if let Some(twin) = factors.insert(factor.id.clone(), factor) {
            return Err(FactorError::reference(format!("factor `{}` stands twice", twin.id)));
        }
    }
    Ok(factors)
}

/// `fs-` and 16 hexadecimal digits of SHA-256 over the sorted lines: numbers, sources, rules of the tables that are not
/// numbers, and digests of imports. Sorting makes the order of rows in a file irrelevant.
fn content_address(lines: impl Iterator<Item = String>) -> FactorSetId {
    let mut lines: Vec<String> = lines.collect();
    lines.sort_unstable();
    let mut hash = Sha256::new();
    for line in lines {
        hash.update(line.as_bytes());
        hash.update(b"\n");
    }
    let start = hash.finalize().iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    FactorSetId::new(format!("fs-{start:016x}"))
}

#[cfg(test)]
mod tests;
