//! Lines explained for the API, as `airshed explain` does.

use airshed_http::Lineage;
use airshed_query_api::{AsOf, Error, ErrorKind, Result, Snapshots};
use async_trait::async_trait;
use serde_json::Value;

use crate::{app::App, args::ExplainArgs, command::explain};

/// Calculates lines again.
pub(super) struct Recalculated {
    app: App,
    snapshots: Snapshots,
}

impl Recalculated {
    pub(super) fn new(app: App, snapshots: Snapshots) -> Self {
        Self { app, snapshots }
    }
}

#[async_trait]
impl Lineage for Recalculated {
    async fn explain(&self, line_id: &str, period: Option<&str>) -> Result<Vec<Value>> {
        let args = ExplainArgs { line_id: line_id.to_owned(), period: period.map(str::to_owned) };
        let snapshot = self.snapshots.at(&AsOf::Now).await?;
        explain::as_json(&self.app, snapshot.ledger(), &args).await.map_err(|error| {
            Error::with_source(ErrorKind::Corrupt, "the line cannot be explained", format!("{error:#}"))
        })
    }
}
