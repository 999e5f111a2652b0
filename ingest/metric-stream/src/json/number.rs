//! The numbers of JSON. Each is the double nearest to what is written, whatever its length.

use super::scan::{Halt, Scan, damaged};
use crate::reject::Reason;

/// Powers of ten that a double holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];
/// Below it a double holds every integer.
const EXACT: u64 = 1 << 53;
/// Digits that always fit 64 bits.
const SAFE_DIGITS: usize = 19;

/// A number as it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number<'a> {
    text: &'a str,
    negative: bool,
    /// Its digits as an integer, where they fit.
    digits: Option<u64>,
    /// Power of ten that the digits are multiplied with.
    exponent: i32,
    is_integer: bool,
}

impl<'a> Scan<'a> {
    /// A number.
    pub(super) fn number(&mut self) -> Result<Number<'a>, Halt> {
        let first = self.peek().ok_or(self.end)?;
        if first != b'-' && !first.is_ascii_digit() {
            return Err(self.other_type("a number is expected"));
        }
        let start = self.at;
        let negative = first == b'-';
        self.at += usize::from(negative);
        let (mut digits, mut value) = (0, 0);
        let whole = self.digits(&mut digits, &mut value)?;
        if whole > 1 && self.bytes[self.at - whole] == b'0' {
            return Err(damaged("a number begins with a zero"));
        }
        let (mut exponent, mut is_integer) = (0, true);
        if *self.bytes.get(self.at).ok_or(self.end)? == b'.' {
            self.at += 1;
            is_integer = false;
            let places = self.digits(&mut digits, &mut value)?;
            exponent = i32::try_from(places).map_or(i32::MIN, |places| -places);
        }
        if matches!(self.bytes.get(self.at).ok_or(self.end)?, b'e' | b'E') {
            self.at += 1;
            is_integer = false;
            let sign = *self.bytes.get(self.at).ok_or(self.end)?;
            self.at += usize::from(matches!(sign, b'+' | b'-'));
            let (mut size, mut power) = (0, 0);
            self.digits(&mut size, &mut power)?;
            let power = i32::try_from(power).unwrap_or(i32::MAX);
            exponent = exponent.saturating_add(if sign == b'-' { -power } else { power });
            if size > SAFE_DIGITS {
                // The power itself is not known: the text decides.
                digits = usize::MAX;
            }
        }
        let digits = (digits <= SAFE_DIGITS).then_some(value);
        Ok(Number { text: &self.text[start..self.at], negative, digits, exponent, is_integer })
    }

    /// Reads at least one digit; adds to their number and value, which wraps after 19 of them. How many these were.
    fn digits(&mut self, count: &mut usize, value: &mut u64) -> Result<usize, Halt> {
        let start = self.at;
        loop {
            // A number at the end of the bytes may go on behind it.
            let digit = self.bytes.get(self.at).ok_or(self.end)?.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            *value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            self.at += 1;
        }
        let read = self.at - start;
        *count = count.saturating_add(read);
        if read == 0 { Err(damaged("a number without digits")) } else { Ok(read) }
    }
}

impl Number<'_> {
    /// The nearest double.
    pub(super) fn double(&self) -> Result<f64, Halt> {
        let exact = self.digits.filter(|digits| *digits <= EXACT);
        let power = usize::try_from(self.exponent.unsigned_abs()).ok().and_then(|place| POWERS.get(place));
        if let (Some(digits), Some(power)) = (exact, power) {
            // Both are exact, so that the one operation rounds as it must.
            let digits = digits as f64;
            let size = if self.exponent < 0 { digits / power } else { digits * power };
            return Ok(if self.negative { -size } else { size });
        }
        let parsed: Option<f64> = self.text.parse().ok();
        parsed.filter(|value| value.is_finite()).ok_or(damaged("a number is out of range"))
    }

    /// The integer that is written, without point or power.
    pub(super) fn integer(&self) -> Result<i64, Halt> {
        let digits = self.digits.filter(|_| self.is_integer).and_then(|digits| i64::try_from(digits).ok());
        let integer = digits.map(|digits| if self.negative { -digits } else { digits });
        integer.ok_or(Halt::Bad(Reason::WrongType, "an integer of 64 bits is expected"))
    }
}
