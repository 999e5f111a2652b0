use std::collections::BTreeMap;

use airshed_emission_factors::{FactorSet, profile::spruce};
use airshed_kernels::{class::ClassKey, method::MethodName, reason::Reason};

use crate::{Figures, Setup, cell, close, figures, golden, number};

/// Golden rows that the profile does not reproduce, with the reason. `docs/methodology/profile-spruce.md` has the same
/// list.
const EXCEPTIONS: &[(&str, &str)] = &[];

fn key(row: &BTreeMap<String, String>) -> ClassKey<'_> {
    ClassKey {
        provider: Some("aws"),
        service_code: cell(&row["service_code"]),
        usage_type: cell(&row["usage_type"]),
        usage_unit: cell(&row["usage_unit"]),
        operation: cell(&row["operation"]),
        product_family: cell(&row["product_family"]),
        transfer_type: cell(&row["transfer_type"]),
        region: cell(&row["region"]),
        line_type: Some("Usage"),
        ..ClassKey::default()
    }
}

#[test]
fn rows_computed_by_the_tool_are_reproduced() {
    let rows = golden::rows(include_str!("data/spruce.csv"));
    assert!(rows.len() >= 30, "{}", rows.len());
    for row in rows {
        let class = Setup::shipped().classify(MethodName::Spruce, &key(&row));
        let found =
            figures(&class, number(&row["usage_amount"])).unwrap_or_else(|| panic!("{row:?} {class:?}"));
        assert!(close(found.it_kwh, number(&row["operational_energy_kwh"])), "{row:?} {found:?}");
        assert!(close(found.location_g, number(&row["operational_emissions_co2eq_g"])), "{row:?} {found:?}");
        assert!(close(found.cooling_l, number(&row["water_cooling_l"])), "{row:?} {found:?}");
        let water_l = number(&row["water_cooling_l"]) + number(&row["water_electricity_production_l"]);
        assert!(close(found.water_l, water_l), "{row:?} {found:?}");
    }
}

/// methodology.md, test vector: 1 kWh of IT energy in eu-west-2 is 217.41 x 1.11 x 1.04 x 1.08 = 271.1 g.
#[test]
fn one_kilowatt_hour_by_hand() {
    let line = ClassKey {
        provider: Some("aws"),
        service_code: Some("AmazonEC2"),
        usage_type: Some("EUW2-DataTransfer-Regional-Bytes"),
        usage_unit: Some("GB"),
        operation: Some("InterZone-Out"),
        product_family: Some("Data Transfer"),
        transfer_type: Some("IntraRegion"),
        region: Some("eu-west-2"),
        line_type: Some("Usage"),
        ..ClassKey::default()
    };
    let found = figures(&Setup::shipped().classify(MethodName::Spruce, &line), 1000.0).unwrap();
    assert!(close(found.it_kwh, 1.0), "{found:?}");
    assert!(close(found.energy_kwh, 1.11), "{found:?}");
    assert!((found.location_g - 271.1).abs() < 0.05, "{found:?}");
}

fn instance_key() -> ClassKey<'static> {
    ClassKey {
        provider: Some("aws"),
        service_code: Some("AmazonEC2"),
        usage_type: Some("BoxUsage:g5.xlarge"),
        usage_unit: Some("Hrs"),
        operation: Some("RunInstances"),
        instance_type: Some("g5.xlarge"),
        region: Some("us-east-1"),
        line_type: Some("Usage"),
        ..ClassKey::default()
    }
}

