//! What makes files a ledger: tables, coverage, accounts, the run and that it is current.

use std::collections::BTreeMap;

use airshed_domain::{
    fixed::{MONEY_SCALE, MONEY_SUM_PRECISION},
    id::RunId,
    period::BillingPeriod,
    schema::{self, Table, column as c},
};
use airshed_lake::{
    DataFile, EncodedFile, FileEncoder, Lake, LakeTable, PartitionValues,
    control::{self, RunRecord, RunTotals},
};
use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use std::sync::Arc;

use crate::{Estate, Result, figures::Figures, month::Month, names::CURRENCIES, rows::Place};

/// Days after the end of a month on which its run is published.
const PUBLISHED_AFTER_US: i64 = 3 * 86_400 * 1_000_000;

/// A table of one run while its files are put.
pub(crate) struct Target {
    table: LakeTable,
    partition: PartitionValues,
    files: Vec<DataFile>,
}

impl Target {
    pub(crate) async fn new(lake: &Lake, table: Table, month: &Month) -> Result<Self> {
        let partition = [
            (c::PERIOD.to_owned(), month.period.to_string()),
            (c::RUN_ID.to_owned(), run_id(month.period).to_string()),
        ];
        Ok(Self { table: lake.table(&table).await?, partition: partition.into(), files: Vec::new() })
    }

    pub(crate) async fn put(&mut self, file: EncodedFile) -> Result<()> {
        if file.rows() > 0 {
            let name = format!("part-{:05}", self.files.len());
            self.files.push(self.table.put(&self.partition, &name, file).await?);
        }
        Ok(())
    }

    /// Commits the files and says how much they hold.
    pub(crate) async fn publish(mut self) -> Result<()> {
        self.table.replace_partition(&self.partition, &self.files, "estate").await?;
        let [rows, bytes] = [|file: &DataFile| file.rows, |file: &DataFile| file.size]
            .map(|of| self.files.iter().map(of).sum::<u64>());
        let name = self.table.description().name;
        eprintln!("{name}: {rows} rows, {} files, {} MB", self.files.len(), bytes / 1_000_000);
        Ok(())
    }
}

/// The run of a month: one of an estate is like the other.
pub(crate) fn run_id(period: BillingPeriod) -> RunId {
    RunId::new(format!("estate-{period}"))
}

/// Notes the run and makes it current.
pub(crate) async fn publish(lake: &Lake, month: &Month, totals: RunTotals) -> Result<()> {
    let published_at_us = month.period.window().end_s * 1_000_000 + PUBLISHED_AFTER_US;
    let run = RunRecord {
        run_id: run_id(month.period),
        period: month.period,
        method: "generated".to_owned(),
        factor_set: "generated".to_owned(),
        code_version: env!("CARGO_PKG_VERSION").to_owned(),
        config: String::new(),
        config_sha256: String::new(),
        inputs_sha256: String::new(),
        inputs: "[]".to_owned(),
        billing_version: 0,
        totals,
        published_at_us,
    };
    control::record_run(lake, &run).await?;
    control::make_current(lake, month.period, &run.run_id, published_at_us).await?;
    Ok(())
}

/// Coverage, from the months of all dimensions.
pub(crate) fn coverage(estate: &Estate, months: &BTreeMap<Place, Figures>) -> Result<EncodedFile> {
    let mut cells: BTreeMap<[Option<&str>; 6], (i64, [i128; 2])> = BTreeMap::new();
    for (place, row) in months {
        let service = &estate.names.services[usize::try_from(place[3])?];
        let (status, reason) =
            if service.quality.is_some() { ("estimated", None) } else { ("unmapped", Some("no_model")) };
        let family = estate.names.families[usize::try_from(service.family)?];
        let currency = CURRENCIES[usize::try_from(place[7])?];
        let key = [Some(status), reason, Some(service.code), Some(family), service.quality, Some(currency)];
        let (lines, [billed, effective]) = cells.entry(key).or_default();
        *lines += row.lines;
        *billed += row.sums[0];
        *effective += row.sums[1];
    }
    let mut columns: Vec<ArrayRef> = Vec::new();
    for place in 0..6 {
        columns.push(Arc::new(cells.keys().map(|key| key[place]).collect::<StringArray>()));
    }
    columns.push(Arc::new(cells.values().map(|(lines, _)| *lines).collect::<Int64Array>()));
    for cost in 0..2 {
        let costs = Decimal128Array::from_iter_values(cells.values().map(|(_, costs)| costs[cost]));
        columns.push(Arc::new(costs.with_precision_and_scale(MONEY_SUM_PRECISION, MONEY_SCALE)?));
    }
    encode(&schema::coverage(), columns)
}

/// The organisation's accounts, with names.
pub(crate) async fn put_accounts(estate: &Estate, lake: &Lake, since: &Month) -> Result<()> {
    let accounts = &estate.accounts;
    let text = |of: &dyn Fn(usize) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values((0..accounts.len()).map(of)))
    };
    let tags =
        |place: usize| estate.names.tags[usize::try_from(accounts[place].tags).unwrap_or_default()].clone();
    // `{"env":"prod","team":"web"}`
    let words = |place: usize| {
        let tags = tags(place);
        let words: Vec<&str> = tags.split('"').collect();
        (words[3].to_owned(), words[7].to_owned())
    };
    let name = |place: usize| {
        let (env, team) = words(place);
        format!("{team}-{env}-{place:05}")
    };
    let unit = |place: usize| {
        let (env, team) = words(place);
        format!("Root/{env}/{team}")
    };
    let instants =
        || TimestampMicrosecondArray::from(vec![Some(since.start_us); accounts.len()]).with_timezone("UTC");
    let never = TimestampMicrosecondArray::from(vec![None::<i64>; accounts.len()]).with_timezone("UTC");
    let nothing = || -> ArrayRef { Arc::new(StringArray::from(vec![None::<&str>; accounts.len()])) };
    let columns: Vec<ArrayRef> = vec![
        text(&|place| accounts[place].id.clone()),
        text(&|_| "o-estate".to_owned()),
        text(&name),
        text(&|_| "ACTIVE".to_owned()),
        text(&unit),
        nothing(),
        Arc::new(instants()),
        text(&tags),
        Arc::new(BooleanArray::from(vec![true; accounts.len()])),
        nothing(),
        Arc::new(instants()),
        Arc::new(never),
    ];
    let mut table = lake.table(&schema::accounts()).await?;
    let file = encode(&schema::accounts(), columns)?;
    let file = table.put(&PartitionValues::new(), "accounts", file).await?;
    table.append(&file, "estate").await?;
    Ok(())
}

fn encode(table: &Table, columns: Vec<ArrayRef>) -> Result<EncodedFile> {
    let mut encoder = FileEncoder::new(table, table.file_schema())?;
    encoder.write(&RecordBatch::try_new(table.file_schema(), columns)?)?;
    Ok(encoder.finish()?)
}
