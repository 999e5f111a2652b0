//! Secrets and what is kept of them.

use std::fmt::{self, Write as _};

use argon2::{
    Argon2, PasswordHasher as _, PasswordVerifier as _,
    password_hash::{PasswordHash, SaltString},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::keyed;
use crate::error::{Error, ErrorKind, Result};

/// How tokens begin, so that scanners of leaked secrets know them.
const TOKEN_PREFIX: &str = "airshed_";
/// Shortest password.
const PASSWORD_LEAST: usize = 12;
/// Rounds of PBKDF2 behind a SCRAM verifier. RFC 7677 asks for 4096 at least; clients do the work at each connection.
pub const SCRAM_ITERATIONS: u32 = 10_000;

/// A password or token. It never shows itself.
#[derive(Clone)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A password that somebody chose.
    ///
    /// # Errors
    /// [`ErrorKind::Statement`] when it is shorter than twelve characters, or has control characters.
    pub fn password(text: &str) -> Result<Self> {
        if text.chars().count() < PASSWORD_LEAST || text.chars().any(char::is_control) {
            let message = format!(
                "a password has at least {PASSWORD_LEAST} characters, none of them control characters"
            );
            return Err(Error::new(ErrorKind::Statement, message));
        }
        Ok(Self(text.to_owned()))
    }

    /// A token of 256 random bits.
    pub fn token(random: [u8; 32]) -> Self {
        Self(format!("{TOKEN_PREFIX}{}", hex(&random)))
    }

    /// What somebody presents.
    pub fn presented(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, to be shown once to whom it is for.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// SHA-256, hexadecimal: what is kept of a token, whose 256 bits nobody guesses.
    pub fn sha256(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }

    /// What is kept of a password: argon2id with the parameters that OWASP gives for it (19 MiB, 2 passes, 1 lane),
    /// <https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>. Takes tens of milliseconds.
    pub fn argon2id(&self, salt: [u8; 16]) -> Result<String> {
        let failed = |e: argon2::password_hash::Error| {
            Error::new(ErrorKind::Corrupt, format!("the password cannot be hashed: {e}"))
        };
        let salt = SaltString::encode_b64(&salt).map_err(failed)?;
        Ok(Argon2::default().hash_password(self.0.as_bytes(), &salt).map_err(failed)?.to_string())
    }

    /// Whether a kept hash is of this. Takes tens of milliseconds.
    pub fn matches_argon2id(&self, hash: &str) -> bool {
        PasswordHash::new(hash)
            .is_ok_and(|hash| Argon2::default().verify_password(self.0.as_bytes(), &hash).is_ok())
    }
}

/// What a server keeps to check SCRAM-SHA-256 (RFC 5802, RFC 7677), in the form that Postgres keeps it:
/// `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`. It lets nobody in by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ScramVerifier {
    /// Rounds of PBKDF2.
    pub iterations: u32,
    /// Salt.
    pub salt: Vec<u8>,
    /// SHA-256 of the client's key.
    pub stored_key: [u8; 32],
    /// The server's key.
    pub server_key: [u8; 32],
}

impl ScramVerifier {
    /// The verifier of a secret.
    pub fn new(secret: &Secret, salt: [u8; 16]) -> Self {
        Self::with_iterations(secret, salt.to_vec(), SCRAM_ITERATIONS)
    }

    fn with_iterations(secret: &Secret, salt: Vec<u8>, iterations: u32) -> Self {
        // As Postgres does: a password that SASLprep refuses is taken as it is. ASCII is its own preparation.
        let mut salted = [0; 32];
        pbkdf2::pbkdf2_hmac::<Sha256>(secret.0.as_bytes(), &salt, iterations, &mut salted);
        let client_key = keyed(&salted, b"Client Key");
        let stored_key = Sha256::digest(client_key).into();
        Self { iterations, salt, stored_key, server_key: keyed(&salted, b"Server Key") }
    }
}

impl From<ScramVerifier> for String {
    fn from(verifier: ScramVerifier) -> Self {
        let ScramVerifier { iterations, salt, stored_key, server_key } = verifier;
        let [salt, stored_key, server_key] =
            [salt.as_slice(), &stored_key, &server_key].map(|bytes| STANDARD.encode(bytes));
        format!("SCRAM-SHA-256${iterations}:{salt}${stored_key}:{server_key}")
    }
}

impl TryFrom<String> for ScramVerifier {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let read = || {
            let (iterations, rest) = text.strip_prefix("SCRAM-SHA-256$")?.split_once(':')?;
            let (salt, keys) = rest.split_once('$')?;
            let (stored_key, server_key) = keys.split_once(':')?;
            let key = |text: &str| <[u8; 32]>::try_from(STANDARD.decode(text).ok()?).ok();
            Some(Self {
                iterations: iterations.parse().ok()?,
                salt: STANDARD.decode(salt).ok()?,
                stored_key: key(stored_key)?,
                server_key: key(server_key)?,
            })
        };
        read().ok_or_else(|| Error::new(ErrorKind::Corrupt, "a SCRAM verifier cannot be read"))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string does not fail.
        _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchange of RFC 7677, section 3: user `user`, password `pencil`.
    #[test]
    fn the_verifier_checks_the_example_of_the_rfc() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = ScramVerifier::with_iterations(&Secret::presented("pencil"), salt, 4096);
        let exchange = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
            c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = keyed(&verifier.stored_key, exchange.as_bytes());
        let proof = STANDARD.decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").unwrap();
        let client_key: Vec<u8> = proof.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        assert_eq!(<[u8; 32]>::from(Sha256::digest(client_key)), verifier.stored_key);
        let server = STANDARD.encode(keyed(&verifier.server_key, exchange.as_bytes()));
        assert_eq!(server, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn verifiers_are_read_as_they_are_written() {
        let verifier = ScramVerifier::new(&Secret::presented("correct horse battery"), [7; 16]);
        let text = String::from(verifier.clone());
        assert_eq!(ScramVerifier::try_from(text).unwrap(), verifier);
        assert!(ScramVerifier::try_from("SCRAM-SHA-256$4096:AA==$AA==:AA==".to_owned()).is_err());
    }

    #[test]
    fn passwords_match_their_hash_alone_and_never_show() {
        let secret = Secret::password("correct horse battery").unwrap();
        let hash = secret.argon2id([1; 16]).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(secret.matches_argon2id(&hash));
        assert!(!Secret::presented("correct horse batterz").matches_argon2id(&hash));
        assert!(!secret.matches_argon2id("nonsense"));
        assert_eq!(format!("{secret:?}"), "Secret");
        assert!(Secret::password("short").is_err());
    }
}
