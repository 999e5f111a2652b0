//! From a request to an answer, as the SDK's runtime calls for it.

use std::{
    error::Error,
    fmt::{self, Debug},
    marker::PhantomData,
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{self, BeforeDeserializationInterceptorContextMut, Input, Output},
        },
        orchestrator::{HttpRequest, HttpResponse, OrchestratorError},
        runtime_components::RuntimeComponents,
        ser_de::{DeserializeResponse, SerializeRequest},
    },
};
use aws_smithy_types::{
    body::SdkBody,
    config_bag::ConfigBag,
    error::{ErrorMetadata, metadata::ProvideErrorMetadata},
};
use http_body_util::Limited;

use super::{List, wire::Request};

/// Longest answer, bytes. A page of 500 instances is a few MiB.
const LONGEST: usize = 32 << 20;

/// Writes the request of a list and reads the answer.
#[derive(Debug)]
pub(super) struct Exchange<L>(PhantomData<L>);

impl<L: List> Exchange<L> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<L: List> SerializeRequest for Exchange<L> {
    fn serialize_input(&self, input: Input, _: &mut ConfigBag) -> Result<HttpRequest, BoxError> {
        let request = input.downcast::<Request>().map_err(|_| "not a request for a list")?;
        request.to_http()
    }
}

impl<L: List> DeserializeResponse for Exchange<L> {
    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        _: &ConfigBag,
    ) -> Result<Output, OrchestratorError<context::Error>> {
        let format = L::SERVICE.format;
        let body = response.body().bytes().unwrap_or_default();
        if response.status().is_success() {
            let page = format.read::<L::Page>(body).map_err(OrchestratorError::response)?;
            return Ok(Output::erase(page));
        }
        let refused = Refused(format.refusal(response.headers(), body));
        Err(OrchestratorError::operation(context::Error::erase(refused)))
    }
}

/// What a service says instead of a list.
#[derive(Debug, Default)]
pub(super) struct Refused(ErrorMetadata);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no reason that could be read")
    }
}

impl Error for Refused {}

impl ProvideErrorMetadata for Refused {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

/// Answers end at [`LONGEST`].
#[derive(Debug)]
pub(super) struct Bounded;

impl Intercept for Bounded {
    fn name(&self) -> &'static str {
        "Bounded"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().take_body();
        *context.response_mut().body_mut() = bounded(body, LONGEST);
        Ok(())
    }
}

/// A body whose reading fails beyond a length.
fn bounded(body: SdkBody, longest: usize) -> SdkBody {
    SdkBody::from_body_1_x(Limited::new(body, longest))
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::byte_stream::ByteStream;

    use super::*;

    #[tokio::test]
    async fn answers_have_a_longest_length() {
        let read = async |length: usize| {
            let body = bounded(SdkBody::from(vec![b' '; length]), 100);
            ByteStream::new(body).collect().await.map(|bytes| bytes.into_bytes().len())
        };
        assert_eq!(read(100).await.unwrap(), 100);
        assert!(read(101).await.is_err());
    }
}
