//! Method `ccf`: Cloud Carbon Footprint's estimate of a billing line, as its code of 2024 computes it.
//!
//! A user who moves from that tool sees here what it would have said, line by line; mistakes are part of that and are
//! reproduced on purpose: usage types ending in `ByteHrs` are divided by 2^40 although they are billed in GB-months, and
//! embodied emissions per instance-hour lack a factor vCPU. Our columns stay what they are everywhere: `energy_kwh` is
//! operational energy with PUE, `co2e_location_g` is operational, `co2e_embodied_g` is embodied. The tool's own kWh is
//! `energy_kwh + co2e_embodied_g / grid_intensity_g_per_kwh`, its own CO2e is `co2e_location_g + co2e_embodied_g`.
//!
//! Not reproduced: its estimate in proportion to cost of lines that it cannot classify, which depends on the other
//! lines of a run; such lines are unmapped. `docs/methodology/profile-ccf.md` lists every difference.

mod compute;
pub(super) mod storage;
mod usage_types;

use airshed_domain::status::{Quality, UsageFamily};
use airshed_emission_factors::profile::ccf::{Ccf, CcfEmbodied, CcfInstance};

use self::{
    compute::ComputeUnit,
    storage::Medium,
    usage_types::{BYTE_HOUR_USAGE_TYPES, NETWORK_USAGE_TYPES, UNKNOWN_USAGE_TYPES, UNSUPPORTED_USAGE_TYPES},
};
use super::peer;
use crate::{
    bounds::Bounds,
    class::{Class, ClassKey, Coefficients, ComponentCurves, Grid, Step},
    curve::{PowerCurve, Shape},
    method::Context,
    reason::Reason,
};

const SECONDS_PER_HOUR: f64 = 3600.0;
const BYTES_PER_TB: f64 = 1_099_511_627_776.0;
const GB_PER_TB: f64 = 1000.0;
const GRAMS_PER_TONNE: f64 = 1e6;

/// What the method decides about all lines of one key.
pub fn classify(key: &ClassKey<'_>, context: &Context<'_>) -> Class {
    if let Some(class) = peer::not_usage(key) {
        return class;
    }
    let ccf = &context.factors.profiles().ccf;
    let usage_type = key.usage_type.unwrap_or("");
    let service = key.service_code.unwrap_or("");
    if peer::contains_any(usage_type, UNSUPPORTED_USAGE_TYPES) {
        let on_host = usage_type.contains("HostBoxUsage");
        let reason = if on_host { Reason::CountedOnDedicatedHost } else { Reason::CountedOnHost };
        return Class::without_estimate(reason, UsageFamily::Other);
    }
    if peer::contains_any(usage_type, UNKNOWN_USAGE_TYPES) {
        return Class::without_estimate(Reason::NoModel, UsageFamily::Other);
    }
    match cleaned_unit(key, usage_type, service) {
        Unit::Hours { of_unit } => compute_line(key, usage_type, of_unit, ccf),
        Unit::GbMonths => storage_line(key, service, usage_type, context.period.hours() as f64, ccf),
        Unit::GbHours => storage_line(key, service, usage_type, 1.0, ccf),
        Unit::Seconds => function_line(key, usage_type, ccf),
        Unit::Gb => transfer_line(key, service, usage_type, ccf),
        Unit::Unknown => Class::without_estimate(Reason::UnknownUnit, UsageFamily::Other),
    }
}

/// What the tool makes of a pricing unit.
enum Unit {
    /// Compute; `of_unit` is the hours that one billed unit is.
    Hours {
        of_unit: f64,
    },
    GbMonths,
    GbHours,
    Seconds,
    Gb,
    Unknown,
}

fn cleaned_unit(key: &ClassKey<'_>, usage_type: &str, service: &str) -> Unit {
    if usage_type.contains("Fargate-GB-Hours") {
        return Unit::GbHours;
    }
    match key.usage_unit.unwrap_or("") {
        "seconds" if service == "AmazonRedshift" => Unit::Hours { of_unit: 1.0 / SECONDS_PER_HOUR },
        "Hrs" | "Hours" | "hours" | "vCPU-Hours" | "DPU-Hour" | "ACU-Hr" => Unit::Hours { of_unit: 1.0 },
        "GB-Mo" | "GB-Month" | "GB-Mp" | "GB-month" => Unit::GbMonths,
        "GB-Hours" => Unit::GbHours,
        "seconds" | "Second" | "Lambda-GB-Second" => Unit::Seconds,
        "GB" | "GigaBytes" => Unit::Gb,
        _ => Unit::Unknown,
    }
}

