//! The crate's one public error.

/// What the caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The same call may go through later.
    Retry,
    /// The ledger or the configuration holds something that cannot be calculated with.
    Input,
    /// A defect, or a damaged lake.
    Corrupt,
}

/// Why an estimate failed, with the period, file or line it failed on.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct Error {
    kind: ErrorKind,
    context: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Result of the stage.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), source: None }
    }

    pub(crate) fn with_source(
        kind: ErrorKind,
        context: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, context: context.into(), source: Some(source.into()) }
    }
}

impl From<airshed_lake::Error> for Error {
    fn from(error: airshed_lake::Error) -> Self {
        let kind = match error.kind() {
            airshed_lake::ErrorKind::Retry => ErrorKind::Retry,
            airshed_lake::ErrorKind::Input => ErrorKind::Input,
            airshed_lake::ErrorKind::Corrupt => ErrorKind::Corrupt,
        };
        Self::with_source(kind, "the lake refused", error)
    }
}
