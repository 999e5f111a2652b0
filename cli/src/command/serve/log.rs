//! The log of queries: who asked what, when, and whether it was answered.
//!
//! Each statement is a line of JSON in a file of its own, or of the log of the process where no file is named. Lines go
//! through a bounded queue, so that a slow disk delays nobody; a line for which there is no room is counted and said.

use std::{fs::File, io::Write as _, path::Path};

use airshed_query_api::audit::{Asked, Audit};
use anyhow::Context as _;
use jiff::Timestamp;
use metrics::counter;
use serde_json::json;
use tokio::sync::mpsc;

use crate::app;

/// Lines that wait for the disk.
const WAITING: usize = 10_000;

/// Where statements are noted.
pub(super) enum QueryLog {
    /// In the log of the process, under the target `airshed::audit`.
    Process,
    /// In a file.
    File(mpsc::Sender<String>),
}

impl QueryLog {
    /// A log that goes on at the end of a file, and the work of writing it: it ends when the log is dropped.
    pub(super) fn to_file(path: &Path) -> anyhow::Result<(Self, impl FnOnce() + Send + use<>)> {
        let file = File::options().create(true).append(true).open(path);
        let mut file =
            file.with_context(|| format!("cannot write the log of queries to {}", path.display()))?;
        let (sender, mut lines) = mpsc::channel::<String>(WAITING);
        let write = move || {
            while let Some(line) = lines.blocking_recv() {
                if let Err(error) = file.write_all(line.as_bytes()) {
                    lost(&error.to_string());
                }
            }
        };
        Ok((Self::File(sender), write))
    }
}

impl Audit for QueryLog {
    fn asked(&self, asked: Asked<'_>) {
        let Asked { who, interface, sql, failed } = asked;
        match self {
            Self::Process => match failed {
                None => tracing::info!(target: "airshed::audit", who, interface, sql, "asked"),
                Some(kind) => tracing::warn!(target: "airshed::audit", who, interface, sql, ?kind, "refused"),
            },
            Self::File(lines) => {
                let at = Timestamp::from_microsecond(app::now_us()).unwrap_or(Timestamp::MAX).to_string();
                let failed = failed.map(|kind| format!("{kind:?}"));
                let line =
                    json!({ "at": at, "who": who, "interface": interface, "sql": sql, "failed": failed });
                if lines.try_send(format!("{line}\n")).is_err() {
                    lost("the disk is too slow");
                }
            }
        }
    }
}

fn lost(why: &str) {
    counter!("airshed_audit_lost_total").increment(1);
    tracing::error!(why, "a statement is missing from the log of queries");
}
