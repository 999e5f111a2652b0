//! Reading what a billed line is about, before any factor is looked up.
//!
//! AWS writes region, kind and size into one text, the usage type: `USW2-InstanceUsage:db.r5.large`. [`Line::read`] takes
//! it apart: service code, usage type without its prefix, region. [`charge`] says which line types are usage at all,
//! [`meter`] which usage types rent processors and memory, [`rest`] which are known to have no energy of their own or no
//! model. Storage, transfer and tokens are mapped by tables of the factor set.
//!
//! Profiles share this reading; where a peer reads a usage type differently, its profile does so itself.

pub mod charge;
pub mod meter;
mod prefix;
mod rest;

use airshed_emission_factors::facility;

use crate::{
    class::ClassKey,
    place::zone::{Site, site, site_of_prefix},
};

pub use prefix::strip_region_prefix;
pub use rest::rest;

/// A billed line taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// `aws`, `azure`, `gcp` or what the export names.
    pub provider: &'a str,
    /// The provider's service code.
    pub service: &'a str,
    /// The usage type without its region prefix; empty where the export has none.
    pub usage: &'a str,
    /// The operation; empty where the export has none.
    pub operation: &'a str,
    /// The billed unit.
    pub unit: Option<&'a str>,
    /// The instance type, as the usage type or else the column names it.
    pub instance_type: Option<&'a str>,
    /// Where the thing is.
    pub region: LineRegion<'a>,
}

/// The region of a line and how it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineRegion<'a> {
    /// The export's region column, or the regions of a transfer.
    Stated(&'a str),
    /// The prefix of the usage type.
    Prefix(&'a str),
    /// Neither: AWS writes usage types of us-east-1 without a prefix.
    NoPrefix,
    /// An edge location of a content delivery network, by its part of the world; the code is a stand-in.
    Edge(&'static str),
    /// A local or wavelength zone without figures of its own; the code is its parent region.
    LocalZone(&'a str),
    /// A prefix that looks like a region but is not in the factor set.
    UnknownPrefix(&'a str),
}

impl<'a> LineRegion<'a> {
    /// The code, if there is one.
    pub fn code(self) -> Option<&'a str> {
        match self {
            Self::Stated(code) | Self::Prefix(code) | Self::Edge(code) | Self::LocalZone(code) => Some(code),
            Self::NoPrefix => Some("us-east-1"),
            Self::UnknownPrefix(_) => None,
        }
    }
}

impl<'a> Line<'a> {
    /// Takes a line apart. Regions of prefixes come from the factor set's region table.
    pub fn read(key: &ClassKey<'a>, regions: &'a facility::Table) -> Self {
        let text = |value: Option<&'a str>| value.map(str::trim).filter(|text| !text.is_empty());
        let service = text(key.service_code).unwrap_or("");
        let full_usage = text(key.usage_type).unwrap_or("");
        let stripped = strip_region_prefix(full_usage, service, regions);
        let (from, to) = (text(key.from_region), text(key.to_region));
        let inbound = stripped.usage.contains("-In-Bytes") || stripped.usage == "AWS-In-Bytes";
        let provider = text(key.provider).unwrap_or("");
        let of_transfer = if inbound { to.or(from) } else { from.or(to) };
        let of_transfer = of_transfer.and_then(|code| of_code(code, provider, regions));
        let region = match (text(key.region), stripped.region) {
            (Some(code), prefix) if !is_global(code) => {
                let stated = of_code(code, provider, regions).unwrap_or(LineRegion::Stated(code));
                zone_of_stated(stated, prefix, regions)
            }
            (_, Some(found)) => found,
            _ => of_transfer.unwrap_or(LineRegion::NoPrefix),
        };
        let tail = stripped.usage.rsplit_once(':').map(|(_, tail)| tail).filter(|tail| tail.contains('.'));
        Self {
            provider,
            service,
            usage: stripped.usage,
            operation: text(key.operation).unwrap_or(""),
            unit: text(key.usage_unit),
            instance_type: tail.or(text(key.instance_type)),
            region: match (region, of_transfer) {
                // An edge location's transfer names its region in the transfer columns only.
                (LineRegion::Edge(_), Some(stated)) => stated,
                (region, _) => region,
            },
        }
    }

    /// Whether the amount counts hours. A missing unit is taken for the one that the usage type always has: AWS left it
    /// out on spot and free-tier lines of older exports.
    pub fn counts_hours(&self) -> bool {
        self.unit.is_none_or(|unit| {
            matches!(unit, "Hrs" | "Hours" | "hours" | "Hour" | "hour" | "Hr" | "hr" | "hrs")
        })
    }

    /// Whether the amount counts gigabytes; as for hours, a missing unit does.
    pub fn counts_gigabytes(&self) -> bool {
        self.unit.is_none_or(|unit| {
            matches!(unit, "GB" | "GigaBytes" | "Gigabytes" | "GigaByte" | "GiB" | "gigabyte")
        })
    }
}

/// The region that a column names by its code, or the parent of the zone that it names; `None` for neither.
fn of_code<'a>(code: &'a str, provider: &str, regions: &'a facility::Table) -> Option<LineRegion<'a>> {
    if provider != "aws" {
        return regions.region(provider, code).map(|_| LineRegion::Stated(code));
    }
    Some(match site(code, regions)? {
        Site::Own(code) => LineRegion::Stated(code),
        Site::Parent(code) => LineRegion::LocalZone(code),
    })
}

/// A stated region, and the zone of it that the prefix of the usage type may name (`LAX1` in us-west-2).
fn zone_of_stated<'a>(
    stated: LineRegion<'a>,
    prefix: Option<LineRegion<'a>>,
    regions: &'a facility::Table,
) -> LineRegion<'a> {
    match (stated, prefix) {
        (LineRegion::Stated(region), Some(LineRegion::LocalZone(parent))) if region == parent => {
            LineRegion::LocalZone(parent)
        }
        (LineRegion::Stated(region), Some(LineRegion::UnknownPrefix(zone))) => {
            match site_of_prefix(zone, Some(region), regions) {
                Some(Site::Own(code)) => LineRegion::Stated(code),
                Some(Site::Parent(code)) => LineRegion::LocalZone(code),
                None => stated,
            }
        }
        _ => stated,
    }
}

fn is_global(code: &str) -> bool {
    code.eq_ignore_ascii_case("global") || code.eq_ignore_ascii_case("aws-global")
}

#[cfg(test)]
mod tests;
