//! Yearly grid factors per area, and the rule by which a year is matched.
//!
//! An area is a grid zone (`US-MIDA-PJM`), a province or state (`CA-QC`), a cloud region as its publisher names it
//! (`aws/eu-west-1`) or a country (`DE`). A region lists its areas best first. The rule, in order:
//!
//! 1. the first area with a figure of the year, or of at most [`FRESH_YEARS`] years before it;
//! 2. else, over all areas, the figure of the newest year before it;
//! 3. else, the figure of the first year after it.
//!
//! So a fresh figure of a zone beats one of the country, but a stale one does not. Bounds are the spread of all areas'
//! figures: how much the answer depends on where the line around the grid is drawn.

use std::collections::BTreeMap;

use airshed_domain::id::FactorId;
use jiff::civil::Date;

use super::GridFactor;
use crate::{
    FactorError,
    facility::around,
    provenance::Sources,
    table,
    value::{Band, Factor},
};

/// Years for which a figure counts as fresh.
const FRESH_YEARS: i16 = 5;
/// Key of the share that serves a country without its own.
const WORLD: &str = "*";
/// Highest believable yearly figure, gCO2e/kWh.
const HIGHEST_G_PER_KWH: f64 = 1500.0;

const YEARLY_COLUMNS: &[&str] =
    &["area", "year", "direct_g_per_kwh", "lifecycle_g_per_kwh", "source_id", "page", "note"];
const SHARE_COLUMNS: &[&str] = &["country", "year", "direct_share", "source_id", "note"];

/// Whether the two figures of a factor were published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactorBasis {
    /// Direct and lifecycle both published.
    Both,
    /// Only direct published: lifecycle is direct over the share.
    DirectOnly,
    /// Only lifecycle published: direct is lifecycle times the share.
    Split,
}

#[derive(Debug, Clone, PartialEq)]
struct Published {
    direct: Option<Band>,
    lifecycle: Option<Band>,
    source_id: String,
    page: String,
    note: String,
}

#[derive(Debug, Clone, PartialEq)]
struct Share {
    year: i16,
    value: Band,
    source_id: String,
    note: String,
}

/// Yearly factors by area and year.
#[derive(Debug, Clone, PartialEq)]
pub struct YearlyTable {
    by_area: BTreeMap<String, BTreeMap<i16, Published>>,
    shares: BTreeMap<String, Share>,
}

impl YearlyTable {
    pub(super) fn embedded(sources: &Sources) -> Result<Self, FactorError> {
        let yearly = include_str!("../../data/grid/yearly.csv");
        let shares = include_str!("../../data/grid/direct_share.csv");
        Self::read(yearly, shares, sources)
    }

    fn read(yearly: &str, share_table: &str, sources: &Sources) -> Result<Self, FactorError> {
        let mut by_area: BTreeMap<String, BTreeMap<i16, Published>> = BTreeMap::new();
        for row in table::read("grid/yearly.csv", yearly, YEARLY_COLUMNS)? {
            let intensity = |column| match row.optional_number(column)? {
                None => Ok(None),
                Some(value) if (0.0..=HIGHEST_G_PER_KWH).contains(&value) => {
                    Band::exact(value).map(Some).map_err(|error| row.error(column, &error.to_string()))
                }
                Some(value) => {
                    Err(row.error(column, &format!("`{value}` is outside 0 to {HIGHEST_G_PER_KWH}")))
                }
            };
            let published = Published {
                direct: intensity("direct_g_per_kwh")?,
                lifecycle: intensity("lifecycle_g_per_kwh")?,
                source_id: sources.require(row.text("source_id")?)?.to_owned(),
                page: row.optional_text("page")?.unwrap_or("").to_owned(),
                note: row.optional_text("note")?.unwrap_or("").to_owned(),
            };
            match (published.direct, published.lifecycle) {
                (None, None) => {
                    return Err(row.error("direct_g_per_kwh", "neither direct nor lifecycle is given"));
                }
                (Some(direct), Some(lifecycle)) if direct.central() > lifecycle.central() => {
                    return Err(row.error("lifecycle_g_per_kwh", "is below the direct figure"));
                }
                _ => {}
            }
            let years = by_area.entry(row.text("area")?.to_owned()).or_default();
            if years.insert(row.parse("year")?, published).is_some() {
                return Err(row.error("year", "stands twice for the area"));
            }
        }
        let mut shares = BTreeMap::new();
        for row in table::read("grid/direct_share.csv", share_table, SHARE_COLUMNS)? {
            let share = row.number("direct_share")?;
            if !(0.0..=1.0).contains(&share) {
                return Err(row.error("direct_share", "is not a share from 0 to 1"));
            }
            let share = Share {
                year: row.parse("year")?,
                value: Band::exact(share).map_err(|error| row.error("direct_share", &error.to_string()))?,
                source_id: sources.require(row.text("source_id")?)?.to_owned(),
                note: row.optional_text("note")?.unwrap_or("").to_owned(),
            };
            if shares.insert(row.text("country")?.to_owned(), share).is_some() {
                return Err(row.error("country", "stands twice"));
            }
        }
        if !shares.contains_key(WORLD) {
            return Err(FactorError::reference("grid/direct_share.csv: no share for the world (`*`)"));
        }
        Ok(Self { by_area, shares })
    }

