//! Coefficients laid out for arithmetic, and the arithmetic of one row.
//!
//! This is the only place where an amount becomes energy, carbon and water; `estimate` runs it over columns and
//! `explain` over one row. The order of operations is fixed: bytes of the ledger depend on it.

use std::sync::Arc;

use airshed_domain::schema::column as c;

use crate::{
    bounds::Bounds,
    class::{Basis, Class, Coefficients, HourlyIntensity},
    utilization::Measured,
};

/// The quantities of a row, in the order of the ledger's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// Column of `emissions`.
    pub column: &'static str,
    /// Unit.
    pub unit: &'static str,
    /// How it is computed, in words of the other columns.
    pub formula: &'static str,
}

const fn measure(column: &'static str, unit: &'static str, formula: &'static str) -> Measure {
    Measure { column, unit, formula }
}

/// Number of quantities of a row.
pub(super) const COUNT: usize = 20;

/// Every quantity of a row.
pub const MEASURES: [Measure; COUNT] = [
    measure(c::ENERGY_CPU_KWH, "kWh", "amount x kWh per unit, processors at the utilisation"),
    measure(c::ENERGY_MEMORY_KWH, "kWh", "amount x kWh per unit, memory"),
    measure(c::ENERGY_ACCELERATOR_KWH, "kWh", "amount x kWh per unit, accelerators"),
    measure(c::ENERGY_STORAGE_KWH, "kWh", "amount x kWh per unit, storage"),
    measure(c::ENERGY_NETWORK_KWH, "kWh", "amount x kWh per unit, network"),
    measure(c::ENERGY_PLATFORM_KWH, "kWh", "amount x kWh per unit, rest of the server"),
    measure(c::ENERGY_KWH, "kWh", "amount x (IT energy in the facility x PUE + network outside it)"),
    measure(c::ENERGY_KWH_LOW, "kWh", "as energy_kwh, every part at its low bound"),
    measure(c::ENERGY_KWH_HIGH, "kWh", "as energy_kwh, every part at its high bound"),
    measure(c::CO2E_LOCATION_G, "gCO2e", "energy_kwh x grid_intensity_g_per_kwh"),
    measure(c::CO2E_LOCATION_G_LOW, "gCO2e", "energy_kwh_low x grid intensity at its low bound"),
    measure(c::CO2E_LOCATION_G_HIGH, "gCO2e", "energy_kwh_high x grid intensity at its high bound"),
    measure(c::CO2E_MARKET_G, "gCO2e", "energy_kwh x market_intensity_g_per_kwh"),
    measure(c::CO2E_EMBODIED_G, "gCO2e", "amount x embodied emissions per unit"),
    measure(c::CO2E_EMBODIED_G_LOW, "gCO2e", "as co2e_embodied_g, at the low bound"),
    measure(c::CO2E_EMBODIED_G_HIGH, "gCO2e", "as co2e_embodied_g, at the high bound"),
    measure(c::CO2E_UPSTREAM_G, "gCO2e", "energy_kwh x fuel supply per kWh, of the hour where it is known"),
    measure(c::CO2E_T_AND_D_G, "gCO2e", "energy_kwh x lost per delivered x grid_intensity_g_per_kwh"),
    measure(c::WATER_L, "L", "water_cooling_l + energy_kwh x water behind a kWh"),
    measure(c::WATER_COOLING_L, "L", "amount x IT energy in the facility x WUE"),
];

/// Positions of quantities that a method may not state.
pub(super) const OPTIONAL: [usize; 5] = [12, 16, 17, 18, 19];

/// What a kWh of a row emits, gCO2e/kWh: of the year, or of the row's hours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Intensity {
    /// Location-based.
    pub(super) location: f64,
    /// Market-based; NaN where the method states none.
    pub(super) market: f64,
    /// Fuel supply; NaN where the method states none.
    pub(super) upstream: f64,
}

/// Coefficients of a class at its default utilisation, without pointers in the way.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    /// What is multiplied; `None` where lines of the class have no estimate.
    pub(super) basis: Option<Basis>,
    pub(super) measurable: bool,
    /// Whether every quantity is stated.
    pub(super) complete: bool,
    /// Hours of the zone, where they are known.
    pub(super) hourly: Option<Arc<HourlyIntensity>>,
    /// kWh per unit by component, before PUE.
    components: [f64; 6],
    /// kWh per unit at the meter.
    energy: Bounds,
    /// kWh per unit inside the facility, before PUE.
    it_inside: f64,
    embodied: Bounds,
    /// Default utilisation; NaN where energy does not depend on it.
    pub(super) utilization: f64,
    pub(super) pue: f64,
    /// Intensities of the year.
    pub(super) yearly: Intensity,
    grid_low: f64,
    grid_high: f64,
    /// NaN where not stated, as the next two.
    t_and_d_ratio: f64,
    wue_l_per_kwh: f64,
    electricity_water_l_per_kwh: f64,
}

impl Prepared {
    pub(super) fn new(class: &Class) -> Self {
        match &class.coefficients {
            Some(coefficients) => Self::of(coefficients, None),
            None => Self::nothing(),
        }
    }

