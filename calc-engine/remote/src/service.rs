//! The desk as a gRPC service, as generated code would have it.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use tonic::{
    Request, Response, Status,
    body::Body,
    codegen::{Service, http},
    server::{Grpc, NamedService},
};
use tonic_prost::ProstCodec;
use tower::service_fn;

use crate::{
    desk::Desk,
    wire::{ESTIMATE, FileOfRun, PREPARE, Run, SERVICE},
};

/// A [`Desk`] that can be asked over gRPC; clones are the same. It lets everybody in: the server in front of it must not.
#[derive(Debug, Clone)]
pub struct ShardService(Arc<Desk>);

impl ShardService {
    /// The desk as a service.
    pub fn new(desk: Arc<Desk>) -> Self {
        Self(desk)
    }
}

impl NamedService for ShardService {
    const NAME: &'static str = SERVICE;
}

impl Service<http::Request<Body>> for ShardService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let desk = Arc::clone(&self.0);
        Box::pin(async move {
            let answer = match request.uri().path() {
                PREPARE => {
                    let prepare = service_fn(move |run: Request<Run>| {
                        let desk = Arc::clone(&desk);
                        async move { desk.prepare(run.into_inner()).await.map(Response::new) }
                    });
                    Grpc::new(ProstCodec::default()).unary(prepare, request).await
                }
                ESTIMATE => {
                    let estimate = service_fn(move |wanted: Request<FileOfRun>| {
                        let desk = Arc::clone(&desk);
                        async move { desk.estimate(wanted.into_inner()).await.map(Response::new) }
                    });
                    Grpc::new(ProstCodec::default()).unary(estimate, request).await
                }
                _ => Status::unimplemented("there is no such call").into_http(),
            };
            Ok(answer)
        })
    }
}
