//! Method `spruce`: SPRUCE 1.2's estimate of a billing line.
//!
//! Which of our columns is which of SPRUCE's: the component columns add up to `operational_energy_kwh` (IT energy);
//! `energy_kwh` is that times the PUE; `co2e_location_g` is `operational_emissions_co2eq_g`. SPRUCE multiplies CO2e by
//! 1.04 (power supplies) and 1.08 (transmission) on top; both stand in `grid_intensity_g_per_kwh`, so that the row still
//! multiplies out, and `co2e_t_and_d_g` stays null. `co2e_embodied_g`, `water_cooling_l` and `water_l` are as SPRUCE's.
//!
//! Mistakes are reproduced: instances draw 3.6 times too little (BoaviztAPI's kWh converted as if they were MJ), and
//! transfers between regions or zones are charged at both ends. Instances need SPRUCE's own table, imported from the
//! user's copy; without it they are unmapped. `docs/methodology/profile-spruce.md` lists every difference.

use airshed_domain::status::{Quality, UsageFamily};
use airshed_emission_factors::profile::{
    Table,
    spruce::{Instances, Spruce},
};

use super::{
    ccf::storage::{self, Medium},
    peer,
};
use crate::{
    bounds::Bounds,
    class::{Class, ClassKey, Coefficients, ComponentCurves, Grid, Step},
    curve::PowerCurve,
    method::Context,
    reason::Reason,
};

/// SPRUCE's units of storage.
const STORAGE_UNITS: &[&str] = &["GB-Hours", "GB-Mo", "GB-Month", "GB-Months", "GB-Mp", "GB-month"];
const GB_PER_TB: f64 = 1024.0;

/// What the method decides about all lines of one key.
pub fn classify(key: &ClassKey<'_>, context: &Context<'_>) -> Class {
    if let Some(class) = peer::not_usage(key) {
        return class;
    }
    let tables = context.factors.profiles();
    let found = storage_line(key, &tables.spruce)
        .or_else(|| transfer_line(key, &tables.spruce))
        .or_else(|| instance_line(key, tables))
        .or_else(|| serverless_line(key, &tables.spruce))
        .or_else(|| model_line(key, &tables.spruce));
    match found {
        Some(Found::Estimate(estimate)) => estimated(key, *estimate, &tables.spruce),
        Some(Found::Without(reason, family)) => Class::without_estimate(reason, family),
        None => Class::without_estimate(Reason::NoModel, UsageFamily::Other),
    }
}

enum Found {
    Estimate(Box<Estimate>),
    Without(Reason, UsageFamily),
}

/// What one billed unit causes before facility and grid.
struct Estimate {
    family: UsageFamily,
    quality: Quality,
    energy_kwh: ComponentCurves,
    embodied_g: f64,
    steps: Vec<Step>,
}

fn flat(kwh: f64) -> PowerCurve {
    PowerCurve::flat(Bounds::exactly(kwh))
}

fn storage_line(key: &ClassKey<'_>, spruce: &Spruce) -> Option<Found> {
    let (unit, usage_type) = (key.usage_unit?, key.usage_type?);
    if key.operation.is_none() || !STORAGE_UNITS.contains(&unit) {
        return None;
    }
    let service = key.service_code.unwrap_or("");
    let (wh_per_tb_h, constant) = match storage::medium(service, usage_type)? {
        Medium::Ssd => (spruce.constants.ssd_wh_per_tb_h, "ssd_wh_per_tb_h"),
        Medium::Hdd => (spruce.constants.hdd_wh_per_tb_h, "hdd_wh_per_tb_h"),
    };
    let (copies_name, copies) = storage::copies(service, usage_type, &spruce.replication);
    let hours = if unit == "GB-Hours" { 1.0 } else { spruce.constants.hours_per_month };
    let kwh = hours / 1000.0 * (wh_per_tb_h / GB_PER_TB) * copies;
    let step = Step::new("storage", "h x Wh/TBh / 1024 / 1000 x copies")
        .with_input("h", hours, "h")
        .with_input("Wh/TBh", wh_per_tb_h, "Wh/(TB h)")
        .with_input("copies", copies, "1")
        .with_result("energy_storage_kwh", kwh, "kWh")
        .with_factor(format!("profile/spruce/constant/{constant}"))
        .with_factor(format!("profile/spruce/constant/replication_{copies_name}"))
        .with_factor("profile/spruce/constant/hours_per_month");
    Some(Found::Estimate(Box::new(Estimate {
        family: peer::storage_family(service, usage_type),
        quality: Quality::Proxy,
        energy_kwh: ComponentCurves { storage: flat(kwh), ..ComponentCurves::ZERO },
        embodied_g: 0.0,
        steps: vec![step],
    })))
}

