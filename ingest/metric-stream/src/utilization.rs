//! Data points as rows of the ledger's table `utilization`.
//!
//! A table of CloudWatch metrics says which are taken, under which name, and in which unit they must come. Of several
//! metrics that measure the same of a resource only one is taken, because at any time a resource has one measurement of
//! a metric. Percent become shares. What the table does not take is counted.

use std::{collections::HashMap, sync::Arc};

use airshed_domain::schema::{self, column as c};
use arrow::{
    array::{
        Array as _, ArrayRef, AsArray as _, DictionaryArray, Float64Array, Float64Builder, Int64Builder,
        RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
    },
    datatypes::{Float64Type, Int32Type, TimestampMicrosecondType, UInt64Type},
};

use crate::{
    error::Error,
    points::{NAMESPACE, RECORD, UNIT},
    reject::{Reason, Reject},
};

/// A meter that reads a little above full load reads full load: shares up to this are 1, larger ones are rejects.
const FULL_LOAD_LIMIT: f64 = 1.01;

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
    plain("AWS/EC2", "CPUCreditUsage", &["Count"], "cpu_credit_usage"),
    plain("AWS/EC2", "NetworkIn", &["Bytes"], "network_in_bytes"),
    plain("AWS/EC2", "NetworkOut", &["Bytes"], "network_out_bytes"),
    plain("AWS/EBS", "VolumeReadBytes", &["Bytes"], "volume_read_bytes"),
    plain("AWS/EBS", "VolumeWriteBytes", &["Bytes"], "volume_write_bytes"),
    plain("AWS/Lambda", "Duration", &["Milliseconds"], "duration_ms"),
    plain("AWS/DynamoDB", "ConsumedReadCapacityUnits", &["Count", "None"], "consumed_read_capacity_units"),
    plain("AWS/DynamoDB", "ConsumedWriteCapacityUnits", &["Count", "None"], "consumed_write_capacity_units"),
];

/// What became of a batch. Rows in = rows + rejects + not taken.
#[derive(Debug)]
pub struct Converted {
    /// Rows of `utilization`, with the columns that stand in its files, in the order of the data points.
    pub rows: RecordBatch,
    /// Data points with another unit than documented, or a share above 1.
    pub rejects: Vec<Reject>,
    /// Data points of metrics that the table does not take.
    pub not_taken: u64,
}

/// Turns a batch of data points ([`points::schema`](crate::points::schema)) into rows of `utilization`.
///
/// # Errors
/// When the batch has other columns.
pub fn convert(points: &RecordBatch) -> Result<Converted, Error> {
    let columns = Columns::of(points)?;
    let mut rules: HashMap<(i32, i32), Option<&Rule>> = HashMap::new();
    let mut last = None;
    let mut rows = Rows::default();
    let (mut rejects, mut not_taken) = (Vec::new(), 0);
    for row in 0..points.num_rows() {
        let key = (columns.namespace.key(row), columns.metric.key(row));
        let rule = match last {
            Some((known, rule)) if known == key => rule,
            _ => *rules.entry(key).or_insert_with(|| columns.rule(row)),
        };
        last = Some((key, rule));
        let Some(rule) = rule else {
            not_taken += 1;
            continue;
        };
        match columns.measurement(row, rule) {
            Ok(measurement) => rows.push(&columns, row, rule, measurement),
            Err(reject) => rejects.push(reject),
        }
    }
    Ok(Converted { rows: rows.finish()?, rejects, not_taken })
}

/// What is calculated of a data point.
#[derive(Clone, Copy)]
struct Measurement {
    avg: f64,
    max: Option<f64>,
    samples: Option<i64>,
}

/// The columns of data points.
struct Columns<'a> {
    start: &'a [i64],
    end: &'a [i64],
    account: Text<'a>,
    region: Text<'a>,
    namespace: Text<'a>,
    metric: Text<'a>,
    resource: Text<'a>,
    unit: Text<'a>,
    max: &'a Float64Array,
    samples: &'a [f64],
    avg: &'a [f64],
    record: &'a [u64],
}

/// A dictionary of texts without nulls.
struct Text<'a> {
    keys: &'a [i32],
    values: &'a arrow::array::StringArray,
}

impl<'a> Text<'a> {
    fn key(&self, row: usize) -> i32 {
        self.keys[row]
    }

    fn value(&self, row: usize) -> &'a str {
        usize::try_from(self.keys[row]).map_or("", |key| self.values.value(key))
    }
}

