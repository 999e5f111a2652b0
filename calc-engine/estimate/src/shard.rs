//! The estimate of one billing file: fetched, calculated off the I/O threads, encoded.

use std::sync::{Arc, Weak};

use airshed_domain::{
    id::RunId,
    period::BillingPeriod,
    schema::{self, column},
};
use airshed_kernels::estimate::{Estimator, emissions_dictionary_schema};
use airshed_lake::{EncodedFile, FileEncoder, Lake, LakeTable, PartitionValues, control::RunTotals};

use crate::{
    error::{Error, ErrorKind, Result},
    plan::RunPlan,
    read,
    stage::Calculation,
    totals,
    utilization::Measurements,
};

/// The estimate of one billing file.
pub(crate) struct Shard {
    pub(crate) file: EncodedFile,
    pub(crate) totals: RunTotals,
}

/// The billing files of a plan, ready to be estimated one by one.
#[derive(Debug)]
pub(crate) struct Shards {
    pub(crate) plan: RunPlan,
    calculation: Calculation,
    billing: LakeTable,
}

impl Shards {
    /// The files of a plan, at the version of `billing_lines` that it was made of.
    pub(crate) async fn open(lake: &Lake, calculation: &Calculation, plan: RunPlan) -> Result<Self> {
        let billing = lake.table(&schema::billing_lines()).await?.at_version(plan.billing_version).await?;
        Ok(Self { plan, calculation: calculation.clone(), billing })
    }

    /// What they are calculated with.
    pub(crate) fn calculation(&self) -> &Calculation {
        &self.calculation
    }

    /// Billing lines of all files.
    pub(crate) fn rows(&self) -> u64 {
        self.plan.files.iter().map(|(file, _)| file.rows).sum()
    }

    /// Estimates the file with this number. Whoever stops waiting stops the calculation, after a batch at the latest.
    pub(crate) async fn estimate(&self, index: usize) -> Result<Shard> {
        let Some((file, first_seq)) = self.plan.files.get(index) else {
            let gone = format!("run {} has no billing file {index}", self.plan.run_id);
            return Err(Error::new(ErrorKind::Input, gone));
        };
        let measured = self.plan.measured.measurements().await?;
        let bytes = self.billing.fetch(file).await?;
        let wanted = Arc::new(());
        let work = FileWork {
            calculation: self.calculation.clone(),
            period: self.plan.period,
            path: file.path.clone(),
            first_seq: *first_seq,
            measured,
            wanted: Arc::downgrade(&wanted),
        };
        let shard = tokio::task::spawn_blocking(move || work.estimate(bytes))
            .await
            .map_err(|e| Error::with_source(ErrorKind::Corrupt, "an estimate broke off", e))?;
        drop(wanted);
        shard
    }
}

/// What a thread needs to estimate a file.
struct FileWork {
    calculation: Calculation,
    period: BillingPeriod,
    path: String,
    first_seq: i64,
    measured: Arc<Measurements>,
    /// Lives as long as somebody waits for the result.
    wanted: Weak<()>,
}

impl FileWork {
    fn estimate(self, bytes: bytes::Bytes) -> Result<Shard> {
        let Self { calculation, period, path, first_seq, measured, wanted } = self;
        let mut estimator =
            Estimator::new(calculation.method, calculation.factors, calculation.options, period);
        let mut encoder = FileEncoder::new(&schema::emissions(), emissions_dictionary_schema())?;
        let mut totals = RunTotals::default();
        for batch in read::batches(bytes, &path, first_seq)? {
            if wanted.strong_count() == 0 {
                return Err(Error::new(ErrorKind::Retry, format!("nobody waits for `{path}` any more")));
            }
            let lines = measured.join(batch?)?;
            let estimated = estimator.estimate(&lines).map_err(|e| {
                Error::with_source(ErrorKind::Input, format!("`{path}` cannot be estimated"), e)
            })?;
            totals::add_batch(&mut totals, &estimated)?;
            encoder.write(&estimated)?;
        }
        Ok(Shard { file: encoder.finish()?, totals })
    }
}

/// The partition of a run in `emissions`.
pub(crate) fn run_partition(period: BillingPeriod, run_id: &RunId) -> PartitionValues {
    [(column::PERIOD.to_owned(), period.to_string()), (column::RUN_ID.to_owned(), run_id.to_string())].into()
}

/// What the name of an emissions file begins with, by the number of its billing file.
pub(crate) fn file_name(index: usize) -> String {
    format!("part-{index:05}")
}
