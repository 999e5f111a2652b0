//! From the data files of an installed `boaviztapi` package to tables in our own form.
//!
//! An instance type names a server and its share of it; the server names a processor. A type whose server or processor
//! is not in the files is not guessed: it is listed in [`Import::skipped`]. The texts are passed in, so the import is the
//! same wherever the package lies; a file without the columns that it needs is an error.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt::Write as _,
};

use super::{
    EmbodiedScope, INSTANCE_COLUMNS, LOADS_PCT, REGION_COLUMNS, embodied,
    power::{self, LoadCurve},
    sheet::{Row, Sheet},
};
use crate::FactorError;

const INSTANCE_FIELDS: &[&str] =
    &["id", "vcpu", "memory", "ssd_storage", "hdd_storage", "gpu_units", "platform"];
const SERVER_FIELDS: &[&str] = &[
    "id",
    "CPU.name",
    "CPU.units",
    "RAM.units",
    "RAM.capacity",
    "SSD.units",
    "SSD.capacity",
    "HDD.units",
    "HDD.capacity",
    "POWER_SUPPLY.units",
    "POWER_SUPPLY.unit_weight",
    "USAGE.hours_life_time",
];
const PROCESSOR_FIELDS: &[&str] = &["name", "code_name", "tdp", "cores", "threads", "total_die_size"];

/// Texts of the data files, by their path under the package's `data` folder.
#[derive(Debug, Clone, Copy)]
pub struct Files<'t> {
    /// `archetypes/cloud/aws.csv`.
    pub instances: &'t str,
    /// `archetypes/server.csv`.
    pub servers: &'t str,
    /// `archetypes/cloud/regions.csv`.
    pub regions: &'t str,
    /// `crowdsourcing/cpu_specs.csv`.
    pub processors: &'t str,
    /// `crowdsourcing/ram_manufacture.csv`.
    pub ram: &'t str,
    /// `crowdsourcing/ssd_manufacture.csv`.
    pub ssd: &'t str,
    /// `crowdsourcing/electrical_mix.csv`.
    pub electricity: &'t str,
    /// `consumption_profile/ram/memory_type.csv`.
    pub memory_types: &'t str,
}

impl Files<'_> {
    /// The paths, in the order of the fields.
    pub const PATHS: [&'static str; 8] = [
        "archetypes/cloud/aws.csv",
        "archetypes/server.csv",
        "archetypes/cloud/regions.csv",
        "crowdsourcing/cpu_specs.csv",
        "crowdsourcing/ram_manufacture.csv",
        "crowdsourcing/ssd_manufacture.csv",
        "crowdsourcing/electrical_mix.csv",
        "consumption_profile/ram/memory_type.csv",
    ];
}

/// What an import yields.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// Table for [`super::Boavizta::from_csv`].
    pub instances_csv: String,
    /// Table for [`super::Boavizta::from_csv`].
    pub regions_csv: String,
    /// Instance types that the formulas could not be applied to.
    pub skipped: Vec<Skipped>,
}

/// An instance type without a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The type.
    pub instance_type: String,
    /// Why.
    pub reason: String,
}

/// Everything of one server that an instance is a share of.
struct Server<'s> {
    row: Row<'s>,
    cpus: f64,
    threads: f64,
    tdp_w: f64,
    die_mm2: f64,
    memory_type: Option<&'s str>,
    ram_units: f64,
    ram_gb: f64,
    ssd: (f64, f64),
    hdd: (f64, f64),
}

/// Tables that every instance needs.
struct Data {
    processors: Sheet,
    memory_types: BTreeMap<String, String>,
    ram_density: f64,
    ssd_density: f64,
    curve: LoadCurve,
}

