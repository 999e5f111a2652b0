//! Against the tables of the factor data, read here by themselves.

use std::collections::BTreeMap;

use arrow::{
    array::{ArrayRef, DictionaryArray, Float64Array, StringArray},
    datatypes::{Decimal128Type, Int16Type},
};

use super::*;

type Row = BTreeMap<String, String>;

fn rows(table: &str) -> Vec<Row> {
    let path = format!("{}/../emission-factors/data/compute/{table}.csv", env!("CARGO_MANIFEST_DIR"));
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}

fn by_key(table: &str) -> BTreeMap<String, Row> {
    rows(table).into_iter().map(|row| (row["key"].clone(), row)).collect()
}

fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap()
}

/// Watts in steps of 1e-8.
fn found(names: ArrayRef, shares: &[f64], model: PowerModel) -> Vec<Option<i128>> {
    let rows = names.len();
    let shares: ArrayRef =
        Arc::new(Float64Array::from_iter_values(shares.iter().copied().cycle().take(rows)));
    let arguments = (&ColumnarValue::Array(names), &ColumnarValue::Array(shares));
    let watts = watts(shipped().unwrap(), arguments, model, rows).unwrap().to_array(rows).unwrap();
    watts.as_primitive::<Decimal128Type>().iter().collect()
}

fn near(found: Option<i128>, watts: f64, name: &str) {
    let steps = (watts * 1e8).round();
    assert!((found.unwrap() as f64 - steps).abs() <= 1.0, "{name}: {found:?}, expected {watts} W");
}

#[test]
fn every_type_has_its_line_by_the_tables() {
    let (processors, architectures) = (by_key("processors"), by_key("microarchitectures"));
    let instances = rows("instances");
    assert!(instances.len() > 1000);
    let names: ArrayRef =
        Arc::new(StringArray::from_iter_values(instances.iter().map(|row| row["instance_type"].as_str())));
    for share in [0.0, 0.37, 1.0] {
        for model in [PowerModel::Default, PowerModel::SpecLinear] {
            for (row, watts) in instances.iter().zip(found(Arc::clone(&names), &[share], model)) {
                let architecture = &architectures[&processors[&row["processor"]]["microarchitecture"]];
                let threads = number(row, "vcpu") * number(row, "threads_per_vcpu");
                let idle = number(architecture, "idle_w_per_thread");
                let full = number(architecture, "full_w_per_thread");
                near(watts, threads * (idle + share * (full - idle)), &row["instance_type"]);
            }
        }
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "another logarithm than the code's; the last bit is below a step"
)]
fn every_type_has_its_logarithm_by_the_tables() {
    let processors = by_key("processors");
    let parameters = by_key("parameters");
    let [a, c, d] = ["tdp_log_a", "tdp_log_c", "tdp_log_d"].map(|key| number(&parameters[key], "central"));
    let instances = rows("instances");
    let names: ArrayRef =
        Arc::new(StringArray::from_iter_values(instances.iter().map(|row| row["instance_type"].as_str())));
    for (row, watts) in instances.iter().zip(found(names, &[0.5], PowerModel::TdpLog)) {
        let processor = &processors[&row["processor"]];
        let threads = number(row, "vcpu") * number(row, "threads_per_vcpu");
        let share = threads / number(processor, "threads_per_socket");
        near(watts, share * number(processor, "tdp_w") * (a * (50.0 + c).ln() + d), &row["instance_type"]);
    }
}

#[test]
fn a_coded_column_is_looked_up_by_code() {
    let names = ["m5.xlarge", "x0.huge", "m5.large", "m5.xlarge"].map(Some).into_iter().chain([None]);
    let plain: StringArray = names.clone().collect();
    let coded: DictionaryArray<Int16Type> = names.collect();
    let shares = [0.0, 0.5, 1.0, 0.25, 0.5];
    let of_plain = found(Arc::new(plain), &shares, PowerModel::Default);
    assert_eq!(found(Arc::new(coded), &shares, PowerModel::Default), of_plain);
    assert_eq!(of_plain.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true, true, false]);
    assert_ne!(of_plain[0], of_plain[3]);
}
