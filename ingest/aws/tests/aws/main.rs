//! [`Aws`] over HTTP: against a server that the test scripts, and against moto's where one runs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod lists;
mod moto;
mod scripted;
mod server;
mod signature;

use std::time::Duration;

use airshed_collect::Clock;
use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use jiff::Timestamp;

const REGION: &str = "eu-west-1";

/// The machine's time of day, which the SDK signs with; sessions never end.
#[derive(Debug)]
struct Now;

#[async_trait]
impl Clock for Now {
    #[expect(
        clippy::disallowed_methods,
        reason = "the SDK signs with the machine's time; here it must be the same"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending::<()>().await;
    }
}

/// What the SDK would find in an environment with these keys.
async fn environment(url: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new("AKIAOWN", "own-secret", None, None, "test"))
        .load()
        .await
}
