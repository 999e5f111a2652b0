//! From a new connection to somebody who is let in: encryption, start-up message, proof of the password.
//!
//! Plain text is for the same machine. On any other address a client that does not ask for TLS is told so and let go;
//! only requests to cancel are taken, as older clients send them unencrypted whatever they were connected with.

use std::{io, sync::Arc};

use airshed_query_api::access::{Denied, Principal, Role, SCRAM_ITERATIONS, ScramVerifier};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use bytes::{Buf as _, Bytes};
use datafusion_postgres::pgwire::{
    error::PgWireError,
    messages::{
        PgWireBackendMessage as Backend, PgWireFrontendMessage as Frontend, ProtocolVersion,
        startup::{
            Authentication, BackendKeyData, NegotiateProtocolVersion, ParameterStatus, PasswordMessageFamily,
            SecretKey, Startup,
        },
    },
};
use futures::{SinkExt as _, StreamExt as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
use tokio_util::{
    codec::{Framed, FramedParts},
    either::Either,
};

use crate::{
    cancel::Place,
    failure::{Failure, code},
    scram::{self, Exchange},
    server::Shared,
    settings::Settings,
    wire::{Codec, Messages, Socket, Stage, shape},
};

/// The protocol's name in TLS, asked of clients that begin with TLS at once.
pub(crate) const ALPN: &[u8] = b"postgresql";
/// First byte of a TLS handshake.
const TLS_HANDSHAKE: u8 = 0x16;
const HEAD: usize = 8;
const ASKS_TLS: u32 = 80_877_103;
const ASKS_GSS: u32 = 80_877_104;
/// Databases that clients ask for when nobody tells them: there is one, by any of these names.
const DATABASES: [&str; 2] = [airshed_query_api::CATALOG, "postgres"];

/// Somebody who was let in.
pub(crate) struct LoggedIn {
    pub(crate) messages: Messages,
    pub(crate) who: Principal,
    pub(crate) settings: Settings,
    pub(crate) place: Place,
}

/// Lets somebody in, or nobody: a request to cancel, or a client that was refused or went away.
pub(crate) async fn login(socket: TcpStream, shared: &Shared) -> io::Result<Option<LoggedIn>> {
    let Some((mut messages, is_encrypted)) = negotiate(socket, shared.tls.as_ref()).await? else {
        return Ok(None);
    };
    match enter(&mut messages, shared, is_encrypted).await {
        Ok(Some((who, settings, place))) => Ok(Some(LoggedIn { messages, who, settings, place })),
        Ok(None) => Ok(None),
        Err(Refused::Told(failure)) => {
            let failure = Failure { is_fatal: true, ..failure };
            messages.send(Backend::ErrorResponse(failure.into_response())).await?;
            messages.close().await?;
            Ok(None)
        }
        Err(Refused::Gone(error)) => Err(error),
    }
}

/// Tells a client that there is no room, as far as it listens. Requests to cancel need none.
pub(crate) async fn refuse(socket: TcpStream, failure: Failure, shared: &Shared) -> io::Result<()> {
    let Some((mut messages, _)) = negotiate(socket, shared.tls.as_ref()).await? else { return Ok(()) };
    match messages.next().await {
        Some(Ok(Frontend::CancelRequest(cancel))) => shared.running.cancel(cancel.pid, &cancel.secret_key),
        Some(_) => messages.send(Backend::ErrorResponse(failure.into_response())).await?,
        None => {}
    }
    messages.close().await
}

/// Why nobody is let in.
enum Refused {
    Told(Failure),
    Gone(io::Error),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Told(failure)
    }
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

impl From<PgWireError> for Refused {
    fn from(error: PgWireError) -> Self {
        match error {
            PgWireError::IoError(error) => Self::Gone(error),
            error => Self::Told(error.into()),
        }
    }
}

/// Settles encryption. Byte by byte, so that nothing which came before encryption is ever read as if it came after.
async fn negotiate(
    mut socket: TcpStream,
    tls: Option<&Arc<ServerConfig>>,
) -> io::Result<Option<(Messages, bool)>> {
    let mut first = [0];
    if socket.peek(&mut first).await? == 0 {
        return Ok(None);
    }
    if first[0] == TLS_HANDSHAKE {
        let Some(tls) = tls else { return Ok(None) };
        let stream = TlsAcceptor::from(Arc::clone(tls)).accept(socket).await?;
        if stream.get_ref().1.alpn_protocol() != Some(ALPN) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "TLS at once asks for ALPN `postgresql`"));
        }
        return Ok(Some((framed(Either::Right(Box::new(stream)), &[]), true)));
    }
    // Each of the two may be asked for once.
    for _ in 0..3 {
        let mut head = [0; HEAD];
        socket.read_exact(&mut head).await?;
        match (&head[4..]).get_u32() {
            ASKS_TLS => match tls {
                Some(tls) => {
                    socket.write_all(b"S").await?;
                    let stream = TlsAcceptor::from(Arc::clone(tls)).accept(socket).await?;
                    return Ok(Some((framed(Either::Right(Box::new(stream)), &[]), true)));
                }
                None => socket.write_all(b"N").await?,
            },
            ASKS_GSS => socket.write_all(b"N").await?,
            _ => return Ok(Some((framed(Either::Left(socket), &head), false))),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "encryption was asked for again and again"))
}