impl<'a> Columns<'a> {
    fn of(points: &'a RecordBatch) -> Result<Self, Error> {
        let column = |name| points.column_by_name(name).ok_or(Error::Column(name));
        let text = |name| {
            let array: &DictionaryArray<Int32Type> =
                column(name)?.as_dictionary_opt().ok_or(Error::Column(name))?;
            let values = array.values().as_string_opt().ok_or(Error::Column(name))?;
            if array.null_count() > 0 {
                return Err(Error::Column(name));
            }
            Ok(Text { keys: array.keys().values(), values })
        };
        let number = |name| column(name)?.as_primitive_opt::<Float64Type>().ok_or(Error::Column(name));
        let time = |name| {
            let array = column(name)?.as_primitive_opt::<TimestampMicrosecondType>();
            Ok::<&[i64], Error>(array.ok_or(Error::Column(name))?.values())
        };
        let record = column(RECORD)?.as_primitive_opt::<UInt64Type>().ok_or(Error::Column(RECORD))?;
        Ok(Self {
            start: time(c::USAGE_START)?,
            end: time(c::USAGE_END)?,
            account: text(c::ACCOUNT_ID)?,
            region: text(c::REGION)?,
            namespace: text(NAMESPACE)?,
            metric: text(c::METRIC)?,
            resource: text(c::RESOURCE_ID)?,
            unit: text(UNIT)?,
            max: number(c::MAX)?,
            samples: number(c::SAMPLES)?.values(),
            avg: number(c::AVG)?.values(),
            record: record.values(),
        })
    }

    fn rule(&self, row: usize) -> Option<&'static Rule> {
        let (namespace, metric) = (self.namespace.value(row), self.metric.value(row));
        RULES.iter().find(|rule| rule.namespace == namespace && rule.cloudwatch_metric == metric)
    }

    fn measurement(&self, row: usize, rule: &Rule) -> Result<Measurement, Reject> {
        let reject = |reason, detail: String, value: String| Reject {
            record: self.record[row],
            offset: None,
            reason,
            detail,
            value: Some(value),
        };
        let unit = self.unit.value(row);
        if !rule.units.contains(&unit) {
            let units = rule.units.join(" or ");
            let detail = format!("{} comes in {units}, not in this unit", rule.cloudwatch_metric);
            return Err(reject(Reason::WrongType, detail, unit.to_owned()));
        }
        let value = |value: f64| {
            let value = if rule.is_share { value / 100.0 } else { value };
            if rule.is_share && !(0.0..=FULL_LOAD_LIMIT).contains(&value) {
                let detail = format!("{} is not 0 to 100 percent", rule.cloudwatch_metric);
                return Err(reject(Reason::OutOfRange, detail, value.to_string()));
            }
            Ok(if rule.is_share { value.min(1.0) } else { value })
        };
        let max = self.max.is_valid(row).then(|| self.max.value(row)).map(value).transpose()?;
        Ok(Measurement { avg: value(self.avg[row])?, max, samples: whole(self.samples[row]) })
    }
}

/// A count as an integer; nothing for one that is none, as weighted samples make it.
fn whole(count: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
    (count.fract() == 0.0 && (0.0..=EXACT).contains(&count)).then_some(count as i64)
}

#[derive(Default)]
struct Rows {
    start: TimestampMicrosecondBuilder,
    end: TimestampMicrosecondBuilder,
    account: StringBuilder,
    region: StringBuilder,
    resource: StringBuilder,
    metric: StringBuilder,
    avg: Float64Builder,
    max: Float64Builder,
    samples: Int64Builder,
}

impl Rows {
    fn push(&mut self, columns: &Columns<'_>, row: usize, rule: &Rule, measurement: Measurement) {
        self.start.append_value(columns.start[row]);
        self.end.append_value(columns.end[row]);
        self.account.append_value(columns.account.value(row));
        self.region.append_value(columns.region.value(row));
        self.resource.append_value(columns.resource.value(row));
        self.metric.append_value(rule.metric);
        self.avg.append_value(measurement.avg);
        self.max.append_option(measurement.max);
        self.samples.append_option(measurement.samples);
    }

    fn finish(mut self) -> Result<RecordBatch, Error> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.start.finish().with_timezone("UTC")),
            Arc::new(self.end.finish().with_timezone("UTC")),
            Arc::new(self.account.finish()),
            Arc::new(self.region.finish()),
            Arc::new(self.resource.finish()),
            Arc::new(self.metric.finish()),
            Arc::new(self.avg.finish()),
            Arc::new(self.max.finish()),
            Arc::new(self.samples.finish()),
        ];
        Ok(RecordBatch::try_new(schema::utilization().file_schema(), columns)?)
    }
}
