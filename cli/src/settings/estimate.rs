//! Section `[estimate]`.

use serde::{Deserialize, Serialize};

/// Who estimates.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EstimateSettings {
    /// Addresses; what is shared with them is in section `[serve]`.
    pub(crate) workers: Vec<String>,
}
