//! Usage types that rent processors and memory.
//!
//! What is billed by the hour of a named type is an [`Meter::Instance`], whatever service stands in front of it. What is
//! billed by vCPU, GB or a unit of them is a [`Meter::Slice`] of a stand-in server, because no provider says on which
//! machine it runs. AWS's own definitions give the slice: a Lambda function has one vCPU per 1,769 MB
//! (docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html), a Glue DPU is 4 vCPU and 16 GB, a memory-optimised
//! one (M-DPU) 4 vCPU and 32 GB (aws.amazon.com/glue/pricing), an Aurora, Neptune or DocumentDB capacity unit about
//! 2 GiB with matching processor (docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.how-it-works.html;
//! a quarter of a vCPU in the memory-optimised types behind it), a Redshift processing unit 16 GB
//! (docs.aws.amazon.com/redshift/latest/mgmt/serverless-capacity.html; two vCPU in the same proportion).

use airshed_domain::status::UsageFamily;
use airshed_emission_factors::compute::Architecture;

use super::Line;
use crate::reason::Reason;

/// vCPU per GB (1,024 MB) of Lambda memory: one per 1,769 MB.
pub const LAMBDA_VCPU_PER_GB: f64 = 1024.0 / 1769.0;
/// vCPU of an Aurora, Neptune or DocumentDB capacity unit.
const ACU_VCPU: f64 = 0.25;
/// GiB of the same.
const ACU_GIB: f64 = 2.0;
/// vCPU of a Glue data processing unit.
const DPU_VCPU: f64 = 4.0;
/// GiB of the same.
const DPU_GIB: f64 = 16.0;
/// GiB of a memory-optimised one (M-DPU), which has the same vCPU.
const M_DPU_GIB: f64 = 32.0;
/// vCPU of a Redshift processing unit.
const RPU_VCPU: f64 = 2.0;
/// GiB of the same.
const RPU_GIB: f64 = 16.0;
const SECONDS_PER_HOUR: f64 = 3600.0;

/// Usage types of EC2 instances; other services use the words too, for fees on instances that EC2 bills.
const EC2_METERS: [&str; 13] = [
    "BoxUsage",
    "SpotUsage",
    "HeavyUsage",
    "MediumUsage",
    "LightUsage",
    "DedicatedUsage",
    "DedicatedSpotUsage",
    "ReservedBox",
    "UnusedBox",
    "UnusedDed",
    "HostUsage",
    "ReservedHostUsage",
    "HostBoxUsage",
];
/// Services whose lines with those usage types are the instances themselves.
const EC2_SERVICES: [&str; 2] = ["AmazonEC2", "AmazonGameLift"];

/// Which part of a machine's power a line causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    /// All of it, at the utilisation of the line.
    Whole,
    /// What it draws at rest: held ready, not used.
    Idle,
    /// What it draws above rest, without embodied emissions: use of a machine that another line holds ready.
    AboveIdle,
}

/// What a compute line rents, per billed unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Meter<'a> {
    /// Hours of a named type.
    Instance {
        /// Type as billed, such as `db.r5.large`.
        name: &'a str,
        /// Machines behind one billed hour (2 for Multi-AZ).
        nodes: f64,
        /// Which part of its power.
        draw: Draw,
    },
    /// Hours of a dedicated host of an instance family.
    Host {
        /// The family, such as `m5`.
        family: &'a str,
    },
    /// Hours of full use of a vCPU above its baseline.
    Credits {
        /// The burstable family, such as `t3`.
        family: &'a str,
    },
    /// Part of a stand-in server.
    Slice {
        /// Family of the line.
        family: UsageFamily,
        /// Instruction set.
        architecture: Architecture,
        /// vCPU-hours per billed unit.
        vcpu_hours: f64,
        /// GiB-hours per billed unit.
        memory_gib_hours: f64,
        /// Which part of its power.
        draw: Draw,
    },
    /// No estimate, for this reason.
    None(Reason, UsageFamily),
}

