//! How the collectors enter AWS.

use std::time::Duration;

/// Roles, and how long a call may take. What is not here comes from the SDK's standard environment.
#[derive(Debug, Clone)]
pub struct AwsConfig {
    /// Name of the sessions, which the accounts see in CloudTrail. What AWS does not take in it becomes `-`.
    pub session_name: String,
    /// The external id that is sent with every AssumeRole.
    pub external_id: Option<String>,
    /// ARNs of roles that are assumed one after another before any other role, such as the management account's where
    /// only that one may enter the members. Empty: roles are assumed with the collector's own credentials.
    pub hops: Vec<String>,
    /// Role in every member account, its name with its path, such as `airshed/airshed-collector`. None: no other
    /// account is entered, and the collector's own is read with its own credentials.
    pub member_role: Option<String>,
    /// ARN of the role for Organizations, the AWS Config aggregator and the provider's figures. None: the collector's
    /// own credentials, or those of the last hop.
    pub management_role: Option<String>,
    /// Region of the AWS Config aggregator. None: that of the environment.
    pub aggregator_region: Option<String>,
    /// Longest time to connect.
    pub connect_timeout: Duration,
    /// Longest time from sending a request to the end of its answer.
    pub attempt_timeout: Duration,
}

impl AwsConfig {
    /// The configuration of a collector that assumes no role.
    pub fn of_collector(name: &str) -> Self {
        Self {
            session_name: format!("airshed-{name}"),
            external_id: None,
            hops: Vec::new(),
            member_role: None,
            management_role: None,
            aggregator_region: None,
            connect_timeout: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(25),
        }
    }
}
