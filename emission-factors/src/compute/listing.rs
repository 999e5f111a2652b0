//! The listing form of every number of the compute tables.

use airshed_domain::id::FactorId;

use super::{
    Accelerator, Architecture, DiskKind, InstanceType, Microarchitecture, PowerModel, Processor, Table,
    processor::Citation,
};
use crate::value::{Band, Factor};

const INSTANCE: &str = "compute/instance";
const PROCESSOR: &str = "compute/processor";
const MICROARCHITECTURE: &str = "compute/microarchitecture";
const ACCELERATOR: &str = "compute/accelerator";
const PARAMETER: &str = "compute/parameter";
const ALIAS: &str = "compute/alias";
const MEASURED: &str = "compute/measured";

impl Table {
    /// Every number of these tables.
    pub fn factors(&self) -> Vec<Factor> {
        let mut factors = Vec::new();
        self.instances.values().for_each(|instance| list_instance(instance, &mut factors));
        self.processors.values().for_each(|processor| list_processor(processor, &mut factors));
        self.microarchitectures.values().for_each(|micro| list_microarchitecture(micro, &mut factors));
        self.accelerators.values().for_each(|accelerator| list_accelerator(accelerator, &mut factors));
        for row in &self.parameters.rows {
            factors.push(factor(PARAMETER, &row.key, "", row.unit, row.value, &row.citation));
        }
        for (name, alias) in &self.aliases {
            let citation = Citation {
                note: format!("{} stands in. {}", alias.target, alias.citation.note),
                ..alias.citation.clone()
            };
            factors.push(factor(ALIAS, name, "", "instance", one(1.0), &citation));
        }
        for (name, points) in &self.power_curves {
            let citation =
                Citation { source_id: points.source_id.clone(), page: name.clone(), note: String::new() };
            for (load, w) in ["w_0", "w_10", "w_50", "w_100"].into_iter().zip(points.w) {
                factors.push(factor(MEASURED, name, load, "W", one(w), &citation));
            }
        }
        factors
    }

    /// Ids of the factors behind the power of an instance, and of no others: each names a number, or a row of which every
    /// number has an id under it (`crate::FactorSet::factors_under`).
    pub fn power_factor_ids(&self, instance: &InstanceType, model: PowerModel) -> Vec<FactorId> {
        let id = |kind: &str, key: &str| FactorId::new(format!("{kind}/{key}"));
        if model == PowerModel::MeasuredPoints {
            return vec![id(MEASURED, &instance.name)];
        }
        let mut ids = vec![id(INSTANCE, &instance.name)];
        if let Some(share) = &instance.accelerators {
            ids.push(id(ACCELERATOR, &share.accelerator));
        }
        let mut parameters: Vec<&str> = Vec::new();
        if let Some(processor) = self.processor(&instance.processor) {
            if model != PowerModel::TdpLog {
                ids.push(id(MICROARCHITECTURE, &processor.microarchitecture));
                parameters.push("memory_w_per_gib");
            }
            if model != PowerModel::SpecLinear {
                ids.push(id(PROCESSOR, &processor.key));
                parameters.extend(["tdp_log_a", "tdp_log_c", "tdp_log_d", "tdp_log_platform_share"]);
            }
            if model == PowerModel::TdpLog {
                parameters.extend(["dimm_base_w", "dimm_gib", "dimm_idle_share", "dimm_w_per_gib"]);
            }
        }
        parameters.extend(instance.disks.map(|disks| match disks.kind {
            DiskKind::Ssd => "ssd_w_per_drive",
            DiskKind::Hdd => "hdd_w_per_drive",
        }));
        ids.extend(parameters.into_iter().map(|key| id(PARAMETER, key)));
        ids
    }

    /// Ids of the factors behind the embodied emissions of an instance, as for [`Table::power_factor_ids`]. The life of
    /// the server is the caller's.
    pub fn embodied_factor_ids(&self, instance: &InstanceType) -> Vec<FactorId> {
        let id = |kind: &str, key: &str| FactorId::new(format!("{kind}/{key}"));
        let mut parameters =
            vec!["embodied_base_kg", "embodied_cpu_kg_per_socket", "embodied_memory_kg_per_gib"];
        parameters.extend(instance.disks.map(|disks| match disks.kind {
            DiskKind::Ssd => "embodied_ssd_kg_per_gb",
            DiskKind::Hdd => "embodied_hdd_kg_per_drive",
        }));
        let mut ids = vec![id(INSTANCE, &instance.name)];
        ids.extend(instance.accelerators.as_ref().map(|share| id(ACCELERATOR, &share.accelerator)));
        ids.extend(parameters.into_iter().map(|key| id(PARAMETER, key)));
        ids
    }
}

/// A number that is its own bounds. Every caller passes a number that was checked when its table was read.
fn one(value: f64) -> Band {
    Band::exact(value).unwrap_or(Band::ZERO)
}

