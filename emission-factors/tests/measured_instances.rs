//! Cross-check against instance measurements that may not be shipped.
//!
//! Teads published the power of EC2 types at 50 % load. Where a copy lies in the shared folder, nine of ten types
//! without GPU must lie between our low and high; elsewhere there is nothing to compare, and the test prints that it was
//! skipped. Their terms are not known, so no excerpt of them is in the repository.

use std::path::PathBuf;

use airshed_emission_factors::{FactorSet, compute::PowerModel};

fn shared() -> PathBuf {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    std::env::var_os("AIRSHED_SHARED").map_or_else(|| PathBuf::from(beside), PathBuf::from)
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that compares nothing must say so")]
fn nine_of_ten_measured_types_lie_within_our_bounds() {
    let path = shared().join("data/hardware/teads_aws_ec2_power_tidy.csv");
    let mut reader = match csv::Reader::from_path(&path) {
        Ok(reader) => reader,
        Err(error) => {
            eprintln!("SKIPPED: {}: {error} (AIRSHED_SHARED names the folder)", path.display());
            return;
        }
    };
    let headers = reader.headers().unwrap().clone();
    let place = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let (name, gpu_w, total_w) = (place("instance_type"), place("gpu_w_50"), place("instance_w_50"));
    let set = FactorSet::embedded().unwrap();
    let (mut inside, mut compared) = (0_u32, 0_u32);
    for record in reader.records() {
        let record = record.unwrap();
        let Some(instance) = set.compute().instance(&record[name]) else { continue };
        let Ok(measured) = record[total_w].parse::<f64>() else { continue };
        if record[gpu_w].parse::<f64>().is_ok_and(|w| w > 0.0) {
            continue;
        }
        let [low, _, high] = set.compute().instance_power(instance, PowerModel::Default).unwrap().at(0.5);
        compared += 1;
        inside += u32::from(low <= measured && measured <= high);
    }
    assert!(compared > 300, "{compared}");
    assert!(inside * 10 >= compared * 9, "{inside} of {compared}");
}
