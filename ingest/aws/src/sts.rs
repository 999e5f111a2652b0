//! Credentials from the environment and from STS.

use std::sync::Arc;

use airshed_collect::{CallError, CallErrorKind, Clock, cloud::Answer};
use async_trait::async_trait;
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError},
};
use aws_sdk_sts::Client;

use crate::{classify, roles::Issuer};

/// What STS takes in the name of a session.
/// Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
const SESSION_NAME_CHARS: usize = 64;

/// Issues credentials.
#[derive(Debug)]
pub(crate) struct Sts {
    pub(crate) client: Client,
    pub(crate) own: SharedCredentialsProvider,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) session_name: String,
    pub(crate) external_id: Option<String>,
}

#[async_trait]
impl Issuer for Sts {
    async fn own(&self) -> Answer<Credentials> {
        self.own.provide_credentials().await.map_err(|error| {
            let kind = match error {
                CredentialsError::CredentialsNotLoaded(_) => CallErrorKind::Denied,
                CredentialsError::InvalidConfiguration(_) => CallErrorKind::Invalid,
                _ => CallErrorKind::Transient,
            };
            let message = format!(
                "the collector has no credentials of its own: {}; give it keys, a profile or a role as the AWS SDK \
                 expects them",
                classify::words(&error)
            );
            CallError::new(kind, "own credentials", message)
        })
    }

    async fn assume(&self, source: Credentials, arn: &str) -> Answer<Credentials> {
        let call = format!("AssumeRole of {arn}");
        let answer = self
            .client
            .assume_role()
            .role_arn(arn)
            .role_session_name(&self.session_name)
            .set_external_id(self.external_id.clone())
            .customize()
            .config_override(aws_sdk_sts::Config::builder().credentials_provider(source))
            .send()
            .await
            .map_err(|error| {
                let mut error = classify::call_error(&call, &error, self.clock.now());
                if error.kind == CallErrorKind::Denied {
                    error.message.push_str(
                        "; mend: the role must exist, its trust must name the role that the collectors run as and \
                         their external id, and theirs must allow sts:AssumeRole of it (infra/README.md)",
                    );
                }
                error
            })?;
        let Some(issued) = answer.credentials else {
            return Err(CallError::new(CallErrorKind::Transient, call, "no credentials in the answer"));
        };
        let mut credentials = Credentials::builder()
            .access_key_id(issued.access_key_id)
            .secret_access_key(issued.secret_access_key)
            .session_token(issued.session_token)
            .provider_name("AssumeRole")
            .build();
        *credentials.expiry_mut() = std::time::SystemTime::try_from(issued.expiration).ok();
        Ok(credentials)
    }
}

/// A name that STS takes: what it does not becomes `-`.
pub(crate) fn session_name(name: &str) -> String {
    let takes = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let name: String =
        name.chars().map(|c| if takes(c) { c } else { '-' }).take(SESSION_NAME_CHARS).collect();
    if name.len() < 2 { format!("airshed-{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_names_are_made_legal() {
        assert_eq!(session_name("airshed-pod_7f.example@1"), "airshed-pod_7f.example@1");
        assert_eq!(session_name("airshed-a b/c:é"), "airshed-a-b-c--");
        assert_eq!(session_name(&"x".repeat(100)).len(), 64);
        assert_eq!(session_name(""), "airshed-");
    }
}
