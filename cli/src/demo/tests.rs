//! The sample is checked on what it promises: same bytes for a seed, AWS's columns, odd lines, a full manifest.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::{Path, PathBuf},
};

use arrow::{
    array::{AsArray as _, RecordBatch},
    datatypes::Float64Type,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;
use crate::cur2::schema::{COLUMNS, Kind};

/// A folder that is removed when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("airshed-demo-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn options(out: &Path, seed: u64, threads: usize) -> DemoOptions {
    DemoOptions { out: out.to_owned(), period: "2026-10".parse().unwrap(), months: 1, seed, threads }
}

fn batches(file: &Path) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
    reader.build().unwrap().map(Result::unwrap).collect()
}

#[test]
fn the_sample_is_what_it_says() {
    let scratch = Scratch::new("whole");
    let report = generate(&options(&scratch.0, 7, 2)).unwrap();
    assert!((300_000..=700_000).contains(&report.rows), "{} rows", report.rows);
    assert_eq!(report.accounts, 40);

    let (mut rows, mut nan, mut negative) = (0, 0, 0);
    let mut cost_by_service: BTreeMap<String, f64> = BTreeMap::new();
    let (mut types, mut regions, mut accounts, mut line_types) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut cost = 0i128;
    for file in &report.files {
        for batch in batches(file) {
            rows += batch.num_rows();
            let names: Vec<String> =
                batch.schema().fields().iter().map(|field| field.name().clone()).collect();
            assert_eq!(names, COLUMNS.map(|(name, _)| name.to_owned()));
            let text = |name| batch.column_by_name(name).unwrap().as_string::<i32>();
            let number = |name| batch.column_by_name(name).unwrap().as_primitive::<Float64Type>();
            let (service, amount) = (text("line_item_product_code"), number("line_item_usage_amount"));
            let unblended = number("line_item_unblended_cost");
            let set = |name, into: &mut BTreeSet<String>| {
                into.extend(text(name).iter().flatten().map(str::to_owned));
            };
            set("product_instance_type", &mut types);
            set("product_region_code", &mut regions);
            set("line_item_usage_account_id", &mut accounts);
            set("line_item_line_item_type", &mut line_types);
            for row in 0..batch.num_rows() {
                nan += usize::from(amount.value(row).is_nan());
                negative += usize::from(amount.value(row) < 0.0);
                *cost_by_service.entry(service.value(row).to_owned()).or_default() += unblended.value(row);
                cost += fixed::decimal_from_f64(unblended.value(row), fixed::MONEY_SCALE).unwrap();
            }
        }
    }
    assert_eq!(rows, report.rows);
    assert_eq!(report.cost_by_currency["USD"], decimal_text(cost));
    assert_eq!((nan, negative), (1, 1), "one amount is not a number, one is a correction");
    assert!(types.contains(odd::UNKNOWN_TYPE));
    assert!(regions.contains(odd::UNKNOWN_REGION.code));
    assert!(cost_by_service.contains_key(odd::UNKNOWN_SERVICE));
    assert_eq!(accounts.len(), 41, "40 accounts and the payer");
    for line_type in [
        "Usage",
        "DiscountedUsage",
        "SavingsPlanCoveredUsage",
        "SavingsPlanNegation",
        "RIFee",
        "Tax",
        "Credit",
        "Refund",
        "EdpDiscount",
        "Fee",
        "SavingsPlanRecurringFee",
    ] {
        assert!(line_types.contains(line_type), "{line_type}");
    }
    assert!(cost_by_service.len() >= 25, "{cost_by_service:?}");
    for (service, cost) in &cost_by_service {
        // Container lines carry split cost, not billed cost, next to the plan's negation.
        assert!(*cost > 0.0 || service == "AmazonECS", "{service} costs {cost}");
    }

    let manifest = report.export.join("metadata/BILLING_PERIOD=2026-10/acme-cur2-Manifest.json");
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
    let listed: Vec<PathBuf> = manifest["dataFiles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| scratch.0.join(f.as_str().unwrap()))
        .collect();
    assert_eq!(listed, report.files);
    assert_eq!(manifest["columns"].as_array().unwrap().len(), 125);

    let utilization = fs::read_to_string(&report.utilization[0]).unwrap();
    assert!(utilization.starts_with("resource_id,usage_start,usage_end,metric,avg,max,samples\n"));
    assert!(utilization.lines().count() > 10_000);
}

#[test]
fn a_seed_means_the_same_bytes_whatever_the_threads() {
    let (one, two, other) = (Scratch::new("one"), Scratch::new("two"), Scratch::new("other"));
    let read = |scratch: &Scratch, seed, threads| -> Vec<Vec<u8>> {
        let options = options(&scratch.0, seed, threads);
        let (estate, rows) = month(options.period, seed).unwrap();
        // Two row groups are enough to see an order that threads could change.
        let written = write(&estate, &rows[..ROW_GROUP_ROWS + 1000], &options).unwrap();
        let utilization = utilization::write(&estate, &options.out).unwrap();
        written
            .files
            .iter()
            .chain([&written.manifest, &utilization])
            .map(|file| fs::read(file).unwrap())
            .collect()
    };
    let first = read(&one, 1, 1);
    assert!(first == read(&two, 1, 3), "another number of threads, other bytes");
    assert!(first != read(&other, 2, 1), "another seed, the same bytes");
}

#[test]
fn columns_are_those_of_cur_2() {
    assert_eq!(COLUMNS.len(), 125);
    let names: BTreeSet<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), 125, "a name stands twice");
    assert!(COLUMNS.is_sorted_by_key(|(name, _)| *name));
    let maps: Vec<&str> = COLUMNS
        .iter()
        .filter(|(_, kind)| matches!(kind, Kind::TextMap | Kind::NumberMap))
        .map(|(name, _)| *name)
        .collect();
    assert_eq!(maps, ["cost_category", "discount", "product", "resource_tags"]);
}

#[test]
fn earlier_months_come_first() {
    let texts: Vec<String> =
        months("2026-01".parse().unwrap(), 3).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["2025-11", "2025-12", "2026-01"]);
}

#[test]
fn sums_are_written_as_decimals() {
    assert_eq!(decimal_text(-1_500_000_000_000), "-1.500000000000");
    assert_eq!(decimal_text(25), "0.000000000025");
}
