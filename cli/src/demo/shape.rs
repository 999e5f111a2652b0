//! Shapes: how much of a thing runs in an hour, by local time and day of the week.
//!
//! Made up, and meant to look like what monitoring shows: traffic low at night, high from noon to evening, lower at the
//! weekend. No holidays.

use airshed_domain::period::BillingPeriod;

/// Traffic by local hour, relative to the busiest.
const TRAFFIC: [f64; 24] = [
    0.22, 0.18, 0.15, 0.14, 0.15, 0.20, 0.32, 0.48, 0.63, 0.75, 0.84, 0.90, 0.94, 0.96, 0.95, 0.92, 0.90,
    0.92, 0.97, 1.00, 0.92, 0.74, 0.52, 0.34,
];
const WEEKEND: f64 = 0.7;

/// How something runs through a month.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    /// Every hour, fully.
    Always,
    /// Weekdays from 7 to 19 local time.
    Office,
    /// From local hour 1, for this many hours.
    Nightly(u32),
    /// In proportion to traffic.
    Traffic,
    /// An instance of a scaling group: on while traffic is above the threshold.
    Above(f64),
    /// On for whole days, with this chance a day.
    SomeDays(f64),
    /// Grows through the month by this share.
    Growing(f64),
}

/// An hour of a month in a place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    hour: u32,
    of_hours: f64,
    local_hour: usize,
    weekend: bool,
}

impl Moment {
    /// The `hour`-th hour of the period at an offset from UTC.
    pub(crate) fn new(period: BillingPeriod, hour: u32, utc_offset_hours: i32) -> Self {
        let local_hours = period.window().start_s / 3600 + i64::from(hour) + i64::from(utc_offset_hours);
        // 1970-01-01 was a Thursday, three days after Monday.
        let weekday = (local_hours.div_euclid(24) + 3).rem_euclid(7);
        Self {
            hour,
            of_hours: period.hours() as f64,
            local_hour: usize::try_from(local_hours.rem_euclid(24)).unwrap_or_default(),
            weekend: weekday >= 5,
        }
    }

    /// Traffic of the hour, 0 to 1.
    pub(crate) fn traffic(self) -> f64 {
        TRAFFIC[self.local_hour] * if self.weekend { WEEKEND } else { 1.0 }
    }
}

impl Shape {
    /// How much runs: 0 is nothing, 1 is all. `day` and `noise` are uniform in `[0, 1)`, drawn per day and per hour.
    pub(crate) fn level(self, moment: Moment, day: f64, noise: f64) -> f64 {
        let on = |running: bool| f64::from(u8::from(running));
        match self {
            Self::Always => 1.0,
            Self::Office => on(!moment.weekend && (7..19).contains(&moment.local_hour)),
            Self::Nightly(hours) => {
                let end = 1 + usize::try_from(hours).unwrap_or(24);
                on((1..end).contains(&moment.local_hour))
            }
            Self::Traffic => moment.traffic() * (0.85 + 0.3 * noise),
            Self::Above(threshold) => match moment.traffic() * (0.94 + 0.12 * noise) - threshold {
                above if above <= 0.0 => 0.0,
                // Just scaled out: part of the hour, in whole seconds.
                above if above < 0.03 => (above / 0.03 * 3600.0).ceil() / 3600.0,
                _ => 1.0,
            },
            Self::SomeDays(chance) => on(day < chance),
            Self::Growing(share) => 1.0 + share * f64::from(moment.hour) / moment.of_hours,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn office_hours_are_local_and_skip_weekends() {
        let october: BillingPeriod = "2026-10".parse().unwrap();
        let office = |hour, offset| Shape::Office.level(Moment::new(october, hour, offset), 0.0, 0.0);
        assert!(office(8, 0) > 0.5); // Thursday 1 October 2026, 08:00
        assert!(office(8, -4) < 0.5); // 04:00 in New York
        assert!(office(11, -4) > 0.5);
        assert!(office(48 + 12, 0) < 0.5); // Saturday noon
        assert!(office(96 + 12, 0) > 0.5); // Monday noon
    }
}
