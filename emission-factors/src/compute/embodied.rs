//! Embodied emissions of an instance: its share of making the host, per hour of the host's life.
//!
//! From first principles: chassis, mainboard, power supplies and assembly; processors; memory; disks; accelerators, by
//! the published figures of Boavizta for each part (central) and of Cloud Carbon Footprint's construction (bounds).
//! Base and processors are shared by vCPU, memory by GiB; disks and accelerators are the instance's own.
//! See `docs/methodology/embodied.md`.

use airshed_domain::quantity::Duration;

use super::{DiskKind, InstanceType, Table};
use crate::{
    FactorError,
    value::{Band, InvalidBand},
};

/// Time a server serves before it is replaced. Embodied emissions are spread evenly over it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lifetime {
    /// Longest: gives the low bound.
    pub longest: Duration,
    /// Central.
    pub central: Duration,
    /// Shortest: gives the high bound.
    pub shortest: Duration,
}

/// Embodied emissions of an instance's share of its host, kgCO2e.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EmbodiedParts {
    /// Chassis, mainboard, power supplies, assembly.
    pub base_kg: Band,
    /// Processors.
    pub cpu_kg: Band,
    /// Memory.
    pub memory_kg: Band,
    /// Local disks.
    pub disks_kg: Band,
    /// GPUs and other accelerators.
    pub accelerators_kg: Band,
}

impl EmbodiedParts {
    /// All parts together, kgCO2e.
    pub fn total_kg(&self) -> Band {
        let Self { base_kg, cpu_kg, memory_kg, disks_kg, accelerators_kg } = *self;
        base_kg + cpu_kg + memory_kg + disks_kg + accelerators_kg
    }
}

impl Table {
    /// The lifetime of the tables: 6 years (AWS), 4 years (Cloud Carbon Footprint) for the high bound.
    pub fn default_lifetime(&self) -> Lifetime {
        let hours = self.parameters.lifetime_hours;
        let [shortest, central, longest] =
            [hours.low(), hours.central(), hours.high()].map(Duration::from_hours);
        Lifetime { longest, central, shortest }
    }

    /// Embodied emissions of the instance's share of its host, by part.
    ///
    /// # Errors
    /// [`crate::FactorErrorKind::Missing`] when the instance was made by hand and is not a share of a host, or names an
    /// unknown accelerator.
    pub fn embodied_parts(&self, instance: &InstanceType) -> Result<EmbodiedParts, FactorError> {
        let p = &self.parameters;
        let not_a_share = |error: InvalidBand| {
            FactorError::missing(format!("`{}` is not a share of its host", instance.name)).with_source(error)
        };
        let vcpu_share = instance.vcpu / instance.host.vcpu;
        let disks_kg = match instance.disks {
            None => Band::ZERO,
            Some(disks) if disks.kind == DiskKind::Ssd => {
                p.embodied_ssd_kg_per_gb.scaled(disks.total_gb).map_err(not_a_share)?
            }
            Some(disks) => p.embodied_hdd_kg_per_drive.scaled(disks.count).map_err(not_a_share)?,
        };
        let accelerators_kg = match &instance.accelerators {
            None => Band::ZERO,
            Some(share) => {
                let accelerator = self.accelerator(&share.accelerator).ok_or_else(|| {
                    FactorError::missing(format!("accelerator `{}` is unknown", share.accelerator))
                })?;
                accelerator.embodied_kg.scaled(share.count).map_err(not_a_share)?
            }
        };
        Ok(EmbodiedParts {
            base_kg: p.embodied_base_kg.scaled(vcpu_share).map_err(not_a_share)?,
            cpu_kg: p
                .embodied_cpu_kg_per_socket
                .scaled(instance.host.sockets * vcpu_share)
                .map_err(not_a_share)?,
            memory_kg: p.embodied_memory_kg_per_gib.scaled(instance.memory_gib).map_err(not_a_share)?,
            disks_kg,
            accelerators_kg,
        })
    }

    /// Embodied emissions of one hour of the instance, gCO2e.
    ///
    /// # Errors
    /// As [`Table::embodied_parts`]; also when the lifetime is not positive and ordered.
    pub fn embodied_g_per_hour(
        &self,
        instance: &InstanceType,
        lifetime: Lifetime,
    ) -> Result<Band, FactorError> {
        let total_kg = self.embodied_parts(instance)?.total_kg();
        let per_hour = |kg: f64, life: Duration| kg * 1000.0 / life.hours();
        Band::new(
            per_hour(total_kg.low(), lifetime.longest),
            per_hour(total_kg.central(), lifetime.central),
            per_hour(total_kg.high(), lifetime.shortest),
        )
        .map_err(|error| FactorError::missing("the lifetime is not positive and ordered").with_source(error))
    }
}
