//! Section `[serve]`.

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use super::Layers;

/// How the ledger is opened to others.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServeSettings {
    pub(crate) http: String,
    pub(crate) pg: String,
    pub(crate) flight: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_cert: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) audit_log: Option<String>,
    pub(crate) workers: Vec<String>,
    pub(crate) workers_share_mib: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) workers_secret_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) workers_ca: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) oidc_issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) oidc_audience: Option<String>,
    pub(crate) oidc_name_claim: String,
    pub(crate) oidc_role_claim: String,
    pub(crate) oidc_roles: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) oidc_scope_claim: Option<String>,
    pub(crate) requests_per_minute: u32,
    pub(crate) connections: usize,
    pub(crate) query_memory_mib: u64,
    pub(crate) query_timeout_s: u64,
    pub(crate) query_rows: u64,
    pub(crate) refresh_s: u64,
}

impl Default for ServeSettings {
    fn default() -> Self {
        Self {
            http: "127.0.0.1:8080".to_owned(),
            pg: "127.0.0.1:5433".to_owned(),
            flight: "127.0.0.1:32010".to_owned(),
            tls_cert: None,
            tls_key: None,
            access: None,
            audit_log: None,
            workers: Vec::new(),
            workers_share_mib: 64,
            workers_secret_file: None,
            workers_ca: None,
            oidc_issuer: None,
            oidc_audience: None,
            oidc_name_claim: "sub".to_owned(),
            oidc_role_claim: "groups".to_owned(),
            oidc_roles: Vec::new(),
            oidc_scope_claim: None,
            requests_per_minute: 3_000,
            connections: 500,
            query_memory_mib: 512,
            query_timeout_s: 60,
            query_rows: 10_000_000,
            refresh_s: 10,
        }
    }
}

impl ServeSettings {
    /// Checks what a value may be, whatever the command.
    pub(super) fn check(&self, layers: &Layers) -> anyhow::Result<()> {
        let positive = [
            ("serve.workers_share_mib", self.workers_share_mib),
            ("serve.requests_per_minute", self.requests_per_minute.into()),
            ("serve.connections", self.connections as u64),
            ("serve.query_memory_mib", self.query_memory_mib),
            ("serve.query_timeout_s", self.query_timeout_s),
            ("serve.query_rows", self.query_rows),
            ("serve.refresh_s", self.refresh_s),
        ];
        for (key, value) in positive {
            ensure!(value > 0, "{key} is 0 (from {}); it must be at least 1", layers.origin(key));
        }
        Ok(())
    }
}
