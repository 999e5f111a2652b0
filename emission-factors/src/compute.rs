//! Compute hardware: instance types, processors, accelerators, their power and their embodied emissions.
//!
//! An instance is a share of a host. Its power is the sum of five components (processor, memory, accelerators, local
//! disks, rest of the server), each a curve over processor load with low, central and high; its embodied emissions
//! are its share of the host's parts over the host's lifetime. Which curve a processor follows is a choice with a name,
//! [`PowerModel`], because published models disagree by four times on the same machine.
//! See `docs/methodology/compute.md` and `docs/methodology/embodied.md`.

mod embodied;
mod instance;
mod listing;
mod measured;
mod model;
mod parameter;
mod power;
mod processor;
mod resolve;

use std::collections::BTreeMap;

pub use embodied::{EmbodiedParts, Lifetime};
pub use instance::{AcceleratorShare, Architecture, DiskKind, Host, InstanceType, LocalDisks};
pub use measured::{PowerCurvePoints, import_power_csv};
pub use model::spec_linear;
pub use parameter::Parameters;
pub use power::{InstancePower, PowerCurve, PowerCurveBand, PowerModel};
pub use processor::{Accelerator, Citation, Microarchitecture, Processor};
pub use resolve::{Fit, Resolved};

use crate::{FactorError, provenance::Sources};

/// Every instance type with the processors, accelerators and parts behind it.
#[derive(Debug, Clone)]
pub struct Table {
    instances: BTreeMap<String, InstanceType>,
    processors: BTreeMap<String, Processor>,
    microarchitectures: BTreeMap<String, Microarchitecture>,
    accelerators: BTreeMap<String, Accelerator>,
    parameters: Parameters,
    aliases: BTreeMap<String, resolve::Alias>,
    power_curves: BTreeMap<String, PowerCurvePoints>,
}

impl Table {
    /// Reads the embedded tables.
    ///
    /// # Errors
    /// When a table cannot be read or names an unknown source, processor, microarchitecture or accelerator.
    pub fn load(sources: &Sources) -> Result<Self, FactorError> {
        let text = Texts {
            instances: include_str!("../data/compute/instances.csv"),
            processors: include_str!("../data/compute/processors.csv"),
            microarchitectures: include_str!("../data/compute/microarchitectures.csv"),
            accelerators: include_str!("../data/compute/accelerators.csv"),
            parameters: include_str!("../data/compute/parameters.csv"),
            aliases: include_str!("../data/compute/aliases.csv"),
        };
        Self::from_texts(&text, sources)
    }

    fn from_texts(text: &Texts<'_>, sources: &Sources) -> Result<Self, FactorError> {
        let table = Self {
            instances: instance::read("compute/instances.csv", text.instances, sources)?,
            processors: processor::read_processors("compute/processors.csv", text.processors, sources)?,
            microarchitectures: processor::read_microarchitectures(
                "compute/microarchitectures.csv",
                text.microarchitectures,
                sources,
            )?,
            accelerators: processor::read_accelerators(
                "compute/accelerators.csv",
                text.accelerators,
                sources,
            )?,
            parameters: parameter::read("compute/parameters.csv", text.parameters, sources)?,
            aliases: resolve::read_aliases("compute/aliases.csv", text.aliases, sources)?,
            power_curves: BTreeMap::new(),
        };
        table.check_references()?;
        Ok(table)
    }

    fn check_references(&self) -> Result<(), FactorError> {
        let unknown = |what: &str, key: &str, by: &str| {
            Err(FactorError::reference(format!("{what} `{key}`, named by `{by}`, is unknown")))
        };
        for instance in self.instances.values() {
            if !self.processors.contains_key(&instance.processor) {
                return unknown("processor", &instance.processor, &instance.name);
            }
            let accelerator = instance.accelerators.as_ref().map(|share| &share.accelerator);
            if let Some(key) = accelerator.filter(|key| !self.accelerators.contains_key(*key)) {
                return unknown("accelerator", key, &instance.name);
            }
        }
        for processor in self.processors.values() {
            if !self.microarchitectures.contains_key(&processor.microarchitecture) {
                return unknown("microarchitecture", &processor.microarchitecture, &processor.key);
            }
        }
        Ok(())
    }

    /// The tables with measured power curves added; a newer curve of a type replaces an older one.
    #[must_use]
    pub fn with_power_curves(mut self, curves: BTreeMap<String, PowerCurvePoints>) -> Self {
        self.power_curves.extend(curves);
        self
    }

    /// The instance type with exactly this EC2 name, such as `m5.xlarge`.
    pub fn instance(&self, name: &str) -> Option<&InstanceType> {
        self.instances.get(name)
    }

    /// Every instance type, by name.
    pub fn instances(&self) -> impl Iterator<Item = &InstanceType> {
        self.instances.values()
    }

    /// The instance types of a family (`m5`), by name.
    pub fn family<'t>(&'t self, family: &'t str) -> impl Iterator<Item = &'t InstanceType> {
        let first = format!("{family}.");
        self.instances.range(first..).map(|(_, instance)| instance).take_while(move |i| i.family() == family)
    }

    /// The processor with this key, such as `intel-xeon-platinum-8175m`.
    pub fn processor(&self, key: &str) -> Option<&Processor> {
        self.processors.get(key)
    }

    /// The microarchitecture with this key, such as `skylake`.
    pub fn microarchitecture(&self, key: &str) -> Option<&Microarchitecture> {
        self.microarchitectures.get(key)
    }

    /// The accelerator with this key, such as `nvidia-a100`.
    pub fn accelerator(&self, key: &str) -> Option<&Accelerator> {
        self.accelerators.get(key)
    }

    /// The measured power curve of a type, if one was imported.
    pub fn power_curve(&self, instance_type: &str) -> Option<&PowerCurvePoints> {
        self.power_curves.get(instance_type)
    }

    /// Numbers that hold for every host.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }
}

/// The texts that the tables are read from.
struct Texts<'t> {
    instances: &'t str,
    processors: &'t str,
    microarchitectures: &'t str,
    accelerators: &'t str,
    parameters: &'t str,
    aliases: &'t str,
}

#[cfg(test)]
mod tests;
