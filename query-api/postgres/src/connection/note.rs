//! The note of a statement in the log of what was asked.

use std::sync::Arc;

use airshed_query_api::{
    ErrorKind, Exceeded,
    audit::{Asked, Audit},
};

use crate::failure::Failure;

/// Written when it is dropped, so that a statement whose client went away is noted as well: as one that was stopped.
pub(super) struct Note {
    audit: Arc<dyn Audit>,
    who: Arc<str>,
    /// Nothing is noted of an empty text.
    sql: String,
    failed: Option<ErrorKind>,
}

impl Note {
    pub(super) fn new(audit: Arc<dyn Audit>, who: Arc<str>, sql: impl Into<String>) -> Self {
        Self { audit, who, sql: sql.into(), failed: Some(ErrorKind::Limit(Exceeded::Time)) }
    }

    /// Notes how it went.
    pub(super) fn ended<T>(mut self, ended: Result<T, Failure>) -> Result<T, Failure> {
        self.failed = ended.as_ref().err().map(|failure| failure.kind);
        ended
    }

    /// The same note of another text.
    pub(super) fn of(mut self, sql: &str) -> Self {
        sql.clone_into(&mut self.sql);
        self
    }

    /// There is nothing to note yet.
    pub(super) fn forget(mut self) {
        self.sql.clear();
    }

    /// It was answered.
    pub(super) fn answered(mut self) {
        self.failed = None;
    }

    /// It was not.
    pub(super) fn failed(mut self, failure: &Failure) {
        self.failed = Some(failure.kind);
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if self.sql.is_empty() {
            return;
        }
        self.audit.asked(Asked {
            who: &self.who,
            interface: "postgres",
            sql: &self.sql,
            failed: self.failed,
        });
    }
}
