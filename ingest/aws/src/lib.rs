//! Answers what the collectors ask from AWS, through assumed roles.
//!
//! [`Aws`] implements [`Cloud`](airshed_collect::Cloud) with the AWS SDK; the five lists of services whose SDKs are too
//! large to compile for them are asked by requests of our own, through the SDK's runtime (`lists`). Every method is one
//! attempt: the SDK's own retries are off, because limits, waiting and trying again are the gate's. Region, endpoint and
//! the collector's own credentials come from the SDK's standard environment (`AWS_REGION`, `AWS_ENDPOINT_URL`, keys, profiles, roles of pods,
//! tasks and instances); roles are assumed and renewed before they expire, and the same credentials serve the queue of a
//! metric stream ([`Aws::queue`]) and reading objects ([`Aws::object_credentials`]).
//!
//! What each call needs to be allowed is listed in `infra/README.md`.

mod aws;
mod call;
mod classify;
mod clients;
mod config;
mod credentials;
mod inventory;
mod json_error;
mod lists;
mod metrics;
mod organizations;
mod partition;
mod queue;
mod resource_type;
mod roles;
mod sts;
mod sustainability;

pub use aws::{Aws, Identity};
pub use config::AwsConfig;
pub use credentials::ObjectCredentials;
pub use queue::SqsQueue;
