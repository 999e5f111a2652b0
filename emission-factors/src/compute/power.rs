//! Power over load: curves, and curves with bounds.
//!
//! A curve keeps its own formula, so a kernel can evaluate it for each row's measured utilisation; nothing is sampled.

use airshed_domain::quantity::Power;

use crate::value::Band;

/// How processor power follows load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PowerModel {
    /// The default: SPECpower-linear in the middle, bounds from the spread of the results and of the other model.
    Default,
    /// Whole-server power per thread, linear between idle and full, from SPECpower results by microarchitecture
    /// (Cloud Carbon Footprint's model).
    SpecLinear,
    /// Logarithmic curve through shares of the processor's thermal design power (Boavizta's model).
    TdpLog,
    /// Four measured points per instance type, imported; straight lines between them.
    MeasuredPoints,
}

/// Power as a function of load, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PowerCurve {
    /// Straight line.
    Linear {
        /// At load 0, W.
        idle_w: f64,
        /// At load 1, W.
        full_w: f64,
    },
    /// `max(floor_w, scale_w * (a ln(100 load + c) + d))` plus a straight line between `idle_w` and `full_w`.
    ///
    /// Boavizta publishes `a ln(b (load + c)) + d`; `b` only adds the constant `a ln b`, which is part of our `d`.
    TdpLog {
        /// Factor in front of the logarithm.
        a: f64,
        /// Offset of the load, percent.
        c: f64,
        /// Offset of the power.
        d: f64,
        /// Thermal design power that the logarithm is multiplied by, W.
        scale_w: f64,
        /// Least value of the logarithmic part, W.
        floor_w: f64,
        /// Straight part at load 0, W.
        idle_w: f64,
        /// Straight part at load 1, W.
        full_w: f64,
    },
    /// Straight lines between 0, 10, 50 and 100 percent.
    Points {
        /// At those loads, W.
        w: [f64; 4],
    },
}

impl PowerCurve {
    /// No power at any load.
    pub const ZERO: Self = Self::constant(0.0);

    /// The same power at every load.
    pub const fn constant(w: f64) -> Self {
        Self::Linear { idle_w: w, full_w: w }
    }

    /// Power at a load of 0 to 1; loads outside are taken as the nearest end.
    #[inline]
    pub fn at(&self, load: f64) -> Power {
        let load = load.clamp(0.0, 1.0);
        let line = |from: f64, to: f64| from + load * (to - from);
        Power::from_w(match *self {
            Self::Linear { idle_w, full_w } => line(idle_w, full_w),
            Self::TdpLog { a, c, d, scale_w, floor_w, idle_w, full_w } => {
                (scale_w * (a * libm::log(100.0 * load + c) + d)).max(floor_w) + line(idle_w, full_w)
            }
            Self::Points { w: [idle, ten, fifty, full] } => {
                if load <= 0.1 {
                    idle + (ten - idle) * load / 0.1
                } else if load <= 0.5 {
                    ten + (fifty - ten) * (load - 0.1) / 0.4
                } else {
                    fifty + (full - fifty) * (load - 0.5) / 0.5
                }
            }
        })
    }

    /// The curve multiplied by a share or count.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        match self {
            Self::Linear { idle_w, full_w } => {
                Self::Linear { idle_w: idle_w * factor, full_w: full_w * factor }
            }
            Self::TdpLog { a, c, d, scale_w, floor_w, idle_w, full_w } => Self::TdpLog {
                a,
                c,
                d,
                scale_w: scale_w * factor,
                floor_w: floor_w * factor,
                idle_w: idle_w * factor,
                full_w: full_w * factor,
            },
            Self::Points { w } => Self::Points { w: w.map(|watts| watts * factor) },
        }
    }
}

/// Low, central and high curve of one component. Two of them may cross: [`Self::at`] sorts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerCurveBand {
    /// Low.
    pub low: PowerCurve,
    /// Central.
    pub central: PowerCurve,
    /// High.
    pub high: PowerCurve,
}

impl PowerCurveBand {
    /// No power.
    pub const ZERO: Self = Self::exact(PowerCurve::ZERO);

    /// One curve, its own bounds.
    pub const fn exact(curve: PowerCurve) -> Self {
        Self { low: curve, central: curve, high: curve }
    }

    /// The same power at every load.
    pub fn constant(w: Band) -> Self {
        Self::linear(w, w)
    }

    /// Straight lines between two bands.
    pub fn linear(idle_w: Band, full_w: Band) -> Self {
        Self {
            low: PowerCurve::Linear { idle_w: idle_w.low(), full_w: full_w.low() },
            central: PowerCurve::Linear { idle_w: idle_w.central(), full_w: full_w.central() },
            high: PowerCurve::Linear { idle_w: idle_w.high(), full_w: full_w.high() },
        }
    }

    /// Every curve multiplied by a share or count.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        let Self { low, central, high } = self;
        Self { low: low.scaled(factor), central: central.scaled(factor), high: high.scaled(factor) }
    }

    /// Watts at a load of 0 to 1 as (low, central, high): the central curve, and the least and greatest of the three.
    #[inline]
    pub fn at(&self, load: f64) -> [f64; 3] {
        let [low, central, high] = [self.low, self.central, self.high].map(|curve| curve.at(load).w());
        [low.min(central).min(high), central, low.max(central).max(high)]
    }
}

/// Power of one instance by component, before PUE.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InstancePower {
    /// Processors (with SPECpower figures: processors and the rest of the server).
    pub cpu: PowerCurveBand,
    /// Memory (with SPECpower figures: what exceeds the memory of those servers).
    pub memory: PowerCurveBand,
    /// GPUs and other accelerators; their load is taken to be the processor's.
    pub accelerator: PowerCurveBand,
    /// Local disks.
    pub storage: PowerCurveBand,
    /// Rest of the server, where the processor figures do not hold it.
    pub platform: PowerCurveBand,
    /// Whether a figure of a stand-in was used.
    pub proxy: bool,
}

impl InstancePower {
    /// Watts of all components at a load of 0 to 1 as (low, central, high).
    pub fn at(&self, load: f64) -> [f64; 3] {
        let Self { cpu, memory, accelerator, storage, platform, proxy: _ } = self;
        [cpu, memory, accelerator, storage, platform]
            .map(|component| component.at(load))
            .into_iter()
            .fold([0.0; 3], |sum, w| [sum[0] + w[0], sum[1] + w[1], sum[2] + w[2]])
    }
}
