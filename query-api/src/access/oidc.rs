//! Bearer tokens of an identity provider (OpenID Connect): JWTs, checked with the keys that the provider publishes.
//!
//! Name, role and scope come from the token's claims as [`OidcSettings`] map them; what they do not name is refused.
//! Keys are fetched when users are read again ([`Gatekeeper::refresh`](super::Gatekeeper::refresh)), never while somebody
//! waits: a token whose key is not known is refused, and the next refresh asks the provider, at most once a minute. A
//! provider that cannot be reached leaves the keys that are known.

mod keys;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::{Map, Value};
use tokio::time::Instant;

use self::keys::{Key, find};
use super::{Principal, Role};
use crate::{error::Result, scope::Scope};

/// Time between two fetches of keys, at the least.
const FETCH_AT_MOST_EVERY: Duration = Duration::from_mins(1);
/// Time after which keys are fetched without a cause, so that one that was withdrawn is forgotten.
const FETCH_AT_LEAST_EVERY: Duration = Duration::from_hours(1);
/// Difference of clocks that `exp` and `nbf` are forgiven.
const LEEWAY_S: u64 = 60;
/// Longest token, bytes.
const LONGEST: usize = 16 << 10;
/// Longest name of somebody, bytes.
const NAME_LONGEST: usize = 200;
/// A scope that shows every row.
const EVERYTHING: &str = "*";

/// What is asked of tokens, and how claims become a principal.
///
/// A claim is named as it stands at the top of the token (`groups`, `https://airshed.example/roles`), or by a JSON
/// pointer (RFC 6901) when it lies deeper (`/realm_access/roles`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcSettings {
    /// The provider, exactly as `iss` names it.
    pub issuer: String,
    /// Who the token must be for: `aud`, or one of it.
    pub audience: String,
    /// The claim that names somebody, such as `email` or `sub`.
    pub name_claim: String,
    /// The claim that holds a group or a list of them.
    pub role_claim: String,
    /// The role that each group gives; of several the highest.
    pub roles: BTreeMap<String, Role>,
    /// The claim that holds the scope: a text as [`Scope`] reads it or a list of its parts, `*` for every row. Without the
    /// setting everybody sees every row; with it a token that lacks the claim is refused.
    pub scope_claim: Option<String>,
}

/// Where the provider's keys come from.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// The provider's JSON Web Key Set (RFC 7517), as its `jwks_uri` gives it.
    ///
    /// # Errors
    /// [`Retry`](crate::ErrorKind::Retry) when the provider cannot be reached.
    async fn fetch(&self) -> Result<Vec<u8>>;
}

/// An identity provider whose tokens are taken.
pub struct IdentityProvider {
    settings: OidcSettings,
    source: Arc<dyn KeySource>,
    keys: RwLock<Arc<Vec<Key>>>,
    /// When keys were asked for last.
    asked: Mutex<Option<Instant>>,
    /// Whether a token named a key that is not known, or the last fetch failed.
    wanted: AtomicBool,
}

/// Why a token is refused. The log is told; whoever sent it is not.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the token is longer than {LONGEST} bytes")]
    TooLong,
    #[error("the token asks for extensions")]
    Extensions,
    #[error("no key of the provider signed it")]
    UnknownKey,
    #[error("the token is not good: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
    #[error("claim `{0}` is missing or is no text")]
    Claim(String),
    #[error("no group of claim `{0}` has a role")]
    NoRole(String),
    #[error("the scope cannot be read: {0}")]
    Scope(crate::Error),
}

impl IdentityProvider {
    /// A provider whose keys are not fetched yet.
    pub fn new(settings: OidcSettings, source: Arc<dyn KeySource>) -> Self {
        let (keys, asked) = (RwLock::default(), Mutex::default());
        Self { settings, source, keys, asked, wanted: AtomicBool::new(true) }
    }

    /// Whether a secret has the form of a JWT: three parts, the first a JSON object. Tokens of ours never do.
    pub(super) fn is_jwt(text: &str) -> bool {
        text.starts_with("eyJ") && text.split('.').count() == 3
    }

