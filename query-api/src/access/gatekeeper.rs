//! Lets people in, or not.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use governor::{DefaultKeyedRateLimiter, Quota};
use tokio::{sync::Semaphore, time::Instant};

use super::{AccessStore, IdentityProvider, Principal, Role, ScramVerifier, Secret};
use crate::{
    error::{Error, ErrorKind, Result},
    scope::Scope,
};

/// Passwords that are checked at the same time: each takes 19 MiB and tens of milliseconds of a core.
const CHECKS: usize = 2;
/// Wrong passwords that may be tried for one name in a row; after that, one for each [`TRY_EVERY`].
const TRIES: u32 = 10;
const TRY_EVERY: Duration = Duration::from_secs(6);
/// A hash that no password has, so that a user who is not there takes as long as one who is.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why somebody is not let in. Says no more to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// Wrong name, password or token.
    Wrong,
    /// Too many tries.
    TooMany,
}

/// What is known of users and tokens, and the way in. Clones are the same.
#[derive(Clone)]
pub struct Gatekeeper(Arc<Inner>);

struct Inner {
    /// Nothing where only the one-time token is good.
    store: Option<AccessStore>,
    /// Whose tokens are taken beside our own.
    provider: Option<IdentityProvider>,
    known: RwLock<Arc<Known>>,
    checks: Semaphore,
    failures: DefaultKeyedRateLimiter<String>,
    /// Until when a name may not be tried.
    shut: Mutex<HashMap<String, Instant>>,
}

#[derive(Default)]
struct Known {
    /// Principal, hash of the password (tokens have none) and verifier, by the name that logs in.
    logins: HashMap<String, (Principal, Option<String>, ScramVerifier)>,
    /// By SHA-256 of the token.
    tokens: HashMap<String, Principal>,
}

impl Gatekeeper {
    /// Lets in whom the store names. Call [`refresh`](Self::refresh) from time to time.
    ///
    /// # Errors
    /// As of [`refresh`](Self::refresh).
    pub async fn open(store: AccessStore) -> Result<Self> {
        let gatekeeper = Self::new(Some(store), None, Known::default());
        gatekeeper.refresh().await?;
        Ok(gatekeeper)
    }

    /// Lets in whom the store names, and who has a token of an identity provider.
    ///
    /// # Errors
    /// As of [`refresh`](Self::refresh).
    pub async fn open_with_provider(store: AccessStore, provider: IdentityProvider) -> Result<Self> {
        let gatekeeper = Self::new(Some(store), Some(provider), Known::default());
        gatekeeper.refresh().await?;
        Ok(gatekeeper)
    }

    /// Lets one token in, as the administrator `admin`: for a server on localhost without users.
    pub fn with_one_token(token: &Secret, salt: [u8; 16]) -> Self {
        let admin = Principal { name: "admin".to_owned(), role: Role::Admin, scope: Scope::default() };
        let verifier = ScramVerifier::new(token, salt);
        let known = Known {
            tokens: [(token.sha256(), admin.clone())].into(),
            logins: [("admin".to_owned(), (admin, None, verifier))].into(),
        };
        Self::new(None, None, known)
    }

    fn new(store: Option<AccessStore>, provider: Option<IdentityProvider>, known: Known) -> Self {
        let quota = Quota::with_period(TRY_EVERY).unwrap_or(Quota::per_minute(std::num::NonZeroU32::MIN));
        let burst = std::num::NonZeroU32::new(TRIES).unwrap_or(std::num::NonZeroU32::MIN);
        Self(Arc::new(Inner {
            store,
            provider,
            known: RwLock::new(Arc::new(known)),
            checks: Semaphore::new(CHECKS),
            failures: DefaultKeyedRateLimiter::keyed(quota.allow_burst(burst)),
            shut: Mutex::default(),
        }))
    }

    /// Whether there is anybody to let in.
    pub fn knows_somebody(&self) -> bool {
        self.0.provider.is_some() || !self.known().logins.is_empty()
    }