fn factor(
    kind: &'static str,
    key: &str,
    part: &str,
    unit: &'static str,
    value: Band,
    citation: &Citation,
) -> Factor {
    let id = if part.is_empty() { format!("{kind}/{key}") } else { format!("{kind}/{key}/{part}") };
    Factor {
        id: FactorId::new(id),
        kind,
        key: key.to_owned(),
        unit,
        value,
        source_id: citation.source_id.clone(),
        page: citation.page.clone(),
        valid_from: None,
        valid_to: None,
        note: citation.note.clone(),
    }
}

fn list_instance(instance: &InstanceType, factors: &mut Vec<Factor>) {
    let architecture = match instance.architecture {
        Architecture::X86 => "x86_64",
        Architecture::Arm => "arm64",
    };
    let note = format!("Processor {}, {architecture}", instance.processor);
    let citation = Citation { source_id: instance.source_id.clone(), page: instance.name.clone(), note };
    let mut list = |part: &str, unit: &'static str, value: f64, note: Option<String>| {
        let citation = Citation { note: note.unwrap_or_else(|| citation.note.clone()), ..citation.clone() };
        factors.push(factor(INSTANCE, &instance.name, part, unit, one(value), &citation));
    };
    list(
        "vcpu",
        "vCPU",
        instance.vcpu,
        instance.bare_metal.then(|| format!("{}, bare metal", citation.note)),
    );
    list("memory_gib", "GiB", instance.memory_gib, None);
    list("threads_per_vcpu", "1", instance.threads_per_vcpu, None);
    if let Some(disks) = instance.disks {
        let kind = if disks.kind == DiskKind::Ssd { "SSD" } else { "HDD" };
        list("disk_count", "1", disks.count, Some(kind.to_owned()));
        list("disk_total_gb", "GB", disks.total_gb, Some(kind.to_owned()));
    }
    if let Some(share) = &instance.accelerators {
        list("accelerator_count", "1", share.count, Some(share.accelerator.clone()));
    }
    let host = if instance.host.documented { "Documented platform" } else { "Largest size, whole sockets" };
    list("host_vcpu", "vCPU", instance.host.vcpu, Some(host.to_owned()));
    list("host_memory_gib", "GiB", instance.host.memory_gib, Some(host.to_owned()));
    list("host_sockets", "1", instance.host.sockets, Some(host.to_owned()));
    let assumed = if instance.processor_assumed { "; none is published, a stand-in" } else { "" };
    let processor = Citation {
        source_id: instance.processor_source_id.clone(),
        page: format!("processor of {}", instance.name),
        note: format!("{}{assumed}", instance.processor),
    };
    factors.push(factor(INSTANCE, &instance.name, "processor", "processor", one(1.0), &processor));
    if let (Some(share), Some(source_id)) = (instance.burst_baseline, &instance.burst_source_id) {
        let credits = Citation {
            source_id: source_id.clone(),
            page: format!("table of CPU credits, {}", instance.name),
            note: "Share of each vCPU without credits".to_owned(),
        };
        factors.push(factor(INSTANCE, &instance.name, "burst_baseline", "1", one(share), &credits));
    }
}

fn list_processor(processor: &Processor, factors: &mut Vec<Factor>) {
    let mut citation = processor.citation.clone();
    let mut words =
        vec![processor.name.clone(), processor.vendor.clone(), processor.microarchitecture.clone()];
    words.extend(processor.spec_proxy.then(|| "SPECpower of a stand-in".to_owned()));
    words.extend(processor.tdp_proxy.then(|| "TDP of a stand-in".to_owned()));
    words.extend(Some(citation.note).filter(|note| !note.is_empty()));
    citation.note = words.join("; ");
    factors.push(factor(PROCESSOR, &processor.key, "tdp_w", "W", processor.tdp_w, &citation));
    let threads = one(processor.threads_per_socket);
    factors.push(factor(PROCESSOR, &processor.key, "threads_per_socket", "1", threads, &citation));
}

fn list_microarchitecture(micro: &Microarchitecture, factors: &mut Vec<Factor>) {
    let mut list = |part: &str, unit: &'static str, value: Band| {
        factors.push(factor(MICROARCHITECTURE, &micro.key, part, unit, value, &micro.citation));
    };
    list("idle_w_per_thread", "W", micro.idle_w_per_thread);
    list("full_w_per_thread", "W", micro.full_w_per_thread);
    list("memory_gib_per_thread", "GiB", one(micro.memory_gib_per_thread));
}

fn list_accelerator(accelerator: &Accelerator, factors: &mut Vec<Factor>) {
    let mut citation = accelerator.citation.clone();
    let proxy = if accelerator.proxy { "; estimate" } else { "" };
    citation.note = format!("{}{proxy}; {}", accelerator.name, citation.note);
    let mut list = |part: &str, unit: &'static str, value: Band| {
        factors.push(factor(ACCELERATOR, &accelerator.key, part, unit, value, &citation));
    };
    list("idle_w", "W", accelerator.idle_w);
    list("full_w", "W", accelerator.full_w);
    list("embodied_kg", "kgCO2e", accelerator.embodied_kg);
}