fn framed(socket: Socket, read: &[u8]) -> Messages {
    let mut parts: FramedParts<Socket, Codec> = FramedParts::new(socket, Codec::new());
    parts.read_buf.extend_from_slice(read);
    Framed::from_parts(parts)
}

async fn enter(
    messages: &mut Messages,
    shared: &Shared,
    is_encrypted: bool,
) -> Result<Option<(Principal, Settings, Place)>, Refused> {
    let startup = match messages.next().await {
        Some(Ok(Frontend::Startup(startup))) => startup,
        Some(Ok(Frontend::CancelRequest(cancel))) => {
            shared.running.cancel(cancel.pid, &cancel.secret_key);
            return Ok(None);
        }
        Some(Ok(_)) => return Err(unexpected()),
        Some(Err(error)) => return Err(error.into()),
        None => return Ok(None),
    };
    if shared.asks_tls && !is_encrypted {
        let message = "this server takes encrypted connections only: connect with sslmode=require or better";
        return Err(Failure::fatal(code::NOT_LET_IN, message).into());
    }
    let version = settle_version(messages, &startup).await?;
    let (user, settings) = read_parameters(&startup)?;
    let who = authenticate(messages, shared, &user).await?;
    if who.must_be(Role::Analyst).is_err() {
        let message =
            format!("{} is a viewer and may not write SQL: that takes the role {}", who.name, Role::Analyst);
        return Err(Failure::fatal(code::DENIED, message).into());
    }

    let random = shared.random.draw("cancel key");
    let key = match version {
        ProtocolVersion::PROTOCOL3_0 => SecretKey::I32((&random[..4]).get_i32()),
        _ => SecretKey::Bytes(Bytes::copy_from_slice(&random)),
    };
    let place = shared.running.enter(key);
    messages.feed(Backend::Authentication(Authentication::Ok)).await?;
    for (name, value) in settings.told() {
        messages.feed(Backend::ParameterStatus(ParameterStatus::new(name.to_owned(), value))).await?;
    }
    messages.feed(Backend::BackendKeyData(BackendKeyData::new(place.number, place.key.clone()))).await?;
    messages.codec_mut().set_stage(Stage::Open);
    Ok(Some((who, settings, place)))
}

