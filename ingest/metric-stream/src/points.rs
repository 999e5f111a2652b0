//! The Arrow batches of decoded data points.
//!
//! Names of what repeats are dictionaries; a dictionary lives as long as its batch.

use std::sync::{Arc, LazyLock};

use airshed_domain::schema::{self, column as c};
use arrow::{
    array::{
        ArrayRef, DictionaryArray, Float64Builder, Int32Array, RecordBatch, StringDictionaryBuilder,
        TimestampMicrosecondBuilder, UInt64Builder,
    },
    datatypes::{DataType, Field, Int32Type, Schema, SchemaRef},
    error::ArrowError,
};

use crate::{
    error::Error,
    reject::{Fault, Reason},
};

/// Column: the CloudWatch namespace, such as `AWS/EC2`.
pub const NAMESPACE: &str = "namespace";
/// Column: the unit, by its CloudWatch name.
pub const UNIT: &str = "unit";
/// Column: smallest sample.
pub const MIN: &str = "min";
/// Column: sum of the samples.
pub const SUM: &str = "sum";
/// Column: number of the record in its object, from 0.
pub const RECORD: &str = "record";

/// Longest interval of a data point: the longest that CloudWatch publishes is a day.
const LONGEST_US: i64 = 86_400 * 1_000_000;
/// First microsecond after the year 2261.
const END_OF_TIME_US: i64 = 9_214_646_400 * 1_000_000;
/// Slots of texts that were met lately: one for each byte.
const SLOTS: usize = 256;
/// The key of an empty slot.
const NO_KEY: i32 = -1;
/// Texts that a dictionary has room for at first.
const USUAL_VALUES: usize = 64;

/// The columns of data points, in order: `usage_start`, `usage_end`, `account_id`, `region`, [`NAMESPACE`], `metric`,
/// `resource_id`, [`UNIT`], [`MIN`], `max`, [`SUM`], `samples`, `avg`, [`RECORD`].
///
/// `samples` is a double, as CloudWatch has it; `avg` is [`SUM`] over `samples`; [`MIN`] and `max` are null where the
/// stream leaves them out.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let text = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let field = |name, data_type| Field::new(name, data_type, false);
        Arc::new(Schema::new(vec![
            field(c::USAGE_START, schema::timestamp_type()),
            field(c::USAGE_END, schema::timestamp_type()),
            field(c::ACCOUNT_ID, text()),
            field(c::REGION, text()),
            field(NAMESPACE, text()),
            field(c::METRIC, text()),
            field(c::RESOURCE_ID, text()),
            field(UNIT, text()),
            Field::new(MIN, DataType::Float64, true),
            Field::new(c::MAX, DataType::Float64, true),
            field(SUM, DataType::Float64),
            field(c::SAMPLES, DataType::Float64),
            field(c::AVG, DataType::Float64),
            field(RECORD, DataType::UInt64),
        ]))
    });
    Arc::clone(&SCHEMA)
}

/// One data point, without the resource that it speaks of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point<'a> {
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) metric: &'a str,
    pub(crate) unit: &'a str,
    /// Microseconds since 1970.
    pub(crate) start_us: i64,
    /// First microsecond after.
    pub(crate) end_us: i64,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) sum: f64,
    pub(crate) samples: f64,
}

impl Point<'_> {
    /// What is wrong with it, if anything; its texts are checked by who reads them.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        if !(0..END_OF_TIME_US).contains(&self.start_us) {
            let detail = "the start is not in the years 1970 to 2261";
            return Err(Fault::new(Reason::BadTimestamp, detail).with_value(&self.start_us));
        }
        let length = self.end_us.saturating_sub(self.start_us);
        if length <= 0 || length > LONGEST_US {
            let detail = "the interval is not longer than nothing and at most a day";
            return Err(Fault::new(Reason::BadInterval, detail).with_value(&length));
        }
        for value in [Some(self.sum), Some(self.samples), self.min, self.max].into_iter().flatten() {
            if !value.is_finite() {
                return Err(Fault::new(Reason::NotFinite, "a statistic is not finite").with_value(&value));
            }
        }
        if self.samples <= 0.0 || !(self.sum / self.samples).is_finite() {
            let detail = "there are no samples, so there is no average";
            return Err(Fault::new(Reason::OutOfRange, detail).with_value(&self.samples));
        }
        Ok(())
    }
}

