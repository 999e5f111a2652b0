//! What went wrong, as a client is told: a SQLSTATE and a sentence.

use std::borrow::Cow;

use airshed_query_api::{Error, ErrorKind, Exceeded, READ_ONLY};
use datafusion::{
    arrow::error::ArrowError, common::SchemaError, error::DataFusionError,
    sql::sqlparser::parser::ParserError,
};
use datafusion_postgres::pgwire::{
    error::{ErrorInfo, PgWireError},
    messages::response::{ErrorResponse, NoticeResponse},
};

/// SQLSTATEs, <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
pub(crate) mod code {
    pub(crate) const PROTOCOL: &str = "08P01";
    pub(crate) const NOT_SUPPORTED: &str = "0A000";
    pub(crate) const BAD_VALUE: &str = "22023";
    pub(crate) const NO_TRANSACTION: &str = "25P01";
    pub(crate) const FAILED_TRANSACTION: &str = "25P02";
    pub(crate) const NO_STATEMENT: &str = "26000";
    pub(crate) const NOT_LET_IN: &str = "28000";
    pub(crate) const WRONG_PASSWORD: &str = "28P01";
    pub(crate) const NO_CURSOR: &str = "34000";
    pub(crate) const NO_DATABASE: &str = "3D000";
    pub(crate) const DENIED: &str = "42501";
    pub(crate) const SYNTAX: &str = "42601";
    pub(crate) const NO_SETTING: &str = "42704";
    pub(crate) const CURSOR_TWICE: &str = "42P03";
    pub(crate) const STATEMENT_TWICE: &str = "42P05";
    pub(crate) const TOO_MANY_CONNECTIONS: &str = "53300";
    pub(crate) const TOO_MUCH: &str = "54000";
    pub(crate) const TOO_COMPLEX: &str = "54001";
    pub(crate) const CANCELLED: &str = "57014";
    pub(crate) const SHUTDOWN: &str = "57P01";
    pub(crate) const NOT_NOW: &str = "57P03";
    pub(crate) const IDLE: &str = "57P05";
    pub(crate) const DEFECT: &str = "XX000";
}

/// What a client is told when something fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Whether the connection ends with it.
    pub(crate) is_fatal: bool,
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
    /// Whose fault, for the log of what was asked.
    pub(crate) kind: ErrorKind,
}

impl Failure {
    /// Of a statement.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        let kind = if code == code::DENIED { ErrorKind::Denied } else { ErrorKind::Statement };
        Self { is_fatal: false, code: Cow::Borrowed(code), message: message.into(), kind }
    }

    /// Of the connection.
    pub(crate) fn fatal(code: &'static str, message: impl Into<String>) -> Self {
        Self { is_fatal: true, ..Self::new(code, message) }
    }

    /// Of a statement that is no query, or not one that is allowed.
    pub(crate) fn read_only() -> Self {
        Self::new(code::DENIED, READ_ONLY)
    }

    /// What the engine says of a statement while it is planned or run.
    pub(crate) fn engine(error: DataFusionError) -> Self {
        let code = statement_code(&error);
        Self::core(&Error::from_engine(error), code)
    }

    /// The core's own error. What is not the statement's fault is logged here, as the client does not hear of it.
    pub(crate) fn core(error: &Error, statement_code: &'static str) -> Self {
        let kind = error.kind();
        let message = error.public_message();
        let code = match kind {
            ErrorKind::Statement => statement_code,
            ErrorKind::Denied => code::DENIED,
            ErrorKind::Limit(Exceeded::Memory) => "53200",
            ErrorKind::Limit(Exceeded::Rows) => code::TOO_MUCH,
            ErrorKind::Limit(Exceeded::Time) => code::CANCELLED,
            ErrorKind::NotFound => code::BAD_VALUE,
            ErrorKind::Retry => code::NOT_NOW,
            ErrorKind::Corrupt => code::DEFECT,
        };
        if matches!(kind, ErrorKind::Retry | ErrorKind::Corrupt) {
            tracing::warn!(error = %error.private_message(), "a statement failed by no fault of its own");
        }
        Self { is_fatal: false, code: Cow::Borrowed(code), message, kind }
    }

    fn fields(self, severity: &str) -> Vec<(u8, String)> {
        vec![
            (b'S', severity.to_owned()),
            (b'V', severity.to_owned()),
            (b'C', self.code.into_owned()),
            (b'M', self.message),
        ]
    }

    /// As the message that tells it.
    pub(crate) fn into_response(self) -> ErrorResponse {
        let severity = if self.is_fatal { "FATAL" } else { "ERROR" };
        ErrorResponse::new(self.fields(severity))
    }

    /// Something to know that is no failure.
    pub(crate) fn notice(message: impl Into<String>) -> NoticeResponse {
        NoticeResponse::new(Self::new("00000", message).fields("NOTICE"))
    }
}

impl From<PgWireError> for Failure {
    fn from(error: PgWireError) -> Self {
        let info = ErrorInfo::from(error);
        Self {
            is_fatal: info.is_fatal(),
            code: Cow::Owned(info.code),
            message: info.message,
            kind: ErrorKind::Statement,
        }
    }
}

impl From<ParserError> for Failure {
    fn from(error: ParserError) -> Self {
        match error {
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => {
                Self::new(code::SYNTAX, text)
            }
            ParserError::RecursionLimitExceeded => {
                Self::new(code::TOO_COMPLEX, "the statement is nested too deeply")
            }
        }
    }
}

/// The SQLSTATE of an error that is the statement's fault.
fn statement_code(error: &DataFusionError) -> &'static str {
    match error.find_root() {
        DataFusionError::External(inner) => match inner.downcast_ref::<Error>() {
            Some(own) => of_text(&own.private_message()),
            None => "42000",
        },
        DataFusionError::SQL(..) => code::SYNTAX,
        DataFusionError::NotImplemented(_) => code::NOT_SUPPORTED,
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::FieldNotFound { .. } => "42703",
            SchemaError::AmbiguousReference { .. } => "42702",
            _ => "42701",
        },
        DataFusionError::ArrowError(arrow, _) => match arrow.as_ref() {
            ArrowError::DivideByZero => "22012",
            ArrowError::ArithmeticOverflow(_) => "22003",
            ArrowError::CastError(_) | ArrowError::ParseError(_) => "22P02",
            _ => "22000",
        },
        DataFusionError::Plan(text) if text.contains("not found") => "42P01",
        // As the core words what it bounds.
        DataFusionError::Plan(text) if text.contains("is not given") => code::TOO_MUCH,
        DataFusionError::Plan(text) if text.contains("Invalid function") => "42883",
        DataFusionError::Plan(_) => "42804",
        DataFusionError::Execution(_) => "22000",
        _ => "42000",
    }
}

/// Of an error whose kind is lost on its way through the core.
fn of_text(text: &str) -> &'static str {
    let has = |part: &str| text.contains(part);
    if has("Divide by zero") {
        "22012"
    } else if has("overflow") || has("Overflow") {
        "22003"
    } else if has("Cast error") || has("Parser error") {
        "22P02"
    } else {
        "22000"
    }
}
