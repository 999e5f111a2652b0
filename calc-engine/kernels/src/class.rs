//! Classes: what is decided once for all lines that are alike.
//!
//! A [`ClassKey`] holds every column that a decision may depend on, and nothing else. A [`Class`] holds every decision:
//! status, reason, family, and for lines with an estimate the [`Coefficients`] per billed unit, from which each row is
//! plain arithmetic. It also holds the [`Step`]s by which the coefficients were found, so that `explain` shows the
//! numbers that were used and not a second calculation of them.

use std::sync::Arc;

use airshed_domain::status::{LineStatus, Quality, UsageFamily};

use crate::{
    bounds::Bounds,
    curve::PowerCurve,
    reason::{Obstacle, Reason},
};

/// Everything that the decision about a line may depend on. Columns as in `billing_lines`; null is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ClassKey<'a> {
    /// `provider`.
    pub provider: Option<&'a str>,
    /// `service_code`.
    pub service_code: Option<&'a str>,
    /// `usage_type`, region prefix included.
    pub usage_type: Option<&'a str>,
    /// `operation`.
    pub operation: Option<&'a str>,
    /// `instance_type`.
    pub instance_type: Option<&'a str>,
    /// `usage_unit`.
    pub usage_unit: Option<&'a str>,
    /// `line_type`.
    pub line_type: Option<&'a str>,
    /// `region`.
    pub region: Option<&'a str>,
    /// `product_family`.
    pub product_family: Option<&'a str>,
    /// `product_vcpu`.
    pub product_vcpu: Option<&'a str>,
    /// `transfer_type`.
    pub transfer_type: Option<&'a str>,
    /// `from_region`.
    pub from_region: Option<&'a str>,
    /// `to_region`.
    pub to_region: Option<&'a str>,
    /// `currency`; decides only whether a cost-proportional estimate applies.
    pub currency: Option<&'a str>,
    /// Whether the line is a share of another line's resource (`split_parent_resource_id` is not null).
    pub split: bool,
}

/// What the coefficients are multiplied by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Basis {
    /// `usage_amount`, in `usage_unit`.
    #[default]
    UsageAmount,
    /// `effective_cost`, in `currency`; only with quality `spend`.
    EffectiveCost,
}

/// Energy per billed unit by component, before PUE, kWh.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentCurves {
    /// Processors.
    pub cpu: PowerCurve,
    /// Memory.
    pub memory: PowerCurve,
    /// GPUs and other accelerators.
    pub accelerator: PowerCurve,
    /// Local and network storage.
    pub storage: PowerCurve,
    /// Network.
    pub network: PowerCurve,
    /// Rest of the server.
    pub platform: PowerCurve,
}

impl ComponentCurves {
    /// No energy in any component.
    pub const ZERO: Self = Self {
        cpu: PowerCurve::ZERO,
        memory: PowerCurve::ZERO,
        accelerator: PowerCurve::ZERO,
        storage: PowerCurve::ZERO,
        network: PowerCurve::ZERO,
        platform: PowerCurve::ZERO,
    };
}

/// The grid behind a region.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// Zone whose factors are used, as it stands in `grid_zone`.
    pub zone: Arc<str>,
    /// Location-based intensity of the year, gCO2e/kWh.
    pub yearly_g_per_kwh: Bounds,
    /// Location-based intensity hour by hour, where the factor set has it.
    pub hourly: Option<Arc<HourlyIntensity>>,
}

/// Intensities of one zone, hour by hour.
///
/// Hours without a figure are NaN in both columns; lines that touch one of them use the year for everything.
#[derive(Debug, Clone, PartialEq)]
pub struct HourlyIntensity {
    /// First second of the first hour, since the Unix epoch; a whole hour.
    pub start_s: i64,
    /// Location-based (direct) intensity of each hour from there, gCO2e/kWh.
    pub g_per_kwh: Vec<f64>,
    /// Fuel supply behind a kWh of each hour, lifecycle minus direct, gCO2e/kWh.
    pub upstream_g_per_kwh: Vec<f64>,
    /// Whether the market-based figure is the location-based one (no residual mix is published), hours included.
    pub serves_market: bool,
}