/// What a line rents, or `None` when it is not a compute line.
pub fn meter<'a>(line: &Line<'a>) -> Option<Meter<'a>> {
    if let Some(slice) = slice(line) {
        return Some(slice);
    }
    let (head, tail) = line.usage.split_once(':').unwrap_or((line.usage, ""));
    let instance = |nodes: f64, draw: Draw| {
        let name = if tail.contains('.') { Some(tail) } else { line.instance_type };
        if !line.counts_hours() {
            return Some(Meter::None(Reason::UnknownUnit, UsageFamily::Instance));
        }
        Some(name.map_or(Meter::None(Reason::UnknownInstanceType, UsageFamily::Instance), |name| {
            Meter::Instance { name, nodes, draw }
        }))
    };
    if EC2_METERS.contains(&head) {
        if line.service == "ElasticMapReduce" || is_marketplace_product(line.service) {
            return Some(Meter::None(Reason::CountedOnInstance, UsageFamily::Instance));
        }
        if !EC2_SERVICES.contains(&line.service) {
            return None;
        }
    }
    match head {
        "BoxUsage"
        | "SpotUsage"
        | "HeavyUsage"
        | "MediumUsage"
        | "LightUsage"
        | "DedicatedUsage"
        | "DedicatedSpotUsage"
        | "ReservedBox"
        | "NodeUsage"
        | "Node"
        | "ESInstance"
        | "InstanceUsage"
        | "InstanceUsageIOOptimized"
        // As Database Migration Service spells it.
        | "InstanceUsg" => instance(1.0, Draw::Whole),
        "UnusedBox" | "UnusedDed" => instance(1.0, Draw::Idle),
        "Multi-AZUsage" | "Multi-AZUsg" => instance(2.0, Draw::Whole),
        // A Multi-AZ database cluster: one writer and two readable standbys, billed as one.
        "Multi-AZClusterUsage" => instance(3.0, Draw::Whole),
        "HostUsage" | "ReservedHostUsage" => Some(if line.counts_hours() {
            Meter::Host { family: tail }
        } else {
            Meter::None(Reason::UnknownUnit, UsageFamily::DedicatedHost)
        }),
        "HostBoxUsage" => Some(Meter::None(Reason::CountedOnDedicatedHost, UsageFamily::Instance)),
        "EBSOptimized" => Some(Meter::None(Reason::IncludedInInstance, UsageFamily::Instance)),
        "CPUCredits" => Some(if line.counts_hours() || line.unit.and_then(hours_of) == Some("vCPU") {
            Meter::Credits { family: tail }
        } else {
            Meter::None(Reason::UnknownUnit, UsageFamily::Instance)
        }),
        _ if tail.starts_with("mq.") => instance(broker_nodes(head), Draw::Whole),
        _ if tail.starts_with("ml.") => instance(1.0, Draw::Whole),
        _ => named_without_colon(line),
    }
}

/// Whether a service code is a product code of the AWS Marketplace, such as `8k2vbtq0wlz5o3dj7xmae14rc`: software
/// billed by the hour of the instance that it runs on.
fn is_marketplace_product(service: &str) -> bool {
    service.len() >= 20 && service.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// Brokers behind one billed hour of Amazon MQ.
fn broker_nodes(deployment: &str) -> f64 {
    if deployment.contains("Standby") {
        2.0
    } else if deployment.contains("Cluster") {
        3.0
    } else {
        1.0
    }
}

/// `Kafka.m5.large`, `express.m7g.large` (MSK brokers), `KernelGateway-ml.t3.medium` (SageMaker).
fn named_without_colon<'a>(line: &Line<'a>) -> Option<Meter<'a>> {
    let name = match line.service {
        "AmazonMSK" => {
            let name = line.usage.strip_prefix("Kafka.").or_else(|| line.usage.strip_prefix("express."))?;
            let (family, _) = name.split_once('.')?;
            family.starts_with(|c: char| c.is_ascii_lowercase()).then_some(name)?
        }
        "AmazonSageMaker" => &line.usage[line.usage.find("ml.")?..],
        _ => return None,
    };
    Some(if line.counts_hours() {
        Meter::Instance { name, nodes: 1.0, draw: Draw::Whole }
    } else {
        Meter::None(Reason::UnknownUnit, UsageFamily::Instance)
    })
}

