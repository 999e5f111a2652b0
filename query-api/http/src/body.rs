//! Bodies of requests: JSON that has come within a while. What cannot be read is a problem like any other.

use std::time::Duration;

use axum::{
    Json,
    extract::{FromRequest, Request, rejection::JsonRejection},
};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// Time that a body may take to come.
const ARRIVES_IN: Duration = Duration::from_secs(30);

/// A body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T, S> FromRequest<S> for Body<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let read = tokio::time::timeout(ARRIVES_IN, Json::<T>::from_request(request, state)).await;
        let read = read.map_err(|_| {
            Problem::new(axum::http::StatusCode::REQUEST_TIMEOUT, "the body did not come in time")
        })?;
        let Json(content) =
            read.map_err(|error: JsonRejection| Problem::new(error.status(), error.body_text()))?;
        Ok(Self(content))
    }
}
