//! A server over the small ledger, and requests to it.

use std::{net::SocketAddr, sync::Arc};

use airshed_lake::Lake;
use airshed_query_api::{
    Limits, Result, Snapshots,
    access::{AccessStore, Gatekeeper, ScramVerifier, Secret, TokenRecord, UserRecord},
    audit::{Asked, Audit},
};
use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::lake;
use crate::{Lineage, Options, Rates, State, router::router};

/// Who asks in tests: name, role, scope.
const USERS: [(&str, &str, &str); 4] = [
    ("root", "admin", ""),
    ("ana", "analyst", "account=111111111111"),
    ("web", "analyst", "tag.team=web"),
    ("vic", "viewer", ""),
];
pub(super) const PASSWORD: &str = "correct horse battery";

pub(super) struct Server {
    router: Router,
    pub(super) snapshots: Snapshots,
    pub(super) lake: Lake,
    _folder: TempDir,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(super) fn rows(&self) -> Vec<Value> {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        self.json()["rows"].as_array().unwrap().clone()
    }

    pub(super) fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that it is a problem of this status.
    pub(super) fn is_problem(&self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header(header::CONTENT_TYPE), "application/problem+json");
        let problem = self.json();
        assert_eq!((&problem["type"], &problem["status"]), (&json!("about:blank"), &json!(status)));
        assert!(problem["title"].is_string());
        problem["detail"].as_str().unwrap().to_owned()
    }
}

/// The token of a user.
pub(super) fn token(user: &str) -> Secret {
    let number = USERS.iter().position(|(name, ..)| *name == user).unwrap();
    Secret::token([u8::try_from(number).unwrap(); 32])
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::start_with(Rates::default()).await
    }

    pub(super) async fn start_with(rates: Rates) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake::make(&folder.path().join("lake")).await;
        let store = AccessStore::in_lake(&lake);
        let password = Secret::presented(PASSWORD);
        let (hash, scram) = (password.argon2id([1; 16]).unwrap(), ScramVerifier::new(&password, [1; 16]));
        let created_at = "2026-11-22T00:00:00Z".to_owned();
        for (name, role, scope) in USERS {
            let user = UserRecord {
                name: name.to_owned(),
                role: role.to_owned(),
                scope: scope.to_owned(),
                password: hash.clone(),
                scram: scram.clone(),
                created_at: created_at.clone(),
            };
            store.add_user(&user).await.unwrap();
            let record = TokenRecord {
                id: format!("t-{name}"),
                user: name.to_owned(),
                sha256: token(name).sha256(),
                scram: scram.clone(),
                created_at: created_at.clone(),
            };
            store.add_token(&record).await.unwrap();
        }
        let gatekeeper = Gatekeeper::open(store).await.unwrap();
        let snapshots = Snapshots::open(lake.clone(), Limits::new(2, 256 << 20)).await.unwrap();
        let options = Options { connections: 10, tls: None, version: "test", secret: [7; 32] };
        let state = State::new(
            snapshots.clone(),
            gatekeeper,
            Arc::new(Told),
            Arc::new(Silent),
            Arc::new(|| "metrics\n".to_owned()),
            options,
        );
        Self { router: router(Arc::new(state.with_rates(rates))), snapshots, lake, _folder: folder }
    }

    pub(super) async fn send(&self, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(SocketAddr::from(([192, 0, 2, 1], 4711)));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 26).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(super) async fn get(&self, user: &str, path: &str) -> Answer {
        self.get_as(user, path, "application/json").await
    }

    pub(super) async fn get_as(&self, user: &str, path: &str, accept: &str) -> Answer {
        let request = Request::get(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", token(user).reveal()))
            .header(header::ACCEPT, accept);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(super) async fn post(&self, user: Option<&str>, path: &str, body: &Value) -> Answer {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        if let Some(user) = user {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token(user).reveal()));
        }
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// Rows of a statement as objects.
    pub(super) async fn sql(&self, user: &str, sql: &str) -> Vec<Value> {
        let answer = self.post(Some(user), "/v1/sql", &json!({ "sql": sql, "max_rows": 100_000 })).await;
        assert_eq!(answer.status, StatusCode::OK, "{}: {sql}", answer.text());
        let body = answer.json();
        assert_eq!(body["truncated"], false);
        let names: Vec<&str> =
            body["columns"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
        let object = |row: &Value| -> Value {
            names
                .iter()
                .zip(row.as_array().unwrap())
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect()
        };
        body["rows"].as_array().unwrap().iter().map(object).collect()
    }
}

/// Explains a line by its id.
struct Told;

#[async_trait]
impl Lineage for Told {
    async fn explain(&self, line_id: &str, period: Option<&str>) -> Result<Vec<Value>> {
        Ok(vec![json!({ "line_id": line_id, "period": period })])
    }
}

struct Silent;

impl Audit for Silent {
    fn asked(&self, _: Asked<'_>) {}
}
