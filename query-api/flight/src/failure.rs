//! What went wrong, as a client is told: a gRPC code and a sentence.

use airshed_query_api::{Error, ErrorKind, Exceeded};
use arrow_flight::error::FlightError;
use tonic::{Code, Status};

/// Longest message. It travels in a header, and clients take no more than some kilobytes of those.
const MESSAGE_CHARS: usize = 1_500;

/// An error of the core. What is not the statement's fault is logged here, as the client does not hear of it.
pub(crate) fn status(error: &Error) -> Status {
    let kind = error.kind();
    if matches!(kind, ErrorKind::Retry | ErrorKind::Corrupt) {
        tracing::warn!(error = %error.private_message(), "a statement failed by no fault of its own");
    }
    Status::new(code(kind), shortened(error.public_message()))
}

fn code(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::Statement => Code::InvalidArgument,
        ErrorKind::Denied => Code::PermissionDenied,
        ErrorKind::Limit(Exceeded::Time) => Code::DeadlineExceeded,
        ErrorKind::Limit(Exceeded::Memory | Exceeded::Rows) => Code::ResourceExhausted,
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::Retry => Code::Unavailable,
        ErrorKind::Corrupt => Code::Internal,
    }
}

fn shortened(message: String) -> String {
    match message.char_indices().nth(MESSAGE_CHARS) {
        None => message,
        Some((end, _)) => format!("{} ...", &message[..end]),
    }
}

/// An error of the core on its way through the encoder.
pub(crate) fn through_encoder(error: Error) -> FlightError {
    FlightError::ExternalError(Box::new(error))
}

/// What comes out of the encoder: the core's own error, or a defect.
pub(crate) fn from_encoder(error: FlightError) -> Error {
    const CONTEXT: &str = "the answer cannot be encoded";
    match error {
        FlightError::ExternalError(inner) => match inner.downcast::<Error>() {
            Ok(own) => *own,
            Err(other) => Error::with_source(ErrorKind::Corrupt, CONTEXT, other),
        },
        other => Error::with_source(ErrorKind::Corrupt, CONTEXT, other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_code_and_internals_stay_inside() {
        let told = |kind| status(&Error::with_source(kind, "context", "cause"));
        for (kind, code) in [
            (ErrorKind::Statement, Code::InvalidArgument),
            (ErrorKind::Denied, Code::PermissionDenied),
            (ErrorKind::Limit(Exceeded::Time), Code::DeadlineExceeded),
            (ErrorKind::Limit(Exceeded::Memory), Code::ResourceExhausted),
            (ErrorKind::Limit(Exceeded::Rows), Code::ResourceExhausted),
            (ErrorKind::NotFound, Code::NotFound),
        ] {
            assert_eq!((told(kind).code(), told(kind).message()), (code, "context: cause"));
        }
        for (kind, code) in [(ErrorKind::Retry, Code::Unavailable), (ErrorKind::Corrupt, Code::Internal)] {
            assert_eq!(told(kind).code(), code);
            assert!(!told(kind).message().contains("cause"), "{}", told(kind).message());
        }
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let error = Error::with_source(ErrorKind::Statement, "no such column", "ä".repeat(10_000));
        let message = status(&error).message().to_owned();
        assert!(message.starts_with("no such column: ä") && message.ends_with("ä ..."), "{message}");
        assert!(message.len() < 2 * MESSAGE_CHARS + 10);
    }

    #[test]
    fn errors_of_the_core_come_through_the_encoder() {
        let error = Error::with_source(ErrorKind::Limit(Exceeded::Rows), "too many", "rows");
        assert_eq!(from_encoder(through_encoder(error)).kind(), ErrorKind::Limit(Exceeded::Rows));
        assert_eq!(from_encoder(FlightError::protocol("x")).kind(), ErrorKind::Corrupt);
    }
}