/// Settles the version of the protocol: the newest that both know.
async fn settle_version(messages: &mut Messages, startup: &Startup) -> Result<ProtocolVersion, Refused> {
    let (major, minor) = (startup.protocol_number_major, startup.protocol_number_minor);
    if major != 3 {
        return Err(PgWireError::UnsupportedProtocolVersion(major, minor).into());
    }
    let known = ProtocolVersion::from_version_number(major, minor);
    let version =
        known.unwrap_or(if minor < 2 { ProtocolVersion::PROTOCOL3_0 } else { ProtocolVersion::PROTOCOL3_2 });
    let options: Vec<String> =
        startup.parameters.keys().filter(|name| name.starts_with("_pq_.")).cloned().collect();
    if known.is_none() || !options.is_empty() {
        let told = NegotiateProtocolVersion::new(version.into(), options);
        messages.feed(Backend::NegotiateProtocolVersion(told)).await?;
    }
    messages.codec_mut().set_version(version);
    Ok(version)
}

/// The user's name and the settings of the start-up message.
fn read_parameters(startup: &Startup) -> Result<(String, Settings), Failure> {
    let parameters = &startup.parameters;
    let user = parameters.get("user").filter(|user| !user.is_empty());
    let user = user.ok_or_else(|| Failure::fatal(code::NOT_LET_IN, "the connection names no user"))?;
    let database = parameters.get("database").filter(|name| !name.is_empty()).unwrap_or(user);
    if !DATABASES.contains(&database.as_str()) && database != user {
        let message = format!("there is no database `{database}`; the ledger is `{}`", DATABASES[0]);
        return Err(Failure::fatal(code::NO_DATABASE, message));
    }
    let mut settings = Settings::of(user);
    for (name, value) in parameters {
        match name.as_str() {
            "user" | "database" => {}
            "replication" if ["false", "off", "no", "0"].contains(&value.as_str()) => {}
            "replication" => {
                return Err(Failure::fatal(code::NOT_SUPPORTED, "there is nothing to replicate"));
            }
            "options" => {
                for (name, value) in read_options(value)? {
                    settings.begin_with(&name, &value)?;
                }
            }
            name if name.starts_with("_pq_.") => {}
            name => settings.begin_with(name, value)?,
        }
    }
    Ok((user.clone(), settings))
}

