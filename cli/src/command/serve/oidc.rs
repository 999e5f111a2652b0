//! The identity provider whose tokens are taken: its keys, found as OpenID Connect Discovery 1.0 says
//! (<https://openid.net/specs/openid-connect-discovery-1_0.html>).

use std::{sync::Arc, time::Duration};

use airshed_query_api::{
    Error, ErrorKind, Result,
    access::{IdentityProvider, KeySource, OidcSettings},
};
use anyhow::Context as _;
use async_trait::async_trait;
use reqwest::Client;
use serde::Deserialize;

use crate::{failure::Problem, settings::ServeSettings};

/// Time for one request to the provider.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest answer of the provider, bytes.
const LONGEST: usize = 1 << 20;

/// The provider that the settings name, if any.
pub(super) fn provider(settings: &ServeSettings) -> anyhow::Result<Option<IdentityProvider>> {
    let Some(issuer) = settings.oidc_issuer.clone() else { return Ok(None) };
    let audience = settings.oidc_audience.clone().with_context(|| {
        Problem::usage("serve.oidc_issuer needs serve.oidc_audience").hint("the `aud` of your tokens")
    })?;
    anyhow::ensure!(
        issuer.starts_with("https://"),
        Problem::usage(format!("serve.oidc_issuer is `{issuer}`; keys are fetched over https alone"))
    );
    let role = |pair: &String| {
        let (group, role) = pair
            .rsplit_once('=')
            .with_context(|| Problem::usage(format!("serve.oidc_roles holds `{pair}`")).hint("group=role"))?;
        let role = role.parse().map_err(|error: Error| Problem::usage(error.to_string()))?;
        anyhow::Ok((group.to_owned(), role))
    };
    let oidc = OidcSettings {
        issuer: issuer.clone(),
        audience,
        name_claim: settings.oidc_name_claim.clone(),
        role_claim: settings.oidc_role_claim.clone(),
        roles: settings.oidc_roles.iter().map(role).collect::<anyhow::Result<_>>()?,
        scope_claim: settings.oidc_scope_claim.clone(),
    };
    let client = Client::builder().timeout(TIMEOUT).https_only(true).build().context("no HTTP client")?;
    Ok(Some(IdentityProvider::new(oidc, Arc::new(Discovered { issuer, client }))))
}

/// The keys of a provider, over HTTPS.
struct Discovered {
    issuer: String,
    client: Client,
}

/// What is read of the provider's description of itself.
#[derive(Deserialize)]
struct Description {
    issuer: String,
    jwks_uri: String,
}

#[async_trait]
impl KeySource for Discovered {
    async fn fetch(&self) -> Result<Vec<u8>> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let described: Description = serde_json::from_slice(&self.get(&url).await?)
            .map_err(|e| Error::with_source(ErrorKind::Corrupt, "the provider's description of itself", e))?;
        if described.issuer != self.issuer {
            let message = format!("{url} is of `{}`, not of `{}`", described.issuer, self.issuer);
            return Err(Error::with_source(ErrorKind::Corrupt, "the identity provider", message));
        }
        self.get(&described.jwks_uri).await
    }
}

impl Discovered {
    async fn get(&self, url: &str) -> Result<Vec<u8>> {
        let failed = |e: reqwest::Error| {
            Error::with_source(ErrorKind::Retry, "the identity provider does not answer", e)
        };
        let mut answer = self.client.get(url).send().await.map_err(failed)?;
        answer = answer.error_for_status().map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST {
                let message = format!("{url} answers more than {LONGEST} bytes");
                return Err(Error::with_source(ErrorKind::Corrupt, "the identity provider", message));
            }
        }
        Ok(body)
    }
}
