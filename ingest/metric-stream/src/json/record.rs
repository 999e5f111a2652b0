//! One JSON record, borrowed from the window. Its fields may stand in any order, with others among them.

use std::borrow::Cow;

use super::{
    names::Names,
    scan::{Halt, Scan},
};
use crate::{
    points::Point,
    reject::{Fault, Reason},
};

const MICROS_PER_MILLI: i64 = 1000;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// Names of the fields of records and of their values.
#[derive(Debug)]
pub(super) struct FieldNames {
    record: Names,
    value: Names,
}

impl Default for FieldNames {
    fn default() -> Self {
        const RECORD: &[&str] = &[
            "metric_stream_name",
            "account_id",
            "region",
            "namespace",
            "metric_name",
            "dimensions",
            "timestamp",
            "value",
            "unit",
        ];
        Self { record: Names::new(RECORD), value: Names::new(&["min", "max", "sum", "count"]) }
    }
}

/// A text of the window.
type Text<'a> = Cow<'a, str>;

/// A record as AWS documents it; fields that are not used are passed over.
pub(super) struct Record<'a> {
    account_id: Text<'a>,
    region: Text<'a>,
    namespace: Text<'a>,
    metric_name: Text<'a>,
    /// Milliseconds since 1970.
    timestamp: i64,
    value: Statistics,
    unit: Text<'a>,
}

struct Statistics {
    min: Option<f64>,
    max: Option<f64>,
    sum: f64,
    count: f64,
}

impl<'a> Record<'a> {
    /// Reads a record. Its dimensions go to `dimensions`, in their order.
    pub(super) fn read(
        scan: &mut Scan<'a>,
        names: &mut FieldNames,
        dimensions: &mut Vec<(Text<'a>, Text<'a>)>,
    ) -> Result<Self, Halt> {
        let (mut account_id, mut region, mut namespace, mut metric_name) = (None, None, None, None);
        let (mut timestamp, mut value, mut unit, mut has_dimensions) = (None, None, None, None);
        let FieldNames { record: names, value: value_names } = names;
        scan.object_of(names, |scan, name| match name {
            "account_id" => once(&mut account_id, scan.text()?),
            "region" => once(&mut region, scan.text()?),
            "namespace" => once(&mut namespace, scan.text()?),
            "metric_name" => once(&mut metric_name, scan.text()?),
            "dimensions" => {
                once(&mut has_dimensions, ())?;
                scan.object(|scan, name| {
                    dimensions.push((name, scan.text()?));
                    Ok(())
                })
            }
            "timestamp" => once(&mut timestamp, scan.number()?.integer()?),
            "value" => once(&mut value, Statistics::read(scan, value_names)?),
            "unit" => once(&mut unit, scan.text()?),
            _ => scan.skip(),
        })?;
        Ok(Self {
            account_id: account_id.ok_or(Halt::Missing("account_id"))?,
            region: region.ok_or(Halt::Missing("region"))?,
            namespace: namespace.ok_or(Halt::Missing("namespace"))?,
            metric_name: metric_name.ok_or(Halt::Missing("metric_name"))?,
            timestamp: timestamp.ok_or(Halt::Missing("timestamp"))?,
            value: value.ok_or(Halt::Missing("value"))?,
            unit: unit.ok_or(Halt::Missing("unit"))?,
        })
    }

    /// The data point.
    pub(super) fn point(&self, interval_s: u32) -> Result<Point<'_>, Fault> {
        let texts = [
            ("account_id", &self.account_id),
            ("region", &self.region),
            ("namespace", &self.namespace),
            ("metric_name", &self.metric_name),
        ];
        for (name, text) in texts {
            if text.is_empty() {
                return Err(Fault::new(Reason::MissingRequired, format!("`{name}` is empty")));
            }
        }
        let start_us = self.timestamp.saturating_mul(MICROS_PER_MILLI);
        Ok(Point {
            account: &self.account_id,
            region: &self.region,
            namespace: &self.namespace,
            metric: &self.metric_name,
            unit: &self.unit,
            start_us,
            end_us: start_us.saturating_add(i64::from(interval_s) * MICROS_PER_SECOND),
            min: self.value.min,
            max: self.value.max,
            sum: self.value.sum,
            samples: self.value.count,
        })
    }
}

impl Statistics {
    fn read(scan: &mut Scan<'_>, names: &mut Names) -> Result<Self, Halt> {
        let (mut min, mut max, mut sum, mut count) = (None, None, None, None);
        scan.object_of(names, |scan, name| match name {
            "min" => once(&mut min, optional(scan)?),
            "max" => once(&mut max, optional(scan)?),
            "sum" => once(&mut sum, scan.number()?.double()?),
            "count" => once(&mut count, scan.number()?.double()?),
            _ => scan.skip(),
        })?;
        Ok(Self {
            min: min.flatten(),
            max: max.flatten(),
            sum: sum.ok_or(Halt::Missing("sum"))?,
            count: count.ok_or(Halt::Missing("count"))?,
        })
    }
}

fn optional(scan: &mut Scan<'_>) -> Result<Option<f64>, Halt> {
    if scan.takes_null()? { Ok(None) } else { Ok(Some(scan.number()?.double()?)) }
}

fn once<T>(field: &mut Option<T>, value: T) -> Result<(), Halt> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(Halt::Bad(Reason::WrongType, "a field stands twice")),
    }
}
