//! Data points as rows of the ledger's table `utilization`.
//!
//! A table of CloudWatch metrics says which are taken, under which name, and in which unit they must come. Of several
//! metrics that measure the same of a resource only one is taken, because at any time a resource has one measurement of
//! a metric. Percent become shares. Resources get the names that bills have for them
//! ([`billed_id`](crate::resource::billed_id)). What the table does not take is counted.

mod columns;
mod rows;

use airshed_domain::schema;
use arrow::array::RecordBatch;

pub use self::columns::FULL_LOAD_LIMIT;
use self::{
    columns::Columns,
    rows::{Metrics, Rows},
};
use crate::{error::Error, reject::Reject};

/// One CloudWatch metric that the table takes.
#[derive(Debug)]
pub struct Rule {
    /// Its namespace.
    pub namespace: &'static str,
    /// Its name in CloudWatch.
    pub cloudwatch_metric: &'static str,
    /// The units that it may come in: one, or two names of the same.
    pub units: &'static [&'static str],
    /// Its name in the table.
    pub metric: &'static str,
    /// Whether it is a percentage, which becomes a share of 0 to 1.
    pub is_share: bool,
}

const fn share(namespace: &'static str, cloudwatch_metric: &'static str, metric: &'static str) -> Rule {
    Rule { namespace, cloudwatch_metric, units: &["Percent"], metric, is_share: true }
}

const fn plain(
    namespace: &'static str,
    cloudwatch_metric: &'static str,
    units: &'static [&'static str],
    metric: &'static str,
) -> Rule {
    Rule { namespace, cloudwatch_metric, units, metric, is_share: false }
}

const CPU: &str = schema::CPU_UTILIZATION;

/// The metrics that the table takes. Sources: `docs/metric-streams.md`. Capacity units come as counts, and without a unit
/// in AWS's own sample of a stream.
pub const RULES: &[Rule] = &[
    share("AWS/EC2", "CPUUtilization", CPU),
    share("AWS/RDS", "CPUUtilization", CPU),
    share("AWS/ElastiCache", "CPUUtilization", CPU),
    share("AWS/Redshift", "CPUUtilization", CPU),
    share("AWS/ES", "CPUUtilization", CPU),
    share("AWS/DocDB", "CPUUtilization", CPU),
    share("AWS/Neptune", "CPUUtilization", CPU),
    share("CWAgent", "mem_used_percent", "memory_utilization"),
    // The agent publishes it without a unit unless it is told one.
    Rule {
        namespace: "CWAgent",
        cloudwatch_metric: "nvidia_smi_utilization_gpu",
        units: &["Percent", "None"],
        metric: "gpu_utilization",
        is_share: true,
    },
    plain("AWS/EC2", "CPUCreditUsage", &["Count"], "cpu_credit_usage"),
    plain("AWS/EC2", "NetworkIn", &["Bytes"], "network_in_bytes"),
    plain("AWS/EC2", "NetworkOut", &["Bytes"], "network_out_bytes"),
    plain("AWS/EBS", "VolumeReadBytes", &["Bytes"], "volume_read_bytes"),
    plain("AWS/EBS", "VolumeWriteBytes", &["Bytes"], "volume_write_bytes"),
    plain("AWS/Lambda", "Duration", &["Milliseconds"], "duration_ms"),
    plain("AWS/DynamoDB", "ConsumedReadCapacityUnits", &["Count", "None"], "consumed_read_capacity_units"),
    plain("AWS/DynamoDB", "ConsumedWriteCapacityUnits", &["Count", "None"], "consumed_write_capacity_units"),
];

/// What became of a batch. Data points in = rows + rejects + not taken + of other accounts.
#[derive(Debug)]
pub struct Converted {
    /// Rows of `utilization`, with the columns that stand in its files, in the order of the data points. Texts are
    /// dictionaries ([`coded_file_schema`](schema::Table::coded_file_schema)).
    pub rows: RecordBatch,
    /// Data points with another unit than documented, or a share above 1.
    pub rejects: Vec<Reject>,
    /// Data points of metrics that the table does not take.
    pub not_taken: u64,
    /// Data points of accounts that are not collected.
    pub other_accounts: u64,
}

/// Turns a batch of data points ([`points::schema`](crate::points::schema)) into rows of `utilization`, of accounts that
/// `is_collected` says yes to. It is asked once for each account of the batch.
///
/// # Errors
/// When the batch has other columns.
pub fn convert(points: &RecordBatch, mut is_collected: impl FnMut(&str) -> bool) -> Result<Converted, Error> {
    let columns = Columns::of(points)?;
    let mut metrics = Metrics::default();
    let collected: Vec<bool> = columns.account.texts().map(&mut is_collected).collect();
    let mut rows = Rows::default();
    let (mut rejects, mut not_taken, mut other_accounts) = (Vec::new(), 0, 0);
    for row in 0..points.num_rows() {
        if !usize::try_from(columns.account.key(row)).is_ok_and(|account| collected[account]) {
            other_accounts += 1;
            continue;
        }
        let Some((rule, metric)) = metrics.of(&columns, row) else {
            not_taken += 1;
            continue;
        };
        match columns.measurement(row, rule) {
            Ok(measurement) => rows.push(&columns, row, metric, measurement)?,
            Err(reject) => rejects.push(reject),
        }
    }
    Ok(Converted { rows: rows.finish(&columns, &metrics)?, rejects, not_taken, other_accounts })
}
