//! Who is let in.

use std::{net::SocketAddr, time::Duration};

use airshed_lake::Location;
use airshed_query_api::access::{AccessStore, Gatekeeper, Secret};
use anyhow::ensure;
use tokio_util::sync::CancellationToken;

use super::{oidc, random};
use crate::{app::App, failure::Problem};

/// Who is let in: the users of the ledger, or on this machine alone whoever has the token that is printed now.
pub(super) async fn gatekeeper(
    app: &App,
    listening: &[SocketAddr],
    is_tls: bool,
) -> anyhow::Result<Gatekeeper> {
    let provider = oidc::provider(&app.settings.serve)?;
    let has_provider = provider.is_some();
    let gatekeeper = match provider {
        Some(provider) => Gatekeeper::open_with_provider(store(app)?, provider).await?,
        None => Gatekeeper::open(store(app)?).await?,
    };
    let is_open = listening.iter().any(|address| !address.ip().is_loopback());
    if is_open {
        let (first, rest) = ("other machines can reach this address", "or listen on 127.0.0.1");
        ensure!(
            has_provider || gatekeeper.knows_somebody(),
            Problem::usage(format!("{first}, and there are no users"))
                .hint(format!("airshed user add NAME --role admin --password-stdin, {rest}"))
        );
        ensure!(
            is_tls,
            Problem::usage(format!("{first}, and there is no TLS"))
                .hint(format!("--tls-cert and --tls-key, {rest}"))
        );
    }
    if has_provider || gatekeeper.knows_somebody() {
        return Ok(gatekeeper);
    }
    let token = Secret::token(random()?);
    app.progress.say(&format!(
        "no users yet; this token lets you in as `admin` until the server ends:\n  {}",
        token.reveal()
    ));
    Ok(Gatekeeper::with_one_token(&token, random()?))
}

/// Reads users and tokens again, every so often.
pub(super) async fn keep_known(gatekeeper: &Gatekeeper, every: Duration, cancel: &CancellationToken) {
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        if let Err(error) = gatekeeper.refresh().await {
            tracing::warn!(error = %error.private_message(), "users cannot be read; those known before stay");
        }
    }
}

/// Where users and tokens are kept.
pub(in crate::command) fn store(app: &App) -> anyhow::Result<AccessStore> {
    Ok(match &app.settings.serve.access {
        None => AccessStore::in_lake(&app.lake()?),
        Some(folder) => AccessStore::at(&Location::parse(folder, &app.store_options)?),
    })
}
