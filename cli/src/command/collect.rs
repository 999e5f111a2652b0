//! `airshed collect`: from the settings to a collector at work, and what it did.

mod plan;
mod show;
mod wiring;

use std::{sync::Arc, time::Duration};

use airshed_collect::{
    Cloud,
    board::Board,
    engine::{Collector, Mode},
    gate::Gate,
};
use anyhow::ensure;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    args::CollectArgs,
    failure::{Exit, Problem},
    telemetry,
};

pub(crate) use wiring::{AwsSources, accounts_config, cancel_on_signal, connect, limits, system_clock};

/// How often progress is shown.
const SHOW_EVERY: Duration = Duration::from_millis(500);

pub(super) async fn execute(app: &App, args: &CollectArgs) -> anyhow::Result<Exit> {
    let settings = &app.settings.collect;
    let nothing = settings.regions.is_empty() && settings.streams.is_empty() && settings.exports.is_empty();
    ensure!(
        !nothing,
        Problem::usage("there is nothing to collect: collect.regions, streams and exports are all empty")
            .hint("`airshed config example` shows the section [collect]")
    );
    let clock = wiring::system_clock();
    let collector = wiring::collector_name(app);
    let aws = Arc::new(connect(app, &collector, &clock).await?);
    let gate = Arc::new(Gate::new(wiring::limits(settings), Arc::clone(&clock), wiring::seed_of(&collector)));
    let cancel = CancellationToken::new();
    // Ended when the command is.
    let mut beside = JoinSet::new();
    beside.spawn(wiring::cancel_on_signal(cancel.clone()));
    let config = wiring::config(settings, collector, args.once);
    let cloud: Arc<dyn Cloud> = Arc::clone(&aws) as _;
    if args.plan {
        return plan::execute(app, config, cloud, gate, clock, &cancel).await;
    }
    if let Some(address) = settings.metrics_address() {
        telemetry::serve_metrics(address)?;
    }
    let board = Arc::new(Board::default());
    let collector = Collector {
        lake: app.lake()?,
        cloud,
        gate: Arc::clone(&gate),
        sources: Arc::new(wiring::AwsSources::new(app, aws)),
        clock,
        config,
        import: wiring::import_options(app),
        board: Arc::clone(&board),
    };
    let mode = if args.watch { Mode::Watch } else { Mode::Once };
    beside.spawn(show::progress(app.progress.stage("collect"), Arc::clone(&board)));
    let result = collector.run(mode, &cancel).await;
    beside.shutdown().await;
    result?;
    if cancel.is_cancelled() && mode == Mode::Once {
        return Ok(Exit::Interrupted);
    }
    show::summary(app, &board, &gate)
}
