//! Errors by what the caller does next.

use std::fmt;

/// What became of one call of the cloud's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallErrorKind {
    /// Too many calls: slow down, then again.
    Throttled,
    /// A server error, a timeout, a connection that broke: again.
    Transient,
    /// The credentials are out of date: renew them, then again.
    Expired,
    /// Not allowed. The account is left alone and the others go on.
    Denied,
    /// The call is wrong or what it names is not there: never again.
    Invalid,
    /// The collector is stopping.
    Cancelled,
}

/// A call that failed, with the service's own words.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{call}: {message}")]
pub struct CallError {
    /// What to do.
    pub kind: CallErrorKind,
    /// The call, such as `GetMetricData in 111122223333, eu-west-1`.
    pub call: String,
    /// What the service said. Never holds credentials.
    pub message: String,
}

impl CallError {
    /// An error of a call.
    pub fn new(kind: CallErrorKind, call: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, call: call.into(), message: message.into() }
    }
}

/// What the caller can do about an error of a collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The same may go through later.
    Retry,
    /// The configuration or what it names is wrong.
    Input,
    /// The shard is in other hands now: drop what was not landed.
    Fenced,
    /// The collector is stopping.
    Cancelled,
    /// A defect of ours, or a lake that holds what it should not.
    Bug,
}

/// An error of a collector.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Result of a collector's work.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string(), source: None }
    }

    pub(crate) fn bug(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Bug, message)
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "the collector is stopping")
    }

    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        let kind = match error.kind {
            CallErrorKind::Throttled | CallErrorKind::Transient | CallErrorKind::Expired => ErrorKind::Retry,
            CallErrorKind::Denied | CallErrorKind::Invalid => ErrorKind::Input,
            CallErrorKind::Cancelled => ErrorKind::Cancelled,
        };
        Self::new(kind, error.to_string()).caused_by(error)
    }
}

impl From<airshed_lake::Error> for Error {
    fn from(error: airshed_lake::Error) -> Self {
        let kind = match error.kind() {
            airshed_lake::ErrorKind::Retry => ErrorKind::Retry,
            airshed_lake::ErrorKind::Input => ErrorKind::Input,
            airshed_lake::ErrorKind::Corrupt => ErrorKind::Bug,
        };
        Self::new(kind, &error).caused_by(error)
    }
}

/// Adds what was being done to a lower error.
pub(crate) trait Context<T> {
    /// Wraps the error with `context`; its kind follows from its type.
    fn context(self, context: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Context<T> for Result<T, airshed_lake::Error> {
    fn context(self, context: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| {
            let kind = match e.kind() {
                airshed_lake::ErrorKind::Retry => ErrorKind::Retry,
                airshed_lake::ErrorKind::Input => ErrorKind::Input,
                airshed_lake::ErrorKind::Corrupt => ErrorKind::Bug,
            };
            Error::new(kind, context()).caused_by(e)
        })
    }
}

impl<T> Context<T> for Result<T, object_store::Error> {
    fn context(self, context: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| {
            let kind = if airshed_lake::is_refusal(&e) { ErrorKind::Input } else { ErrorKind::Retry };
            Error::new(kind, context()).caused_by(e)
        })
    }
}

impl<T> Context<T> for Result<T, arrow::error::ArrowError> {
    fn context(self, context: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| Error::bug(context()).caused_by(e))
    }
}

impl<T> Context<T> for Result<T, parquet::errors::ParquetError> {
    fn context(self, context: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| Error::bug(context()).caused_by(e))
    }
}

impl<T> Context<T> for Result<T, tokio::task::JoinError> {
    fn context(self, context: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| Error::bug(context()).caused_by(e))
    }
}
