//! One JSON record, borrowed from the window.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use crate::{
    points::Point,
    reject::{Fault, Reason},
};

const MICROS_PER_MILLI: i64 = 1000;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// A record as AWS documents it; fields that are not used are passed over.
#[derive(Deserialize)]
pub(super) struct Record<'a> {
    #[serde(borrow)]
    account_id: Cow<'a, str>,
    #[serde(borrow)]
    region: Cow<'a, str>,
    #[serde(borrow)]
    namespace: Cow<'a, str>,
    #[serde(borrow)]
    metric_name: Cow<'a, str>,
    #[serde(borrow, default)]
    dimensions: Dimensions<'a>,
    /// Milliseconds since 1970.
    timestamp: i64,
    value: Statistics,
    #[serde(borrow)]
    unit: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Statistics {
    min: Option<f64>,
    max: Option<f64>,
    sum: f64,
    count: f64,
}

/// Dimensions in the order of the record.
#[derive(Default)]
struct Dimensions<'a>(Vec<(Text<'a>, Text<'a>)>);

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Record<'_> {
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

    pub(super) fn dimensions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.dimensions.0.iter().map(|(name, value)| (&*name.0, &*value.0))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Dimensions<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Dimensions<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("dimensions")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Dimensions(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
