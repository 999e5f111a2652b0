//! The error of the estimator.

use std::fmt;

/// What the caller can do about an [`EstimateError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EstimateErrorKind {
    /// The batch is not one of `billing_lines`: correct the caller.
    Input,
    /// A row's quantity cannot be stored, or its utilisation is not a share: correct the row.
    Row,
}

/// A batch could not be estimated.
#[derive(Debug)]
pub struct EstimateError {
    kind: EstimateErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl EstimateError {
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self { kind: EstimateErrorKind::Input, message: message.into(), source: None }
    }

    pub(super) fn row(message: impl Into<String>) -> Self {
        Self { kind: EstimateErrorKind::Row, message: message.into(), source: None }
    }

    pub(super) fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> EstimateErrorKind {
        self.kind
    }
}

impl fmt::Display for EstimateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for EstimateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as _)
    }
}
