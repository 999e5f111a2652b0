//! The power models: from an instance's share of a host to curves over load.
//!
//! The default takes SPECpower results, because they are measured on whole servers at known load under an audited rule,
//! for 17 microarchitectures. Its low bound is their 10th percentile. Its high bound is the larger of their 90th
//! percentile and the curve over thermal design power with a generous rest of the server, because servers entered for
//! SPECpower are tuned and lean. `docs/methodology/compute.md` compares the models with measured instances.

use super::{
    DiskKind, InstancePower, InstanceType, Microarchitecture, PowerCurve, PowerCurveBand, PowerModel,
    Processor, Table,
};
use crate::{FactorError, value::Band};

/// Load at which two candidates for the high bound are compared: the default utilisation of the published tools.
const COMPARED_LOAD: f64 = 0.5;

/// Least power of a socket by the curve over thermal design power, W (Boavizta).
const LEAST_SOCKET_W: f64 = 1.0;

impl Table {
    /// Power of an instance under a model.
    ///
    /// # Errors
    /// [`crate::FactorErrorKind::Missing`] when the model has no data for the type (no measured curve was imported, or
    /// the instance was made by hand and names an unknown processor).
    pub fn instance_power(
        &self,
        instance: &InstanceType,
        model: PowerModel,
    ) -> Result<InstancePower, FactorError> {
        if model == PowerModel::MeasuredPoints {
            return self.measured_power(instance);
        }
        let (processor, microarchitecture) = self.processor_of(instance)?;
        let threads = instance.threads();
        let (accelerator, accelerator_proxy) = self.accelerator_power(instance)?;
        let storage = self.storage_power(instance);
        let (cpu, memory, platform, proxy) = if model == PowerModel::TdpLog {
            let cpu = self.tdp_log(processor, threads, Band::ZERO);
            let memory = self.dimm_power(instance.memory_gib);
            let platform = self.tdp_log_platform(processor, threads, instance.memory_gib);
            (cpu, memory, platform, processor.tdp_proxy)
        } else {
            let extra_gib =
                (instance.memory_gib - microarchitecture.memory_gib_per_thread * threads).max(0.0);
            let cpu = spec_linear(microarchitecture, threads);
            let memory = constant(self.parameters.memory_w_per_gib, extra_gib);
            if model == PowerModel::SpecLinear {
                let [cpu, memory] = [cpu, memory].map(|curves| PowerCurveBand::exact(curves.central));
                (cpu, memory, PowerCurveBand::ZERO, processor.spec_proxy)
            } else {
                let tdp = self.tdp_log(processor, threads, self.parameters.tdp_log_platform_share).high;
                let spread = |curve: &PowerCurve| curve.at(COMPARED_LOAD).w();
                let high = if spread(&tdp) > spread(&cpu.high) { tdp } else { cpu.high };
                (PowerCurveBand { high, ..cpu }, memory, PowerCurveBand::ZERO, processor.spec_proxy)
            }
        };
        let proxy = proxy || accelerator_proxy || instance.processor_assumed;
        Ok(InstancePower { cpu, memory, accelerator, storage, platform, proxy })
    }

    /// Power of the memory that the model's processor figures of an instance hold; none where the model keeps them apart.
    /// It is what a bill with processors and memory on lines of their own would count twice.
    ///
    /// # Errors
    /// As [`Table::instance_power`].
    pub fn memory_within_cpu(
        &self,
        instance: &InstanceType,
        model: PowerModel,
    ) -> Result<PowerCurveBand, FactorError> {
        if matches!(model, PowerModel::TdpLog | PowerModel::MeasuredPoints) {
            return Ok(PowerCurveBand::ZERO);
        }
        let (_, microarchitecture) = self.processor_of(instance)?;
        let gib = microarchitecture.memory_gib_per_thread * instance.threads();
        let memory = constant(self.parameters.memory_w_per_gib, gib);
        Ok(if model == PowerModel::SpecLinear { PowerCurveBand::exact(memory.central) } else { memory })
    }

    /// The processor of an instance and its microarchitecture.
    pub(super) fn processor_of(
        &self,
        i: &InstanceType,
    ) -> Result<(&Processor, &Microarchitecture), FactorError> {
        let missing =
            || FactorError::missing(format!("processor `{}` of `{}` is unknown", i.processor, i.name));
        let processor = self.processor(&i.processor).ok_or_else(missing)?;
        let microarchitecture = self.microarchitecture(&processor.microarchitecture).ok_or_else(missing)?;
        Ok((processor, microarchitecture))
    }

