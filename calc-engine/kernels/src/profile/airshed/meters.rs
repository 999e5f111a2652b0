//! Stored gigabytes, transferred gigabytes and tokens: mapped by tables of the factor set.

use airshed_domain::status::{Quality, UsageFamily};
use airshed_emission_factors::{
    ai::{TokenDirection, tokens_per_unit},
    storage::StorageUnit,
};

use super::{NotPhysical, Physical};
use crate::{
    bounds::Bounds,
    class::{ComponentCurves, Step},
    curve::PowerCurve,
    method::Context,
    reason::Reason,
    usage::Line,
};

/// kWh of a watt over an hour.
const KWH_PER_WATT_HOUR: f64 = 0.001;

/// What is left of [`Physical`] where processors play no part.
fn without_processor(
    family: UsageFamily,
    quality: Quality,
    energy_kwh: ComponentCurves,
    embodied_g: Bounds,
    steps: Vec<Step>,
) -> Physical {
    Physical {
        family,
        quality,
        energy_kwh,
        default_utilization: None,
        accepts_measured_utilization: false,
        network_external_share: 0.0,
        embodied_g,
        steps,
    }
}

/// Storage by the GB-month or GB-hour. A GB-month is a GB over all hours of the billing month. A missing unit is taken
/// for GB-months, as which all storage usage types are billed: AWS left it out on free-tier lines of older exports.
pub(super) fn storage(line: &Line<'_>, context: &Context<'_>) -> Option<Result<Physical, NotPhysical>> {
    if context.factors.storage().is_fee(line.service, line.usage) {
        let is_object = line.service.starts_with("AmazonS3") || line.service == "AmazonGlacier";
        let family = if is_object { UsageFamily::ObjectStorage } else { UsageFamily::Backup };
        return Some(Err(NotPhysical::new(Reason::NothingStored, family)));
    }
    let class = context.factors.storage().class_of(line.service, line.usage)?;
    let unit = match line.unit {
        None => Some(StorageUnit::GbMonth),
        Some(unit) => StorageUnit::of(unit),
    };
    let Some(unit) = unit else {
        return Some(Err(NotPhysical::new(Reason::UnknownUnit, class.family)));
    };
    #[expect(clippy::cast_precision_loss, reason = "hours of a month are at most 744")]
    let hours = match unit {
        StorageUnit::GbMonth => context.period.hours() as f64,
        StorageUnit::GbHour => 1.0,
    };
    let energy = Bounds::from(class.power_w_per_gb) * hours * KWH_PER_WATT_HOUR;
    let embodied = Bounds::from(class.embodied_g_per_gb_hour) * hours;
    let mut power_step = Step::new(format!("storage class {}", class.name), "W per GB x hours / 1000")
        .with_input("medium x copies", class.power_w_per_gb.central(), "W/GB")
        .with_input("copies", class.copies.central(), "1")
        .with_input("hours per billed unit", hours, "h")
        .with_result("storage", energy.central, "kWh")
        .with_note(format!("on {}, GB of 2^30 bytes", class.medium));
    for id in &class.factor_ids {
        power_step = power_step.with_factor(id.as_str());
    }
    let embodied_step = Step::new("embodied emissions of the drives", "g per GB-hour x hours")
        .with_input("drives", class.embodied_g_per_gb_hour.central(), "gCO2e/GBh")
        .with_result("embodied", embodied.central, "gCO2e");
    let curves = ComponentCurves { storage: PowerCurve::flat(energy), ..ComponentCurves::ZERO };
    let steps = vec![power_step, embodied_step];
    Some(Ok(without_processor(class.family, Quality::Modelled, curves, embodied, steps)))
}

/// Transferred gigabytes, once: at the sender, or on the only line there is.
pub(super) fn transfer(line: &Line<'_>, context: &Context<'_>) -> Option<Result<Physical, NotPhysical>> {
    let transfer = context.factors.network().transfer(line.service, line.usage, line.operation)?;
    let family = UsageFamily::DataTransfer;
    if !transfer.counted {
        return Some(Err(NotPhysical::new(Reason::CountedAtSender, family)));
    }
    if !line.counts_gigabytes() {
        return Some(Err(NotPhysical::new(Reason::UnknownUnit, family)));
    }
    let energy = Bounds::from(transfer.energy.kwh_per_gb);
    let external = if transfer.energy.in_facility { 0.0 } else { 1.0 };
    let step = Step::new(format!("transfer, {}", transfer.kind.as_str()), "GB x kWh per GB")
        .with_input("share outside the facility", external, "1")
        .with_result("network", energy.central, "kWh")
        .with_factor(transfer.energy.factor_id.as_str())
        .with_note("an average over networks; published figures differ widely");
    let curves = ComponentCurves { network: PowerCurve::flat(energy), ..ComponentCurves::ZERO };
    let physical = without_processor(family, Quality::Proxy, curves, Bounds::ZERO, vec![step]);
    Some(Ok(Physical { network_external_share: external, ..physical }))
}

/// Output tokens of hosted models with published energy. Reading the prompt is within the output tokens' figure.
pub(super) fn tokens(line: &Line<'_>, context: &Context<'_>) -> Option<Result<Physical, NotPhysical>> {
    if line.service != "AmazonBedrock" || !line.usage.contains("token") {
        return None;
    }
    let family = UsageFamily::AiTokens;
    let Some(meter) = context.factors.ai().bedrock(line.usage) else {
        return Some(Err(NotPhysical::new(Reason::UnknownAiModel, family)));
    };
    if meter.direction == TokenDirection::Input {
        return Some(Err(NotPhysical::new(Reason::CountedOnOtherLine, family)));
    }
    let Some(tokens) = line.unit.and_then(tokens_per_unit) else {
        return Some(Err(NotPhysical::new(Reason::UnknownUnit, family)));
    };
    let energy = Bounds::from(meter.model.energy_kwh_per_token) * tokens;
    let embodied = Bounds::from(meter.model.embodied_g_per_token) * tokens;
    let mut step = Step::new(format!("output tokens of {}", meter.model.name), "tokens x kWh per token")
        .with_input("tokens per billed unit", tokens, "1")
        .with_input("embodied", embodied.central, "gCO2e")
        .with_result("accelerators", energy.central, "kWh");
    for id in &meter.model.factor_ids {
        step = step.with_factor(id.as_str());
    }
    let curves = ComponentCurves { accelerator: PowerCurve::flat(energy), ..ComponentCurves::ZERO };
    let quality = if meter.is_stand_in { Quality::Proxy } else { Quality::Modelled };
    Some(Ok(without_processor(family, quality, curves, embodied, vec![step])))
}
