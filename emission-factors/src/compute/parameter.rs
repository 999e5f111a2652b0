//! Parameters of the compute models: numbers that hold for every host.

use std::collections::BTreeMap;

use super::processor::Citation;
use crate::{FactorError, provenance::Sources, table, value::Band};

const COLUMNS: &[&str] = &["key", "low", "central", "high", "source", "page", "note"];

/// Every parameter with its unit.
const UNITS: &[(&str, &str)] = &[
    ("dimm_base_w", "W"),
    ("dimm_gib", "GiB"),
    ("dimm_idle_share", "1"),
    ("dimm_w_per_gib", "W/GiB"),
    ("embodied_base_kg", "kgCO2e"),
    ("embodied_cpu_kg_per_socket", "kgCO2e"),
    ("embodied_hdd_kg_per_drive", "kgCO2e"),
    ("embodied_memory_kg_per_gib", "kgCO2e/GiB"),
    ("embodied_ssd_kg_per_gb", "kgCO2e/GB"),
    ("hdd_w_per_drive", "W"),
    ("lifetime_hours", "h"),
    ("memory_w_per_gib", "W/GiB"),
    ("ssd_w_per_drive", "W"),
    ("tdp_log_a", "1"),
    ("tdp_log_c", "percent"),
    ("tdp_log_d", "1"),
    ("tdp_log_platform_share", "1"),
];

/// Every parameter, by name; the units stand in the names.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// Memory above what SPECpower figures hold, W/GiB.
    pub memory_w_per_gib: Band,
    /// Size of a memory module, GiB.
    pub dimm_gib: Band,
    /// Power of a module without its chips, W.
    pub dimm_base_w: Band,
    /// Power of the chips of a module, W/GiB.
    pub dimm_w_per_gib: Band,
    /// Power of a module at load 0 as a share of its power at load 1.
    pub dimm_idle_share: Band,
    /// Factor of the logarithm of the curve over thermal design power.
    pub tdp_log_a: Band,
    /// Offset of the load of that curve, percent.
    pub tdp_log_c: Band,
    /// Offset of the power of that curve.
    pub tdp_log_d: Band,
    /// Rest of the server as a share of processor and memory.
    pub tdp_log_platform_share: Band,
    /// A flash drive, W.
    pub ssd_w_per_drive: Band,
    /// A rotating drive, W.
    pub hdd_w_per_drive: Band,
    /// Making a server without processors, memory, disks and accelerators, kgCO2e.
    pub embodied_base_kg: Band,
    /// Making a processor, kgCO2e.
    pub embodied_cpu_kg_per_socket: Band,
    /// Making memory, kgCO2e/GiB.
    pub embodied_memory_kg_per_gib: Band,
    /// Making flash, kgCO2e/GB.
    pub embodied_ssd_kg_per_gb: Band,
    /// Making a rotating drive, kgCO2e.
    pub embodied_hdd_kg_per_drive: Band,
    /// Life of a server, h; its low value gives the high bound of emissions.
    pub lifetime_hours: Band,
    pub(super) rows: Vec<ParameterRow>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct ParameterRow {
    pub(super) key: String,
    pub(super) value: Band,
    pub(super) unit: &'static str,
    pub(super) citation: Citation,
}

pub(super) fn read(file: &str, text: &str, sources: &Sources) -> Result<Parameters, FactorError> {
    let mut rows = Vec::new();
    let mut values = BTreeMap::new();
    for row in table::read(file, text, COLUMNS)? {
        let key = row.text("key")?.to_owned();
        let value = row.band("low", "central", "high")?;
        if values.insert(key.clone(), value).is_some() {
            return Err(row.error("key", &format!("`{key}` stands twice")));
        }
        let unit = UNITS.iter().find(|(name, _)| *name == key).map(|(_, unit)| *unit);
        let unit = unit.ok_or_else(|| row.error("key", &format!("`{key}` is not a parameter")))?;
        rows.push(ParameterRow { key, value, unit, citation: Citation::of_row(&row, sources)? });
    }
    let take = |key: &str| {
        values
            .get(key)
            .copied()
            .ok_or_else(|| FactorError::table(format!("{file}: parameter `{key}` is missing")))
    };
    Ok(Parameters {
        memory_w_per_gib: take("memory_w_per_gib")?,
        dimm_gib: take("dimm_gib")?,
        dimm_base_w: take("dimm_base_w")?,
        dimm_w_per_gib: take("dimm_w_per_gib")?,
        dimm_idle_share: take("dimm_idle_share")?,
        tdp_log_a: take("tdp_log_a")?,
        tdp_log_c: take("tdp_log_c")?,
        tdp_log_d: take("tdp_log_d")?,
        tdp_log_platform_share: take("tdp_log_platform_share")?,
        ssd_w_per_drive: take("ssd_w_per_drive")?,
        hdd_w_per_drive: take("hdd_w_per_drive")?,
        embodied_base_kg: take("embodied_base_kg")?,
        embodied_cpu_kg_per_socket: take("embodied_cpu_kg_per_socket")?,
        embodied_memory_kg_per_gib: take("embodied_memory_kg_per_gib")?,
        embodied_ssd_kg_per_gb: take("embodied_ssd_kg_per_gb")?,
        embodied_hdd_kg_per_drive: take("embodied_hdd_kg_per_drive")?,
        lifetime_hours: take("lifetime_hours")?,
        rows,
    })
}