fn compute_line(key: &ClassKey<'_>, usage_type: &str, unit_hours: f64, ccf: &Ccf) -> Class {
    let unit = compute::compute_unit(key, usage_type, unit_hours, ccf);
    let service = key.service_code.unwrap_or("");
    let Some(vcpu_hours) = unit.vcpu_hours else {
        // The tool arrives at "not a number" here and publishes 0 kWh.
        let named = unit.extracted_type.contains('.');
        let reason = if named { Reason::UnknownInstanceType } else { Reason::NoModel };
        return Class::without_estimate(reason, UsageFamily::Other);
    };
    let (copies_name, copies) = storage::copies(service, usage_type, &ccf.replication);
    let mut steps = Vec::new();
    let instance = ccf.instance(&unit.parsed_type);
    let processors = instance.map_or(&[][..], |i| i.processors.as_slice());
    let cpu = processor_curve(processors, &unit, vcpu_hours, copies, ccf, &mut steps);
    if copies > 1.0 {
        let constant = format!("profile/ccf/constant/replication_{copies_name}");
        steps.push(
            Step::new("copies", "a factor on compute too")
                .with_result("copies", copies, "1")
                .with_factor(constant),
        );
    }
    let accelerator = accelerator_kwh(&unit, unit_hours, copies, ccf, &mut steps);
    let memory = memory_kwh(&unit, unit_hours, copies, ccf, &mut steps);
    let embodied = embodied_g(&unit, unit_hours, ccf, &mut steps);
    let energy = ComponentCurves {
        cpu,
        accelerator: PowerCurve::flat(Bounds::exactly(accelerator)),
        memory: PowerCurve::flat(Bounds::exactly(memory)),
        ..ComponentCurves::ZERO
    };
    let serverless =
        usage_type.contains("Fargate") || usage_type.contains("Serverless") || service == "AWSGlue";
    let family = if serverless { UsageFamily::ServerlessCompute } else { UsageFamily::Instance };
    let quality = if processors.is_empty() { Quality::Proxy } else { Quality::Modelled };
    estimated(key, family, quality, energy, embodied, ccf, steps)
}

/// `(min + u * (max - min)) * vCPU-hours * copies / 1000`, kWh per unit.
fn processor_curve(
    processors: &[String],
    unit: &ComputeUnit,
    vcpu_hours: f64,
    copies: f64,
    ccf: &Ccf,
    steps: &mut Vec<Step>,
) -> PowerCurve {
    let (min_w, max_w) = compute::watts(processors, ccf);
    let of = |watts: f64| watts * vcpu_hours * copies / 1000.0;
    let utilization = ccf.constants.cpu_utilization;
    let mut step = Step::new(
        format!("processors of {}", unit.parsed_type),
        "(min + u x (max - min)) x vCPUh x copies / 1000",
    )
    .with_input("min", min_w, "W/vCPU")
    .with_input("max", max_w, "W/vCPU")
    .with_input("u", utilization, "1")
    .with_input("vCPUh", vcpu_hours, "vCPU h")
    .with_input("copies", copies, "1")
    .with_result("energy_cpu_kwh", of(min_w) + utilization * (of(max_w) - of(min_w)), "kWh")
    .with_factor("profile/ccf/constant/cpu_utilization");
    let known = processors.iter().filter(|name| ccf.processor(name).is_some());
    for name in known {
        step = step
            .with_factor(format!("profile/ccf/processor/{name}/min"))
            .with_factor(format!("profile/ccf/processor/{name}/max"));
    }
    if step.factor_ids.len() == 1 {
        step = step
            .with_factor("profile/ccf/constant/cpu_min_w_per_vcpu")
            .with_factor("profile/ccf/constant/cpu_max_w_per_vcpu")
            .with_note("processor without watts: the average of all");
    }
    steps.push(step);
    PowerCurve::exactly(Shape::line(of(min_w), of(max_w)))
}

