//! Physical quantities of one row's calculation.
//!
//! Inside one row quantities are `f64`; they become fixed point exactly once, at the edge of the ledger
//! (see [`crate::fixed`]). Each quantity is its own type and only the products that mean something exist:
//!
//! ```
//! use airshed_domain::quantity::{Duration, Intensity, Power};
//!
//! let energy = Power::from_w(500.0) * Duration::from_hours(2.0); // 1 kWh
//! let mass = energy * Intensity::from_g_per_kwh(400.0);
//! assert_eq!(mass.g(), 400.0);
//! ```
//!
//! A power times an intensity does not compile:
//!
//! ```compile_fail
//! use airshed_domain::quantity::{Intensity, Power};
//! let nonsense = Power::from_w(1.0) * Intensity::from_g_per_kwh(1.0);
//! ```

use std::ops::{Add, Mul};

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $from:ident, $get:ident, $unit:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
        pub struct $name(f64);

        impl $name {
            #[doc = concat!("From a value in ", $unit, ".")]
            pub const fn $from(value: f64) -> Self {
                Self(value)
            }

            #[doc = concat!("The value in ", $unit, ".")]
            pub const fn $get(self) -> f64 {
                self.0
            }
        }

        impl Add for $name {
            type Output = Self;

            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        /// Scaling by a dimensionless factor (a share, a count, a PUE).
        impl Mul<f64> for $name {
            type Output = Self;

            fn mul(self, factor: f64) -> Self {
                Self(self.0 * factor)
            }
        }

        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
                items.fold(Self(0.0), |total, item| total + item)
            }
        }
    };
}

quantity!(
    /// Electrical power in watts.
    Power, from_w, w, "W"
);
quantity!(
    /// Energy in kilowatt-hours.
    Energy, from_kwh, kwh, "kWh"
);
quantity!(
    /// A span of time in hours.
    Duration, from_hours, hours, "h"
);
quantity!(
    /// Greenhouse gas per unit of electricity, in grams of CO2 equivalent per kilowatt-hour.
    Intensity, from_g_per_kwh, g_per_kwh, "gCO2e/kWh"
);
quantity!(
    /// A mass of greenhouse gas in grams of CO2 equivalent.
    Mass, from_g, g, "gCO2e"
);
quantity!(
    /// A volume of water in litres.
    Water, from_l, l, "L"
);
quantity!(
    /// Water per unit of electricity, in litres per kilowatt-hour (a WUE, or the water behind the electricity).
    WaterIntensity, from_l_per_kwh, l_per_kwh, "L/kWh"
);

impl Mul<Duration> for Power {
    type Output = Energy;

    fn mul(self, time: Duration) -> Energy {
        Energy::from_kwh(self.w() * time.hours() / 1000.0)
    }
}

impl Mul<Intensity> for Energy {
    type Output = Mass;

    fn mul(self, intensity: Intensity) -> Mass {
        Mass::from_g(self.kwh() * intensity.g_per_kwh())
    }
}

impl Mul<WaterIntensity> for Energy {
    type Output = Water;

    fn mul(self, intensity: WaterIntensity) -> Water {
        Water::from_l(self.kwh() * intensity.l_per_kwh())
    }
}
