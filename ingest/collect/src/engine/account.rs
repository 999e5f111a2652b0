//! One account: its regions, and in each its resources and its metrics.

use futures::{StreamExt as _, TryStreamExt as _, stream};

use tracing::Instrument as _;

use super::{
    Mode, budget,
    inventory::Added,
    worker::{TRY_EVERY, Worker},
};
use crate::{
    cloud::Scope,
    error::{CallErrorKind, Error, ErrorKind, Result},
    health::{Health, Status, Tally, Work},
    inventory::{self, Sweeper},
    land::progress::WorkKey,
    unit::Unit,
};

/// Times that a sweep is made again because another process published the same account and region meanwhile.
const SWEEPS: u32 = 3;

/// Visits an account where something of it is due.
pub(super) async fn visit(worker: &Worker, id: &str) -> Result<()> {
    let config = &worker.shared.collector.config;
    let due: Vec<String> =
        config.regions.iter().filter(|region| is_due(worker, &scope(id, region))).cloned().collect();
    if due.is_empty() {
        return Ok(());
    }
    if worker.rests(&key(&scope(id, ""), Work::Inventory), config.inventory.every) {
        return Ok(());
    }
    let Some(regions) = regions(worker, id, &due).await? else { return Ok(()) };
    for region in &regions.off {
        close(worker, scope(id, region)).await?;
    }
    let visits = regions.visit.into_iter().map(|region| {
        let span = tracing::info_span!("account_region", account = id, region);
        place(worker, scope(id, &region)).instrument(span)
    });
    stream::iter(visits).buffer_unordered(config.regions.len().max(1)).try_collect().await
}

fn scope(account: &str, region: &str) -> Scope {
    Scope { account: account.to_owned(), region: region.to_owned() }
}

/// The regions to visit; nothing when the account refuses, which is reported.
async fn regions(worker: &Worker, id: &str, due: &[String]) -> Result<Option<inventory::Regions>> {
    let held = match &worker.shared.inventory {
        Some(inventory) => inventory.regions_of(id).await,
        None => Vec::new(),
    };
    let tally = Tally::default();
    let error = match sweeper(worker).regions(id, due, &held, &tally).await {
        Ok(regions) => return Ok(Some(regions)),
        Err(error) if error.kind == CallErrorKind::Cancelled => return Err(error.into()),
        Err(error) => error,
    };
    let status = Status::of(&error);
    let before = worker.tried(key(&scope(id, ""), Work::Inventory), status);
    if status == Status::Denied && before == Some(status) {
        // A refusal is reported once, not each time that it is found again.
        return Ok(None);
    }
    let nothing = worker.nothing(Unit::Account(id.to_owned()), Work::Inventory);
    let detail = Some(error.to_string());
    worker.report(Health { status, detail, calls: tally.counts(), ..nothing }).await?;
    Ok(None)
}

fn key(scope: &Scope, work: Work) -> WorkKey {
    let region = (!scope.region.is_empty()).then(|| scope.region.clone());
    WorkKey { unit: Unit::Account(scope.account.clone()).to_string(), work: work.as_str().to_owned(), region }
}

fn is_due(worker: &Worker, scope: &Scope) -> bool {
    let config = &worker.shared.collector.config;
    let inventory =
        config.inventory.enabled && worker.is_due(&key(scope, Work::Inventory), config.inventory.every);
    inventory || polling_is_due(worker, scope)
}

fn polling_is_due(worker: &Worker, scope: &Scope) -> bool {
    let Some(poller) = &worker.shared.poller else { return false };
    let key = key(scope, Work::Polling);
    match worker.shared.mode {
        Mode::Once => worker.is_due(&key, std::time::Duration::ZERO),
        Mode::Watch => worker.is_due(&key, TRY_EVERY) && poller.is_due(worker.watermark(&key)),
    }
}

/// Visits an account in a region, when there is room for it.
async fn place(worker: &Worker, scope: Scope) -> Result<()> {
    let shared = &worker.shared;
    let _room = shared.places.acquire().await.map_err(|_| Error::cancelled())?;
    let inventory_key = key(&scope, Work::Inventory);
    let config = &shared.collector.config.inventory;
    if config.enabled && worker.is_due(&inventory_key, config.every) {
        let status = sweep(worker, &scope).await?;
        worker.tried(inventory_key, status);
    }
    if !polling_is_due(worker, &scope) || worker.is_stopping() {
        return Ok(());
    }
    let Some(poller) = &shared.poller else { return Ok(()) };
    let polling_key = key(&scope, Work::Polling);
    if let Some(reason) = budget::used_up(shared).await? {
        worker.tried(polling_key, Status::Partial);
        return worker.over_budget(reason).await;
    }
    loop {
        let visit = poller.poll(worker.shard, &scope, worker.watermark(&polling_key), &worker.lost).await?;
        worker.tried(polling_key.clone(), visit.status);
        // The watermark is taken for reached before its rows are committed: what a shard hands over is committed in
        // order or not at all, and then the worker ends and starts again from the ledger.
        if let Some(pending) = visit.pending {
            worker.landing(pending);
        }
        if let Some(watermark) = visit.watermark {
            worker.reached(polling_key.clone(), watermark);
        }
        if !visit.is_behind || !visit.status.is_well() || worker.is_stopping() {
            return Ok(());
        }
    }
}

/// Lists the resources of an account and region, and says how that ended.
async fn sweep(worker: &Worker, scope: &Scope) -> Result<Status> {
    let shared = &worker.shared;
    let Some(inventory) = &shared.inventory else { return Ok(Status::Ok) };
    for _ in 0..SWEEPS {
        let held = inventory.held(scope).await;
        let swept = sweeper(worker).sweep(held, shared.collector.clock.now()).await?;
        let report = swept.health(worker.shard);
        let status = report.status;
        if let Added::Reports(reports) = inventory.add(swept, report).await? {
            worker.report_all(reports).await?;
            return Ok(status);
        }
    }
    let message = format!("other processes list the resources of {}, {}", scope.account, scope.region);
    Err(Error::new(ErrorKind::Retry, message))
}

/// Ends what is open in a region that was switched off.
async fn close(worker: &Worker, scope: Scope) -> Result<()> {
    let shared = &worker.shared;
    let Some(inventory) = &shared.inventory else { return Ok(()) };
    let held = inventory.held(&scope).await;
    let swept = inventory::close(held, shared.collector.clock.now()).await?;
    if !swept.has_changed() {
        return Ok(());
    }
    let mut report = swept.health(worker.shard);
    report.detail = Some("the region was switched off".to_owned());
    match inventory.add(swept, report).await? {
        Added::Reports(reports) => worker.report_all(reports).await,
        // Whoever was faster saw the same.
        Added::Lost => Ok(()),
    }
}

fn sweeper(worker: &Worker) -> Sweeper<'_> {
    let collector = &worker.shared.collector;
    Sweeper {
        cloud: &*collector.cloud,
        gate: &collector.gate,
        aggregator: collector.config.inventory.aggregator.as_deref(),
        cancel: &worker.lost,
    }
}