fn slice<'a>(line: &Line<'a>) -> Option<Meter<'a>> {
    let usage = line.usage;
    let arm = usage.contains("ARM");
    let architecture = if arm { Architecture::Arm } else { Architecture::X86 };
    let part = |family, vcpu_hours, memory_gib_hours, draw| {
        Some(Meter::Slice { family, architecture, vcpu_hours, memory_gib_hours, draw })
    };
    let none = |reason, family| Some(Meter::None(reason, family));
    if usage.starts_with("ECS-EC2-") || usage.starts_with("EKS-EC2-") || usage.contains("EMR-EKS-EC2-") {
        return none(Reason::CountedOnHost, UsageFamily::ServerlessCompute);
    }
    if usage.starts_with("Lambda-") && usage.contains("-GB-Second")
        || usage.starts_with("Lambda-Provisioned-Concurrency")
    {
        // The unit is spelled `Second` or `Lambda-GB-Second`; the amount is GB-seconds either way.
        if line.unit.is_some_and(|unit| !unit.to_ascii_lowercase().contains("second")) {
            return none(Reason::UnknownUnit, UsageFamily::Function);
        }
        if usage.contains("Storage") || usage.contains("SnapStart") {
            return none(Reason::NoModel, UsageFamily::Function);
        }
        let (vcpu, gib) = (LAMBDA_VCPU_PER_GB / SECONDS_PER_HOUR, 1.0 / SECONDS_PER_HOUR);
        return if usage.starts_with("Lambda-Provisioned-Concurrency") {
            part(UsageFamily::Function, vcpu, gib, Draw::Idle)
        } else if usage.starts_with("Lambda-Provisioned-GB-Second") {
            part(UsageFamily::Function, vcpu, 0.0, Draw::AboveIdle)
        } else {
            part(UsageFamily::Function, vcpu, gib, Draw::Whole)
        };
    }
    let unit_is = |known: &[&str]| {
        line.counts_hours() || line.unit.and_then(hours_of).is_some_and(|of| known.contains(&of))
    };
    let (family, vcpu, gib, units): (_, _, _, &[&str]) = if usage.contains("Fargate-") {
        if usage.contains("OS-Hours") {
            return none(Reason::IncludedInInstance, UsageFamily::ServerlessCompute);
        } else if usage.contains("vCPU-Hours") {
            (UsageFamily::ServerlessCompute, 1.0, 0.0, &["vCPU"])
        } else if usage.contains("EphemeralStorage") {
            return None;
        } else if usage.contains("GB-Hours") {
            (UsageFamily::ServerlessMemory, 0.0, 1.0, &["GB"])
        } else {
            return None;
        }
    } else if usage.contains("EMR-SERVERLESS") && usage.contains("vCPUHours") {
        (UsageFamily::ServerlessCompute, 1.0, 0.0, &["vCPU"])
    } else if usage.contains("EMR-SERVERLESS") && usage.contains("MemoryGBHours") {
        (UsageFamily::ServerlessMemory, 0.0, 1.0, &["GB"])
    } else if line.service == "AWSGlue" && usage.contains("DPU-Hour") {
        let memory_optimised = usage.contains("M-DPU-Hour") || line.unit.and_then(hours_of) == Some("M-DPU");
        let gib = if memory_optimised { M_DPU_GIB } else { DPU_GIB };
        (UsageFamily::ServerlessCompute, DPU_VCPU, gib, &["DPU", "M-DPU"])
    } else if usage.starts_with("Redshift:ServerlessUsage") {
        (UsageFamily::ServerlessCompute, RPU_VCPU, RPU_GIB, &["RPU"])
    } else if is_capacity_unit(usage) {
        (UsageFamily::ServerlessCompute, ACU_VCPU, ACU_GIB, &["ACU", "NCU", "DCU"])
    } else {
        return None;
    };
    if unit_is(units) { part(family, vcpu, gib, Draw::Whole) } else { none(Reason::UnknownUnit, family) }
}

/// What is counted by the hour: `ACU` of `ACU-Hr` (CUR) and of `ACU-Hours` (FOCUS).
fn hours_of(unit: &str) -> Option<&str> {
    let (of, hours) = unit.rsplit_once('-')?;
    matches!(hours, "Hr" | "Hrs" | "Hour" | "Hours" | "hr" | "hrs" | "hour" | "hours").then_some(of)
}

fn is_capacity_unit(usage: &str) -> bool {
    usage.split_once(':').is_some_and(|(engine, meter)| {
        matches!(engine, "Aurora" | "Neptune" | "DocDB" | "DocumentDB")
            && meter.starts_with("Serverless")
            && meter.ends_with("Usage")
    })
}
