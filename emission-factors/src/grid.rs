//! What a kilowatt-hour of a region's grid emits, loses on the way, and drinks.
//!
//! Three answers are kept apart, as the GHG Protocol keeps them apart:
//!
//! - *direct*: what the power stations themselves emit per kWh. This is the location-based factor (scope 2).
//! - *upstream*: fuel supply and plant construction, lifecycle minus direct (scope 3, category 3).
//! - *loss*: the share of generated electricity lost in transmission and distribution (scope 3, category 3).
//!
//! Many publications (Ember among them) give one lifecycle figure only. Using it as the location-based factor and
//! adding upstream on top would count fuel supply twice, so such a figure is split by the share that direct emissions
//! have in the country's mix ([`FactorBasis::Split`]), and the factor says so. Years are matched by [`YearlyTable`]'s
//! rule, hours come from an imported [`HourlyGrid`]. The market-based factor is the country's residual mix where one is
//! published, else the location-based one; contracts of the reader are not known here.

mod hourly;
mod hourly_csv;
mod supply;
mod yearly;

use airshed_domain::id::FactorId;

use crate::{
    FactorError,
    facility::Region,
    provenance::Sources,
    value::{Band, Factor},
};

pub use hourly::{HourlyError, HourlyGrid, HourlyGridBuilder, HourlyValue, ZoneIndex};
pub use hourly_csv::{HourlyCsvError, HourlyCsvSummary, read_hourly_csv};
pub use supply::{Loss, MarketBasis, WaterBasis};
pub use yearly::{FactorBasis, YearlyTable};

/// Emissions per kWh of a place in a year, with where the figure came from.
#[derive(Debug, Clone, PartialEq)]
pub struct GridFactor {
    /// Location-based: emitted at the power stations, gCO2e/kWh.
    pub direct_g_per_kwh: Band,
    /// Fuel supply and plants behind them, gCO2e/kWh; direct plus upstream is the lifecycle figure.
    pub upstream_g_per_kwh: Band,
    /// The area whose factor it is, such as `US-MIDA-PJM` or `DE`.
    pub area: String,
    /// Year that the factor describes.
    pub year: i16,
    /// Whether that is the year that was asked for.
    pub is_year_fallback: bool,
    /// Whether both figures were published or one was derived.
    pub basis: FactorBasis,
    /// Its id in the set (the direct one).
    pub factor_id: FactorId,
}

/// Market-based emissions per kWh, with what they rest on.
#[derive(Debug, Clone, PartialEq)]
pub struct MarketFactor {
    /// gCO2e/kWh, direct emissions as for the location-based factor.
    pub direct_g_per_kwh: Band,
    /// Residual mix or, where none is published, the location-based factor.
    pub basis: MarketBasis,
    /// Year that the factor describes.
    pub year: i16,
    /// Its id in the set.
    pub factor_id: FactorId,
}

/// Water consumed in generating a kWh.
#[derive(Debug, Clone, PartialEq)]
pub struct WaterFactor {
    /// Litres consumed (evaporated) per kWh generated.
    pub l_per_kwh: Band,
    /// Whether the figure is the region's or a stand-in.
    pub basis: WaterBasis,
    /// Its id in the set.
    pub factor_id: FactorId,
}

/// Grid factors by year, losses, residual mixes, water, and the imported hours.
#[derive(Debug, Clone)]
pub struct Table {
    yearly: YearlyTable,
    supply: supply::Supply,
    hourly: HourlyGrid,
}

impl Table {
    /// Reads the embedded tables; no hours are shipped.
    ///
    /// # Errors
    /// When an embedded table is not readable or names an unknown source.
    pub fn load(sources: &Sources) -> Result<Self, FactorError> {
        Ok(Self {
            yearly: YearlyTable::embedded(sources)?,
            supply: supply::Supply::embedded(sources)?,
            hourly: HourlyGrid::default(),
        })
    }

    /// The same table with imported hours laid over those it holds: a newer publication replaces hour by hour.
    ///
    /// # Errors
    /// When both together are too large.
    pub fn with_hourly(mut self, newer: &HourlyGrid) -> Result<Self, HourlyError> {
        self.hourly = self.hourly.overlaid(newer)?;
        Ok(self)
    }

    /// The imported hours; empty when nothing was imported.
    pub fn hourly(&self) -> &HourlyGrid {
        &self.hourly
    }

    /// The yearly factors.
    pub fn yearly(&self) -> &YearlyTable {
        &self.yearly
    }

    /// The location-based factor of a region in a year: the first of its areas with a figure fresh enough.
    ///
    /// # Errors
    /// When no area of the region has a figure of any year.
    pub fn location(&self, region: &Region, year: i16) -> Result<GridFactor, FactorError> {
        let areas: Vec<&str> = region.grid_areas.iter().map(String::as_str).collect();
        self.yearly.factor(&areas, &region.country, year)
    }

    /// The market-based factor: residual mix of the country, else the location-based factor, marked.
    ///
    /// # Errors
    /// As [`Table::location`].
    pub fn market(&self, region: &Region, year: i16) -> Result<MarketFactor, FactorError> {
        if let Some(residual) = self.supply.residual(&region.country, year) {
            return Ok(residual);
        }
        let location = self.location(region, year)?;
        Ok(MarketFactor {
            direct_g_per_kwh: location.direct_g_per_kwh,
            basis: MarketBasis::Location,
            year: location.year,
            factor_id: location.factor_id,
        })
    }

    /// The share of generated electricity that is lost before it reaches a consumer in the country.
    ///
    /// A consumer of `E` kWh causes `E * share / (1 - share)` kWh of lost generation (EPA, eGRID technical guide).
    pub fn loss(&self, country: &str) -> Loss {
        self.supply.loss(country)
    }

    /// Water consumed behind a kWh of the region's electricity.
    pub fn water(&self, region: &Region) -> WaterFactor {
        self.supply.water(region)
    }

    /// The share of direct emissions in the lifecycle emissions of a country's mix, for an hour of which only the
    /// lifecycle figure is known. The world's share where the country has none.
    pub fn direct_share(&self, country: &str) -> f64 {
        self.yearly.direct_share(country)
    }

    /// The id of that share in the set.
    pub fn direct_share_id(&self, country: &str) -> FactorId {
        self.yearly.direct_share_id(country)
    }

    /// Every number in its listing form.
    pub fn factors(&self) -> Vec<Factor> {
        let mut factors = self.yearly.factors();
        factors.extend(self.supply.factors());
        factors
    }

    /// Digest of the imported hours, part of the set's content address; `None` when nothing was imported.
    pub fn hourly_digest(&self) -> Option<String> {
        (!self.hourly.is_empty()).then(|| self.hourly.digest())
    }
}

#[cfg(test)]
mod tests;
