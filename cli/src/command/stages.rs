//! What the stage commands share: the calculation and resources that the settings ask for, and progress.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use airshed_domain::period::BillingPeriod;
use airshed_estimate::Calculation;
use airshed_kernels::{
    bounds::Bounds,
    method::{self, MethodName, MethodOptions, SpendFactor},
};
use airshed_rollup::{Resources, RollupOptions};
use anyhow::Context as _;

use crate::{app, app::App, factor_files, failure::Problem, progress::Stage};

/// Factors, method and options. `method` overrides the settings, where a recorded run is repeated.
pub(super) async fn calculation(app: &App, method: Option<&str>) -> anyhow::Result<Calculation> {
    let settings = &app.settings.method;
    let name = method.unwrap_or(&settings.name);
    let method: MethodName = name
        .parse()
        .with_context(|| Problem::usage("there is no such method").hint("docs/methodology describes each"))?;
    let mut options = MethodOptions::default();
    if let Some(utilization) = settings.default_utilization {
        options.default_utilization.fallback = Bounds::exactly(utilization);
    }
    if let Some(years) = settings.lifetime_years {
        options.hardware_lifetime_years = [years; 3];
    }
    if let Some(model) = &settings.power_model {
        options.power_model =
            method::power_model_from_name(model).context(Problem::usage("there is no such power model"))?;
    }
    if let (Some(currency), Some(kwh), Some(embodied_g)) =
        (&settings.spend_currency, settings.spend_kwh_per_cost, settings.spend_embodied_g_per_cost)
    {
        options.spend = Some(SpendFactor {
            currency: currency.clone(),
            kwh_per_cost: Bounds::exactly(kwh),
            embodied_g_per_cost: Bounds::exactly(embodied_g),
        });
    }
    let factors = Arc::new(factor_files::load(app).await?);
    Ok(Calculation { factors, method, options, rollup_tags: app.settings.rollup.tags.clone() })
}

/// Threads that the settings allow.
pub(super) fn threads(app: &App) -> usize {
    let all = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    app.settings.import.threads.unwrap_or_else(all)
}

/// What checks may use.
pub(super) fn resources(app: &App) -> Resources {
    let import = &app.settings.import;
    Resources {
        threads: threads(app),
        memory_bytes: usize::try_from(import.memory_mib << 20).unwrap_or(usize::MAX),
        spill_dir: import.spill_dir.as_ref().map(Into::into),
    }
}

pub(super) fn rollup_options(app: &App) -> RollupOptions {
    RollupOptions { tags: app.settings.rollup.tags.clone(), threads: threads(app), now_us: app::now_us() }
}

/// Periods that the user named; all when none.
pub(super) struct Periods(Vec<BillingPeriod>);

impl Periods {
    pub(super) fn all() -> Self {
        Self(Vec::new())
    }

    pub(super) fn parse(texts: &[String]) -> anyhow::Result<Self> {
        let parse = |text: &String| text.parse().context(Problem::usage("--period is not a billing period"));
        Ok(Self(texts.iter().map(parse).collect::<anyhow::Result<_>>()?))
    }

    pub(super) fn contains(&self, period: BillingPeriod) -> bool {
        self.0.is_empty() || self.0.contains(&period)
    }
}

/// The progress of an estimate, on a stage's bar.
pub(super) struct EstimateProgress<'s> {
    stage: &'s Stage,
    total: AtomicU64,
    done: AtomicU64,
}

impl<'s> EstimateProgress<'s> {
    pub(super) fn new(stage: &'s Stage) -> Self {
        Self { stage, total: AtomicU64::new(0), done: AtomicU64::new(0) }
    }
}

impl airshed_estimate::Progress for EstimateProgress<'_> {
    fn begin(&self, period: BillingPeriod, rows: u64) {
        self.total.fetch_add(rows, Ordering::Relaxed);
        self.stage.at(period.to_string());
    }

    fn advance(&self, rows: u64) {
        let done = self.done.fetch_add(rows, Ordering::Relaxed) + rows;
        self.stage.done(done, self.total.load(Ordering::Relaxed));
    }
}
