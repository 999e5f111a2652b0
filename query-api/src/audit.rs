//! Who asked what.

use crate::error::ErrorKind;

/// A statement that was asked.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Name of the user.
    pub who: &'a str,
    /// http, postgres or flight.
    pub interface: &'static str,
    /// The statement.
    pub sql: &'a str,
    /// Why it was not answered, where it was not.
    pub failed: Option<ErrorKind>,
}

/// Keeps a log of what was asked. It must not wait: a log that cannot keep up says so by itself.
pub trait Audit: Send + Sync {
    /// Notes a statement.
    fn asked(&self, asked: Asked<'_>);
}
