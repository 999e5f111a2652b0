//! The import of BoaviztAPI's data files against what BoaviztAPI itself answers.
//!
//! The files are AGPL-3.0 and are not in this project: `make test` installs the package (boaviztapi 2.5.0, from PyPI)
//! and names its folder in `AIRSHED_BOAVIZTAPI`. Without it these tests print that they were skipped; the unit tests
//! beside the import check the formulas on made-up files.

use std::{collections::BTreeMap, path::PathBuf};

use airshed_emission_factors::profile::boavizta::{
    Boavizta, EmbodiedScope, Files, Import, LOADS_PCT, import,
};

/// What the API answers, see the file.
const ANSWERS: &str = include_str!("data/boaviztapi.csv");

/// Instance types that the import has no figure for: their server names no processor.
const SKIPPED: &[&str] = &[
    "db.m1.medium",
    "m1.medium",
    "db.m1.small",
    "m1.small",
    "db.m1.large",
    "m1.large",
    "db.m1.xlarge",
    "m1.xlarge",
];

#[expect(clippy::print_stderr, reason = "a test that compares nothing must say so")]
fn imported() -> Option<Import> {
    let Some(package) = std::env::var_os("AIRSHED_BOAVIZTAPI") else {
        eprintln!(
            "SKIPPED: AIRSHED_BOAVIZTAPI does not name the folder of boaviztapi 2.5.0 (PyPI, AGPL-3.0)"
        );
        return None;
    };
    let folder = PathBuf::from(package).join("data");
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
    let answers: Vec<_> = ANSWERS.lines().filter(|line| !line.starts_with('#')).skip(1).collect();
    assert_eq!(answers.len(), 15);
    for line in answers {
        let cells: Vec<&str> = line.split(',').collect();
        let (name, numbers) = (cells[0], cells[1..].iter().map(|cell| cell.parse().unwrap()));
        let numbers: Vec<f64> = numbers.collect();
        let instance = tables.instance(name).unwrap_or_else(|| panic!("{name}"));
        for (load, theirs) in [0, 10, 50, 100].into_iter().zip(&numbers) {
            let place = LOADS_PCT.iter().position(|known| *known == load).unwrap();
            let ours = instance.power_w[place];
            assert!(close(ours, *theirs), "{name} at {load} %: {ours} {theirs}");
        }
        if instance.embodied_scope == EmbodiedScope::Whole {
            assert!(close(instance.embodied_g_per_hour, numbers[4]), "{line} {instance:?}");
        }
    }
    let skipped: Vec<&str> = import.skipped.iter().map(|skipped| skipped.instance_type.as_str()).collect();
    assert_eq!(skipped, SKIPPED);
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that compares nothing must say so")]
fn every_golden_type_has_the_apis_power() {
    let Some(import) = imported() else { return };
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("AIRSHED_SHARED").map_or_else(beside, PathBuf::from);
    let path = shared.join("data/golden/boavizta.csv");
    let golden = match std::fs::read_to_string(&path) {
        Ok(golden) => golden,
        Err(error) => {
            eprintln!("SKIPPED: {}: {error} (AIRSHED_SHARED names the folder)", path.display());
            return;
        }
    };
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
    absent.sort_unstable();
    let mut listed: Vec<_> = SKIPPED.iter().filter(|name| golden.contains(&format!("\n{name},"))).collect();
    listed.sort_unstable();
    assert!(absent.iter().eq(listed.iter().copied()), "{absent:?} {listed:?}");
    assert!(same > 950 && whole > 850, "{same} {whole}");
}

/// Power of ten of the last digit that is not zero: -5 for `0.00054`, 0 for `7.0`.
fn last_digit(printed: &str) -> i32 {
    let (mantissa, exponent) = printed.split_once('e').unwrap_or((printed, "0"));
    let fraction = mantissa.split_once('.').map_or("", |(_, fraction)| fraction).trim_end_matches('0');
    exponent.parse::<i32>().expect("an exponent") - i32::try_from(fraction.len()).expect("a few digits")
}
