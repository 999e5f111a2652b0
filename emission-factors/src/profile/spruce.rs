//! Numbers of SPRUCE 1.2 (DigitalPebble, Apache-2.0).
//!
//! Network, storage, serverless, GPU and Bedrock coefficients and the facility and grid values per region are embedded.
//! Its table of instances (`boavizta/instanceTypes.csv`) is not: its numbers were computed with BoaviztAPI, whose data
//! are AGPL-3.0. [`import_instances`] reads it from the user's own copy of SPRUCE. Without it the profile leaves
//! instances unmapped.

use std::{collections::BTreeMap, fmt::Write as _};

use super::listing::{Constants, Origin, Replication};
use crate::{FactorError, provenance::Sources, table, value::Factor};

const CONSTANT: &str = "profile/spruce/constant";
const REGION: &str = "profile/spruce/region";
const ACCELERATOR: &str = "profile/spruce/accelerator";
const BEDROCK: &str = "profile/spruce/bedrock";
const INSTANCE: &str = "profile/spruce/instance";

/// Constants that hold for every line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpruceConstants {
    /// Factor on CO2e for power supplies.
    pub power_supply_overhead: f64,
    /// Factor on CO2e for transmission losses.
    pub transmission_overhead: f64,
    /// Solid state storage, Wh per TB-hour (TB of 1024 GB).
    pub ssd_wh_per_tb_h: f64,
    /// Disk storage, Wh per TB-hour (TB of 1024 GB).
    pub hdd_wh_per_tb_h: f64,
    /// Hours of every month.
    pub hours_per_month: f64,
    /// Transfer within a region, kWh per GB.
    pub network_intra_region_kwh_per_gb: f64,
    /// Transfer between regions, kWh per GB at each end.
    pub network_inter_region_kwh_per_gb: f64,
    /// Transfer from and to the internet, kWh per GB.
    pub network_internet_kwh_per_gb: f64,
    /// Serverless memory, kWh per GB-hour.
    pub serverless_memory_kwh_per_gb_h: f64,
    /// Serverless x86 processors, kWh per vCPU-hour.
    pub serverless_x86_kwh_per_vcpu_h: f64,
    /// Serverless Arm processors, kWh per vCPU-hour.
    pub serverless_arm_kwh_per_vcpu_h: f64,
    /// GPU utilisation, 0 to 1.
    pub gpu_utilization: f64,
}

/// Facility and grid of a region.
#[derive(Debug, Clone, PartialEq)]
pub struct SpruceRegion {
    /// Power usage effectiveness.
    pub pue: f64,
    /// Water usage effectiveness, litres per kWh, where published.
    pub wue_l_per_kwh: Option<f64>,
    /// Yearly carbon intensity, gCO2e/kWh.
    pub intensity_g_per_kwh: f64,
    /// Water behind the electricity, litres per kWh, where known.
    pub electricity_water_l_per_kwh: Option<f64>,
    note: String,
    origin: Origin,
}

/// GPUs of an instance type.
#[derive(Debug, Clone, PartialEq)]
pub struct SpruceAccelerator {
    /// How many.
    pub gpus: f64,
    /// Power of one at rest, W.
    pub min_w: f64,
    /// Power of one at full load, W.
    pub max_w: f64,
    gpu: String,
    origin: Origin,
}

/// A hosted model.
#[derive(Debug, Clone, PartialEq)]
pub struct SpruceModel {
    /// Energy, kWh per 1,000 output tokens.
    pub kwh_per_1k_tokens: f64,
    /// Embodied emissions, gCO2e per 1,000 output tokens.
    pub embodied_g_per_1k_tokens: f64,
    note: String,
    origin: Origin,
}

/// Every number of the profile that is embedded.
#[derive(Debug, Clone, PartialEq)]
pub struct Spruce {
    /// Constants that hold for every line.
    pub constants: SpruceConstants,
    /// Copies of stored data.
    pub replication: Replication,
    listed: Constants,
    regions: BTreeMap<String, SpruceRegion>,
    accelerators: BTreeMap<String, SpruceAccelerator>,
    models: BTreeMap<String, SpruceModel>,
}

impl Spruce {
    pub(super) fn load(sources: &Sources) -> Result<Self, FactorError> {
        let text = include_str!("../../data/profile/spruce/constants.csv");
        let listed = Constants::read(CONSTANT, "profile/spruce/constants.csv", text, sources)?;
        Ok(Self {
            constants: SpruceConstants::read(&listed)?,
            replication: Replication::read(&listed)?,
            listed,
            regions: read_regions(sources)?,
            accelerators: read_accelerators(sources)?,
            models: read_models(sources)?,
        })
    }

    /// A region.
    pub fn region(&self, name: &str) -> Option<&SpruceRegion> {
        self.regions.get(name)
    }

    /// The GPUs of an EC2 instance type.
    pub fn accelerator(&self, instance_type: &str) -> Option<&SpruceAccelerator> {
        self.accelerators.get(instance_type)
    }