    /// Coefficients at a utilisation, or at the default one.
    pub(super) fn of(coefficients: &Coefficients, measured: Option<Measured>) -> Self {
        let default = coefficients.default_utilization.unwrap_or(Bounds::ZERO);
        let utilization = measured.map_or(default, |measured| measured.with_default(default));
        let curves = &coefficients.energy_kwh;
        let parts = [
            &curves.cpu,
            &curves.memory,
            &curves.accelerator,
            &curves.storage,
            &curves.network,
            &curves.platform,
        ]
        .map(|curve| curve.over(utilization));
        let [cpu, memory, accelerator, storage, network, platform] = parts;
        let external = network * coefficients.network_external_share;
        let inside = cpu
            + memory
            + accelerator
            + storage
            + network * (1.0 - coefficients.network_external_share)
            + platform;
        let energy = inside.times(coefficients.pue) + external;
        let grid = coefficients.grid.yearly_g_per_kwh;
        let relative = |bound: f64| if grid.central > 0.0 { bound / grid.central } else { 1.0 };
        let stated = |value: Option<f64>| value.unwrap_or(f64::NAN);
        Self {
            basis: Some(coefficients.basis),
            measurable: coefficients.accepts_measured_utilization,
            complete: coefficients.market_g_per_kwh.is_some()
                && coefficients.upstream_g_per_kwh.is_some()
                && coefficients.t_and_d_ratio.is_some()
                && coefficients.wue_l_per_kwh.is_some()
                && coefficients.electricity_water_l_per_kwh.is_some(),
            hourly: coefficients.grid.hourly.clone(),
            components: parts.map(|part| part.central),
            energy,
            it_inside: inside.central,
            embodied: coefficients.embodied_g,
            utilization: match coefficients.default_utilization {
                Some(_) => utilization.central,
                None => f64::NAN,
            },
            pue: coefficients.pue.central,
            yearly: Intensity {
                location: grid.central,
                market: stated(coefficients.market_g_per_kwh),
                upstream: stated(coefficients.upstream_g_per_kwh),
            },
            grid_low: relative(grid.low),
            grid_high: relative(grid.high),
            t_and_d_ratio: stated(coefficients.t_and_d_ratio),
            wue_l_per_kwh: stated(coefficients.wue_l_per_kwh),
            electricity_water_l_per_kwh: stated(coefficients.electricity_water_l_per_kwh),
        }
    }

    fn nothing() -> Self {
        Self {
            basis: None,
            measurable: false,
            complete: true,
            hourly: None,
            components: [0.0; 6],
            energy: Bounds::ZERO,
            it_inside: 0.0,
            embodied: Bounds::ZERO,
            utilization: f64::NAN,
            pue: 0.0,
            yearly: Intensity { location: 0.0, market: 0.0, upstream: 0.0 },
            grid_low: 0.0,
            grid_high: 0.0,
            t_and_d_ratio: 0.0,
            wue_l_per_kwh: 0.0,
            electricity_water_l_per_kwh: 0.0,
        }
    }

    /// The quantities of a row, in the order of [`MEASURES`]; NaN where the method states none.
    ///
    /// A negative amount gives negative quantities, so that a correction takes back exactly what it corrects; its low
    /// bound then lies above its high bound, and the bounds of sums still hold.
    #[inline]
    pub(super) fn row(&self, amount: f64, intensity: Intensity) -> [f64; COUNT] {
        let Intensity { location: grid_g_per_kwh, market, upstream } = intensity;
        let [cpu, memory, accelerator, storage, network, platform] = self.components;
        let energy = amount * self.energy.central;
        let energy_low = amount * self.energy.low;
        let energy_high = amount * self.energy.high;
        let cooling = amount * self.it_inside * self.wue_l_per_kwh;
        [
            amount * cpu,
            amount * memory,
            amount * accelerator,
            amount * storage,
            amount * network,
            amount * platform,
            energy,
            energy_low,
            energy_high,
            energy * grid_g_per_kwh,
            energy_low * (grid_g_per_kwh * self.grid_low),
            energy_high * (grid_g_per_kwh * self.grid_high),
            energy * market,
            amount * self.embodied.central,
            amount * self.embodied.low,
            amount * self.embodied.high,
            energy * upstream,
            energy * self.t_and_d_ratio * grid_g_per_kwh,
            cooling + energy * self.electricity_water_l_per_kwh,
            cooling,
        ]
    }
}

const SECONDS_PER_HOUR: i64 = 3600;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// The means of the hours that an interval touches (microseconds since the epoch, half-open) in place of the year's
/// figures; `None` when one of them is not known. An empty interval touches the hour of its start.
pub(super) fn hourly_mean(
    hourly: &HourlyIntensity,
    yearly: Intensity,
    start_us: i64,
    end_us: i64,
) -> Option<Intensity> {
    let hour_us = SECONDS_PER_HOUR * MICROS_PER_SECOND;
    let origin = hourly.start_s * MICROS_PER_SECOND;
    let first = usize::try_from((start_us.checked_sub(origin)?).div_euclid(hour_us)).ok()?;
    let last_us = end_us.saturating_sub(1).max(start_us);
    let last = usize::try_from((last_us.checked_sub(origin)?).div_euclid(hour_us)).ok()?;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let location = mean(hourly.g_per_kwh.get(first..=last)?);
    let upstream = mean(hourly.upstream_g_per_kwh.get(first..=last)?);
    (!location.is_nan()).then_some(Intensity {
        location,
        market: if hourly.serves_market { location } else { yearly.market },
        upstream,
    })
}
