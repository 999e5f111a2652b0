//! What travels: messages of protocol buffers, apart from the types that they stand for.
//!
//! Numbers that figures depend on travel as they are: doubles bit for bit, sums as decimal digits.

use airshed_domain::id::RunId;
use airshed_estimate::SharedRun;
use airshed_kernels::{
    bounds::Bounds,
    method::{self, DefaultUtilization, MethodOptions, SpendFactor},
};
use airshed_lake::control::RunTotals;
use prost::Message;

/// Name of the service.
pub(crate) const SERVICE: &str = "airshed.estimate.v1.Shards";
/// [`Run`] to [`Ready`]: plans a run.
pub(crate) const PREPARE: &str = "/airshed.estimate.v1.Shards/Prepare";
/// [`FileOfRun`] to [`EstimatedFile`]: estimates one of its files.
pub(crate) const ESTIMATE: &str = "/airshed.estimate.v1.Shards/Estimate";

/// A run to plan.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Run {
    /// Version of the asking program.
    #[prost(string, tag = "1")]
    pub(crate) version: String,
    #[prost(string, tag = "2")]
    pub(crate) id: String,
    #[prost(string, tag = "3")]
    pub(crate) period: String,
    #[prost(uint64, tag = "4")]
    pub(crate) billing_version: u64,
    #[prost(string, tag = "5")]
    pub(crate) inputs_sha256: String,
    /// JSON, as the run records it.
    #[prost(string, tag = "6")]
    pub(crate) utilization: String,
    #[prost(uint64, tag = "7")]
    pub(crate) rejected: u64,
    #[prost(string, tag = "8")]
    pub(crate) method: String,
    /// Low, central, high; shares.
    #[prost(double, repeated, tag = "9")]
    pub(crate) default_utilization: Vec<f64>,
    /// Longest, central, shortest.
    #[prost(double, repeated, tag = "10")]
    pub(crate) hardware_lifetime_years: Vec<f64>,
    #[prost(string, tag = "11")]
    pub(crate) power_model: String,
    #[prost(message, optional, tag = "12")]
    pub(crate) spend: Option<Spend>,
    #[prost(string, repeated, tag = "13")]
    pub(crate) rollup_tags: Vec<String>,
    #[prost(string, tag = "14")]
    pub(crate) factor_set: String,
    #[prost(string, tag = "15")]
    pub(crate) code_version: String,
}

/// An estimate in proportion to cost.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Spend {
    #[prost(string, tag = "1")]
    pub(crate) currency: String,
    /// Low, central, high.
    #[prost(double, repeated, tag = "2")]
    pub(crate) kwh_per_cost: Vec<f64>,
    /// Low, central, high; grams.
    #[prost(double, repeated, tag = "3")]
    pub(crate) embodied_g_per_cost: Vec<f64>,
}

/// A worker planned the run and came to the same.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Ready {
    /// Files that it estimates at a time.
    #[prost(uint32, tag = "1")]
    pub(crate) files_at_once: u32,
}

/// A billing file to estimate.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct FileOfRun {
    #[prost(message, optional, tag = "1")]
    pub(crate) run: Option<Run>,
    /// Its number in the run, from 0.
    #[prost(uint32, tag = "2")]
    pub(crate) file: u32,
}

/// A billing file was estimated, and its emissions file stands in the lake.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct EstimatedFile {
    #[prost(string, tag = "1")]
    pub(crate) content_hash: String,
    #[prost(uint64, tag = "2")]
    pub(crate) rows_estimated: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) rows_unmapped: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) rows_excluded: u64,
    /// Decimal digits of steps of 1e-8 kWh.
    #[prost(string, tag = "5")]
    pub(crate) energy_kwh: String,
    /// Decimal digits of steps of 1e-8 g; so are the other two.
    #[prost(string, tag = "6")]
    pub(crate) co2e_location_g: String,
    #[prost(string, tag = "7")]
    pub(crate) co2e_market_g: String,
    #[prost(string, tag = "8")]
    pub(crate) co2e_embodied_g: String,
}

