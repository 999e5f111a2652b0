//! The data points of one `ExportMetricsServiceRequest`.
//!
//! Formats 1.0 and 0.7 have the same field numbers on the way down; a data point of 0.7 has its attributes in field 1, as
//! pairs of texts and with the dimensions among them, one of 1.0 in field 7, with the dimensions in a list of their own.
//! Numbers and names: `metrics.proto`, `common.proto` and `collector/metrics_service.proto` of
//! <https://github.com/open-telemetry/opentelemetry-proto/tree/v1.0.0>.

use super::wire::{Damage, Fields, Value};
use crate::{
    decoder::Sink,
    error::Error,
    points::Point,
    reject::{Fault, Reason},
    resource::resource_of,
    unit::cloudwatch_from_ucum,
};

const NANOS_PER_MICRO: u64 = 1000;

/// Puts the data points of a message, which stands at `offset`, into the sink.
pub(super) fn read(message: &[u8], offset: u64, sink: &mut Sink) -> Result<(), Error> {
    let mut reader = Reader { offset, sink, dimensions: Vec::new() };
    let read = reader.each(message, 1, Reader::resource_metrics);
    match read {
        Ok(()) => Ok(()),
        Err(Stop::Error(error)) => Err(error),
        Err(Stop::Fault(fault)) => {
            let detail = format!("{}; the rest of the message is not read", fault.detail);
            sink.reject(offset, Fault { detail, ..fault });
            Ok(())
        }
    }
}

/// Why a message was given up.
enum Stop {
    Fault(Fault),
    Error(Error),
}

/// What is the same for all data points of a metric.
struct Metric<'a> {
    account: &'a str,
    region: &'a str,
    unit: &'a str,
}

struct Reader<'s, 'm> {
    offset: u64,
    sink: &'s mut Sink,
    /// Of the data point at hand.
    dimensions: Vec<(&'m str, &'m str)>,
}

impl<'m> Reader<'_, 'm> {
    /// Calls `f` with each message that stands in a field.
    fn each(
        &mut self,
        message: &'m [u8],
        field: u64,
        mut f: impl FnMut(&mut Self, &'m [u8]) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        for item in Fields::of(message) {
            if let (number, Value::Bytes(bytes)) = item?
                && number == field
            {
                f(self, bytes)?;
            }
        }
        Ok(())
    }

    fn resource_metrics(&mut self, bytes: &'m [u8]) -> Result<(), Stop> {
        let (mut account, mut region) = ("", "");
        self.each(bytes, 1, |reader, resource| {
            reader.each(resource, 1, |_, attribute| {
                match key_value(attribute)? {
                    ("cloud.account.id", value) => account = any_text(value)?,
                    ("cloud.region", value) => region = any_text(value)?,
                    _ => {}
                }
                Ok(())
            })
        })?;
        self.each(bytes, 2, |reader, scope| {
            reader.each(scope, 2, |reader, metric| reader.metric(metric, account, region))
        })
    }

    fn metric(&mut self, bytes: &'m [u8], account: &'m str, region: &'m str) -> Result<(), Stop> {
        let (mut unit, mut summary, mut other) = ("", None, None);
        for item in Fields::of(bytes) {
            match item? {
                (3, Value::Bytes(text)) => unit = utf8(text)?,
                (11, Value::Bytes(data)) => summary = Some(data),
                (number @ (4..=10), Value::Bytes(_)) => other = Some(number),
                _ => {}
            }
        }
        let Some(summary) = summary else {
            let detail = "the metric is no summary, the only kind that metric streams deliver";
            let kind = other.map_or_else(|| "no data".to_owned(), |number| format!("field {number}"));
            self.sink.reject(self.offset, Fault::new(Reason::WrongType, detail).with_value(&kind));
            return Ok(());
        };
        let metric = Metric { account, region, unit: cloudwatch_from_ucum(unit) };
        self.each(summary, 1, |reader, point| match reader.data_point(point, &metric) {
            // Texts that are no UTF-8 are of this data point alone: the fields around it are whole.
            Err(Stop::Fault(fault)) if fault.reason != Reason::Damaged => {
                reader.sink.reject(reader.offset, fault);
                Ok(())
            }
            other => other,
        })
    }

    fn data_point(&mut self, bytes: &'m [u8], metric: &Metric<'m>) -> Result<(), Stop> {
        let (mut namespace, mut name) = ("", "");
        let (mut start_ns, mut end_ns, mut samples, mut sum) = (0, 0, 0, 0.0);
        let (mut min, mut max) = (None, None);
        self.dimensions.clear();
        for item in Fields::of(bytes) {
            match item? {
                (1, Value::Bytes(label)) => match label_of(label)? {
                    ("Namespace", text) => namespace = text,
                    ("MetricName", text) => name = text,
                    dimension => self.dimensions.push(dimension),
                },
                (7, Value::Bytes(attribute)) => match key_value(attribute)? {
                    ("Namespace", value) => namespace = any_text(value)?,
                    ("MetricName", value) => name = any_text(value)?,
                    ("Dimensions", value) => self.add_dimensions(value)?,
                    _ => {}
                },
                (2, Value::Fixed64(nanos)) => start_ns = nanos,
                (3, Value::Fixed64(nanos)) => end_ns = nanos,
                (4, Value::Fixed64(count)) => samples = count,
                (5, Value::Fixed64(bits)) => sum = f64::from_bits(bits),
                (6, Value::Bytes(quantile)) => match quantile_of(quantile)? {
                    (0.0, value) => min = Some(value),
                    (1.0, value) => max = Some(value),
                    _ => {}
                },
                _ => {}
            }
        }
        let texts = [
            ("cloud.account.id", metric.account),
            ("cloud.region", metric.region),
            ("Namespace", namespace),
            ("MetricName", name),
        ];
        if let Some((attribute, _)) = texts.iter().find(|(_, text)| text.is_empty()) {
            let detail = format!("the attribute `{attribute}` is missing");
            return Err(Stop::Fault(Fault::new(Reason::MissingRequired, detail)));
        }
        // Nanoseconds of 64 bits, in microseconds, fit.
        let micros = |nanos: u64| (nanos / NANOS_PER_MICRO).cast_signed();
        let point = Point {
            account: metric.account,
            region: metric.region,
            namespace,
            metric: name,
            unit: metric.unit,
            start_us: micros(start_ns),
            end_us: micros(end_ns),
            min,
            max,
            sum,
            samples: samples as f64,
        };
        let resource = resource_of(namespace, self.dimensions.iter().copied());
        self.sink.point(self.offset, &point, resource).map_err(Stop::Error)
    }

    /// The pairs of the `Dimensions` attribute of 1.0.
    fn add_dimensions(&mut self, any_value: &'m [u8]) -> Result<(), Stop> {
        self.each(any_value, 6, |reader, list| {
            reader.each(list, 1, |reader, pair| {
                let (name, value) = key_value(pair)?;
                reader.dimensions.push((name, any_text(value)?));
                Ok(())
            })
        })
    }
}

