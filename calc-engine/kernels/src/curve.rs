//! Energy per billed unit as a function of processor utilisation.
//!
//! Most parts of a server draw the same whatever the processor does; a processor does not. A curve keeps the dependence
//! until the row is known, so that a measured utilisation can be applied row by row while the default is applied once
//! per class.

use airshed_emission_factors::compute;

use crate::bounds::Bounds;

/// One line of energy (kWh per billed unit) over utilisation (0 to 1).
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// The same at every utilisation, kWh per unit.
    Flat(f64),
    /// Straight lines through `(utilisation, kWh per unit)` points, in order of utilisation; level outside them.
    Points(Box<[(f64, f64)]>),
    /// `scale * max(floor_w, a * ln(b * (100 * utilisation + c)) + d)`: Boavizta's fit of power over load, in watts,
    /// where `scale` is kWh per billed unit and watt.
    Logarithm {
        /// kWh per billed unit and watt.
        scale: f64,
        /// Factor of the logarithm, W.
        a: f64,
        /// Steepness, per percent of load.
        b: f64,
        /// Shift, percent of load.
        c: f64,
        /// Offset, W.
        d: f64,
        /// Least power, W.
        floor_w: f64,
    },
    /// The sum of other shapes.
    Sum(Box<[Shape]>),
}

impl Shape {
    /// A power curve over a time: `kwh_per_watt` is kWh per billed unit and watt.
    pub fn of_power(curve: compute::PowerCurve, kwh_per_watt: f64) -> Self {
        match curve {
            compute::PowerCurve::Linear { idle_w, full_w } => {
                Self::line(idle_w * kwh_per_watt, full_w * kwh_per_watt)
            }
            compute::PowerCurve::TdpLog { a, c, d, scale_w, floor_w, idle_w, full_w } => {
                let (a, d) = (scale_w * a, scale_w * d);
                let logarithm = Self::Logarithm { scale: kwh_per_watt, a, b: 1.0, c, d, floor_w };
                if idle_w == 0.0 && full_w == 0.0 {
                    logarithm
                } else {
                    Self::Sum(Box::new([logarithm, Self::line(idle_w * kwh_per_watt, full_w * kwh_per_watt)]))
                }
            }
            compute::PowerCurve::Points { w: [idle, ten, fifty, full] } => {
                let points = [(0.0, idle), (0.1, ten), (0.5, fifty), (1.0, full)];
                Self::Points(Box::new(points.map(|(load, w)| (load, w * kwh_per_watt))))
            }
        }
    }

    /// A straight line from idle to full load, kWh per unit.
    pub fn line(idle: f64, full: f64) -> Self {
        Self::Points(Box::new([(0.0, idle), (1.0, full)]))
    }

    /// kWh per unit at a utilisation, which is held within 0 to 1.
    pub fn at(&self, utilization: f64) -> f64 {
        let utilization = utilization.clamp(0.0, 1.0);
        match self {
            Self::Flat(value) => *value,
            Self::Points(points) => interpolate(points, utilization),
            Self::Logarithm { scale, a, b, c, d, floor_w } => {
                scale * (a * libm::log(b * (100.0 * utilization + c)) + d).max(*floor_w)
            }
            Self::Sum(parts) => parts.iter().fold(0.0, |total, part| total + part.at(utilization)),
        }
    }

    fn is_flat(&self) -> bool {
        match self {
            Self::Flat(_) => true,
            Self::Sum(parts) => parts.iter().all(Self::is_flat),
            Self::Points(points) => points.len() < 2,
            Self::Logarithm { .. } => false,
        }
    }
}

fn envelope(low: f64, central: f64, high: f64) -> Bounds {
    Bounds::new(low.min(central).min(high), central, low.max(central).max(high))
}

fn interpolate(points: &[(f64, f64)], x: f64) -> f64 {
    let Some(&(first_x, first_y)) = points.first() else {
        return 0.0;
    };
    if x <= first_x {
        return first_y;
    }
    for pair in points.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        if x <= x1 {
            return y0 + (y1 - y0) * ((x - x0) / (x1 - x0));
        }
    }
    points[points.len() - 1].1
}

/// Low, central and high line of energy over utilisation.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerCurve {
    /// The lowest line.
    pub low: Shape,
    /// The line of the estimate.
    pub central: Shape,
    /// The highest line.
    pub high: Shape,
}

impl PowerCurve {
    /// Nothing at all.
    pub const ZERO: Self = Self::flat(Bounds::ZERO);

    /// The same energy at every utilisation, kWh per unit.
    pub const fn flat(kwh_per_unit: Bounds) -> Self {
        Self {
            low: Shape::Flat(kwh_per_unit.low),
            central: Shape::Flat(kwh_per_unit.central),
            high: Shape::Flat(kwh_per_unit.high),
        }
    }

    /// A curve without a spread.
    pub fn exactly(shape: Shape) -> Self {
        Self { low: shape.clone(), central: shape.clone(), high: shape }
    }

    /// A band of power curves over a time: `kwh_per_watt` is kWh per billed unit and watt.
    pub fn of_power(band: compute::PowerCurveBand, kwh_per_watt: f64) -> Self {
        let [low, central, high] =
            [band.low, band.central, band.high].map(|curve| Shape::of_power(curve, kwh_per_watt));
        Self { low, central, high }
    }

    /// Energy per unit at a known utilisation, kWh. Lines of different models may cross; the bounds are the lowest and
    /// the highest of the three.
    pub fn at(&self, utilization: f64) -> Bounds {
        envelope(self.low.at(utilization), self.central.at(utilization), self.high.at(utilization))
    }

    /// Energy per unit where the utilisation itself has a spread, kWh.
    pub fn over(&self, utilization: Bounds) -> Bounds {
        let [low, central, high] = [utilization.low, utilization.central, utilization.high];
        let (at_low, at_high) = (self.at(low), self.at(high));
        envelope(at_low.low, self.central.at(central), at_high.high)
    }

    /// Whether utilisation changes nothing.
    pub fn is_flat(&self) -> bool {
        self.low.is_flat() && self.central.is_flat() && self.high.is_flat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found}, expected {expected}");
    }

    #[test]
    fn a_line_is_ccfs_linear_model() {
        // methodology.md section 6: m5.xlarge, Skylake at 50 %: (0.65 + .5 * (4.26 - 0.65)) * 4 = 9.82 W.
        near(Shape::line(0.65 * 4.0, 4.26 * 4.0).at(0.5), 9.82);
    }

    #[test]
    fn points_are_joined_and_level_outside() {
        let curve = Shape::Points(Box::new([(0.1, 1.0), (0.5, 3.0), (1.0, 4.0)]));
        for (utilization, expected) in
            [(0.0, 1.0), (0.1, 1.0), (0.3, 2.0), (0.75, 3.5), (1.0, 4.0), (7.0, 4.0)]
        {
            near(curve.at(utilization), expected);
        }
    }

    #[test]
    fn crossing_lines_keep_their_bounds_in_order() {
        let curve = PowerCurve {
            low: Shape::line(1.0, 1.0),
            central: Shape::line(2.0, 4.0),
            high: Shape::line(3.0, 3.0),
        };
        for utilization in [0.0, 0.25, 0.5, 0.75, 1.0] {
            assert!(curve.at(utilization).is_ordered(), "{utilization}");
        }
        assert!(curve.over(Bounds::new(0.1, 0.5, 0.9)).is_ordered());
    }
}
