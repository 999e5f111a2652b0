//! Section `[collect]`.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use super::Layers;

/// What the collectors are told.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "settings are switches, not states")]
pub(crate) struct CollectSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) external_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) management_role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream_role: Option<String>,
    pub(crate) organization: bool,
    pub(crate) accounts: Vec<String>,
    pub(crate) include_units: Vec<String>,
    pub(crate) include_tags: Vec<String>,
    pub(crate) exclude_accounts: Vec<String>,
    pub(crate) exclude_units: Vec<String>,
    pub(crate) exclude_tags: Vec<String>,
    pub(crate) accounts_every_min: u64,
    pub(crate) regions: Vec<String>,
    pub(crate) inventory: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) aggregator: Option<String>,
    pub(crate) inventory_every_h: u64,
    pub(crate) polling: bool,
    pub(crate) poll_period_s: u32,
    pub(crate) poll_settle_s: u64,
    pub(crate) poll_lookback_h: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) poll_budget_usd: Option<f64>,
    pub(crate) sample_above: usize,
    pub(crate) streams: Vec<String>,
    pub(crate) json_interval_s: u32,
    pub(crate) exports: Vec<String>,
    pub(crate) exports_every_min: u64,
    pub(crate) provider_reported: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) calls_per_s: Option<u32>,
    pub(crate) concurrency: usize,
    pub(crate) shards: u16,
    pub(crate) lease_s: u64,
    pub(crate) commit_every_s: u64,
    pub(crate) commit_rows: u64,
    pub(crate) seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metrics_listen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) otlp_endpoint: Option<String>,
}

impl Default for CollectSettings {
    fn default() -> Self {
        Self {
            role: None,
            external_id: None,
            management_role: None,
            stream_role: None,
            organization: true,
            accounts: Vec::new(),
            include_units: Vec::new(),
            include_tags: Vec::new(),
            exclude_accounts: Vec::new(),
            exclude_units: Vec::new(),
            exclude_tags: Vec::new(),
            accounts_every_min: 60,
            regions: Vec::new(),
            inventory: true,
            aggregator: None,
            inventory_every_h: 24,
            polling: true,
            poll_period_s: 3600,
            poll_settle_s: 900,
            poll_lookback_h: 168,
            poll_budget_usd: None,
            sample_above: 1000,
            streams: Vec::new(),
            json_interval_s: 60,
            exports: Vec::new(),
            exports_every_min: 60,
            provider_reported: true,
            calls_per_s: None,
            concurrency: 32,
            shards: 16,
            lease_s: 30,
            commit_every_s: 30,
            commit_rows: 4_000_000,
            seed: 0,
            metrics_listen: None,
            otlp_endpoint: None,
        }
    }
}

impl CollectSettings {
    /// Where metrics are served, where they are.
    pub(crate) fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_listen.as_ref().and_then(|address| address.parse().ok())
    }

    /// Checks what a value may be, whatever the command.
    pub(super) fn check(&self, layers: &Layers) -> anyhow::Result<()> {
        let from = |key: &str| layers.origin(key).to_string();
        let positive = [
            ("collect.accounts_every_min", self.accounts_every_min),
            ("collect.inventory_every_h", self.inventory_every_h),
            ("collect.poll_lookback_h", self.poll_lookback_h),
            ("collect.exports_every_min", self.exports_every_min),
            ("collect.json_interval_s", self.json_interval_s.into()),
            ("collect.sample_above", self.sample_above as u64),
            ("collect.concurrency", self.concurrency as u64),
            ("collect.shards", self.shards.into()),
            ("collect.lease_s", self.lease_s),
            ("collect.commit_every_s", self.commit_every_s),
            ("collect.commit_rows", self.commit_rows),
        ];
        for (key, value) in positive {
            ensure!(value > 0, "{key} is 0 (from {}); at least 1 is needed", from(key));
        }
        let period = self.poll_period_s;
        ensure!(
            period > 0 && period.is_multiple_of(60) && 86_400_u32.is_multiple_of(period),
            "collect.poll_period_s is {period} (from {}); it must be a multiple of 60 that divides a day",
            from("collect.poll_period_s")
        );
        ensure!(
            self.commit_every_s <= 60,
            "collect.commit_every_s is {} (from {}); a row waits a minute at most",
            self.commit_every_s,
            from("collect.commit_every_s")
        );
        if let Some(budget) = self.poll_budget_usd {
            ensure!(
                budget.is_finite() && budget > 0.0,
                "collect.poll_budget_usd is {budget} (from {}); it must be above 0",
                from("collect.poll_budget_usd")
            );
        }
        ensure!(
            self.calls_per_s != Some(0),
            "collect.calls_per_s is 0 (from {}); leave it out for AWS's quotas",
            from("collect.calls_per_s")
        );
        for account in self.accounts.iter().chain(&self.exclude_accounts) {
            ensure!(
                account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()),
                "`{account}` is not an account id of 12 digits (in collect.accounts or collect.exclude_accounts)"
            );
        }
        for (key, arn) in
            [("collect.management_role", &self.management_role), ("collect.stream_role", &self.stream_role)]
        {
            if let Some(arn) = arn {
                ensure!(
                    arn.starts_with("arn:") && arn.contains(":role/"),
                    "{key} is `{arn}` (from {}); the ARN of a role is needed",
                    from(key)
                );
            }
        }
        if let Some(address) = &self.metrics_listen {
            let origin = from("collect.metrics_listen");
            let address: SocketAddr = address.parse().with_context(|| {
                format!("collect.metrics_listen is `{address}` (from {origin}); an address such as 127.0.0.1:9464 is needed")
            })?;
            ensure!(
                address.ip().is_loopback(),
                "collect.metrics_listen is `{address}` (from {origin}); metrics are served without a password, so only \
                 on this machine: 127.0.0.1 or [::1]"
            );
        }
        if let Some(endpoint) = &self.otlp_endpoint {
            ensure!(
                endpoint.starts_with("http://"),
                "collect.otlp_endpoint is `{endpoint}` (from {}); it must be the http:// address of a collector nearby, \
                 which sends traces on over TLS",
                from("collect.otlp_endpoint")
            );
        }
        Ok(())
    }
}
