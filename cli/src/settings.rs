//! What decides how a command behaves, and where each value came from.
//!
//! Precedence: flag, then environment (`AIRSHED_<SECTION>_<KEY>`), then `airshed.toml`, then the default. A default is
//! stated once, in the `Default` of its section. Each key is described once, in [`keys::keys`]; the file's example, the
//! documentation, the environment variables and `config show` are made from that table. An unknown key is an error,
//! because a setting that is silently ignored is worse than none.

mod collect;
mod estimate;
mod keys;
mod layers;
mod serve;
#[cfg(test)]
mod tests;

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};

pub(crate) use collect::CollectSettings;
pub(crate) use estimate::EstimateSettings;
pub(crate) use keys::{Key, Kind, keys};
pub(crate) use layers::{Layers, Origin};
pub(crate) use serve::ServeSettings;

/// Every setting, resolved.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// A folder or `s3://bucket/prefix`.
    pub(crate) lake: String,
    pub(crate) import: ImportSettings,
    pub(crate) method: MethodSettings,
    pub(crate) estimate: EstimateSettings,
    pub(crate) rollup: RollupSettings,
    pub(crate) factors: FactorSettings,
    pub(crate) collect: CollectSettings,
    pub(crate) serve: ServeSettings,
}

/// Section `[import]`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ImportSettings {
    pub(crate) memory_mib: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) threads: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) spill_dir: Option<String>,
}

/// Section `[method]`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MethodSettings {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default_utilization: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lifetime_years: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) power_model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) spend_currency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) spend_kwh_per_cost: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) spend_embodied_g_per_cost: Option<f64>,
}

/// Section `[rollup]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RollupSettings {
    pub(crate) tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) min_coverage: Option<f64>,
}

/// Section `[factors]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FactorSettings {
    pub(crate) grid: Vec<String>,
    pub(crate) power: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) boavizta: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) spruce: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lake: "airshed-data".to_owned(),
            import: ImportSettings::default(),
            method: MethodSettings::default(),
            estimate: EstimateSettings::default(),
            rollup: RollupSettings::default(),
            factors: FactorSettings::default(),
            collect: CollectSettings::default(),
            serve: ServeSettings::default(),
        }
    }
}

impl Default for ImportSettings {
    fn default() -> Self {
        Self { memory_mib: 512, threads: None, spill_dir: None }
    }
}

impl Default for MethodSettings {
    fn default() -> Self {
        Self {
            name: "airshed".to_owned(),
            default_utilization: None,
            lifetime_years: None,
            power_model: None,
            spend_currency: None,
            spend_kwh_per_cost: None,
            spend_embodied_g_per_cost: None,
        }
    }
}

/// Smallest memory that an import can work in.
const MIN_MEMORY_MIB: u64 = 64;

impl Settings {
    /// Merges the layers and checks every value; an error names the key and where its value came from.
    pub(crate) fn resolve(layers: &Layers) -> anyhow::Result<Self> {
        let settings: Self = layers.merged().try_into().context("settings do not fit together")?;
        settings.check(layers)?;
        Ok(settings)
    }

    fn check(&self, layers: &Layers) -> anyhow::Result<()> {
        let from = |key: &str| layers.origin(key).to_string();
        if self.lake.is_empty() {
            bail!("lake is empty (from {})", from("lake"));
        }
        let memory = self.import.memory_mib;
        ensure!(
            memory >= MIN_MEMORY_MIB,
            "import.memory_mib is {memory} (from {}); at least {MIN_MEMORY_MIB} are needed",
            from("import.memory_mib")
        );
        ensure!(
            self.import.threads != Some(0),
            "import.threads is 0 (from {}); leave it out for one per processor",
            from("import.threads")
        );
        for (key, value) in [
            ("method.default_utilization", self.method.default_utilization),
            ("rollup.min_coverage", self.rollup.min_coverage),
        ] {
            if let Some(value) = value {
                let origin = from(key);
                ensure!(
                    (0.0..=1.0).contains(&value),
                    "{key} is {value} (from {origin}); it is a share, 0 to 1"
                );
            }
        }
        for (key, value) in [
            ("method.lifetime_years", self.method.lifetime_years),
            ("method.spend_kwh_per_cost", self.method.spend_kwh_per_cost),
        ] {
            if let Some(value) = value {
                let origin = from(key);
                ensure!(
                    value.is_finite() && value > 0.0,
                    "{key} is {value} (from {origin}); it must be above 0"
                );
            }
        }
        let method = &self.method;
        let given = [
            method.spend_currency.is_some(),
            method.spend_kwh_per_cost.is_some(),
            method.spend_embodied_g_per_cost.is_some(),
        ];
        ensure!(
            given.iter().all(|g| *g == given[0]),
            "method.spend_currency, spend_kwh_per_cost and spend_embodied_g_per_cost go together: give all or none"
        );
        self.collect.check(layers)?;
        self.serve.check(layers)
    }
}
