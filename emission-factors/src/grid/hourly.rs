//! Hourly grid intensities that the user imported, as dense arrays.
//!
//! A zone's hours lie side by side, so a lookup is an index: resolve the zone once ([`HourlyGrid::zone`]), then
//! [`HourlyGrid::get`] per row. A missing value is NaN inside and `None` outside. Values are rounded to 0.001 g on
//! entry, so a table read from 32-bit Parquet and from CSV text is the same table with the same digest.
//!
//! One import must not contradict itself: an hour given twice with different values is refused, because the order of
//! rows in a file must not decide a number. A newer publication is a second import, laid over the first by
//! [`HourlyGrid::overlaid`], where the newer value wins hour by hour.

use std::collections::BTreeMap;

use airshed_domain::period::SECONDS_PER_HOUR;
use sha2::{Digest as _, Sha256};

/// Highest believable intensity, gCO2e/kWh; the dirtiest plants stay below 2,000.
const HIGHEST_G_PER_KWH: f64 = 3000.0;
/// First and last hour that is believed: 1990-01-01 to 2100-01-01, in hours since the Unix epoch.
const HOURS: std::ops::Range<i64> = 175_320..1_139_568;
/// Hours times zones that fit one table (1.7 GB); 350 zones of 20 years are 61 million.
const MOST_CELLS: usize = 100_000_000;

/// Why an hourly value or table is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum HourlyError {
    /// Not a finite number from 0 to 3000 g/kWh.
    #[error("{field} {value} g/kWh is outside 0 to 3000")]
    OutOfRange {
        /// Which figure.
        field: &'static str,
        /// What it was.
        value: f64,
    },
    /// Neither direct nor lifecycle.
    #[error("neither a direct nor a lifecycle value")]
    NoValue,
    /// The zone has no name.
    #[error("the zone has no name")]
    NoZone,
    /// Not the start of an hour, or before 1990 or after 2099.
    #[error("{0} s since 1970 is not the start of an hour from 1990 to 2099")]
    NotAnHour(i64),
    /// The same hour twice in one import, with different values.
    #[error("zone {zone} has two different values for the hour that starts {hour_epoch_s} s after 1970")]
    Contradiction {
        /// The zone.
        zone: String,
        /// Start of the hour, seconds since the Unix epoch.
        hour_epoch_s: i64,
    },
    /// More hours than a table may hold; a wrong date stretches a zone over decades.
    #[error("{0} zone-hours are more than a table may hold; is a date wrong?")]
    TooLarge(usize),
}

/// One hour of a zone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HourlyValue {
    /// Emitted at the power stations, gCO2e/kWh.
    pub direct_g_per_kwh: Option<f64>,
    /// With fuel supply and plants, gCO2e/kWh.
    pub lifecycle_g_per_kwh: Option<f64>,
    /// The publisher marks it as estimated, not measured.
    pub estimated: bool,
}

/// A zone of one [`HourlyGrid`], resolved once per class of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneIndex(usize);

#[derive(Debug, Clone, PartialEq)]
struct Zone {
    name: String,
    first_hour: i64,
    hours: usize,
    offset: usize,
}

/// Hourly intensities by zone and hour.
#[derive(Debug, Clone, Default)]
pub struct HourlyGrid {
    zones: Vec<Zone>,
    direct: Vec<f64>,
    lifecycle: Vec<f64>,
    estimated: Vec<bool>,
}

impl HourlyGrid {
    /// Whether it holds no hour at all.
    pub fn is_empty(&self) -> bool {
        self.zones.is_empty()
    }

    /// The zone with this name, if any hour of it was imported.
    pub fn zone(&self, name: &str) -> Option<ZoneIndex> {
        self.zones.binary_search_by(|zone| zone.name.as_str().cmp(name)).ok().map(ZoneIndex)
    }

    /// Names of the zones, sorted.
    pub fn zone_names(&self) -> impl Iterator<Item = &str> {
        self.zones.iter().map(|zone| zone.name.as_str())
    }

    /// First hour and hour after the last of a zone, seconds since the Unix epoch.
    pub fn window(&self, zone: ZoneIndex) -> (i64, i64) {
        let zone = &self.zones[zone.0];
        let end = zone.first_hour + i64::try_from(zone.hours).unwrap_or(0);
        (zone.first_hour * SECONDS_PER_HOUR, end * SECONDS_PER_HOUR)
    }

    /// The value of the hour that holds an instant (seconds since the Unix epoch), `None` where none was imported.
    #[inline]
    pub fn get(&self, zone: ZoneIndex, epoch_s: i64) -> Option<HourlyValue> {
        let zone = &self.zones[zone.0];
        let hour = usize::try_from(epoch_s.div_euclid(SECONDS_PER_HOUR) - zone.first_hour).ok()?;
        if hour >= zone.hours {
            return None;
        }
        let cell = zone.offset + hour;
        let known = |value: f64| (!value.is_nan()).then_some(value);
        let value = HourlyValue {
            direct_g_per_kwh: known(self.direct[cell]),
            lifecycle_g_per_kwh: known(self.lifecycle[cell]),
            estimated: self.estimated[cell],
        };
        (value.direct_g_per_kwh.is_some() || value.lifecycle_g_per_kwh.is_some()).then_some(value)
    }

