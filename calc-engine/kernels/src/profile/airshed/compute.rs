//! Processors and memory: instances, hosts, burst credits and slices of stand-in servers.

use std::cmp::Ordering;

use airshed_domain::status::{Quality, UsageFamily};
use airshed_emission_factors::{
    FactorError,
    compute::{Architecture, Fit, InstancePower, InstanceType, PowerModel},
};

use super::{NotPhysical, Physical};
use crate::{
    bounds::Bounds,
    class::{ComponentCurves, Step},
    curve::{PowerCurve, Shape},
    method::Context,
    reason::{Obstacle, Reason},
    usage::{
        Line,
        meter::{Draw, Meter, meter},
    },
};

/// Stand-in for x86 servers behind serverless services. AWS does not say which machines they run on; this is its
/// general-purpose Ice Lake generation.
const X86_STAND_IN: &str = "m6i.large";
/// Stand-in for Arm servers: Graviton2, which AWS names for Lambda and Fargate on Arm.
const ARM_STAND_IN: &str = "m6g.large";
/// kWh of a watt over an hour.
const KWH_PER_WATT_HOUR: f64 = 0.001;
/// Utilisation of hours billed as burst credits: a credit is a vCPU at full use (EC2 user guide, CPU credits).
const CREDIT_UTILIZATION: Bounds = Bounds::exactly(1.0);

/// One machine, or part of one, for some hours.
struct Use<'a> {
    instance: &'a InstanceType,
    quality: Quality,
    family: UsageFamily,
    hours: f64,
    draw: Draw,
    utilization: Bounds,
    measurable: bool,
    /// Whether the memory has a line of its own, so that this one must not hold any.
    memory_apart: bool,
    note: String,
}

/// The physical use of a compute line; `None` when it is not a compute line.
pub(super) fn physical(line: &Line<'_>, context: &Context<'_>) -> Option<Result<Physical, NotPhysical>> {
    Some(match meter(line)? {
        Meter::None(reason, family) => Err(NotPhysical::new(reason, family)),
        Meter::Instance { name, nodes, draw } => instance(context, name, nodes, draw),
        Meter::Host { family } => host(context, family),
        Meter::Credits { family } => credits(context, family),
        Meter::Slice { family, architecture, vcpu_hours, memory_gib_hours, draw } => {
            slice(context, (family, architecture), (vcpu_hours, memory_gib_hours), draw)
        }
    })
}

fn instance(context: &Context<'_>, name: &str, nodes: f64, draw: Draw) -> Result<Physical, NotPhysical> {
    let resolved = context
        .factors
        .compute()
        .resolve_instance(name)
        .ok_or(NotPhysical::new(Reason::UnknownInstanceType, UsageFamily::Instance))?;
    let default = context.options.default_utilization.fallback;
    let note = if resolved.note.is_empty() { String::new() } else { format!("; {}", resolved.note) };
    used(
        &Use {
            instance: &resolved.instance,
            quality: if resolved.fit == Fit::Exact { Quality::Modelled } else { Quality::Proxy },
            family: UsageFamily::Instance,
            hours: nodes,
            draw,
            utilization: burst_baseline(&resolved.instance, default),
            measurable: draw == Draw::Whole,
            memory_apart: false,
            note: format!("{name}, {nodes} per billed hour{note}"),
        },
        context,
    )
}

/// A burstable instance may not use more than its baseline in the long run without paying for credits, which have
/// lines of their own; so its baseline is its default. Lowest: half of that. Highest: the general default, if higher.
fn burst_baseline(instance: &InstanceType, default: Bounds) -> Bounds {
    instance.burst_baseline.map_or(default, |baseline| {
        Bounds::new((baseline / 2.0).min(default.low), baseline, baseline.max(default.central))
    })
}

