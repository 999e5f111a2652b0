//! The one error of this crate.
//!
//! Factor data is read once, at the start. Whoever reads it can do one of three things about a failure, and that is
//! the kind: correct the table (a bad row of an imported or embedded file), correct the reference (a factor that names
//! an unknown source, two factors with one id), or correct the request (a question the tables have no answer to).

use std::fmt;

/// What the caller can do about a [`FactorError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorErrorKind {
    /// A file cannot be read as its table: correct the file. The message names file, line and column.
    Table,
    /// Tables contradict each other (an unknown source, an id given twice): correct the tables.
    Reference,
    /// The tables hold no answer to what was asked: ask for something else.
    Missing,
}

/// Factor data could not be read or used.
#[derive(Debug)]
pub struct FactorError {
    kind: FactorErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl FactorError {
    pub(crate) fn new(kind: FactorErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn table(message: impl Into<String>) -> Self {
        Self::new(FactorErrorKind::Table, message)
    }

    pub(crate) fn reference(message: impl Into<String>) -> Self {
        Self::new(FactorErrorKind::Reference, message)
    }

    pub(crate) fn missing(message: impl Into<String>) -> Self {
        Self::new(FactorErrorKind::Missing, message)
    }

    pub(crate) fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> FactorErrorKind {
        self.kind
    }
}

impl fmt::Display for FactorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for FactorError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as _)
    }
}
