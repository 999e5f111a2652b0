//! Who is asking: a token in the header, or the cookie of somebody who signed in.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use airshed_query_api::access::{Principal, Role, Secret};
use axum::{
    extract::{FromRef, FromRequestParts},
    http::{Extensions, HeaderMap, StatusCode, header, request::Parts},
};
use tokio::time::Instant;

use crate::{problem::Problem, server::State};

/// Name of the cookie.
pub(crate) const COOKIE: &str = "airshed_session";
/// Time for which somebody stays signed in.
pub(crate) const SIGNED_IN: Duration = Duration::from_hours(12);
/// Sessions that are kept; the oldest go first.
const SESSIONS: usize = 10_000;

/// Somebody who was let in.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Principal);

impl Caller {
    /// Refuses what takes a higher role.
    pub(crate) fn must_be(&self, role: Role) -> Result<(), Problem> {
        Ok(self.0.must_be(role)?)
    }
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Arc<State>: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let state = Arc::<State>::from_ref(state);
        let principal = identify(&parts.headers, &state, address(&parts.extensions))?;
        Ok(Self(principal))
    }
}

/// The principal of a request, counted against what they may ask.
pub(crate) fn identify(headers: &HeaderMap, state: &State, address: IpAddr) -> Result<Principal, Problem> {
    match credentials(headers, state) {
        Ok(principal) => state.rates.user(&principal.name).map(|()| principal),
        Err(refused) => state.rates.stranger(address).and(Err(refused)),
    }
}

/// Where a request comes from.
pub(crate) fn address(extensions: &Extensions) -> IpAddr {
    extensions.get::<SocketAddr>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), SocketAddr::ip)
}

fn credentials(headers: &HeaderMap, state: &State) -> Result<Principal, Problem> {
    let refused = |detail: &str| Problem::new(StatusCode::UNAUTHORIZED, detail);
    if let Some(authorization) = headers.get(header::AUTHORIZATION) {
        let token = authorization
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| Secret::presented(token.trim()));
        let token = token.ok_or_else(|| refused("the header is `Authorization: Bearer TOKEN`"))?;
        return state
            .gatekeeper
            .token(&token)
            .map_err(|_| refused("the token is not known, or no longer good"));
    }
    let session = cookie(headers).and_then(|id| state.sessions.find(&id));
    let SignedIn { principal, token } = session.ok_or_else(|| refused("sign in, or send a token"))?;
    let changed = || refused("your access was changed; sign in again");
    match token {
        // As good as the token: until it runs out or is revoked.
        Some(token) => state.gatekeeper.token(&token).map_err(|_| changed()),
        None => state.gatekeeper.still(&principal).map(|()| principal).map_err(|_| changed()),
    }
}

/// The id of the session in the request's cookies.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<Secret> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| Secret::presented(value))
}

/// Somebody who signed in, and the token where it was by one.
#[derive(Clone)]
pub(crate) struct SignedIn {
    pub(crate) principal: Principal,
    pub(crate) token: Option<Secret>,
}

/// Those who signed in. Held in memory alone: who restarts the server signs everybody out.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, (SignedIn, Instant)>>);

impl Sessions {
    /// Keeps somebody, under the hash of the id that they get.
    pub(crate) fn add(&self, id: &Secret, who: SignedIn) {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        sessions.retain(|_, (_, until)| *until > now);
        if sessions.len() >= SESSIONS
            && let Some(oldest) =
                sessions.iter().min_by_key(|(_, (_, until))| *until).map(|(id, _)| id.clone())
        {
            sessions.remove(&oldest);
        }
        sessions.insert(id.sha256(), (who, now + SIGNED_IN));
    }

    fn find(&self, id: &Secret) -> Option<SignedIn> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (who, until) = sessions.get(&id.sha256())?;
        (*until > Instant::now()).then(|| who.clone())
    }

    /// Forgets somebody.
    pub(crate) fn remove(&self, id: &Secret) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id.sha256());
    }
}
