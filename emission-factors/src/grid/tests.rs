use super::*;
use crate::facility;

fn tables() -> (facility::Table, Table) {
    let sources = Sources::embedded().unwrap();
    (facility::Table::load(&sources).unwrap(), Table::load(&sources).unwrap())
}

#[test]
fn every_region_resolves_in_any_year() {
    let (facility, grid) = tables();
    for region in facility.regions() {
        for year in [2015, 2018, 2021, 2024, 2026, 2040] {
            let factor = grid.location(region, year).unwrap();
            let (direct, upstream) = (factor.direct_g_per_kwh, factor.upstream_g_per_kwh);
            assert!(direct.central() <= 1200.0 && upstream.central() >= 0.0, "{} {year}", region.code);
            assert!(direct.low() <= direct.central() && direct.central() <= direct.high());
            grid.market(region, year).unwrap();
        }
        let water = grid.water(region);
        assert!(water.l_per_kwh.central() > 0.0, "{}", region.code);
        let share = grid.loss(&region.country).share;
        assert!(share.central() > 0.0 && share.central() < 0.25, "{}", region.code);
        for area in &region.grid_areas {
            assert!(grid.yearly().contains(area), "{} names {area}", region.code);
        }
    }
}

/// Means of the PJM hours of 2023, computed apart with DuckDB over the open hourly file: 323.87 and 395.12 g/kWh.
#[test]
fn virginia_takes_pjm() {
    let (facility, grid) = tables();
    let region = facility.region("aws", "us-east-1").unwrap();
    let factor = grid.location(region, 2023).unwrap();
    assert_eq!((factor.area.as_str(), factor.year, factor.basis), ("US-MIDA-PJM", 2023, FactorBasis::Both));
    assert!(!factor.is_year_fallback);
    assert!((factor.direct_g_per_kwh.central() - 323.87).abs() < 1e-9);
    assert!((factor.upstream_g_per_kwh.central() - (395.12 - 323.87)).abs() < 1e-9);
    // eGRID2023 gives Virginia alone 244.8 g: the lower bound.
    assert!(factor.direct_g_per_kwh.low() < 245.0);
    let later = grid.location(region, 2026).unwrap();
    assert_eq!((later.year, later.is_year_fallback), (2024, true));
}

/// Ember gives Ireland 256.54 g, a lifecycle figure: it must be split, so that direct plus upstream is that figure.
#[test]
fn a_lifecycle_figure_is_split_not_counted_twice() {
    let (facility, grid) = tables();
    let factor = grid.location(facility.region("aws", "eu-west-1").unwrap(), 2025).unwrap();
    assert_eq!((factor.area.as_str(), factor.basis), ("aws/eu-west-1", FactorBasis::Split));
    let (direct, upstream) = (factor.direct_g_per_kwh.central(), factor.upstream_g_per_kwh.central());
    assert!((direct + upstream - 256.54).abs() < 1e-9);
    assert!(direct < 256.54 && upstream > 0.0);
    assert!((direct / 256.54 - grid.direct_share("IE")).abs() < 1e-12);
    assert_eq!(factor.factor_id.as_str(), "grid/yearly/aws/eu-west-1/2025/lifecycle");
}

/// eGRID2023: Oregon 165.5 g/kWh. Bonneville's production (37 to 45 g) is not what Oregon's data centres draw.
#[test]
fn oregon_does_not_take_bonneville() {
    let (facility, grid) = tables();
    let region = facility.region("aws", "us-west-2").unwrap();
    assert_eq!(region.grid_zone, "US-NW-BPAT");
    let factor = grid.location(region, 2024).unwrap();
    assert_eq!((factor.area.as_str(), factor.year, factor.basis), ("US-OR", 2023, FactorBasis::DirectOnly));
    assert!((factor.direct_g_per_kwh.central() - 165.5).abs() < 0.1);
    assert!(!grid.yearly().contains("US-NW-BPAT"));
}

/// China's ministry: Beijing 555.4 g in 2023. Ember's row for Hong Kong is mainland China's and is not used.
#[test]
fn china_and_hong_kong() {
    let (facility, grid) = tables();
    let beijing = grid.location(facility.region("aws", "cn-north-1").unwrap(), 2023).unwrap();
    assert!((beijing.direct_g_per_kwh.central() - 555.4).abs() < 1e-9);
    let hong_kong = grid.location(facility.region("aws", "ap-east-1").unwrap(), 2024).unwrap();
    assert_eq!(hong_kong.area, "HK");
}

/// AIB 2025: Germany 701.47, France 17.11 g; Switzerland publishes none through AIB's table.
#[test]
fn market_takes_the_residual_mix_or_says_location() {
    let (facility, grid) = tables();
    let germany = grid.market(facility.region("aws", "eu-central-1").unwrap(), 2025).unwrap();
    assert!((germany.direct_g_per_kwh.central() - 701.47).abs() < 1e-9);
    assert_eq!(germany.basis, MarketBasis::Residual);
    let earlier = grid.market(facility.region("aws", "eu-west-3").unwrap(), 2024).unwrap();
    assert_eq!((earlier.basis, earlier.year), (MarketBasis::ResidualOtherYear, 2025));
    let region = facility.region("aws", "eu-central-2").unwrap();
    let swiss = grid.market(region, 2025).unwrap();
    assert_eq!(swiss.basis, MarketBasis::Location);
    assert_eq!(swiss.direct_g_per_kwh, grid.location(region, 2025).unwrap().direct_g_per_kwh);
}

/// eGRID2023: 4.2 % grid gross loss. Chile has no figure here: the world's, marked.
#[test]
fn losses_and_water_mark_their_stand_ins() {
    let (facility, grid) = tables();
    assert!((grid.loss("US").share.central() - 0.042).abs() < 1e-12 && !grid.loss("US").is_world);
    assert!(grid.loss("CL").is_world);
    let virginia = grid.water(facility.region("aws", "us-east-1").unwrap());
    assert!((virginia.l_per_kwh.central() - 2.312_704).abs() < 1e-9);
    assert_eq!(virginia.basis, WaterBasis::Region);
    assert_eq!(grid.water(facility.region("aws", "af-south-1").unwrap()).basis, WaterBasis::World);
}

#[test]
fn imported_hours_change_the_digest() {
    let (_, grid) = tables();
    assert_eq!(grid.hourly_digest(), None);
    let mut builder = HourlyGridBuilder::default();
    builder.push("DE", 1_704_067_200, Some(300.0), None, false).unwrap();
    let grid = grid.with_hourly(&builder.build().unwrap()).unwrap();
    assert_eq!(grid.hourly_digest().unwrap().len(), 64);
    assert!(grid.hourly().zone("DE").is_some());
}

#[test]
fn ids_are_unique() {
    let factors = tables().1.factors();
    let ids: std::collections::BTreeSet<_> = factors.iter().map(|factor| factor.id.as_str()).collect();
    assert_eq!(ids.len(), factors.len());
}
