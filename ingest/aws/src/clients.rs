//! Clients of the services: one each, for all accounts and regions.
//!
//! Region and credentials are given with each call. So ten thousand accounts in thirty regions need no more memory than
//! one, and what a client learns of the service's clock serves them all.

use aws_config::SdkConfig;

use crate::lists::Lists;

/// The clients.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    pub(crate) account: aws_sdk_account::Client,
    pub(crate) cloudwatch: aws_sdk_cloudwatch::Client,
    pub(crate) config: aws_sdk_config::Client,
    pub(crate) lists: Lists,
    pub(crate) organizations: aws_sdk_organizations::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) sustainability: aws_sdk_sustainability::Client,
    pub(crate) tagging: aws_sdk_resourcegroupstagging::Client,
}

impl Clients {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self {
            account: aws_sdk_account::Client::new(config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(config),
            config: aws_sdk_config::Client::new(config),
            lists: Lists::new(config),
            organizations: aws_sdk_organizations::Client::new(config),
            sqs: aws_sdk_sqs::Client::new(config),
            sts: aws_sdk_sts::Client::new(config),
            sustainability: aws_sdk_sustainability::Client::new(config),
            tagging: aws_sdk_resourcegroupstagging::Client::new(config),
        }
    }
}

/// What a call gives its client: the region of a place and the credentials of a session.
macro_rules! at {
    ($sdk:ident, $place:expr, $credentials:expr) => {
        $sdk::Config::builder()
            .region($sdk::config::Region::new($place.region.clone()))
            .credentials_provider($credentials)
    };
}

pub(crate) use at;