fn accelerator_kwh(
    unit: &ComputeUnit,
    unit_hours: f64,
    copies: f64,
    ccf: &Ccf,
    steps: &mut Vec<Step>,
) -> f64 {
    let gpus = ccf.instance(&unit.extracted_type).map_or(0.0, |instance| instance.gpus);
    if gpus <= 0.0 {
        return 0.0;
    }
    // The name that still has its prefix finds no GPU, so managed services get the average processor instead.
    let names = ccf.instance(&unit.parsed_type).map_or(&[][..], |i| i.gpu_processors.as_slice());
    let (min_w, max_w) = compute::watts(names, ccf);
    let utilization = ccf.constants.cpu_utilization;
    let kwh = (min_w + utilization * (max_w - min_w)) * gpus * unit_hours * copies / 1000.0;
    steps.push(
        Step::new(
            format!("GPUs of {}", unit.extracted_type),
            "(min + u x (max - min)) x GPUs x h x copies / 1000",
        )
        .with_input("min", min_w, "W")
        .with_input("max", max_w, "W")
        .with_input("GPUs", gpus, "1")
        .with_result("energy_accelerator_kwh", kwh, "kWh")
        .with_factor(CcfInstance::factor_id(&unit.extracted_type, "gpus")),
    );
    kwh
}

fn memory_kwh(unit: &ComputeUnit, unit_hours: f64, copies: f64, ccf: &Ccf, steps: &mut Vec<Step>) -> f64 {
    let Some(gb) = compute::extra_memory_gb(&unit.parsed_type, ccf) else {
        return 0.0;
    };
    let kwh = gb * unit_hours * ccf.constants.memory_kwh_per_gb_h * copies;
    steps.push(
        Step::new(
            format!("memory of {}", unit.parsed_type),
            "GB beyond the processors' own x kWh/GBh x copies",
        )
        .with_input("GB", gb, "GB")
        .with_result("energy_memory_kwh", kwh, "kWh")
        .with_factor("profile/ccf/constant/memory_kwh_per_gb_h"),
    );
    kwh
}

/// `t / life / vCPUs of the machine` per hour: low by a factor vCPU, as the tool computes it.
fn embodied_g(unit: &ComputeUnit, unit_hours: f64, ccf: &Ccf, steps: &mut Vec<Step>) -> f64 {
    let found = compute::embodied_instance(&unit.parsed_type, ccf);
    let Some((name, CcfEmbodied { t, largest_vcpu })) = found.and_then(|(name, i)| Some((name, i.embodied?)))
    else {
        return 0.0;
    };
    let grams = t * GRAMS_PER_TONNE / ccf.constants.server_lifespan_h / largest_vcpu * unit_hours;
    steps.push(
        Step::new(
            format!("embodied emissions of {name}"),
            "tCO2e x (h / vCPU) / life x vCPU / vCPU of the machine",
        )
        .with_input("tCO2e", t, "t")
        .with_input("vCPU of the machine", largest_vcpu, "vCPU")
        .with_input("life", ccf.constants.server_lifespan_h, "h")
        .with_result("co2e_embodied_g", grams, "gCO2e")
        .with_factor(CcfInstance::factor_id(&name, "embodied"))
        .with_factor("profile/ccf/constant/server_lifespan_h")
        .with_note(
            "hours are divided by the vCPUs as if they were vCPU-hours: a mistake of the tool, reproduced",
        ),
    );
    grams
}

fn function_line(key: &ClassKey<'_>, usage_type: &str, ccf: &Ccf) -> Class {
    let vcpu_hours = 1.0 / SECONDS_PER_HOUR;
    let unit = compute::compute_unit(key, usage_type, 1.0, ccf);
    let lambda = key.service_code == Some("AWSLambda");
    let arm = ["AWS Graviton2".to_owned()];
    let processors = match (lambda, usage_type.ends_with("-ARM")) {
        (true, true) => &arm[..],
        (true, false) => &[][..],
        _ => ccf.instance(&unit.parsed_type).map_or(&[][..], |i| i.processors.as_slice()),
    };
    let copies = storage::copies(key.service_code.unwrap_or(""), usage_type, &ccf.replication).1;
    let mut steps = Vec::new();
    let cpu = processor_curve(processors, &unit, vcpu_hours, copies, ccf, &mut steps);
    let energy = ComponentCurves { cpu, ..ComponentCurves::ZERO };
    estimated(key, UsageFamily::Function, Quality::Proxy, energy, 0.0, ccf, steps)
}