fn host(context: &Context<'_>, family: &str) -> Result<Physical, NotPhysical> {
    let unknown = NotPhysical::new(Reason::UnknownInstanceType, UsageFamily::DedicatedHost);
    let mut sizes = context.factors.compute().family(family);
    let first = sizes.next().ok_or(unknown)?;
    // The largest size carries the family's disks and accelerators as far as the host has them.
    let largest = sizes.fold(first, |best, next| if next.vcpu > best.vcpu { next } else { best });
    let share = largest.host.vcpu / largest.vcpu;
    let whole = InstanceType {
        vcpu: largest.host.vcpu,
        memory_gib: largest.host.memory_gib,
        burst_baseline: None,
        disks: largest.disks.map(|mut disks| {
            disks.count *= share;
            disks.total_gb *= share;
            disks
        }),
        accelerators: largest.accelerators.clone().map(|mut accelerators| {
            accelerators.count *= share;
            accelerators
        }),
        ..largest.clone()
    };
    used(
        &Use {
            instance: &whole,
            quality: if largest.host.documented { Quality::Modelled } else { Quality::Proxy },
            family: UsageFamily::DedicatedHost,
            hours: 1.0,
            draw: Draw::Whole,
            utilization: context.options.default_utilization.fallback,
            measurable: false,
            memory_apart: false,
            note: format!("whole host of {family}, {} vCPU", largest.host.vcpu),
        },
        context,
    )
}

fn credits(context: &Context<'_>, family: &str) -> Result<Physical, NotPhysical> {
    let mut sizes = context.factors.compute().family(family);
    let any = sizes.next().ok_or(NotPhysical::new(Reason::UnknownInstanceType, UsageFamily::Instance))?;
    used(
        &Use {
            instance: &any.slice(1.0, 0.0),
            quality: Quality::Modelled,
            family: UsageFamily::Instance,
            hours: 1.0,
            draw: Draw::AboveIdle,
            utilization: CREDIT_UTILIZATION,
            measurable: false,
            memory_apart: false,
            note: format!("one vCPU of {family} at full use, above what it draws at rest"),
        },
        context,
    )
}

fn slice(
    context: &Context<'_>,
    (family, architecture): (UsageFamily, Architecture),
    (vcpu_hours, memory_gib_hours): (f64, f64),
    draw: Draw,
) -> Result<Physical, NotPhysical> {
    let name = match architecture {
        Architecture::X86 => X86_STAND_IN,
        Architecture::Arm => ARM_STAND_IN,
    };
    let server = context
        .factors
        .compute()
        .instance(name)
        .ok_or(NotPhysical::new(Reason::UnknownInstanceType, family))?;
    used(
        &Use {
            instance: &server.slice(vcpu_hours, memory_gib_hours),
            quality: Quality::Proxy,
            family,
            hours: 1.0,
            draw,
            utilization: context.options.default_utilization.fallback,
            measurable: false,
            // Above rest nothing is left of memory; else vCPU-hours without GB have their GB on another line.
            memory_apart: memory_gib_hours <= 0.0 && draw != Draw::AboveIdle,
            note: format!(
                "{vcpu_hours} vCPU-hours and {memory_gib_hours} GiB-hours per unit of a server of {name}"
            ),
        },
        context,
    )
}

