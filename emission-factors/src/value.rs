//! A number with its bounds, and the listing form of every number of a set.
//!
//! Tables keep their numbers in the shape their formulas need. For `airshed factors list|show|diff`, for the content
//! address and for the `factors` column of the ledger each of them is also one [`Factor`]: an id, a band, a unit and
//! where it was read.

use airshed_domain::id::FactorId;
use jiff::civil::Date;

/// A central value with a low and a high bound, all finite, low <= central <= high.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    low: f64,
    central: f64,
    high: f64,
}

/// Three numbers that are not a [`Band`].
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("low {low}, central {central}, high {high} is not a band (finite, low <= central <= high)")]
pub struct InvalidBand {
    low: f64,
    central: f64,
    high: f64,
}

impl Band {
    /// Nothing, without doubt.
    pub const ZERO: Self = Self { low: 0.0, central: 0.0, high: 0.0 };

    /// A band, checked.
    ///
    /// # Errors
    /// When a number is not finite or they are out of order.
    pub fn new(low: f64, central: f64, high: f64) -> Result<Self, InvalidBand> {
        let finite = low.is_finite() && central.is_finite() && high.is_finite();
        if finite && low <= central && central <= high {
            Ok(Self { low, central, high })
        } else {
            Err(InvalidBand { low, central, high })
        }
    }

    /// One number, its own bounds.
    ///
    /// # Errors
    /// When the number is not finite.
    pub fn exact(value: f64) -> Result<Self, InvalidBand> {
        Self::new(value, value, value)
    }

    /// The low bound.
    pub const fn low(self) -> f64 {
        self.low
    }

    /// The value to use.
    pub const fn central(self) -> f64 {
        self.central
    }

    /// The high bound.
    pub const fn high(self) -> f64 {
        self.high
    }

    /// All three multiplied by a share or count.
    ///
    /// # Errors
    /// When the factor is negative or a product is not finite.
    pub fn scaled(self, factor: f64) -> Result<Self, InvalidBand> {
        Self::new(self.low * factor, self.central * factor, self.high * factor)
    }
}

/// Bound by bound.
impl std::ops::Add for Band {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            low: self.low + other.low,
            central: self.central + other.central,
            high: self.high + other.high,
        }
    }
}

/// One number of a factor set in its listing form.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// Unique in the set, such as `compute/processor/skylake/idle_w_per_vcpu`.
    pub id: FactorId,
    /// The table it stands in, such as `compute/processor`.
    pub kind: &'static str,
    /// What of that table, such as `skylake`.
    pub key: String,
    /// Unit, such as `W/vCPU`.
    pub unit: &'static str,
    /// The number.
    pub value: Band,
    /// Id of its [`crate::provenance::Source`].
    pub source_id: String,
    /// Page, table, column or cell of the source.
    pub page: String,
    /// First day it holds for, if the source says.
    pub valid_from: Option<Date>,
    /// Last day it holds for, if the source says.
    pub valid_to: Option<Date>,
    /// What a reader should know: an assumption, a conversion, a stand-in.
    pub note: String,
}

impl Factor {
    /// The factor as one line of the canonical text that the set's id is the hash of. Numbers stand in their shortest
    /// exact form, so equal lines are equal numbers.
    pub fn canonical_line(&self) -> String {
        let date = |day: Option<Date>| day.map_or_else(String::new, |day| day.to_string());
        let Band { low, central, high } = self.value;
        [
            self.id.as_str(),
            self.kind,
            &self.key,
            self.unit,
            &format!("{low:?}"),
            &format!("{central:?}"),
            &format!("{high:?}"),
            &self.source_id,
            &self.page,
            &date(self.valid_from),
            &date(self.valid_to),
            &self.note,
        ]
        .join("\t")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_is_ordered_and_finite() {
        assert!(Band::new(1.0, 2.0, 3.0).is_ok());
        assert!(Band::new(2.0, 1.0, 3.0).is_err());
        assert!(Band::new(1.0, 3.0, 2.0).is_err());
        assert!(Band::new(f64::NAN, 1.0, 2.0).is_err());
        assert!(Band::new(1.0, 2.0, f64::INFINITY).is_err());
        assert!(Band::new(1.0, 2.0, 3.0).unwrap().scaled(-1.0).is_err());
    }
}
