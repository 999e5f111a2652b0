//! The stages in a row, as `airshed run` calls them.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, OnceLock},
};

use airshed_domain::period::BillingPeriod;
use airshed_emission_factors::FactorSet;
use airshed_estimate::{Calculation, EstimateOptions};
use airshed_ingest::{ImportOptions, ImportReport};
use airshed_kernels::method::{MethodName, MethodOptions};
use airshed_lake::{Lake, Location, StoreOptions};
use airshed_rollup::{Resources, RollupOptions};
use tokio_util::sync::CancellationToken;

/// How a test runs the pipeline.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) threads: usize,
    pub(crate) import_memory_bytes: usize,
    /// Periods that are estimated; all when empty.
    pub(crate) periods: Vec<BillingPeriod>,
}

impl Default for Machine {
    fn default() -> Self {
        Self { threads: 2, import_memory_bytes: 64 << 20, periods: Vec::new() }
    }
}

pub(crate) fn calculation() -> Calculation {
    static FACTORS: OnceLock<Arc<FactorSet>> = OnceLock::new();
    let factors = FACTORS.get_or_init(|| Arc::new(FactorSet::embedded().unwrap()));
    Calculation {
        factors: Arc::clone(factors),
        method: MethodName::Airshed,
        options: MethodOptions::default(),
        rollup_tags: vec!["team".to_owned()],
    }
}

pub(crate) fn resources(threads: usize) -> Resources {
    Resources { threads, memory_bytes: 256 << 20, spill_dir: None }
}

/// When everything here happens.
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_793_000_000).unwrap()
}

/// Imports, and no more.
pub(crate) async fn import(input: &Path, lake: &Lake, machine: &Machine) -> Result<ImportReport, String> {
    let spill = tempfile::tempdir().unwrap();
    let mut options = ImportOptions::new(spill.path());
    options.threads = machine.threads;
    options.memory_budget_bytes = machine.import_memory_bytes;
    let input = Location::parse(input.to_str().unwrap(), &StoreOptions::new()).map_err(|e| chain(&e))?;
    airshed_ingest::import(
        &input,
        lake,
        &options,
        now(),
        Arc::new(airshed_ingest::import::NoProgress),
        &CancellationToken::new(),
    )
    .await
    .map_err(|e| chain(&e))
}

/// Imports, estimates, rolls up and publishes; stops at the first error.
pub(crate) async fn run(input: &Path, lake: &Lake, machine: &Machine) -> Result<ImportReport, String> {
    let report = import(input, lake, machine).await?;
    let calculation = calculation();
    let estimate = EstimateOptions { threads: machine.threads, now_us: now().as_microsecond() };
    let wanted = |period| machine.periods.is_empty() || machine.periods.contains(&period);
    let outcomes =
        airshed_estimate::estimate(lake, &calculation, &wanted, &estimate, &airshed_estimate::NoProgress)
            .await
            .map_err(|e| chain(&e))?;
    let rollup = RollupOptions {
        tags: calculation.rollup_tags.clone(),
        threads: machine.threads,
        now_us: now().as_microsecond(),
    };
    for outcome in outcomes {
        airshed_rollup::roll_up(lake, &outcome.run, &rollup).await.map_err(|e| chain(&e))?;
    }
    Ok(report)
}

pub(crate) fn local_lake(folder: &Path) -> Lake {
    Lake::open(folder.to_str().unwrap(), &StoreOptions::new()).unwrap()
}

/// What the lake holds now: the names of all data files of the tables that hold figures, without the folders that name
/// a delivery. Names carry the hash of the content, so equal names are equal bytes.
pub(crate) async fn content(lake: &Lake) -> BTreeMap<String, Vec<String>> {
    let mut content = BTreeMap::new();
    for table in airshed_domain::schema::all() {
        // Where lines stood and when they were imported is the history of the input, not of the figures.
        if ["line_sources", "rejects", "objects", "runs", "periods"].contains(&table.name) {
            continue;
        }
        let open = lake.table(&table).await.unwrap();
        let mut names: Vec<String> = open
            .files()
            .unwrap()
            .iter()
            .map(|file| {
                let run = file.partition.get("run_id").cloned().unwrap_or_default();
                let name = file.path.rsplit('/').next().unwrap_or_default();
                format!("{run}/{name}")
            })
            .collect();
        names.sort();
        content.insert(table.name.to_owned(), names);
    }
    content
}

pub(crate) async fn rows(lake: &Lake, table: &airshed_domain::schema::Table) -> u64 {
    lake.table(table).await.unwrap().files().unwrap().iter().map(|file| file.rows).sum()
}

pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}