    /// Every hour that holds a value, by zone and hour.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i64, HourlyValue)> {
        self.zones.iter().enumerate().flat_map(move |(index, zone)| {
            let (start, end) = self.window(ZoneIndex(index));
            (start..end).step_by(3600).filter_map(move |hour| {
                self.get(ZoneIndex(index), hour).map(|value| (zone.name.as_str(), hour, value))
            })
        })
    }

    /// This table with a newer one laid over it: where both hold an hour, the newer value stands.
    ///
    /// # Errors
    /// When both together are too large.
    pub fn overlaid(&self, newer: &Self) -> Result<Self, HourlyError> {
        if self.is_empty() {
            return Ok(newer.clone());
        }
        let mut rows = BTreeMap::new();
        for (zone, hour, value) in self.iter().chain(newer.iter()) {
            rows.insert((zone, hour), value);
        }
        let mut builder = HourlyGridBuilder::default();
        for ((zone, hour), value) in rows {
            builder.push(zone, hour, value.direct_g_per_kwh, value.lifecycle_g_per_kwh, value.estimated)?;
        }
        builder.build()
    }

    /// SHA-256 over the sorted hours, in hexadecimal: equal tables have equal digests however they were imported.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (zone, hour, value) in self.iter() {
            let direct = value.direct_g_per_kwh.map_or(u64::MAX, f64::to_bits);
            let lifecycle = value.lifecycle_g_per_kwh.map_or(u64::MAX, f64::to_bits);
            hash.update(zone.as_bytes());
            hash.update([0, u8::from(value.estimated)]);
            hash.update(hour.to_le_bytes());
            hash.update(direct.to_le_bytes());
            hash.update(lifecycle.to_le_bytes());
        }
        hash.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Entry {
    hour: i64,
    direct: f64,
    lifecycle: f64,
    estimated: bool,
}

/// Collects the rows of one import.
#[derive(Debug, Clone, Default)]
pub struct HourlyGridBuilder {
    zones: BTreeMap<String, Vec<Entry>>,
}

impl HourlyGridBuilder {
    /// Adds one hour of a zone. `hour_epoch_s` is the start of the hour in seconds since the Unix epoch; values are
    /// gCO2e/kWh, at least one of them.
    ///
    /// # Errors
    /// When the hour or a value is not believable; nothing is added then.
    pub fn push(
        &mut self,
        zone: &str,
        hour_epoch_s: i64,
        direct_g_per_kwh: Option<f64>,
        lifecycle_g_per_kwh: Option<f64>,
        estimated: bool,
    ) -> Result<(), HourlyError> {
        let hour = hour_epoch_s.div_euclid(SECONDS_PER_HOUR);
        if hour_epoch_s.rem_euclid(SECONDS_PER_HOUR) != 0 || !HOURS.contains(&hour) {
            return Err(HourlyError::NotAnHour(hour_epoch_s));
        }
        if zone.is_empty() {
            return Err(HourlyError::NoZone);
        }
        let direct = checked("direct", direct_g_per_kwh)?;
        let lifecycle = checked("lifecycle", lifecycle_g_per_kwh)?;
        if direct.is_nan() && lifecycle.is_nan() {
            return Err(HourlyError::NoValue);
        }
        let entry = Entry { hour, direct, lifecycle, estimated };
        match self.zones.get_mut(zone) {
            Some(entries) => entries.push(entry),
            None => {
                self.zones.insert(zone.to_owned(), vec![entry]);
            }
        }
        Ok(())
    }

    /// The table of all rows.
    ///
    /// # Errors
    /// When two rows contradict each other or the rows span more hours than a table may hold.
    pub fn build(self) -> Result<HourlyGrid, HourlyError> {
        let mut cells = 0usize;
        let mut sorted = Vec::with_capacity(self.zones.len());
        for (name, mut entries) in self.zones {
            entries.sort_by_key(|entry| entry.hour);
            let first_hour = entries.first().map_or(0, |entry| entry.hour);
            let last_hour = entries.last().map_or(0, |entry| entry.hour);
            let hours = usize::try_from(last_hour - first_hour + 1).unwrap_or(0);
            let zone = Zone { name, first_hour, hours, offset: cells };
            cells += hours;
            if cells > MOST_CELLS {
                return Err(HourlyError::TooLarge(cells));
            }
            sorted.push((zone, entries));
        }
        let mut grid = HourlyGrid {
            zones: Vec::with_capacity(sorted.len()),
            direct: vec![f64::NAN; cells],
            lifecycle: vec![f64::NAN; cells],
            estimated: vec![false; cells],
        };
        for (zone, entries) in sorted {
            for pair in entries.windows(2) {
                if pair[0].hour == pair[1].hour && !same(pair[0], pair[1]) {
                    let hour_epoch_s = pair[0].hour * SECONDS_PER_HOUR;
                    return Err(HourlyError::Contradiction { zone: zone.name, hour_epoch_s });
                }
            }
            for entry in entries {
                let cell = zone.offset + usize::try_from(entry.hour - zone.first_hour).unwrap_or(0);
                grid.direct[cell] = entry.direct;
                grid.lifecycle[cell] = entry.lifecycle;
                grid.estimated[cell] = entry.estimated;
            }
            grid.zones.push(zone);
        }
        Ok(grid)
    }
}

fn checked(field: &'static str, value: Option<f64>) -> Result<f64, HourlyError> {
    match value {
        None => Ok(f64::NAN),
        Some(value) if (0.0..=HIGHEST_G_PER_KWH).contains(&value) => {
            Ok((value * 1000.0).round() / 1000.0 + 0.0)
        } // + 0.0: no negative zero
        Some(value) => Err(HourlyError::OutOfRange { field, value }),
    }
}

/// Equal, with missing equal to missing.
fn same(a: Entry, b: Entry) -> bool {
    let equal = |x: f64, y: f64| x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan());
    equal(a.direct, b.direct) && equal(a.lifecycle, b.lifecycle) && a.estimated == b.estimated
}

#[cfg(test)]
mod tests;
