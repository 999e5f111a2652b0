//! The log of queries.

use airshed_query_api::audit::{Asked, Audit};

/// Writes each statement to the log of the process, under the target `airshed::audit`.
pub(super) struct QueryLog;

impl Audit for QueryLog {
    fn asked(&self, asked: Asked<'_>) {
        let Asked { who, interface, sql, failed } = asked;
        match failed {
            None => tracing::info!(target: "airshed::audit", who, interface, sql, "asked"),
            Some(kind) => tracing::warn!(target: "airshed::audit", who, interface, sql, ?kind, "refused"),
        }
    }
}
