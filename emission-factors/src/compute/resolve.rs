//! From the name a service bills to the EC2 type behind it.
//!
//! Managed services bill `db.m5.large` or `m5.large.search` for what is an `m5.large`. A name resolves in this order,
//! and everything after the second step is a stand-in and says so:
//!
//! 1. the name itself, without the service's prefix and suffix;
//! 2. a documented alias (`data/compute/aliases.csv`), for families that only a managed service has;
//! 3. another size of the same family, since sizes of a family are multiples of each other;
//! 4. the nearest older generation of the same family letters (`m9x` from `m8x`), same size.
//!
//! A name that none of these fits has no instance: its line stays unmapped.

use std::{borrow::Cow, collections::BTreeMap};

use super::{InstanceType, Table, processor::Citation};
use crate::{FactorError, provenance::Sources, table};

const ALIAS_COLUMNS: &[&str] = &["alias", "target", "source", "note"];

/// Prefixes of services, compared without case. RDS, Neptune, DocumentDB and MemoryDB: `db.`; SageMaker: `ml.`.
const PREFIXES: &[&str] =
    &["kernelgateway-ml.", "express.", "search.", "cache.", "kafka.", "dax.", "dms.", "db.", "ml.", "mq."];

/// Suffixes of services.
const SUFFIXES: &[&str] = &[".search", ".elasticsearch"];

/// How well a resolved type fits the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fit {
    /// The very EC2 type.
    Exact,
    /// A documented stand-in; [`Resolved::note`] says which.
    Proxy,
}

/// The instance type behind a billed name.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved<'t> {
    /// The type, or a type made from another size of its family.
    pub instance: Cow<'t, InstanceType>,
    /// How well it fits.
    pub fit: Fit,
    /// For a proxy: what stands in, and why.
    pub note: String,
}

/// A family or type that only a managed service has, and the EC2 family or type that stands in.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Alias {
    pub(super) target: String,
    pub(super) citation: Citation,
}

pub(super) fn read_aliases(
    file: &str,
    text: &str,
    sources: &Sources,
) -> Result<BTreeMap<String, Alias>, FactorError> {
    let mut aliases = BTreeMap::new();
    for row in table::read(file, text, ALIAS_COLUMNS)? {
        let citation = Citation {
            source_id: sources.require(row.text("source")?)?.to_owned(),
            page: row.text("alias")?.to_owned(),
            note: row.text("note")?.to_owned(),
        };
        let alias = Alias { target: row.text("target")?.to_owned(), citation };
        if aliases.insert(row.text("alias")?.to_owned(), alias).is_some() {
            return Err(row.error("alias", "stands twice"));
        }
    }
    Ok(aliases)
}

