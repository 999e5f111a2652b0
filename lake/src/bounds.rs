//! Smallest and largest values of a file, kept in its entry of the Delta log: readers leave files out by them.

use std::{collections::BTreeMap, sync::Arc};

use airshed_domain::schema::column;
use arrow::{compute::kernels::cast_utils::string_to_timestamp_nanos, temporal_conversions};
use object_store::{ObjectStore, ObjectStoreExt as _, path::Path};
use parquet::{
    errors::ParquetError,
    file::{
        metadata::{ParquetMetaDataReader, RowGroupMetaData},
        statistics::Statistics,
    },
};
use serde_json::{Map, Value};

use crate::error::{Context as _, Result};

/// Columns whose bounds are kept: files hold few accounts and stretches of time, of all else any value.
const BOUNDED_COLUMNS: &[&str] = &[column::ACCOUNT_ID, column::USAGE_START, column::HOUR, column::DAY];
const MILLISECOND_US: i64 = 1_000;
/// Bytes at the end of a file that are read first: they hold most footers.
const FOOTER_BYTES: u64 = 64 << 10;

/// A value that a file begins or ends at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bound {
    /// A text, compared by its bytes.
    Text(String),
    /// An instant, microseconds since 1970 in UTC. The log knows milliseconds: bounds lie apart up to one more.
    Instant(i64),
}

/// The smallest and the largest value of each bounded column of a file; columns without any value are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounds(BTreeMap<String, (Bound, Bound)>);

impl Bounds {
    /// Bounds of a column.
    pub fn of(&self, name: &str) -> Option<&(Bound, Bound)> {
        self.0.get(name)
    }

    /// As the row groups of a file tell. A column of which one of them tells nothing has none.
    pub(crate) fn of_row_groups(groups: &[RowGroupMetaData]) -> Self {
        let mut all = BTreeMap::new();
        let Some(first) = groups.first() else { return Self::default() };
        for (place, chunk) in first.columns().iter().enumerate() {
            let name = chunk.column_path().string();
            if !BOUNDED_COLUMNS.contains(&name.as_str()) {
                continue;
            }
            let with_values = groups.iter().map(|group| group.column(place)).filter(|chunk| {
                let nulls = chunk.statistics().and_then(Statistics::null_count_opt);
                nulls.and_then(|nulls| i64::try_from(nulls).ok()) != Some(chunk.num_values())
            });
            let bounds: Option<Vec<_>> =
                with_values.map(|chunk| chunk.statistics().and_then(of_statistics)).collect();
            let joined = bounds.and_then(|bounds| {
                bounds.into_iter().reduce(|(low, high), (least, most)| (low.min(least), high.max(most)))
            });
            if let Some((low, high)) = joined {
                all.insert(name, (to_millisecond(low, i64::div_euclid), to_millisecond(high, ceiling)));
            }
        }
        Self(all)
    }

    /// `stats` of an entry of the Delta log.
    pub(crate) fn to_stats(&self, rows: u64) -> String {
        let side = |of: fn(&(Bound, Bound)) -> &Bound| -> Map<String, Value> {
            self.0.iter().map(|(name, bounds)| (name.clone(), to_json(of(bounds)))).collect()
        };
        let mut stats = Map::from_iter([("numRecords".to_owned(), Value::from(rows))]);
        if !self.0.is_empty() {
            stats.insert("minValues".to_owned(), side(|bounds| &bounds.0).into());
            stats.insert("maxValues".to_owned(), side(|bounds| &bounds.1).into());
        }
        Value::Object(stats).to_string()
    }

    /// As an entry of the Delta log tells; what cannot be read bounds nothing.
    pub(crate) fn of_stats(stats: &str) -> Self {
        let stats: Value = serde_json::from_str(stats).unwrap_or_default();
        let read = |name: &str| {
            let low = of_json(name, stats["minValues"][name].as_str()?)?;
            let high = of_json(name, stats["maxValues"][name].as_str()?)?;
            Some((name.to_owned(), (low, high)))
        };
        Self(BOUNDED_COLUMNS.iter().filter_map(|name| read(name)).collect())
    }
}

