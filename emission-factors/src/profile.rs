//! Coefficients of the peers' published methods.
//!
//! A method profile reproduces another tool, so its numbers stand apart from ours: they are that tool's numbers, its
//! mistakes among them, and no other method reads them. What a peer's licence lets us pass on (Apache-2.0 tables of
//! Cloud Carbon Footprint and of SPRUCE) is embedded. What it does not (BoaviztAPI's data, AGPL-3.0, and the table that
//! SPRUCE derived from it) comes from the user's own copy: [`boavizta::import`] and [`spruce::import_instances`] turn
//! that copy into tables in our own form, which the factor set then reads like its own.

pub mod boavizta;
pub mod ccf;
mod listing;
pub mod spruce;

pub use listing::Replication;

use crate::{FactorError, provenance::Sources, value::Factor};

/// The coefficients of every profile.
#[derive(Debug, Clone)]
pub struct Table {
    /// Cloud Carbon Footprint.
    pub ccf: ccf::Ccf,
    /// SPRUCE.
    pub spruce: spruce::Spruce,
    /// SPRUCE's table of instances, where the user imported it.
    pub spruce_instances: Option<spruce::Instances>,
    /// Boavizta's instances and grid factors, where the user imported them.
    pub boavizta: Option<boavizta::Boavizta>,
}

impl Table {
    /// Reads the embedded tables.
    ///
    /// # Errors
    /// When a table is faulty or names an unknown source.
    pub fn load(sources: &Sources) -> Result<Self, FactorError> {
        Ok(Self {
            ccf: ccf::Ccf::load(sources)?,
            spruce: spruce::Spruce::load(sources)?,
            spruce_instances: None,
            boavizta: None,
        })
    }

    /// Every number of these tables.
    pub fn factors(&self) -> Vec<Factor> {
        let mut factors = self.ccf.factors();
        factors.extend(self.spruce.factors());
        factors.extend(self.spruce_instances.iter().flat_map(spruce::Instances::factors));
        factors.extend(self.boavizta.iter().flat_map(boavizta::Boavizta::factors));
        factors
    }
}
