//! A figure with its low and high bound.
//!
//! Bounds are envelopes, not confidence intervals: the lowest and the highest value that published sources and models
//! support. They are combined as if all parts were low, or all high, at once. That overstates the width of a sum, and
//! it is exact in the way a ledger needs: bounds of rows add up to bounds of totals, in any order.

use std::ops::{Add, Mul};

use airshed_emission_factors::value::Band;

/// Low, central and high value of one figure, in the unit that the owner of the field states.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bounds {
    /// The lowest value that sources support.
    pub low: f64,
    /// The value that is published as the estimate.
    pub central: f64,
    /// The highest value that sources support.
    pub high: f64,
}

impl Bounds {
    /// Nothing at all.
    pub const ZERO: Self = Self::exactly(0.0);

    /// A figure without a spread.
    pub const fn exactly(value: f64) -> Self {
        Self { low: value, central: value, high: value }
    }

    /// A figure with its spread.
    pub const fn new(low: f64, central: f64, high: f64) -> Self {
        Self { low, central, high }
    }

    /// Bound by bound product of two figures that are not negative.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        Self {
            low: self.low * other.low,
            central: self.central * other.central,
            high: self.high * other.high,
        }
    }

    /// Whether `low <= central <= high` and all are finite.
    pub fn is_ordered(self) -> bool {
        self.low <= self.central && self.central <= self.high && self.low.is_finite() && self.high.is_finite()
    }
}

impl Add for Bounds {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            low: self.low + other.low,
            central: self.central + other.central,
            high: self.high + other.high,
        }
    }
}

impl Mul<f64> for Bounds {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        Self { low: self.low * factor, central: self.central * factor, high: self.high * factor }
    }
}

impl From<Band> for Bounds {
    fn from(band: Band) -> Self {
        Self { low: band.low(), central: band.central(), high: band.high() }
    }
}