/// A message that means nothing here.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` of a message cannot be read")]
pub(crate) struct Unreadable(&'static str);

impl Run {
    pub(crate) fn of(run: &SharedRun, version: &str) -> Result<Self, Unreadable> {
        let MethodOptions { default_utilization, hardware_lifetime_years, power_model, spend } = &run.options;
        let spend = spend.as_ref().map(|spend| Spend {
            currency: spend.currency.clone(),
            kwh_per_cost: triple(spend.kwh_per_cost),
            embodied_g_per_cost: triple(spend.embodied_g_per_cost),
        });
        Ok(Self {
            version: version.to_owned(),
            id: run.run_id.to_string(),
            period: run.period.to_string(),
            billing_version: run.billing_version,
            inputs_sha256: run.inputs_sha256.clone(),
            utilization: serde_json::to_string(&run.utilization).map_err(|_| Unreadable("utilization"))?,
            rejected: run.rejected,
            method: run.method.to_string(),
            default_utilization: triple(default_utilization.fallback),
            hardware_lifetime_years: hardware_lifetime_years.to_vec(),
            power_model: method::power_model_name(*power_model).to_owned(),
            spend,
            rollup_tags: run.rollup_tags.clone(),
            factor_set: run.factor_set.clone(),
            code_version: run.code_version.clone(),
        })
    }

    pub(crate) fn read(self) -> Result<SharedRun, Unreadable> {
        let spend = self.spend.map(|spend| {
            Ok(SpendFactor {
                currency: spend.currency,
                kwh_per_cost: bounds(&spend.kwh_per_cost, "kwh_per_cost")?,
                embodied_g_per_cost: bounds(&spend.embodied_g_per_cost, "embodied_g_per_cost")?,
            })
        });
        let fallback = bounds(&self.default_utilization, "default_utilization")?;
        let unreadable = |what| move |_| Unreadable(what);
        let options = MethodOptions {
            default_utilization: DefaultUtilization { fallback },
            hardware_lifetime_years: self
                .hardware_lifetime_years
                .try_into()
                .map_err(unreadable("hardware_lifetime_years"))?,
            power_model: method::power_model_from_name(&self.power_model)
                .map_err(|_| Unreadable("power_model"))?,
            spend: spend.transpose()?,
        };
        Ok(SharedRun {
            run_id: RunId::new(self.id),
            period: self.period.parse().map_err(|_| Unreadable("period"))?,
            billing_version: self.billing_version,
            inputs_sha256: self.inputs_sha256,
            utilization: serde_json::from_str(&self.utilization).map_err(|_| Unreadable("utilization"))?,
            rejected: self.rejected,
            method: self.method.parse().map_err(|_| Unreadable("method"))?,
            options,
            rollup_tags: self.rollup_tags,
            factor_set: self.factor_set,
            code_version: self.code_version,
        })
    }
}

impl EstimatedFile {
    pub(crate) fn of(content_hash: String, totals: &RunTotals) -> Self {
        Self {
            content_hash,
            rows_estimated: totals.rows_estimated,
            rows_unmapped: totals.rows_unmapped,
            rows_excluded: totals.rows_excluded,
            energy_kwh: totals.energy_kwh.to_string(),
            co2e_location_g: totals.co2e_location_g.to_string(),
            co2e_market_g: totals.co2e_market_g.to_string(),
            co2e_embodied_g: totals.co2e_embodied_g.to_string(),
        }
    }

    pub(crate) fn totals(&self) -> Result<RunTotals, Unreadable> {
        let sum = |digits: &str, what| digits.parse().map_err(|_| Unreadable(what));
        Ok(RunTotals {
            rows_estimated: self.rows_estimated,
            rows_unmapped: self.rows_unmapped,
            rows_excluded: self.rows_excluded,
            rows_rejected: 0,
            energy_kwh: sum(&self.energy_kwh, "energy_kwh")?,
            co2e_location_g: sum(&self.co2e_location_g, "co2e_location_g")?,
            co2e_market_g: sum(&self.co2e_market_g, "co2e_market_g")?,
            co2e_embodied_g: sum(&self.co2e_embodied_g, "co2e_embodied_g")?,
        })
    }
}

fn triple(bounds: Bounds) -> Vec<f64> {
    vec![bounds.low, bounds.central, bounds.high]
}

fn bounds(values: &[f64], what: &'static str) -> Result<Bounds, Unreadable> {
    match values {
        [low, central, high] => Ok(Bounds::new(*low, *central, *high)),
        _ => Err(Unreadable(what)),
    }
}

#[cfg(test)]
mod tests {
    use airshed_estimate::{MeasuredContent, MeasuredInput};
    use airshed_kernels::method::MethodName;

    use super::*;

    fn run() -> SharedRun {
        let options = MethodOptions {
            hardware_lifetime_years: [0.1 + 0.2, 6.0, f64::MIN_POSITIVE],
            spend: Some(SpendFactor {
                currency: "EUR".to_owned(),
                kwh_per_cost: Bounds::new(1.0 / 3.0, 0.7, 1e300),
                embodied_g_per_cost: Bounds::ZERO,
            }),
            ..MethodOptions::default()
        };
        let utilization = MeasuredContent {
            sha256: Some("c0ffee".to_owned()),
            files_sha256: "cafe".to_owned(),
            version: u64::MAX,
        };
        SharedRun {
            run_id: RunId::new("run-1"),
            period: "2026-10".parse().unwrap(),
            billing_version: 7,
            inputs_sha256: "ab".to_owned(),
            utilization: MeasuredInput::Content(utilization),
            rejected: 3,
            method: MethodName::Ccf,
            options,
            rollup_tags: vec!["team".to_owned(), String::new()],
            factor_set: "fs-1".to_owned(),
            code_version: "calculation-1".to_owned(),
        }
    }

    #[test]
    fn a_run_arrives_as_it_was_sent() {
        let bytes = Run::of(&run(), "1.2.3").unwrap().encode_to_vec();
        let arrived = Run::decode(bytes.as_slice()).unwrap();
        assert_eq!(arrived.version, "1.2.3");
        let arrived = arrived.read().unwrap();
        assert_eq!(arrived, run());
        assert_eq!(arrived.options.canonical_text(), run().options.canonical_text());
    }

    #[test]
    fn totals_arrive_as_they_were_sent() {
        let totals = RunTotals {
            rows_estimated: 1,
            rows_unmapped: 2,
            rows_excluded: 3,
            rows_rejected: 0,
            energy_kwh: i128::MAX,
            co2e_location_g: i128::MIN,
            co2e_market_g: 0,
            co2e_embodied_g: -1,
        };
        assert_eq!(EstimatedFile::of("c0ffee".to_owned(), &totals).totals().unwrap(), totals);
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let good = Run::of(&run(), "1.2.3").unwrap();
        for bad in [
            Run { period: "2026-13".to_owned(), ..good.clone() },
            Run { method: "guess".to_owned(), ..good.clone() },
            Run { power_model: "guess".to_owned(), ..good.clone() },
            Run { utilization: "{".to_owned(), ..good.clone() },
            Run { default_utilization: vec![0.5], ..good.clone() },
            Run { hardware_lifetime_years: Vec::new(), ..good },
        ] {
            assert!(bad.clone().read().is_err(), "{bad:?}");
        }
        assert!(EstimatedFile::default().totals().is_err());
    }
}