    /// A Bedrock model, by the key in its usage types, such as `Mixtral8x7B`.
    pub fn model(&self, key: &str) -> Option<&SpruceModel> {
        self.models.get(key)
    }

    /// Every number in its listing form.
    pub fn factors(&self) -> Vec<Factor> {
        let mut factors: Vec<Factor> = self.listed.factors().collect();
        for (name, region) in &self.regions {
            let mut add = |part: &str, unit, value| {
                factors.push(region.origin.factor(
                    REGION,
                    &format!("{name}/{part}"),
                    unit,
                    value,
                    &region.note,
                ));
            };
            add("pue", "1", region.pue);
            add("intensity", "gCO2e/kWh", region.intensity_g_per_kwh);
            if let Some(value) = region.wue_l_per_kwh {
                add("wue", "L/kWh", value);
            }
            if let Some(value) = region.electricity_water_l_per_kwh {
                add("water", "L/kWh", value);
            }
        }
        for (name, SpruceAccelerator { gpus, min_w, max_w, gpu, origin }) in &self.accelerators {
            factors.push(origin.factor(ACCELERATOR, &format!("{name}/gpus"), "1", *gpus, gpu));
            factors.push(origin.factor(ACCELERATOR, &format!("{name}/min"), "W", *min_w, gpu));
            factors.push(origin.factor(ACCELERATOR, &format!("{name}/max"), "W", *max_w, gpu));
        }
        for (name, model) in &self.models {
            let SpruceModel { kwh_per_1k_tokens, embodied_g_per_1k_tokens, note, origin } = model;
            let unit = "kWh/(1000 tokens)";
            factors.push(origin.factor(BEDROCK, &format!("{name}/energy"), unit, *kwh_per_1k_tokens, note));
            let unit = "gCO2e/(1000 tokens)";
            factors.push(origin.factor(
                BEDROCK,
                &format!("{name}/embodied"),
                unit,
                *embodied_g_per_1k_tokens,
                note,
            ));
        }
        factors
    }
}

impl SpruceConstants {
    fn read(listed: &Constants) -> Result<Self, FactorError> {
        Ok(Self {
            power_supply_overhead: listed.get("power_supply_overhead")?,
            transmission_overhead: listed.get("transmission_overhead")?,
            ssd_wh_per_tb_h: listed.get("ssd_wh_per_tb_h")?,
            hdd_wh_per_tb_h: listed.get("hdd_wh_per_tb_h")?,
            hours_per_month: listed.get("hours_per_month")?,
            network_intra_region_kwh_per_gb: listed.get("network_intra_region_kwh_per_gb")?,
            network_inter_region_kwh_per_gb: listed.get("network_inter_region_kwh_per_gb")?,
            network_internet_kwh_per_gb: listed.get("network_internet_kwh_per_gb")?,
            serverless_memory_kwh_per_gb_h: listed.get("serverless_memory_kwh_per_gb_h")?,
            serverless_x86_kwh_per_vcpu_h: listed.get("serverless_x86_kwh_per_vcpu_h")?,
            serverless_arm_kwh_per_vcpu_h: listed.get("serverless_arm_kwh_per_vcpu_h")?,
            gpu_utilization: listed.get("gpu_utilization")?,
        })
    }
}

fn read_regions(sources: &Sources) -> Result<BTreeMap<String, SpruceRegion>, FactorError> {
    const COLUMNS: &[&str] = &[
        "region",
        "pue",
        "wue_l_per_kwh",
        "intensity_g_per_kwh",
        "electricity_water_l_per_kwh",
        "source_id",
        "page",
        "note",
    ];
    let text = include_str!("../../data/profile/spruce/regions.csv");
    let mut regions = BTreeMap::new();
    for row in table::read("profile/spruce/regions.csv", text, COLUMNS)? {
        let region = SpruceRegion {
            pue: row.amount("pue")?,
            wue_l_per_kwh: row.optional_number("wue_l_per_kwh")?,
            intensity_g_per_kwh: row.amount("intensity_g_per_kwh")?,
            electricity_water_l_per_kwh: row.optional_number("electricity_water_l_per_kwh")?,
            note: row.optional_text("note")?.unwrap_or("").to_owned(),
            origin: Origin::read(&row, sources)?,
        };
        regions.insert(row.text("region")?.to_owned(), region);
    }
    Ok(regions)
}

fn read_accelerators(sources: &Sources) -> Result<BTreeMap<String, SpruceAccelerator>, FactorError> {
    const COLUMNS: &[&str] = &["instance_type", "gpus", "gpu", "min_w", "max_w", "source_id", "page"];
    let text = include_str!("../../data/profile/spruce/accelerators.csv");
    let mut accelerators = BTreeMap::new();
    for row in table::read("profile/spruce/accelerators.csv", text, COLUMNS)? {
        let accelerator = SpruceAccelerator {
            gpus: row.amount("gpus")?,
            min_w: row.amount("min_w")?,
            max_w: row.amount("max_w")?,
            gpu: row.text("gpu")?.to_owned(),
            origin: Origin::read(&row, sources)?,
        };
        accelerators.insert(row.text("instance_type")?.to_owned(), accelerator);
    }
    Ok(accelerators)
}

