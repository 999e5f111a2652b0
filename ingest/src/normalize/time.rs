//! Columns of instants of any type as microseconds in UTC.
//!
//! Timestamps of any unit, dates, text (ISO 8601 with `T` or a blank, seconds and zone optional) and bare integers are
//! read. A bare integer tells its unit by its size: below 10^11 seconds, below 10^14 milliseconds, below 10^17
//! microseconds, else nanoseconds, which is unambiguous from 1973 on. Text without a zone is UTC, as providers bill.

use airshed_domain::period::BillingPeriod;
use arrow::{
    array::{Array as _, ArrayRef, AsArray as _},
    compute::cast,
    datatypes::{DataType, Int64Type, TimeUnit},
    error::ArrowError,
};

use super::{
    period_number,
    text::{Text, text_at, text_of},
};

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// 2262-01-01T00:00:00Z, the first instant that is too late: SQL engines that count nanoseconds in 64 bits end in that
/// year, and one such line would break every query that truncates to hours.
const END_OF_TIME: i64 = 9_214_646_400 * MICROS_PER_SECOND;

/// A column of instants of a batch.
pub(super) struct Instants {
    micros: Vec<i64>,
    text: Option<Text>,
}

/// What stands in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instant {
    /// Nothing.
    Null,
    /// Something that is no instant of the years 1970 to 2261.
    Bad,
    /// Microseconds since 1970, UTC.
    At(i64),
}

const NULL: i64 = i64::MIN;
const BAD: i64 = i64::MIN + 1;

/// Whether a column of this type can be read as instants.
pub(super) fn is_temporal(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, value) => is_temporal(value),
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => true,
        other => other.is_integer() || other.is_string() || other.is_null(),
    }
}

impl Instants {
    /// A column of nulls.
    pub(super) fn absent(rows: usize) -> Self {
        Self { micros: vec![NULL; rows], text: None }
    }

    /// The instants of a column; nulls when the file has no such column.
    pub(super) fn of(array: Option<&ArrayRef>, rows: usize) -> Result<Self, ArrowError> {
        let Some(array) = array else { return Ok(Self::absent(rows)) };
        match array.data_type() {
            DataType::Timestamp(TimeUnit::Second, _) => whole(array, |v| v.checked_mul(MICROS_PER_SECOND)),
            DataType::Timestamp(TimeUnit::Millisecond, _) | DataType::Date64 => {
                whole(array, |v| v.checked_mul(1000))
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => whole(array, Some),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => whole(array, |v| Some(v.div_euclid(1000))),
            DataType::Date32 => whole(&cast(array, &DataType::Int32)?, |v| v.checked_mul(MICROS_PER_DAY)),
            other if other.is_integer() => whole(array, by_size),
            _ => {
                let text = text_of(array)?;
                let values = text.values().as_string::<i32>();
                let parsed: Vec<i64> = values
                    .iter()
                    .map(|v| v.map_or(NULL, |v| if v.trim().is_empty() { NULL } else { or_bad(parse(v)) }))
                    .collect();
                let at = |key: Option<i32>| {
                    key.and_then(|key| usize::try_from(key).ok()).and_then(|key| parsed.get(key)).copied()
                };
                let micros = text.keys().iter().map(|key| at(key).unwrap_or(NULL)).collect();
                Ok(Self { micros, text: Some(text) })
            }
        }
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.micros.len()
    }

    /// The instant of a row.
    #[inline]
    pub(super) fn get(&self, row: usize) -> Instant {
        match self.micros[row] {
            NULL => Instant::Null,
            BAD => Instant::Bad,
            micros => Instant::At(micros),
        }
    }

    /// The text of a row, where the file holds text.
    pub(super) fn as_it_stands(&self, row: usize) -> Option<&str> {
        self.text.as_ref().and_then(|text| text_at(text, row))
    }
}

fn whole(array: &ArrayRef, to_micros: impl Fn(i64) -> Option<i64>) -> Result<Instants, ArrowError> {
    let array = cast(array, &DataType::Int64)?;
    let array = array.as_primitive::<Int64Type>();
    let micros = match array.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => array.values().iter().map(|v| or_bad(to_micros(*v))).collect(),
        Some(_) => array.iter().map(|v| v.map_or(NULL, |v| or_bad(to_micros(v)))).collect(),
    };
    Ok(Instants { micros, text: None })
}

fn or_bad(micros: Option<i64>) -> i64 {
    micros.filter(|micros| (0..END_OF_TIME).contains(micros)).unwrap_or(BAD)
}

