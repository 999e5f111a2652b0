//! Places: what a kilowatt-hour means in each region in one billing period.
//!
//! PUE, WUE, grid, losses and water depend on region and year only, so they are looked up once per region, not once
//! per class. Hourly intensities are copied into one dense array per region: per row they are an index, not a search.
//!
//! Where the hour of a line is known it serves the location-based figure, fuel supply, losses, and the market-based figure
//! too where that is the location-based one for want of a residual mix. Figures of different times are never mixed.
//!
//! The location-based figure is the direct one (GHG Protocol scope 2); fuel supply and losses are scope 3 category 3
//! and stay in their own columns.

pub mod zone;

use std::{collections::BTreeMap, sync::Arc};

use airshed_domain::period::{BillingPeriod, SECONDS_PER_HOUR};
use airshed_emission_factors::{
    FactorError, FactorSet,
    facility::{FigureBasis, Region},
    grid::{FactorBasis, MarketBasis},
};

use crate::{
    bounds::Bounds,
    class::{Grid, HourlyIntensity, Step},
    reason::{Obstacle, Reason},
};

/// Start of the ids of imported hours: `grid/hourly/US-MIDA-PJM/2026-10`.
pub(crate) const HOURLY_FACTORS: &str = "grid/hourly/";

/// One region in one billing period.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// `aws`, `azure` or `gcp`.
    pub provider: String,
    /// The provider's code, such as `eu-west-1`.
    pub region: String,
    /// Power usage effectiveness.
    pub pue: Bounds,
    /// Cooling water per kWh of IT energy, L/kWh.
    pub wue_l_per_kwh: f64,
    /// Water behind a kWh at the meter, L/kWh.
    pub electricity_water_l_per_kwh: f64,
    /// The grid.
    pub grid: Grid,
    /// Market-based intensity, gCO2e/kWh.
    pub market_g_per_kwh: f64,
    /// Fuel supply behind a kWh at the meter, gCO2e/kWh.
    pub upstream_g_per_kwh: f64,
    /// kWh lost in transmission and distribution per kWh delivered.
    pub t_and_d_ratio: f64,
    /// How the figures were found.
    pub steps: Vec<Step>,
}

/// Every region of a factor set, by provider and code: its figures, or what is missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Places(BTreeMap<String, BTreeMap<String, Result<Arc<Place>, Obstacle>>>);

impl Places {
    /// The figures of every region for a billing period. A region for which one is missing keeps the reason for its
    /// lines.
    pub fn new(factors: &FactorSet, period: BillingPeriod) -> Self {
        let mut places: BTreeMap<String, BTreeMap<String, Result<Arc<Place>, Obstacle>>> = BTreeMap::new();
        for region in factors.facility().regions() {
            let place = place(factors, region, period).map(Arc::new);
            places.entry(region.provider.clone()).or_default().insert(region.code.clone(), place);
        }
        Self(places)
    }

    /// A region.
    ///
    /// # Errors
    /// The reason for its lines, when the factor set does not know the region or lacks one of its figures.
    pub fn get(&self, provider: &str, region: &str) -> Result<&Arc<Place>, Obstacle> {
        match self.0.get(provider).and_then(|regions| regions.get(region)) {
            Some(Ok(place)) => Ok(place),
            Some(Err(obstacle)) => Err(obstacle.clone()),
            None => {
                let cause = format!("the factor set has no region `{region}` of `{provider}`");
                Err(Obstacle::because(Reason::UnknownRegion, cause))
            }
        }
    }
}

