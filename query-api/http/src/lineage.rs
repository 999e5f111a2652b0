//! Where a figure comes from, told by whoever can calculate it again.

use airshed_query_api::Result;
use async_trait::async_trait;
use serde_json::Value;

/// Explains lines of current runs. The calculation lives elsewhere; the binary brings it.
#[async_trait]
pub trait Lineage: Send + Sync {
    /// Every line of an id, in a billing period (`YYYY-MM`) where one is named: source object and row, method, factors with
    /// citation, each step.
    ///
    /// # Errors
    /// [`NotFound`](airshed_query_api::ErrorKind::NotFound) when no current run has the line.
    async fn explain(&self, line_id: &str, period: Option<&str>) -> Result<Vec<Value>>;
}

/// Explains nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoLineage;

#[async_trait]
impl Lineage for NoLineage {
    async fn explain(&self, _: &str, _: Option<&str>) -> Result<Vec<Value>> {
        Ok(Vec::new())
    }
}
