//! Method `boavizta`: what BoaviztAPI answers for a cloud instance, times the billed hours.
//!
//! BoaviztAPI knows instances, not bills, so this profile estimates lines that are hours of an instance: EC2, and nodes
//! of managed services whose type it lists (`db.m5.large`, `cache.r6g.large`). Power is at the profile's load (50 %)
//! unless a measured utilisation is known; embodied emissions are a share of the server; the grid factor is the
//! country's. There is no PUE, no network, no storage service and no GPU use phase, as in BoaviztAPI 2.5.0.
//!
//! Its tables are AGPL-3.0: they are imported from the user's own copy (`airshed factors import-boavizta`), and without
//! them every line is unmapped. `docs/methodology/profile-boavizta.md` has the formulas and what is not claimed.

use airshed_domain::status::{Quality, UsageFamily};
use airshed_emission_factors::profile::boavizta::{Boavizta, BoaviztaInstance, EmbodiedScope, LOADS_PCT};

use super::peer;
use crate::{
    bounds::Bounds,
    class::{Class, ClassKey, Coefficients, ComponentCurves, Grid, Step},
    curve::{PowerCurve, Shape},
    method::Context,
    reason::Reason,
};

/// Units of a line that bills instances by the hour.
const HOUR_UNITS: &[&str] = &["Hrs", "Hours", "hours"];
/// Processor load of a line without a measured one, 0 to 1.
const LOAD: f64 = 0.5;

/// What the method decides about all lines of one key.
pub fn classify(key: &ClassKey<'_>, context: &Context<'_>) -> Class {
    if let Some(class) = peer::not_usage(key) {
        return class;
    }
    let family = UsageFamily::Instance;
    let Some(instance_type) =
        key.instance_type.filter(|_| HOUR_UNITS.contains(&key.usage_unit.unwrap_or("")))
    else {
        return Class::without_estimate(Reason::NoModel, UsageFamily::Other);
    };
    let usage_type = key.usage_type.unwrap_or("");
    if usage_type.contains("EBSOptimized") {
        return Class::without_estimate(Reason::IncludedInInstance, family);
    }
    if usage_type.contains("HostBoxUsage") {
        return Class::without_estimate(Reason::CountedOnDedicatedHost, family);
    }
    if key.service_code == Some("ElasticMapReduce") {
        return Class::without_estimate(Reason::CountedOnInstance, family);
    }
    let Some(tables) = context.factors.profiles().boavizta.as_ref() else {
        return Class::without_estimate(Reason::UnknownInstanceType, family);
    };
    let Some((name, instance)) = find(instance_type, tables) else {
        return Class::without_estimate(Reason::UnknownInstanceType, family);
    };
    let Some(region_name) = key.region else {
        return Class::without_estimate(Reason::NoRegion, family);
    };
    let Some(region) = tables.region(region_name) else {
        return Class::without_estimate(Reason::UnknownRegion, family);
    };
    let points =
        instance.power_w.iter().zip(LOADS_PCT).map(|(watts, load)| (f64::from(load) / 100.0, watts / 1000.0));
    let curve = PowerCurve::exactly(Shape::Points(points.collect()));
    let steps = vec![
        power_step(name),
        embodied_step(name, instance),
        Step::new(format!("grid of {region_name}"), "energy x gCO2e/kWh of the country")
            .with_result("grid_intensity_g_per_kwh", region.g_per_kwh, "gCO2e/kWh")
            .with_factor(Boavizta::region_factor_id(region_name))
            .with_note(format!("country {}; no PUE", region.country)),
    ];
    let coefficients = Coefficients {
        energy_kwh: ComponentCurves { platform: curve, ..ComponentCurves::ZERO },
        default_utilization: Some(Bounds::exactly(LOAD)),
        accepts_measured_utilization: true,
        embodied_g: Bounds::exactly(instance.embodied_g_per_hour),
        grid: Grid {
            zone: region.country.as_str().into(),
            yearly_g_per_kwh: Bounds::exactly(region.g_per_kwh),
            hourly: None,
        },
        ..peer::nothing_else()
    };
    Class::estimated(family, Quality::Modelled, coefficients, steps)
}

/// The type as billed where it is listed (`db.m5.large`), else without the words around it (`m5.large`).
fn find<'k, 't>(billed: &'k str, tables: &'t Boavizta) -> Option<(&'k str, &'t BoaviztaInstance)> {
    let bare = billed.strip_suffix(".search").unwrap_or(billed);
    let bare = bare.strip_suffix(".elasticsearch").unwrap_or(bare);
    let bare = ["db.", "cache.", "ml.", "mq.", "dms.", "kafka.", "dax."]
        .into_iter()
        .find_map(|prefix| bare.strip_prefix(prefix))
        .unwrap_or(bare);
    [billed, bare].into_iter().find_map(|name| Some((name, tables.instance(name)?)))
}

fn power_step(name: &str) -> Step {
    Step::new(format!("power of {name} over load"), "h x W / 1000, straight lines between loads of 10 %")
        .with_factor(Boavizta::instance_factor_id(name, "power_w_50"))
        .with_note("processors, memory, disks and the rest of the server together")
}

fn embodied_step(name: &str, instance: &BoaviztaInstance) -> Step {
    let step =
        Step::new(format!("embodied emissions of {name}"), "parts of the server x share / life, per hour")
            .with_result("co2e_embodied_g", instance.embodied_g_per_hour, "gCO2e")
            .with_factor(Boavizta::instance_factor_id(name, "embodied"));
    match instance.embodied_scope {
        EmbodiedScope::Whole => step,
        EmbodiedScope::WithoutGpus => step.with_note("without the GPUs, which the import does not compute"),
    }
}