/// What one billed unit causes.
///
/// A row is then:
/// `it_kwh = amount * (cpu(u) + memory + accelerator + storage + network + platform)`,
/// `energy_kwh = (it_kwh - external) * pue + external` with `external = network * network_external_share`,
/// `co2e_location_g = energy_kwh * grid intensity`, and so on (see `docs/methodology/README.md`).
#[derive(Debug, Clone, PartialEq)]
pub struct Coefficients {
    /// What the coefficients are multiplied by.
    pub basis: Basis,
    /// IT energy per unit by component, kWh.
    pub energy_kwh: ComponentCurves,
    /// Processor utilisation (0 to 1) where none was measured; `None` when energy does not depend on utilisation.
    pub default_utilization: Option<Bounds>,
    /// Whether a measured utilisation of the line's resource may replace the default.
    pub accepts_measured_utilization: bool,
    /// Share of the network energy spent outside the provider's facility, 0 to 1: no PUE, no cooling water.
    pub network_external_share: f64,
    /// Embodied emissions per unit, gCO2e.
    pub embodied_g: Bounds,
    /// Power usage effectiveness of the facility.
    pub pue: Bounds,
    /// Cooling water per kWh of IT energy, L/kWh; `None` where the method states none, and the column is null.
    pub wue_l_per_kwh: Option<f64>,
    /// Water behind the electricity per kWh at the meter, L/kWh; `None` where the method states none.
    pub electricity_water_l_per_kwh: Option<f64>,
    /// The grid.
    pub grid: Grid,
    /// Market-based intensity, gCO2e/kWh; `None` where the method states none.
    pub market_g_per_kwh: Option<f64>,
    /// Fuel supply behind the electricity per kWh at the meter, gCO2e/kWh; `None` where the method states none.
    pub upstream_g_per_kwh: Option<f64>,
    /// Electricity lost in transmission and distribution per unit delivered (loss / (1 - loss)); `None` where the method
    /// states none.
    pub t_and_d_ratio: Option<f64>,
}

/// What a method decided about all lines of one key.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// What becomes of the lines.
    pub status: LineStatus,
    /// Why they are unmapped or excluded; `None` for estimated ones.
    pub reason: Option<Reason>,
    /// What kind of thing they use.
    pub family: UsageFamily,
    /// How good the estimate is where no utilisation was measured; `None` without an estimate.
    pub quality: Option<Quality>,
    /// What one unit causes; `None` without an estimate.
    pub coefficients: Option<Box<Coefficients>>,
    /// Ids of the factors used, sorted, each once.
    pub factor_ids: Vec<String>,
    /// How the decision and the coefficients were found, in order.
    pub steps: Vec<Step>,
}

impl Class {
    /// A class without an estimate. A cause in words becomes a step.
    pub fn without_estimate(obstacle: impl Into<Obstacle>, family: UsageFamily) -> Self {
        let Obstacle { reason, cause } = obstacle.into();
        let steps = cause.map(|cause| Step::new("what is missing", reason.as_str()).with_note(cause));
        Self {
            status: reason.status(),
            reason: Some(reason),
            family,
            quality: None,
            coefficients: None,
            factor_ids: Vec::new(),
            steps: steps.into_iter().collect(),
        }
    }

    /// A class with an estimate. Factor ids are taken from the steps.
    pub fn estimated(
        family: UsageFamily,
        quality: Quality,
        coefficients: Coefficients,
        steps: Vec<Step>,
    ) -> Self {
        let mut factor_ids: Vec<String> =
            steps.iter().flat_map(|step| step.factor_ids.iter().cloned()).collect();
        factor_ids.sort_unstable();
        factor_ids.dedup();
        Self {
            status: LineStatus::Estimated,
            reason: None,
            family,
            quality: Some(quality),
            coefficients: Some(Box::new(coefficients)),
            factor_ids,
            steps,
        }
    }

    /// The `factors` column: ids separated by `; `, or `None` when no factor was used.
    pub fn factors_text(&self) -> Option<String> {
        (!self.factor_ids.is_empty()).then(|| self.factor_ids.join("; "))
    }
}

/// One step of a calculation, as data.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What is found, such as `memory of m5.xlarge`.
    pub title: String,
    /// The formula in words, such as `GiB x W/GiB / 1000`.
    pub formula: String,
    /// What went in.
    pub inputs: Vec<Input>,
    /// What came out; `None` for a step that is a decision in words.
    pub result: Option<Input>,
    /// Ids of the factors that went in.
    pub factor_ids: Vec<String>,
    /// What a reader should know besides.
    pub note: Option<String>,
}

/// A named number with its unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Its unit, `1` for a ratio.
    pub unit: &'static str,
}

impl Input {
    /// A named number with its unit.
    pub fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit }
    }
}

impl Step {
    /// A step with a formula; inputs, result, factors and note are added with the `with_` functions.
    pub fn new(title: impl Into<String>, formula: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            formula: formula.into(),
            inputs: Vec::new(),
            result: None,
            factor_ids: Vec::new(),
            note: None,
        }
    }

    /// Adds an input.
    #[must_use]
    pub fn with_input(mut self, name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        self.inputs.push(Input::new(name, value, unit));
        self
    }

    /// States the result.
    #[must_use]
    pub fn with_result(mut self, name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        self.result = Some(Input::new(name, value, unit));
        self
    }

    /// Adds the id of a factor that went in.
    #[must_use]
    pub fn with_factor(mut self, id: impl Into<String>) -> Self {
        self.factor_ids.push(id.into());
        self
    }

    /// Adds a note.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}
