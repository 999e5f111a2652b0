//! Boavizta's embodied emissions of a server share, without GPUs.
//!
//! Each part of the server is counted by itself (processor by its die, memory and solid state drives by the die area
//! that their capacity takes) and shared out by vCPU, memory or disk space. Figures: Green Cloud Computing (Umweltbundesamt
//! TEXTE 94/2021) and ADEME, as Boavizta publishes them: <https://doc.api.boavizta.org/Explanations/components/>.

use super::{
    power::significant,
    sheet::{Row, Sheet},
};
use crate::FactorError;

/// A processor beside its die, kgCO2e.
const CPU_KG: f64 = 9.14;
/// A processor's die, kgCO2e per mm2.
const CPU_DIE_KG_PER_MM2: f64 = 0.0197;
/// A memory module beside its dies, kgCO2e.
const RAM_KG: f64 = 5.22;
/// A solid state drive beside its dies, kgCO2e.
const SSD_KG: f64 = 6.34;
/// Dies of memory and solid state drives, kgCO2e per cm2.
const DIE_KG_PER_CM2: f64 = 2.20;
/// A disk drive, kgCO2e.
const HDD_KG: f64 = 31.11;
/// Assembly, rack case and motherboard of a server, kgCO2e.
const SERVER_KG: f64 = 6.68 + 150.0 + 66.10;
/// A power supply, kgCO2e per kg.
const POWER_SUPPLY_KG_PER_KG: f64 = 24.30;

/// One processor, kgCO2e.
pub(super) fn processor_kg(die_mm2: f64) -> f64 {
    CPU_KG + CPU_DIE_KG_PER_MM2 * die_mm2
}

/// One memory module, kgCO2e.
pub(super) fn ram_kg(capacity_gb: f64, density_gb_per_cm2: f64) -> f64 {
    RAM_KG + DIE_KG_PER_CM2 * capacity_gb / density_gb_per_cm2
}

/// One solid state drive, kgCO2e.
pub(super) fn ssd_kg(capacity_gb: f64, density_gb_per_cm2: f64) -> f64 {
    SSD_KG + DIE_KG_PER_CM2 * capacity_gb / density_gb_per_cm2
}

/// One disk drive, kgCO2e.
pub(super) fn hdd_kg() -> f64 {
    HDD_KG
}

/// What is shared out by vCPU besides processors, kgCO2e.
pub(super) fn rest_kg(power_supplies: f64, power_supply_kg: f64) -> f64 {
    SERVER_KG + power_supplies * power_supply_kg * POWER_SUPPLY_KG_PER_KG
}

/// Die area of a processor, mm2. Where it is not listed: the mean of its family with as many cores, else the family's
/// area per core, else a straight line over the family's cores; three digits.
pub(super) fn die_mm2(processor: Row<'_>, cpus: &Sheet) -> Result<f64, FactorError> {
    if let Some(listed) = processor.optional_number("total_die_size")? {
        return Ok(listed.trunc());
    }
    let cores = processor.number("cores")?;
    let mut listed = Vec::new();
    for row in cpus.rows() {
        if let Some(area) = row.optional_number("total_die_size")? {
            listed.push((row.text("code_name"), row.optional_number("cores")?, area));
        }
    }
    let family = processor.text("code_name");
    let known = listed.iter().any(|(name, ..)| *name == family);
    let points: Vec<(Option<f64>, f64)> = listed
        .iter()
        .filter(|(name, ..)| !known || *name == family)
        .map(|(_, cores, area)| (*cores, *area))
        .collect();
    let same: Vec<f64> = points.iter().filter(|(c, _)| *c == Some(cores)).map(|(_, area)| *area).collect();
    if !same.is_empty() {
        return Ok(significant(mean(&same), 3));
    }
    if let Some((Some(first), area)) = points.first().copied()
        && points.iter().all(|(c, _)| *c == Some(first))
    {
        return Ok(significant(area * cores / first, 3));
    }
    let points: Vec<(f64, f64)> = points.into_iter().filter_map(|(c, area)| Some((c?, area))).collect();
    let (xs, ys): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    let (mean_x, mean_y) = (mean(&xs), mean(&ys));
    let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let slope = covariance / variance;
    Ok(significant(mean_y - slope * mean_x + slope * cores, 3))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
