//! The crate's one public error: what the caller does next, and the object and row at fault.
//!
//! A bad row is not an error: it is a [`Reject`](crate::Reject) and the import goes on. An error means that a delivery
//! (or the whole input) could not be imported; nothing of it is published then.

use std::fmt;

/// What is said when an object is no longer the one that was listed.
const CHANGED: &str = "the object changed while it was read; run again";

/// What the caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The same call may go through later: a store out of reach, a full disk, a lost commit race.
    Retry,
    /// Something the user gave is wrong: a path, a credential, a manifest, an object.
    Input,
    /// The caller asked to stop.
    Cancelled,
    /// A defect of ours, or a lake that holds what it should not.
    Bug,
}

/// An error of the import.
#[derive(Debug, thiserror::Error)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    object_uri: Option<String>,
    row: Option<(i32, i64)>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Result of an import operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(uri) = &self.object_uri {
            write!(f, " ({uri}")?;
            if let Some((row_group, row_number)) = self.row {
                write!(f, ", row group {row_group}, row {row_number}")?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl Error {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The object it happened on.
    pub fn object_uri(&self) -> Option<&str> {
        self.object_uri.as_deref()
    }

    /// Row group and row it happened on, both from 0.
    pub fn row(&self) -> Option<(i32, i64)> {
        self.row
    }

    pub(crate) fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string(), object_uri: None, row: None, source: None }
    }

    pub(crate) fn input(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Input, message)
    }

    pub(crate) fn bug(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Bug, message)
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "the import was cancelled")
    }

    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn on(mut self, object_uri: &str) -> Self {
        self.object_uri.get_or_insert_with(|| object_uri.to_owned());
        self
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
            // Only reads of the input are conditional here: on the version that was listed.
            if matches!(e, object_store::Error::Precondition { .. }) {
                return Error::new(ErrorKind::Retry, CHANGED).caused_by(e);
            }
            let kind = if airshed_lake::is_refusal(&e) { ErrorKind::Input } else { ErrorKind::Retry };
            Error::new(kind, context()).caused_by(e)
        })
    }
}

impl<T> Context<T> for Result<T, std::io::Error> {
    fn context(self, context: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| {
            let kind = match e.kind() {
                std::io::ErrorKind::NotFound
                | std::io::ErrorKind::PermissionDenied
                | std::io::ErrorKind::IsADirectory
                | std::io::ErrorKind::NotADirectory => ErrorKind::Input,
                _ => ErrorKind::Retry,
            };
            Error::new(kind, context()).caused_by(e)
        })
    }
}

impl<T> Context<T> for Result<T, arrow::error::ArrowError> {
    fn context(self, context: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| {
            let kind = if matches!(e, arrow::error::ArrowError::IoError(..)) {
                ErrorKind::Retry
            } else {
                ErrorKind::Bug
            };
            Error::new(kind, context()).caused_by(e)
        })
    }
}

impl<T> Context<T> for Result<T, tokio::task::JoinError> {
    fn context(self, context: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| Error::bug(context()).caused_by(e))
    }
}