fn place(factors: &FactorSet, region: &Region, period: BillingPeriod) -> Result<Place, Obstacle> {
    let year = period.year();
    let missing = |reason| move |error: FactorError| Obstacle::missing(reason, &error);
    let pue = factors.facility().pue(region, year).map_err(missing(Reason::NoPue))?;
    let wue = factors.facility().wue(region, year).map_err(missing(Reason::NoWue))?;
    let location = factors.grid().location(region, year).map_err(missing(Reason::NoGridFactor))?;
    let market = factors.grid().market(region, year).map_err(missing(Reason::NoGridFactor))?;
    let loss = factors.grid().loss(&region.country);
    let water = factors.grid().water(region);
    let loss_share = loss.share.central();
    let t_and_d_ratio = loss_share / (1.0 - loss_share);
    let hours = hourly(factors, region, period, market.basis);

    let of_year = |basis: FigureBasis, found: i16| match basis {
        FigureBasis::Published => format!("published for {} and {found}", region.code),
        FigureBasis::OtherYear => format!("published for {}; {found} is the nearest year", region.code),
        FigureBasis::Fleet => format!("fleet figure of {found}: none is published for {}", region.code),
    };
    let mut upstream_step = Step::new(format!("fuel supply of {}", region.code), "lifecycle - direct")
        .with_result("upstream", location.upstream_g_per_kwh.central(), "gCO2e/kWh")
        .with_factor(location.factor_id.as_str());
    // Where both are published, the id names the direct figure.
    if let Some(row) = location.factor_id.as_str().strip_suffix("/direct")
        && location.basis == FactorBasis::Both
    {
        upstream_step = upstream_step.with_factor(format!("{row}/lifecycle"));
    }
    let mut steps = vec![
        Step::new(format!("PUE of {}", region.code), "facility energy / IT energy")
            .with_result("pue", pue.value.central(), "1")
            .with_factor(pue.factor_id.as_str())
            .with_note(of_year(pue.basis, pue.year)),
        Step::new(format!("WUE of {}", region.code), "cooling water / IT energy")
            .with_result("wue", wue.value.central(), "L/kWh")
            .with_factor(wue.factor_id.as_str())
            .with_note(of_year(wue.basis, wue.year)),
        Step::new(format!("grid of {}, year", region.code), "direct emissions / kWh generated")
            .with_result("grid_intensity_g_per_kwh", location.direct_g_per_kwh.central(), "gCO2e/kWh")
            .with_factor(location.factor_id.as_str())
            .with_note(format!(
                "area {} in {}; zone {}{}",
                location.area,
                location.year,
                region.grid_zone,
                if hours.is_some() { ", hours known" } else { ", no hours known" }
            )),
        upstream_step,
        Step::new(format!("market-based intensity of {}", region.code), "residual mix, else location-based")
            .with_result("market_intensity_g_per_kwh", market.direct_g_per_kwh.central(), "gCO2e/kWh")
            .with_factor(market.factor_id.as_str())
            .with_note(format!("{:?} of {}", market.basis, market.year)),
        Step::new(format!("grid losses of {}", region.country), "loss / (1 - loss)")
            .with_input("loss", loss_share, "1")
            .with_result("lost per delivered", t_and_d_ratio, "1")
            .with_factor(loss.factor_id.as_str()),
        Step::new(format!("water behind electricity of {}", region.code), "water consumed / kWh generated")
            .with_result("water", water.l_per_kwh.central(), "L/kWh")
            .with_factor(water.factor_id.as_str())
            .with_note(format!("{:?} figure", water.basis)),
    ];
    steps.extend(hours.as_ref().map(|hours| hours_step(factors, region, period, hours)));
    steps.extend(share_step(factors, region, location.basis));
    Ok(Place {
        provider: region.provider.clone(),
        region: region.code.clone(),
        pue: pue.value.into(),
        wue_l_per_kwh: wue.value.central(),
        electricity_water_l_per_kwh: water.l_per_kwh.central(),
        grid: Grid {
            zone: region.grid_zone.as_str().into(),
            yearly_g_per_kwh: location.direct_g_per_kwh.into(),
            hourly: hours.map(|hours| Arc::new(hours.intensity)),
        },
        market_g_per_kwh: market.direct_g_per_kwh.central(),
        upstream_g_per_kwh: location.upstream_g_per_kwh.central(),
        t_and_d_ratio,
        steps,
    })
}

