//! The state of the ledger that a server shows, kept up to date.
//!
//! Every request gets the newest [`Ledger`] that was pinned, and keeps it to its end. A look at the lake that finds new
//! commits pins the next one; requests that are under way are not disturbed. Ledgers of the past (`as_of`) and sessions
//! by scope are kept for a while, as many ask for the same.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use airshed_domain::id::RunId;
use airshed_lake::Lake;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    distributed::Workers,
    error::Result,
    ledger::{AsOf, Ledger},
    limits::Limits,
    scope::Scope,
    session::Session,
};

/// Ledgers of the past that are kept.
const PAST_KEPT: usize = 4;
/// Sessions of one ledger that are kept.
const SESSIONS_KEPT: usize = 256;

/// Pinned states of one lake; clones are the same.
#[derive(Clone)]
pub struct Snapshots(Arc<Inner>);

struct Inner {
    lake: Lake,
    limits: Limits,
    workers: Option<Workers>,
    newest: watch::Sender<Arc<Snapshot>>,
    past: Mutex<VecDeque<(RunId, Arc<Snapshot>)>>,
}

/// A pinned ledger and the sessions on it.
pub struct Snapshot {
    ledger: Ledger,
    sessions: Mutex<HashMap<String, Session>>,
}

impl Snapshot {
    fn new(ledger: Ledger) -> Arc<Self> {
        Arc::new(Self { ledger, sessions: Mutex::default() })
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// A session that sees the rows of a scope.
    ///
    /// # Errors
    /// As of [`Ledger::session`].
    pub async fn session(&self, scope: &Scope) -> Result<Session> {
        let key = scope.to_string();
        let kept = |sessions: &Mutex<HashMap<String, Session>>| {
            sessions.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
        };
        if let Some(session) = kept(&self.sessions) {
            return Ok(session);
        }
        let session = self.ledger.session(scope).await?;
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= SESSIONS_KEPT {
            sessions.clear();
        }
        Ok(sessions.entry(key).or_insert(session).clone())
    }
}

impl Snapshots {
    /// Pins the state of a lake now.
    ///
    /// # Errors
    /// As of [`Ledger::open`].
    pub async fn open(lake: Lake, limits: Limits) -> Result<Self> {
        Self::open_with(lake, limits, None).await
    }

    /// As [`open`](Self::open); statements that read much are spread over workers.
    ///
    /// # Errors
    /// As of [`Ledger::open`].
    pub async fn open_with(lake: Lake, limits: Limits, workers: Option<Workers>) -> Result<Self> {
        let ledger = Ledger::open_with(&lake, &AsOf::Now, limits, workers.clone()).await?;
        let newest = watch::Sender::new(Snapshot::new(ledger));
        Ok(Self(Arc::new(Inner { lake, limits, workers, newest, past: Mutex::default() })))
    }

    /// The newest state, or the one that a run belongs to.
    ///
    /// # Errors
    /// As of [`Ledger::open`].
    pub async fn at(&self, as_of: &AsOf) -> Result<Arc<Snapshot>> {
        let AsOf::Run(run) = as_of else { return Ok(Arc::clone(&self.0.newest.borrow())) };
        if let Some((_, kept)) = self.past().iter().find(|(kept, _)| kept == run) {
            return Ok(Arc::clone(kept));
        }
        let workers = self.0.workers.clone();
        let opened = Snapshot::new(Ledger::open_with(&self.0.lake, as_of, self.0.limits, workers).await?);
        let mut past = self.past();
        if past.len() >= PAST_KEPT {
            past.pop_front();
        }
        past.push_back((run.clone(), Arc::clone(&opened)));
        Ok(opened)
    }

    /// Hears of each new state.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.0.newest.subscribe()
    }

    /// Looks for new commits. Returns whether there were some.
    ///
    /// # Errors
    /// Where the lake cannot be read; the state stays.
    pub async fn refresh(&self) -> Result<bool> {
        let before = Arc::clone(&self.0.newest.borrow());
        let Some(now) = before.ledger.renewed(&self.0.lake).await? else { return Ok(false) };
        self.0.newest.send_replace(Snapshot::new(now));
        Ok(true)
    }

    /// Looks every so often, until cancelled. What fails is logged and tried again.
    pub async fn keep_fresh(&self, every: Duration, cancel: &CancellationToken) {
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(every) => {}
            }
            if let Err(error) = self.refresh().await {
                tracing::warn!(error = %error.private_message(), "the ledger cannot be looked at");
            }
        }
    }

    fn past(&self) -> std::sync::MutexGuard<'_, VecDeque<(RunId, Arc<Snapshot>)>> {
        self.0.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
