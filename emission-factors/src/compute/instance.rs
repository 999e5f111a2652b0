//! Instance types: what is rented, and the host it is a share of.

use std::{collections::BTreeMap, str::FromStr};

use crate::{FactorError, provenance::Sources, table};

const COLUMNS: &[&str] = &[
    "instance_type",
    "vcpu",
    "memory_gib",
    "processor",
    "processor_source",
    "processor_assumed",
    "threads_per_vcpu",
    "architecture",
    "burst_baseline",
    "burst_source",
    "bare_metal",
    "disk_kind",
    "disk_total_gb",
    "disk_count",
    "accelerator",
    "accelerator_count",
    "host_vcpu",
    "host_memory_gib",
    "host_sockets",
    "host_documented",
    "source",
];

/// One EC2 instance type, or a slice of a host of such a type (see [`InstanceType::slice`]).
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceType {
    /// EC2 name, such as `m5.xlarge`; for Redshift nodes theirs, such as `ra3.4xlarge`.
    pub name: String,
    /// Virtual processors.
    pub vcpu: f64,
    /// Memory, GiB.
    pub memory_gib: f64,
    /// Key of its [`super::Processor`].
    pub processor: String,
    /// Id of the source that names the processor.
    pub processor_source_id: String,
    /// Whether the processor is a stand-in, because none is published for the type.
    pub processor_assumed: bool,
    /// Hardware threads that one vCPU holds: 2 where a type sells whole cores of a processor that has two threads each.
    pub threads_per_vcpu: f64,
    /// Instruction set.
    pub architecture: Architecture,
    /// Share of each vCPU, 0 to 1, that a burstable type may use without credits; `None` for types that do not burst.
    pub burst_baseline: Option<f64>,
    /// Id of the source of the baseline.
    pub burst_source_id: Option<String>,
    /// Whether the customer rents the whole host.
    pub bare_metal: bool,
    /// Disks in the host that belong to the instance.
    pub disks: Option<LocalDisks>,
    /// Accelerators that belong to the instance.
    pub accelerators: Option<AcceleratorShare>,
    /// The host.
    pub host: Host,
    /// Id of the source of the row.
    pub source_id: String,
}

impl InstanceType {
    /// Its family, the part before the dot: `m5` of `m5.xlarge`.
    pub fn family(&self) -> &str {
        self.name.split_once('.').map_or(&self.name, |(family, _)| family)
    }

    /// Hardware threads of the instance.
    pub fn threads(&self) -> f64 {
        self.vcpu * self.threads_per_vcpu
    }

    /// Another share of the same host, without disks and accelerators: what a serverless service rents out.
    #[must_use]
    pub fn slice(&self, vcpu: f64, memory_gib: f64) -> Self {
        Self {
            vcpu,
            memory_gib,
            burst_baseline: None,
            burst_source_id: None,
            bare_metal: false,
            disks: None,
            accelerators: None,
            ..self.clone()
        }
    }
}

/// The server that instances are shares of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Host {
    /// Virtual processors of the whole host.
    pub vcpu: f64,
    /// Memory of the whole host, GiB.
    pub memory_gib: f64,
    /// Processor sockets.
    pub sockets: f64,
    /// Whether the host is documented (a published platform or a bare-metal size); otherwise it is taken to be the
    /// largest size of the family, filled up to whole sockets.
    pub documented: bool,
}

/// Instruction set of a processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Architecture {
    /// Intel, AMD.
    X86,
    /// Graviton, Grace, Apple silicon.
    Arm,
}

impl FromStr for Architecture {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "x86_64" => Ok(Self::X86),
            "arm64" => Ok(Self::Arm),
            _ => Err(()),
        }
    }
}

/// Disks in the host that belong to an instance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalDisks {
    /// Flash or rotating.
    pub kind: DiskKind,
    /// How many; a part of one where small sizes share a drive of the family.
    pub count: f64,
    /// Capacity of all of them together, GB.
    pub total_gb: f64,
}

/// Kind of a local disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DiskKind {
    /// Flash.
    Ssd,
    /// Rotating.
    Hdd,
}

impl FromStr for DiskKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "ssd" => Ok(Self::Ssd),
            "hdd" => Ok(Self::Hdd),
            _ => Err(()),
        }
    }
}

/// Accelerators of an instance.
#[derive(Debug, Clone, PartialEq)]
pub struct AcceleratorShare {
    /// Key of its [`super::Accelerator`].
    pub accelerator: String,
    /// How many; a part of one where the host shares it out.
    pub count: f64,
}

pub(super) fn read(
    file: &str,
    text: &str,
    sources: &Sources,
) -> Result<BTreeMap<String, InstanceType>, FactorError> {
    let mut instances = BTreeMap::new();
    for row in table::read(file, text, COLUMNS)? {
        let instance = of_row(&row, sources)?;
        if let Some(twin) = instances.insert(instance.name.clone(), instance) {
            return Err(row.error("instance_type", &format!("`{}` stands twice", twin.name)));
        }
    }
    Ok(instances)
}

fn of_row(row: &table::Row<'_>, sources: &Sources) -> Result<InstanceType, FactorError> {
    let disks = row
        .optional_parse("disk_kind")?
        .map(|kind| {
            let (count, total_gb) = (row.positive("disk_count")?, row.positive("disk_total_gb")?);
            Ok::<_, FactorError>(LocalDisks { kind, count, total_gb })
        })
        .transpose()?;
    let accelerators = row
        .optional_text("accelerator")?
        .map(|key| {
            let count = row.positive("accelerator_count")?;
            Ok::<_, FactorError>(AcceleratorShare { accelerator: key.to_owned(), count })
        })
        .transpose()?;
    let burst_baseline = row.optional_number("burst_baseline")?;
    if burst_baseline.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
        return Err(row.error("burst_baseline", "is not a share between 0 and 1"));
    }
    let burst_source_id =
        row.optional_text("burst_source")?.map(|id| sources.require(id).map(str::to_owned)).transpose()?;
    if burst_baseline.is_some() != burst_source_id.is_some() {
        return Err(row.error("burst_source", "stands with a baseline and only with one"));
    }
    let host = Host {
        vcpu: row.positive("host_vcpu")?,
        memory_gib: row.positive("host_memory_gib")?,
        sockets: row.positive("host_sockets")?,
        documented: row.flag("host_documented")?,
    };
    let instance = InstanceType {
        name: row.text("instance_type")?.to_owned(),
        vcpu: row.positive("vcpu")?,
        memory_gib: row.positive("memory_gib")?,
        processor: row.text("processor")?.to_owned(),
        processor_source_id: sources.require(row.text("processor_source")?)?.to_owned(),
        processor_assumed: row.flag("processor_assumed")?,
        threads_per_vcpu: row.positive("threads_per_vcpu")?,
        architecture: row.parse("architecture")?,
        burst_baseline,
        burst_source_id,
        bare_metal: row.flag("bare_metal")?,
        disks,
        accelerators,
        host,
        source_id: sources.require(row.text("source")?)?.to_owned(),
    };
    if instance.vcpu > host.vcpu || instance.memory_gib > host.memory_gib {
        return Err(row.error("host_vcpu", "the host is smaller than the instance"));
    }
    Ok(instance)
}
