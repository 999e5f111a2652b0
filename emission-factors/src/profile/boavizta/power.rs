//! Boavizta's power of a server share.
//!
//! A processor's power over load is a logarithm through four shares of its TDP (12 % at rest, 32 % at 10 % load, 75 % at
//! 50 %, 102 % at 100 %). Scaling the TDP scales the curve, so it is fitted once, to a TDP of 1 W; the start values by
//! processor family that BoaviztAPI feeds to its solver do not change where it ends. Memory draws per DIMM, disks per
//! drive; processors and memory carry one third on top for the rest of the server.
//! Source: <https://doc.api.boavizta.org/Explanations/consumption_profile/> and the API's changes of version 2.5.

/// Shares of the TDP that the curve is fitted to: load in percent, share.
const TDP_SHARES: [(f64, f64); 4] = [(0.0, 0.12), (10.0, 0.32), (50.0, 0.75), (100.0, 1.02)];
/// Least power of a processor, W.
const LEAST_CPU_W: f64 = 1.0;
/// Rest of the server, as a share of processors and memory.
pub(super) const OTHER_SHARE: f64 = 0.33;
/// A solid state drive, W.
pub(super) const SSD_W: f64 = 8.0;
/// A disk drive, W.
pub(super) const HDD_W: f64 = 6.4;

/// `a * ln(load + c) + e`: power as a share of the TDP.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LoadCurve {
    a: f64,
    c: f64,
    e: f64,
}

impl LoadCurve {
    /// The least-squares fit to [`TDP_SHARES`].
    pub(super) fn fitted() -> Self {
        // For a given c the best a and e are a linear regression; c itself is found by narrowing an interval.
        let (mut low, mut high) = (1.0, 100.0);
        let ratio = (5f64.sqrt() - 1.0) / 2.0;
        for _ in 0..200 {
            let (left, right) = (high - ratio * (high - low), low + ratio * (high - low));
            if Self::regression(left).1 < Self::regression(right).1 {
                high = right;
            } else {
                low = left;
            }
        }
        Self::regression(f64::midpoint(low, high)).0
    }

    /// The best curve with this shift, and the sum of its squared errors.
    fn regression(c: f64) -> (Self, f64) {
        let points = TDP_SHARES.map(|(load, share)| (libm::log(load + c), share));
        let count = points.len() as f64;
        let (mean_x, mean_y) = (
            points.iter().map(|p| p.0).sum::<f64>() / count,
            points.iter().map(|p| p.1).sum::<f64>() / count,
        );
        let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        let variance: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        let a = covariance / variance;
        let e = mean_y - a * mean_x;
        (Self { a, c, e }, points.iter().map(|(x, y)| (a * x + e - y).powi(2)).sum())
    }

    /// Power of one processor, W, to the five digits that the API keeps.
    pub(super) fn processor_w(self, tdp_w: f64, load_pct: f64) -> f64 {
        let watts = tdp_w * (self.a * libm::log(load_pct + self.c) + self.e);
        five_digits(watts.max(LEAST_CPU_W))
    }
}

/// Power of one DIMM, W, to the five digits that the API keeps.
pub(super) fn dimm_w(capacity_gb: f64, load_pct: f64) -> f64 {
    five_digits((3.0 + 0.055 * capacity_gb) * (0.7 + 0.3 * load_pct / 100.0))
}

/// The capacity of a DIMM that a memory generation is taken to have, GB.
pub(super) fn typical_dimm_gb(memory_type: Option<&str>) -> f64 {
    match memory_type {
        Some("DDR3") => 16.0,
        Some("DDR5") => 64.0,
        _ => 32.0,
    }
}

/// Rounded to five significant digits.
fn five_digits(value: f64) -> f64 {
    significant(value, 5)
}

/// Rounded to this many significant digits.
pub(super) fn significant(value: f64, digits: usize) -> f64 {
    // The exponent form rounds to the nearest decimal with `digits` digits.
    format!("{value:.precision$e}", precision = digits - 1).parse().unwrap_or(value)
}
