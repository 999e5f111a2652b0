//! For those who run the server: health, metrics, news.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use axum::{
    extract::{Extension, MatchedPath, Request, State as Shared},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{
        IntoResponse as _, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::{Stream, stream};
use metrics::{counter, histogram};
use tokio::time::Instant;

use crate::{
    api::document,
    auth::{Caller, identify},
    problem::Problem,
    server::State,
};

/// Whether the ledger can be read.
pub(crate) async fn ready(Shared(state): Shared<Arc<State>>) -> Result<&'static str, Problem> {
    state.snapshots.at(&airshed_query_api::AsOf::Now).await?;
    Ok("ready\n")
}

/// Prometheus metrics: for this machine, and for whoever has a token.
pub(crate) async fn metrics(
    Shared(state): Shared<Arc<State>>,
    Extension(peer): Extension<SocketAddr>,
    headers: HeaderMap,
) -> Result<String, Problem> {
    if !peer.ip().is_loopback() {
        identify(&headers, &state, peer.ip())?;
    }
    Ok((state.metrics)())
}

/// Counts requests and their time, by path as it is routed.
pub(crate) async fn measured(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("dashboard", MatchedPath::as_str).to_owned();
    let begun = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    counter!("airshed_http_requests_total", "path" => path.clone(), "status" => status).increment(1);
    histogram!("airshed_http_request_seconds", "path" => path).record(begun.elapsed().as_secs_f64());
    response
}

/// News: one event whenever the ledger has a new state, to the end of the connection.
pub(crate) async fn events(
    Shared(state): Shared<Arc<State>>,
    _caller: Caller,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut states = state.snapshots.subscribe();
    // The state of now is told first.
    states.mark_changed();
    let ending = state.ending.clone();
    let news = stream::unfold((states, ending), |(mut states, ending)| async move {
        tokio::select! {
            () = ending.cancelled() => None,
            changed = states.changed() => {
                changed.ok()?;
                let revision = states.borrow_and_update().ledger().revision();
                Some((Ok(Event::default().event("revision").data(revision)), (states, ending)))
            }
        }
    });
    Sse::new(news).keep_alive(KeepAlive::default())
}

/// A path of the API that is none.
pub(crate) async fn unknown() -> Response {
    Problem::new(StatusCode::NOT_FOUND, "there is no such path; /openapi.json lists them").into_response()
}

/// A method that a path of the API does not have.
pub(crate) async fn no_such_method() -> Response {
    let detail = "the path has no such method; /openapi.json lists them";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail).into_response()
}

/// The description of the API.
pub(crate) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")], document())
        .into_response()
}