fn storage_line(key: &ClassKey<'_>, service: &str, usage_type: &str, unit_hours: f64, ccf: &Ccf) -> Class {
    let family = peer::storage_family(service, usage_type);
    let Some(medium) = storage::medium(service, usage_type) else {
        return Class::without_estimate(Reason::UnknownUsageType, family);
    };
    let (wh_per_tb_h, constant) = match medium {
        Medium::Ssd => (ccf.constants.ssd_wh_per_tb_h, "ssd_wh_per_tb_h"),
        Medium::Hdd => (ccf.constants.hdd_wh_per_tb_h, "hdd_wh_per_tb_h"),
    };
    let (copies_name, copies) = storage::copies(service, usage_type, &ccf.replication);
    let as_bytes = peer::ends_with_any(usage_type, BYTE_HOUR_USAGE_TYPES);
    let tb_hours = if as_bytes { 1.0 / BYTES_PER_TB } else { unit_hours / GB_PER_TB };
    let kwh = tb_hours * wh_per_tb_h * copies / 1000.0;
    let mut step = Step::new("storage", "TBh x Wh/TBh x copies / 1000")
        .with_input("TBh", tb_hours, "TB h")
        .with_input("Wh/TBh", wh_per_tb_h, "Wh/(TB h)")
        .with_input("copies", copies, "1")
        .with_result("energy_storage_kwh", kwh, "kWh")
        .with_factor(format!("profile/ccf/constant/{constant}"))
        .with_factor(format!("profile/ccf/constant/replication_{copies_name}"));
    if as_bytes {
        step = step.with_note(
            "taken for byte-hours and divided by 2^40, though billed in GB-months: a mistake of the tool, reproduced",
        );
    }
    let energy = ComponentCurves { storage: PowerCurve::flat(Bounds::exactly(kwh)), ..ComponentCurves::ZERO };
    estimated(key, family, Quality::Proxy, energy, 0.0, ccf, vec![step])
}

fn transfer_line(key: &ClassKey<'_>, service: &str, usage_type: &str, ccf: &Ccf) -> Class {
    if !peer::ends_with_any(usage_type, NETWORK_USAGE_TYPES) || service == "AmazonCloudFront" {
        return Class::without_estimate(Reason::NoModel, UsageFamily::DataTransfer);
    }
    let kwh = ccf.constants.network_kwh_per_gb;
    let step = Step::new("data transfer", "GB x kWh/GB")
        .with_result("energy_network_kwh", kwh, "kWh")
        .with_factor("profile/ccf/constant/network_kwh_per_gb");
    let energy = ComponentCurves { network: PowerCurve::flat(Bounds::exactly(kwh)), ..ComponentCurves::ZERO };
    estimated(key, UsageFamily::DataTransfer, Quality::Proxy, energy, 0.0, ccf, vec![step])
}

fn estimated(
    key: &ClassKey<'_>,
    family: UsageFamily,
    quality: Quality,
    energy_kwh: ComponentCurves,
    embodied_g: f64,
    ccf: &Ccf,
    mut steps: Vec<Step>,
) -> Class {
    let (grid_id, g_per_kwh) = ccf.grid(key.region);
    steps.push(
        Step::new("facility", "energy x PUE")
            .with_result("pue", ccf.constants.pue, "1")
            .with_factor("profile/ccf/constant/pue"),
    );
    steps.push(
        Step::new("grid", "energy x gCO2e/kWh")
            .with_result("grid_intensity_g_per_kwh", g_per_kwh, "gCO2e/kWh")
            .with_factor(grid_id.clone()),
    );
    let depends = !energy_kwh.cpu.is_flat();
    let coefficients = Coefficients {
        energy_kwh,
        default_utilization: depends.then(|| Bounds::exactly(ccf.constants.cpu_utilization)),
        embodied_g: Bounds::exactly(embodied_g),
        pue: Bounds::exactly(ccf.constants.pue),
        grid: Grid {
            zone: grid_id.rsplit('/').next().unwrap_or_default().into(),
            yearly_g_per_kwh: Bounds::exactly(g_per_kwh),
            hourly: None,
        },
        ..peer::nothing_else()
    };
    Class::estimated(family, quality, coefficients, steps)
}