    /// Logarithmic curve over thermal design power for some threads of a socket, times one plus a share for the rest of
    /// the server; low, central and high of both together.
    fn tdp_log(&self, processor: &Processor, threads: f64, platform_share: Band) -> PowerCurveBand {
        let p = &self.parameters;
        let share = threads / processor.threads_per_socket;
        let curve = |pick: fn(Band) -> f64| {
            let factor = share * (1.0 + pick(platform_share));
            PowerCurve::TdpLog {
                a: p.tdp_log_a.central(),
                c: p.tdp_log_c.central(),
                d: p.tdp_log_d.central(),
                scale_w: pick(processor.tdp_w) * factor,
                floor_w: LEAST_SOCKET_W * factor,
                idle_w: 0.0,
                full_w: 0.0,
            }
        };
        PowerCurveBand { low: curve(Band::low), central: curve(Band::central), high: curve(Band::high) }
    }

    /// Rest of the server by Boavizta: a share of processor and memory power.
    fn tdp_log_platform(&self, processor: &Processor, threads: f64, memory_gib: f64) -> PowerCurveBand {
        let share = self.parameters.tdp_log_platform_share;
        let cpu = self.tdp_log(processor, threads, Band::ZERO);
        let memory = self.dimm_power(memory_gib);
        let sum = |cpu: PowerCurve, memory: PowerCurve, share: f64| {
            let (idle_w, full_w) = (memory.at(0.0).w() * share, memory.at(1.0).w() * share);
            match cpu.scaled(share) {
                PowerCurve::TdpLog { a, c, d, scale_w, floor_w, .. } => {
                    PowerCurve::TdpLog { a, c, d, scale_w, floor_w, idle_w, full_w }
                }
                other => other,
            }
        };
        PowerCurveBand {
            low: sum(cpu.low, memory.low, share.low()),
            central: sum(cpu.central, memory.central, share.central()),
            high: sum(cpu.high, memory.high, share.high()),
        }
    }

    /// Memory by the module (Boavizta): `(base + chips * GiB) * (idle share + (1 - idle share) * load)` a module.
    pub fn dimm_power(&self, memory_gib: f64) -> PowerCurveBand {
        let p = &self.parameters;
        let line = |pick: fn(Band) -> f64| {
            let gib = pick(p.dimm_gib);
            let full_w = (pick(p.dimm_base_w) + pick(p.dimm_w_per_gib) * gib) * memory_gib / gib;
            PowerCurve::Linear { idle_w: full_w * pick(p.dimm_idle_share), full_w }
        };
        PowerCurveBand { low: line(Band::low), central: line(Band::central), high: line(Band::high) }
    }

    fn accelerator_power(&self, instance: &InstanceType) -> Result<(PowerCurveBand, bool), FactorError> {
        let Some(share) = &instance.accelerators else {
            return Ok((PowerCurveBand::ZERO, false));
        };
        let accelerator = self.accelerator(&share.accelerator).ok_or_else(|| {
            FactorError::missing(format!(
                "accelerator `{}` of `{}` is unknown",
                share.accelerator, instance.name
            ))
        })?;
        let curves = PowerCurveBand::linear(accelerator.idle_w, accelerator.full_w);
        Ok((curves.scaled(share.count), accelerator.proxy))
    }

    fn storage_power(&self, instance: &InstanceType) -> PowerCurveBand {
        let Some(disks) = instance.disks else {
            return PowerCurveBand::ZERO;
        };
        let per_drive = match disks.kind {
            DiskKind::Ssd => self.parameters.ssd_w_per_drive,
            DiskKind::Hdd => self.parameters.hdd_w_per_drive,
        };
        constant(per_drive, disks.count)
    }

    fn measured_power(&self, instance: &InstanceType) -> Result<InstancePower, FactorError> {
        let points = self
            .power_curve(&instance.name)
            .ok_or_else(|| FactorError::missing(format!("no measured power curve of `{}`", instance.name)))?;
        Ok(InstancePower {
            cpu: PowerCurveBand::exact(PowerCurve::Points { w: points.w }),
            memory: PowerCurveBand::ZERO,
            accelerator: PowerCurveBand::ZERO,
            storage: PowerCurveBand::ZERO,
            platform: PowerCurveBand::ZERO,
            proxy: false,
        })
    }
}

/// Whole-server power of some threads, linear in load (SPECpower).
pub fn spec_linear(microarchitecture: &Microarchitecture, threads: f64) -> PowerCurveBand {
    let Microarchitecture { idle_w_per_thread, full_w_per_thread, .. } = microarchitecture;
    PowerCurveBand::linear(*idle_w_per_thread, *full_w_per_thread).scaled(threads)
}

fn constant(w_per_unit: Band, units: f64) -> PowerCurveBand {
    PowerCurveBand::constant(w_per_unit).scaled(units)
}
