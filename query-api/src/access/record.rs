//! What is kept of users and tokens.

use serde::{Deserialize, Serialize};

use super::{Principal, ScramVerifier};
use crate::error::Result;

/// A user, as a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserRecord {
    /// Name.
    pub name: String,
    /// Role.
    pub role: String,
    /// Scope, as [`Scope`](crate::Scope) writes it; empty for everything.
    pub scope: String,
    /// The password's hash, argon2id in the PHC string format.
    pub password: String,
    /// The same password for SCRAM-SHA-256.
    pub scram: ScramVerifier,
    /// When the user was added, UTC.
    pub created_at: String,
}

/// A token, as a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRecord {
    /// Its id, which is no secret.
    pub id: String,
    /// The user that it stands for.
    pub user: String,
    /// SHA-256 of the token, hexadecimal.
    pub sha256: String,
    /// The token as a password for SCRAM-SHA-256.
    pub scram: ScramVerifier,
    /// When it was made, UTC.
    pub created_at: String,
}

impl UserRecord {
    /// Whom it lets in.
    ///
    /// # Errors
    /// Where role or scope cannot be read.
    pub fn principal(&self) -> Result<Principal> {
        Ok(Principal { name: self.name.clone(), role: self.role.parse()?, scope: self.scope.parse()? })
    }
}
