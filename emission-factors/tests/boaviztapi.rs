//! The import of BoaviztAPI's data files against what BoaviztAPI itself answers.
//!
//! The files are AGPL-3.0 and are not in this project: name the folder of an installed package in
//! `AIRSHED_BOAVIZTAPI` (`pip install boaviztapi==2.5.0`). Without it these tests check nothing; the unit tests beside
//! the import check the formulas on made-up files.

use std::{collections::BTreeMap, path::PathBuf};

use airshed_emission_factors::profile::boavizta::{
    Boavizta, EmbodiedScope, Files, Import, LOADS_PCT, import,
};

/// BoaviztAPI 2.5.0, called in Python with these loads: power at 0, 10, 50 and 100 %, W; embodied emissions of one hour
/// before the API rounds them, gCO2e.
const ANSWERS: &[(&str, [f64; 4], f64)] = &[
    ("m5.xlarge", [5.38794083333, 10.8671861667, 22.5918233333, 30.320675], 0.913357930106),
    ("m6g.xlarge", [3.70272, 6.321606375, 12.01970875, 15.89433125], 1.0471338925),
    ("c7g.xlarge", [2.9396325, 6.6738735, 14.6037325, 19.753825], 0.750630599693),
    ("p4d.24xlarge", [299.66802, 435.728084, 735.35208, 943.6354], 105.969698605),
    ("t3.medium", [2.14002541667, 4.85590758333, 10.6232641667, 14.3689875], 0.309715727136),
    ("r3.large", [6.466465, 10.48156875, 19.21651, 25.155625], 1.38929850866),
    ("i3.4xlarge", [43.1168158333, 61.1900121944, 100.645393194, 127.638352778], 9.33120100395),
    ("d3.xlarge", [26.2151591667, 31.1163865, 41.8033133333, 49.1003583333], 3.26597924174),
    ("m8i.large", [1.58484739583, 3.01958766667, 6.10406270833, 8.155809375], 0.365160779487),
    ("x1e.xlarge", [20.0387713889, 25.2498333056, 37.60084875, 47.2653861111], 4.62971146457),
    ("db.r5.large", [3.80186041667, 6.58896408333, 12.6412066667, 16.7430375], 0.750605440887),
    ("c5.xlarge", [5.33743777778, 12.5639632222, 27.8802727778, 37.7897333333], 0.747347962389),
    ("cache.r6g.large", [2.95925, 4.3161741875, 7.355149375, 9.529865625], 0.817493422083),
    ("m7a.large", [1.68397395833, 3.28691766667, 6.72597625, 9.00437708333], 0.380347034878),
    ("z1d.large", [6.0546075, 11.5338528333, 23.25849, 30.9873416667], 0.971893650183),
];

/// Instance types that the import has no figure for: their server names no processor.
const SKIPPED: &[&str] = &[];

fn imported() -> Option<Import> {
    let folder = PathBuf::from(std::env::var_os("AIRSHED_BOAVIZTAPI")?).join("data");
    let texts = Files::PATHS.map(|path| std::fs::read_to_string(folder.join(path)).expect(path));
    let [instances, servers, regions, processors, ram, ssd, electricity, memory_types] = &texts;
    let files = Files { instances, servers, regions, processors, ram, ssd, electricity, memory_types };
    Some(import(&files).expect("the package's files import"))
}

fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= 1e-6 * theirs.abs()
}

#[test]
fn power_and_embodied_emissions_are_the_apis() {
    let Some(import) = imported() else { return };
    let tables = Boavizta::from_csv(&import.instances_csv, &import.regions_csv).unwrap();
    for (name, watts, embodied_g) in ANSWERS {
        let instance = tables.instance(name).unwrap_or_else(|| panic!("{name}"));
        for (load, theirs) in [0, 10, 50, 100].into_iter().zip(watts) {
            let place = LOADS_PCT.iter().position(|known| *known == load).unwrap();
            assert!(
                close(instance.power_w[place], *theirs),
                "{name} at {load} %: {} {theirs}",
                instance.power_w[place]
            );
        }
        if instance.embodied_scope == EmbodiedScope::Whole {
            assert!(close(instance.embodied_g_per_hour, *embodied_g), "{name}: {instance:?} {embodied_g}");
        }
    }
    let skipped: Vec<&str> = import.skipped.iter().map(|skipped| skipped.instance_type.as_str()).collect();
    assert_eq!(skipped, SKIPPED);
}

#[test]
fn every_golden_type_has_the_apis_power() {
    let Some(import) = imported() else { return };
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("AIRSHED_SHARED").map_or_else(beside, PathBuf::from);
    let Ok(golden) = std::fs::read_to_string(shared.join("data/golden/boavizta.csv")) else { return };
    let tables = Boavizta::from_csv(&import.instances_csv, &import.regions_csv).unwrap();
    let mut lines = golden.lines();
    let columns: Vec<&str> = lines.next().unwrap().split(',').collect();
    let (mut same, mut absent, mut whole) = (0, Vec::new(), 0);
    for line in lines {
        let row: BTreeMap<&str, &str> = columns.iter().copied().zip(line.split(',')).collect();
        let name = row["instance_type"];
        let Some(instance) = tables.instance(name) else {
            absent.push(name.to_owned());
            continue;
        };
        let theirs: f64 = row["avg_power_w"].parse().unwrap();
        assert!(close(instance.power_w[5], theirs), "{name}: {} {theirs}", instance.power_w[5]);
        same += 1;
        // The API rounds embodied emissions to one digit or more; ours must round to the same figure.
        if instance.embodied_scope == EmbodiedScope::Whole {
            let printed = row["gwp_embedded_kgco2e_per_h"];
            let theirs: f64 = printed.parse().unwrap();
            let half_a_digit = 0.5 * 10f64.powi(last_digit(printed)) * (1.0 + 1e-9);
            let ours = instance.embodied_g_per_hour / 1000.0;
            assert!((ours - theirs).abs() <= half_a_digit, "{name}: {ours} {printed}");
            whole += 1;
        }
    }
    assert_eq!(
        absent,
        SKIPPED.iter().filter(|name| golden.contains(&format!("\n{name},"))).copied().collect::<Vec<_>>()
    );
    assert!(same > 950 && whole > 850, "{same} {whole}");
}

/// Power of ten of the last digit that is not zero: -5 for `0.00054`, 0 for `7.0`.
fn last_digit(printed: &str) -> i32 {
    let (mantissa, exponent) = printed.split_once('e').unwrap_or((printed, "0"));
    let fraction = mantissa.split_once('.').map_or("", |(_, fraction)| fraction).trim_end_matches('0');
    exponent.parse::<i32>().expect("an exponent") - i32::try_from(fraction.len()).expect("a few digits")
}
