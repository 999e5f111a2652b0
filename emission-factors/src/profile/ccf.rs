//! Numbers of Cloud Carbon Footprint, as its code of 2024 uses them.
//!
//! Taken from the npm packages `@cloud-carbon-footprint/aws` 0.15.0 and `core` 0.17.3 (Apache-2.0). Reproduced as they
//! stand, faulty entries included; `docs/methodology/profile-ccf.md` names the faults. What the tool computes from them
//! is in the kernels' `profile::ccf`.

use std::collections::BTreeMap;

use super::listing::{Constants, Origin, Replication};
use crate::{FactorError, provenance::Sources, table, value::Factor};

const CONSTANT: &str = "profile/ccf/constant";
const PROCESSOR: &str = "profile/ccf/processor";
const INSTANCE: &str = "profile/ccf/instance";
const REGION: &str = "profile/ccf/region";
/// The region whose factor serves regions that are not listed.
const OTHER_REGION: &str = "Unknown";

const PROCESSOR_COLUMNS: &[&str] =
    &["processor", "min_w", "max_w", "memory_gb_per_chip", "source_id", "page"];
const REGION_COLUMNS: &[&str] = &["region", "g_per_kwh", "source_id", "page"];
const INSTANCE_COLUMNS: &[&str] = &[
    "instance_type",
    "vcpu",
    "redshift_vcpu",
    "memory_gb",
    "largest_vcpu",
    "largest_memory_gb",
    "embodied_tco2e",
    "embodied_largest_vcpu",
    "processors",
    "gpus",
    "gpu_processors",
    "baseline_pct",
    "source_id",
    "page",
];

/// Constants that hold for every line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CcfConstants {
    /// Power usage effectiveness, the same in every region.
    pub pue: f64,
    /// Processor and GPU utilisation, 0 to 1.
    pub cpu_utilization: f64,
    /// Power of an unknown processor at rest, W per vCPU.
    pub cpu_min_w_per_vcpu: f64,
    /// Power of an unknown processor at full load, W per vCPU.
    pub cpu_max_w_per_vcpu: f64,
    /// Memory that the power per vCPU of an unknown processor includes, GB per chip.
    pub memory_gb_per_chip: f64,
    /// Memory beyond that, kWh per GB-hour.
    pub memory_kwh_per_gb_h: f64,
    /// Solid state storage, Wh per TB-hour.
    pub ssd_wh_per_tb_h: f64,
    /// Disk storage, Wh per TB-hour.
    pub hdd_wh_per_tb_h: f64,
    /// Data transfer, kWh per GB.
    pub network_kwh_per_gb: f64,
    /// Life of a server, hours.
    pub server_lifespan_h: f64,
    /// vCPUs that one chip carries at most.
    pub vcpus_per_chip: f64,
    /// vCPUs of a Glue data processing unit.
    pub glue_vcpus_per_dpu: f64,
    /// Aurora capacity units that one vCPU is taken to carry.
    pub acu_per_vcpu: f64,
}

/// A processor (per vCPU) or a GPU (per card).
#[derive(Debug, Clone, PartialEq)]
pub struct CcfProcessor {
    /// Power at rest, W.
    pub min_w: f64,
    /// Power at full load, W.
    pub max_w: f64,
    /// Memory of the measured servers, GB per chip; processors only.
    pub memory_gb_per_chip: Option<f64>,
    origin: Origin,
}

/// An instance type; what the tool's lists lack is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct CcfInstance {
    /// vCPUs.
    pub vcpu: Option<f64>,
    /// vCPUs of a Redshift node.
    pub redshift_vcpu: Option<f64>,
    /// Memory and the machine it is a share of.
    pub memory: Option<CcfMemory>,
    /// Emissions of making the machine, and its size.
    pub embodied: Option<CcfEmbodied>,
    /// Names of the processors that it may run on, for [`Ccf::processor`].
    pub processors: Vec<String>,
    /// GPUs.
    pub gpus: f64,
    /// Names of those GPUs.
    pub gpu_processors: Vec<String>,
    /// Baseline utilisation of a burstable type, percent.
    pub baseline_pct: Option<f64>,
    origin: Origin,
}

/// Memory of an instance type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CcfMemory {
    /// Memory, GB.
    pub gb: f64,
    /// vCPUs of the last size listed for the family.
    pub largest_vcpu: f64,
    /// Memory of that size, GB.
    pub largest_gb: f64,
}

/// Embodied emissions of the machine behind an instance type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CcfEmbodied {
    /// Emissions of making the machine, tCO2e.
    pub t: f64,
    /// vCPUs of the last size listed for the family.
    pub largest_vcpu: f64,
}

