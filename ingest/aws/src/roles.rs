//! Sessions of assumed roles: one a role, kept until shortly before it ends.
//!
//! A role is assumed with the credentials of another role or the collector's own, so sessions form a tree. All regions
//! share a session: those of a regional STS endpoint are valid in every region. A session is renewed five minutes before
//! its end, and at once after a service called it expired; one task renews while the others wait for it. Where renewing
//! fails for a reason that passes, the old session serves on until its end.
//!
//! How long a session lasts is taken from the time that was asked for, less where the service says so. The clock that
//! counts it never jumps: a wrong time of day makes renewals more frequent at worst.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use airshed_collect::{CallErrorKind, Clock, cloud::Answer};
use async_trait::async_trait;
use aws_credential_types::Credentials;

/// Time before its end when a session is renewed; half of its life where that is less.
const MARGIN: Duration = Duration::from_mins(5);

/// Length of a session when none is asked for; the longest that chained roles may have.
/// Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
const SESSION: Duration = Duration::from_hours(1);

/// Shortest life that the collector's own credentials are given when they come out of date: their provider is not asked
/// more often.
const SHORTEST: Duration = Duration::from_mins(1);

/// A role and how to get there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Role {
    /// Its ARN.
    pub(crate) arn: String,
    /// The role that assumes it; none, the collector with its own credentials.
    pub(crate) source: Option<Arc<Role>>,
}

impl Role {
    /// The role at the end of a chain.
    pub(crate) fn chain<'a>(arns: impl IntoIterator<Item = &'a str>) -> Option<Arc<Self>> {
        let step = |source, arn: &str| Some(Arc::new(Self { arn: arn.to_owned(), source }));
        arns.into_iter().fold(None, step)
    }
}

/// Where credentials come from.
#[async_trait]
pub(crate) trait Issuer: fmt::Debug + Send + Sync {
    /// The collector's own.
    async fn own(&self) -> Answer<Credentials>;

    /// STS AssumeRole with the credentials of `source`.
    async fn assume(&self, source: Credentials, arn: &str) -> Answer<Credentials>;
}

/// The sessions of a process.
#[derive(Debug)]
pub(crate) struct Roles {
    issuer: Box<dyn Issuer>,
    clock: Arc<dyn Clock>,
    sessions: Mutex<HashMap<Option<Arc<Role>>, Arc<Slot>>>,
}

/// The lock is held while a session is renewed.
type Slot = tokio::sync::Mutex<Option<Session>>;

#[derive(Debug, Clone)]
struct Session {
    credentials: Credentials,
    /// Moments of the clock's `elapsed`; none where the credentials do not end.
    life: Option<Life>,
}

#[derive(Debug, Clone, Copy)]
struct Life {
    renew: Duration,
    end: Duration,
}

impl Roles {
    pub(crate) fn new(issuer: impl Issuer + 'static, clock: Arc<dyn Clock>) -> Self {
        Self { issuer: Box::new(issuer), clock, sessions: Mutex::default() }
    }

    /// Credentials of a role, or the collector's own. They have no expiry of their own: it is kept here.
    pub(crate) async fn credentials(&self, role: Option<&Arc<Role>>) -> Answer<Credentials> {
        let slot = self.slot(role);
        let mut held = slot.lock().await;
        let now = self.clock.elapsed();
        if let Some(session) =
            held.as_ref().filter(|session| session.life.is_none_or(|life| now < life.renew))
        {
            return Ok(session.credentials.clone());
        }
        match self.renewed(role).await {
            Ok(session) => Ok(held.insert(session).credentials.clone()),
            Err(error) => {
                let passes = matches!(error.kind, CallErrorKind::Throttled | CallErrorKind::Transient);
                match held.as_ref().filter(|session| session.life.is_some_and(|life| now < life.end)) {
                    Some(session) if passes => {
                        tracing::debug!(%error, "session not renewed, the old one serves until its end");
                        Ok(session.credentials.clone())
                    }
                    _ => Err(error),
                }
            }
        }
    }

    /// Drops a session that a service called expired, unless it was renewed since.
    pub(crate) async fn forget(&self, role: Option<&Arc<Role>>, expired: &Credentials) {
        let slot = self.slot(role);
        let mut held = slot.lock().await;
        if held.as_ref().is_some_and(|session| is_same(&session.credentials, expired)) {
            *held = None;
        }
    }

    fn slot(&self, role: Option<&Arc<Role>>) -> Arc<Slot> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sessions.entry(role.cloned()).or_default())
    }

    async fn renewed(&self, role: Option<&Arc<Role>>) -> Answer<Session> {
        let asked = self.clock.elapsed();
        let Some(role) = role else {
            let credentials = self.issuer.own().await?;
            let life = credentials.expiry().map(|end| self.left(end).unwrap_or_default().max(SHORTEST));
            return Ok(Session::new(credentials, asked, life));
        };
        let source = Box::pin(self.credentials(role.source.as_ref())).await?;
        let credentials = match self.issuer.assume(source.clone(), &role.arn).await {
            Ok(credentials) => credentials,
            Err(error) => {
                if error.kind == CallErrorKind::Expired {
                    self.forget(role.source.as_ref(), &source).await;
                }
                return Err(error);
            }
        };
        let told = credentials.expiry().and_then(|end| self.left(end));
        Ok(Session::new(credentials, asked, Some(told.map_or(SESSION, |told| told.min(SESSION)))))
    }

    /// Time until a moment by the time of day; none when it is past.
    fn left(&self, end: SystemTime) -> Option<Duration> {
        end.duration_since(self.clock.now().into()).ok().filter(|left| !left.is_zero())
    }
}

impl Session {
    fn new(mut credentials: Credentials, start: Duration, life: Option<Duration>) -> Self {
        *credentials.expiry_mut() = None;
        let life = life
            .map(|life| Life { renew: start + life.saturating_sub(MARGIN).max(life / 2), end: start + life });
        Self { credentials, life }
    }
}

fn is_same(one: &Credentials, other: &Credentials) -> bool {
    one.access_key_id() == other.access_key_id() && one.session_token() == other.session_token()
}

#[cfg(test)]
mod tests;
