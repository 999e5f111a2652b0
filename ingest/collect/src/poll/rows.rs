//! Values of a slice as rows of `utilization`, and of `utilization_estimates` for what is sampled. CPU work.
//!
//! Rows are ordered by resource, metric and start, whatever the order of the answers: the same values make the same rows.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use airshed_domain::schema;
use airshed_metric_stream::{Reason, utilization::FULL_LOAD_LIMIT};
use arrow::{
    array::{
        ArrayRef, Float64Array, Float64Builder, Int64Array, Int64Builder, RecordBatch, StringArray,
        StringDictionaryBuilder, TimestampMicrosecondArray,
    },
    datatypes::Int32Type,
    error::ArrowError,
};

use super::{catalogue::Target, fetch::Point, listing::Listed, sample::Estimate, window::Slice};
use crate::{
    cloud::Scope,
    error::{Context as _, Result},
    land::RejectedPoint,
};

/// Rows of one batch.
const BATCH_ROWS: usize = 65_536;
const SECOND_US: i64 = 1_000_000;

/// What is made of the values of a slice. Values in = rows + rejects + left out.
#[derive(Debug, Default)]
pub(crate) struct Built {
    /// Rows of `utilization`.
    pub(crate) rows: Vec<RecordBatch>,
    /// Rows of `utilization_estimates`.
    pub(crate) estimates: Vec<RecordBatch>,
    /// Values that cannot be.
    pub(crate) rejects: Vec<RejectedPoint>,
    /// Values that were there already: of the same metric, published twice with other dimensions, or on two pages.
    pub(crate) left_out: u64,
    /// End of the newest interval, microseconds since 1970.
    pub(crate) newest_us: Option<i64>,
}

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) listed: &'a Listed,
    pub(crate) slice: Slice,
    pub(crate) period_s: u32,
    pub(crate) seed: u64,
}

/// Makes rows of values.
pub(crate) fn build(asked: Asked<'_>, mut values: Vec<Point>) -> Result<Built> {
    let targets = &asked.listed.targets;
    let order = |a: &Point, b: &Point| {
        (a.target, a.start_us).cmp(&(b.target, b.start_us)).then(a.value.total_cmp(&b.value))
    };
    values.sort_unstable_by(order);
    let mut built = Built::default();
    let mut kept: Vec<Point> = Vec::with_capacity(values.len());
    let first = first_twins(targets);
    let mut lost = BTreeSet::new();
    for (record, value) in values.into_iter().enumerate() {
        match asked.measured(targets, value) {
            Ok(measured) => kept.push(Point { value: measured, ..value }),
            Err((reason, detail)) => {
                lost.insert((first[value.target], value.start_us));
                built.rejects.push(asked.reject(targets, (record, value), reason, &detail));
            }
        }
    }
    let before = kept.len();
    kept.sort_by_key(|value| (first[value.target], value.start_us, value.target));
    kept.dedup_by_key(|value| (first[value.target], value.start_us));
    built.left_out = (before - kept.len()) as u64;
    let context = || "cannot make rows of `utilization`".to_owned();
    for chunk in kept.chunks(BATCH_ROWS) {
        built.rows.push(asked.rows(targets, chunk).context(context)?);
    }
    built.newest_us = kept.iter().map(|value| value.start_us).max().map(|start| start + asked.period_us());
    for value in &kept {
        lost.remove(&(first[value.target], value.start_us));
    }
    let estimates = asked.estimates(&kept, &lost);
    if !estimates.is_empty() {
        built.estimates.push(asked.estimate_rows(&estimates).context(context)?);
    }
    Ok(built)
}

/// For every target the index of the first that measures the same of the same resource.
fn first_twins(targets: &[Target]) -> Vec<usize> {
    let mut first = Vec::with_capacity(targets.len());
    for (index, target) in targets.iter().enumerate() {
        let twin = first.last().copied().filter(|&twin: &usize| targets[twin].is_twin(target));
        first.push(twin.unwrap_or(index));
    }
    first
}

/// What an estimate is of, beside its numbers.
type EstimateKey = (&'static str, &'static str, i64);