/// Every number of the profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Ccf {
    /// Constants that hold for every line.
    pub constants: CcfConstants,
    /// Copies of stored data.
    pub replication: Replication,
    listed: Constants,
    processors: BTreeMap<String, CcfProcessor>,
    instances: BTreeMap<String, CcfInstance>,
    regions: BTreeMap<String, (f64, Origin)>,
    other_region_g_per_kwh: f64,
}

impl Ccf {
    pub(super) fn load(sources: &Sources) -> Result<Self, FactorError> {
        let text = include_str!("../../data/profile/ccf/constants.csv");
        let listed = Constants::read(CONSTANT, "profile/ccf/constants.csv", text, sources)?;
        let regions = read_regions(sources)?;
        let other = regions.get(OTHER_REGION).map(|(value, _)| *value);
        Ok(Self {
            constants: CcfConstants::read(&listed)?,
            replication: Replication::read(&listed)?,
            listed,
            processors: read_processors(sources)?,
            instances: read_instances(sources)?,
            regions,
            other_region_g_per_kwh: other.ok_or_else(|| {
                FactorError::reference("profile/ccf/regions.csv: no factor for unknown regions")
            })?,
        })
    }

    /// A processor or GPU that has watts.
    pub fn processor(&self, name: &str) -> Option<&CcfProcessor> {
        self.processors.get(name)
    }

    /// An instance type, such as `m5.xlarge`.
    pub fn instance(&self, instance_type: &str) -> Option<&CcfInstance> {
        self.instances.get(instance_type)
    }

    /// Instance types that have a baseline.
    pub fn burstable(&self) -> impl Iterator<Item = &str> {
        self.instances.iter().filter(|(_, i)| i.baseline_pct.is_some()).map(|(name, _)| name.as_str())
    }

    /// Grid factor of a region, gCO2e/kWh, and the id it is listed under: the tool's average of all its regions where
    /// it does not list the region.
    pub fn grid(&self, region: Option<&str>) -> (String, f64) {
        let listed = region.and_then(|name| self.regions.get(name).map(|(value, _)| (name, *value)));
        let (name, value) = listed.unwrap_or((OTHER_REGION, self.other_region_g_per_kwh));
        (format!("{REGION}/{name}"), value)
    }

    /// Every number in its listing form.
    pub fn factors(&self) -> Vec<Factor> {
        let mut factors: Vec<Factor> = self.listed.factors().collect();
        for (name, processor) in &self.processors {
            let CcfProcessor { min_w, max_w, memory_gb_per_chip, origin } = processor;
            factors.push(origin.factor(PROCESSOR, &format!("{name}/min"), "W", *min_w, ""));
            factors.push(origin.factor(PROCESSOR, &format!("{name}/max"), "W", *max_w, ""));
            let memory = memory_gb_per_chip.iter();
            factors.extend(
                memory.map(|gb| origin.factor(PROCESSOR, &format!("{name}/memory"), "GB/chip", *gb, "")),
            );
        }
        for (name, (value, origin)) in &self.regions {
            factors.push(origin.factor(REGION, name, "gCO2e/kWh", *value, ""));
        }
        for (name, instance) in &self.instances {
            factors.extend(instance.factors(name));
        }
        factors
    }
}

impl CcfConstants {
    fn read(listed: &Constants) -> Result<Self, FactorError> {
        Ok(Self {
            pue: listed.get("pue")?,
            cpu_utilization: listed.get("cpu_utilization")?,
            cpu_min_w_per_vcpu: listed.get("cpu_min_w_per_vcpu")?,
            cpu_max_w_per_vcpu: listed.get("cpu_max_w_per_vcpu")?,
            memory_gb_per_chip: listed.get("memory_gb_per_chip")?,
            memory_kwh_per_gb_h: listed.get("memory_kwh_per_gb_h")?,
            ssd_wh_per_tb_h: listed.get("ssd_wh_per_tb_h")?,
            hdd_wh_per_tb_h: listed.get("hdd_wh_per_tb_h")?,
            network_kwh_per_gb: listed.get("network_kwh_per_gb")?,
            server_lifespan_h: listed.get("server_lifespan_h")?,
            vcpus_per_chip: listed.get("vcpus_per_chip")?,
            glue_vcpus_per_dpu: listed.get("glue_vcpus_per_dpu")?,
            acu_per_vcpu: listed.get("acu_per_vcpu")?,
        })
    }
}

