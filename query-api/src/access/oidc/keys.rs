//! The provider's keys: which of a JSON Web Key Set can be used, and the one that a token names.

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

/// A public key, and the one algorithm that it is good for.
pub(super) struct Key {
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

/// The keys of a set that can be used. Others, such as keys for encryption or of algorithms that came later, are passed
/// over.
pub(super) fn read(text: &[u8]) -> Result<Vec<Key>> {
    let damaged = |e| Error::with_source(ErrorKind::Corrupt, "the provider's keys are no JSON", e);
    let set: Value = serde_json::from_slice(text).map_err(damaged)?;
    let keys = set.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let usable: Vec<Key> =
        keys.iter().filter_map(|key| usable(serde_json::from_value(key.clone()).ok()?)).collect();
    if usable.is_empty() {
        let message = "the provider has no key for RS256, ES256 or EdDSA";
        return Err(Error::new(ErrorKind::Corrupt, message));
    }
    Ok(usable)
}

/// The key of an id; a token may leave the id out where there is one key alone.
pub(super) fn find<'k>(keys: &'k [Key], id: Option<&str>) -> Option<&'k Key> {
    match (id, keys) {
        (Some(id), _) => keys.iter().find(|key| key.id.as_deref() == Some(id)),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

fn usable(jwk: Jwk) -> Option<Key> {
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    let common = &jwk.common;
    let is_other = common.key_algorithm.is_some_and(|other| other != named)
        || common.public_key_use.as_ref().is_some_and(|use_| *use_ != PublicKeyUse::Signature)
        || common.key_operations.as_ref().is_some_and(|all| !all.contains(&KeyOperations::Verify));
    if is_other {
        return None;
    }
    let decoding = DecodingKey::from_jwk(&jwk).ok()?;
    Some(Key { id: jwk.common.key_id, algorithm, decoding })
}
