//! From a request to its handler, and what holds for all of them.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use tower_http::{compression::CompressionLayer, set_header::SetResponseHeaderLayer};

use crate::{
    api::{self, check},
    assets,
    problem::Problem,
    routes,
    server::State,
};

/// Most bytes of a request's body: statements and passwords.
const BODY_BYTES: usize = 1 << 20;
/// Nothing is loaded from elsewhere, and nobody puts us into a frame.
const POLICY: &str = "default-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

/// Every path.
pub(crate) fn router(state: Arc<State>) -> Router {
    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    let (mut api, mut beside) = (Router::new(), Router::new());
    for route in api::routes() {
        let parameters: Arc<[_]> = route.parameters.into();
        let handler = route.handler.layer(middleware::from_fn(move |request: Request, next: Next| {
            let parameters = Arc::clone(&parameters);
            async move {
                check(request.uri(), &parameters)?;
                Ok::<_, Problem>(next.run(request).await)
            }
        }));
        match route.path.strip_prefix(api::PREFIX) {
            Some(path) => api = api.route(path, handler),
            None => beside = beside.route(route.path, handler),
        }
    }
    let api = api
        .fallback(routes::unknown)
        .method_not_allowed_fallback(routes::no_such_method)
        .layer(middleware::from_fn(of_this_site));
    beside
        .nest(api::PREFIX, api)
        .fallback(get(assets::file))
        .layer(middleware::from_fn(routes::measured))
        .layer(CompressionLayer::new())
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(header(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::REFERRER_POLICY, "same-origin"))
        .layer(header(header::X_FRAME_OPTIONS, "DENY"))
        .with_state(state)
}

/// Refuses what a page of another site makes a browser send, beside what the cookie's SameSite=Strict does already.
async fn of_this_site(request: Request, next: Next) -> Result<Response, Problem> {
    if !request.method().is_safe() && is_foreign(request.headers()) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "the request comes from another site"));
    }
    Ok(next.run(request).await)
}

/// Whether a browser says that another site asks: by Fetch Metadata, or by an `Origin` that is not the host. Programs
/// send neither.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return site != "same-origin" && site != "none";
    }
    text(header::ORIGIN).is_some_and(|origin| {
        let host = origin.split_once("://").map(|(_, host)| host);
        host != text(header::HOST)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_other_sites_are_told_by_their_headers() {
        let with = |pairs: &[(&'static str, &'static str)]| {
            is_foreign(
                &pairs
                    .iter()
                    .map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)))
                    .collect(),
            )
        };
        let host = ("host", "carbon.example:8443");
        for ours in [
            &[host][..],
            &[host, ("sec-fetch-site", "same-origin")],
            &[host, ("sec-fetch-site", "none")],
            &[host, ("origin", "https://carbon.example:8443")],
        ] {
            assert!(!with(ours), "{ours:?}");
        }
        for foreign in [
            &[host, ("sec-fetch-site", "cross-site")][..],
            &[host, ("sec-fetch-site", "same-site"), ("origin", "https://carbon.example:8443")],
            &[host, ("origin", "https://evil.example")],
            &[host, ("origin", "null")],
            &[("origin", "https://carbon.example")],
        ] {
            assert!(with(foreign), "{foreign:?}");
        }
    }
}