/// SPRUCE asks for the service code `AWSDataTransfer`, which stands beside the product code in an export. The ledger
/// keeps the product code; the product family says the same.
fn transfer_line(key: &ClassKey<'_>, spruce: &Spruce) -> Option<Found> {
    let transfer = key.service_code == Some("AWSDataTransfer") || key.product_family == Some("Data Transfer");
    if !transfer {
        return None;
    }
    let kind = key.transfer_type.unwrap_or("");
    let (kwh, constant) = if kind.starts_with("Inter") {
        (spruce.constants.network_inter_region_kwh_per_gb, "network_inter_region_kwh_per_gb")
    } else if kind.starts_with("IntraRegion") {
        (spruce.constants.network_intra_region_kwh_per_gb, "network_intra_region_kwh_per_gb")
    } else if kind.starts_with("AWS Inbound") || kind.starts_with("AWS Outbound") {
        (spruce.constants.network_internet_kwh_per_gb, "network_internet_kwh_per_gb")
    } else {
        return Some(Found::Without(Reason::NoModel, UsageFamily::DataTransfer));
    };
    let step = Step::new(format!("data transfer, {kind}"), "GB x kWh/GB")
        .with_result("energy_network_kwh", kwh, "kWh")
        .with_factor(format!("profile/spruce/constant/{constant}"))
        .with_note("inbound and outbound lines are both charged: a mistake of the tool, reproduced");
    Some(Found::Estimate(Box::new(Estimate {
        family: UsageFamily::DataTransfer,
        quality: Quality::Proxy,
        energy_kwh: ComponentCurves { network: flat(kwh), ..ComponentCurves::ZERO },
        embodied_g: 0.0,
        steps: vec![step],
    })))
}

fn instance_line(key: &ClassKey<'_>, tables: &Table) -> Option<Found> {
    let (billed, operation) = (key.instance_type?, key.operation?);
    let ec2 = key.service_code == Some("AmazonEC2") && operation.starts_with("RunInstances");
    let instance_type = match key.service_code? {
        "AmazonEC2" if ec2 => billed,
        "AmazonES" if operation == "ESDomain" => billed.strip_suffix(".search").unwrap_or(billed),
        "AmazonRDS" if operation.starts_with("CreateDBInstance") => {
            billed.strip_prefix("db.").unwrap_or(billed)
        }
        _ => return None,
    };
    let server = tables.spruce_instances.as_ref().and_then(|instances| instances.get(instance_type));
    let accelerator = if ec2 { tables.spruce.accelerator(instance_type) } else { None };
    let mut steps = Vec::new();
    let (mut platform_kwh, mut accelerator_kwh, mut embodied_g) = (0.0, 0.0, 0.0);
    if let Some(server) = server {
        platform_kwh = server.energy_kwh_per_hour;
        embodied_g = server.embodied_g_per_hour;
        steps.push(
            Step::new(format!("server share of {instance_type}"), "h x kWh/h")
                .with_result("energy_platform_kwh", platform_kwh, "kWh")
                .with_factor(Instances::factor_id(instance_type, "energy"))
                .with_factor(Instances::factor_id(instance_type, "embodied"))
                .with_note(
                    "processors, memory and disks together; low by 3.6: a mistake of the tool, reproduced",
                ),
        );
    } else if accelerator.is_none() || tables.spruce_instances.is_none() {
        return Some(Found::Without(Reason::UnknownInstanceType, UsageFamily::Instance));
    }
    if let Some(gpu) = accelerator {
        let utilization = tables.spruce.constants.gpu_utilization;
        accelerator_kwh = (gpu.min_w + utilization * (gpu.max_w - gpu.min_w)) * gpu.gpus / 1000.0;
        let id = |part: &str| format!("profile/spruce/accelerator/{instance_type}/{part}");
        steps.push(
            Step::new(format!("GPUs of {instance_type}"), "(min + u x (max - min)) x GPUs / 1000")
                .with_input("min", gpu.min_w, "W")
                .with_input("max", gpu.max_w, "W")
                .with_input("u", utilization, "1")
                .with_input("GPUs", gpu.gpus, "1")
                .with_result("energy_accelerator_kwh", accelerator_kwh, "kWh")
                .with_factor(id("gpus"))
                .with_factor(id("min"))
                .with_factor(id("max"))
                .with_factor("profile/spruce/constant/gpu_utilization"),
        );
    }
    Some(Found::Estimate(Box::new(Estimate {
        family: UsageFamily::Instance,
        quality: Quality::Modelled,
        energy_kwh: ComponentCurves {
            platform: flat(platform_kwh),
            accelerator: flat(accelerator_kwh),
            ..ComponentCurves::ZERO
        },
        embodied_g,
        steps,
    })))
}

