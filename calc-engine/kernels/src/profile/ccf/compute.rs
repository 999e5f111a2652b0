//! Cloud Carbon Footprint's rules for compute lines: how many vCPUs a billed unit is, on what, with how much memory.

use airshed_emission_factors::profile::ccf::{Ccf, CcfInstance};

use crate::class::ClassKey;

/// What one billed unit of a compute line is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ComputeUnit {
    /// vCPU-hours; `None` where the tool arrives at "not a number".
    pub(super) vcpu_hours: Option<f64>,
    /// Instance type by which vCPUs and GPUs are looked up.
    pub(super) extracted_type: String,
    /// Instance type by which processors, memory and embodied emissions are looked up; it may keep a prefix (`ml.`).
    pub(super) parsed_type: String,
}

/// Reads the usage type and the stated vCPUs the way the tool does. `unit_hours` is the hours that a billed unit is
/// (1, or 1/3600 for Redshift's seconds).
pub(super) fn compute_unit(key: &ClassKey<'_>, usage_type: &str, unit_hours: f64, ccf: &Ccf) -> ComputeUnit {
    let extracted_type = extract(usage_type);
    let per_hour = vcpus(key, usage_type, &extracted_type, ccf);
    ComputeUnit {
        vcpu_hours: per_hour.map(|vcpus| vcpus * unit_hours),
        parsed_type: parse(usage_type),
        extracted_type,
    }
}

fn vcpus(key: &ClassKey<'_>, usage_type: &str, extracted: &str, ccf: &Ccf) -> Option<f64> {
    match key.service_code {
        Some("AWSGlue") => return Some(ccf.constants.glue_vcpus_per_dpu),
        Some("AmazonSimpleDB") => return Some(1.0),
        _ => {}
    }
    if usage_type.contains("Aurora:ServerlessUsage") {
        return Some(1.0 / ccf.constants.acu_per_vcpu);
    }
    if has_word(usage_type, "Fargate-vCPU-Hours") || has_word(usage_type, "CPUCredits") {
        return Some(1.0);
    }
    if ccf.burstable().any(|name| has_word(usage_type, name)) {
        let mut parts = extracted.split('.');
        let name = match (parts.next(), parts.next()) {
            (Some(family), Some(size)) => format!("{family}.{size}"),
            _ => extracted.to_owned(),
        };
        let baseline_pct = ccf.instance(&name)?.baseline_pct?;
        let share = baseline_pct / (100.0 * ccf.constants.cpu_utilization);
        return Some(listed_vcpus(key, usage_type, &name, ccf)? * share);
    }
    let stated = key.product_vcpu.and_then(|text| text.trim().parse::<f64>().ok());
    stated
        .filter(|vcpus| *vcpus > 0.0 && vcpus.is_finite())
        .or_else(|| listed_vcpus(key, usage_type, extracted, ccf))
}

fn listed_vcpus(key: &ClassKey<'_>, usage_type: &str, instance_type: &str, ccf: &Ccf) -> Option<f64> {
    if let Some((_, node)) = usage_type.rsplit_once("Kafka") {
        return ccf.instance(&format!("Kafka{node}"))?.vcpu;
    }
    let mut parts = instance_type.split('.');
    let (family, size) = (parts.next()?, parts.next()?);
    let instance = ccf.instance(&format!("{family}.{size}"))?;
    if key.service_code == Some("AmazonRedshift") {
        // Hours are divided by 3600 a second time here: a mistake of the tool.
        return instance.redshift_vcpu.map(|vcpus| vcpus / 3600.0);
    }
    instance.vcpu
}

