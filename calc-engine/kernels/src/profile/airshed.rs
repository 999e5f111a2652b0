//! The default method: the best documented figure for each part, with bounds from the spread of published models.
//!
//! Order of decisions: provider, split and line type; then processors and memory ([`compute`]), tokens, storage and
//! transfer ([`meters`]); then what is known to have no energy of its own; then unknown. The first that knows the line
//! decides. A line whose physical use is known but whose region or instance type is not is unmapped, never given a
//! stand-in country.
//!
//! Choices, each documented in `docs/methodology`: utilisation 50 % (burstable types: their baseline), direct grid
//! intensity for the location-based figure, residual mix for the market-based one, server life six years, no PUE on
//! networks outside the facility.

mod compute;
mod meters;

use airshed_domain::status::{Quality, UsageFamily};

use crate::{
    bounds::Bounds,
    class::{Basis, Class, ClassKey, Coefficients, ComponentCurves, Step},
    curve::PowerCurve,
    method::{Context, SpendFactor},
    place::Place,
    reason::{Obstacle, Reason},
    usage::{Line, LineRegion, charge, rest},
};

/// What a line's thing uses per billed unit, before it is known where.
struct Physical {
    family: UsageFamily,
    quality: Quality,
    energy_kwh: ComponentCurves,
    default_utilization: Option<Bounds>,
    accepts_measured_utilization: bool,
    network_external_share: f64,
    embodied_g: Bounds,
    steps: Vec<Step>,
}

/// A line that is known not to have a physical estimate.
struct NotPhysical(Obstacle, UsageFamily);

impl NotPhysical {
    fn new(obstacle: impl Into<Obstacle>, family: UsageFamily) -> Self {
        Self(obstacle.into(), family)
    }
}

/// Decides status and coefficients of a class.
pub fn classify(key: &ClassKey<'_>, context: &Context<'_>) -> Class {
    if key.split {
        return Class::without_estimate(Reason::CountedOnHost, UsageFamily::ServerlessCompute);
    }
    if let Some(reason) = charge::exclusion(key.line_type.unwrap_or("")) {
        return Class::without_estimate(reason, UsageFamily::Other);
    }
    let line = Line::read(key, context.factors.facility());
    let physical = match line.provider {
        "aws" => aws(&line, context),
        _ => Err(other_provider(&line)),
    };
    let class = match physical {
        Ok(physical) => located(&line, physical, context),
        Err(NotPhysical(obstacle, family)) => Class::without_estimate(obstacle, family),
    };
    match &context.options.spend {
        Some(spend) if class.reason.is_some_and(|reason| reason.status() == Reason::NoModel.status()) => {
            by_spend(key, &line, class, spend, context)
        }
        _ => class,
    }
}

fn aws(line: &Line<'_>, context: &Context<'_>) -> Result<Physical, NotPhysical> {
    compute::physical(line, context)
        .or_else(|| meters::tokens(line, context))
        .or_else(|| meters::storage(line, context))
        .or_else(|| meters::transfer(line, context))
        .unwrap_or_else(|| {
            let (reason, family) = rest(line);
            Err(NotPhysical::new(reason, family))
        })
}

/// Azure and Google Cloud: their machine types are not in the factor set yet, so nothing is estimated.
fn other_provider(line: &Line<'_>) -> NotPhysical {
    match (line.provider, line.instance_type) {
        ("azure" | "gcp", Some(_)) => NotPhysical::new(Reason::UnknownInstanceType, UsageFamily::Instance),
        ("azure" | "gcp", None) => NotPhysical::new(Reason::UnknownUsageType, UsageFamily::Other),
        _ => NotPhysical::new(Reason::UnknownProvider, UsageFamily::Other),
    }
}

/// Puts a thing in its region.
fn located(line: &Line<'_>, physical: Physical, context: &Context<'_>) -> Class {
    let (code, place) = match placed(line, context) {
        Ok(placed) => placed,
        Err(obstacle) => return Class::without_estimate(obstacle, physical.family),
    };
    let Physical { family, quality, mut steps, .. } = physical;
    steps.insert(0, region_step(line, code));
    if line.unit.is_none() {
        steps.insert(
            1,
            Step::new("unit", "taken for the one that the usage type always has")
                .with_note("the export names none"),
        );
    }
    steps.extend(place.steps.iter().cloned());
    let quality = match (line.region, line.unit) {
        (LineRegion::Edge(_) | LineRegion::LocalZone(_), _) | (_, None) => Quality::Proxy,
        _ => quality,
    };
    let coefficients = Coefficients {
        basis: Basis::UsageAmount,
        energy_kwh: physical.energy_kwh,
        default_utilization: physical.default_utilization,
        accepts_measured_utilization: physical.accepts_measured_utilization,
        network_external_share: physical.network_external_share,
        embodied_g: physical.embodied_g,
        ..at(place)
    };
    Class::estimated(family, quality, coefficients, steps)
}

