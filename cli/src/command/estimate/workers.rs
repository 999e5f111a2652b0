//! Estimates by workers, from both sides: whom this process asks, and what it does when it is asked.

use std::sync::Arc;

use airshed_query_api::distributed::ways;
use airshed_remote::{Crew, Desk, DeskOptions};

use crate::{
    app::App,
    command::{serve::workers::trust, stages},
    factor_files,
    failure::Problem,
    settings::Settings,
};

/// Version of this program: only processes of the same estimate together.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The workers that the settings name, if any.
pub(super) fn crew(settings: &Settings) -> anyhow::Result<Option<Crew>> {
    let urls = &settings.estimate.workers;
    if urls.is_empty() {
        return Ok(None);
    }
    let ways = ways(urls, &trust(&settings.serve)?);
    let ways = ways.map_err(|error| Problem::usage(error.private_message()))?;
    Ok(Some(Crew::new(ways, VERSION)))
}

/// Where this process takes files, with the factors that its settings name and the ledger holds when a run is planned.
pub(in crate::command) fn desk(app: &App) -> anyhow::Result<Desk> {
    let known = app.clone();
    Ok(Desk::new(DeskOptions {
        lake: app.lake()?,
        factors: Box::new(move || {
            let app = known.clone();
            Box::pin(async move { factor_files::load(&app).await.map(Arc::new).map_err(Into::into) })
        }),
        files_at_once: stages::threads(app),
        version: VERSION,
    }))
}