    pub(super) fn direct_share(&self, country: &str) -> f64 {
        let share = self.shares.get(country).or_else(|| self.shares.get(WORLD));
        share.map_or(0.0, |share| share.value.central())
    }

    pub(super) fn direct_share_id(&self, country: &str) -> FactorId {
        share_id(if self.shares.contains_key(country) { country } else { WORLD })
    }

    /// Whether any year of the area is known.
    pub fn contains(&self, area: &str) -> bool {
        self.by_area.contains_key(area)
    }

    pub(super) fn factor(&self, areas: &[&str], country: &str, year: i16) -> Result<GridFactor, FactorError> {
        let candidates: Vec<(&str, i16, &Published)> =
            areas.iter().filter_map(|area| self.nearest(area, year).map(|(y, p)| (*area, y, p))).collect();
        let fresh = candidates.iter().find(|(_, y, _)| (year - FRESH_YEARS..=year).contains(y));
        let before = || candidates.iter().filter(|(_, y, _)| *y <= year).rev().max_by_key(|(_, y, _)| *y);
        let after = || candidates.iter().min_by_key(|(_, y, _)| *y);
        let (area, found, published) = fresh
            .or_else(before)
            .or_else(after)
            .ok_or_else(|| FactorError::missing(format!("no grid factor for any of {}", areas.join(", "))))?;
        let (direct, lifecycle, basis) = self.split(published, country);
        // The spread compares what is comparable: figures as fresh as the one that was chosen.
        let comparable = candidates.iter().filter(|(_, y, _)| (y - found).abs() <= FRESH_YEARS);
        let spread: Vec<(f64, f64)> = comparable
            .map(|(_, _, published)| {
                let (direct, lifecycle, _) = self.split(published, country);
                (direct, lifecycle - direct)
            })
            .collect();
        let directs: Vec<f64> = spread.iter().map(|(direct, _)| *direct).collect();
        let upstreams: Vec<f64> = spread.iter().map(|(_, upstream)| *upstream).collect();
        Ok(GridFactor {
            direct_g_per_kwh: around(direct, &directs)?,
            upstream_g_per_kwh: around(lifecycle - direct, &upstreams)?,
            area: (*area).to_owned(),
            year: *found,
            is_year_fallback: *found != year,
            basis,
            factor_id: id(area, *found, if basis == FactorBasis::Split { "lifecycle" } else { "direct" }),
        })
    }

    fn nearest(&self, area: &str, year: i16) -> Option<(i16, &Published)> {
        let years = self.by_area.get(area)?;
        let found = years.range(..=year).next_back().or_else(|| years.range(year..).next())?;
        Some((*found.0, found.1))
    }

    /// Direct and lifecycle g/kWh of a figure, the missing one by the country's share.
    fn split(&self, published: &Published, country: &str) -> (f64, f64, FactorBasis) {
        let share = self.direct_share(country);
        match (published.direct.map(Band::central), published.lifecycle.map(Band::central)) {
            (Some(direct), Some(lifecycle)) => (direct, lifecycle, FactorBasis::Both),
            (Some(direct), None) if share > 0.0 => (direct, direct / share, FactorBasis::DirectOnly),
            (Some(direct), None) => (direct, direct, FactorBasis::DirectOnly),
            (None, lifecycle) => {
                let lifecycle = lifecycle.unwrap_or(0.0);
                (lifecycle * share, lifecycle, FactorBasis::Split)
            }
        }
    }

    pub(super) fn factors(&self) -> Vec<Factor> {
        let mut factors = Vec::new();
        for (area, years) in &self.by_area {
            for (year, published) in years {
                let figures = [("direct", published.direct), ("lifecycle", published.lifecycle)];
                for (measure, value) in
                    figures.into_iter().filter_map(|(m, value)| value.map(|value| (m, value)))
                {
                    factors.push(Factor {
                        id: id(area, *year, measure),
                        kind: "grid/yearly",
                        key: area.clone(),
                        unit: "gCO2e/kWh",
                        value,
                        source_id: published.source_id.clone(),
                        page: published.page.clone(),
                        valid_from: Date::new(*year, 1, 1).ok(),
                        valid_to: Date::new(*year, 12, 31).ok(),
                        note: published.note.clone(),
                    });
                }
            }
        }
        for (country, share) in &self.shares {
            let key = if country == WORLD { "world" } else { country };
            factors.push(Factor {
                id: share_id(country),
                kind: "grid/direct_share",
                key: key.to_owned(),
                unit: "1",
                value: share.value,
                source_id: share.source_id.clone(),
                page: format!("mix of {}", share.year),
                valid_from: None,
                valid_to: None,
                note: share.note.clone(),
            });
        }
        factors
    }
}

fn share_id(country: &str) -> FactorId {
    FactorId::new(format!("grid/direct_share/{}", if country == WORLD { "world" } else { country }))
}

fn id(area: &str, year: i16, measure: &str) -> FactorId {
    FactorId::new(format!("grid/yearly/{area}/{year}/{measure}"))
}

#[cfg(test)]
mod tests;