/// A dictionary column. Most columns have few texts, which come again and again: a text is compared with the one that
/// was met last in its slot before it is looked up.
struct Names {
    keys: Vec<i32>,
    known: StringDictionaryBuilder<Int32Type>,
    slots: Vec<(String, i32)>,
}

impl Names {
    fn with_capacity(rows: usize) -> Self {
        let known = StringDictionaryBuilder::with_capacity(USUAL_VALUES, USUAL_VALUES, USUAL_VALUES * 16);
        Self { keys: Vec::with_capacity(rows), known, slots: vec![(String::new(), NO_KEY); SLOTS] }
    }

    fn push(&mut self, text: &str) -> Result<(), ArrowError> {
        let slot = &mut self.slots[slot_of(text)];
        if slot.1 == NO_KEY || slot.0 != text {
            slot.1 = self.known.append(text)?;
            slot.0.clear();
            slot.0.push_str(text);
        }
        self.keys.push(slot.1);
        Ok(())
    }

    fn finish(mut self) -> Result<ArrayRef, ArrowError> {
        let values = Arc::clone(self.known.finish().values());
        Ok(Arc::new(DictionaryArray::try_new(Int32Array::from(self.keys), values)?))
    }
}

/// The slot of a text, by its length and its last bytes, in which names differ most.
fn slot_of(text: &str) -> usize {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let bytes = text.as_bytes();
    let word = bytes.last_chunk().map_or_else(
        || bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        |last| u64::from_le_bytes(*last),
    );
    let mixed = (word ^ text.len() as u64).wrapping_mul(MIX);
    usize::from(mixed.to_be_bytes()[0])
}

/// Collects the data points of a batch.
pub(crate) struct Points {
    rows: usize,
    start: TimestampMicrosecondBuilder,
    end: TimestampMicrosecondBuilder,
    account: Names,
    region: Names,
    namespace: Names,
    metric: Names,
    resource: Names,
    unit: Names,
    min: Float64Builder,
    max: Float64Builder,
    sum: Float64Builder,
    samples: Float64Builder,
    avg: Float64Builder,
    record: UInt64Builder,
}

impl Points {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        let few = || Names::with_capacity(rows);
        let numbers = || Float64Builder::with_capacity(rows);
        let times =
            || TimestampMicrosecondBuilder::with_capacity(rows).with_data_type(schema::timestamp_type());
        Self {
            rows: 0,
            start: times(),
            end: times(),
            account: few(),
            region: few(),
            namespace: few(),
            metric: few(),
            resource: few(),
            unit: few(),
            min: numbers(),
            max: numbers(),
            sum: numbers(),
            samples: numbers(),
            avg: numbers(),
            record: UInt64Builder::with_capacity(rows),
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a data point that was checked.
    pub(crate) fn push(&mut self, point: &Point<'_>, resource: &str, record: u64) -> Result<(), Error> {
        self.start.append_value(point.start_us);
        self.end.append_value(point.end_us);
        self.account.push(point.account)?;
        self.region.push(point.region)?;
        self.namespace.push(point.namespace)?;
        self.metric.push(point.metric)?;
        self.resource.push(resource)?;
        self.unit.push(point.unit)?;
        // Minus zero is zero: the same measurement, the same bytes.
        self.min.append_option(point.min.map(|min| min + 0.0));
        self.max.append_option(point.max.map(|max| max + 0.0));
        self.sum.append_value(point.sum + 0.0);
        self.samples.append_value(point.samples);
        self.avg.append_value(point.sum / point.samples + 0.0);
        self.record.append_value(record);
        self.rows += 1;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<RecordBatch, Error> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.start.finish()),
            Arc::new(self.end.finish()),
            self.account.finish()?,
            self.region.finish()?,
            self.namespace.finish()?,
            self.metric.finish()?,
            self.resource.finish()?,
            self.unit.finish()?,
            Arc::new(self.min.finish()),
            Arc::new(self.max.finish()),
            Arc::new(self.sum.finish()),
            Arc::new(self.samples.finish()),
            Arc::new(self.avg.finish()),
            Arc::new(self.record.finish()),
        ];
        Ok(RecordBatch::try_new(schema(), columns)?)
    }
}
