//! Where a provider's regions are and how much their buildings add: PUE and WUE.
//!
//! A region knows its country, its grid zone (the zone of imported hourly factors) and the areas whose yearly grid
//! factor may serve, best first; all of it is data in `data/facility/regions.csv`. PUE (facility energy over IT
//! energy) and WUE (litres of cooling water per kWh of IT energy) are published per region and year by AWS, and per
//! fleet by the others. Where a region has none for a year, its own nearest year serves; where it has none at all,
//! the provider's fleet figure serves. Either is marked, never silent: see [`FigureBasis`].

use std::collections::BTreeMap;

use airshed_domain::id::FactorId;

use crate::{
    FactorError,
    provenance::Sources,
    table,
    value::{Band, Factor},
};

const REGION_COLUMNS: &[&str] = &[
    "provider",
    "code",
    "name",
    "billing_code",
    "country",
    "grid_zone",
    "grid_areas",
    "egrid_subregion",
    "source_id",
    "note",
];
const FIGURE_COLUMNS: &[&str] = &["provider", "region", "year", "value", "source_id", "page", "note"];

/// The region column of a figure that holds for a provider's whole fleet.
const FLEET: &str = "*";

/// Lowest and highest PUE that is believed; anything else in a table is a mistake.
const PUE_RANGE: std::ops::RangeInclusive<f64> = 1.0..=3.0;
/// Lowest and highest WUE that is believed, litres per kWh of IT energy.
const WUE_RANGE: std::ops::RangeInclusive<f64> = 0.0..=20.0;

/// A region of a cloud provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// `aws`, `azure` or `gcp`.
    pub provider: String,
    /// The provider's code, such as `eu-west-1`.
    pub code: String,
    /// The provider's name of it.
    pub name: String,
    /// Prefix of AWS usage types, such as `EUW2`; `None` where none is known.
    pub billing_code: Option<String>,
    /// ISO 3166-1 alpha-2 code of the country.
    pub country: String,
    /// Zone of hourly factors, named as Electricity Maps names it.
    pub grid_zone: String,
    /// Areas of `data/grid/yearly.csv` whose factor may serve, best first.
    pub grid_areas: Vec<String>,
    /// eGRID subregion, in the United States.
    pub egrid_subregion: Option<String>,
    /// Source of the row.
    pub source_id: String,
}

/// How a PUE or WUE was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FigureBasis {
    /// Published for this region and year.
    Published,
    /// Published for this region, for another year (the nearest earlier one, else the nearest later one).
    OtherYear,
    /// The provider's fleet figure: none is published for this region.
    Fleet,
}

/// A PUE or WUE with where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The figure. Its bounds are the spread of the region's published years, or of all regions for a fleet figure.
    pub value: Band,
    /// Year that it was published for.
    pub year: i16,
    /// How it was found.
    pub basis: FigureBasis,
    /// Its id in the set.
    pub factor_id: FactorId,
}

impl Figure {
    /// Whether anything but the very region and year was used.
    pub fn is_fallback(&self) -> bool {
        self.basis != FigureBasis::Published
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Published {
    value: Band,
    source_id: String,
    page: String,
    note: String,
}

/// Figures of one kind by (provider, region, year).
#[derive(Debug, Clone, PartialEq)]
struct Figures {
    kind: &'static str,
    unit: &'static str,
    by_year: BTreeMap<(String, String), BTreeMap<i16, Published>>,
}

/// Regions with their PUE and WUE.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    regions: BTreeMap<(String, String), Region>,
    by_billing_code: BTreeMap<String, (String, String)>,
    pue: Figures,
    wue: Figures,
}

impl Table {
    /// The regions and figures that are shipped with this crate.
    ///
    /// # Errors
    /// When an embedded table is not readable or names an unknown source.
    pub fn load(sources: &Sources) -> Result<Self, FactorError> {
        let mut facility = Self {
            regions: BTreeMap::new(),
            by_billing_code: BTreeMap::new(),
            pue: Figures::read(
                "facility/pue",
                "kWh/kWh",
                include_str!("../data/facility/pue.csv"),
                &PUE_RANGE,
                sources,
            )?,
            wue: Figures::read(
                "facility/wue",
                "L/kWh",
                include_str!("../data/facility/wue.csv"),
                &WUE_RANGE,
                sources,
            )?,
        };
        for row in
            table::read("facility/regions.csv", include_str!("../data/facility/regions.csv"), REGION_COLUMNS)?
        {
            let region = Region {
                provider: row.text("provider")?.to_owned(),
                code: row.text("code")?.to_owned(),
                name: row.text("name")?.to_owned(),
                billing_code: row.optional_text("billing_code")?.map(str::to_owned),
                country: row.text("country")?.to_owned(),
                grid_zone: row.text("grid_zone")?.to_owned(),
                grid_areas: row.text("grid_areas")?.split(';').map(|area| area.trim().to_owned()).collect(),
                egrid_subregion: row.optional_text("egrid_subregion")?.map(str::to_owned),
                source_id: sources.require(row.text("source_id")?)?.to_owned(),
            };
            let key = (region.provider.clone(), region.code.clone());
            if let Some(code) = &region.billing_code
                && facility.by_billing_code.insert(code.clone(), key.clone()).is_some()
            {
                return Err(row.error("billing_code", "stands twice"));
            }
            if facility.regions.insert(key, region).is_some() {
                return Err(row.error("code", "stands twice"));
            }
        }
        Ok(facility)
    }

    /// The region with this code, if it is known.
    pub fn region(&self, provider: &str, code: &str) -> Option<&Region> {
        self.regions.get(&(provider.to_owned(), code.to_owned()))
    }