impl Asked<'_> {
    fn period_us(&self) -> i64 {
        i64::from(self.period_s) * SECOND_US
    }

    /// The value as the table has it, or why it cannot be.
    fn measured(&self, targets: &[Target], value: Point) -> Result<f64, (Reason, String)> {
        let slice = self.slice.start_s * SECOND_US..self.slice.end_s * SECOND_US;
        if !slice.contains(&value.start_us) || value.start_us % self.period_us() != 0 {
            return Err((Reason::BadTimestamp, "its time is not one that was asked for".to_owned()));
        }
        if !value.value.is_finite() {
            return Err((Reason::NotFinite, "it is not finite".to_owned()));
        }
        if !targets[value.target].rule.is_share {
            // Minus zero is zero: the same measurement, the same bytes.
            return Ok(value.value + 0.0);
        }
        let share = value.value / 100.0;
        if !(0.0..=FULL_LOAD_LIMIT).contains(&share) {
            return Err((Reason::OutOfRange, "it is not 0 to 100 percent".to_owned()));
        }
        Ok(share.min(1.0) + 0.0)
    }

    fn reject(
        &self,
        targets: &[Target],
        (record, value): (usize, Point),
        reason: Reason,
        detail: &str,
    ) -> RejectedPoint {
        let target = &targets[value.target];
        let at = jiff::Timestamp::from_microsecond(value.start_us)
            .map_or_else(|e| e.to_string(), |at| at.to_string());
        RejectedPoint {
            source: format!("GetMetricData in {}, {}", self.scope.account, self.scope.region),
            record: i64::try_from(record).unwrap_or(i64::MAX),
            reason: reason.as_str(),
            detail: format!("{} of {} at {at}: {detail}", target.entry.metric, target.resource),
            value: Some(value.value.to_string()),
        }
    }

    fn rows(&self, targets: &[Target], values: &[Point]) -> Result<RecordBatch, ArrowError> {
        let starts = || values.iter().map(|value| value.start_us);
        let ends = starts().map(|start| start + self.period_us());
        let texts = |text: &dyn Fn(&Point) -> String| -> Result<ArrayRef, ArrowError> {
            let mut builder = StringDictionaryBuilder::<Int32Type>::new();
            for value in values {
                builder.append(text(value))?;
            }
            Ok(Arc::new(builder.finish()))
        };
        let mut none = (Float64Builder::new(), Int64Builder::new());
        none.0.append_nulls(values.len());
        none.1.append_nulls(values.len());
        let columns: Vec<ArrayRef> = vec![
            instants(starts()),
            instants(ends),
            texts(&|_| self.scope.account.clone())?,
            texts(&|_| self.scope.region.clone())?,
            texts(&|value| targets[value.target].resource.clone())?,
            texts(&|value| targets[value.target].rule.metric.to_owned())?,
            Arc::new(Float64Array::from_iter_values(values.iter().map(|value| value.value))),
            Arc::new(none.0.finish()),
            Arc::new(none.1.finish()),
        ];
        RecordBatch::try_new(schema::utilization().coded_file_schema(), columns)
    }

    /// Estimates of every sampled kind, metric and period. A resource without a value counts as 0, one whose value was
    /// rejected as not drawn. `kept` and `lost` name the first of twins.
    fn estimates(&self, kept: &[Point], lost: &BTreeSet<(usize, i64)>) -> Vec<(EstimateKey, Estimate)> {
        let targets = &self.listed.targets;
        let mut estimates = Vec::new();
        for kind in &self.listed.samples {
            let metric_of = |target: usize| {
                let rule = targets[target].rule;
                (rule.namespace == kind.namespace).then_some(rule.metric)
            };
            let metrics: BTreeSet<&'static str> = (0..targets.len()).filter_map(metric_of).collect();
            let starts = (self.slice.start_s..self.slice.end_s).step_by(self.period_s as usize);
            let mut cells: BTreeMap<(&'static str, i64), (Vec<f64>, u64)> = starts
                .flat_map(|start_s| metrics.iter().map(move |metric| (*metric, start_s * SECOND_US)))
                .map(|key| (key, (Vec::new(), 0)))
                .collect();
            for value in kept {
                if let Some(metric) = metric_of(value.target)
                    && let Some((values, _)) = cells.get_mut(&(metric, value.start_us))
                {
                    values.push(value.value);
                }
            }
            for &(target, start_us) in lost {
                if let Some(metric) = metric_of(target)
                    && let Some((_, rejected)) = cells.get_mut(&(metric, start_us))
                {
                    *rejected += 1;
                }
            }
            for ((metric, start_us), (values, rejected)) in cells {
                let silent = kind.sampled.saturating_sub(values.len() as u64 + rejected);
                if let Some(estimate) = Estimate::of(kind.population, &values, silent) {
                    estimates.push(((kind.resource_type, metric, start_us), estimate));
                }
            }
        }
        estimates
    }

    fn estimate_rows(&self, estimates: &[(EstimateKey, Estimate)]) -> Result<RecordBatch, ArrowError> {
        let texts = |text: &dyn Fn(&EstimateKey) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(estimates.iter().map(|(key, _)| text(key))))
        };
        let counts = |count: &dyn Fn(&Estimate) -> u64| -> ArrayRef {
            let counts =
                estimates.iter().map(|(_, estimate)| i64::try_from(count(estimate)).unwrap_or(i64::MAX));
            Arc::new(Int64Array::from_iter_values(counts))
        };
        let numbers = |number: &dyn Fn(&Estimate) -> Option<f64>| -> ArrayRef {
            Arc::new(estimates.iter().map(|(_, estimate)| number(estimate)).collect::<Float64Array>())
        };
        let columns: Vec<ArrayRef> = vec![
            instants(estimates.iter().map(|((_, _, start), _)| *start)),
            instants(estimates.iter().map(|((_, _, start), _)| start + self.period_us())),
            texts(&|_| self.scope.account.clone()),
            texts(&|_| self.scope.region.clone()),
            texts(&|(resource_type, _, _)| (*resource_type).to_owned()),
            texts(&|(_, metric, _)| (*metric).to_owned()),
            counts(&|estimate| estimate.population),
            counts(&|estimate| estimate.sampled),
            counts(&|estimate| estimate.measured),
            numbers(&|estimate| Some(estimate.mean)),
            numbers(&|estimate| Some(estimate.total)),
            numbers(&|estimate| estimate.spread.map(|spread| spread.standard_error)),
            numbers(&|estimate| estimate.spread.map(|spread| spread.low)),
            numbers(&|estimate| estimate.spread.map(|spread| spread.high)),
            texts(&|_| self.seed.to_string()),
        ];
        RecordBatch::try_new(schema::utilization_estimates().file_schema(), columns)
    }
}

fn instants(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC"))
}

#[cfg(test)]
mod tests;