/// Text after the last colon, without the prefix of a managed service.
fn extract(usage_type: &str) -> String {
    let last = usage_type.rsplit(':').next().unwrap_or(usage_type);
    for prefix in ["db.", "cache.", "dax.", "dms.", "ml.", "mq.", "KernelGateway-ml."] {
        if let Some(rest) = last.strip_prefix(prefix) {
            return rest.to_owned();
        }
    }
    // `.+Kafka.`: only with a region prefix before it.
    match last.rsplit_once("Kafka.") {
        Some((before, rest)) if !before.is_empty() => rest.to_owned(),
        _ => last.to_owned(),
    }
}

/// The tool's other reading of the instance type, which keeps the prefixes `ml.`, `mq.`, `dms.` and `dax.`.
fn parse(usage_type: &str) -> String {
    let whole = if usage_type.ends_with("xl") { format!("{usage_type}arge") } else { usage_type.to_owned() };
    let after = |separator: &str| whole.rsplit(separator).next().unwrap_or(&whole).to_owned();
    ["db", "cache", "Kafka"]
        .into_iter()
        .find(|prefix| whole.contains(prefix))
        .map_or_else(|| after(":"), |prefix| after(&format!("{prefix}.")))
}

/// Whether the text holds the word, with a word boundary on both sides.
fn has_word(text: &str, word: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// Power per vCPU (or card) at rest and at full load of the mean of these processors, W; the tool's average where one
/// of them has no watts.
pub(super) fn watts(names: &[String], ccf: &Ccf) -> (f64, f64) {
    let found: Option<Vec<_>> = names.iter().map(|name| ccf.processor(name)).collect();
    match found {
        Some(found) if !found.is_empty() => {
            let count = found.len() as f64;
            let sum = |part: fn(&_) -> f64| found.iter().fold(0.0, |total, p| total + part(p)) / count;
            (sum(|p| p.min_w), sum(|p| p.max_w))
        }
        _ => (ccf.constants.cpu_min_w_per_vcpu, ccf.constants.cpu_max_w_per_vcpu),
    }
}

/// Memory beyond what the power per vCPU includes already, GB; none for burstable types and types that are not listed.
pub(super) fn extra_memory_gb(parsed_type: &str, ccf: &Ccf) -> Option<f64> {
    let (family, size) = two_parts(parsed_type)?;
    let instance = ccf.instance(&format!("{family}.{size}"))?;
    if ccf.instance(parsed_type).is_some_and(|i| i.baseline_pct.is_some()) {
        return None;
    }
    let memory = instance.memory?;
    let processors = ccf.instance(parsed_type).map_or(&[][..], |i| i.processors.as_slice());
    let chips = if ["m5zn", "z1d"].contains(&family) {
        2.0
    } else {
        (memory.largest_vcpu / ccf.constants.vcpus_per_chip).ceil()
    };
    let per_chip = memory.largest_gb / chips;
    let included = included_memory_gb(processors, ccf);
    (per_chip > included).then(|| (per_chip - included) / (memory.largest_gb / memory.gb))
}

fn included_memory_gb(processors: &[String], ccf: &Ccf) -> f64 {
    let found: Option<Vec<f64>> =
        processors.iter().map(|name| ccf.processor(name).and_then(|p| p.memory_gb_per_chip)).collect();
    match found {
        Some(found) if !found.is_empty() => {
            found.iter().fold(0.0, |total, gb| total + gb) / found.len() as f64
        }
        _ => ccf.constants.memory_gb_per_chip,
    }
}

/// Family and size: the first two parts of the type.
fn two_parts(instance_type: &str) -> Option<(&str, &str)> {
    let mut parts = instance_type.split('.');
    Some((parts.next()?, parts.next()?))
}

/// The type behind the embodied emissions: the last two parts.
pub(super) fn embodied_instance<'f>(parsed_type: &str, ccf: &'f Ccf) -> Option<(String, &'f CcfInstance)> {
    let (rest, size) = parsed_type.rsplit_once('.')?;
    let family = rest.rsplit('.').next()?;
    let name = format!("{family}.{size}");
    let instance = ccf.instance(&name)?;
    Some((name, instance))
}
