//! What stands beside the emissions of generation: losses on the way, residual mixes, water.

use std::collections::BTreeMap;

use airshed_domain::id::FactorId;
use jiff::civil::Date;

use super::{MarketFactor, WaterFactor};
use crate::{
    FactorError,
    facility::Region,
    provenance::Sources,
    table,
    value::{Band, Factor},
};

/// Key of the row that serves a country or region without its own.
const WORLD: &str = "*";

const LOSS_COLUMNS: &[&str] = &["country", "low", "loss_share", "high", "year", "source_id", "page", "note"];
const RESIDUAL_COLUMNS: &[&str] = &["country", "year", "direct_g_per_kwh", "source_id", "page", "note"];
const WATER_COLUMNS: &[&str] =
    &["provider", "region", "low", "l_per_kwh", "high", "source_id", "page", "note"];

/// Share of generated electricity that is lost in transmission and distribution.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss {
    /// Lost over generated, 0 to 1.
    pub share: Band,
    /// No figure of the country is known: the world's serves.
    pub is_world: bool,
    /// Its id in the set.
    pub factor_id: FactorId,
}

/// What a market-based factor rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarketBasis {
    /// The residual mix that was published for the country and year.
    Residual,
    /// The residual mix of another year.
    ResidualOtherYear,
    /// No residual mix is published: the location-based factor, as the GHG Protocol's hierarchy ends.
    Location,
}

/// What a water factor rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaterBasis {
    /// Published for the region's country or subregion.
    Region,
    /// A world figure: none is known for the region.
    World,
}

#[derive(Debug, Clone, PartialEq)]
struct Row {
    value: Band,
    year: Option<i16>,
    source_id: String,
    page: String,
    note: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Supply {
    losses: BTreeMap<String, Row>,
    world_loss: Row,
    residuals: BTreeMap<String, BTreeMap<i16, Row>>,
    water: BTreeMap<String, Row>,
    world_water: Row,
}

impl Supply {
    pub(super) fn embedded(sources: &Sources) -> Result<Self, FactorError> {
        let mut losses = BTreeMap::new();
        for row in table::read("grid/loss.csv", include_str!("../../data/grid/loss.csv"), LOSS_COLUMNS)? {
            let value = row.band("low", "loss_share", "high")?;
            if !(0.0..0.5).contains(&value.low()) || value.high() >= 0.5 {
                return Err(row.error("loss_share", "is not a share from 0 to 0.5"));
            }
            let loss = read_row(&row, value, row.optional_parse("year")?, sources)?;
            if losses.insert(row.text("country")?.to_owned(), loss).is_some() {
                return Err(row.error("country", "stands twice"));
            }
        }
        let mut residuals: BTreeMap<String, BTreeMap<i16, Row>> = BTreeMap::new();
        let text = include_str!("../../data/grid/residual_mix.csv");
        for row in table::read("grid/residual_mix.csv", text, RESIDUAL_COLUMNS)? {
            let value = Band::exact(row.amount("direct_g_per_kwh")?)
                .map_err(|error| row.error("direct_g_per_kwh", &error.to_string()))?;
            let year = row.parse("year")?;
            let residual = read_row(&row, value, Some(year), sources)?;
            if residuals.entry(row.text("country")?.to_owned()).or_default().insert(year, residual).is_some()
            {
                return Err(row.error("year", "stands twice for the country"));
            }
        }
        let mut water = BTreeMap::new();
        for row in table::read("grid/water.csv", include_str!("../../data/grid/water.csv"), WATER_COLUMNS)? {
            let value = row.band("low", "l_per_kwh", "high")?;
            let figure = read_row(&row, value, None, sources)?;
            let key = match (row.text("provider")?, row.text("region")?) {
                (WORLD, WORLD) => WORLD.to_owned(),
                (provider, region) => format!("{provider}/{region}"),
            };
            if water.insert(key, figure).is_some() {
                return Err(row.error("region", "stands twice"));
            }
        }
        let world = |rows: &mut BTreeMap<String, Row>, file: &str| {
            rows.remove(WORLD)
                .ok_or_else(|| FactorError::reference(format!("{file}: no row for the world (`*`)")))
        };
        let world_loss = world(&mut losses, "grid/loss.csv")?;
        let world_water = world(&mut water, "grid/water.csv")?;
        Ok(Self { losses, world_loss, residuals, water, world_water })
    }