/// Computes power and embodied emissions of every AWS instance type, and the grid factor of every AWS region.
///
/// # Errors
/// When a file is not the table that it should be.
pub fn import(files: &Files<'_>) -> Result<Import, FactorError> {
    let [instances, servers, _, processors, ram, ssd, _, memory_types] = Files::PATHS;
    let instances = Sheet::read(instances, files.instances, INSTANCE_FIELDS)?;
    let servers = Sheet::read(servers, files.servers, SERVER_FIELDS)?;
    let by_id: BTreeMap<&str, Row<'_>> = servers.rows().map(|row| (row.text("id"), row)).collect();
    let memory_types = Sheet::read(memory_types, files.memory_types, &["cpu_family", "memory_type"])?;
    let data = Data {
        processors: Sheet::read(processors, files.processors, PROCESSOR_FIELDS)?,
        memory_types: memory_types
            .rows()
            .map(|row| (row.text("cpu_family").to_owned(), row.text("memory_type").to_owned()))
            .collect(),
        ram_density: Sheet::read(ram, files.ram, &["density"])?.mean("density")?,
        ssd_density: Sheet::read(ssd, files.ssd, &["density"])?.mean("density")?,
        curve: LoadCurve::fitted(),
    };
    // Many instance types share a server, and finding its processor reads a long list.
    let mut known: BTreeMap<&str, Result<Server<'_>, String>> = BTreeMap::new();
    let mut rows: BTreeMap<&str, String> = BTreeMap::new();
    let mut skipped = Vec::new();
    for row in instances.rows() {
        let (id, platform) = (row.text("id"), row.text("platform"));
        let found = match known.entry(platform) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(server(platform, &by_id, &data)?),
        };
        match found {
            Ok(server) => {
                rows.insert(id, instance_line(row, server, &data)?);
            }
            Err(reason) => skipped.push(Skipped { instance_type: id.to_owned(), reason: reason.clone() }),
        }
    }
    let mut instances_csv = INSTANCE_COLUMNS.join(",") + "\n";
    for line in rows.values() {
        instances_csv.push_str(line);
    }
    Ok(Import { instances_csv, regions_csv: regions_csv(files)?, skipped })
}

/// The server behind an instance type, or why there is none to compute with.
fn server<'s>(
    platform: &str,
    servers: &BTreeMap<&str, Row<'s>>,
    data: &'s Data,
) -> Result<Result<Server<'s>, String>, FactorError> {
    let Some(row) = servers.get(platform).copied() else {
        return Ok(Err(format!("no server `{platform}`")));
    };
    let name = row.text("CPU.name");
    let Some(processor) = find_processor(name, &data.processors) else {
        return Ok(Err(format!("no processor `{name}` of server `{platform}`")));
    };
    let (Some(tdp), Some(threads)) =
        (processor.optional_number("tdp")?, processor.optional_number("threads")?)
    else {
        return Ok(Err(format!("processor `{name}` has no TDP or no threads")));
    };
    let cpus = row.number("CPU.units")?;
    let family = processor.text("code_name");
    let memory_type =
        data.memory_types.get(family).or_else(|| data.memory_types.get(family.split('-').next()?));
    let drives = |kind: &str| -> Result<(f64, f64), FactorError> {
        let units = row.optional_number(&format!("{kind}.units"))?.unwrap_or(0.0);
        Ok((units, row.optional_number(&format!("{kind}.capacity"))?.unwrap_or(0.0)))
    };
    Ok(Ok(Server {
        row,
        cpus,
        threads: threads.trunc() * cpus,
        tdp_w: tdp.trunc(),
        die_mm2: embodied::die_mm2(processor, &data.processors)?,
        memory_type: memory_type.map(String::as_str),
        ram_units: row.number("RAM.units")?,
        ram_gb: row.number("RAM.capacity")?,
        ssd: drives("SSD")?,
        hdd: drives("HDD")?,
    }))
}

/// The first processor whose words are among those of the name, or the other way round: what the API's fuzzy match
/// (token set ratio) gives full marks.
fn find_processor<'s>(name: &str, processors: &'s Sheet) -> Option<Row<'s>> {
    let wanted = words(name);
    if wanted.is_empty() {
        return None;
    }
    processors.rows().find(|row| {
        let listed = words(row.text("name"));
        let within = |few: &[String], many: &[String]| few.iter().all(|word| many.contains(word));
        !listed.is_empty() && (within(&listed, &wanted) || within(&wanted, &listed))
    })
}

