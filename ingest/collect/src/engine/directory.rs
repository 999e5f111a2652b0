//! Which accounts there are to visit: from the configuration, or from `accounts`, which one process keeps.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::{
    config::AccountsConfig,
    error::{Error, Result},
    health::Work,
    land::progress::Progress,
    organization,
    unit::Unit,
};

/// How often a process looks whether another one has listed the accounts.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The accounts to visit, once they are known, and those to leave out. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    visited: watch::Sender<Option<Arc<Vec<String>>>>,
    left_out: Arc<RwLock<HashSet<String>>>,
    /// Where there is no organisation and accounts are named: the only ones.
    only: Option<Arc<HashSet<String>>>,
}

impl Directory {
    /// A directory that knows what the configuration says.
    pub(super) fn new(accounts: &AccountsConfig) -> Self {
        let excluded = |id: &&String| !accounts.exclude_ids.contains(id);
        let named = || accounts.ids.iter().filter(excluded).cloned();
        let is_fixed = !accounts.organization;
        Self {
            visited: watch::Sender::new(is_fixed.then(|| Arc::new(named().collect()))),
            left_out: Arc::new(RwLock::new(accounts.exclude_ids.iter().cloned().collect())),
            only: (is_fixed && !accounts.ids.is_empty()).then(|| Arc::new(named().collect())),
        }
    }

    pub(super) fn set(&self, known: Vec<organization::Account>) {
        let (left_out, visited): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|account| account.left_out.is_some());
        *self.left_out.write().unwrap_or_else(PoisonError::into_inner) =
            left_out.into_iter().map(|account| account.id).collect();
        self.visited.send_replace(Some(Arc::new(visited.into_iter().map(|account| account.id).collect())));
    }

    /// Whether data of an account is not taken. One that is not known yet is no reason to lose data.
    pub(super) fn leaves_out(&self, account: &str) -> bool {
        self.only.as_ref().is_some_and(|only| !only.contains(account))
            || self.left_out.read().unwrap_or_else(PoisonError::into_inner).contains(account)
    }

    /// The accounts to visit as this process knows them now.
    fn now(&self) -> Option<Arc<Vec<String>>> {
        self.visited.borrow().clone()
    }
}

/// The accounts to visit; waits until they are known. A list that another process wrote is good when it is not older than
/// the configuration lets it be. Where that process has ended its sweep without a new one, the accounts known before are
/// taken, as it took them itself.
pub(super) async fn accounts(shared: &Shared, cancel: &CancellationToken) -> Result<Arc<Vec<String>>> {
    let collector = &shared.collector;
    let oldest = shared.started_at.saturating_sub(collector.config.accounts.every).unwrap_or(Timestamp::MIN);
    let listing = Unit::Organization.shard(collector.config.share.shards);
    let organization = Unit::Organization.to_string();
    let mut swept = shared.swept.clone();
    let mut changed = shared.directory.visited.subscribe();
    loop {
        if let Some(ids) = shared.directory.now() {
            return Ok(ids);
        }
        if swept.borrow_and_update().get(&listing).is_some_and(|at| *at >= shared.started_at) {
            refresh(shared).await?;
            continue;
        }
        let progress = Progress::load(&collector.lake, collector.clock.now()).await?;
        let listed = progress.done_at.iter().any(|(key, at)| {
            key.unit == organization && key.work == Work::Organization.as_str() && *at >= oldest
        });
        if listed {
            refresh(shared).await?;
            continue;
        }
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Error::cancelled()),
            _ = changed.changed() => {}
            _ = swept.changed() => {}
            () = collector.clock.sleep(LOOK_EVERY) => {}
        }
    }
}

/// Reads the accounts from the lake.
pub(super) async fn refresh(shared: &Shared) -> Result<()> {
    shared.directory.set(organization::known(&shared.collector.lake).await?);
    Ok(())
}
