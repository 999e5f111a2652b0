//! Stored gigabytes: how many are really kept, on what, at what power, and what it took to build the drives.
//!
//! A bill counts logical gigabytes. A storage class says on which medium they lie and how many copies (or how much
//! erasure coding) stand behind one, with bounds, because providers publish the principle but seldom the number. The
//! power of a billed GB is the medium's Wh per TB-hour times copies; embodied emissions are the drive's, over its life.
//!
//! Billed gigabytes are 2^30 bytes, drives are sold in 10^12: the conversion is made here, once
//! ([`BILLED_GB_PER_DRIVE_GB`]). Which usage type has which class is data: `data/storage/usage_types.csv`.

use std::collections::BTreeMap;

use airshed_domain::{id::FactorId, status::UsageFamily};

use crate::{
    FactorError, pattern,
    provenance::Sources,
    table,
    value::{Band, Factor},
};

/// Bytes of a billed GB over bytes of a drive's GB: 2^30 / 10^9.
pub const BILLED_GB_PER_DRIVE_GB: f64 = 1.073_741_824;
/// Hours of the 365-day year in which a drive's embodied emissions are spread.
const HOURS_PER_YEAR: f64 = 8760.0;
/// The class of usage types that are billed like storage although nothing is kept (early deletion).
const FEE: &str = "fee";
/// The service column of a mapping that holds for any service.
const ANY: &str = "*";

const MEDIA_COLUMNS: &[&str] = &[
    "medium",
    "low_wh_per_tbh",
    "wh_per_tbh",
    "high_wh_per_tbh",
    "source_id",
    "page",
    "low_embodied_g_per_gb",
    "embodied_g_per_gb",
    "high_embodied_g_per_gb",
    "lifetime_years",
    "embodied_source_id",
    "embodied_page",
    "note",
];
const CLASS_COLUMNS: &[&str] =
    &["class", "family", "medium", "low_copies", "copies", "high_copies", "source_id", "page", "note"];
const MAPPING_COLUMNS: &[&str] = &["service", "pattern", "class", "note"];

/// What bytes lie on.
#[derive(Debug, Clone, PartialEq)]
pub struct Medium {
    /// `ssd` or `hdd`.
    pub name: String,
    /// Watt-hours per terabyte (10^12 bytes) and hour.
    pub power_wh_per_tbh: Band,
    /// Manufacturing of the drive per gigabyte (10^9 bytes), gCO2e.
    pub embodied_g_per_gb: Band,
    /// Years in service over which it is spread.
    pub lifetime_years: f64,
    source_id: String,
    page: String,
    embodied_source_id: String,
    embodied_page: String,
    note: String,
}

/// How a kind of storage keeps a billed gigabyte.
#[derive(Debug, Clone, PartialEq)]
pub struct StorageClass {
    /// Such as `s3_standard`.
    pub name: String,
    /// Usage family of its lines.
    pub family: UsageFamily,
    /// Name of its [`Medium`].
    pub medium: String,
    /// Raw bytes kept per billed byte: copies, or the overhead of erasure coding.
    pub copies: Band,
    /// Power per billed GB (2^30 bytes), all copies, before PUE, watts.
    pub power_w_per_gb: Band,
    /// Embodied emissions per billed GB and hour, all copies, gCO2e.
    pub embodied_g_per_gb_hour: Band,
    /// Ids of the factors behind it.
    pub factor_ids: Vec<FactorId>,
    source_id: String,
    page: String,
    note: String,
}

/// What the amount of a storage line counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageUnit {
    /// Gigabytes times months: times the hours of the billing month for GB-hours.
    GbMonth,
    /// Gigabytes times hours.
    GbHour,
}

