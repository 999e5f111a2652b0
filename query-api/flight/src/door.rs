//! Who asks: a token on each call, or what the handshake gave for a user and password.
//!
//! A token is checked on each call, so one that is revoked lets nobody in any more. A password is checked once, as it
//! takes long; the handshake gives a session for it, which is held in memory and ends after twelve hours, or as soon as
//! the user is changed or removed.

mod sessions;

use airshed_query_api::access::{Denied, Gatekeeper, Principal, Role, Secret};
use arrow_flight::BasicAuth;
use tokio::time::Instant;
use tonic::{
    Request, Status,
    codegen::http::{HeaderMap, HeaderValue},
    metadata::MetadataMap,
};

use self::sessions::Sessions;
use crate::{connection::LetIn, failure};

const AUTHORIZATION: &str = "authorization";

/// The way in.
pub(crate) struct Door {
    gatekeeper: Gatekeeper,
    sessions: Sessions,
}

/// What a client presents.
#[derive(Debug)]
enum Presented {
    Bearer(Secret),
    Basic { name: String, secret: Secret },
}

impl Door {
    /// `random` are 256 bits of this process: the ids of sessions come from them.
    pub(crate) fn new(gatekeeper: Gatekeeper, random: [u8; 32]) -> Self {
        Self { gatekeeper, sessions: Sessions::new(random) }
    }

    /// Who makes a call. They may write SQL: there is nothing else here.
    ///
    /// # Errors
    /// Unauthenticated, or denied.
    pub(crate) fn caller<T>(&self, request: &Request<T>) -> Result<Principal, Status> {
        let principal = match presented(request.metadata())? {
            Some(Presented::Bearer(secret)) => self.bearer(&secret)?,
            Some(Presented::Basic { .. }) => return Err(refused("sign in by a handshake first")),
            None => return Err(refused("sign in by a handshake, or send `authorization: Bearer TOKEN`")),
        };
        principal.must_be(Role::Analyst).map_err(|error| failure::status(&error))?;
        LetIn::mark(request.extensions());
        Ok(principal)
    }

    /// Lets somebody in by the header of a handshake or, where it has none, by its message. Returns what the client
    /// sends on each call from now on.
    ///
    /// # Errors
    /// Unauthenticated, or denied.
    pub(crate) async fn sign_in(
        &self,
        metadata: &MetadataMap,
        message: impl Future<Output = Result<BasicAuth, Status>> + Send,
    ) -> Result<Secret, Status> {
        let presented = if let Some(presented) = presented(metadata)? {
            presented
        } else {
            let BasicAuth { username, password } = message.await?;
            Presented::Basic { name: username, secret: Secret::presented(password) }
        };
        let (principal, bearer) = match presented {
            Presented::Bearer(secret) => (self.bearer(&secret)?, Some(secret)),
            Presented::Basic { name, secret } => {
                if let Some(principal) = self.named_token(&name, &secret)? {
                    (principal, Some(secret))
                } else {
                    let found = self.gatekeeper.password(&name, secret).await;
                    (found.map_err(denied)?, None)
                }
            }
        };
        principal.must_be(Role::Analyst).map_err(|error| failure::status(&error))?;
        Ok(bearer.unwrap_or_else(|| self.sessions.add(principal, Instant::now())))
    }

    /// Signs out. A token stays what it is.
    pub(crate) fn sign_out(&self, metadata: &MetadataMap) {
        if let Ok(Some(Presented::Bearer(secret))) = presented(metadata) {
            self.sessions.remove(&secret);
        }
    }

    fn bearer(&self, secret: &Secret) -> Result<Principal, Status> {
        match self.sessions.find(secret, Instant::now()) {
            Some(principal) => {
                self.gatekeeper.still(&principal).map_err(|error| refused(error.public_message()))?;
                Ok(principal)
            }
            None => self.gatekeeper.token(secret).map_err(denied),
        }
    }

    /// Whom a token lets in that was presented with its id or with the user's name.
    fn named_token(&self, name: &str, secret: &Secret) -> Result<Option<Principal>, Status> {
        let Ok(principal) = self.gatekeeper.token(secret) else { return Ok(None) };
        if principal.name == name {
            return Ok(Some(principal));
        }
        let named = self.gatekeeper.scram(name).map_err(denied)?.map(|(named, _)| named);
        if named.as_ref() == Some(&principal) { Ok(Some(principal)) } else { Err(denied(Denied::Wrong)) }
    }
}

fn presented(metadata: &MetadataMap) -> Result<Option<Presented>, Status> {
    let Some(value) = metadata.get(AUTHORIZATION) else { return Ok(None) };
    let wrong = || refused("the header is `authorization: Bearer TOKEN`, or Basic in a handshake");
    let text = value.to_str().map_err(|_| wrong())?;
    let (scheme, rest) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let presented = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Some(Presented::Bearer(Secret::presented(rest.trim()))),
        "basic" => basic(rest.trim()),
        _ => None,
    };
    presented.map(Some).ok_or_else(wrong)
}

/// Reads `base64(name:secret)`, RFC 7617, with the decoder that gRPC has for headers of bytes.
fn basic(encoded: &str) -> Option<Presented> {
    const BYTES: &str = "basic-bin";
    let mut headers = HeaderMap::new();
    headers.insert(BYTES, HeaderValue::from_str(encoded).ok()?);
    let bytes = MetadataMap::from_headers(headers).get_bin(BYTES)?.to_bytes().ok()?;
    let (name, secret) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    Some(Presented::Basic { name: name.to_owned(), secret: Secret::presented(secret) })
}

fn refused(message: impl Into<String>) -> Status {
    Status::unauthenticated(message)
}

fn denied(denied: Denied) -> Status {
    match denied {
        Denied::Wrong => refused("the name, password or token is not known here"),
        Denied::TooMany => Status::resource_exhausted("too many tries; wait a while"),
    }
}

#[cfg(test)]
mod tests;
