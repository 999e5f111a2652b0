//! The columns of data points, and what is read from a row of them.

use airshed_domain::schema::column as c;
use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, DictionaryArray, Float64Array, RecordBatch, StringArray},
    datatypes::{Float64Type, Int32Type, TimestampMicrosecondType, UInt64Type},
};

use super::{RULES, Rule};
use crate::{
    error::Error,
    points::{NAMESPACE, RECORD, UNIT},
    reject::{Reason, Reject},
};

/// A meter that reads a little above full load reads full load: shares up to this are 1, larger ones are rejects.
pub const FULL_LOAD_LIMIT: f64 = 1.01;

/// What is calculated of a data point.
#[derive(Clone, Copy)]
pub(super) struct Measurement {
    pub(super) avg: f64,
    pub(super) max: Option<f64>,
    pub(super) samples: Option<i64>,
}

/// The columns of data points.
pub(super) struct Columns<'a> {
    pub(super) start: &'a [i64],
    pub(super) end: &'a [i64],
    pub(super) account: Text<'a>,
    pub(super) region: Text<'a>,
    pub(super) namespace: Text<'a>,
    pub(super) metric: Text<'a>,
    pub(super) resource: Text<'a>,
    pub(super) unit: Text<'a>,
    pub(super) max: &'a Float64Array,
    pub(super) samples: &'a [f64],
    pub(super) avg: &'a [f64],
    pub(super) record: &'a [u64],
}

/// A dictionary of texts without nulls.
pub(super) struct Text<'a> {
    keys: &'a [i32],
    pub(super) values: &'a ArrayRef,
    texts: &'a StringArray,
}

impl<'a> Text<'a> {
    /// Every text of the dictionary, by its key.
    pub(super) fn texts(&self) -> impl Iterator<Item = &'a str> {
        self.texts.iter().map(Option::unwrap_or_default)
    }

    pub(super) fn key(&self, row: usize) -> i32 {
        self.keys[row]
    }

    pub(super) fn value(&self, row: usize) -> &'a str {
        usize::try_from(self.keys[row]).map_or("", |key| self.texts.value(key))
    }
}

impl<'a> Columns<'a> {
    pub(super) fn of(points: &'a RecordBatch) -> Result<Self, Error> {
        let column = |name| points.column_by_name(name).ok_or(Error::Column(name));
        let text = |name| {
            let array: &DictionaryArray<Int32Type> =
                column(name)?.as_dictionary_opt().ok_or(Error::Column(name))?;
            let values = array.values();
            let texts = values.as_string_opt().ok_or(Error::Column(name))?;
            if array.null_count() > 0 {
                return Err(Error::Column(name));
            }
            Ok(Text { keys: array.keys().values(), values, texts })
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

    /// The rule that takes a data point.
    pub(super) fn rule(&self, row: usize) -> Option<&'static Rule> {
        let (namespace, metric) = (self.namespace.value(row), self.metric.value(row));
        RULES.iter().find(|rule| rule.namespace == namespace && rule.cloudwatch_metric == metric)
    }

    /// What a row has to say of a data point, in the unit of its rule.
    pub(super) fn measurement(&self, row: usize, rule: &Rule) -> Result<Measurement, Reject> {
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
