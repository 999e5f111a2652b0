//! Measured power curves, imported by the user.
//!
//! Teads' measurements of EC2 instances are of this form; their terms are not known, so none are shipped.

use std::collections::BTreeMap;

use crate::{FactorError, provenance::Sources, table};

const COLUMNS: &[&str] = &["instance_type", "idle_w", "w_10", "w_50", "w_100", "source"];

/// Measured power of one instance type, whole instance.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerCurvePoints {
    /// Watts at 0, 10, 50 and 100 percent load.
    pub w: [f64; 4],
    /// Id of the source.
    pub source_id: String,
}

/// Reads measured curves: a CSV with the columns `instance_type,idle_w,w_10,w_50,w_100,source`.
///
/// # Errors
/// When a row is not four powers that are greater than zero and do not fall with load, its source is unknown, or a type
/// stands twice.
///
/// ```
/// use airshed_emission_factors::{compute::import_power_csv, provenance::Sources};
///
/// let own = "id,publisher,title,url,licence,version,retrieved,note\nlab,We,Our lab,,own,1,2026-01-31,\n";
/// let sources = Sources::from_csv("sources.csv", own)?;
/// let csv = "instance_type,idle_w,w_10,w_50,w_100,source\nm5.xlarge,6.1,11.0,22.3,30.2,lab\n";
/// let curves = import_power_csv("mine.csv", csv, &sources)?;
/// assert_eq!(curves["m5.xlarge"].w[3], 30.2);
/// # Ok::<(), airshed_emission_factors::FactorError>(())
/// ```
pub fn import_power_csv(
    file: &str,
    text: &str,
    sources: &Sources,
) -> Result<BTreeMap<String, PowerCurvePoints>, FactorError> {
    let mut curves = BTreeMap::new();
    for row in table::read(file, text, COLUMNS)? {
        let name = row.text("instance_type")?.to_owned();
        let w =
            [row.positive("idle_w")?, row.positive("w_10")?, row.positive("w_50")?, row.positive("w_100")?];
        if !w.is_sorted() {
            return Err(row.error("w_100", "power falls with load"));
        }
        let source_id = sources.require(row.text("source")?)?.to_owned();
        if curves.insert(name, PowerCurvePoints { w, source_id }).is_some() {
            return Err(row.error("instance_type", "stands twice"));
        }
    }
    Ok(curves)
}
