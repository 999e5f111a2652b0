//! One attempt of one call: with whose credentials, and what became of it.

use std::{error::Error, fmt, future::Future, sync::Arc};

use airshed_collect::{CallError, CallErrorKind, Clock, cloud::Answer};
use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::{DateTime, error::metadata::ProvideErrorMetadata};
use jiff::Timestamp;

use crate::{
    classify,
    roles::{Role, Roles},
};

/// Where a call is made, and through which role.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// For messages: an account, a queue.
    pub(crate) of: String,
    /// Region code.
    pub(crate) region: String,
    /// None: with the collector's own credentials.
    pub(crate) role: Option<Arc<Role>>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.of, self.region)
    }
}

/// Makes calls.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) roles: Arc<Roles>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Caller {
    /// Makes a call in a place. A session that the service calls expired is not used again.
    pub(crate) async fn call<T, E, F>(
        &self,
        name: &str,
        place: &Place,
        send: impl FnOnce(Credentials) -> F,
    ) -> Answer<T>
    where
        E: ProvideErrorMetadata + Error + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let credentials = self.roles.credentials(place.role.as_ref()).await?;
        match send(credentials.clone()).await {
            Ok(answer) => Ok(answer),
            Err(error) => {
                let error = classify::call_error(format!("{name} in {place}"), &error, self.clock.now());
                if error.kind == CallErrorKind::Expired {
                    self.roles.forget(place.role.as_ref(), &credentials).await;
                }
                Err(error)
            }
        }
    }
}

/// The error of an answer that does not say what it must.
pub(crate) fn odd(name: &str, place: &Place, what: impl fmt::Display) -> CallError {
    CallError::new(CallErrorKind::Invalid, format!("{name} in {place}"), format!("odd answer: {what}"))
}

/// Token of the next page: services say the last page by none or an empty one.
pub(crate) fn next_page(token: Option<&str>) -> Option<String> {
    token.filter(|token| !token.is_empty()).map(str::to_owned)
}

/// A time of the SDK.
pub(crate) fn timestamp(time: &DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

/// A time for the SDK.
pub(crate) fn date_time(time: Timestamp) -> DateTime {
    DateTime::from_nanos(time.as_nanosecond()).unwrap_or(DateTime::from_secs(time.as_second()))
}