fn by_size(value: i64) -> Option<i64> {
    match value.unsigned_abs() {
        0..100_000_000_000 => value.checked_mul(MICROS_PER_SECOND),
        100_000_000_000..100_000_000_000_000 => value.checked_mul(1000),
        100_000_000_000_000..100_000_000_000_000_000 => Some(value),
        _ => Some(value.div_euclid(1000)),
    }
}

/// The instant that a text names, in microseconds since 1970, UTC; nothing before 1970 or from 2262 on.
pub(crate) fn instant_from_text(text: &str) -> Option<i64> {
    parse(text).filter(|micros| (0..END_OF_TIME).contains(micros))
}

/// `2024-09-01`, `2024-09-01 00:00:00`, `2024-09-01T00:00Z`, `2024-09-01T00:00:00.000+02:00`, `... UTC`.
pub(super) fn parse(text: &str) -> Option<i64> {
    let text = text.trim().as_bytes();
    let (date, rest) = text.split_at_checked(10)?;
    if date[4] != b'-' || date[7] != b'-' {
        return None;
    }
    let (year, month, day) = (number(&date[..4])?, number(&date[5..7])?, number(&date[8..])?);
    let date =
        jiff::civil::Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?)
            .ok()?;
    let days = i64::from((date - jiff::civil::Date::constant(1970, 1, 1)).get_days());
    let rest = match rest {
        [] => return Some(days * MICROS_PER_DAY),
        [b'T' | b't' | b' ', rest @ ..] => rest,
        _ => return None,
    };
    let (time, rest) = rest.split_at_checked(5)?;
    let (hour, minute) = (number(&time[..2])?, number(&time[3..])?);
    if time[2] != b':' || hour > 23 || minute > 59 {
        return None;
    }
    let (second, rest) = match rest {
        [b':', a, b, rest @ ..] => (number(&[*a, *b])?, rest),
        rest => (0, rest),
    };
    let (fraction, zone) = match rest {
        [b'.' | b',', rest @ ..] => {
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            let micros = rest[..digits].iter().chain(std::iter::repeat(&b'0')).take(6);
            (micros.fold(0i64, |sum, digit| sum * 10 + i64::from(digit - b'0')), &rest[digits..])
        }
        rest => (0, rest),
    };
    // A leap second is the first of the next minute.
    let seconds = hour * 3600 + minute * 60 + second.min(60) - zone_seconds(zone)?;
    (second <= 60).then_some(days * MICROS_PER_DAY + seconds * MICROS_PER_SECOND + fraction)
}

fn zone_seconds(zone: &[u8]) -> Option<i64> {
    let zone = zone.trim_ascii();
    let (sign, digits) = match zone {
        [] | b"Z" | b"z" | b"UTC" | b"GMT" => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits {
        [_, _] => (number(digits)?, 0),
        [_, _, b':', _, _] => (number(&digits[..2])?, number(&digits[3..])?),
        [_, _, _, _] => (number(&digits[..2])?, number(&digits[2..])?),
        _ => return None,
    };
    (hours <= 18 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0i64, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

/// Finds the period of an instant; remembers the last, as most rows of a file share theirs.
#[derive(Default)]
pub(super) struct Periods {
    last: Option<(i64, i64, i32)>,
}

impl Periods {
    /// The period number of an instant in microseconds.
    #[inline]
    pub(super) fn of(&mut self, micros: i64) -> Option<i32> {
        if let Some((start, end, number)) = self.last
            && (start..end).contains(&micros)
        {
            return Some(number);
        }
        let period = BillingPeriod::of_epoch_seconds(micros.div_euclid(MICROS_PER_SECOND)).ok()?;
        let window = period.window();
        let number = period_number(period);
        self.last = Some((window.start_s * MICROS_PER_SECOND, window.end_s * MICROS_PER_SECOND, number));
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instants_are_read_as_providers_write_them() {
        // 2024-09-01T00:00:00Z is 1725148800 (date -d).
        let midnight = 1_725_148_800 * MICROS_PER_SECOND;
        for text in [
            "2024-09-01",
            "2024-09-01 00:00:00",
            "2024-09-01T00:00Z",
            "2024-09-01T00:00:00.000Z",
            "2024-09-01 00:00:00 UTC",
            "2024-09-01T02:00:00+02:00",
            "2024-08-31T19:30:00.000-0430",
        ] {
            assert_eq!(parse(text), Some(midnight), "{text}");
        }
        assert_eq!(parse("2024-09-01T00:00:00.0000019Z"), Some(midnight + 1));
        for text in
            ["", "2024", "2024-13-01", "2024-02-30", "01/09/2024", "2024-09-01T25:00:00Z", "2024-09-01x"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_instant_or_refused(text in ".{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn text_near_an_instant_is_one_or_refused(text in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]?[0-9:.,Z+-]{0,20}") {
            let _ = parse(&text);
        }
    }
}