impl Table {
    /// The EC2 type behind a billed name (`db.m5.large`, `cache.r6g.large`, `m5.large.search`, `ra3.4xlarge`).
    /// `None` when there is none and no documented stand-in (`db.serverless`).
    pub fn resolve_instance(&self, name: &str) -> Option<Resolved<'_>> {
        let lower = name.trim().to_ascii_lowercase();
        let bare = without_service(&lower);
        if let Some(instance) = self.instance(bare) {
            return Some(exact(instance));
        }
        if let Some((bare, factor)) = memory_multiple(bare) {
            let template = self.instance(bare)?;
            let memory_gib = template.memory_gib * factor;
            if memory_gib > template.host.memory_gib {
                return None;
            }
            let slice = template.slice(template.vcpu, memory_gib);
            let instance = Cow::Owned(InstanceType { name: lower.clone(), ..slice });
            return Some(Resolved {
                instance,
                fit: Fit::Proxy,
                note: format!("{bare} with {factor} times its memory"),
            });
        }
        self.by_alias(bare).or_else(|| self.by_size(bare)).or_else(|| self.by_generation(bare))
    }

    fn by_alias(&self, bare: &str) -> Option<Resolved<'_>> {
        let (family, size) = bare.split_once('.')?;
        let (alias, target) = match self.aliases.get(bare) {
            Some(alias) => (alias, alias.target.clone()),
            None => self.aliases.get(family).map(|alias| (alias, format!("{}.{size}", alias.target)))?,
        };
        let instance = self.instance(&target)?;
        let note = format!("{target} stands in for {bare}: {}", alias.citation.note);
        Some(Resolved { instance: Cow::Borrowed(instance), fit: Fit::Proxy, note })
    }

    fn by_size(&self, bare: &str) -> Option<Resolved<'_>> {
        let (family, size) = bare.split_once('.')?;
        let units = size_in_xlarge(size)?;
        let known = |instance: &&InstanceType| !instance.bare_metal && instance.burst_baseline.is_none();
        let (template_units, template) = self
            .family(family)
            .filter(known)
            .filter_map(|instance| Some((size_in_xlarge(instance.name.split_once('.')?.1)?, instance)))
            .max_by(|(a, _), (b, _)| a.total_cmp(b))?;
        // Accelerators and drives do not come in shares of a size; such families list every size they have.
        if template.accelerators.is_some() {
            return None;
        }
        let factor = units / template_units;
        let (vcpu, memory_gib) = (template.vcpu * factor, template.memory_gib * factor);
        if vcpu < 1.0 || vcpu > template.host.vcpu || memory_gib > template.host.memory_gib {
            return None;
        }
        let note =
            format!("{} scaled to {size}: sizes of a family are multiples of each other", template.name);
        let disks = template.disks.map(|disks| super::LocalDisks {
            count: disks.count * factor,
            total_gb: disks.total_gb * factor,
            ..disks
        });
        let instance = InstanceType { name: bare.to_owned(), disks, ..template.slice(vcpu, memory_gib) };
        Some(Resolved { instance: Cow::Owned(instance), fit: Fit::Proxy, note })
    }

    fn by_generation(&self, bare: &str) -> Option<Resolved<'_>> {
        let (family, size) = bare.split_once('.')?;
        let digit = family.find(|c: char| c.is_ascii_digit())?;
        let rest = family[digit..].trim_start_matches(|c: char| c.is_ascii_digit());
        let generation: u8 = family[digit..family.len() - rest.len()].parse().ok()?;
        let letters = &family[..digit];
        (1..generation).rev().find_map(|older| {
            let instance = self.instance(&format!("{letters}{older}{rest}.{size}"))?;
            let note = format!("{} stands in for {bare}: the nearest older generation", instance.name);
            Some(Resolved { instance: Cow::Borrowed(instance), fit: Fit::Proxy, note })
        })
    }
}

fn exact(instance: &InstanceType) -> Resolved<'_> {
    Resolved { instance: Cow::Borrowed(instance), fit: Fit::Exact, note: String::new() }
}

/// The name without what the service puts around it. SageMaker also appends what the instance is used for
/// (`ml.m5.xlarge-Notebook`).
fn without_service(lower: &str) -> &str {
    let prefix = PREFIXES.iter().find(|prefix| lower.starts_with(*prefix)).copied().unwrap_or("");
    let bare = &lower[prefix.len()..];
    let bare = SUFFIXES.iter().find_map(|suffix| bare.strip_suffix(suffix)).unwrap_or(bare);
    if prefix.ends_with("ml.") { bare.split_once('-').map_or(bare, |(bare, _)| bare) } else { bare }
}

/// RDS for Oracle sells types with more memory: `r5.large.tpc1.mem2x` is an `r5.large` with twice its memory.
fn memory_multiple(bare: &str) -> Option<(&str, f64)> {
    let (rest, memory) = bare.rsplit_once(".mem")?;
    let factor: u8 = memory.strip_suffix('x')?.parse().ok()?;
    let (template, _threads) = rest.rsplit_once(".tpc")?;
    Some((template, f64::from(factor)))
}

/// A size in multiples of `xlarge`: `large` is a half, `4xlarge` is four.
fn size_in_xlarge(size: &str) -> Option<f64> {
    match size {
        "medium" => Some(0.25),
        "large" => Some(0.5),
        "xlarge" => Some(1.0),
        _ => size.strip_suffix("xlarge")?.parse::<u16>().ok().filter(|count| *count > 0).map(f64::from),
    }
}
