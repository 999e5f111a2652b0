//! Rollups against a query engine: every cell of every grain is what `GROUP BY` over `emissions` gives.

use std::sync::Arc;

use airshed_domain::schema::{self, DIMENSIONS, MEASURES, Table, column as c};
use airshed_lake::Lake;
use arrow::{array::AsArray as _, datatypes::TimestampMicrosecondType, util::display::array_value_to_string};
use datafusion::{parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder, prelude::SessionContext};

use crate::{
    company,
    stages::{Machine, local_lake, resources, run},
};

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_is_what_a_query_engine_sums() {
    let folder = tempfile::tempdir().unwrap();
    company::write(&folder.path().join("in"), "cur.csv", &company::lines(60));
    let lake = local_lake(&folder.path().join("lake"));
    run(&folder.path().join("in"), &lake, &Machine::default()).await.unwrap();

    // Tags are left out: which of them rollups keep is tested where they are picked.
    let dimensions: Vec<&str> = DIMENSIONS.iter().copied().filter(|name| *name != c::TAGS).collect();
    let with = |first: &[&str], last: &[&str]| -> Vec<String> {
        first.iter().chain(&dimensions).chain(last).map(|name| (*name).to_owned()).collect()
    };
    let texts = |keys: &[&str]| -> Vec<String> { keys.iter().map(|key| (*key).to_owned()).collect() };
    let (hour, day) = (Some(("hour", c::HOUR)), Some(("day", c::DAY)));
    for (table, keys, of_lines) in [
        (schema::emissions_hourly(), with(&[c::HOUR], &[]), hour),
        (schema::emissions_daily(), with(&[c::DAY], &[]), day),
        (schema::emissions_monthly(), with(&[], &[]), None),
        (schema::emissions_resource_daily(), with(&[c::DAY], &[c::RESOURCE_ID]), day),
        (
            schema::emissions_service_daily(),
            texts(&[c::DAY, c::PROVIDER, c::REGION, c::SERVICE_CODE, c::USAGE_FAMILY, c::CURRENCY]),
            day,
        ),
        (schema::emissions_account_daily(), texts(&[c::DAY, c::PROVIDER, c::ACCOUNT_ID, c::CURRENCY]), day),
        (schema::emissions_region_hourly(), texts(&[c::HOUR, c::PROVIDER, c::REGION, c::CURRENCY]), hour),
        (
            schema::emissions_service_hourly(),
            texts(&[c::HOUR, c::PROVIDER, c::SERVICE_CODE, c::USAGE_FAMILY, c::CURRENCY]),
            hour,
        ),
        (
            schema::emissions_account_hourly(),
            texts(&[c::HOUR, c::PROVIDER, c::ACCOUNT_ID, c::CURRENCY]),
            hour,
        ),
        (
            schema::emissions_instance_hourly(),
            texts(&[c::HOUR, c::PROVIDER, c::INSTANCE_TYPE, c::CURRENCY]),
            hour,
        ),
        (schema::emissions_tag_hourly(), texts(&[c::HOUR, c::PROVIDER, c::CURRENCY]), hour),
        (schema::emissions_tag_daily(), texts(&[c::DAY, c::PROVIDER, c::REGION, c::CURRENCY]), day),
        (
            schema::emissions_instance_daily(),
            texts(&[
                c::DAY,
                c::PROVIDER,
                c::REGION,
                c::SERVICE_CODE,
                c::USAGE_FAMILY,
                c::INSTANCE_TYPE,
                c::CURRENCY,
            ]),
            day,
        ),
        (
            schema::emissions_tag_service_daily(),
            texts(&[c::DAY, c::PROVIDER, c::SERVICE_CODE, c::USAGE_FAMILY, c::INSTANCE_TYPE, c::CURRENCY]),
            day,
        ),
    ] {
        let name = table.name;
        let time = of_lines
            .map(|(unit, name)| (name, format!("date_trunc('{unit}', {}) AS {name}", c::USAGE_START)));
        let line_keys: Vec<String> = keys
            .iter()
            .map(|key| match &time {
                Some((name, expression)) if key == name => expression.clone(),
                _ => key.clone(),
            })
            .collect();
        let estimated = |value: &str| format!("CASE WHEN status = 'estimated' THEN {value} END");
        let mut sums = vec![
            "count(*)".to_owned(),
            format!("count({})", estimated("1")),
            "sum(billed_cost)".to_owned(),
            "sum(effective_cost)".to_owned(),
            format!("coalesce(sum({}), 0)", estimated("billed_cost")),
            "coalesce(sum(CASE WHEN status = 'unmapped' THEN billed_cost END), 0)".to_owned(),
        ];
        sums.extend(MEASURES.iter().map(|measure| format!("sum({measure})")));
        let expected = grouped(&lake, &schema::emissions(), &line_keys, &sums).await;
        let columns = [
            c::LINES,
            c::LINES_ESTIMATED,
            c::BILLED_COST,
            c::EFFECTIVE_COST,
            c::BILLED_COST_ESTIMATED,
            c::BILLED_COST_UNMAPPED,
        ];
        let sums: Vec<String> = columns.iter().chain(MEASURES).map(|name| format!("sum({name})")).collect();
        let actual = grouped(&lake, &table, &keys, &sums).await;
        // Three accounts, and two regions and none, on three days; of all else there is more.
        let is_small = [schema::emissions_account_daily(), schema::emissions_tag_daily()]
            .iter()
            .any(|small| small.name == name);
        let least = if is_small { 9 } else { 11 };
        assert!(expected.len() >= least, "{name}: {} cells", expected.len());
        assert_eq!(actual, expected, "{name}");
    }

    let keys = ["status", "reason", "service_code", "usage_family", "quality", "currency"].map(str::to_owned);
    let sums = |count: &str| [count, "sum(billed_cost)", "sum(effective_cost)"].map(str::to_owned);
    let expected = grouped(&lake, &schema::emissions(), &keys, &sums("count(*)")).await;
    let actual = grouped(&lake, &schema::coverage(), &keys, &sums("sum(lines)")).await;
    assert_eq!(actual, expected);
}

