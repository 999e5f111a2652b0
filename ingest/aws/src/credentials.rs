//! Credentials for reading objects: exports and streams lie in S3, behind a role.

use std::sync::Arc;

use airshed_collect::{CallError, CallErrorKind};
use async_trait::async_trait;
use object_store::{CredentialProvider, aws::AwsCredential};

use crate::roles::{Role, Roles};

/// Gives a store of objects the session of a role, renewed as all sessions are: well before its end. A store signs by
/// the time of this machine and does not learn the service's.
#[derive(Debug)]
pub struct ObjectCredentials {
    pub(crate) roles: Arc<Roles>,
    pub(crate) role: Option<Arc<Role>>,
}

#[async_trait]
impl CredentialProvider for ObjectCredentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let credentials = self.roles.credentials(self.role.as_ref()).await.map_err(|e| self.refusal(e))?;
        Ok(Arc::new(AwsCredential {
            key_id: credentials.access_key_id().to_owned(),
            secret_key: credentials.secret_access_key().to_owned(),
            token: credentials.session_token().map(str::to_owned),
        }))
    }
}

impl ObjectCredentials {
    fn refusal(&self, error: CallError) -> object_store::Error {
        let path = self.role.as_ref().map_or_else(|| "own credentials".to_owned(), |role| role.arn.clone());
        match error.kind {
            CallErrorKind::Denied | CallErrorKind::Invalid => {
                object_store::Error::Unauthenticated { path, source: error.into() }
            }
            _ => object_store::Error::Generic { store: "S3", source: error.into() },
        }
    }
}
