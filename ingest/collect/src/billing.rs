//! Billing exports and the provider's own figures.
//!
//! An export is looked at as a whole: what of it is new the importer finds out itself, by the manifests and by the tags of
//! the objects, so that a month that AWS wrote again replaces what it delivered before and an export without news costs a
//! listing.

mod reported;

use std::sync::Arc;

use airshed_ingest::{
    ErrorKind as ImportErrorKind, ImportOptions, ImportReport,
    import::{NoProgress, Outcome, import},
};
use airshed_lake::{Lake, Location};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub use self::reported::collect_reported;
use crate::{
    error::{Error, ErrorKind, Result},
    health::{Health, Status, Work},
    unit::{Shard, Unit},
};

/// Imports what is new of an export and says how it went.
///
/// # Errors
/// [`Retry`](ErrorKind::Retry) where the export or the lake is out of reach, [`Cancelled`](ErrorKind::Cancelled) when
/// `cancel` was called. An export that cannot be read is not an error but the status of the work.
pub async fn collect_export(
    lake: &Lake,
    shard: Shard,
    uri: &str,
    location: &Location,
    options: &ImportOptions,
    now: Timestamp,
    cancel: &CancellationToken,
) -> Result<Health> {
    let work = import(location, lake, options, now, Arc::new(NoProgress), cancel);
    let result = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(Error::cancelled()),
        result = work => result,
    };
    let health = Health::of(shard, Unit::Export(uri.to_owned()), Work::Billing);
    match result {
        Ok(report) => Ok(with_report(health, &report)),
        Err(error) => match error.kind() {
            ImportErrorKind::Input => {
                let detail = chain(&error);
                Ok(Health { status: Status::Failed, detail: Some(detail), ..health })
            }
            ImportErrorKind::Cancelled => Err(Error::cancelled()),
            ImportErrorKind::Retry => {
                Err(Error::new(ErrorKind::Retry, format!("cannot import `{uri}`")).caused_by(error))
            }
            ImportErrorKind::Bug => Err(Error::bug(format!("cannot import `{uri}`")).caused_by(error)),
        },
    }
}

fn with_report(mut health: Health, report: &ImportReport) -> Health {
    let periods = report.deliveries.iter().flat_map(|delivery| &delivery.periods);
    for period in periods {
        health.rows += period.lines + period.provider_reported;
        health.rows_rejected += period.rejects;
    }
    let faults = report.deliveries.iter().flat_map(|delivery| {
        let refused = match &delivery.outcome {
            Outcome::Refused(error) => Some(format!("{}: {}", delivery.uri, chain(error))),
            _ => None,
        };
        let unreadable = delivery.unreadable.iter().map(|uri| format!("{uri} could not be read to its end"));
        refused.into_iter().chain(unreadable)
    });
    let mut faults: Vec<String> = faults.collect();
    if report.deliveries.is_empty() {
        faults.push("there is no billing export here yet".to_owned());
    }
    if !faults.is_empty() {
        health.status = Status::Partial;
        health.detail = Some(faults.join("; "));
    }
    health
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