impl StorageUnit {
    /// The unit behind a billed unit, `None` when it is not one of storage.
    pub fn of(usage_unit: &str) -> Option<Self> {
        match usage_unit {
            "GB-Mo" | "GB-Month" | "GB-Months" | "GB-month" | "GB-Mp" | "GB Month" | "GiB-Mo" => {
                Some(Self::GbMonth)
            }
            "GB-Hours" | "GB-Hour" | "GB-Hrs" | "GB-hours" | "GiB-Hours" => Some(Self::GbHour),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Mapping {
    service: String,
    pattern: String,
    class: String,
}

/// Media, classes, and which usage type has which class.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    media: BTreeMap<String, Medium>,
    classes: BTreeMap<String, StorageClass>,
    mappings: Vec<Mapping>,
}

impl Table {
    /// Reads the embedded tables.
    ///
    /// # Errors
    /// When a table is not readable, names an unknown source, medium or class.
    pub fn load(sources: &Sources) -> Result<Self, FactorError> {
        let media = read_media(sources)?;
        let classes = read_classes(&media, sources)?;
        let mut mappings = Vec::new();
        let text = include_str!("../data/storage/usage_types.csv");
        for row in table::read("storage/usage_types.csv", text, MAPPING_COLUMNS)? {
            let class = row.text("class")?;
            if class != FEE && !classes.contains_key(class) {
                return Err(row.error("class", &format!("there is no class `{class}`")));
            }
            mappings.push(Mapping {
                service: row.text("service")?.to_owned(),
                pattern: row.text("pattern")?.to_owned(),
                class: class.to_owned(),
            });
        }
        Ok(Self { media, classes, mappings })
    }

    /// The class of a usage type (without its region prefix) of a service: the first row of `usage_types.csv` that
    /// fits, rows of the very service before those of any. `None` when it is not known to be storage.
    pub fn class_of(&self, service_code: &str, usage_type: &str) -> Option<&StorageClass> {
        self.classes.get(&self.mapping(service_code, usage_type)?.class)
    }

    /// Whether a usage type is a minimum storage charge after deletion (`EarlyDelete-SIA`): nothing is kept, so the line
    /// causes nothing and is excluded.
    pub fn is_fee(&self, service_code: &str, usage_type: &str) -> bool {
        self.mapping(service_code, usage_type).is_some_and(|mapping| mapping.class == FEE)
    }

    fn mapping(&self, service_code: &str, usage_type: &str) -> Option<&Mapping> {
        let find = |service: &str| {
            let mut mappings = self.mappings.iter();
            mappings
                .find(|mapping| mapping.service == service && pattern::matches(&mapping.pattern, usage_type))
        };
        find(service_code).or_else(|| find(ANY))
    }

    /// The class with this name.
    pub fn class(&self, name: &str) -> Option<&StorageClass> {
        self.classes.get(name)
    }

    /// Every class, by name.
    pub fn classes(&self) -> impl Iterator<Item = &StorageClass> {
        self.classes.values()
    }

    /// The medium with this name.
    pub fn medium(&self, name: &str) -> Option<&Medium> {
        self.media.get(name)
    }

    /// Every number in its listing form.
    pub fn factors(&self) -> Vec<Factor> {
        let mut factors = Vec::new();
        let mut push =
            |id: FactorId, kind, key: &str, unit, value, (source_id, page): (&str, &str), note: &str| {
                factors.push(Factor {
                    id,
                    kind,
                    key: key.to_owned(),
                    unit,
                    value,
                    source_id: source_id.to_owned(),
                    page: page.to_owned(),
                    valid_from: None,
                    valid_to: None,
                    note: note.to_owned(),
                });
            };
        for (name, medium) in &self.media {
            let (power, embodied) = (medium_id(name, "power"), medium_id(name, "embodied"));
            let cited = (medium.source_id.as_str(), medium.page.as_str());
            push(power, "storage/medium", name, "Wh/TBh", medium.power_wh_per_tbh, cited, &medium.note);
            let note = format!("over {} years", medium.lifetime_years);
            let cited = (medium.embodied_source_id.as_str(), medium.embodied_page.as_str());
            push(embodied, "storage/medium", name, "gCO2e/GB", medium.embodied_g_per_gb, cited, &note);
        }
        for (name, class) in &self.classes {
            let note = format!("{}; {}", class.medium, class.note);
            let cited = (class.source_id.as_str(), class.page.as_str());
            push(class_id(name), "storage/class", name, "copies", class.copies, cited, &note);
        }
        factors
    }

    /// The mapping rows, family and medium of the classes, as lines of the canonical text that the set's id is the hash of.
    pub fn canonical_lines(&self) -> impl Iterator<Item = String> + '_ {
        let mappings = self.mappings.iter().enumerate();
        let mappings = mappings.map(|(place, Mapping { service, pattern, class })| {
            format!("storage/usage_type\t{place}\t{service}\t{pattern}\t{class}")
        });
        let classes = self.classes.values();
        let classes = classes.map(|StorageClass { name, family, medium, .. }| {
            format!("storage/class\t{name}\t{family}\t{medium}")
        });
        mappings.chain(classes)
    }
}

fn read_media(sources: &Sources) -> Result<BTreeMap<String, Medium>, FactorError> {
    let mut media = BTreeMap::new();
    for row in table::read("storage/media.csv", include_str!("../data/storage/media.csv"), MEDIA_COLUMNS)? {
        let medium = Medium {
            name: row.text("medium")?.to_owned(),
            power_wh_per_tbh: row.band("low_wh_per_tbh", "wh_per_tbh", "high_wh_per_tbh")?,
            embodied_g_per_gb: row.band(
                "low_embodied_g_per_gb",
                "embodied_g_per_gb",
                "high_embodied_g_per_gb",
            )?,
            lifetime_years: row.amount("lifetime_years")?,
            source_id: sources.require(row.text("source_id")?)?.to_owned(),
            page: row.text("page")?.to_owned(),
            embodied_page: row.text("embodied_page")?.to_owned(),
            embodied_source_id: sources.require(row.text("embodied_source_id")?)?.to_owned(),
            note: row.optional_text("note")?.unwrap_or("").to_owned(),
        };
        if medium.lifetime_years < 1.0 {
            return Err(row.error("lifetime_years", "is less than a year"));
        }
        if media.insert(medium.name.clone(), medium).is_some() {
            return Err(row.error("medium", "stands twice"));
        }
    }
    Ok(media)
}

fn read_classes(
    media: &BTreeMap<String, Medium>,
    sources: &Sources,
) -> Result<BTreeMap<String, StorageClass>, FactorError> {
    let mut classes = BTreeMap::new();
    for row in table::read("storage/classes.csv", include_str!("../data/storage/classes.csv"), CLASS_COLUMNS)?
    {
        let name = row.text("class")?.to_owned();
        let family = row.text("family")?;
        let family = UsageFamily::ALL.iter().copied().find(|known| known.as_str() == family);
        let medium = row.text("medium")?;
        let medium =
            media.get(medium).ok_or_else(|| row.error("medium", "is not a row of storage/media.csv"))?;
        let copies = row.band("low_copies", "copies", "high_copies")?;
        if copies.low() < 1.0 {
            return Err(row.error("low_copies", "is less than one copy"));
        }
        let per_drive_gb = |value: Band, divisor: f64| {
            let scale = |copies: f64, value: f64| copies * value * BILLED_GB_PER_DRIVE_GB / divisor;
            Band::new(
                scale(copies.low(), value.low()),
                scale(copies.central(), value.central()),
                scale(copies.high(), value.high()),
            )
            .map_err(|error| row.error("copies", &error.to_string()))
        };
        let class = StorageClass {
            family: family.ok_or_else(|| row.error("family", "is not a usage family"))?,
            medium: medium.name.clone(),
            copies,
            power_w_per_gb: per_drive_gb(medium.power_wh_per_tbh, 1000.0)?,
            embodied_g_per_gb_hour: per_drive_gb(
                medium.embodied_g_per_gb,
                medium.lifetime_years * HOURS_PER_YEAR,
            )?,
            factor_ids: vec![
                class_id(&name),
                medium_id(&medium.name, "power"),
                medium_id(&medium.name, "embodied"),
            ],
            source_id: sources.require(row.text("source_id")?)?.to_owned(),
            page: row.text("page")?.to_owned(),
            note: row.optional_text("note")?.unwrap_or("").to_owned(),
            name: name.clone(),
        };
        if classes.insert(name, class).is_some() {
            return Err(row.error("class", "stands twice"));
        }
    }
    Ok(classes)
}

fn medium_id(name: &str, what: &str) -> FactorId {
    FactorId::new(format!("storage/medium/{name}/{what}"))
}

fn class_id(name: &str) -> FactorId {
    FactorId::new(format!("storage/class/{name}/copies"))
}

#[cfg(test)]
mod tests;
