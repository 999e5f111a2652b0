//! The factor set of the functions: the one that is shipped with the binary.
//!
//! A function whose answer hung on the lake would not be pure, and a worker would have to read the same files as its
//! server. So files that a ledger imported are not in it. The set is read once, when the first statement needs it.

use std::sync::LazyLock;

use airshed_emission_factors::{FactorError, FactorSet};
use datafusion::common::{Result, internal_datafusion_err};

static SHIPPED: LazyLock<Result<FactorSet, FactorError>> = LazyLock::new(FactorSet::embedded);

/// The shipped set.
pub(super) fn shipped() -> Result<&'static FactorSet> {
    SHIPPED.as_ref().map_err(|error| internal_datafusion_err!("the shipped factor set is faulty: {error}"))
}
