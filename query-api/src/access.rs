//! Who may ask what: users, their tokens, roles and scopes.
//!
//! A user is a small file `_access/users/<name>.json` of the ledger (or of a folder of one's own), a token one
//! `_access/tokens/<id>.json`. They hold no secret: passwords as argon2id hashes, and for Postgres clients as the
//! verifier that Postgres itself would keep; tokens, which are 256 random bits, as SHA-256. Files are written where there
//! is none, so two administrators never overwrite each other. Users of an identity provider have no file: their tokens say
//! who they are ([`OidcSettings`]).

mod gatekeeper;
mod oidc;
mod random;
mod record;
mod secret;
mod store;

use std::{fmt, str::FromStr};

pub use self::{
    gatekeeper::{Denied, Gatekeeper},
    oidc::{IdentityProvider, KeySource, OidcSettings},
    random::{Random, keyed},
    record::{TokenRecord, UserRecord},
    secret::{SCRAM_ITERATIONS, ScramVerifier, Secret},
    store::AccessStore,
};
use crate::{
    error::{Error, ErrorKind, Result},
    scope::Scope,
};

/// What somebody may do. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Looks at the dashboard and what it is made of, down to the lineage of a line.
    Viewer,
    /// Writes SQL.
    Analyst,
    /// Sees what was asked: the log of queries.
    Compliance,
    /// Manages users.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Analyst, Self::Compliance, Self::Admin];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Analyst => "analyst",
            Self::Compliance => "compliance",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            Error::new(ErrorKind::Statement, format!("`{text}` is no role: {names}"))
        })
    }
}

/// Somebody who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The user's name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Which rows they see.
    pub scope: Scope,
}

impl Principal {
    /// Refuses what takes a higher role.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`], naming the role that it takes.
    pub fn must_be(&self, role: Role) -> Result<()> {
        if self.role >= role {
            return Ok(());
        }
        let message = format!("this takes the role {role}; {} has the role {}", self.name, self.role);
        Err(Error::new(ErrorKind::Denied, message))
    }
}

/// Whether a text can be the name of a user: 1 to 64 lower-case letters, digits, `-`, `_`, `.` and `@`, a letter first.
pub fn is_user_name(text: &str) -> bool {
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.@".contains(c);
    text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(rest)
}
