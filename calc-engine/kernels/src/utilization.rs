//! Measured processor utilisation of a line, and how much of the line's time it covers.
//!
//! A measurement speaks for the time that it was taken in and for no other. So the rest of the line's time keeps the
//! default: the utilisation of a line is the mean of both, weighted by time, and so are its bounds. Only a line of which
//! most was measured is called `measured`; see `docs/methodology/utilisation.md`.

use airshed_domain::status::UtilizationSource;

use crate::bounds::Bounds;

/// Least share of a line's time that must be measured for the line to be called measured.
pub const MEASURED_COVER: f64 = 0.75;

/// What was measured of the resource behind a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Mean utilisation over the time that was measured, 0 to 1.
    pub mean: f64,
    /// Share of the line's time that was measured, 0 to 1.
    pub cover: f64,
}

impl Measured {
    /// Utilisation of the whole line, 0 to 1: the mean over the measured time, the default over the rest.
    pub fn with_default(self, default: Bounds) -> Bounds {
        Bounds::exactly(self.mean * self.cover) + default * (1.0 - self.cover)
    }

    /// What the line says of its utilisation.
    pub fn source(self) -> UtilizationSource {
        if self.cover >= MEASURED_COVER { UtilizationSource::Measured } else { UtilizationSource::Partly }
    }
}

#[cfg(test)]
mod tests {
    use airshed_domain::schema::column as c;

    use super::*;
    use crate::{
        method::MethodOptions,
        sample::{Line, batch, estimator, quantity, word},
    };

    #[test]
    fn the_rest_of_the_time_keeps_the_default() {
        let default = Bounds::new(0.1, 0.5, 0.8);
        let of = |mean, cover| Measured { mean, cover }.with_default(default);
        assert_eq!(of(0.9, 1.0), Bounds::exactly(0.9));
        assert_eq!(of(0.9, 0.0), default);
        // A quarter at 0.9, three quarters at 0.1, 0.5 and 0.8.
        let quarter = of(0.9, 0.25);
        for (found, by_hand) in
            [(quarter.low, 0.225 + 0.075), (quarter.central, 0.225 + 0.375), (quarter.high, 0.225 + 0.6)]
        {
            assert!((found - by_hand).abs() < 1e-15, "{found}, by hand {by_hand}");
        }
        assert_eq!(Measured { mean: 0.9, cover: 0.75 }.source(), UtilizationSource::Measured);
        assert_eq!(Measured { mean: 0.9, cover: 0.74 }.source(), UtilizationSource::Partly);
    }

    /// A month of which five minutes were measured at full load is not a month at full load.
    #[test]
    fn a_short_measurement_does_not_stand_for_a_long_line() {
        let mut line = Line::new("AmazonEC2", "BoxUsage:m5.xlarge", "Hrs", 1000.0);
        (line.hours, line.utilization, line.cover) = (744, Some(1.0), 5.0 / 44_640.0);
        let mostly = Line { utilization: Some(0.1), cover: 0.8, ..line.clone() };
        let lines = batch(&[line, mostly], true);
        let emissions = estimator(MethodOptions::default()).estimate(&lines).unwrap();
        // CCF 2026, Skylake: 4 threads of 0.6129888539 W idle and 4.104170353 W full, 1,000 hours.
        let by_hand = |load: f64| 4.0 * (0.612_988_853_9 + load * (4.104_170_353 - 0.612_988_853_9));
        for (row, load, source, quality) in [
            (0, (5.0 + 44_635.0 * 0.5) / 44_640.0, "partly_measured", "modelled"),
            (1, 0.8 * 0.1 + 0.2 * 0.5, "measured", "measured"),
        ] {
            let cpu = quantity(&emissions, c::ENERGY_CPU_KWH, row).unwrap();
            assert!((cpu - by_hand(load)).abs() < 1e-8, "{cpu}, by hand {}", by_hand(load));
            assert_eq!(word(&emissions, c::UTILIZATION_SOURCE, row).as_deref(), Some(source));
            assert_eq!(word(&emissions, c::QUALITY, row).as_deref(), Some(quality));
        }
    }

    #[test]
    fn a_cover_that_is_no_share_names_its_row() {
        let mut line = Line::new("AmazonEC2", "BoxUsage:m5.xlarge", "Hrs", 1.0);
        (line.utilization, line.cover) = (Some(0.5), 1.5);
        let error = estimator(MethodOptions::default()).estimate(&batch(&[line], true)).unwrap_err();
        assert!(error.to_string().contains("line_id line-0: utilization_cover 1.5"), "{error}");
    }
}
