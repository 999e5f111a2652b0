//! Against the tables of the factor data, read here by themselves, and against the places of the kernels.

use std::collections::BTreeMap;

use airshed_domain::period::{BillingPeriod, SECONDS_PER_HOUR};
use airshed_emission_factors::grid::HourlyGridBuilder;
use airshed_kernels::place::Places;
use arrow::{
    array::{ArrayRef, DictionaryArray, StringArray, TimestampMicrosecondArray},
    datatypes::{Decimal128Type, UInt16Type},
};

use super::*;

type Row = BTreeMap<String, String>;

fn rows(table: &str) -> Vec<Row> {
    let path = format!("{}/../emission-factors/data/{table}.csv", env!("CARGO_MANIFEST_DIR"));
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}

fn number(row: &Row, column: &str) -> Option<f64> {
    (!row[column].is_empty()).then(|| row[column].parse().unwrap())
}

fn epoch_s(time: &str) -> i64 {
    let period: BillingPeriod = time.parse().unwrap();
    period.window().start_s
}

/// Steps of 1e-8 g/kWh of places, all at one time.
fn found_in(factors: &FactorSet, places: ArrayRef, epoch_s: i64, basis: Basis) -> Vec<Option<i128>> {
    let rows = places.len();
    let times = TimestampMicrosecondArray::from(vec![epoch_s * MICROSECONDS; rows]).with_timezone("UTC");
    let arguments = (&ColumnarValue::Array(places), &ColumnarValue::Array(Arc::new(times) as ArrayRef));
    let found = intensities(factors, arguments, basis, rows).unwrap().to_array(rows).unwrap();
    found.as_primitive::<Decimal128Type>().iter().collect()
}

fn found(factors: &FactorSet, place: &str, epoch_s: i64, basis: Basis) -> Option<i128> {
    found_in(factors, Arc::new(StringArray::from(vec![place])), epoch_s, basis)[0]
}

fn near(found: Option<i128>, g_per_kwh: f64, place: &str) {
    let steps = (g_per_kwh * 1e8).round();
    assert!((found.unwrap() as f64 - steps).abs() <= 1.0, "{place}: {found:?}, expected {g_per_kwh} g/kWh");
}

#[test]
fn regions_and_zones_have_the_published_figure_of_the_year() {
    let yearly: BTreeMap<_, _> = rows("grid/yearly")
        .into_iter()
        .map(|row| ((row["area"].clone(), row["year"].clone()), row))
        .collect();
    let shares: BTreeMap<_, _> = rows("grid/direct_share")
        .into_iter()
        .map(|row| (row["country"].clone(), number(&row, "direct_share").unwrap()))
        .collect();
    let direct = |row: &Row, country: &str| {
        let share = shares.get(country).unwrap_or(&shares["*"]);
        number(row, "direct_g_per_kwh").or(number(row, "lifecycle_g_per_kwh").map(|all| all * share)).unwrap()
    };
    let factors = shipped().unwrap();
    let mut checked = 0;
    for region in rows("facility/regions") {
        for year in ["2023", "2024", "2025"] {
            let first = region["grid_areas"].split(';').next().unwrap().to_owned();
            // Where the first area has no figure of the very year, others may serve: not a case for this test.
            if let Some(row) = yearly.get(&(first, year.to_owned())) {
                let july = epoch_s(&format!("{year}-07"));
                let found = found(factors, &region["code"], july, Basis::Location);
                near(found, direct(row, &region["country"]), &region["code"]);
                checked += 1;
            }
        }
    }
    assert!(checked > 100, "{checked}");
    for ((area, year), row) in yearly.iter().filter(|((area, _), _)| !area.contains('/')) {
        let found = found(factors, area, epoch_s(&format!("{year}-12")), Basis::Location);
        near(found, direct(row, area.split('-').next().unwrap()), area);
    }
}

#[test]
fn the_market_has_the_residual_mix_where_one_is_published() {
    let residual: BTreeMap<_, _> =
        rows("grid/residual_mix").into_iter().map(|row| (row["country"].clone(), row)).collect();
    let factors = shipped().unwrap();
    let mut without = 0;
    for region in rows("facility/regions") {
        let at = |basis| found(factors, &region["code"], epoch_s("2025-03"), basis);
        if let Some(row) = residual.get(&region["country"]) {
            near(at(Basis::Market), number(row, "direct_g_per_kwh").unwrap(), &region["code"]);
        } else {
            assert_eq!(at(Basis::Market), at(Basis::Location), "{}", region["code"]);
            without += 1;
        }
    }
    assert!(without > 0);
}