    /// Reads users and tokens again, and fetches the identity provider's keys where it is time to. A provider that cannot
    /// be reached is no error: users of ours come in without it, and its keys that are known stay.
    ///
    /// # Errors
    /// Where the store fails, or holds a damaged file. What was known before stays.
    pub async fn refresh(&self) -> Result<()> {
        if let Some(provider) = &self.0.provider
            && let Err(error) = provider.refresh(Instant::now()).await
        {
            let error = error.private_message();
            tracing::warn!(error, "the identity provider's keys cannot be fetched; those known before stay");
        }
        let Some(store) = &self.0.store else { return Ok(()) };
        let (users, tokens) = tokio::try_join!(store.users(), store.tokens())?;
        let mut known = Known::default();
        for user in users {
            known.logins.insert(user.name.clone(), (user.principal()?, Some(user.password), user.scram));
        }
        for token in tokens {
            // A token whose user was removed lets nobody in.
            let Some((principal, ..)) = known.logins.get(&token.user) else { continue };
            let principal = principal.clone();
            known.tokens.insert(token.sha256, principal.clone());
            known.logins.insert(token.id, (principal, None, token.scram));
        }
        self.0.failures.retain_recent();
        let now = Instant::now();
        self.shut().retain(|_, until| *until > now);
        *self.0.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
        Ok(())
    }

    /// Checks a token: one of ours, or of the identity provider.
    ///
    /// # Errors
    /// [`Denied::Wrong`]. Tries need no limit: nobody guesses 256 bits, or a signature.
    pub fn token(&self, token: &Secret) -> Result<Principal, Denied> {
        let known = self.known();
        let Some(provider) = self.0.provider.as_ref().filter(|_| IdentityProvider::is_jwt(token.reveal()))
        else {
            return known.tokens.get(&token.sha256()).cloned().ok_or(Denied::Wrong);
        };
        let principal = provider.principal(token.reveal()).map_err(|refusal| {
            tracing::debug!(%refusal, "a token of the identity provider was refused");
            Denied::Wrong
        })?;
        // In the log of queries nobody must pass for a user of ours.
        if known.logins.contains_key(&principal.name) {
            tracing::debug!(
                name = principal.name,
                "somebody of the identity provider has the name of a user"
            );
            return Err(Denied::Wrong);
        }
        Ok(principal)
    }

    /// Checks a password, off the threads that serve others.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn password(&self, name: &str, password: Secret) -> Result<Principal, Denied> {
        self.may_try(name)?;
        let found = self.known().logins.get(name).cloned();
        let (principal, hash) = match found {
            Some((principal, Some(hash), _)) => (Some(principal), hash),
            _ => (None, NOBODY.to_owned()),
        };
        let _room = self.0.checks.acquire().await.map_err(|_| Denied::TooMany)?;
        let check = tokio::task::spawn_blocking(move || password.matches_argon2id(&hash));
        let matches = check.await.unwrap_or(false);
        principal.filter(|_| matches).ok_or_else(|| {
            self.failed(name);
            Denied::Wrong
        })
    }

    /// Whom a login of SCRAM-SHA-256 lets in, if the exchange proves the secret; tokens log in by their id. Nothing for a
    /// name that is not known: go on with a made-up verifier, so that nobody learns which names there are. Say so by
    /// [`failed`](Self::failed) when the exchange proves another secret.
    ///
    /// # Errors
    /// [`Denied::TooMany`].
    pub fn scram(&self, name: &str) -> Result<Option<(Principal, ScramVerifier)>, Denied> {
        self.may_try(name)?;
        Ok(self
            .known()
            .logins
            .get(name)
            .map(|(principal, _, verifier)| (principal.clone(), verifier.clone())))
    }

    /// Whether a principal that was let in before still would be, with the same role and scope.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`] when not.
    pub fn still(&self, principal: &Principal) -> Result<()> {
        let is_same = self.known().logins.get(&principal.name).is_some_and(|(now, ..)| now == principal);
        if is_same {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::Denied, "your access was changed; sign in again"))
        }
    }

    /// Notes a wrong secret for a name; after too many the name is shut for a while. Tokens never are: nobody guesses one,
    /// and whoever knows its id must not shut its owner out.
    pub fn failed(&self, name: &str) {
        if matches!(self.known().logins.get(name), Some((_, None, _))) {
            return;
        }
        if self.0.failures.check_key(&name.to_owned()).is_err() {
            self.shut().insert(name.to_owned(), Instant::now() + TRY_EVERY);
        }
    }

    fn may_try(&self, name: &str) -> Result<(), Denied> {
        match self.shut().get(name) {
            Some(until) if *until > Instant::now() => Err(Denied::TooMany),
            _ => Ok(()),
        }
    }

    fn shut(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.0.shut.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.0.known.read().unwrap_or_else(PoisonError::into_inner))
    }
}
