//! Certificate and key. What cannot be used stops the server before it listens.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use crate::{failure::Problem, settings::ServeSettings};

/// TLS as the settings say; nothing where they name no certificate.
pub(in crate::command) fn config(settings: &ServeSettings) -> anyhow::Result<Option<Arc<ServerConfig>>> {
    let (cert, key) = match (&settings.tls_cert, &settings.tls_key) {
        (None, None) => return Ok(None),
        (Some(cert), Some(key)) => (cert, key),
        _ => bail!(Problem::usage("serve.tls_cert and serve.tls_key come together")),
    };
    let certificates = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("cannot read certificates of {cert}"))?;
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| format!("cannot read a key of {key}"))?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key))
        .with_context(|| format!("{cert} and its key cannot be used for TLS"))?;
    Ok(Some(Arc::new(config)))
}