    /// Fetches keys where it is time to.
    ///
    /// # Errors
    /// As of [`KeySource::fetch`], and [`Corrupt`](crate::ErrorKind::Corrupt) for an answer without a key that can be
    /// used. Keys that were known before stay, and are asked for again in a minute.
    pub(super) async fn refresh(&self, now: Instant) -> Result<()> {
        if !self.is_due(now) {
            return Ok(());
        }
        self.wanted.store(false, Ordering::Relaxed);
        let fetched = self.source.fetch().await.and_then(|text| keys::read(&text));
        match fetched {
            Ok(keys) => {
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                Ok(())
            }
            Err(error) => {
                self.wanted.store(true, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = asked.is_none_or(|asked| {
            let age = now.saturating_duration_since(asked);
            let is_wanted = self.wanted.load(Ordering::Relaxed);
            age >= FETCH_AT_LEAST_EVERY || (is_wanted && age >= FETCH_AT_MOST_EVERY)
        });
        if is_due {
            *asked = Some(now);
        }
        is_due
    }

    /// Whom a token lets in.
    pub(super) fn principal(&self, token: &str) -> Result<Principal, Refusal> {
        if token.len() > LONGEST {
            return Err(Refusal::TooLong);
        }
        let header = decode_header(token)?;
        if header.crit.is_some() {
            return Err(Refusal::Extensions);
        }
        let keys = Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner));
        let Some(key) = find(&keys, header.kid.as_deref()) else {
            self.wanted.store(true, Ordering::Relaxed);
            return Err(Refusal::UnknownKey);
        };
        // The algorithm is that of the key, whatever the token says of itself.
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[&self.settings.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        let decoded = decode::<Map<String, Value>>(token, &key.decoding, &validation).inspect_err(|error| {
            // A token that names no key may be of one that came since.
            if header.kid.is_none()
                && matches!(error.kind(), jsonwebtoken::errors::ErrorKind::InvalidSignature)
            {
                self.wanted.store(true, Ordering::Relaxed);
            }
        });
        let claims = decoded?.claims;
        self.settings.principal(&Value::Object(claims))
    }
}

impl OidcSettings {
    fn principal(&self, claims: &Value) -> Result<Principal, Refusal> {
        let name = claim(claims, &self.name_claim).and_then(Value::as_str);
        let name = name.filter(|name| {
            !name.is_empty() && name.len() <= NAME_LONGEST && !name.chars().any(char::is_control)
        });
        let name = name.ok_or_else(|| Refusal::Claim(self.name_claim.clone()))?;
        let groups = texts(claims, &self.role_claim).unwrap_or_default();
        let role = groups.iter().filter_map(|group| self.roles.get(*group)).max();
        let role = *role.ok_or_else(|| Refusal::NoRole(self.role_claim.clone()))?;
        let scope = match &self.scope_claim {
            None => Scope::default(),
            Some(name) => {
                let text = texts(claims, name).unwrap_or_default().join(",");
                match text.trim() {
                    EVERYTHING => Scope::default(),
                    text => {
                        let scope: Scope = text.parse().map_err(Refusal::Scope)?;
                        // Nothing named is nothing shown.
                        if scope.is_everything() {
                            return Err(Refusal::Claim(name.clone()));
                        }
                        scope
                    }
                }
            }
        };
        Ok(Principal { name: name.to_owned(), role, scope })
    }
}

fn claim<'c>(claims: &'c Value, name: &str) -> Option<&'c Value> {
    if name.starts_with('/') { claims.pointer(name) } else { claims.get(name) }
}

/// A claim that is a text or a list of texts.
fn texts<'c>(claims: &'c Value, name: &str) -> Option<Vec<&'c str>> {
    match claim(claims, name)? {
        Value::String(text) => Some(vec![text]),
        Value::Array(values) => values.iter().map(Value::as_str).collect(),
        _ => None,
    }
}
