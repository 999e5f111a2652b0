//! The peers' profiles against figures that the peers themselves computed.
//!
//! `data/*.csv` are a few dozen rows in our own form, with the version of the tool that computed them in the first line.
//! They are compared everywhere. Where the tools' whole output is at hand too (`data/golden` of the folder that
//! `AIRSHED_SHARED` names, else of `../shared`: 225 lines computed by CCF, 229 by SPRUCE), every row of it is compared as
//! well, and the rows that a profile does not reproduce must be exactly the ones that its documentation lists; elsewhere those
//! tests print that they were skipped.
//!
//! Compared are the figures of one class times the row's amount, in floating point: the ledger's steps of 1e-8 kWh would
//! hide a difference in rows as small as Cloud Carbon Footprint's S3.

mod boavizta;
mod ccf;
mod golden;
mod spruce;

use std::sync::OnceLock;

use airshed_domain::{period::BillingPeriod, status::LineStatus};
use airshed_emission_factors::{FactorSet, FactorSetBuilder};
use airshed_kernels::{
    class::{Class, ClassKey, Coefficients},
    method::{Context, MethodName, MethodOptions},
    place::Places,
    profile,
};

/// What a class makes of an amount.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) it_kwh: f64,
    pub(crate) energy_kwh: f64,
    pub(crate) location_g: f64,
    pub(crate) embodied_g: f64,
    pub(crate) cooling_l: f64,
    pub(crate) water_l: f64,
}

/// A set of factors with what a method needs besides.
pub(crate) struct Setup {
    factors: FactorSet,
    options: MethodOptions,
    period: BillingPeriod,
    places: Places,
}

impl Setup {
    /// The golden rows are of October 2026, 744 hours.
    pub(crate) fn new(builder: FactorSetBuilder) -> Self {
        let factors = builder.build().expect("the factor set builds");
        let period = "2026-10".parse().expect("a period");
        Self { factors, options: MethodOptions::default(), period, places: Places::default() }
    }

    /// The shipped factors alone.
    pub(crate) fn shipped() -> &'static Self {
        static SHIPPED: OnceLock<Setup> = OnceLock::new();
        SHIPPED.get_or_init(|| Self::new(FactorSet::builder()))
    }

    pub(crate) fn classify(&self, method: MethodName, key: &ClassKey<'_>) -> Class {
        let Self { factors, options, period, places } = self;
        let context = Context { factors, options, period: *period, places };
        profile::classify(method, key, &context)
    }
}

/// The figures of an amount, `None` without an estimate.
pub(crate) fn figures(class: &Class, amount: f64) -> Option<Figures> {
    let Coefficients { energy_kwh, default_utilization, embodied_g, pue, grid, .. } =
        class.coefficients.as_deref()?;
    assert_eq!(class.status, LineStatus::Estimated);
    let load = default_utilization.map_or(0.0, |utilization| utilization.central);
    let curves = [
        &energy_kwh.cpu,
        &energy_kwh.memory,
        &energy_kwh.accelerator,
        &energy_kwh.storage,
        &energy_kwh.network,
        &energy_kwh.platform,
    ];
    let it_kwh = amount * curves.iter().map(|curve| curve.at(load).central).sum::<f64>();
    let energy = it_kwh * pue.central;
    let coefficients = class.coefficients.as_deref()?;
    let cooling_l = it_kwh * coefficients.wue_l_per_kwh.unwrap_or(f64::NAN);
    Some(Figures {
        it_kwh,
        energy_kwh: energy,
        location_g: energy * grid.yearly_g_per_kwh.central,
        embodied_g: amount * embodied_g.central,
        cooling_l,
        water_l: cooling_l + energy * coefficients.electricity_water_l_per_kwh.unwrap_or(f64::NAN),
    })
}

/// Equal to one part in a million, or both nothing.
pub(crate) fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= 1e-6 * theirs.abs()
}

/// A text cell: `None` when empty.
pub(crate) fn cell(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// A number cell.
pub(crate) fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is not a number"))
}