fn hours_step(factors: &FactorSet, region: &Region, period: BillingPeriod, hours: &Hours) -> Step {
    let market = if hours.intensity.serves_market { "; the market-based figure follows them" } else { "" };
    let step = Step::new(
        format!("grid of {}, hours", region.code),
        "direct, and lifecycle - direct, of the line's hours",
    )
    .with_input("hours known", hours.known as f64, "h")
    .with_input("hours split by the direct share", hours.split as f64, "h")
    .with_factor(hourly_factor_id(&region.grid_zone, period))
    .with_note(format!("zone {}; lines that touch another hour use the year{market}", region.grid_zone));
    if hours.split == 0 {
        return step;
    }
    let grid = factors.grid();
    step.with_input("direct share", grid.direct_share(&region.country), "1")
        .with_factor(grid.direct_share_id(&region.country).as_str())
}

/// The share by which a yearly figure that is not published was found from the one that is.
fn share_step(factors: &FactorSet, region: &Region, year: FactorBasis) -> Option<Step> {
    let grid = factors.grid();
    let (formula, note) = match year {
        FactorBasis::Split => ("direct = lifecycle x direct share", "the year's figure is lifecycle only"),
        FactorBasis::DirectOnly => ("lifecycle = direct / direct share", "the year's figure is direct only"),
        FactorBasis::Both => return None,
    };
    let step = Step::new(format!("direct share of {}", region.country), formula)
        .with_input("direct share", grid.direct_share(&region.country), "1")
        .with_factor(grid.direct_share_id(&region.country).as_str())
        .with_note(note);
    Some(step)
}

/// The hours of a region in a period, and how they were found.
struct Hours {
    intensity: HourlyIntensity,
    /// Hours with a figure.
    known: usize,
    /// Hours of which only one of the direct and the lifecycle figure is known.
    split: usize,
}

/// Direct and upstream intensity of every hour of the period; where only one of the direct and the lifecycle figure is
/// known, the country's share gives the other, as for years. `None` when no hour of the period is known.
fn hourly(factors: &FactorSet, region: &Region, period: BillingPeriod, market: MarketBasis) -> Option<Hours> {
    let grid = factors.grid();
    let zone = grid.hourly().zone(&region.grid_zone)?;
    let share = grid.direct_share(&region.country);
    let window = period.window();
    let (mut known, mut split) = (0, 0);
    let hours = (0..period.hours()).map(|hour| {
        let Some(value) = grid.hourly().get(zone, window.start_s + hour * SECONDS_PER_HOUR) else {
            return (f64::NAN, f64::NAN);
        };
        known += 1;
        match (value.direct_g_per_kwh, value.lifecycle_g_per_kwh) {
            // Publishers round the two apart, so a clean hour may be a hair below zero.
            (Some(direct), Some(lifecycle)) => (direct, (lifecycle - direct).max(0.0)),
            (Some(direct), None) => {
                split += 1;
                (direct, if share > 0.0 { direct / share - direct } else { 0.0 })
            }
            (None, Some(lifecycle)) => {
                split += 1;
                (lifecycle * share, lifecycle - lifecycle * share)
            }
            (None, None) => (f64::NAN, f64::NAN),
        }
    });
    let (g_per_kwh, upstream_g_per_kwh) = hours.unzip();
    let intensity = HourlyIntensity {
        start_s: window.start_s,
        g_per_kwh,
        upstream_g_per_kwh,
        serves_market: market == MarketBasis::Location,
    };
    (known > 0).then_some(Hours { intensity, known, split })
}