fn words(name: &str) -> Vec<String> {
    name.split_whitespace().map(str::to_lowercase).collect()
}

fn instance_line(instance: Row<'_>, server: &Server<'_>, data: &Data) -> Result<String, FactorError> {
    let cpu_share = instance.number("vcpu")? / server.threads;
    let ram_share = instance.number("memory")? / (server.ram_units * server.ram_gb);
    let disk_share = |column: &str, (units, gb): (f64, f64)| -> Result<f64, FactorError> {
        let stored_gb = instance.optional_number(column)?.unwrap_or(0.0);
        Ok(if units > 0.0 && gb > 0.0 { stored_gb / (units * gb) } else { 0.0 })
    };
    let ssd_share = disk_share("ssd_storage", server.ssd)?;
    let hdd_share = disk_share("hdd_storage", server.hdd)?;

    let dimm_gb = power::typical_dimm_gb(server.memory_type);
    let dimms = server.ram_units * server.ram_gb / dimm_gb;
    let disks_w = power::SSD_W * server.ssd.0 * ssd_share + power::HDD_W * server.hdd.0 * hdd_share;

    let mut line = instance.text("id").to_owned();
    for load in LOADS_PCT.map(f64::from) {
        let cpu_w = data.curve.processor_w(server.tdp_w, load) * server.cpus * cpu_share;
        let ram_w = power::dimm_w(dimm_gb, load) * dimms * ram_share;
        let watts = (cpu_w + ram_w) * (1.0 + power::OTHER_SHARE) + disks_w;
        // Writing to a String cannot fail.
        let _ = write!(line, ",{watts:?}");
    }

    let supplies = server.row.number("POWER_SUPPLY.units")?;
    let supply_kg = server.row.number("POWER_SUPPLY.unit_weight")?;
    let kg = embodied::processor_kg(server.die_mm2) * server.cpus * cpu_share
        + embodied::ram_kg(server.ram_gb, data.ram_density) * server.ram_units * ram_share
        + embodied::ssd_kg(server.ssd.1, data.ssd_density) * server.ssd.0 * ssd_share
        + embodied::hdd_kg() * server.hdd.0 * hdd_share
        + embodied::rest_kg(supplies, supply_kg) * cpu_share;
    let grams_per_hour = kg * 1000.0 / server.row.number("USAGE.hours_life_time")?;
    let gpus = instance.optional_number("gpu_units")?.unwrap_or(0.0);
    let scope = if gpus > 0.0 { EmbodiedScope::WithoutGpus } else { EmbodiedScope::Whole };
    let _ = writeln!(line, ",{grams_per_hour:?},{}", scope.as_str());
    Ok(line)
}

/// AWS regions with the factor of their country: the source of the first priority that has the country.
fn regions_csv(files: &Files<'_>) -> Result<String, FactorError> {
    let regions = Sheet::read(Files::PATHS[2], files.regions, &["provider", "region", "usage_location"])?;
    let mix = Sheet::read(Files::PATHS[6], files.electricity, &["name", "priority"])?;
    let mut sources = Vec::new();
    for row in mix.rows().filter(|row| row.text("name") == "gwp") {
        sources.push((row.number("priority")?, row));
    }
    sources.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut rows = BTreeMap::new();
    for row in regions.rows().filter(|row| row.text("provider") == "aws") {
        let country = row.text("usage_location");
        for (_, source) in &sources {
            if let Some(kg_per_kwh) = source.optional_number(country)? {
                rows.insert(row.text("region"), format!("{country},{:?}", kg_per_kwh * 1000.0));
                break;
            }
        }
    }
    let mut csv = REGION_COLUMNS.join(",") + "\n";
    for (region, rest) in rows {
        let _ = writeln!(csv, "{region},{rest}");
    }
    Ok(csv)
}
