//! Numeric columns of any type as decimals with [`MONEY_SCALE`] digits.
//!
//! A double is read as its shortest decimal ([`decimal_from_f64`]); three quicker ways that give the same result are
//! tried first:
//!
//! 1. `m = round(x * 1e12)`, below 2^42 and at least 2^-8 away from a tie. The product is off by less than 2^-11 and
//!    the shortest decimal of x lies within one unit in the last place of x, 2^-10 here: neither can cross the tie.
//! 2. `m = round(x * 10^d)` for d of 12 or 6 below 10^15 with `m / 10^d == x`: both operands are exact, so the division
//!    is the correctly rounded value of the decimal m / 10^d, and a double stands for at most one decimal of 15 digits.
//! 3. A small cache by bits: prices and quantities repeat.

use airshed_domain::fixed::{FixedError, MONEY_PRECISION, MONEY_SCALE, decimal_from_f64, decimal_from_str};
use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, Float64Array, Int64Array, StringArray},
    compute::cast,
    datatypes::{DataType, Float64Type, Int64Type},
    error::ArrowError,
};

use super::text::{Text, text_at, text_of};

/// Steps of one unit.
const STEPS: i128 = 1_000_000_000_000;
/// Beyond the precision of the column.
const LIMIT: i128 = 10i128.pow(28);
const _: () = assert!(MONEY_SCALE == 12 && MONEY_PRECISION == 28, "the constants above are for this type");
const CACHE_BITS: u32 = 10;

/// A numeric column of a batch.
pub(super) enum Amounts {
    /// The file has no such column.
    Absent,
    Double(Float64Array),
    Whole(Int64Array),
    Plain(StringArray),
    /// Text parsed once per dictionary value.
    Parsed(Text, Vec<Result<i128, FixedError>>),
}

/// Whether a column of this type can be read as numbers.
pub(super) fn is_numeric(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, value) => is_numeric(value),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
        other => other.is_numeric(),
    }
}

