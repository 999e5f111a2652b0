//! From what the lake holds to the runs that there should be: one a billing period.

use std::collections::BTreeMap;

use airshed_domain::{
    period::BillingPeriod,
    schema::{self, column},
};
use airshed_lake::{
    DataFile, Lake, LakeTable,
    control::{self, RunRecord},
};

use crate::{
    error::{Error, ErrorKind, Result},
    plan::{BatchInput, PlacedFile, RunInputs, RunPlan, code_version},
    stage::Calculation,
    utilization::{HeldMeasurements, MeasuredInput},
};

/// What the partition of `rejects` says of rows whose period could not be read.
const UNKNOWN_PERIOD: &str = "unknown";

/// The lake as plans are made of it. Measurements of a period are read when its plan needs them.
#[derive(Debug)]
pub(crate) struct Planner<'a> {
    calculation: &'a Calculation,
    billing_version: u64,
    by_period: BTreeMap<BillingPeriod, Vec<DataFile>>,
    /// The first period of each batch.
    first_period: BTreeMap<String, BillingPeriod>,
    rejects: Vec<DataFile>,
    utilization: Option<LakeTable>,
    /// What runs of this calculation read of `utilization`.
    known: Vec<(BillingPeriod, MeasuredInput)>,
}

impl<'a> Planner<'a> {
    /// Looks at a lake, at a version of `billing_lines` or at the newest; nothing when nothing was ever billed.
    pub(crate) async fn open(
        lake: &Lake,
        calculation: &'a Calculation,
        version: Option<u64>,
    ) -> Result<Option<Self>> {
        let Some(newest) = lake.existing_table(&schema::billing_lines()).await? else { return Ok(None) };
        let billing = match version {
            Some(version) => newest.at_version(version).await?,
            None => newest,
        };
        let rejects = match lake.existing_table(&schema::rejects()).await? {
            Some(table) => table.files()?,
            None => Vec::new(),
        };
        let mut by_period: BTreeMap<BillingPeriod, Vec<DataFile>> = BTreeMap::new();
        let mut first_period: BTreeMap<String, BillingPeriod> = BTreeMap::new();
        for file in billing.files()? {
            let period: BillingPeriod = partition(&file, column::PERIOD)?
                .parse()
                .map_err(|e| Error::with_source(ErrorKind::Corrupt, "table `billing_lines`", e))?;
            let first = first_period.entry(partition(&file, column::BATCH_ID)?).or_insert(period);
            *first = period.min(*first);
            by_period.entry(period).or_default().push(file);
        }
        // Where every delivery was removed, a run of no lines takes the place of the one that had them.
        for period in control::current_runs(lake).await?.into_keys() {
            by_period.entry(period).or_default();
        }
        Ok(Some(Self {
            calculation,
            billing_version: billing.version(),
            by_period,
            first_period,
            rejects,
            utilization: lake.existing_table(&schema::utilization()).await?,
            known: known(lake).await?,
        }))
    }

    /// The billing periods that the lake holds.
    pub(crate) fn periods(&self) -> impl Iterator<Item = BillingPeriod> + use<> {
        self.by_period.keys().copied().collect::<Vec<_>>().into_iter()
    }

    /// The run of a period with the measurements that the lake holds now.
    pub(crate) async fn plan(&self, period: BillingPeriod) -> Result<RunPlan> {
        let measured = HeldMeasurements::of(self.utilization.as_ref(), period)?;
        let known = self.known.iter().filter(|(of, _)| *of == period).map(|(_, input)| input);
        let input = measured.input(known).await?;
        self.plan_with(period, measured, input, None)
    }

    /// The run of a period with measurements, recorded as `input`. `rejected` is how many rows could not be read; without
    /// it they are counted.
    pub(crate) fn plan_with(
        &self,
        period: BillingPeriod,
        measured: HeldMeasurements,
        input: MeasuredInput,
        rejected: Option<u64>,
    ) -> Result<RunPlan> {
        let files = self.by_period.get(&period).cloned().unwrap_or_default();
        let (batches, files) = order_by_content(files)?;
        let rejected = rejected.unwrap_or_else(|| self.rejected(period, &batches));
        let inputs = RunInputs { batches, utilization: input, rejected };
        Ok(RunPlan::new(period, inputs, files, measured, self.billing_version, self.calculation))
    }

    /// Rows of batches of a period that could not be read.
    fn rejected(&self, period: BillingPeriod, batches: &[BatchInput]) -> u64 {
        let own = period.to_string();
        let counts = |file: &&DataFile| {
            let of = |column| file.partition.get(column).map(String::as_str);
            let batch = batches.iter().find(|b| {
                of(column::BATCH_ID) == Some(&b.batch) && of(column::DELIVERY_ID) == Some(&b.delivery)
            });
            batch.is_some_and(|batch| match of(column::PERIOD) {
                Some(UNKNOWN_PERIOD) => self.first_period.get(&batch.batch) == Some(&period),
                of => of == Some(&own),
            })
        };
        self.rejects.iter().filter(counts).map(|file| file.rows).sum()
    }
}

/// What recorded runs read of `utilization`, where it means the same as today.
async fn known(lake: &Lake) -> Result<Vec<(BillingPeriod, MeasuredInput)>> {
    let runs = control::runs(lake).await?.into_iter().filter(|run| run.code_version == code_version());
    runs.map(|run: RunRecord| Ok((run.period, RunInputs::of(&run)?.utilization))).collect()
}

/// Groups files into batches and orders batches by content, never by where they were delivered.
fn order_by_content(files: Vec<DataFile>) -> Result<(Vec<BatchInput>, Vec<PlacedFile>)> {
    let mut groups: BTreeMap<(String, String), Vec<DataFile>> = BTreeMap::new();
    for file in files {
        let key = (partition(&file, column::DELIVERY_ID)?, partition(&file, column::BATCH_ID)?);
        groups.entry(key).or_default().push(file);
    }
    let mut groups: Vec<_> = groups
        .into_iter()
        .map(|(key, files)| {
            let hashes: Vec<String> = files.iter().map(|f| f.content_hash().to_owned()).collect();
            (hashes, key, files)
        })
        .collect();
    groups.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    let mut batches = Vec::new();
    let mut ordered = Vec::new();
    let mut first_seq = 0;
    for (hashes, (delivery, batch), files) in groups {
        let rows: u64 = files.iter().map(|f| f.rows).sum();
        ordered.extend(files.into_iter().map(|file| (file, first_seq)));
        batches.push(BatchInput { delivery, batch, first_seq, rows, files: hashes });
        first_seq += i64::try_from(rows).unwrap_or(i64::MAX);
    }
    Ok((batches, ordered))
}

fn partition(file: &DataFile, column: &str) -> Result<String> {
    file.partition
        .get(column)
        .cloned()
        .ok_or_else(|| Error::new(ErrorKind::Corrupt, format!("`{}` has no partition `{column}`", file.path)))
}
