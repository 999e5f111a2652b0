//! Functions of the ledger's SQL, beside those of the engine. All are pure.

mod co2e_equivalent;
mod tag;

use datafusion::logical_expr::ScalarUDF;

/// Every function.
pub(crate) fn all() -> Vec<ScalarUDF> {
    vec![tag(), ScalarUDF::from(co2e_equivalent::Co2eEquivalent::new())]
}

/// `tag(tags, 'team')`.
pub(crate) fn tag() -> ScalarUDF {
    ScalarUDF::from(tag::Tag::new())
}
