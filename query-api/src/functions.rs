//! Functions of the ledger's SQL, beside those of the engine. All are pure; `docs/sql-functions.md` describes each.

mod arguments;
pub(crate) mod bounded;
mod co2e_equivalent;
mod cpu_power_w;
mod factors;
mod grid_intensity;
mod tag;

use datafusion::logical_expr::ScalarUDF;

/// Every function.
pub(crate) fn all() -> Vec<ScalarUDF> {
    vec![
        tag(),
        ScalarUDF::from(co2e_equivalent::Co2eEquivalent::new()),
        ScalarUDF::from(grid_intensity::GridIntensity::new()),
        ScalarUDF::from(cpu_power_w::CpuPowerW::new()),
    ]
}

/// `tag(tags, 'team')`.
pub(crate) fn tag() -> ScalarUDF {
    ScalarUDF::from(tag::Tag::new())
}

#[cfg(test)]
mod tests;