#[test]
fn instances_need_the_imported_table() {
    let without = Setup::shipped().classify(MethodName::Spruce, &instance_key());
    assert_eq!(without.reason, Some(Reason::UnknownInstanceType));
    // The server share here is made up; the GPU is (18 + 0.5 x (153 - 18)) W = 85.5 W.
    let table = spruce::import_instances("# type, kWh, g, g\ng5.xlarge, 0.01, 2.5, 1E-4\n").unwrap();
    let table = spruce::Instances::from_csv("instances.csv", &table).unwrap();
    let setup = Setup::new(FactorSet::builder().with_spruce_instances(table));
    let found = figures(&setup.classify(MethodName::Spruce, &instance_key()), 2.0).unwrap();
    assert!(close(found.it_kwh, 2.0 * (0.01 + 0.0855)), "{found:?}");
    assert!(close(found.embodied_g, 5.0), "{found:?}");
}

#[test]
fn a_faulty_table_is_refused() {
    for text in
        ["", "a1.large, 1, 2\n", "a1.large, x, 2, 3\n", "a1.large, -1, 2, 3\n", "a, 1, 2, 3\na, 1, 2, 3\n"]
    {
        assert!(spruce::import_instances(text).is_err(), "{text}");
    }
}

#[test]
fn every_golden_row_is_reproduced_or_listed() {
    let files = ["golden/spruce.csv", "golden/input.csv", "hardware/spruce_boavizta_instance_types.csv"];
    let Some([expected, input, instances]) = golden::shared(files) else { return };
    let table = spruce::import_instances(&instances).unwrap();
    let table = spruce::Instances::from_csv("instances.csv", &table).unwrap();
    let setup = Setup::new(FactorSet::builder().with_spruce_instances(table));
    let mut missed = Vec::new();
    let mut reproduced = 0;
    for (theirs, line) in golden::rows(&expected).iter().zip(golden::rows(&input)) {
        assert_eq!(theirs["identity_line_item_id"], line["identity_line_item_id"]);
        let first = ["product_region_code", "product_from_region_code", "product_to_region_code"];
        let key = ClassKey {
            provider: Some("aws"),
            service_code: cell(&line["line_item_product_code"]),
            usage_type: cell(&line["line_item_usage_type"]),
            usage_unit: cell(&line["pricing_unit"]),
            operation: cell(&line["line_item_operation"]),
            instance_type: cell(&line["product_instance_type"]),
            product_family: cell(&line["product_product_family"]),
            transfer_type: cell(&line["product.transfer_type"]),
            region: first.iter().find_map(|column| cell(&line[*column])),
            line_type: cell(&line["line_item_line_item_type"]),
            ..ClassKey::default()
        };
        let class = setup.classify(MethodName::Spruce, &key);
        let found = figures(&class, number(&line["line_item_usage_amount"]));
        match (agrees(theirs, found), found) {
            (true, Some(_)) => reproduced += 1,
            (true, None) => {}
            (false, _) => missed.push(format!(
                "{} {} {found:?} {theirs:?}",
                theirs["identity_line_item_id"], line["line_item_usage_type"]
            )),
        }
    }
    let ids: Vec<&str> = missed.iter().filter_map(|text| text.split(' ').next()).collect();
    let listed: Vec<&str> = EXCEPTIONS.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, listed, "{missed:#?}");
    assert!(reproduced > 120, "{reproduced}");
}

/// Whether the figures are SPRUCE's: without an estimate where it has none, and every figure that it states.
fn agrees(theirs: &BTreeMap<String, String>, ours: Option<Figures>) -> bool {
    let stated = |column: &str| cell(&theirs[column]).map(number);
    let Some(energy) = stated("operational_energy_kwh") else {
        return ours.is_none();
    };
    let Some(ours) = ours else {
        return false;
    };
    let same = |column: &str, value: f64| stated(column).is_none_or(|theirs| close(value, theirs));
    close(ours.it_kwh, energy)
        && stated("power_usage_effectiveness").is_none_or(|pue| close(ours.energy_kwh, energy * pue))
        && same("operational_emissions_co2eq_g", ours.location_g)
        && close(ours.embodied_g, stated("embodied_emissions_co2eq_g").unwrap_or(0.0))
        && same("water_cooling_l", ours.cooling_l)
        && same("water_electricity_production_l", ours.water_l - ours.cooling_l)
}
