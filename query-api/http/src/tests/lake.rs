//! A small ledger: two months of three accounts, three services, two currencies and two teams.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use airshed_domain::{
    id::RunId,
    schema::{self, Table, column as c},
};
use airshed_lake::{
    FileEncoder, Lake, PartitionValues, StoreOptions,
    control::{self, RunRecord, RunTotals},
};
use airshed_rollup::{RollupOptions, roll_up};
use arrow::{
    array::{ArrayRef, RecordBatch, StringArray},
    compute::cast,
};

pub(super) const ACCOUNTS: [&str; 3] = ["111111111111", "222222222222", "333333333333"];
const REGIONS: [Option<&str>; 3] = [Some("eu-west-1"), Some("us-east-1"), None];
const SERVICES: [(&str, &str); 3] =
    [("AmazonEC2", "compute"), ("AmazonS3", "storage"), ("AWSSupport", "none")];

/// A row by column; what is not named is null.
type Cells = BTreeMap<&'static str, String>;

/// September by `run-sep`, October by `run-oct`.
pub(super) async fn make(folder: &Path) -> Lake {
    let lake = Lake::open(folder.to_str().unwrap(), &StoreOptions::new()).unwrap();
    put(&lake, &schema::accounts(), &PartitionValues::new(), &accounts()).await;
    let delivery = [(c::PERIOD, "2026-10"), (c::DELIVERY_ID, "carbon"), (c::BATCH_ID, "batch-1")];
    let delivery = delivery.map(|(column, value)| (column.to_owned(), value.to_owned())).into();
    put(&lake, &schema::provider_reported(), &delivery, &provider_reported()).await;
    publish(&lake, "2026-09", "run-sep", 1, 1_000).await;
    publish(&lake, "2026-10", "run-oct", 1, 2_000).await;
    lake
}

/// October again, with `times` the energy: what a new factor set would do.
pub(super) async fn restate(lake: &Lake, run: &str, times: i64, now_us: i64) {
    publish(lake, "2026-10", run, times, now_us).await;
}

async fn publish(lake: &Lake, period: &str, run: &str, times: i64, now_us: i64) {
    let rows = lines(period, times);
    let partition: PartitionValues =
        [(c::PERIOD.to_owned(), period.to_owned()), (c::RUN_ID.to_owned(), run.to_owned())].into();
    put(lake, &schema::emissions(), &partition, &rows).await;
    let estimated = rows.iter().filter(|row| row[c::STATUS] == "estimated").count() as u64;
    let record = RunRecord {
        run_id: RunId::new(run),
        period: period.parse().unwrap(),
        method: "test".to_owned(),
        factor_set: "factors-1".to_owned(),
        code_version: "1".to_owned(),
        config: "{}".to_owned(),
        config_sha256: "0".repeat(64),
        inputs_sha256: "0".repeat(64),
        inputs: "[]".to_owned(),
        billing_version: 1,
        totals: RunTotals {
            rows_estimated: estimated,
            rows_unmapped: rows.len() as u64 - estimated,
            ..RunTotals::default()
        },
        published_at_us: now_us,
    };
    control::record_run(lake, &record).await.unwrap();
    let options = RollupOptions { tags: vec!["team".to_owned()], threads: 1, now_us };
    roll_up(lake, &record, &options).await.unwrap();
}

