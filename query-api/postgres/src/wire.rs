//! Messages on a socket: framed, bounded, and with a limit on how long a client may refuse to read.

pub(crate) mod shape;

use std::{io, time::Duration};

use bytes::{Buf as _, BytesMut};
use datafusion_postgres::pgwire::{
    error::{ErrorInfo, PgWireError},
    messages::{DecodeContext, PgWireBackendMessage, PgWireFrontendMessage, ProtocolVersion},
};
use futures::{SinkExt as _, stream::SplitSink};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::{
    codec::{Decoder, Encoder, Framed},
    either::Either,
};

use crate::failure::code;

/// Longest message of somebody who is not let in, bytes; libpq's own limit of start-up messages.
const MOST_BEFORE_LOGIN: usize = 10_000;
/// Longest message after that, bytes: a statement with its parameters.
const MOST_AFTER_LOGIN: usize = 1 << 20;
/// Type and length.
const HEAD: usize = 5;

/// A connection, encrypted or on the same machine.
pub(crate) type Socket = Either<TcpStream, Box<TlsStream<TcpStream>>>;
/// Messages on a connection.
pub(crate) type Messages = Framed<Socket, Codec>;

/// Where a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The first message has no type.
    Start,
    Login,
    Open,
}

/// Splits bytes into messages.
pub(crate) struct Codec {
    stage: Stage,
    context: DecodeContext,
}

impl Codec {
    pub(crate) fn new() -> Self {
        let mut context = DecodeContext::default();
        context.awaiting_frontend_ssl = false;
        Self { stage: Stage::Start, context }
    }

    pub(crate) fn set_stage(&mut self, stage: Stage) {
        self.stage = stage;
        self.context.awaiting_frontend_startup = stage == Stage::Start;
    }

    pub(crate) fn set_version(&mut self, version: ProtocolVersion) {
        self.context.protocol_version = version;
    }
}

impl Decoder for Codec {
    type Item = PgWireFrontendMessage;
    type Error = PgWireError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<Self::Item>, Self::Error> {
        let most = match self.stage {
            Stage::Start => return PgWireFrontendMessage::decode(bytes, &self.context),
            Stage::Login => MOST_BEFORE_LOGIN,
            Stage::Open => MOST_AFTER_LOGIN,
        };
        if bytes.len() < HEAD {
            return Ok(None);
        }
        let length = (&bytes[1..HEAD]).get_u32() as usize;
        if length > most {
            return Err(PgWireError::MessageTooLarge(most, length));
        }
        if length < HEAD - 1 {
            return Err(PgWireError::InvalidMessageType(bytes[0]));
        }
        if bytes.len() <= length {
            bytes.reserve(length + 1 - bytes.len());
            return Ok(None);
        }
        // Its own bytes alone, so that a message that lies about its inside cannot read into the next.
        let mut message = bytes.split_to(length + 1);
        let kind = message[0];
        if !shape::is_whole(kind, &message[HEAD..]) {
            return Err(malformed());
        }
        PgWireFrontendMessage::decode(&mut message, &self.context)?
            .ok_or(PgWireError::InvalidMessageType(kind))
            .map(Some)
    }
}

fn malformed() -> PgWireError {
    let message = "the message does not hold what it says".to_owned();
    PgWireError::UserError(Box::new(ErrorInfo::new("FATAL".to_owned(), code::PROTOCOL.to_owned(), message)))
}

impl Encoder<PgWireBackendMessage> for Codec {
    type Error = io::Error;

    fn encode(&mut self, message: PgWireBackendMessage, bytes: &mut BytesMut) -> io::Result<()> {
        message.encode(bytes).map_err(Into::into)
    }
}

/// The side that writes to the client.
pub(crate) struct Outgoing {
    messages: SplitSink<Messages, PgWireBackendMessage>,
    /// How long the client may take to read on.
    stall: Duration,
}

impl Outgoing {
    pub(crate) fn new(messages: SplitSink<Messages, PgWireBackendMessage>, stall: Duration) -> Self {
        Self { messages, stall }
    }

    /// Queues a message; waits when the client is behind, so rows never pile up here.
    pub(crate) async fn feed(&mut self, message: PgWireBackendMessage) -> io::Result<()> {
        timeout(self.stall, self.messages.feed(message)).await?
    }

    /// Sends what is queued.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        timeout(self.stall, self.messages.flush()).await?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(stage: Stage, bytes: &[u8]) -> Result<Option<PgWireFrontendMessage>, PgWireError> {
        let mut codec = Codec::new();
        codec.set_stage(stage);
        codec.decode(&mut BytesMut::from(bytes))
    }

    #[test]
    fn a_long_message_is_refused_by_its_head_alone() {
        let head = |length: u32| [&b"Q"[..], &length.to_be_bytes()].concat();
        assert!(matches!(
            decoded(Stage::Login, &head(10_001)),
            Err(PgWireError::MessageTooLarge(10_000, 10_001))
        ));
        assert!(matches!(decoded(Stage::Open, &head(10_001)), Ok(None)));
        assert!(matches!(decoded(Stage::Open, &head(1 << 30)), Err(PgWireError::MessageTooLarge(..))));
        assert!(matches!(decoded(Stage::Open, &head(3)), Err(PgWireError::InvalidMessageType(b'Q'))));
    }

    #[test]
    fn messages_are_told_apart() {
        let mut bytes = BytesMut::from(&b"Q\0\0\0\x0dSELECT 1\0X\0\0\0\x04"[..]);
        let mut codec = Codec::new();
        codec.set_stage(Stage::Open);
        let first = codec.decode(&mut bytes).unwrap().unwrap();
        assert!(matches!(first, PgWireFrontendMessage::Query(query) if query.query == "SELECT 1"));
        let second = codec.decode(&mut bytes).unwrap().unwrap();
        assert!(matches!(second, PgWireFrontendMessage::Terminate(_)));
        assert!(codec.decode(&mut bytes).unwrap().is_none());
    }
}
