//! The ledger of a large estate, for measuring how fast it is served: made up, and written straight into a lake.
//!
//! `cargo run --release -p airshed-query-api --example estate -- --lake DIR [--accounts 10000] [--resources 50000000]
//! [--period 2026-10] [--seed 1]`. Written are all rollups of the period, and of the period before all but hours and
//! resources, with their runs; no bills and no lines. A tenth of the resources has a row for each day, the others have one
//! for the month, on its first day, where lines that last longer stand. The tables of one run add up to the same sums.
//! Work goes file by file; memory holds two of them and the sums of the small tables.
#![expect(clippy::print_stderr, reason = "a program that says how far it is")]

mod figures;
mod ledger;
mod month;
mod names;
mod plan;
mod random;
mod resources;
mod rollups;
mod rows;
mod summaries;

use std::{collections::HashMap, fmt::Display, sync::Arc, time::Instant};

use airshed_domain::{period::BillingPeriod, schema};
use airshed_lake::{Lake, StoreOptions, control};
use arrow::array::ArrayRef;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use self::{
    ledger::Target,
    month::Month,
    names::Names,
    plan::{Account, Pair},
    rollups::{PARTS, Sums},
    rows::Place,
};

type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// Files that are made at the same time.
const THREADS: usize = 2;

/// What there is, whatever the month.
struct Estate {
    names: Names,
    accounts: Vec<Account>,
    /// The texts of every dimension.
    texts: Vec<ArrayRef>,
}

impl Estate {
    /// The dimensions of a pair of an account.
    fn place(&self, account: i32, of: &Account, pair: &Pair) -> Place {
        let service = usize::try_from(pair.service).unwrap_or_default();
        let family = self.names.services[service].family;
        [0, account, pair.region, pair.service, family, pair.instance_type, of.tags, of.currency]
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let began = Instant::now();
    let arguments = arguments(std::env::args().skip(1))?;
    let number = |name: &str, or: u64| arguments.get(name).map_or(Ok(or), |text| text.parse());
    let (accounts, resources, seed) =
        (number("accounts", 10_000)?, number("resources", 50_000_000)?, number("seed", 1)?);
    let period: BillingPeriod = arguments.get("period").map_or("2026-10", String::as_str).parse()?;
    let folder = arguments.get("lake").ok_or("--lake is missing")?;
    let lake = Lake::open(folder, &StoreOptions::default())?;
    if !control::current_runs(&lake).await?.is_empty() {
        return Err(format!("{folder} holds a ledger already").into());
    }

    let names = Names::new();
    let accounts = plan::accounts(usize::try_from(accounts)?, resources, seed, &names);
    let ids: Vec<String> = accounts.iter().map(|account| account.id.clone()).collect();
    let texts = names.texts(&ids);
    let estate = Arc::new(Estate { names, accounts, texts });
    let months = [before(period)?, period].map(|period| Arc::new(Month::new(period, seed, &estate.names)));
    let pairs: usize = estate.accounts.iter().map(|account| account.pairs.len()).sum();
    eprintln!(
        "{} accounts, {pairs} pairs of region and service, {resources} resources",
        estate.accounts.len()
    );
    ledger::put_accounts(&estate, &lake, &months[0]).await?;
    for month in &months {
        let is_newest = month.period == period;
        if is_newest {
            put_resources(&estate, &lake, month, began).await?;
        }
        let totals = put_rollups(&estate, &lake, month, is_newest, began).await?;
        ledger::publish(&lake, month, totals).await?;
    }
    eprintln!("done in {} s", began.elapsed().as_secs());
    Ok(())
}

async fn put_resources(estate: &Arc<Estate>, lake: &Lake, month: &Arc<Month>, began: Instant) -> Result<()> {
    let groups = resources::GROUPS;
    let numbers = (0..groups).flat_map(|group| (0..groups).map(move |number| (group, number)));
    let work = numbers.map(|(group, number)| {
        let (estate, month) = (Arc::clone(estate), Arc::clone(month));
        async move { off_thread(move || resources::file(&estate, &month, group, number)).await }
    });
    let mut files = Box::pin(stream::iter(work).buffered(THREADS));
    let mut target = Target::new(lake, schema::emissions_resource_daily(), month).await?;
    let mut done = 0;
    while let Some(file) = files.try_next().await? {
        target.put(file).await?;
        done += 1;
        said(&"resources", done, groups * groups, began);
    }
    target.publish().await
}

async fn put_rollups(
    estate: &Arc<Estate>,
    lake: &Lake,
    month: &Arc<Month>,
    is_newest: bool,
    began: Instant,
) -> Result<control::RunTotals> {
    let work = (0..PARTS).map(|number| {
        let (estate, month) = (Arc::clone(estate), Arc::clone(month));
        async move { off_thread(move || rollups::part(&estate, &month, number, is_newest)).await }
    });
    let mut parts = Box::pin(stream::iter(work).buffered(THREADS));
    let mut hourly = Target::new(lake, schema::emissions_hourly(), month).await?;
    let mut daily = Target::new(lake, schema::emissions_daily(), month).await?;
    let mut sums = Sums::default();
    let mut summaries = Vec::with_capacity(sums.summaries.len());
    for summary in &sums.summaries {
        summaries.push(Target::new(lake, summary.table.clone(), month).await?);
    }
    let mut done = 0;
    while let Some(part) = parts.try_next().await? {
        for file in part.hourly {
            hourly.put(file).await?;
        }
        daily.put(part.daily).await?;
        sums.merge(part.sums);
        done += 1;
        for (summary, target) in sums.summaries.iter_mut().zip(&mut summaries) {
            if summary.is_by_account() || done == PARTS {
                target.put(summary.take(month, &estate.texts)?).await?;
            }
        }
        said(&month.period, done, PARTS, began);
    }
    let mut monthly = Target::new(lake, schema::emissions_monthly(), month).await?;
    monthly.put(rollups::encode_months(&sums.monthly, &estate.texts)?).await?;
    let mut coverage = Target::new(lake, schema::coverage(), month).await?;
    coverage.put(ledger::coverage(estate, &sums.monthly)?).await?;
    for target in [hourly, daily, monthly, coverage].into_iter().chain(summaries) {
        target.publish().await?;
    }
    Ok(sums.totals)
}

/// CPU work off the I/O threads.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}

fn said(what: &dyn Display, done: u64, of: u64, began: Instant) {
    if done.is_multiple_of(of / 16) {
        eprintln!("{:>5} s  {what}: {done} of {of} files", began.elapsed().as_secs());
    }
}

fn before(period: BillingPeriod) -> Result<BillingPeriod> {
    let (year, month) = (period.year(), period.month());
    Ok(if month == 1 { BillingPeriod::new(year - 1, 12)? } else { BillingPeriod::new(year, month - 1)? })
}

/// `--name value`, any number of times.
fn arguments(mut words: impl Iterator<Item = String>) -> Result<HashMap<String, String>> {
    const KNOWN: [&str; 5] = ["lake", "accounts", "resources", "period", "seed"];
    let mut found = HashMap::new();
    while let Some(word) = words.next() {
        let name = word.strip_prefix("--").filter(|name| KNOWN.contains(name));
        let name = name.ok_or_else(|| format!("`{word}` is none of --{}", KNOWN.join(", --")))?;
        found.insert(name.to_owned(), words.next().ok_or_else(|| format!("{word} needs a value"))?);
    }
    Ok(found)
}
