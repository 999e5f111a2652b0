//! Billing periods and windows of UTC time.

use std::{fmt, str::FromStr};

use jiff::civil::Date;

/// A calendar month in UTC, the unit in which cloud providers bill and this ledger closes.
///
/// - Written `YYYY-MM`; the order of the text is the order of time.
/// - Years 1970 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BillingPeriod {
    year: i16,
    month: i8,
}

/// The text or date is not a billing period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a billing period (expected YYYY-MM)")]
pub struct InvalidPeriod(String);

/// Seconds of an hour.
pub const SECONDS_PER_HOUR: i64 = 3600;

impl BillingPeriod {
    /// The period of a calendar year and month (1 to 12).
    ///
    /// # Errors
    /// When there is no such month or the year is outside 1970..=9999.
    pub fn new(year: i16, month: i8) -> Result<Self, InvalidPeriod> {
        if (1970..=9999).contains(&year) && (1..=12).contains(&month) {
            Ok(Self { year, month })
        } else {
            Err(InvalidPeriod(format!("{year}-{month}")))
        }
    }

    /// The period that holds an instant given in seconds since the Unix epoch.
    ///
    /// # Errors
    /// When the instant is outside the years 1970..=9999.
    pub fn of_epoch_seconds(seconds: i64) -> Result<Self, InvalidPeriod> {
        let date = jiff::Timestamp::from_second(seconds)
            .map_err(|_| InvalidPeriod(format!("{seconds} s since 1970")))?
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date();
        Self::new(date.year(), date.month())
    }

    /// The calendar year.
    pub fn year(self) -> i16 {
        self.year
    }

    /// The month of the year, 1 to 12.
    pub fn month(self) -> i8 {
        self.month
    }

    /// The next period.
    #[must_use]
    pub fn next(self) -> Self {
        if self.month == 12 {
            Self { year: self.year + 1, month: 1 }
        } else {
            Self { month: self.month + 1, ..self }
        }
    }

    /// The half-open window of the period.
    pub fn window(self) -> Window {
        Window { start_s: self.start_s(), end_s: self.next().start_s() }
    }

    /// Hours in the period, 672 to 744 (UTC has no clock changes).
    pub fn hours(self) -> i64 {
        self.window().seconds() / SECONDS_PER_HOUR
    }

    fn start_s(self) -> i64 {
        const EPOCH_YEAR: i64 = 1970;
        let (year, month) = (i64::from(self.year), self.month);
        if let Ok(date) = Date::new(self.year, month, 1) {
            let epoch = Date::constant(1970, 1, 1);
            let days = (date - epoch).get_days();
            i64::from(days) * 86_400
        } else {
            (year - EPOCH_YEAR) * 31_556_952
        }
    }
}

impl fmt::Display for BillingPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for BillingPeriod {
    type Err = InvalidPeriod;

    fn from_str(text: &str) -> Result<Self, InvalidPeriod> {
        let invalid = || InvalidPeriod(text.to_owned());
        let (year, month) = text.split_once('-').ok_or_else(invalid)?;
        if year.len() != 4 || month.len() != 2 {
            return Err(invalid());
        }
        Self::new(year.parse().map_err(|_| invalid())?, month.parse().map_err(|_| invalid())?)
            .map_err(|_| invalid())
    }
}

/// A half-open window of UTC time, `[start, end)`, in seconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First second inside.
    pub start_s: i64,
    /// First second after.
    pub end_s: i64,
}

impl Window {
    /// Whether the instant lies inside.
    pub fn contains(self, seconds: i64) -> bool {
        (self.start_s..self.end_s).contains(&seconds)
    }

    /// Length in seconds.
    pub fn seconds(self) -> i64 {
        self.end_s - self.start_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_have_their_hours() {
        for (text, hours) in [("2026-10", 744), ("2026-02", 672), ("2024-02", 696), ("2026-11", 720)] {
            let period: BillingPeriod = text.parse().unwrap();
            assert_eq!(period.hours(), hours, "{text}");
            assert_eq!(period.to_string(), text);
        }
    }

    #[test]
    fn a_window_is_half_open() {
        let october: BillingPeriod = "2026-10".parse().unwrap();
        let window = october.window();
        assert!(window.contains(window.start_s));
        assert!(!window.contains(window.end_s));
        assert_eq!(BillingPeriod::of_epoch_seconds(window.end_s - 1), Ok(october));
        assert_eq!(BillingPeriod::of_epoch_seconds(window.end_s), Ok(october.next()));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["2026", "2026-13", "2026-1", "26-10", "2026-00", "2026-10-01", "abcd-ef", "1969-12"] {
            assert!(text.parse::<BillingPeriod>().is_err(), "{text}");
        }
    }
}