fn read_models(sources: &Sources) -> Result<BTreeMap<String, SpruceModel>, FactorError> {
    const COLUMNS: &[&str] =
        &["model", "kwh_per_1k_tokens", "embodied_g_per_1k_tokens", "source_id", "page", "note"];
    let text = include_str!("../../data/profile/spruce/bedrock.csv");
    let mut models = BTreeMap::new();
    for row in table::read("profile/spruce/bedrock.csv", text, COLUMNS)? {
        let model = SpruceModel {
            kwh_per_1k_tokens: row.amount("kwh_per_1k_tokens")?,
            embodied_g_per_1k_tokens: row.amount("embodied_g_per_1k_tokens")?,
            note: row.optional_text("note")?.unwrap_or("").to_owned(),
            origin: Origin::read(&row, sources)?,
        };
        models.insert(row.text("model")?.to_owned(), model);
    }
    Ok(models)
}

/// One row of SPRUCE's table of instances, as it stands there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpruceInstance {
    /// Energy of one hour, kWh; too low by 3.6 in SPRUCE 1.2.
    pub energy_kwh_per_hour: f64,
    /// Embodied emissions of one hour, gCO2e.
    pub embodied_g_per_hour: f64,
}

/// SPRUCE's table of instances, from the user's own copy.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Instances(BTreeMap<String, SpruceInstance>);

/// Id of the source that imported instances name.
pub const INSTANCES_SOURCE: &str = "spruce-instances-import";

const INSTANCE_COLUMNS: &[&str] = &["instance_type", "energy_kwh_per_hour", "embodied_g_per_hour"];

/// Turns SPRUCE's `src/main/resources/boavizta/instanceTypes.csv` (four columns without a heading: type, kWh per hour,
/// gCO2e per hour, gSb-eq per hour) into a table in our form, which [`Instances::from_csv`] reads.
///
/// # Errors
/// When a line is not such a row.
pub fn import_instances(text: &str) -> Result<String, FactorError> {
    const FILE: &str = "instanceTypes.csv";
    let mut rows: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let problem = |what: &str| FactorError::table(format!("{FILE}: line {}: {what}", index + 1));
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let [instance_type, energy, embodied, _] = cells[..] else {
            return Err(problem("expected four columns"));
        };
        let number = |cell: &str| {
            let value = cell.parse::<f64>().ok().filter(|value| value.is_finite() && *value >= 0.0);
            value.ok_or_else(|| problem("not a number of at least 0"))
        };
        if rows.insert(instance_type, (number(energy)?, number(embodied)?)).is_some() {
            return Err(problem("instance type stands twice"));
        }
    }
    if rows.is_empty() {
        return Err(FactorError::table(format!("{FILE}: no rows")));
    }
    let mut out = INSTANCE_COLUMNS.join(",") + "\n";
    for (instance_type, (energy, embodied)) in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{instance_type},{energy:?},{embodied:?}");
    }
    Ok(out)
}

impl Instances {
    /// Reads what [`import_instances`] wrote.
    ///
    /// # Errors
    /// When the text is not that table.
    pub fn from_csv(file: &str, text: &str) -> Result<Self, FactorError> {
        let mut instances = BTreeMap::new();
        for row in table::read(file, text, INSTANCE_COLUMNS)? {
            let instance = SpruceInstance {
                energy_kwh_per_hour: row.amount("energy_kwh_per_hour")?,
                embodied_g_per_hour: row.amount("embodied_g_per_hour")?,
            };
            if instances.insert(row.text("instance_type")?.to_owned(), instance).is_some() {
                return Err(row.error("instance_type", "stands twice"));
            }
        }
        Ok(Self(instances))
    }

    /// An instance type, without the prefix or suffix of a managed service.
    pub fn get(&self, instance_type: &str) -> Option<SpruceInstance> {
        self.0.get(instance_type).copied()
    }

    /// Ids of the factors of an instance type: `energy`, `embodied`.
    pub fn factor_id(instance_type: &str, part: &str) -> String {
        format!("{INSTANCE}/{instance_type}/{part}")
    }

    /// Every number in its listing form.
    pub fn factors(&self) -> Vec<Factor> {
        let origin =
            Origin { source_id: INSTANCES_SOURCE.to_owned(), page: "boavizta/instanceTypes.csv".to_owned() };
        let mut factors = Vec::with_capacity(2 * self.0.len());
        for (name, SpruceInstance { energy_kwh_per_hour, embodied_g_per_hour }) in &self.0 {
            let key = format!("{name}/energy");
            factors.push(origin.factor(INSTANCE, &key, "kWh/h", *energy_kwh_per_hour, ""));
            let key = format!("{name}/embodied");
            factors.push(origin.factor(INSTANCE, &key, "gCO2e/h", *embodied_g_per_hour, ""));
        }
        factors
    }
}
