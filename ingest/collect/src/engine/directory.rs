//! Which accounts there are to visit: from the configuration, or from `accounts`, which one process keeps.

use std::{sync::Arc, time::Duration};

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

/// The accounts to visit, once they are known.
#[derive(Debug)]
pub(super) struct Directory(watch::Sender<Option<Arc<Vec<String>>>>);

impl Directory {
    /// A directory that knows what the configuration says.
    pub(super) fn new(accounts: &AccountsConfig) -> Self {
        let ids = (!accounts.organization).then(|| {
            let excluded = |id: &&String| !accounts.exclude_ids.contains(id);
            Arc::new(accounts.ids.iter().filter(excluded).cloned().collect())
        });
        Self(watch::Sender::new(ids))
    }

    pub(super) fn set(&self, ids: Vec<String>) {
        self.0.send_replace(Some(Arc::new(ids)));
    }

    /// The accounts as this process knows them now.
    fn now(&self) -> Option<Arc<Vec<String>>> {
        self.0.borrow().clone()
    }
}

/// The accounts to visit; waits until they are known. A list that another process wrote is good when it is not older than
/// the configuration lets it be, or when that process has ended its sweep without one.
pub(super) async fn accounts(shared: &Shared, cancel: &CancellationToken) -> Result<Arc<Vec<String>>> {
    let collector = &shared.collector;
    let oldest = shared.started_at.saturating_sub(collector.config.accounts.every).unwrap_or(Timestamp::MIN);
    let organization = Unit::Organization.to_string();
    let mut changed = shared.directory.0.subscribe();
    loop {
        if let Some(ids) = shared.directory.now() {
            return Ok(ids);
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
            () = collector.clock.sleep(LOOK_EVERY) => {}
        }
    }
}

/// Reads the accounts from the lake.
pub(super) async fn refresh(shared: &Shared) -> Result<()> {
    let known = organization::known(&shared.collector.lake).await?;
    let visited = known.into_iter().filter(|account| account.left_out.is_none());
    shared.directory.set(visited.map(|account| account.id).collect());
    Ok(())
}
