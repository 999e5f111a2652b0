//! The note of a statement in the log of what was asked.

use std::sync::Arc;

use airshed_query_api::{
    ErrorKind, Exceeded,
    audit::{Asked, Audit},
};

/// Written when it is dropped, so that a statement whose client went away is noted as well: as one that was stopped.
pub(crate) struct Note {
    audit: Arc<dyn Audit>,
    who: String,
    sql: String,
    failed: Option<ErrorKind>,
}

impl Note {
    pub(crate) fn new(audit: &Arc<dyn Audit>, who: &str, sql: &str) -> Self {
        Self {
            audit: Arc::clone(audit),
            who: who.to_owned(),
            sql: sql.to_owned(),
            failed: Some(ErrorKind::Limit(Exceeded::Time)),
        }
    }

    /// It was answered.
    pub(crate) fn answered(mut self) {
        self.failed = None;
    }

    /// It was not.
    pub(crate) fn failed(mut self, kind: ErrorKind) {
        self.failed = Some(kind);
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let Self { audit, who, sql, failed } = self;
        audit.asked(Asked { who, interface: "flight", sql, failed: *failed });
    }
}
