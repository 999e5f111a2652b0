//! Processors, their microarchitectures, and accelerators.
//!
//! SPECpower figures stand by microarchitecture, because AWS rents out processors made for it that no published result
//! names; thermal design power stands by processor. Either can be a stand-in, and each says so by itself.

use std::collections::BTreeMap;

use crate::{FactorError, provenance::Sources, table, value::Band};

const PROCESSOR_COLUMNS: &[&str] = &[
    "key",
    "name",
    "vendor",
    "microarchitecture",
    "tdp_low_w",
    "tdp_w",
    "tdp_high_w",
    "threads_per_socket",
    "spec_proxy",
    "tdp_proxy",
    "source",
    "page",
    "note",
];

const MICROARCHITECTURE_COLUMNS: &[&str] = &[
    "key",
    "idle_low_w_per_thread",
    "idle_w_per_thread",
    "idle_high_w_per_thread",
    "full_low_w_per_thread",
    "full_w_per_thread",
    "full_high_w_per_thread",
    "memory_gib_per_thread",
    "source",
    "page",
    "note",
];

const ACCELERATOR_COLUMNS: &[&str] = &[
    "key",
    "name",
    "idle_low_w",
    "idle_w",
    "idle_high_w",
    "full_low_w",
    "full_w",
    "full_high_w",
    "embodied_low_kg",
    "embodied_kg",
    "embodied_high_kg",
    "proxy",
    "source",
    "page",
    "note",
];

/// Where a row was read: source id, page and note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citation {
    /// Id of the source.
    pub source_id: String,
    /// Page, table, column or cell.
    pub page: String,
    /// What a reader should know.
    pub note: String,
}

impl Citation {
    pub(super) fn of_row(row: &table::Row<'_>, sources: &Sources) -> Result<Self, FactorError> {
        Ok(Self {
            source_id: sources.require(row.text("source")?)?.to_owned(),
            page: row.text("page")?.to_owned(),
            note: row.optional_text("note")?.unwrap_or("").to_owned(),
        })
    }
}

/// A processor model as hosts carry it.
#[derive(Debug, Clone, PartialEq)]
pub struct Processor {
    /// Key, such as `intel-xeon-platinum-8175m`.
    pub key: String,
    /// Name as its maker writes it.
    pub name: String,
    /// Maker.
    pub vendor: String,
    /// Key of its [`Microarchitecture`], such as `skylake`.
    pub microarchitecture: String,
    /// Thermal design power of one socket, W.
    pub tdp_w: Band,
    /// Hardware threads of one socket.
    pub threads_per_socket: f64,
    /// Whether the SPECpower figures are those of another core.
    pub spec_proxy: bool,
    /// Whether the thermal design power is that of another processor or an estimate.
    pub tdp_proxy: bool,
    /// Where the thermal design power was read.
    pub citation: Citation,
}

/// Whole-server power by hardware thread, from SPECpower results.
#[derive(Debug, Clone, PartialEq)]
pub struct Microarchitecture {
    /// Key, such as `skylake`.
    pub key: String,
    /// At active idle, W per thread.
    pub idle_w_per_thread: Band,
    /// At 100 percent target load, W per thread.
    pub full_w_per_thread: Band,
    /// Memory of those servers by thread, GiB: its power is part of the figures above.
    pub memory_gib_per_thread: f64,
    /// Where it was read.
    pub citation: Citation,
}

/// A GPU or another accelerator.
#[derive(Debug, Clone, PartialEq)]
pub struct Accelerator {
    /// Key, such as `nvidia-a100`.
    pub key: String,
    /// Name as its maker writes it.
    pub name: String,
    /// Power at rest, W.
    pub idle_w: Band,
    /// Power at full load, W.
    pub full_w: Band,
    /// Embodied emissions of one, kgCO2e.
    pub embodied_kg: Band,
    /// Whether a figure is an estimate.
    pub proxy: bool,
    /// Where it was read.
    pub citation: Citation,
}

pub(super) fn read_processors(
    file: &str,
    text: &str,
    sources: &Sources,
) -> Result<BTreeMap<String, Processor>, FactorError> {
    let mut processors = BTreeMap::new();
    for row in table::read(file, text, PROCESSOR_COLUMNS)? {
        let processor = Processor {
            key: row.text("key")?.to_owned(),
            name: row.text("name")?.to_owned(),
            vendor: row.text("vendor")?.to_owned(),
            microarchitecture: row.text("microarchitecture")?.to_owned(),
            tdp_w: row.band("tdp_low_w", "tdp_w", "tdp_high_w")?,
            threads_per_socket: row.positive("threads_per_socket")?,
            spec_proxy: row.flag("spec_proxy")?,
            tdp_proxy: row.flag("tdp_proxy")?,
            citation: Citation::of_row(&row, sources)?,
        };
        insert(&mut processors, processor.key.clone(), processor, &row)?;
    }
    Ok(processors)
}

pub(super) fn read_microarchitectures(
    file: &str,
    text: &str,
    sources: &Sources,
) -> Result<BTreeMap<String, Microarchitecture>, FactorError> {
    let mut microarchitectures = BTreeMap::new();
    for row in table::read(file, text, MICROARCHITECTURE_COLUMNS)? {
        let microarchitecture = Microarchitecture {
            key: row.text("key")?.to_owned(),
            idle_w_per_thread: row.band(
                "idle_low_w_per_thread",
                "idle_w_per_thread",
                "idle_high_w_per_thread",
            )?,
            full_w_per_thread: row.band(
                "full_low_w_per_thread",
                "full_w_per_thread",
                "full_high_w_per_thread",
            )?,
            memory_gib_per_thread: row.amount("memory_gib_per_thread")?,
            citation: Citation::of_row(&row, sources)?,
        };
        insert(&mut microarchitectures, microarchitecture.key.clone(), microarchitecture, &row)?;
    }
    Ok(microarchitectures)
}

pub(super) fn read_accelerators(
    file: &str,
    text: &str,
    sources: &Sources,
) -> Result<BTreeMap<String, Accelerator>, FactorError> {
    let mut accelerators = BTreeMap::new();
    for row in table::read(file, text, ACCELERATOR_COLUMNS)? {
        let accelerator = Accelerator {
            key: row.text("key")?.to_owned(),
            name: row.text("name")?.to_owned(),
            idle_w: row.band("idle_low_w", "idle_w", "idle_high_w")?,
            full_w: row.band("full_low_w", "full_w", "full_high_w")?,
            embodied_kg: row.band("embodied_low_kg", "embodied_kg", "embodied_high_kg")?,
            proxy: row.flag("proxy")?,
            citation: Citation::of_row(&row, sources)?,
        };
        insert(&mut accelerators, accelerator.key.clone(), accelerator, &row)?;
    }
    Ok(accelerators)
}

fn insert<T>(
    map: &mut BTreeMap<String, T>,
    key: String,
    value: T,
    row: &table::Row<'_>,
) -> Result<(), FactorError> {
    match map.insert(key, value) {
        None => Ok(()),
        Some(_) => Err(row.error("key", "stands twice")),
    }
}