/// Four days of a month: each hour a line of each of nine resources.
fn lines(period: &str, times: i64) -> Vec<Cells> {
    let mut rows = Vec::new();
    for day in 1..=4_usize {
        for hour in [0_usize, 7, 13] {
            for (a, account) in ACCOUNTS.iter().enumerate() {
                for (s, (service, family)) in SERVICES.iter().enumerate() {
                    let number = rows.len();
                    let mut row = Cells::new();
                    let mut set = |name: &'static str, value: String| row.insert(name, value);
                    set(c::LINE_SEQ, number.to_string());
                    set(c::LINE_ID, format!("line-{period}-{account}-{number}"));
                    set(c::PROVIDER, "aws".to_owned());
                    set(c::ACCOUNT_ID, (*account).to_owned());
                    if let Some(region) = REGIONS[(a + s) % 3] {
                        set(c::REGION, region.to_owned());
                    }
                    set(c::SERVICE_CODE, (*service).to_owned());
                    set(c::USAGE_TYPE, format!("use-{s}"));
                    set(c::USAGE_FAMILY, (*family).to_owned());
                    set(c::RESOURCE_ID, format!("r-{account}-{s}"));
                    set(c::LINE_TYPE, "Usage".to_owned());
                    // Several lines share an hour, so pages must tell them apart.
                    set(c::USAGE_START, format!("{period}-{day:02}T{hour:02}:00:00Z"));
                    set(c::USAGE_END, format!("{period}-{day:02}T{:02}:00:00Z", hour + 1));
                    // Many lines cost the same, so that ties are ordered by more than the measure.
                    set(c::BILLED_COST, format!("{}.25", a + 1));
                    set(c::EFFECTIVE_COST, format!("{}.125", a + 1));
                    set(c::CURRENCY, if a == 2 { "EUR" } else { "USD" }.to_owned());
                    match (a + s) % 2 {
                        0 => set(c::TAGS, r#"{"team":"web"}"#.to_owned()),
                        _ => set(c::TAGS, r#"{"team":"data"}"#.to_owned()),
                    };
                    set(c::METHOD, "test".to_owned());
                    set(c::FACTOR_SET, "factors-1".to_owned());
                    if s == 2 {
                        set(c::STATUS, "unmapped".to_owned());
                        set(c::REASON, "no_model".to_owned());
                    } else {
                        set(c::STATUS, "estimated".to_owned());
                        set(c::QUALITY, "modelled".to_owned());
                        let energy = times * (i64::try_from(a * 2 + s).unwrap() + 1);
                        for measure in schema::MEASURES {
                            set(measure, format!("{energy}.00000001"));
                        }
                    }
                    rows.push(row);
                }
            }
        }
    }
    rows
}

fn accounts() -> Vec<Cells> {
    let row = |(account, name): (&&'static str, &str)| {
        Cells::from([
            (c::ACCOUNT_ID, (*account).to_owned()),
            (c::ACCOUNT_NAME, name.to_owned()),
            (c::ORGANIZATIONAL_UNIT, format!("Root/{name}")),
            (c::COLLECTED, "true".to_owned()),
            (c::VALID_FROM, "2026-01-01T00:00:00Z".to_owned()),
        ])
    };
    ACCOUNTS.iter().zip(["One", "Two", "Three"]).map(row).collect()
}

/// What the provider says of the compute of each account.
fn provider_reported() -> Vec<Cells> {
    let row = |(number, account): (usize, &&'static str)| {
        let mut row = Cells::from([
            (c::PROVIDER, "aws".to_owned()),
            (c::MODEL_VERSION, "v3.0.0".to_owned()),
            (c::PAYER_ACCOUNT_ID, ACCOUNTS[0].to_owned()),
            (c::ACCOUNT_ID, (*account).to_owned()),
            (c::SERVICE_CODE, SERVICES[0].0.to_owned()),
            (c::USAGE_PERIOD_START, "2026-10-01T00:00:00Z".to_owned()),
            (c::USAGE_PERIOD_END, "2026-11-01T00:00:00Z".to_owned()),
            (c::TOTAL_LOCATION_G, format!("{}.5", number + 7)),
        ]);
        row.extend(REGIONS[number].map(|region| (c::REGION, region.to_owned())));
        row
    };
    ACCOUNTS.iter().enumerate().map(row).collect()
}

async fn put(lake: &Lake, description: &Table, partition: &PartitionValues, rows: &[Cells]) {
    let schema = description.file_schema();
    let columns: Vec<ArrayRef> = schema
        .fields()
        .iter()
        .map(|field| {
            let texts: StringArray =
                rows.iter().map(|row| row.get(field.name().as_str()).map(String::as_str)).collect();
            cast(&texts, field.data_type()).unwrap()
        })
        .collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let mut encoder = FileEncoder::new(description, schema).unwrap();
    encoder.write(&batch).unwrap();
    let mut table = lake.table(description).await.unwrap();
    let file = table.put(partition, "part-00000", encoder.finish().unwrap()).await.unwrap();
    table.replace_partition(partition, &[file], "test").await.unwrap();
}
