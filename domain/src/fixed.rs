//! Fixed point: how a number enters the ledger and never moves again.
//!
//! Ledger quantities (grams, kWh, litres) are `Decimal128(18, 8)`: steps of 10 ng, up to 10 kt a row; Parquet stores
//! them as 64-bit integers. Money and billed amounts are `Decimal128(28, 12)`. Each row is rounded once, half to even;
//! sums of fixed-point numbers are exact in any order, so every rollup, export and query ends on the same last digit.

use arrow::datatypes::DataType;

/// Digits after the point of a ledger quantity (g, kWh, L).
pub const QUANTITY_SCALE: i8 = 8;
/// Total digits of a ledger quantity of one row.
pub const QUANTITY_PRECISION: u8 = 18;
/// Total digits of a sum of ledger quantities.
pub const QUANTITY_SUM_PRECISION: u8 = 38;
/// Digits after the point of money and of billed amounts.
pub const MONEY_SCALE: i8 = 12;
/// Total digits of money and of billed amounts of one row.
pub const MONEY_PRECISION: u8 = 28;
/// Total digits of a sum of money.
pub const MONEY_SUM_PRECISION: u8 = 38;

/// Arrow type of a ledger quantity of one row.
pub const QUANTITY: DataType = DataType::Decimal128(QUANTITY_PRECISION, QUANTITY_SCALE);
/// Arrow type of a sum of ledger quantities.
pub const QUANTITY_SUM: DataType = DataType::Decimal128(QUANTITY_SUM_PRECISION, QUANTITY_SCALE);
/// Arrow type of money and of billed amounts of one row.
pub const MONEY: DataType = DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE);
/// Arrow type of a sum of money.
pub const MONEY_SUM: DataType = DataType::Decimal128(MONEY_SUM_PRECISION, MONEY_SCALE);

/// Why a number cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FixedError {
    /// NaN or an infinity.
    #[error("not a finite number")]
    NotFinite,
    /// More digits before the point than the column holds.
    #[error("too large for the column")]
    Overflow,
    /// Text that is not a decimal number.
    #[error("not a decimal number")]
    NotANumber,
}

const QUANTITY_STEPS: f64 = 1e8;
const QUANTITY_LIMIT: f64 = 1e18;

/// A row's quantity (g, kWh or L) in steps of 1e-8, rounded half to even.
///
/// # Errors
/// [`FixedError::NotFinite`] for NaN and infinities, [`FixedError::Overflow`] at 1e10 and beyond.
///
/// ```
/// use airshed_domain::fixed::quantity_from_f64;
/// assert_eq!(quantity_from_f64(1.5), Ok(150_000_000));
/// assert_eq!(quantity_from_f64(0.000_000_025), Ok(2)); // half to even
/// ```
#[inline]
pub fn quantity_from_f64(value: f64) -> Result<i64, FixedError> {
    let steps = (value * QUANTITY_STEPS).round_ties_even();
    if steps.abs() < QUANTITY_LIMIT {
        #[expect(clippy::cast_possible_truncation, reason = "bounded by the check above")]
        Ok(steps as i64)
    } else if value.is_finite() {
        Err(FixedError::Overflow)
    } else {
        Err(FixedError::NotFinite)
    }
}

/// A double as a decimal with `scale` digits: its shortest decimal form, rounded half to even.
///
/// A billing export that holds 0.1 as a double means the decimal 0.1, which is what its shortest form is; multiplying
/// the double by 10^scale would bring in its binary tail.
///
/// # Errors
/// [`FixedError::NotFinite`] for NaN and infinities, [`FixedError::Overflow`] beyond 38 digits.
pub fn decimal_from_f64(value: f64, scale: i8) -> Result<i128, FixedError> {
    if !value.is_finite() {
        return Err(FixedError::NotFinite);
    }
    if value == 0.0 {
        return Ok(0);
    }
    let mut buffer = [0u8; 32];
    let text = {
        use std::io::Write as _;
        let mut rest = &mut buffer[..];
        // `{:e}` prints the shortest digits that read back as the same double, with an exponent.
        let written = write!(rest, "{value:e}").map(|()| 32 - rest.len());
        let length = written.map_err(|_| FixedError::NotANumber)?;
        &buffer[..length]
    };
    decimal_from_ascii(text, scale)
}

/// A decimal text (`-12.5`, `3e-7`) as a decimal with `scale` digits, rounded half to even.
///
/// # Errors
/// [`FixedError::NotANumber`] for anything else (`NaN` and `inf` included), [`FixedError::Overflow`] beyond 38 digits.
pub fn decimal_from_str(text: &str, scale: i8) -> Result<i128, FixedError> {
    decimal_from_ascii(text.trim().as_bytes(), scale)
}

fn decimal_from_ascii(text: &[u8], scale: i8) -> Result<i128, FixedError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    };
    let mut mantissa: i128 = 0;
    let mut point: i32 = 0; // digits after the point so far
    let mut seen_point = false;
    let mut seen_digit = false;
    let mut rest = digits;
    while let [byte, tail @ ..] = rest {
        match byte {
            b'0'..=b'9' => {
                seen_digit = true;
                mantissa = mantissa
                    .checked_mul(10)
                    .and_then(|m| m.checked_add(i128::from(byte - b'0')))
                    .ok_or(FixedError::Overflow)?;
                point += i32::from(seen_point);
            }
            b'.' if !seen_point => seen_point = true,
            b'e' | b'E' if seen_digit => break,
            _ => return Err(FixedError::NotANumber),
        }
        rest = tail;
    }
    if !seen_digit {
        return Err(FixedError::NotANumber);
    }
    let exponent: i32 = match rest {
        [] => 0,
        [_, tail @ ..] => {
            std::str::from_utf8(tail).ok().and_then(|t| t.parse().ok()).ok_or(FixedError::NotANumber)?
        }
    };
    let shift = i32::from(scale) + exponent - point;
    let scaled = if shift >= 0 {
        u32::try_from(shift)
            .ok()
            .filter(|_| mantissa != 0)
            .map_or(Some(0), |s| 10i128.checked_pow(s).and_then(|p| mantissa.checked_mul(p)))
            .ok_or(FixedError::Overflow)?
    } else {
        divide_half_even(mantissa, shift.unsigned_abs())
    };
    Ok(if negative { -scaled } else { scaled })
}

/// `value / 10^digits` for a non-negative value, rounded half to even.
fn divide_half_even(value: i128, digits: u32) -> i128 {
    let Some(divisor) = 10i128.checked_pow(digits) else {
        return 0;
    };
    let (quotient, remainder) = (value / divisor, value % divisor);
    match (remainder * 2).cmp(&divisor) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + (quotient & 1),
    }
}

#[cfg(test)]
mod tests;