fn serverless_line(key: &ClassKey<'_>, spruce: &Spruce) -> Option<Found> {
    let usage_type = key.usage_type?;
    let (memory, cpu) = if key.operation == Some("FargateTask") {
        (usage_type.ends_with("-GB-Hours"), usage_type.ends_with("-vCPU-Hours:perCPU"))
    } else if usage_type.contains("EMR-SERVERLESS") {
        (usage_type.ends_with("MemoryGBHours"), usage_type.ends_with("-vCPUHours"))
    } else {
        return None;
    };
    let constants = &spruce.constants;
    let (family, kwh, constant) = match (memory, cpu) {
        (true, _) => (
            UsageFamily::ServerlessMemory,
            constants.serverless_memory_kwh_per_gb_h,
            "serverless_memory_kwh_per_gb_h",
        ),
        (_, true) if usage_type.contains("-ARM-") => (
            UsageFamily::ServerlessCompute,
            constants.serverless_arm_kwh_per_vcpu_h,
            "serverless_arm_kwh_per_vcpu_h",
        ),
        (_, true) => (
            UsageFamily::ServerlessCompute,
            constants.serverless_x86_kwh_per_vcpu_h,
            "serverless_x86_kwh_per_vcpu_h",
        ),
        _ => return None,
    };
    let step = Step::new("serverless", "amount x kWh per unit")
        .with_result(if memory { "energy_memory_kwh" } else { "energy_cpu_kwh" }, kwh, "kWh")
        .with_factor(format!("profile/spruce/constant/{constant}"));
    let energy_kwh = if memory {
        ComponentCurves { memory: flat(kwh), ..ComponentCurves::ZERO }
    } else {
        ComponentCurves { cpu: flat(kwh), ..ComponentCurves::ZERO }
    };
    let quality = Quality::Proxy;
    Some(Found::Estimate(Box::new(Estimate {
        family,
        quality,
        energy_kwh,
        embodied_g: 0.0,
        steps: vec![step],
    })))
}

fn model_line(key: &ClassKey<'_>, spruce: &Spruce) -> Option<Found> {
    if key.service_code != Some("AmazonBedrock") {
        return None;
    }
    let without = |reason| Some(Found::Without(reason, UsageFamily::AiTokens));
    let usage_type = key.usage_type?;
    let billed = usage_type.strip_suffix("-batch").unwrap_or(usage_type);
    let Some(named) = billed.strip_suffix("-output-tokens") else {
        return without(Reason::NoModel);
    };
    let name = named.split_once('-').map_or(named, |(_, name)| name);
    let Some(model) = spruce.model(name) else {
        return without(Reason::UnknownAiModel);
    };
    let thousands = match key.usage_unit.unwrap_or("").to_ascii_lowercase() {
        unit if !unit.contains("token") => return without(Reason::UnknownUnit),
        unit if unit.starts_with("1m") => 1000.0,
        unit if unit.starts_with("1k") => 1.0,
        _ => 0.001,
    };
    let kwh = model.kwh_per_1k_tokens * thousands;
    let step = Step::new(format!("output tokens of {name}"), "1,000 tokens x kWh per 1,000 tokens")
        .with_input("1,000 tokens", thousands, "1")
        .with_result("energy_accelerator_kwh", kwh, "kWh")
        .with_factor(format!("profile/spruce/bedrock/{name}/energy"))
        .with_factor(format!("profile/spruce/bedrock/{name}/embodied"));
    Some(Found::Estimate(Box::new(Estimate {
        family: UsageFamily::AiTokens,
        quality: Quality::Proxy,
        energy_kwh: ComponentCurves { accelerator: flat(kwh), ..ComponentCurves::ZERO },
        embodied_g: model.embodied_g_per_1k_tokens * thousands,
        steps: vec![step],
    })))
}

fn estimated(key: &ClassKey<'_>, estimate: Estimate, spruce: &Spruce) -> Class {
    let Estimate { family, quality, energy_kwh, embodied_g, mut steps } = estimate;
    let Some(name) = key.region.or(key.from_region).or(key.to_region) else {
        return Class::without_estimate(Reason::NoRegion, family);
    };
    let Some(region) = spruce.region(name) else {
        return Class::without_estimate(Reason::UnknownRegion, family);
    };
    let overheads = spruce.constants.power_supply_overhead * spruce.constants.transmission_overhead;
    let intensity = region.intensity_g_per_kwh * overheads;
    steps.push(
        Step::new(format!("PUE of {name}"), "IT energy x PUE")
            .with_result("pue", region.pue, "1")
            .with_factor(format!("profile/spruce/region/{name}/pue")),
    );
    steps.push(
        Step::new(format!("grid of {name}"), "gCO2e/kWh x 1.04 x 1.08")
            .with_input("Ember", region.intensity_g_per_kwh, "gCO2e/kWh")
            .with_result("grid_intensity_g_per_kwh", intensity, "gCO2e/kWh")
            .with_factor(format!("profile/spruce/region/{name}/intensity"))
            .with_factor("profile/spruce/constant/power_supply_overhead")
            .with_factor("profile/spruce/constant/transmission_overhead"),
    );
    let coefficients = Coefficients {
        energy_kwh,
        embodied_g: Bounds::exactly(embodied_g),
        pue: Bounds::exactly(region.pue),
        // SPRUCE multiplies cooling water by the PUE as well.
        wue_l_per_kwh: region.wue_l_per_kwh.map(|wue| wue * region.pue),
        electricity_water_l_per_kwh: region.electricity_water_l_per_kwh,
        grid: Grid { zone: name.into(), yearly_g_per_kwh: Bounds::exactly(intensity), hourly: None },
        ..peer::nothing_else()
    };
    Class::estimated(family, quality, coefficients, steps)
}