/// Key and value of a `KeyValue`; the value is an `AnyValue`.
fn key_value(bytes: &[u8]) -> Result<(&str, &[u8]), Stop> {
    let (mut key, mut value): (&str, &[u8]) = ("", &[]);
    for item in Fields::of(bytes) {
        match item? {
            (1, Value::Bytes(text)) => key = utf8(text)?,
            (2, Value::Bytes(any)) => value = any,
            _ => {}
        }
    }
    Ok((key, value))
}

/// The text of an `AnyValue`; empty when it holds something else.
fn any_text(bytes: &[u8]) -> Result<&str, Stop> {
    let mut text = "";
    for item in Fields::of(bytes) {
        if let (1, Value::Bytes(bytes)) = item? {
            text = utf8(bytes)?;
        }
    }
    Ok(text)
}

/// Key and value of a `StringKeyValue` of 0.7.
fn label_of(bytes: &[u8]) -> Result<(&str, &str), Stop> {
    let (key, value) = key_value(bytes)?;
    Ok((key, utf8(value)?))
}

/// Quantile and value of a `ValueAtQuantile`; a zero is not on the wire.
fn quantile_of(bytes: &[u8]) -> Result<(f64, f64), Stop> {
    let (mut quantile, mut value) = (0.0, 0.0);
    for item in Fields::of(bytes) {
        match item? {
            (1, Value::Fixed64(bits)) => quantile = f64::from_bits(bits),
            (2, Value::Fixed64(bits)) => value = f64::from_bits(bits),
            _ => {}
        }
    }
    Ok((quantile, value))
}

fn utf8(bytes: &[u8]) -> Result<&str, Stop> {
    std::str::from_utf8(bytes)
        .map_err(|_| Stop::Fault(Fault::new(Reason::NotUtf8, "a text is not UTF-8").with_bytes(bytes)))
}

impl From<Damage> for Stop {
    fn from(Damage(detail): Damage) -> Self {
        Self::Fault(Fault::new(Reason::Damaged, detail))
    }
}
