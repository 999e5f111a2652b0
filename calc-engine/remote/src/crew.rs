//! The asking side: shares the files of a run out to workers.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use airshed_estimate::{Elsewhere, Estimated, Refused, SharedRun};
use futures::future::BoxFuture;
use tokio::time::Instant;
use tonic::{
    Code, Request, Response, Status,
    body::Body,
    client::Grpc,
    codegen::http::{self, uri::PathAndQuery},
    transport,
};
use tonic_prost::ProstCodec;
use tower::util::BoxCloneSyncService;

use crate::{
    places::{Place, Places},
    wire::{self, ESTIMATE, EstimatedFile, FileOfRun, PREPARE, Ready},
};

/// The way to a worker: connects with the first call, and again after it broke.
pub type Way = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, transport::Error>;

/// Workers that estimate files of runs.
pub struct Crew {
    members: Vec<Member>,
    places: Places,
    version: &'static str,
    /// Whether it was said that nobody is left.
    is_alone: AtomicBool,
}

struct Member {
    name: String,
    way: Way,
}

impl fmt::Debug for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.members.iter().map(|member| &member.name)).finish()
    }
}

impl Crew {
    /// Workers, each by its address and the way to it. `version` is that of this program: workers of another are left
    /// alone.
    pub fn new(workers: impl IntoIterator<Item = (String, Way)>, version: &'static str) -> Self {
        let members: Vec<_> = workers.into_iter().map(|(name, way)| Member { name, way }).collect();
        let places = Places::new(members.len());
        Self { members, places, version, is_alone: AtomicBool::new(false) }
    }

    async fn share(&self, run: &SharedRun, file: usize) -> Result<Option<Estimated>, Refused> {
        let here = |e: &dyn fmt::Display| Refused { by: "this process".to_owned(), reason: e.to_string() };
        let run = wire::Run::of(run, self.version).map_err(|e| here(&e))?;
        let number = u32::try_from(file).map_err(|e| here(&e))?;
        let mut tried = vec![false; self.members.len()];
        while let Some(place) = self.places.take(&tried).await {
            tried[place.worker] = true;
            let member = &self.members[place.worker];
            let failure = match self.ask(&place, &run, number).await {
                Ok(estimated) => {
                    if place.did_well() {
                        tracing::info!(worker = member.name, "a worker is back");
                    }
                    self.is_alone.store(false, Ordering::Relaxed);
                    return Ok(Some(estimated));
                }
                Err(failure) => failure,
            };
            match verdict(failure.code()) {
                Verdict::Refuses => {
                    return Err(Refused { by: member.name.clone(), reason: advice(&failure) });
                }
                Verdict::Busy => tracing::debug!(worker = member.name, "a worker is busy"),
                Verdict::Fails => {
                    let reason = failure.message();
                    if place.set_aside(Instant::now()) {
                        tracing::warn!(worker = member.name, reason, "a worker is not used for now");
                    }
                }
            }
        }
        if !self.is_alone.swap(true, Ordering::Relaxed) {
            tracing::warn!("no worker takes files now; this process estimates by itself");
        }
        Ok(None)
    }

    async fn ask(&self, place: &Place<'_>, run: &wire::Run, file: u32) -> Result<Estimated, Status> {
        let Member { name, way } = &self.members[place.worker];
        if place.is_first {
            let ready: Ready = call(way, PREPARE, run.clone()).await?;
            place.opens(usize::try_from(ready.files_at_once).unwrap_or(usize::MAX));
        }
        let wanted = FileOfRun { run: Some(run.clone()), file };
        let done: EstimatedFile = call(way, ESTIMATE, wanted).await?;
        let totals = done.totals().map_err(|e| Status::data_loss(e.to_string()))?;
        Ok(Estimated { by: name.clone(), content_hash: done.content_hash, totals })
    }
}

impl Elsewhere for Crew {
    fn estimate<'a>(
        &'a self,
        run: &'a SharedRun,
        file: usize,
    ) -> BoxFuture<'a, Result<Option<Estimated>, Refused>> {
        Box::pin(self.share(run, file))
    }
}

/// What a failure says of the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It will not, whenever it is asked: somebody has to look.
    Refuses,
    /// It has enough to do.
    Busy,
    /// It is not there, is another version, or could not do it.
    Fails,
}

fn verdict(code: Code) -> Verdict {
    match code {
        Code::FailedPrecondition | Code::Unauthenticated | Code::PermissionDenied | Code::InvalidArgument => {
            Verdict::Refuses
        }
        Code::ResourceExhausted => Verdict::Busy,
        _ => Verdict::Fails,
    }
}

/// What a worker said, and what to do about it.
fn advice(refusal: &Status) -> String {
    let what_to_do = match refusal.code() {
        Code::FailedPrecondition => {
            "give it the lake, the factors and the version of this process, or leave it out"
        }
        Code::Unauthenticated | Code::PermissionDenied => "give both sides the same `--workers-secret-file`",
        _ => "leave it out",
    };
    format!("{}\n{what_to_do}", refusal.message())
}

async fn call<Q, A>(way: &Way, path: &'static str, question: Q) -> Result<A, Status>
where
    Q: prost::Message + Send + Sync + 'static,
    A: prost::Message + Default + Send + Sync + 'static,
{
    let mut grpc = Grpc::new(way.clone());
    grpc.ready().await.map_err(|e| Status::from_error(Box::new(e)))?;
    let codec = ProstCodec::<Q, A>::default();
    let answer = grpc.unary(Request::new(question), PathAndQuery::from_static(path), codec).await;
    answer.map(Response::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_somebody_must_look_at_ends_a_run() {
        for code in [Code::FailedPrecondition, Code::Unauthenticated, Code::PermissionDenied] {
            assert_eq!(verdict(code), Verdict::Refuses);
        }
        for code in [
            Code::Unavailable,
            Code::Unknown,
            Code::Cancelled,
            Code::Internal,
            Code::Aborted,
            Code::Unimplemented,
        ] {
            assert_eq!(verdict(code), Verdict::Fails);
        }
        assert_eq!(verdict(Code::ResourceExhausted), Verdict::Busy);
    }
}