/// A run that was rolled up before there was a summary is whole without it.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_may_lack_a_summary_and_not_a_part_of_one() {
    let folder = tempfile::tempdir().unwrap();
    company::write(&folder.path().join("in"), "cur.csv", &company::lines(6));
    let lake = local_lake(&folder.path().join("lake"));
    run(&folder.path().join("in"), &lake, &Machine::default()).await.unwrap();
    let failed = async || -> Vec<String> {
        let checks = airshed_rollup::check::current_runs(&lake, &resources(2)).await.unwrap();
        checks.into_iter().filter(|check| !check.passed()).map(|check| check.name).collect()
    };
    assert_eq!(failed().await, [""; 0]);
    let mut summary = lake.table(&schema::emissions_tag_hourly()).await.unwrap();
    summary.replace(&|_| true, &[], "test").await.unwrap();
    assert_eq!(failed().await, [""; 0]);
    // Days of all dimensions every run has.
    let mut days = lake.table(&schema::emissions_daily()).await.unwrap();
    days.replace(&|_| true, &[], "test").await.unwrap();
    assert!(failed().await.iter().any(|name| name.starts_with("emissions_daily lines")));
}

/// Rows of the same days stand together where questions are of few days.
#[tokio::test(flavor = "multi_thread")]
async fn files_are_in_the_order_of_time() {
    let folder = tempfile::tempdir().unwrap();
    company::write(&folder.path().join("in"), "cur.csv", &company::lines(60));
    let lake = local_lake(&folder.path().join("lake"));
    run(&folder.path().join("in"), &lake, &Machine::default()).await.unwrap();
    let (hour_us, day_us) = (3_600_000_000_i64, 24 * 3_600_000_000_i64);
    let stretch_us = |table: &Table| match table.name {
        "emissions_daily" => 7 * day_us,
        _ if table.has(c::ACCOUNT_ID) => day_us,
        _ => hour_us,
    };
    let of_all = [schema::emissions_hourly(), schema::emissions_daily()];
    for table in schema::summaries().into_iter().chain(of_all) {
        let stretch_us = stretch_us(&table);
        let open = lake.table(&table).await.unwrap();
        for file in open.files().unwrap() {
            let reader =
                ParquetRecordBatchReaderBuilder::try_new(open.fetch(&file).await.unwrap()).unwrap().build();
            let mut stretches = Vec::new();
            for batch in reader.unwrap() {
                // The time is the first column.
                let times = batch.unwrap().column(0).as_primitive::<TimestampMicrosecondType>().clone();
                stretches.extend(times.values().iter().map(|time| time.div_euclid(stretch_us)));
            }
            assert!(stretches.is_sorted(), "{}", table.name);
            // The company's days are of one week.
            assert!(stretch_us > day_us || stretches.first() < stretches.last(), "{}", table.name);
        }
    }
}

/// The sums by the keys as text, sorted.
async fn grouped(lake: &Lake, table: &Table, keys: &[String], sums: &[String]) -> Vec<String> {
    let provider = lake.table(table).await.unwrap().provider(&|_| true).await.unwrap();
    let context = SessionContext::new();
    context.register_table("rows", Arc::clone(&provider)).unwrap();
    let positions: Vec<String> = (1..=keys.len()).map(|position| position.to_string()).collect();
    let sql = format!(
        "SELECT {}, {} FROM rows GROUP BY {}",
        keys.join(", "),
        sums.join(", "),
        positions.join(", ")
    );
    let batches = context.sql(&sql).await.unwrap().collect().await.unwrap();
    let mut rows: Vec<String> = batches
        .iter()
        .flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)))
        .map(|(batch, row)| {
            let cells: Vec<String> =
                batch.columns().iter().map(|column| array_value_to_string(column, row).unwrap()).collect();
            cells.join("|")
        })
        .collect();
    rows.sort();
    rows
}