fn used(use_: &Use<'_>, context: &Context<'_>) -> Result<Physical, NotPhysical> {
    let Use { instance, quality, family, hours, draw, utilization, measurable, memory_apart, note } = use_;
    let table = context.factors.compute();
    let model = context.options.power_model;
    if model == PowerModel::MeasuredPoints {
        whole_machine(instance, context).map_err(|obstacle| NotPhysical::new(obstacle, *family))?;
    }
    let missing =
        |reason| move |error: FactorError| NotPhysical::new(Obstacle::missing(reason, &error), *family);
    let power = table.instance_power(instance, model).map_err(missing(Reason::NoPowerModel))?;
    let kwh_per_watt = hours * KWH_PER_WATT_HOUR;
    let mut energy_kwh = curves(&power, kwh_per_watt, *draw);
    let mut memory_w = 0.0;
    if *memory_apart {
        let memory = table.memory_within_cpu(instance, model).map_err(missing(Reason::NoPowerModel))?;
        memory_w = memory.central.at(0.0).w();
        energy_kwh.cpu = without(energy_kwh.cpu, memory_w * kwh_per_watt);
    }
    let (embodied, utilization) = match draw {
        Draw::Whole => (true, *utilization),
        Draw::Idle => (true, Bounds::ZERO),
        Draw::AboveIdle => (false, *utilization),
    };
    let embodied_per_hour: Bounds = table
        .embodied_g_per_hour(instance, context.options.lifetime())
        .map_err(missing(Reason::NoEmbodiedModel))?
        .into();
    let embodied_g = if embodied { embodied_per_hour * *hours } else { Bounds::ZERO };
    let mut power_step = Step::new(
        format!("power of {}", instance.name),
        match draw {
            Draw::Whole => "power at utilisation x hours / 1000",
            Draw::Idle => "power at rest x hours / 1000 (held ready, not used)",
            Draw::AboveIdle => "(power at utilisation - power at rest) x hours / 1000",
        },
    )
    .with_input("vCPU", instance.vcpu, "1")
    .with_input("memory", instance.memory_gib, "GiB")
    .with_input("hours per billed unit", *hours, "h")
    .with_note(note.clone());
    let mut embodied_step =
        Step::new(format!("embodied emissions of {}", instance.name), "share of the host / its life")
            .with_input("life of the server", context.options.hardware_lifetime_years[1], "years")
            .with_result("embodied", embodied_g.central, "gCO2e");
    if *memory_apart {
        power_step = power_step.with_input("memory within the processor figure, taken off", memory_w, "W");
    }
    for id in table.power_factor_ids(instance, model) {
        power_step = power_step.with_factor(id.as_str());
    }
    if embodied {
        for id in table.embodied_factor_ids(instance) {
            embodied_step = embodied_step.with_factor(id.as_str());
        }
    }
    Ok(Physical {
        family: *family,
        quality: if power.proxy { Quality::Proxy } else { *quality },
        energy_kwh,
        default_utilization: Some(utilization),
        accepts_measured_utilization: *measurable,
        network_external_share: 0.0,
        embodied_g,
        steps: vec![power_step, embodied_step],
    })
}

/// A measured curve is of one whole machine, all its parts together. It cannot be taken apart into processors and memory,
/// and a share of it would be a guess; so a line that rents a part of a machine, or a host that is not one machine of the
/// measured size, has none.
fn whole_machine(rented: &InstanceType, context: &Context<'_>) -> Result<(), Obstacle> {
    let size = |machine: &InstanceType| [machine.vcpu, machine.memory_gib];
    match context.factors.compute().instance(&rented.name) {
        Some(whole) if size(whole).partial_cmp(&size(rented)) != Some(Ordering::Equal) => {
            let cause = format!(
                "measured curves hold for whole machines: the line rents {} vCPU and {} GiB of what {} has {} and {} of",
                rented.vcpu, rented.memory_gib, whole.name, whole.vcpu, whole.memory_gib
            );
            Err(Obstacle::because(Reason::NoCurveOfPart, cause))
        }
        _ => Ok(()),
    }
}

fn curves(power: &InstancePower, kwh_per_watt: f64, draw: Draw) -> ComponentCurves {
    let curve = |band| {
        let whole = PowerCurve::of_power(band, kwh_per_watt);
        match draw {
            Draw::Whole | Draw::Idle => whole,
            Draw::AboveIdle => PowerCurve {
                low: above_idle(whole.low),
                central: above_idle(whole.central),
                high: above_idle(whole.high),
            },
        }
    };
    ComponentCurves {
        cpu: curve(power.cpu),
        memory: curve(power.memory),
        accelerator: curve(power.accelerator),
        storage: curve(power.storage),
        network: PowerCurve::ZERO,
        platform: curve(power.platform),
    }
}

/// A curve less a constant. The central figure is taken off all three lines: taking each bound off its own line would
/// make them cross. So the bounds of both lines of a bill together hold those of one slice, and are a little wider.
fn without(curve: PowerCurve, kwh: f64) -> PowerCurve {
    let less = |shape: Shape| Shape::Sum(Box::new([shape, Shape::Flat(-kwh)]));
    PowerCurve { low: less(curve.low), central: less(curve.central), high: less(curve.high) }
}

fn above_idle(shape: Shape) -> Shape {
    let idle = shape.at(0.0);
    Shape::Sum(Box::new([shape, Shape::Flat(-idle)]))
}