impl CcfInstance {
    /// Ids of the factors of an instance type: `vcpu`, `redshift_vcpu`, `memory`, `embodied`, `gpus`, `baseline`.
    pub fn factor_id(instance_type: &str, part: &str) -> String {
        format!("{INSTANCE}/{instance_type}/{part}")
    }

    fn factors(&self, name: &str) -> Vec<Factor> {
        let Self {
            vcpu,
            redshift_vcpu,
            memory,
            embodied,
            processors,
            gpus,
            gpu_processors,
            baseline_pct,
            origin,
        } = self;
        let mut factors = Vec::new();
        let mut add = |part: &str, unit, value: f64, note: &str| {
            factors.push(origin.factor(INSTANCE, &format!("{name}/{part}"), unit, value, note));
        };
        let on = format!("processors: {}", processors.join(", "));
        if let Some(vcpu) = vcpu {
            add("vcpu", "vCPU", *vcpu, &on);
        }
        if let Some(vcpu) = redshift_vcpu {
            add("redshift_vcpu", "vCPU", *vcpu, &on);
        }
        if let Some(CcfMemory { gb, largest_vcpu, largest_gb }) = memory {
            add("memory", "GB", *gb, &format!("of a machine of {largest_vcpu} vCPU and {largest_gb} GB"));
        }
        if let Some(CcfEmbodied { t, largest_vcpu }) = embodied {
            add("embodied", "tCO2e", *t, &format!("of a machine of {largest_vcpu} vCPU"));
        }
        if *gpus > 0.0 {
            add("gpus", "1", *gpus, &gpu_processors.join(", "));
        }
        if let Some(percent) = baseline_pct {
            add("baseline", "%", *percent, "");
        }
        factors
    }
}

fn read_processors(sources: &Sources) -> Result<BTreeMap<String, CcfProcessor>, FactorError> {
    let text = include_str!("../../data/profile/ccf/processors.csv");
    let mut processors = BTreeMap::new();
    for row in table::read("profile/ccf/processors.csv", text, PROCESSOR_COLUMNS)? {
        let processor = CcfProcessor {
            min_w: row.amount("min_w")?,
            max_w: row.amount("max_w")?,
            memory_gb_per_chip: row.optional_number("memory_gb_per_chip")?,
            origin: Origin::read(&row, sources)?,
        };
        processors.insert(row.text("processor")?.to_owned(), processor);
    }
    Ok(processors)
}

fn read_regions(sources: &Sources) -> Result<BTreeMap<String, (f64, Origin)>, FactorError> {
    let text = include_str!("../../data/profile/ccf/regions.csv");
    let mut regions = BTreeMap::new();
    for row in table::read("profile/ccf/regions.csv", text, REGION_COLUMNS)? {
        let value = (row.amount("g_per_kwh")?, Origin::read(&row, sources)?);
        regions.insert(row.text("region")?.to_owned(), value);
    }
    Ok(regions)
}

fn read_instances(sources: &Sources) -> Result<BTreeMap<String, CcfInstance>, FactorError> {
    let text = include_str!("../../data/profile/ccf/instance_types.csv");
    let mut instances = BTreeMap::new();
    for row in table::read("profile/ccf/instance_types.csv", text, INSTANCE_COLUMNS)? {
        let memory = match row.optional_number("memory_gb")? {
            Some(gb) => Some(CcfMemory {
                gb,
                largest_vcpu: row.amount("largest_vcpu")?,
                largest_gb: row.amount("largest_memory_gb")?,
            }),
            None => None,
        };
        let embodied = match row.optional_number("embodied_tco2e")? {
            Some(t) => Some(CcfEmbodied { t, largest_vcpu: row.amount("embodied_largest_vcpu")? }),
            None => None,
        };
        let instance = CcfInstance {
            vcpu: row.optional_number("vcpu")?,
            redshift_vcpu: row.optional_number("redshift_vcpu")?,
            memory,
            embodied,
            processors: names(&row, "processors")?,
            gpus: row.optional_number("gpus")?.unwrap_or(0.0),
            gpu_processors: names(&row, "gpu_processors")?,
            baseline_pct: row.optional_number("baseline_pct")?,
            origin: Origin::read(&row, sources)?,
        };
        instances.insert(row.text("instance_type")?.to_owned(), instance);
    }
    Ok(instances)
}

/// Names separated by `|`; an empty cell holds none.
fn names(row: &table::Row<'_>, column: &str) -> Result<Vec<String>, FactorError> {
    let text = row.optional_text(column)?;
    Ok(text.map(|text| text.split('|').map(str::to_owned).collect()).unwrap_or_default())
}