    pub(super) fn loss(&self, country: &str) -> Loss {
        let own = self.losses.get(country);
        Loss {
            share: own.unwrap_or(&self.world_loss).value,
            is_world: own.is_none(),
            factor_id: loss_id(if own.is_some() { country } else { "world" }),
        }
    }

    pub(super) fn residual(&self, country: &str, year: i16) -> Option<MarketFactor> {
        let years = self.residuals.get(country)?;
        let (found, row) = years.range(..=year).next_back().or_else(|| years.range(year..).next())?;
        Some(MarketFactor {
            direct_g_per_kwh: row.value,
            basis: if *found == year { MarketBasis::Residual } else { MarketBasis::ResidualOtherYear },
            year: *found,
            factor_id: residual_id(country, *found),
        })
    }

    pub(super) fn water(&self, region: &Region) -> WaterFactor {
        let key = format!("{}/{}", region.provider, region.code);
        let own = self.water.get(&key);
        WaterFactor {
            l_per_kwh: own.unwrap_or(&self.world_water).value,
            basis: if own.is_some() { WaterBasis::Region } else { WaterBasis::World },
            factor_id: water_id(if own.is_some() { &key } else { "world" }),
        }
    }

    pub(super) fn factors(&self) -> Vec<Factor> {
        let mut factors = Vec::new();
        for (country, row) in
            self.losses.iter().map(|(c, r)| (c.as_str(), r)).chain([("world", &self.world_loss)])
        {
            factors.push(row.factor(loss_id(country), "grid/loss", country, "1"));
        }
        for (country, years) in &self.residuals {
            for (year, row) in years {
                factors.push(row.factor(
                    residual_id(country, *year),
                    "grid/residual_mix",
                    country,
                    "gCO2/kWh",
                ));
            }
        }
        for (key, row) in
            self.water.iter().map(|(k, r)| (k.as_str(), r)).chain([("world", &self.world_water)])
        {
            factors.push(row.factor(water_id(key), "grid/water", key, "L/kWh"));
        }
        factors
    }
}

impl Row {
    fn factor(&self, id: FactorId, kind: &'static str, key: &str, unit: &'static str) -> Factor {
        Factor {
            id,
            kind,
            key: key.to_owned(),
            unit,
            value: self.value,
            source_id: self.source_id.clone(),
            page: self.page.clone(),
            valid_from: self.year.and_then(|year| Date::new(year, 1, 1).ok()),
            valid_to: self.year.and_then(|year| Date::new(year, 12, 31).ok()),
            note: self.note.clone(),
        }
    }
}

fn read_row(
    row: &table::Row<'_>,
    value: Band,
    year: Option<i16>,
    sources: &Sources,
) -> Result<Row, FactorError> {
    Ok(Row {
        value,
        year,
        source_id: sources.require(row.text("source_id")?)?.to_owned(),
        page: row.optional_text("page")?.unwrap_or("").to_owned(),
        note: row.optional_text("note")?.unwrap_or("").to_owned(),
    })
}

fn loss_id(key: &str) -> FactorId {
    FactorId::new(format!("grid/loss/{key}"))
}

fn residual_id(country: &str, year: i16) -> FactorId {
    FactorId::new(format!("grid/residual_mix/{country}/{year}"))
}

fn water_id(key: &str) -> FactorId {
    FactorId::new(format!("grid/water/{key}"))
}
