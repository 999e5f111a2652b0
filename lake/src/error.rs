//! The crate's one public error.

use std::fmt;

/// What S3 answers for a bucket that is not there and for credentials that do not open it.
const REFUSALS: [&str; 3] = ["<Code>NoSuchBucket</Code>", "status code: 401", "status code: 403"];

/// What the caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The same call may go through later: a throttled or unreachable store, a lost commit race.
    Retry,
    /// Something the user named is wrong: a path, a URI, a credential.
    Input,
    /// The lake holds something it should not, or this is a defect.
    Corrupt,
}

/// An error of the lake, with the table or object it happened on.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct Error {
    kind: ErrorKind,
    context: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Result of a lake operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn input(context: impl fmt::Display) -> Self {
        Self { kind: ErrorKind::Input, context: context.to_string(), source: None }
    }

    pub(crate) fn corrupt(context: impl fmt::Display) -> Self {
        Self { kind: ErrorKind::Corrupt, context: context.to_string(), source: None }
    }

    pub(crate) fn retry(context: impl fmt::Display) -> Self {
        Self { kind: ErrorKind::Retry, context: context.to_string(), source: None }
    }

    pub(crate) fn with_source(
        kind: ErrorKind,
        context: impl fmt::Display,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, context: context.to_string(), source: Some(source.into()) }
    }
}

/// Whether a store refused for good what was asked of it.
///
/// Where it lists, `object_store` has no kind of error for that: S3's answer stands in the text.
pub fn is_refusal(error: &object_store::Error) -> bool {
    match error {
        object_store::Error::NotFound { .. }
        | object_store::Error::InvalidPath { .. }
        | object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => true,
        object_store::Error::Generic { source, .. } => {
            let text = source.to_string();
            REFUSALS.iter().any(|words| text.contains(words))
        }
        _ => false,
    }
}

/// Adds what was being done to a lower error.
pub(crate) trait Context<T> {
    /// Wraps the error with `context`; its kind follows from its type.
    fn context(self, context: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Context<T> for Result<T, object_store::Error> {
    fn context(self, context: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| {
            let kind = if is_refusal(&e) { ErrorKind::Input } else { ErrorKind::Retry };
            Error::with_source(kind, context(), e)
        })
    }
}

impl<T> Context<T> for Result<T, deltalake::DeltaTableError> {
    fn context(self, context: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| {
            let kind = match &e {
                deltalake::DeltaTableError::ObjectStore { source } if is_refusal(source) => ErrorKind::Input,
                deltalake::DeltaTableError::Transaction { .. }
                | deltalake::DeltaTableError::ObjectStore { .. } => ErrorKind::Retry,
                _ => ErrorKind::Corrupt,
            };
            Error::with_source(kind, context(), e)
        })
    }
}

impl<T> Context<T> for Result<T, parquet::errors::ParquetError> {
    fn context(self, context: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| Error::with_source(ErrorKind::Corrupt, context(), e))
    }
}

impl<T> Context<T> for Result<T, datafusion::error::DataFusionError> {
    fn context(self, context: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| Error::with_source(ErrorKind::Corrupt, context(), e))
    }
}