/// Id by which the imported hours of a zone in a period are named; they are one table, not a factor each.
fn hourly_factor_id(zone: &str, period: BillingPeriod) -> String {
    format!("{HOURLY_FACTORS}{zone}/{period}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::FACTORS;

    #[test]
    fn every_region_of_aws_has_all_its_figures() {
        let places = Places::new(&FACTORS, "2026-10".parse().unwrap());
        for region in FACTORS.facility().regions().filter(|region| region.provider == "aws") {
            let place =
                places.get("aws", &region.code).unwrap_or_else(|why| panic!("{}: {why:?}", region.code));
            assert!(place.pue.is_ordered() && place.pue.low >= 1.0, "{}", region.code);
            assert!(place.grid.yearly_g_per_kwh.is_ordered(), "{}", region.code);
            assert!(place.grid.hourly.is_none(), "{}: no hours are shipped", region.code);
        }
        assert_eq!(places.get("aws", "mars-north-1").unwrap_err().reason, Reason::UnknownRegion);
    }

    /// A region that lacks one figure, and its lines.
    #[test]
    fn what_a_region_lacks_is_the_reason_of_its_lines() {
        let period = "2026-10".parse().unwrap();
        let virginia = FACTORS.facility().region("aws", "us-east-1").unwrap().clone();
        let elsewhere = Region { provider: "elsewhere".into(), ..virginia.clone() };
        let no_pue = place(&FACTORS, &elsewhere, period).unwrap_err();
        assert_eq!(no_pue.reason, Reason::NoPue);
        assert!(no_pue.cause.as_ref().unwrap().contains("elsewhere"), "{no_pue:?}");
        let off_grid = Region { grid_areas: vec!["MARS".into()], ..virginia };
        let no_grid = place(&FACTORS, &off_grid, period).unwrap_err();
        assert_eq!(no_grid.reason, Reason::NoGridFactor);

        let mut places = Places::new(&FACTORS, period);
        places.0.get_mut("aws").unwrap().insert("us-east-1".into(), Err(no_grid));
        let options = crate::method::MethodOptions::default();
        let context =
            crate::method::Context { factors: &FACTORS, options: &options, period, places: &places };
        let line = crate::class::ClassKey {
            provider: Some("aws"),
            service_code: Some("AmazonEC2"),
            usage_type: Some("BoxUsage:m5.large"),
            usage_unit: Some("Hrs"),
            line_type: Some("Usage"),
            ..crate::class::ClassKey::default()
        };
        let class = crate::profile::airshed::classify(&line, &context);
        assert_eq!(class.reason, Some(Reason::NoGridFactor));
        let note = class.steps.iter().find_map(|step| step.note.as_deref()).unwrap();
        assert!(note.contains("no grid factor for any of MARS"), "{note}");
    }

    #[test]
    fn every_factor_of_a_place_is_in_the_set() {
        let places = Places::new(&FACTORS, "2026-10".parse().unwrap());
        for place in places.0.values().flat_map(BTreeMap::values).flatten() {
            for id in place.steps.iter().flat_map(|step| &step.factor_ids) {
                let known = FACTORS.factor(&airshed_domain::id::FactorId::new(id.as_str()));
                assert!(known.is_some(), "{}: {id}", place.region);
            }
        }
        let virginia = places.get("aws", "us-east-1").unwrap();
        let upstream = virginia.steps.iter().find(|step| step.title.starts_with("fuel supply")).unwrap();
        let cited: Vec<&str> = upstream.factor_ids.iter().filter_map(|id| id.rsplit('/').next()).collect();
        assert_eq!(cited, ["direct", "lifecycle"]);
    }

    #[test]
    fn a_split_figure_cites_its_share() {
        let places = Places::new(&FACTORS, "2026-10".parse().unwrap());
        let step_of = |region: &str| {
            let steps = &places.get("aws", region).unwrap().steps;
            steps.iter().find(|step| step.title.starts_with("direct share")).cloned()
        };
        // Direct and lifecycle are both published for PJM; Ember publishes lifecycle only.
        assert_eq!(step_of("us-east-1"), None);
        let step = step_of("ap-south-1").unwrap();
        let id = FACTORS.grid().direct_share_id("IN");
        assert_eq!(step.factor_ids, [id.as_str().to_owned()]);
        let listed = FACTORS.factor(&id).unwrap();
        assert!((step.inputs[0].value - listed.value.central()).abs() < 1e-15);
    }
}
