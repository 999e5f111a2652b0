//! The workers of a server, and what both sides share.

use std::{fs, sync::Arc};

use airshed_query_api::{
    access::Secret,
    distributed::{Trust, Workers, WorkersOptions},
};
use anyhow::Context as _;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::{failure::Problem, settings::ServeSettings};

/// The workers that the settings name, if any.
pub(in crate::command) fn of(settings: &ServeSettings) -> anyhow::Result<Option<Workers>> {
    if settings.workers.is_empty() {
        return Ok(None);
    }
    let options = WorkersOptions {
        trust: trust(settings)?,
        bytes_per_worker: usize::try_from(settings.workers_share_mib)? << 20,
        version: env!("CARGO_PKG_VERSION"),
    };
    let workers = Workers::new(&settings.workers, options);
    workers.map(Some).map_err(|error| Problem::usage(error.private_message()).into())
}

/// The secret and the authority that servers and workers share.
pub(in crate::command) fn trust(settings: &ServeSettings) -> anyhow::Result<Trust> {
    let secret = settings.workers_secret_file.as_ref().map(|file| {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read the secret of {file}"))?;
        let text = text.trim();
        anyhow::ensure!(text.len() >= 16, "the secret of {file} is shorter than 16 characters");
        Ok(Secret::presented(text))
    });
    let tls = settings.workers_ca.as_ref().map(|file| client_config(file));
    Ok(Trust { secret: secret.transpose()?, tls: tls.transpose()?.map(Arc::new) })
}

fn client_config(file: &str) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(file).with_context(|| format!("cannot read certificates of {file}"))?;
    for certificate in certificates {
        let certificate = certificate.with_context(|| format!("cannot read certificates of {file}"))?;
        roots.add(certificate).with_context(|| format!("a certificate of {file} is no authority's"))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .context("TLS cannot be set up")?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
