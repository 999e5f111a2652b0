//! Which metrics are polled, of which resource: metric-stream's table of rules, asked for by one statistic.
//!
//! The statistic is `Average`, which CloudWatch defines as sum over sample count: the same as `avg` of a stream, for
//! shares, durations, bytes, credits and capacity units alike. So a resource has the same measurement whichever way it
//! came, and `samples` and `max`, which would take queries of their own, stay empty.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html>

use airshed_metric_stream::{
    resource::billed_id,
    utilization::{RULES, Rule},
};

use crate::cloud::{MetricEntry, MetricQuery, Scope};

/// The statistic that is asked for.
const STATISTIC: &str = "Average";

/// Kinds of which there may be very many: namespace, and CloudFormation's name of the type.
const NUMEROUS: &[(&str, &str)] = &[("AWS/Lambda", "AWS::Lambda::Function"), ("AWS/S3", "AWS::S3::Bucket")];

/// A metric of one resource.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// What it is in the table.
    pub(crate) rule: &'static Rule,
    /// The resource as bills name it.
    pub(crate) resource: String,
    /// What it is in CloudWatch.
    pub(crate) entry: MetricEntry,
}

impl Target {
    /// The target of a listed metric; nothing when the table does not take it or it speaks of no single resource.
    pub(crate) fn of(scope: &Scope, entry: MetricEntry) -> Option<Self> {
        let rule = RULES
            .iter()
            .find(|rule| rule.namespace == entry.namespace && rule.cloudwatch_metric == entry.metric)?;
        let dimensions = entry.dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let resource = billed_id(&entry.namespace, &scope.account, &scope.region, dimensions).ok()?;
        Some(Self { rule, resource: resource.into_owned(), entry })
    }

    /// Order of targets, and with it of rows: those that measure the same of a resource stand together.
    pub(crate) fn key(&self) -> (&str, &str, &MetricEntry) {
        (&self.resource, self.rule.metric, &self.entry)
    }

    /// Whether both measure the same of the same resource.
    pub(crate) fn is_twin(&self, other: &Self) -> bool {
        self.resource == other.resource && self.rule.metric == other.rule.metric
    }

    pub(crate) fn query(&self, period_s: u32) -> MetricQuery {
        MetricQuery { metric: self.entry.clone(), statistic: STATISTIC, period_s }
    }
}

/// The namespaces that are listed, each once, in the order of the rules.
pub(crate) fn namespaces() -> Vec<&'static str> {
    let mut namespaces: Vec<&'static str> = Vec::new();
    for rule in RULES {
        if !namespaces.contains(&rule.namespace) {
            namespaces.push(rule.namespace);
        }
    }
    namespaces
}

/// CloudFormation's name of a kind that is sampled when there are very many.
pub(crate) fn numerous_kind(namespace: &str) -> Option<&'static str> {
    NUMEROUS.iter().find(|(known, _)| *known == namespace).map(|(_, kind)| *kind)
}
