//! Methods and their options: everything a figure depends on besides the line and the factors.
//!
//! A method is a name and a set of options; both go into the run id through [`MethodOptions::canonical_text`], so two
//! runs with different options cannot be mistaken for each other.

use std::{fmt::Write as _, str::FromStr};

use airshed_domain::{period::BillingPeriod, quantity::Duration};
use airshed_emission_factors::{
    FactorSet,
    compute::{Lifetime, PowerModel},
};

use crate::{bounds::Bounds, place::Places};

/// Hours of the 365-day year in which embodied emissions are spread.
pub const HOURS_PER_YEAR: f64 = 8760.0;

/// A published way of turning billed lines into emissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MethodName {
    /// Ours; the default.
    Airshed,
    /// Cloud Carbon Footprint.
    Ccf,
    /// BoaviztAPI.
    Boavizta,
    /// SPRUCE.
    Spruce,
}

/// A text that names no method or power model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what} (known: {known})")]
pub struct UnknownName {
    text: String,
    what: &'static str,
    known: String,
}

impl MethodName {
    /// Every method.
    pub const ALL: &[Self] = &[Self::Airshed, Self::Ccf, Self::Boavizta, Self::Spruce];

    /// The name as it stands in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Airshed => "airshed",
            Self::Ccf => "ccf",
            Self::Boavizta => "boavizta",
            Self::Spruce => "spruce",
        }
    }
}

impl std::fmt::Display for MethodName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MethodName {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL.iter().copied().find(|name| name.as_str() == text).ok_or_else(|| UnknownName {
            text: text.to_owned(),
            what: "method",
            known: Self::ALL.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", "),
        })
    }
}

const POWER_MODELS: [(PowerModel, &str); 4] = [
    (PowerModel::Default, "default"),
    (PowerModel::SpecLinear, "spec_linear"),
    (PowerModel::TdpLog, "tdp_log"),
    (PowerModel::MeasuredPoints, "measured"),
];

/// The name of a power model in configuration and canonical text.
pub fn power_model_name(model: PowerModel) -> &'static str {
    POWER_MODELS.iter().find(|(known, _)| *known == model).map_or("default", |(_, name)| name)
}

/// The power model with this name.
///
/// # Errors
/// When there is none.
pub fn power_model_from_name(text: &str) -> Result<PowerModel, UnknownName> {
    POWER_MODELS.iter().find(|(_, name)| *name == text).map(|(model, _)| *model).ok_or_else(|| UnknownName {
        text: text.to_owned(),
        what: "power model",
        known: POWER_MODELS.map(|(_, name)| name).join(", "),
    })
}

/// Processor utilisation, 0 to 1, where none was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct DefaultUtilization {
    /// For every service: none publishes a figure. 50 % is what CCF, Boavizta and SPRUCE assume; the bounds are the means
    /// of published traces (PlanetLab 2011: 11 %) and a fleet that is run hard.
    pub fallback: Bounds,
}

impl Default for DefaultUtilization {
    fn default() -> Self {
        Self { fallback: Bounds::new(0.1, 0.5, 0.8) }
    }
}

/// An estimate in proportion to cost for lines that no physical model fits.
#[derive(Debug, Clone, PartialEq)]
pub struct SpendFactor {
    /// ISO 4217 code; lines in another currency stay unmapped.
    pub currency: String,
    /// IT energy per unit of effective cost, before PUE, kWh.
    pub kwh_per_cost: Bounds,
    /// Embodied emissions per unit of effective cost, gCO2e.
    pub embodied_g_per_cost: Bounds,
}

/// Choices within a method.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodOptions {
    /// Utilisation where none was measured.
    pub default_utilization: DefaultUtilization,
    /// Years a server serves: longest (low bound), central, shortest (high bound).
    pub hardware_lifetime_years: [f64; 3],
    /// How processor power follows load.
    pub power_model: PowerModel,
    /// Estimate in proportion to cost; off unless given.
    pub spend: Option<SpendFactor>,
}

impl Default for MethodOptions {
    fn default() -> Self {
        Self {
            default_utilization: DefaultUtilization::default(),
            hardware_lifetime_years: [6.0, 6.0, 4.0],
            power_model: PowerModel::Default,
            spend: None,
        }
    }
}

impl MethodOptions {
    /// Years of service as the factor tables take them.
    pub fn lifetime(&self) -> Lifetime {
        let [longest, central, shortest] =
            self.hardware_lifetime_years.map(|years| Duration::from_hours(years * HOURS_PER_YEAR));
        Lifetime { longest, central, shortest }
    }

    /// Every option in one fixed order, numbers in their shortest exact form: equal texts are equal options.
    pub fn canonical_text(&self) -> String {
        let Self { default_utilization, hardware_lifetime_years, power_model, spend } = self;
        let mut text = String::new();
        let mut put = |name: &str, values: &[f64]| {
            let values: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name} = {}", values.join(" "));
        };
        let triple = |bounds: &Bounds| [bounds.low, bounds.central, bounds.high];
        put("default_utilization", &triple(&default_utilization.fallback));
        put("hardware_lifetime_years", hardware_lifetime_years);
        if let Some(SpendFactor { currency, kwh_per_cost, embodied_g_per_cost }) = spend {
            put(&format!("spend.{currency}.kwh_per_cost"), &triple(kwh_per_cost));
            put(&format!("spend.{currency}.embodied_g_per_cost"), &triple(embodied_g_per_cost));
        }
        let _ = writeln!(text, "power_model = {}", power_model_name(*power_model));
        text
    }
}

/// What a method may look at besides the line.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The factors.
    pub factors: &'a FactorSet,
    /// The options.
    pub options: &'a MethodOptions,
    /// The billing period: its year chooses factors, its hours turn GB-months into GB-hours.
    pub period: BillingPeriod,
    /// Every known region with its facility and grid figures for the period.
    pub places: &'a Places,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for name in MethodName::ALL {
            assert_eq!(name.as_str().parse(), Ok(*name));
        }
        assert!("Airshed".parse::<MethodName>().is_err());
        for (model, name) in POWER_MODELS {
            assert_eq!(power_model_from_name(name), Ok(model));
            assert_eq!(power_model_name(model), name);
        }
    }

    #[test]
    fn canonical_text_sees_every_option() {
        let one = MethodOptions::default();
        let mut other = one.clone();
        assert_eq!(one.canonical_text(), other.canonical_text());
        other.default_utilization.fallback = Bounds::exactly(0.3);
        assert_ne!(one.canonical_text(), other.canonical_text());
        other = one.clone();
        other.power_model = PowerModel::TdpLog;
        assert_ne!(one.canonical_text(), other.canonical_text());
        let spend = SpendFactor {
            currency: "USD".into(),
            kwh_per_cost: Bounds::exactly(1.0),
            embodied_g_per_cost: Bounds::ZERO,
        };
        let mut with_spend = one.clone();
        with_spend.spend = Some(spend);
        assert_ne!(one.canonical_text(), with_spend.canonical_text());
    }
}
