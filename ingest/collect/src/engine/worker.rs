//! One shard at work: its units, one after the other, as they are due.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{Mode, Shared, account, directory, streams};
use crate::{
    billing,
    compact::{self, CompactLimits},
    error::{Error, ErrorKind, Result},
    health::{Health, Status, Tally, Work},
    land::{
        Pending, Piece,
        progress::{Progress, WorkKey},
    },
    organization,
    unit::{Shard, Unit},
};

/// How often a worker looks for what is due.
const TICK: Duration = Duration::from_secs(5);
/// Shortest time between two tries of work.
pub(super) const TRY_EVERY: Duration = Duration::from_mins(1);
/// Time after which an account that refused is asked again.
const REFUSED_EVERY: Duration = Duration::from_mins(15);
/// How often the accounts are read from the lake again.
const DIRECTORY_EVERY: Duration = Duration::from_mins(1);
/// How often small files are made into large ones.
const COMPACT_EVERY: Duration = Duration::from_mins(10);
/// How often the provider's own figures are asked for; they change once a month.
const REPORTED_EVERY: Duration = Duration::from_hours(24);

/// How a worker ended.
#[derive(Debug)]
pub(super) enum End {
    /// Everything was visited once; when that was done.
    Swept(Timestamp),
    /// It was asked to end.
    Stopped,
}

/// A shard at work.
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) shard: Shard,
    pub(super) progress: Arc<Progress>,
    /// Ends it at the next safe point.
    pub(super) stop: CancellationToken,
    /// Ends it at once: another process has the shard.
    pub(super) lost: CancellationToken,
    /// When work was last tried by this worker, and how that ended.
    tried: Mutex<HashMap<WorkKey, (Timestamp, Status)>>,
    /// How far it got.
    watermarks: Mutex<HashMap<WorkKey, Timestamp>>,
    pending: Mutex<Vec<Pending>>,
    /// The month for which it was reported that the budget of polling is used up.
    over_budget: Mutex<Option<String>>,
}

impl Worker {
    pub(super) fn new(
        of: Arc<Shared>,
        shard: Shard,
        progress: Arc<Progress>,
        stop: CancellationToken,
        lost: CancellationToken,
    ) -> Self {
        Self {
            shared: of,
            shard,
            progress,
            stop,
            lost,
            tried: Mutex::default(),
            watermarks: Mutex::default(),
            pending: Mutex::default(),
            over_budget: Mutex::default(),
        }
    }

    pub(super) async fn run(self) -> Result<End> {
        let work = async { tokio::try_join!(streams::work(&self), self.units()).map(|((), end)| end) };
        tokio::select! {
            biased;
            () = self.lost.cancelled() => Err(Error::new(ErrorKind::Fenced, "the lease was lost")),
            result = work => result,
        }
    }

    async fn units(&self) -> Result<End> {
        let collector = &self.shared.collector;
        let mut directory_at = collector.clock.elapsed();
        let mut compacted_at = collector.clock.elapsed();
        loop {
            self.organization().await?;
            self.exports().await?;
            self.reported().await?;
            self.accounts().await?;
            self.settle().await?;
            if self.stop.is_cancelled() {
                return Ok(End::Stopped);
            }
            if self.shared.mode == Mode::Once || collector.clock.elapsed() >= compacted_at + COMPACT_EVERY {
                compacted_at = collector.clock.elapsed();
                self.compact().await?;
            }
            if self.shared.mode == Mode::Once {
                collector.board.change(self.shard, |board| board.accounts_done = board.accounts);
                return Ok(End::Swept(collector.clock.now()));
            }
            tokio::select! {
                () = self.stop.cancelled() => return Ok(End::Stopped),
                () = collector.clock.sleep(TICK) => {}
            }
            if collector.config.accounts.organization
                && collector.clock.elapsed() >= directory_at + DIRECTORY_EVERY
            {
                directory_at = collector.clock.elapsed();
                directory::refresh(&self.shared).await?;
            }
        }
    }

    pub(super) fn has(&self, unit: &Unit) -> bool {
        unit.shard(self.shared.collector.config.share.shards) == self.shard
    }

