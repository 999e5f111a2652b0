//! The metric streams of a shard.

use std::{convert::Infallible, sync::Arc, time::Duration};

use futures::future::try_join_all;

use super::{
    Mode, chain, directory,
    worker::{Worker, unit_key},
};
use crate::{
    config::StreamConfig,
    error::{ErrorKind, Result},
    health::{Health, Status, Work},
    stream::{Buckets, Source, StreamParts, StreamWorker},
    unit::Unit,
};

/// Wait before a stream is tried again that could not be read.
const TRY_EVERY: Duration = Duration::from_mins(1);
/// How often is committed while a worker ends.
const HURRY_EVERY: Duration = Duration::from_secs(1);
const S3: &str = "s3://";

/// Works the streams of a shard: until they are empty, or until the worker is to end.
pub(super) async fn work(worker: &Worker) -> Result<()> {
    let own = worker.shared.collector.config.streams.iter();
    let own = own.filter(|config| worker.has(&Unit::Stream(config.source.clone())));
    try_join_all(own.map(|config| work_one(worker, config))).await.map(drop)
}

async fn work_one(worker: &Worker, config: &StreamConfig) -> Result<()> {
    let shared = &worker.shared;
    if shared.collector.config.accounts.organization {
        // Which accounts are left out must be known first.
        directory::accounts(shared, &worker.stop).await?;
    }
    loop {
        let failed = match attempt(worker, config).await {
            Ok(()) => return Ok(()),
            Err(error) if matches!(error.kind(), ErrorKind::Retry | ErrorKind::Input) => error,
            Err(error) => return Err(error),
        };
        let unit = Unit::Stream(config.source.clone());
        let detail = Some(chain(&failed));
        let health = Health { status: Status::Failed, detail, ..worker.nothing(unit, Work::Stream) };
        worker.report(health).await?;
        if shared.mode == Mode::Once {
            return Ok(());
        }
        tokio::select! {
            () = worker.stop.cancelled() => return Ok(()),
            () = shared.collector.clock.sleep(TRY_EVERY) => {}
        }
    }
}

async fn attempt(worker: &Worker, config: &StreamConfig) -> Result<()> {
    let shared = &worker.shared;
    let collector = &shared.collector;
    let source = match config.source.strip_prefix(S3) {
        Some(place) => {
            let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
            let key = unit_key(&Unit::Stream(config.source.clone()), Work::Stream);
            let prefix = collector.sources.open(bucket)?.child(prefix);
            Source::Listed { prefix, watermark: worker.watermark(&key) }
        }
        None => Source::Announced(collector.sources.queue(&config.source)?),
    };
    let directory = shared.directory.clone();
    let parts = StreamParts {
        lake: collector.lake.clone(),
        buckets: Arc::clone(&collector.sources) as Arc<dyn Buckets>,
        landing: shared.landing.clone(),
        clock: Arc::clone(&collector.clock),
        is_collected: Arc::new(move |account| !directory.leaves_out(account)),
        limits: Arc::clone(&shared.streams),
    };
    let landed = worker.progress.objects.clone();
    let stream = StreamWorker::new(config.clone(), worker.shard, source, landed, parts);
    let mut stream = stream.until(worker.stop.clone());
    let work = async {
        match shared.mode {
            Mode::Once => stream.once(&worker.lost).await,
            Mode::Watch => stream.watch(&worker.lost).await,
        }
    };
    tokio::select! {
        ended = work => ended.map(drop),
        never = hurry(worker) => match never {},
    }
}

/// When the worker is to end: commits what is handed over at once, as somebody waits for it.
async fn hurry(worker: &Worker) -> Infallible {
    worker.stop.cancelled().await;
    loop {
        // Who handed it over hears of an error.
        drop(worker.shared.landing.flush().await);
        worker.shared.collector.clock.sleep(HURRY_EVERY).await;
    }
}
