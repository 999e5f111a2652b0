//! Reading factor files into what the set takes.

use std::{collections::BTreeMap, path::Path};

use airshed_emission_factors::{
    FactorSetBuilder,
    compute::{PowerCurvePoints, import_power_csv},
    grid::{HourlyCsvSummary, HourlyGrid, HourlyGridBuilder, read_hourly_csv},
    profile::{
        boavizta::{self, Boavizta},
        spruce,
    },
    provenance::{Source, Sources},
};
use anyhow::{Context as _, ensure};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::{Deserialize, Serialize};

use crate::failure::Problem;

/// Kinds of factor files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Hourly grid intensities, CSV or Parquet.
    Grid,
    /// Measured power curves, CSV.
    Power,
    /// Boavizta's tables, computed from the package.
    Boavizta,
    /// SPRUCE's table of instances.
    Spruce,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Grid, Self::Power, Self::Boavizta, Self::Spruce];

    /// Its folder in the ledger.
    pub(super) const fn folder(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Power => "power",
            Self::Boavizta => "boavizta",
            Self::Spruce => "spruce",
        }
    }
}

/// A file that was understood.
pub(super) enum Parsed {
    Grid(HourlyGrid, HourlyCsvSummary),
    Power(BTreeMap<String, PowerCurvePoints>, Vec<Source>),
    Boavizta(Box<Boavizta>, String),
    Spruce(spruce::Instances),
}

/// Boavizta's tables in our form, as they are kept.
#[derive(Serialize, Deserialize)]
struct BoaviztaTables {
    instances_csv: String,
    regions_csv: String,
    /// Instance types left out, each with the reason.
    skipped: BTreeMap<String, String>,
}

/// Power curves with the sources that they name, as they are kept.
#[derive(Serialize, Deserialize)]
struct PowerTables {
    curves_csv: String,
    sources_csv: Option<String>,
}

pub(super) fn parse(kind: Kind, name: &str, bytes: &[u8]) -> anyhow::Result<Parsed> {
    let text = || std::str::from_utf8(bytes).with_context(|| Problem::failed(format!("{name} is not text")));
    Ok(match kind {
        Kind::Grid => {
            let mut builder = HourlyGridBuilder::default();
            let summary = if bytes.starts_with(b"PAR1") {
                read_parquet(bytes, &mut builder)?
            } else {
                read_hourly_csv(bytes, &mut builder)?
            };
            ensure!(summary.rows > 0, Problem::failed(format!("{name} holds no hour with a value")));
            Parsed::Grid(builder.build()?, summary)
        }
        Kind::Power => {
            let tables: PowerTables = serde_json::from_slice(bytes)?;
            let own = match &tables.sources_csv {
                Some(text) => Sources::from_csv(name, text)?,
                None => Sources::default(),
            };
            let mut all = Sources::embedded()?;
            for source in own.iter() {
                all.insert(source.clone())?;
            }
            let curves = import_power_csv(name, &tables.curves_csv, &all)?;
            Parsed::Power(curves, own.iter().cloned().collect())
        }
        Kind::Boavizta => {
            let tables: BoaviztaTables = serde_json::from_slice(bytes)?;
            let parsed = Boavizta::from_csv(&tables.instances_csv, &tables.regions_csv)?;
            let instances = tables.instances_csv.lines().count().saturating_sub(1);
            Parsed::Boavizta(
                Box::new(parsed),
                format!("{instances} instance types; {} without figures", tables.skipped.len()),
            )
        }
        Kind::Spruce => {
            let own = spruce::import_instances(text()?)?;
            Parsed::Spruce(spruce::Instances::from_csv(name, &own)?)
        }
    })
}

impl Parsed {
    pub(super) fn add_to(self, builder: FactorSetBuilder) -> FactorSetBuilder {
        match self {
            Self::Grid(grid, _) => builder.with_hourly_grid(grid),
            Self::Power(curves, sources) => {
                sources.into_iter().fold(builder, FactorSetBuilder::with_source).with_power_curves(curves)
            }
            Self::Boavizta(tables, _) => builder.with_boavizta(*tables),
            Self::Spruce(instances) => builder.with_spruce_instances(instances),
        }
    }

    /// What the file holds, in a line.
    pub(super) fn summary(&self) -> String {
        match self {
            Self::Grid(grid, summary) => {
                let zones = grid.zone_names().count();
                format!(
                    "{} hours of {zones} zones; {} rows without a value",
                    summary.rows, summary.rows_without_value
                )
            }
            Self::Power(curves, _) => format!("{} power curves", curves.len()),
            Self::Boavizta(_, summary) => summary.clone(),
            Self::Spruce(instances) => format!("{} factors of instance types", instances.factors().len()),
        }
    }
}

/// Parquet with the columns of the CSV form, batch by batch through the same reader.
fn read_parquet(bytes: &[u8], builder: &mut HourlyGridBuilder) -> anyhow::Result<HourlyCsvSummary> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::copy_from_slice(bytes))?.build()?;
    let mut total = HourlyCsvSummary::default();
    for batch in reader {
        let mut csv = arrow_csv::WriterBuilder::new().with_header(true).build(Vec::new());
        csv.write(&batch?)?;
        let summary = read_hourly_csv(csv.into_inner().as_slice(), builder)?;
        total.rows += summary.rows;
        total.rows_without_value += summary.rows_without_value;
    }
    Ok(total)
}

/// Power curves, and the sources that stand in a file of the same name that ends in `.sources.csv`.
pub(super) fn power_tables(
    file: &Path,
    read: &dyn Fn(&Path) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<Vec<u8>> {
    let text = |path: &Path| {
        String::from_utf8(read(path)?)
            .with_context(|| Problem::failed(format!("{} is not text", path.display())))
    };
    let beside = file.with_extension("sources.csv");
    let sources_csv = if beside.is_file() { Some(text(&beside)?) } else { None };
    Ok(serde_json::to_vec(&PowerTables { curves_csv: text(file)?, sources_csv })?)
}

/// Computes Boavizta's tables from the folder of an installed package.
pub(super) fn boavizta_tables(
    folder: &Path,
    read: &dyn Fn(&Path) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<Vec<u8>> {
    let data = if folder.join("data").is_dir() { folder.join("data") } else { folder.to_owned() };
    let mut texts = Vec::new();
    for path in boavizta::Files::PATHS {
        let bytes = read(&data.join(path)).with_context(|| {
            Problem::failed(format!("{} is not an installed boaviztapi package", folder.display()))
                .hint("name the folder that holds data/archetypes, such as .venv/lib/python3.12/site-packages/boaviztapi")
        })?;
        texts.push(String::from_utf8(bytes).with_context(|| format!("{path} is not text"))?);
    }
    let [instances, servers, regions, processors, ram, ssd, electricity, memory_types] = texts.as_slice()
    else {
        anyhow::bail!("the package's list of files has changed");
    };
    let files =
        boavizta::Files { instances, servers, regions, processors, ram, ssd, electricity, memory_types };
    let import = boavizta::import(&files)?;
    let skipped = import.skipped.into_iter().map(|skipped| (skipped.instance_type, skipped.reason)).collect();
    let tables =
        BoaviztaTables { instances_csv: import.instances_csv, regions_csv: import.regions_csv, skipped };
    Ok(serde_json::to_vec(&tables)?)
}
