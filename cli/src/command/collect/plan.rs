//! `collect --plan`: what polling would ask for, how long it would take and what it would cost.

use std::{sync::Arc, time::Duration};

use airshed_collect::{
    Clock, Cloud, CollectConfig, Scope,
    gate::{Api, Gate},
    health::Tally,
    inventory::Sweeper,
    land, organization,
    poll::{
        Poller,
        plan::{PollCounts, PollPace, PollPlan},
    },
};
use anyhow::ensure;
use futures::{StreamExt as _, stream};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    failure::{Exit, Problem},
    output::{self, count},
};

/// Time of one call that is reckoned with; calls within a region take less, those to the other side of the world more.
const LATENCY: Duration = Duration::from_millis(200);

pub(super) async fn execute(
    app: &App,
    config: CollectConfig,
    cloud: Arc<dyn Cloud>,
    gate: Arc<Gate>,
    clock: Arc<dyn Clock>,
    cancel: &CancellationToken,
) -> anyhow::Result<Exit> {
    ensure!(
        config.polling.is_some() && !config.regions.is_empty(),
        Problem::usage("nothing is polled: collect.polling is false or collect.regions is empty")
    );
    let Some(polling) = config.polling.clone() else { return Ok(Exit::Failed) };
    let stage = app.progress.stage("plan");
    stage.at("accounts");
    let survey = organization::survey(&*cloud, &gate, &config.accounts, &[], cancel).await?;
    let visited: Vec<String> = survey
        .accounts
        .into_iter()
        .filter(|account| account.left_out.is_none())
        .map(|account| account.id)
        .collect();
    let accounts = visited.len();
    let budget = polling.monthly_budget_usd;
    let period_s = polling.period_s;
    let (landing, _pieces) = land::channel(1);
    let poller = Poller::new(Arc::clone(&cloud), Arc::clone(&gate), landing, clock, polling, config.seed)?;
    let sweeper = Sweeper { cloud: &*cloud, gate: &gate, aggregator: None, cancel };
    let (poller, sweeper, regions) = (&poller, &sweeper, &config.regions);
    let counts = stream::iter(visited).map(|account| async move {
        let mut counts: Vec<Result<PollCounts, String>> = Vec::new();
        match sweeper.regions(&account, regions, &[], &Tally::default()).await {
            Ok(on) => {
                for region in on.visit {
                    let scope = Scope { account: account.clone(), region };
                    counts.push(poller.counts(&scope, cancel).await.map_err(|error| error.to_string()));
                }
            }
            Err(error) => counts.push(Err(error.to_string())),
        }
        counts
    });
    let mut counts = counts.buffer_unordered(config.concurrency);
    let (mut known, mut refused, mut done) = (Vec::new(), Vec::new(), 0);
    while let Some(of_account) = counts.next().await {
        for count in of_account {
            match count {
                Ok(count) => known.push(count),
                Err(reason) => refused.push(reason),
            }
        }
        done += 1;
        stage.at("metrics");
        stage.done(done, accounts as u64);
    }
    let (listing, data) = (gate.limits().of(Api::ListMetrics), gate.limits().of(Api::GetMetricData));
    let pace = PollPace { listing, data, latency: LATENCY, concurrency: config.concurrency };
    let plan = PollPlan::new(known, period_s, &pace);
    stage.finish(&format!("{} accounts asked", count(accounts as u64)));
    for reason in &refused {
        app.progress.say(&format!("not counted  {reason}"));
    }
    if let Some(reason) = plan.over_budget(budget) {
        app.progress.say(&format!("over budget  {reason}; nothing will be polled"));
    }
    let row = |what: &str, value: String| vec![Some(what.to_owned()), Some(value)];
    let rows = vec![
        row("accounts", accounts.to_string()),
        row("account_regions", plan.account_regions.to_string()),
        row("account_regions_not_counted", refused.len().to_string()),
        row("metrics", plan.metrics.to_string()),
        row("calls_per_sweep", plan.calls_per_sweep.to_string()),
        row("sweep_s", format!("{:.1}", plan.sweep_duration.as_secs_f64())),
        row("sweeps_per_month", format!("{:.0}", plan.sweeps_per_month)),
        row("calls_per_month", format!("{:.0}", plan.calls_per_sweep as f64 * plan.sweeps_per_month)),
        row("usd_per_month", format!("{:.2}", plan.usd_per_month)),
    ];
    output::write_rows(app.form, &["plan", "value"], &rows)?;
    Ok(Exit::Done)
}