/// Reads `-c name=value -cname=value --name=value`, where a backslash keeps the next character as it is.
fn read_options(text: &str) -> Result<Vec<(String, String)>, Failure> {
    let (mut words, mut word, mut characters) = (Vec::new(), String::new(), text.chars());
    while let Some(character) = characters.next() {
        match character {
            '\\' => word.extend(characters.next()),
            ' ' if word.is_empty() => {}
            ' ' => words.push(std::mem::take(&mut word)),
            other => word.push(other),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    let (mut options, mut words) = (Vec::new(), words.into_iter());
    while let Some(word) = words.next() {
        let given = match (word.strip_prefix("--"), word.strip_prefix("-c")) {
            (Some(given), _) => match given.split_once('=') {
                Some((name, value)) => format!("{}={value}", name.replace('-', "_")),
                None => String::new(),
            },
            (None, Some("")) => words.next().unwrap_or_default(),
            (None, Some(rest)) => rest.to_owned(),
            (None, None) => String::new(),
        };
        let option = given.split_once('=').filter(|(name, _)| !name.is_empty());
        let (name, value) = option.ok_or_else(|| {
            Failure::fatal(code::SYNTAX, format!("`{word}` is no option: write `-c name=value`"))
        })?;
        options.push((name.to_owned(), value.to_owned()));
    }
    Ok(options)
}

async fn authenticate(messages: &mut Messages, shared: &Shared, user: &str) -> Result<Principal, Refused> {
    let (known, verifier) = match shared.gatekeeper.scram(user) {
        Ok(Some((principal, verifier))) => (Some(principal), verifier),
        Ok(None) => (None, made_up(shared, user)),
        Err(Denied::TooMany | Denied::Wrong) => {
            let message = format!("too many attempts to sign in as {user}; wait some seconds");
            return Err(Failure::fatal(code::TOO_MANY_CONNECTIONS, message).into());
        }
    };
    messages.codec_mut().set_stage(Stage::Login);
    let methods = Authentication::SASL(vec![scram::MECHANISM.to_owned()]);
    messages.send(Backend::Authentication(methods)).await?;
    let Frontend::PasswordMessageFamily(first) = receive(messages).await? else { return Err(unexpected()) };
    if matches!(&first, PasswordMessageFamily::Raw(body) if !shape::is_whole_initial_response(body)) {
        return Err(malformed().into());
    }
    let first = first.into_sasl_initial_response()?;
    if first.auth_method != scram::MECHANISM {
        return Err(PgWireError::UnsupportedSASLAuthMethod(first.auth_method).into());
    }
    let nonce = STANDARD_NO_PAD.encode(&shared.random.draw("nonce")[..24]);
    let begun = Exchange::begin(first.data.as_deref().unwrap_or_default(), verifier, &nonce);
    let (exchange, server_first) = begun.map_err(|_| malformed())?;
    let server_first = Authentication::SASLContinue(Bytes::from(server_first));
    messages.send(Backend::Authentication(server_first)).await?;
    let Frontend::PasswordMessageFamily(last) = receive(messages).await? else { return Err(unexpected()) };
    let proven = match exchange.finish(&last.into_sasl_response()?.data) {
        Ok(server_last) => known.zip(Some(server_last)),
        Err(scram::Broken::Wrong) => {
            shared.gatekeeper.failed(user);
            None
        }
        Err(scram::Broken::Malformed) => return Err(malformed().into()),
    };
    let Some((who, server_last)) = proven else {
        tracing::info!(user, "a password was refused");
        let message = format!("password authentication failed for user \"{user}\"");
        return Err(Failure::fatal(code::WRONG_PASSWORD, message).into());
    };
    messages.feed(Backend::Authentication(Authentication::SASLFinal(Bytes::from(server_last)))).await?;
    Ok(who)
}

/// A verifier that no password fits, always the same for a name, so that nobody learns which names there are.
fn made_up(shared: &Shared, user: &str) -> ScramVerifier {
    ScramVerifier {
        iterations: SCRAM_ITERATIONS,
        salt: shared.random.fixed("salt", user)[..16].to_vec(),
        stored_key: shared.random.fixed("stored key", user),
        server_key: shared.random.fixed("server key", user),
    }
}

async fn receive(messages: &mut Messages) -> Result<Frontend, Refused> {
    match messages.next().await {
        Some(message) => Ok(message?),
        None => Err(Refused::Gone(io::ErrorKind::UnexpectedEof.into())),
    }
}

fn malformed() -> Failure {
    Failure::fatal(code::PROTOCOL, "the message is none of SCRAM-SHA-256")
}

fn unexpected() -> Refused {
    Refused::Told(Failure::fatal(code::PROTOCOL, "the message does not belong here"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use airshed_query_api::access::Secret;

    #[test]
    fn made_up_verifiers_look_like_real_ones() {
        let real = ScramVerifier::new(&Secret::presented("x"), [0; 16]);
        assert_eq!((real.iterations, real.salt.len()), (SCRAM_ITERATIONS, 16));
    }

    #[test]
    fn options_are_read() {
        let read = read_options(
            r"-c airshed.as_of=run-1 -cdatestyle=ISO --statement-timeout=5-s -c application_name=a\ b",
        );
        let read = read.unwrap();
        let pairs: Vec<(&str, &str)> =
            read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected = [
            ("airshed.as_of", "run-1"),
            ("datestyle", "ISO"),
            ("statement_timeout", "5-s"),
            ("application_name", "a b"),
        ];
        assert_eq!(pairs, expected);
        for text in ["-c", "-c x", "-d x=y", "x=y"] {
            assert!(read_options(text).is_err(), "{text}");
        }
    }
}
