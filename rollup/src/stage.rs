//! Rolling up a run and making it current.
//!
//! Work goes file by file of `emissions`. All lines of a resource stand in one file, and those of an account in few, so
//! the cells of a file are (nearly) final and memory is bounded by the file, not by the run. Cells of hours that lie in
//! several files are left apart, as sums over the tables do not mind. Days, and hours of whole accounts, are merged over the
//! files that hold the same accounts ([`Stretch`]), months and other summaries over all files, as far as memory allows
//! ([`HELD_CELLS`]); coverage is small.

use airshed_domain::{
    period::BillingPeriod,
    schema::{self, Table, column},
};
use airshed_lake::{
    DataFile, EncodedFile, Lake, LakeTable, PartitionValues,
    control::{self, RunRecord},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    error::{Error, Result},
    shard::{self, Grain},
    stretch::{self, Stretch},
};

/// Cells of a table of the whole run that are held before they are written: some 800 MB. Most estates have fewer; where tags
/// have very many values, a cell gets several rows.
const HELD_CELLS: usize = 1 << 21;

/// How the stage runs.
#[derive(Debug, Clone)]
pub struct RollupOptions {
    /// Tag keys that become a dimension.
    pub tags: Vec<String>,
    /// Files rolled up at the same time.
    pub threads: usize,
    /// The time that is recorded, microseconds since 1970 in UTC.
    pub now_us: i64,
}

/// What became of one run.
#[derive(Debug, Clone)]
pub struct RollupOutcome {
    /// Billing period.
    pub period: BillingPeriod,
    /// The run.
    pub run: RunRecord,
    /// Rows of the tables written, by name; empty when the run was current already.
    pub rows: Vec<(&'static str, u64)>,
    /// Whether the run became current just now.
    pub published: bool,
}

/// Rolls up a completed run and makes it current for its period.
pub async fn roll_up(lake: &Lake, run: &RunRecord, options: &RollupOptions) -> Result<RollupOutcome> {
    let mut outcome =
        RollupOutcome { period: run.period, run: run.clone(), rows: Vec::new(), published: false };
    if control::current_runs(lake).await?.get(&run.period) == Some(&run.run_id) {
        return Ok(outcome);
    }
    let emissions = lake.table(&schema::emissions()).await?;
    let partition: PartitionValues = [
        (column::PERIOD.to_owned(), run.period.to_string()),
        (column::RUN_ID.to_owned(), run.run_id.to_string()),
    ]
    .into();

    let mut hourly = Target::new(lake, schema::emissions_hourly(), &partition).await?;
    let mut resource_daily = Target::new(lake, schema::emissions_resource_daily(), &partition).await?;
    let mut by_account = Target::all(lake, stretch::tables(), &partition).await?;
    let mut over_all = Target::all(lake, shard::tables_over_all(), &partition).await?;
    let mut coverage = Target::new(lake, schema::coverage(), &partition).await?;
    let mut stretch = Stretch::default();
    let mut sums: Vec<Grain> = shard::tables_over_all().iter().map(Grain::of).collect();
    let mut covered = Grain::coverage();
    let files = emissions.partition_files(&partition)?;
    let work = files.into_iter().map(|file| {
        let (emissions, tags) = (emissions.clone(), options.tags.clone());
        async move {
            let bytes = emissions.fetch(&file).await?;
            let accounts = file.bounds.of(column::ACCOUNT_ID).cloned();
            let shard = apart(move || shard::roll_up(bytes, &file.path, &tags)).await?;
            Ok::<_, Error>((accounts, shard))
        }
    });
    let mut shards = Box::pin(stream::iter(work).buffered(options.threads.max(1)));
    while let Some((accounts, shard)) = shards.try_next().await? {
        hourly.put(shard.hourly).await?;
        resource_daily.put(shard.resource_daily).await?;
        Target::put_all(&mut by_account, stretch.whole_before(accounts.as_ref())).await?;
        stretch.merge(accounts, &shard.by_account);
        for (sum, more) in sums.iter_mut().zip(&shard.over_all) {
            sum.merge(more);
        }
        let full = sums.iter_mut().zip(shard::tables_over_all());
        let full = full.map(|(sum, table)| sum.take_of(HELD_CELLS, &table)).collect();
        Target::put_all(&mut over_all, full).await?;
        covered.merge(&shard.coverage);
    }
    drop(shards);
    Target::put_all(&mut by_account, stretch.rest()).await?;
    Target::put_all(&mut over_all, sums.into_iter().map(Some).collect()).await?;
    coverage.put(covered.encode(coverage.table.description())?).await?;
    for target in [hourly, resource_daily].into_iter().chain(by_account).chain(over_all).chain([coverage]) {
        outcome.rows.push(target.publish().await?);
    }
    outcome.published = control::make_current(lake, run.period, &run.run_id, options.now_us).await?;
    Ok(outcome)
}

/// Does work of the processor off the threads that wait for others.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::query("a rollup broke off", e))?
}

/// A table of the rollup while its files are written.
struct Target<'a> {
    table: LakeTable,
    partition: &'a PartitionValues,
    files: Vec<DataFile>,
    rows: u64,
}

impl<'a> Target<'a> {
    async fn new(lake: &Lake, table: Table, partition: &'a PartitionValues) -> Result<Self> {
        Ok(Self { table: lake.table(&table).await?, partition, files: Vec::new(), rows: 0 })
    }

    async fn all(lake: &Lake, tables: Vec<Table>, partition: &'a PartitionValues) -> Result<Vec<Self>> {
        let mut all = Vec::with_capacity(tables.len());
        for table in tables {
            all.push(Self::new(lake, table, partition).await?);
        }
        Ok(all)
    }

    /// Puts a file into each of some tables that there are cells for.
    async fn put_all(targets: &mut [Self], grains: Vec<Option<Grain>>) -> Result<()> {
        for (target, grain) in targets.iter_mut().zip(grains) {
            let Some(grain) = grain else { continue };
            let table = target.table.description().clone();
            target.put(apart(move || grain.encode(&table)).await?).await?;
        }
        Ok(())
    }

    async fn put(&mut self, file: EncodedFile) -> Result<()> {
        if file.rows() > 0 {
            self.rows += file.rows();
            let name = format!("part-{:05}", self.files.len());
            self.files.push(self.table.put(self.partition, &name, file).await?);
        }
        Ok(())
    }

    async fn publish(mut self) -> Result<(&'static str, u64)> {
        self.table.replace_partition(self.partition, &self.files, "rollup").await?;
        Ok((self.table.description().name, self.rows))
    }
}