/// The region that serves a line, by its code, with its figures.
fn placed<'a>(line: &Line<'a>, context: &Context<'a>) -> Result<(&'a str, &'a Place), Obstacle> {
    let code = line.region.code().ok_or_else(|| {
        let prefix = match line.region {
            LineRegion::UnknownPrefix(prefix) => prefix,
            _ => "",
        };
        Obstacle::because(
            Reason::UnknownRegion,
            format!("the factor set has no region of the prefix `{prefix}`"),
        )
    })?;
    Ok((code, context.places.get(line.provider, code)?))
}

/// The figures of a place, with no use of anything yet.
fn at(place: &Place) -> Coefficients {
    Coefficients {
        basis: Basis::UsageAmount,
        energy_kwh: ComponentCurves::ZERO,
        default_utilization: None,
        accepts_measured_utilization: false,
        network_external_share: 0.0,
        embodied_g: Bounds::ZERO,
        pue: place.pue,
        wue_l_per_kwh: Some(place.wue_l_per_kwh),
        electricity_water_l_per_kwh: Some(place.electricity_water_l_per_kwh),
        grid: place.grid.clone(),
        market_g_per_kwh: Some(place.market_g_per_kwh),
        upstream_g_per_kwh: Some(place.upstream_g_per_kwh),
        t_and_d_ratio: Some(place.t_and_d_ratio),
    }
}

fn region_step(line: &Line<'_>, code: &str) -> Step {
    let how = match line.region {
        LineRegion::Stated(_) => "stated in the export",
        LineRegion::Prefix(_) => "from the prefix of the usage type",
        LineRegion::NoPrefix => "the export names none; usage types without a prefix are us-east-1's",
        LineRegion::Edge(_) => "stand-in for the edge locations of that part of the world",
        LineRegion::LocalZone(_) => {
            "stand-in for a local or wavelength zone of it, which has no figures of its own"
        }
        LineRegion::UnknownPrefix(_) => "unknown prefix",
    };
    Step::new("region", code).with_note(how)
}

/// An estimate in proportion to cost, where the options ask for it and the currency fits.
fn by_spend(
    key: &ClassKey<'_>,
    line: &Line<'_>,
    class: Class,
    spend: &SpendFactor,
    context: &Context<'_>,
) -> Class {
    if key.currency != Some(spend.currency.as_str()) {
        return class;
    }
    let place = match placed(line, context) {
        Ok((_, place)) => place,
        // What the line lacked first stays its reason.
        Err(Obstacle { reason, cause }) => {
            let step = Step::new("no cost-proportional estimate either", reason.as_str());
            let step = cause.into_iter().fold(step, Step::with_note);
            let steps = class.steps.into_iter().chain([step]).collect();
            return Class { steps, ..class };
        }
    };
    let mut steps = vec![
        Step::new("cost-proportional estimate", "effective cost x kWh per cost")
            .with_input("kWh per cost", spend.kwh_per_cost.central, "kWh")
            .with_input("embodied per cost", spend.embodied_g_per_cost.central, "gCO2e")
            .with_note(format!(
                "no physical model ({}); the options ask for an estimate by cost in {}",
                class.reason.map_or("", Reason::as_str),
                spend.currency
            )),
    ];
    steps.extend(place.steps.iter().cloned());
    let coefficients = Coefficients {
        basis: Basis::EffectiveCost,
        energy_kwh: ComponentCurves {
            platform: PowerCurve::flat(spend.kwh_per_cost),
            ..ComponentCurves::ZERO
        },
        embodied_g: spend.embodied_g_per_cost,
        ..at(place)
    };
    Class::estimated(class.family, Quality::Spend, coefficients, steps)
}

#[cfg(test)]
mod tests;
