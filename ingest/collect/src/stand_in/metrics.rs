//! Metrics of resources, and their values.

use std::fmt::Write as _;

use jiff::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

use super::{Kind, StandIn, things::gathered};
use crate::cloud::{MetricEntry, MetricQuery, Scope};

/// Most metrics of one resource.
pub(super) const METRICS_OF_ONE: u64 = 8;
/// Shares have steps of a hundredth percent.
const SHARE_STEPS: u64 = 10_001;
/// Other values are whole numbers below this.
const VALUES: u64 = 1_000_000;
const SECONDS_A_SAMPLE: u32 = 60;

/// Whether the values of a metric are percent.
pub fn is_share(metric: &str) -> bool {
    matches!(metric, "CPUUtilization" | "mem_used_percent")
}

impl StandIn {
    /// Metrics of the resource of an index in a namespace, in their order. Every second instance has the CloudWatch agent.
    pub fn metrics_of(&self, scope: &Scope, index: u32, namespace: &str) -> Vec<MetricEntry> {
        let Ok((account, region)) = self.place(scope) else { return Vec::new() };
        if index >= self.shape.resources || self.revision(scope, index).is_none() {
            return Vec::new();
        }
        let (dimension, names): (_, &[&str]) = match (self.kind(index), namespace) {
            (Kind::Instance, "AWS/EC2") => (
                "InstanceId",
                &["CPUUtilization", "NetworkIn", "NetworkOut", "CPUCreditUsage", "StatusCheckFailed"],
            ),
            (Kind::Instance, "CWAgent") if (index / 3).is_multiple_of(2) => {
                ("InstanceId", &["mem_used_percent"])
            }
            (Kind::Volume, "AWS/EBS") => ("VolumeId", &["VolumeReadBytes", "VolumeWriteBytes"]),
            (Kind::Function, "AWS/Lambda") => ("FunctionName", &["Duration", "Invocations"]),
            (Kind::Database, "AWS/RDS") => {
                ("DBInstanceIdentifier", &["CPUUtilization", "DatabaseConnections"])
            }
            (Kind::Table, "AWS/DynamoDB") => {
                ("TableName", &["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"])
            }
            _ => return Vec::new(),
        };
        let mut dimensions = vec![(dimension.to_owned(), self.resource_name(account, region, index))];
        if namespace == "CWAgent" {
            dimensions.push(("ImageId".to_owned(), "ami-1".to_owned()));
        }
        let entry = |name: &&str| MetricEntry {
            namespace: namespace.to_owned(),
            metric: (*name).to_owned(),
            dimensions: dimensions.clone(),
        };
        names.iter().map(entry).collect()
    }

    /// Metrics over many resources, which a namespace has too.
    pub(super) fn metrics_of_many(namespace: &str) -> Option<MetricEntry> {
        let metric = match namespace {
            "AWS/EC2" => "CPUUtilization",
            "AWS/Lambda" => "Duration",
            _ => return None,
        };
        Some(MetricEntry {
            namespace: namespace.to_owned(),
            metric: metric.to_owned(),
            dimensions: Vec::new(),
        })
    }

    /// The value of a query for the period that starts at an instant: a function of these and nothing else. Percent for
    /// [shares](is_share), else a whole number; maxima are above averages.
    pub fn value(scope: &Scope, query: &MetricQuery, start: Timestamp) -> f64 {
        let MetricQuery { metric, statistic, period_s } = query;
        if *statistic == "SampleCount" {
            return f64::from(period_s / SECONDS_A_SAMPLE);
        }
        let mut text = format!("{}|{}|{}|{}", scope.account, scope.region, metric.namespace, metric.metric);
        for (name, value) in &metric.dimensions {
            // Writing to a string does not fail.
            let _ = write!(text, "|{name}={value}");
        }
        let _ = write!(text, "|{}", start.as_second());
        let hash = xxh3_64(text.as_bytes());
        let average = if is_share(&metric.metric) {
            (hash % SHARE_STEPS) as f64 / 100.0
        } else {
            (hash % VALUES) as f64
        };
        match *statistic {
            "Maximum" if is_share(&metric.metric) => (average + 10.0).min(100.0),
            "Maximum" => average + 10.0,
            "Sum" => average * f64::from(period_s / SECONDS_A_SAMPLE),
            _ => average,
        }
    }

    /// Whether CloudWatch has values of a metric: it is one of a resource that is there, or one over many.
    pub(super) fn has_values(&self, scope: &Scope, metric: &MetricEntry) -> bool {
        if metric.dimensions.is_empty() {
            return Self::metrics_of_many(&metric.namespace).is_some_and(|many| many == *metric);
        }
        let own =
            metric.dimensions.iter().find(|(name, _)| name != "ImageId").map(|(_, value)| value.as_str());
        let index = own.and_then(index_of);
        index.is_some_and(|index| self.metrics_of(scope, index, &metric.namespace).contains(metric))
    }
}

/// The index at the end of a resource's name.
fn index_of(name: &str) -> Option<u32> {
    let (kind, rest) = name.split_once('-')?;
    match kind {
        "i" | "vol" => gathered(u64::from_str_radix(rest.get(7..)?, 16).ok()?),
        _ => rest.parse().ok(),
    }
}