/// A set with a few hours of zones in Germany (residual mix) and of PJM (none).
fn with_hours(start_s: i64) -> FactorSet {
    let mut hours = HourlyGridBuilder::default();
    for (hour, direct, lifecycle) in
        [(0, Some(300.0), Some(350.0)), (1, None, Some(400.0)), (3, Some(120.5), None)]
    {
        for zone in ["DE", "US-MIDA-PJM", "XX"] {
            hours.push(zone, start_s + hour * SECONDS_PER_HOUR, direct, lifecycle, false).unwrap();
        }
    }
    FactorSet::builder().with_hourly_grid(hours.build().unwrap()).build().unwrap()
}

#[test]
fn every_region_has_what_a_run_takes_for_it() {
    let period: BillingPeriod = "2026-10".parse().unwrap();
    let start_s = period.window().start_s;
    let factors = with_hours(start_s);
    let places = Places::new(&factors, period);
    let steps = |figure: f64| quantity_from_f64(figure).ok().map(i128::from);
    let mut hourly = 0;
    for region in factors.facility().regions() {
        let place = places.get(&region.provider, &region.code).unwrap();
        for hour in 0..5 {
            let index = usize::try_from(hour).unwrap();
            let known = place.grid.hourly.as_ref().filter(|hours| !hours.g_per_kwh[index].is_nan());
            let location = known.map_or(place.grid.yearly_g_per_kwh.central, |hours| hours.g_per_kwh[index]);
            let market = known
                .filter(|hours| hours.serves_market)
                .map_or(place.market_g_per_kwh, |hours| hours.g_per_kwh[index]);
            let within_hour = start_s + hour * SECONDS_PER_HOUR + 1799;
            let at = |basis| found(&factors, &region.code, within_hour, basis);
            assert_eq!(at(Basis::Location), steps(location), "{} at {hour}", region.code);
            assert_eq!(at(Basis::Market), steps(market), "{} at {hour}", region.code);
            hourly += usize::from(known.is_some());
        }
    }
    assert!(hourly > 3, "{hourly}");
}

#[test]
fn a_zone_known_by_its_hours_alone_has_those() {
    let start_s = epoch_s("2026-10");
    let factors = with_hours(start_s);
    for basis in [Basis::Location, Basis::Market] {
        assert_eq!(found(&factors, "XX", start_s, basis), Some(30_000_000_000));
        assert_eq!(found(&factors, "XX", start_s + 2 * SECONDS_PER_HOUR, basis), None);
    }
}

#[test]
fn sites_have_the_figure_of_their_region_and_areas_of_publishers_none() {
    let factors = shipped().unwrap();
    let at = |place| found(factors, place, epoch_s("2025-01"), Basis::Location);
    assert!(at("us-west-2").is_some());
    for site in ["us-west-2a", "us-west-2-lax-1", "us-west-2-lax-1a"] {
        assert_eq!(at(site), at("us-west-2"), "{site}");
    }
    for nothing in ["aws/eu-west-1", "IE/entsoe", "nowhere", "", "*", "ie"] {
        assert_eq!(at(nothing), None, "{nothing}");
    }
}

#[test]
fn a_zone_without_a_figure_has_that_of_its_regions_areas() {
    let factors = shipped().unwrap();
    let at = |place| found(factors, place, epoch_s("2024-01"), Basis::Location);
    // Tokyo's zone has no figure; Japan's is an area of both regions in it. AWS's own figure of its region is not the zone's.
    assert_eq!(at("JP-TK"), at("JP"));
    assert!(at("JP").is_some());
    // All regions of the zone list Oregon first.
    assert_eq!(at("US-NW-BPAT"), at("US-OR"));
    assert_ne!(at("US-OR"), at("US"));
}

#[test]
fn a_coded_column_is_looked_up_by_code() {
    let factors = shipped().unwrap();
    let places = ["IE", "nowhere", "us-east-1", "IE"].map(Some).into_iter().chain([None]);
    let plain: StringArray = places.clone().collect();
    let coded: DictionaryArray<UInt16Type> = places.collect();
    let at = |places| found_in(factors, places, epoch_s("2025-01"), Basis::Location);
    let of_plain = at(Arc::new(plain) as ArrayRef);
    assert_eq!(at(Arc::new(coded.slice(0, 5))), of_plain);
    assert_eq!(of_plain.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true, true, false]);
    assert_ne!(of_plain[0], of_plain[2]);
}