    /// The AWS region whose usage types start with this prefix (`USE1`, `EU`); no prefix at all meant us-east-1 on the
    /// oldest services, which the caller decides.
    pub fn region_by_billing_prefix(&self, prefix: &str) -> Option<&Region> {
        self.regions.get(self.by_billing_code.get(prefix)?)
    }

    /// Every region, by provider and code.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.regions.values()
    }

    /// Power usage effectiveness of a region in a year.
    ///
    /// # Errors
    /// When neither the region nor its provider has a published figure.
    pub fn pue(&self, region: &Region, year: i16) -> Result<Figure, FactorError> {
        self.pue.figure(&region.provider, &region.code, year)
    }

    /// Litres of cooling water per kWh of IT energy (PUE not included) of a region in a year.
    ///
    /// # Errors
    /// When neither the region nor its provider has a published figure.
    pub fn wue(&self, region: &Region, year: i16) -> Result<Figure, FactorError> {
        self.wue.figure(&region.provider, &region.code, year)
    }

    /// Every figure in its listing form.
    pub fn factors(&self) -> Vec<Factor> {
        let mut factors = self.pue.factors();
        factors.extend(self.wue.factors());
        factors
    }

    /// The region rows as lines of the canonical text that the set's id is the hash of.
    pub fn canonical_lines(&self) -> impl Iterator<Item = String> + '_ {
        self.regions.values().map(|region| {
            let Region { provider, code, name, country, grid_zone, grid_areas, source_id, .. } = region;
            let billing = region.billing_code.as_deref().unwrap_or("");
            let subregion = region.egrid_subregion.as_deref().unwrap_or("");
            let areas = grid_areas.join(";");
            [
                "facility/region",
                provider,
                code,
                name,
                billing,
                country,
                grid_zone,
                &areas,
                subregion,
                source_id,
            ]
            .join("\t")
        })
    }
}

impl Figures {
    fn read(
        kind: &'static str,
        unit: &'static str,
        text: &str,
        range: &std::ops::RangeInclusive<f64>,
        sources: &Sources,
    ) -> Result<Self, FactorError> {
        let mut by_year: BTreeMap<(String, String), BTreeMap<i16, Published>> = BTreeMap::new();
        for row in table::read(kind, text, FIGURE_COLUMNS)? {
            let value = row.number("value")?;
            if !range.contains(&value) {
                return Err(row.error("value", &format!("`{value}` is outside {range:?}")));
            }
            let published = Published {
                value: Band::exact(value).map_err(|error| row.error("value", &error.to_string()))?,
                source_id: sources.require(row.text("source_id")?)?.to_owned(),
                page: row.optional_text("page")?.unwrap_or("").to_owned(),
                note: row.optional_text("note")?.unwrap_or("").to_owned(),
            };
            let key = (row.text("provider")?.to_owned(), row.text("region")?.to_owned());
            if by_year.entry(key).or_default().insert(row.parse("year")?, published).is_some() {
                return Err(row.error("year", "stands twice for the region"));
            }
        }
        Ok(Self { kind, unit, by_year })
    }

    fn figure(&self, provider: &str, code: &str, year: i16) -> Result<Figure, FactorError> {
        let years_of = |region: &str| self.by_year.get(&(provider.to_owned(), region.to_owned()));
        let (region, years) = match years_of(code) {
            Some(years) => (code, years),
            None => (
                FLEET,
                years_of(FLEET).ok_or_else(|| {
                    FactorError::missing(format!("{}: nothing published by {provider}", self.kind))
                })?,
            ),
        };
        let nearest = years.range(..=year).next_back().or_else(|| years.range(year..).next());
        let (found, published) = nearest
            .ok_or_else(|| FactorError::missing(format!("{}: no year for {provider} {region}", self.kind)))?;
        let basis = match region {
            FLEET => FigureBasis::Fleet,
            _ if *found == year => FigureBasis::Published,
            _ => FigureBasis::OtherYear,
        };
        let spread: Vec<f64> = if basis == FigureBasis::Fleet {
            self.of_provider(provider).collect()
        } else {
            years.values().map(|figure| figure.value.central()).collect()
        };
        Ok(Figure {
            value: around(published.value.central(), &spread)?,
            year: *found,
            basis,
            factor_id: self.id(provider, region, *found),
        })
    }

    fn of_provider<'s>(&'s self, provider: &'s str) -> impl Iterator<Item = f64> + 's {
        let of = self.by_year.iter().filter(move |((name, _), _)| name == provider);
        of.flat_map(|(_, years)| years.values().map(|figure| figure.value.central()))
    }

    fn id(&self, provider: &str, region: &str, year: i16) -> FactorId {
        let region = if region == FLEET { "fleet" } else { region };
        FactorId::new(format!("{}/{provider}/{region}/{year}", self.kind))
    }

    fn factors(&self) -> Vec<Factor> {
        let mut factors = Vec::new();
        for ((provider, region), years) in &self.by_year {
            for (year, published) in years {
                factors.push(Factor {
                    id: self.id(provider, region, *year),
                    kind: self.kind,
                    key: format!("{provider}/{region}"),
                    unit: self.unit,
                    value: published.value,
                    source_id: published.source_id.clone(),
                    page: published.page.clone(),
                    valid_from: jiff::civil::Date::new(*year, 1, 1).ok(),
                    valid_to: jiff::civil::Date::new(*year, 12, 31).ok(),
                    note: published.note.clone(),
                });
            }
        }
        factors
    }
}

/// A value with the lowest and highest of others as its bounds.
pub(crate) fn around(central: f64, others: &[f64]) -> Result<Band, FactorError> {
    let low = others.iter().copied().fold(central, f64::min);
    let high = others.iter().copied().fold(central, f64::max);
    Band::new(low, central, high)
        .map_err(|error| FactorError::reference("figures do not make a band").with_source(error))
}

#[cfg(test)]
mod tests;