/// The bounds of a file of some size in a store, as its footer tells.
pub(crate) async fn of_file(store: &Arc<dyn ObjectStore>, file: &Path, size: u64) -> Result<Bounds> {
    let context = || format!("cannot read the footer of `{file}`");
    let mut wanted = FOOTER_BYTES.min(size);
    loop {
        let end = store.get_range(file, size - wanted..size).await.context(context)?;
        let mut reader = ParquetMetaDataReader::new();
        match reader.try_parse_sized(&end, size) {
            Ok(()) => return Ok(Bounds::of_row_groups(reader.finish().context(context)?.row_groups())),
            Err(ParquetError::NeedMoreData(more)) if wanted < more as u64 && more as u64 <= size => {
                wanted = more as u64;
            }
            Err(error) => return Err(error).context(context),
        }
    }
}

fn of_statistics(statistics: &Statistics) -> Option<(Bound, Bound)> {
    if !statistics.min_is_exact() || !statistics.max_is_exact() {
        return None;
    }
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok().map(Bound::Text);
    match statistics {
        Statistics::Int64(values) => {
            Some((Bound::Instant(*values.min_opt()?), Bound::Instant(*values.max_opt()?)))
        }
        Statistics::ByteArray(values) => {
            Some((text(values.min_opt()?.data())?, text(values.max_opt()?.data())?))
        }
        _ => None,
    }
}

fn ceiling(value: i64, step: i64) -> i64 {
    value.div_euclid(step) + i64::from(value.rem_euclid(step) > 0)
}

/// An instant at a whole millisecond, by a way to round.
fn to_millisecond(bound: Bound, divided: fn(i64, i64) -> i64) -> Bound {
    match bound {
        Bound::Instant(us) => Bound::Instant(divided(us, MILLISECOND_US) * MILLISECOND_US),
        text @ Bound::Text(_) => text,
    }
}

fn to_json(bound: &Bound) -> Value {
    match bound {
        Bound::Text(text) => text.as_str().into(),
        Bound::Instant(us) => temporal_conversions::timestamp_us_to_datetime(*us)
            .map_or(Value::Null, |time| time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().into()),
    }
}

fn of_json(name: &str, text: &str) -> Option<Bound> {
    if name == column::ACCOUNT_ID {
        return Some(Bound::Text(text.to_owned()));
    }
    string_to_timestamp_nanos(text).ok().map(|ns| Bound::Instant(ns / 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_keeps_bounds_and_never_narrows_them() {
        let instant = |us| Bound::Instant(us);
        let text = |text: &str| Bound::Text(text.to_owned());
        let bounds = Bounds(
            [
                ("account_id".to_owned(), (text("000000000012"), text("9\"é"))),
                (
                    "hour".to_owned(),
                    (to_millisecond(instant(-1_500), i64::div_euclid), to_millisecond(instant(1), ceiling)),
                ),
            ]
            .into(),
        );
        assert_eq!(bounds.of("hour"), Some(&(instant(-2_000), instant(1_000))));
        let stats = bounds.to_stats(7);
        assert_eq!(
            stats,
            "{\"maxValues\":{\"account_id\":\"9\\\"é\",\"hour\":\"1970-01-01T00:00:00.001Z\"},\
             \"minValues\":{\"account_id\":\"000000000012\",\"hour\":\"1969-12-31T23:59:59.998Z\"},\"numRecords\":7}"
        );
        assert_eq!(Bounds::of_stats(&stats), bounds);
        assert_eq!(Bounds::default().to_stats(7), "{\"numRecords\":7}");
        for other in ["", "[]", "{\"numRecords\":1}", "{\"minValues\":{\"hour\":\"x\"},\"maxValues\":3}"] {
            assert_eq!(Bounds::of_stats(other), Bounds::default(), "{other}");
        }
    }
}