    /// Whether work is due: always once in a sweep, else when it was last done long enough ago. What failed is due again
    /// soon; what was refused a while later, as nothing changes before somebody changes the role.
    pub(super) fn is_due(&self, key: &WorkKey, every: Duration) -> bool {
        let tried = locked(&self.tried);
        match tried.get(key) {
            Some(_) if self.shared.mode == Mode::Once => false,
            Some((at, Status::Failed | Status::Throttled)) => self.is_past(*at, TRY_EVERY.min(every)),
            Some((at, Status::Denied)) => self.is_past(*at, REFUSED_EVERY.min(every)),
            Some((at, Status::Ok | Status::Partial)) => self.is_past(*at, every),
            None if self.shared.mode == Mode::Once => true,
            None => self.progress.done_at.get(key).is_none_or(|at| self.is_past(*at, every)),
        }
    }

    /// Takes note of work that was tried just now, and says how it ended the time before.
    pub(super) fn tried(&self, key: WorkKey, status: Status) -> Option<Status> {
        let now = self.shared.collector.clock.now();
        locked(&self.tried).insert(key, (now, status)).map(|(_, before)| before)
    }

    /// Whether work failed or was refused when it was last tried, and is not to be tried again yet.
    pub(super) fn rests(&self, key: &WorkKey, every: Duration) -> bool {
        let failed = locked(&self.tried).get(key).is_some_and(|(_, status)| !status.is_well());
        failed && !self.is_due(key, every)
    }

    fn is_past(&self, at: Timestamp, wait: Duration) -> bool {
        at.saturating_add(wait).is_ok_and(|next| next <= self.shared.collector.clock.now())
    }

    /// How far work got.
    pub(super) fn watermark(&self, key: &WorkKey) -> Option<Timestamp> {
        let reached = locked(&self.watermarks).get(key).copied();
        reached.or_else(|| self.progress.watermarks.get(key).copied())
    }

    pub(super) fn reached(&self, key: WorkKey, watermark: Timestamp) {
        locked(&self.watermarks).insert(key, watermark);
    }

    /// Whether the worker is to end at the next safe point.
    pub(super) fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Notes a piece that must have landed before the sweep counts as done.
    pub(super) fn landing(&self, pending: Pending) {
        locked(&self.pending).push(pending);
    }

    /// Makes sure that what was handed over is committed.
    async fn settle(&self) -> Result<()> {
        if let Some(inventory) = &self.shared.inventory {
            self.report_all(inventory.publish().await?).await?;
        }
        if self.shared.mode == Mode::Once || self.stop.is_cancelled() {
            self.shared.landing.flush().await?;
        }
        let pending = std::mem::take(&mut *locked(&self.pending));
        for piece in pending {
            piece.landed().await?;
        }
        Ok(())
    }

    pub(super) async fn report_all(&self, reports: Vec<Health>) -> Result<()> {
        for report in reports {
            self.report(report).await?;
        }
        Ok(())
    }

    /// Hands over work that brought no rows of `utilization`; it is committed with the next batch.
    pub(super) async fn report(&self, health: Health) -> Result<()> {
        self.shared.landing.hand_over(Piece::report(health)).await.map(drop)
    }

    /// Reports, once for each month and worker, that nothing is polled.
    pub(super) async fn over_budget(&self, reason: String) -> Result<()> {
        let month = self.shared.collector.clock.now().strftime("%Y-%m").to_string();
        if locked(&self.over_budget).replace(month.clone()) == Some(month) {
            return Ok(());
        }
        let nothing = self.nothing(Unit::Organization, Work::Polling);
        self.report(Health { status: Status::Partial, detail: Some(reason), ..nothing }).await
    }

    /// Work that went well and brought nothing.
    pub(super) fn nothing(&self, unit: Unit, work: Work) -> Health {
        Health::of(self.shard, unit, work)
    }

    async fn organization(&self) -> Result<()> {
        let collector = &self.shared.collector;
        let key = unit_key(&Unit::Organization, Work::Organization);
        let every = collector.config.accounts.every;
        if !self.has(&Unit::Organization) || !self.is_due(&key, every) {
            return Ok(());
        }
        let config = &collector.config.accounts;
        let known = organization::known(&collector.lake).await?;
        let survey =
            organization::survey(&*collector.cloud, &collector.gate, config, &known, &self.lost).await;
        let health = self.nothing(Unit::Organization, Work::Organization);
        let health = match survey {
            Ok(survey) => {
                organization::publish(&collector.lake, &survey.accounts, collector.clock.now()).await?;
                directory::refresh(&self.shared).await?;
                let rows = survey.accounts.len() as u64;
                Health { status: survey.status, detail: survey.detail, rows, calls: survey.calls, ..health }
            }
            Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
            Err(error) => {
                if known.is_empty() {
                    let none = "; no accounts are known, so none is visited";
                    let detail = Some(super::chain(&error) + none);
                    self.shared.directory.set(Vec::new());
                    Health { status: Status::Failed, detail, ..health }
                } else {
                    directory::refresh(&self.shared).await?;
                    let detail = Some(super::chain(&error) + "; the accounts known before are visited");
                    Health { status: Status::Failed, detail, ..health }
                }
            }
        };
        self.tried(key, health.status);
        self.report(health).await?;
        // Others wait for it.
        self.shared.landing.flush().await
    }

