//! The dashboard's files, built by `query-api/web` and embedded when they were there at build time.

use axum::{
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;

use crate::problem::Problem;

#[derive(RustEmbed)]
#[folder = "../web/dist"]
#[allow_missing = true]
struct Dashboard;

const INDEX: &str = "index.html";
/// Files with a hash of their content in the name never change.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const MISSING: &str = "The dashboard was not built into this binary. Build it with\n\n  \
    cd query-api/web && npm ci && npm run build\n\nand build the binary again. The API is at /v1/.\n";

/// A file of the dashboard; every path without an extension is a page of it.
pub(crate) async fn file(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    let is_page = !path.rsplit('/').next().unwrap_or_default().contains('.');
    let path = if is_page { INDEX } else { path };
    let Some(file) = Dashboard::get(path) else {
        return if is_page {
            (StatusCode::NOT_FOUND, MISSING).into_response()
        } else {
            Problem::new(StatusCode::NOT_FOUND, "there is no such file").into_response()
        };
    };
    let mut response = file.data.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    let caching = if path.starts_with("assets/") { FOR_EVER } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" | "webmanifest" => "application/json",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
