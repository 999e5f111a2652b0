//! The crate's one public error.

/// What the caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The same call may go through later.
    Retry,
    /// The lake cannot be reached or read as it was named.
    Input,
    /// A defect, or a damaged lake.
    Corrupt,
}

/// Why a rollup failed, with the table or run it failed on.
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

    pub(crate) fn corrupt(context: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Corrupt, context: context.into(), source: None }
    }

    pub(crate) fn query(
        context: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind: ErrorKind::Corrupt, context: context.into(), source: Some(source.into()) }
    }
}

impl From<airshed_lake::Error> for Error {
    fn from(error: airshed_lake::Error) -> Self {
        let kind = match error.kind() {
            airshed_lake::ErrorKind::Retry => ErrorKind::Retry,
            airshed_lake::ErrorKind::Input => ErrorKind::Input,
            airshed_lake::ErrorKind::Corrupt => ErrorKind::Corrupt,
        };
        Self { kind, context: "the lake refused".to_owned(), source: Some(Box::new(error)) }
    }
}
