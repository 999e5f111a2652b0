//! Boavizta's instances and grid factors, from the user's own copy of BoaviztAPI.
//!
//! BoaviztAPI's data are AGPL-3.0 and are not shipped. [`import`] reads the data files of an installed `boaviztapi`
//! package and computes, by Boavizta's published formulas, what the API answers for each AWS instance type: power at
//! eleven loads and embodied emissions per hour. The result is a pair of tables in our own form, which
//! [`Boavizta::from_csv`] reads. No code of BoaviztAPI is used.

mod embodied;
mod import;
mod power;
mod sheet;

use std::collections::BTreeMap;

pub use self::import::{Files, Import, Skipped, import};
use super::listing::Origin;
use crate::{FactorError, table, value::Factor};

/// Loads at which power is tabled, percent.
pub const LOADS_PCT: [u8; 11] = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100];

/// Id of the source that imported rows name.
pub const SOURCE: &str = "boaviztapi-import";

const INSTANCE: &str = "profile/boavizta/instance";
const REGION: &str = "profile/boavizta/region";

const INSTANCE_COLUMNS: &[&str] = &[
    "instance_type",
    "power_w_0",
    "power_w_10",
    "power_w_20",
    "power_w_30",
    "power_w_40",
    "power_w_50",
    "power_w_60",
    "power_w_70",
    "power_w_80",
    "power_w_90",
    "power_w_100",
    "embodied_g_per_hour",
    "embodied_scope",
];
const REGION_COLUMNS: &[&str] = &["region", "country", "g_per_kwh"];

/// What the embodied emissions of an instance type cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbodiedScope {
    /// Everything that Boavizta counts.
    Whole,
    /// All but the GPUs, whose emissions the import does not compute.
    WithoutGpus,
}

impl EmbodiedScope {
    const ALL: [Self; 2] = [Self::Whole, Self::WithoutGpus];

    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::WithoutGpus => "without_gpus",
        }
    }
}

/// One instance type.
#[derive(Debug, Clone, PartialEq)]
pub struct BoaviztaInstance {
    /// Power at each of [`LOADS_PCT`], W.
    pub power_w: [f64; 11],
    /// Embodied emissions of one hour, gCO2e.
    pub embodied_g_per_hour: f64,
    /// What they cover.
    pub embodied_scope: EmbodiedScope,
}

/// The grid factor of a region: that of its country.
#[derive(Debug, Clone, PartialEq)]
pub struct BoaviztaRegion {
    /// ISO 3166 code of three letters.
    pub country: String,
    /// Carbon intensity, gCO2e/kWh.
    pub g_per_kwh: f64,
}

/// Both tables.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Boavizta {
    instances: BTreeMap<String, BoaviztaInstance>,
    regions: BTreeMap<String, BoaviztaRegion>,
}

impl Boavizta {
    /// Reads what [`import`] wrote.
    ///
    /// # Errors
    /// When a text is not its table.
    pub fn from_csv(instances_csv: &str, regions_csv: &str) -> Result<Self, FactorError> {
        let mut tables = Self::default();
        for row in table::read("boavizta_instances.csv", instances_csv, INSTANCE_COLUMNS)? {
            let mut power_w = [0.0; 11];
            for (watts, load) in power_w.iter_mut().zip(LOADS_PCT) {
                *watts = row.amount(&format!("power_w_{load}"))?;
            }
            let scope = row.text("embodied_scope")?;
            let instance = BoaviztaInstance {
                power_w,
                embodied_g_per_hour: row.amount("embodied_g_per_hour")?,
                embodied_scope: EmbodiedScope::ALL
                    .into_iter()
                    .find(|known| known.as_str() == scope)
                    .ok_or_else(|| row.error("embodied_scope", "is neither `whole` nor `without_gpus`"))?,
            };
            if tables.instances.insert(row.text("instance_type")?.to_owned(), instance).is_some() {
                return Err(row.error("instance_type", "stands twice"));
            }
        }
        for row in table::read("boavizta_regions.csv", regions_csv, REGION_COLUMNS)? {
            let region = BoaviztaRegion {
                country: row.text("country")?.to_owned(),
                g_per_kwh: row.amount("g_per_kwh")?,
            };
            if tables.regions.insert(row.text("region")?.to_owned(), region).is_some() {
                return Err(row.error("region", "stands twice"));
            }
        }
        Ok(tables)
    }

    /// An instance type, such as `m5.xlarge` or `db.m5.xlarge`.
    pub fn instance(&self, instance_type: &str) -> Option<&BoaviztaInstance> {
        self.instances.get(instance_type)
    }

    /// A region.
    pub fn region(&self, region: &str) -> Option<&BoaviztaRegion> {
        self.regions.get(region)
    }

    /// Id of the factor of an instance type: `power_w_50`, `embodied`.
    pub fn instance_factor_id(instance_type: &str, part: &str) -> String {
        format!("{INSTANCE}/{instance_type}/{part}")
    }

    /// Id of the factor of a region.
    pub fn region_factor_id(region: &str) -> String {
        format!("{REGION}/{region}")
    }

    /// Every number in its listing form.
    pub fn factors(&self) -> Vec<Factor> {
        let origin = Origin { source_id: SOURCE.to_owned(), page: "computed from its data files".to_owned() };
        let mut factors = Vec::new();
        for (name, instance) in &self.instances {
            let BoaviztaInstance { power_w, embodied_g_per_hour, embodied_scope } = instance;
            for (watts, load) in power_w.iter().zip(LOADS_PCT) {
                factors.push(origin.factor(INSTANCE, &format!("{name}/power_w_{load}"), "W", *watts, ""));
            }
            let (key, note) = (format!("{name}/embodied"), embodied_scope.as_str());
            factors.push(origin.factor(INSTANCE, &key, "gCO2e/h", *embodied_g_per_hour, note));
        }
        for (name, BoaviztaRegion { country, g_per_kwh }) in &self.regions {
            factors.push(origin.factor(REGION, name, "gCO2e/kWh", *g_per_kwh, country));
        }
        factors
    }
}

#[cfg(test)]
mod tests;