    async fn exports(&self) -> Result<()> {
        let collector = &self.shared.collector;
        for uri in &collector.config.exports {
            let unit = Unit::Export(uri.clone());
            let key = unit_key(&unit, Work::Billing);
            if self.stop.is_cancelled()
                || !self.has(&unit)
                || !self.is_due(&key, collector.config.exports_every)
            {
                continue;
            }
            let visited = async {
                let location = collector.sources.export(uri)?;
                let now = collector.clock.now();
                let (lake, options) = (&collector.lake, &collector.import);
                billing::collect_export(lake, self.shard, uri, &location, options, now, &self.lost).await
            };
            let health = match visited.await {
                Ok(health) => health,
                Err(error) if matches!(error.kind(), ErrorKind::Retry | ErrorKind::Input) => {
                    let detail = Some(super::chain(&error));
                    Health { status: Status::Failed, detail, ..self.nothing(unit, Work::Billing) }
                }
                Err(error) => return Err(error),
            };
            self.tried(key, health.status);
            self.report(health).await?;
        }
        Ok(())
    }

    async fn reported(&self) -> Result<()> {
        let collector = &self.shared.collector;
        let key = unit_key(&Unit::ProviderReported, Work::ProviderReported);
        let wanted = collector.config.provider_reported && self.has(&Unit::ProviderReported);
        if !wanted || self.stop.is_cancelled() || !self.is_due(&key, REPORTED_EVERY) {
            return Ok(());
        }
        let (cloud, gate) = (&*collector.cloud, &*collector.gate);
        let tally = Tally::default();
        let call =
            gate.call(crate::gate::Api::Organizations, None, &tally, &self.lost, || cloud.organization());
        let payer =
            call.await.map_or_else(|_| "unknown".to_owned(), |organization| organization.management_account);
        let now = collector.clock.now();
        let health =
            billing::collect_reported(cloud, gate, &collector.lake, self.shard, &payer, now, &self.lost)
                .await?;
        self.tried(key, health.status);
        self.report(health).await
    }

    async fn accounts(&self) -> Result<()> {
        let collector = &self.shared.collector;
        if !collector.config.visits_accounts() {
            return Ok(());
        }
        let all = directory::accounts(&self.shared, &self.lost).await?;
        let own: Vec<String> =
            all.iter().filter(|id| self.has(&Unit::Account((*id).clone()))).cloned().collect();
        collector.board.change(self.shard, |board| {
            board.accounts = own.len();
            board.accounts_done = 0;
        });
        let visits = stream::iter(own).map(|id| async move {
            if self.stop.is_cancelled() {
                return Ok(());
            }
            account::visit(self, &id).await?;
            collector.board.change(self.shard, |board| board.accounts_done += 1);
            Ok(())
        });
        let mut visits = visits.buffer_unordered(collector.config.concurrency);
        while let Some(visited) = visits.next().await {
            let visited: Result<()> = visited;
            visited?;
        }
        Ok(())
    }

    /// Makes few files of many; one shard does it for all.
    async fn compact(&self) -> Result<()> {
        if !self.has(&Unit::Organization) || self.stop.is_cancelled() {
            return Ok(());
        }
        for table in compact::tables() {
            let lake = &self.shared.collector.lake;
            match compact::compact(lake, &table, &CompactLimits::default(), &self.lost).await {
                Ok(done) => tracing::debug!(table = table.name, files = done.files_before, "compacted"),
                Err(error) if error.kind() == ErrorKind::Retry => {
                    tracing::debug!(table = table.name, error = %super::chain(&error), "compaction is put off");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panicked worker left is whole: every change is one insertion.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn unit_key(unit: &Unit, work: Work) -> WorkKey {
    WorkKey { unit: unit.to_string(), work: work.as_str().to_owned(), region: None }
}
