//! Signing in and out: `POST`, `GET` and `DELETE /v1/session`.

use std::{sync::Arc, time::Duration};

use airshed_query_api::access::{Denied, Secret};
use axum::{
    Json,
    extract::State as Shared,
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use crate::{
    auth::{COOKIE, Caller, SIGNED_IN, SignedIn, address, cookie},
    body::Body,
    problem::Problem,
    server::State,
};

/// Time after which a name that was shut may be tried again.
const SHUT: Duration = Duration::from_secs(6);

/// What somebody signs in with.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Credentials {
    Token { token: String },
    Password { user: String, password: String },
}

/// Somebody who is signed in.
#[derive(Serialize)]
pub(crate) struct Who {
    name: String,
    role: &'static str,
    /// Nothing for everything.
    scope: Option<Vec<String>>,
}

impl From<&Caller> for Who {
    fn from(Caller(principal): &Caller) -> Self {
        let scope = principal.scope.to_string();
        Self {
            name: principal.name.clone(),
            role: principal.role.as_str(),
            scope: (!scope.is_empty()).then(|| scope.split(',').map(str::to_owned).collect()),
        }
    }
}

pub(crate) async fn sign_in(
    Shared(state): Shared<Arc<State>>,
    extensions: Extensions,
    Body(credentials): Body<Credentials>,
) -> Result<Response, Problem> {
    state.rates.stranger(address(&extensions))?;
    let denied = |denied| match denied {
        Denied::Wrong => Problem::new(StatusCode::UNAUTHORIZED, "that is not known here"),
        Denied::TooMany => Problem::too_many("too many wrong passwords for this name", SHUT),
    };
    let who = match credentials {
        Credentials::Token { token } => {
            let token = Secret::presented(token.trim());
            let principal = state.gatekeeper.token(&token).map_err(denied)?;
            SignedIn { principal, token: Some(token) }
        }
        Credentials::Password { user, password } => {
            let password = Secret::presented(password);
            let principal = state.gatekeeper.password(&user, password).await.map_err(denied)?;
            SignedIn { principal, token: None }
        }
    };
    let id = Secret::token(state.random.draw("session"));
    state.sessions.add(&id, who);
    Ok(with_cookie(&state, id.reveal(), SIGNED_IN.as_secs()))
}

pub(crate) async fn who(caller: Caller) -> Json<Who> {
    Json(Who::from(&caller))
}

pub(crate) async fn sign_out(Shared(state): Shared<Arc<State>>, headers: HeaderMap) -> Response {
    if let Some(id) = cookie(&headers) {
        state.sessions.remove(&id);
    }
    with_cookie(&state, "", 0)
}

/// An empty answer that sets the cookie. No script reads it, no other site's request carries it.
fn with_cookie(state: &State, value: &str, seconds: u64) -> Response {
    let secure = if state.options.is_tls() { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
