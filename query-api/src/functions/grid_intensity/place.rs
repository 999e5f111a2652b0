//! What a text names, and its figures.
//!
//! A region of a provider, a site of AWS (its local zones and availability zones) or a grid zone. A region has the figure
//! that the estimate takes for it. A zone has its own figure, else one of the areas that all regions in it share.

use std::{borrow::Cow, collections::BTreeMap, iter};

use airshed_domain::period::BillingPeriod;
use airshed_emission_factors::{
    FactorSet,
    facility::Region,
    grid::{MarketBasis, Table, ZoneIndex},
};
use airshed_kernels::place::zone::{Site, site};

use super::Basis;

/// Providers whose regions may be named. No two give the same name to different regions.
const PROVIDERS: [&str; 3] = ["aws", "azure", "gcp"];

/// A place by one basis.
pub(super) struct Place<'f> {
    grid: &'f Table,
    region: Cow<'f, Region>,
    basis: Basis,
    hours: Option<ZoneIndex>,
    years: BTreeMap<i16, Option<Year>>,
}

#[derive(Debug, Clone, Copy)]
struct Year {
    g_per_kwh: f64,
    /// Whether a known hour of the year stands in its place.
    gives_way_to_hours: bool,
}

impl<'f> Place<'f> {
    /// The place that a text names; `None` when the factor set knows none.
    pub(super) fn new(factors: &'f FactorSet, text: &str, basis: Basis) -> Option<Self> {
        let region =
            region(factors, text).map(Cow::Borrowed).or_else(|| zone(factors, text).map(Cow::Owned))?;
        let grid = factors.grid();
        let hours = grid.hourly().zone(&region.grid_zone);
        Some(Self { grid, region, basis, hours, years: BTreeMap::new() })
    }

    /// The figure of an instant; `None` where the factor set has none, and outside the years 1970 to 9999.
    pub(super) fn g_per_kwh(&mut self, epoch_s: i64) -> Option<f64> {
        let year = BillingPeriod::of_epoch_seconds(epoch_s).ok()?.year();
        let of_year = || of_year(self.grid, &self.region, self.basis, year);
        let year = *self.years.entry(year).or_insert_with(of_year);
        let hour = match year {
            Some(Year { gives_way_to_hours: false, .. }) => None,
            _ => self.of_hour(epoch_s),
        };
        hour.or(year.map(|year| year.g_per_kwh))
    }

    /// The direct figure of an hour. Where only the lifecycle figure is known, the country's share gives it, as in a run.
    fn of_hour(&self, epoch_s: i64) -> Option<f64> {
        let value = self.grid.hourly().get(self.hours?, epoch_s)?;
        let split = |lifecycle: f64| lifecycle * self.grid.direct_share(&self.region.country);
        value.direct_g_per_kwh.or(value.lifecycle_g_per_kwh.map(split))
    }
}

fn of_year(grid: &Table, region: &Region, basis: Basis, year: i16) -> Option<Year> {
    let (factor, gives_way_to_hours) = match basis {
        Basis::Location => (grid.location(region, year).ok()?.direct_g_per_kwh, true),
        Basis::Market => {
            let market = grid.market(region, year).ok()?;
            (market.direct_g_per_kwh, market.basis == MarketBasis::Location)
        }
    };
    Some(Year { g_per_kwh: factor.central(), gives_way_to_hours })
}

fn region<'f>(factors: &'f FactorSet, text: &str) -> Option<&'f Region> {
    let regions = factors.facility();
    let aws = match site(text, regions) {
        Some(Site::Own(code) | Site::Parent(code)) => regions.region("aws", code),
        None => None,
    };
    aws.or_else(|| PROVIDERS.iter().find_map(|provider| regions.region(provider, text)))
}

/// A grid zone, as a region of no provider. Areas with a slash are what one publisher says of a place, not zones.
fn zone(factors: &FactorSet, text: &str) -> Option<Region> {
    let inside: Vec<&Region> =
        factors.facility().regions().filter(|region| region.grid_zone == text).collect();
    let grid = factors.grid();
    let is_known = !inside.is_empty() || grid.yearly().contains(text) || grid.hourly().zone(text).is_some();
    if !is_known || text.contains('/') {
        return None;
    }
    let is_shared = |area: &&String| {
        inside.iter().all(|region| {
            region.grid_areas.contains(area) && !area.starts_with(&format!("{}/", region.provider))
        })
    };
    let shared = inside.first().into_iter().flat_map(|region| &region.grid_areas).filter(is_shared);
    Some(Region {
        provider: String::new(),
        code: text.to_owned(),
        name: text.to_owned(),
        billing_code: None,
        // Zones are named by country first: `US-MIDA-PJM`.
        country: text.split('-').next().unwrap_or(text).to_owned(),
        grid_zone: text.to_owned(),
        grid_areas: iter::once(text.to_owned()).chain(shared.cloned()).collect(),
        egrid_subregion: None,
        source_id: String::new(),
    })
}