impl Amounts {
    /// The numbers of a column.
    pub(super) fn of(array: Option<&ArrayRef>) -> Result<Self, ArrowError> {
        let Some(array) = array else { return Ok(Self::Absent) };
        Ok(match array.data_type() {
            DataType::Null => Self::Absent,
            DataType::Float64 => Self::Double(array.as_primitive::<Float64Type>().clone()),
            DataType::Dictionary(..) => {
                let text = text_of(array)?;
                let values = text.values().as_string::<i32>();
                let parsed = values.iter().map(|v| money_from_str(v.unwrap_or_default())).collect();
                Self::Parsed(text, parsed)
            }
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32 => {
                Self::Whole(cast(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
            }
            // Decimals and single floats print exactly what they mean.
            _ => Self::Plain(cast(array, &DataType::Utf8)?.as_string::<i32>().clone()),
        })
    }

    /// The number of a row; `None` when it is null or empty.
    #[inline]
    pub(super) fn get(&self, row: usize, cache: &mut Cache) -> Result<Option<i128>, FixedError> {
        match self {
            Self::Double(values) if values.is_valid(row) => cache.money(values.value(row)).map(Some),
            Self::Whole(values) if values.is_valid(row) => Ok(Some(i128::from(values.value(row)) * STEPS)),
            Self::Plain(values) if values.is_valid(row) && !values.value(row).trim().is_empty() => {
                money_from_str(values.value(row)).map(Some)
            }
            Self::Parsed(text, parsed)
                if text_at(text, row).is_some_and(|value| !value.trim().is_empty()) =>
            {
                let key = usize::try_from(text.keys().value(row)).unwrap_or(usize::MAX);
                parsed.get(key).copied().unwrap_or(Err(FixedError::NotANumber)).map(Some)
            }
            // Absent, null or empty.
            _ => Ok(None),
        }
    }

    /// The number of a row as it stands in the file.
    pub(super) fn as_it_stands(&self, row: usize) -> Option<String> {
        match self {
            Self::Absent => None,
            Self::Double(values) => values.is_valid(row).then(|| values.value(row).to_string()),
            Self::Whole(values) => values.is_valid(row).then(|| values.value(row).to_string()),
            Self::Plain(values) => values.is_valid(row).then(|| values.value(row).to_owned()),
            Self::Parsed(text, _) => text_at(text, row).map(str::to_owned),
        }
    }
}

fn money_from_str(text: &str) -> Result<i128, FixedError> {
    // `NaN` and `Infinity` are numbers to their writers; say what they are.
    let finite = |error| match text.trim().parse::<f64>() {
        Ok(value) if !value.is_finite() && error == FixedError::NotANumber => FixedError::NotFinite,
        _ => error,
    };
    decimal_from_str(text, MONEY_SCALE).map_err(finite).and_then(within)
}

fn within(value: i128) -> Result<i128, FixedError> {
    if value.unsigned_abs() < LIMIT.unsigned_abs() { Ok(value) } else { Err(FixedError::Overflow) }
}

/// Doubles turned into decimals before, by their bits.
pub(super) struct Cache {
    slots: Vec<(u64, i128)>,
}

impl Default for Cache {
    fn default() -> Self {
        // Zero stands for itself in every slot.
        Self { slots: vec![(0, 0); 1 << CACHE_BITS] }
    }
}

impl Cache {
    /// A double as money: its shortest decimal, rounded half to even.
    #[inline]
    pub(super) fn money(&mut self, value: f64) -> Result<i128, FixedError> {
        match quick(value) {
            Some(money) => Ok(money),
            None => self.slow(value),
        }
    }

    fn slow(&mut self, value: f64) -> Result<i128, FixedError> {
        let bits = value.to_bits();
        // Fibonacci hashing: the top bits of the product.
        let slot =
            usize::try_from(bits.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - CACHE_BITS)).unwrap_or(0);
        if self.slots[slot].0 == bits {
            return Ok(self.slots[slot].1);
        }
        let money = decimal_from_f64(value, MONEY_SCALE).and_then(within)?;
        self.slots[slot] = (bits, money);
        Ok(money)
    }
}

/// The result of [`decimal_from_f64`] at [`MONEY_SCALE`], where it is quickly certain.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "bounded by the checks before each cast")]
#[expect(clippy::float_cmp, reason = "equality of the quotient is the proof")]
fn quick(value: f64) -> Option<i128> {
    const TWO_42: f64 = 4_398_046_511_104.0;
    let steps = value * 1e12;
    let whole = steps.round_ties_even();
    if whole.abs() < TWO_42 && (steps - whole).abs() < 0.5 - 1.0 / 256.0 {
        return Some(i128::from(whole as i64));
    }
    if whole.abs() < 1e15 && whole / 1e12 == value {
        return Some(i128::from(whole as i64));
    }
    let millionths = (value * 1e6).round_ties_even();
    (millionths.abs() < 1e15 && millionths / 1e6 == value).then(|| i128::from(millionths as i64) * 1_000_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_the_book(value: f64) -> Result<i128, FixedError> {
        decimal_from_f64(value, MONEY_SCALE).and_then(within)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn any_double_is_its_shortest_decimal(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assert_eq!(Cache::default().money(value), by_the_book(value));
        }

        #[test]
        fn doubles_like_those_on_bills_are_too(digits in -10i64.pow(17)..10i64.pow(17), scale in 0i32..20) {
            let value = digits as f64 / 10f64.powi(scale);
            prop_assert_eq!(Cache::default().money(value), by_the_book(value));
        }

        #[test]
        fn ties_are_too(half in -10i64.pow(13)..10i64.pow(13), ulps in -2i64..3) {
            let value = (half as f64 + 0.5) / 1e12;
            let value = f64::from_bits(value.to_bits().wrapping_add_signed(ulps));
            prop_assert_eq!(Cache::default().money(value), by_the_book(value));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = money_from_str(&text);
        }
    }

    #[test]
    fn the_cache_gives_what_it_was_given() {
        let mut cache = Cache::default();
        for value in [123_456_789.123_456_78, 1e20, 987_654_321.987_654_3, f64::MAX, f64::NAN, -0.0] {
            let first = cache.money(value);
            assert_eq!(first, by_the_book(value), "{value}");
            assert_eq!(cache.money(value), first, "{value}");
        }
    }

    #[test]
    fn text_of_infinities_is_not_finite() {
        assert_eq!(money_from_str("NaN"), Err(FixedError::NotFinite));
        assert_eq!(money_from_str("-inf"), Err(FixedError::NotFinite));
        assert_eq!(money_from_str("ten"), Err(FixedError::NotANumber));
        assert_eq!(money_from_str("1e17"), Err(FixedError::Overflow));
    }
}
