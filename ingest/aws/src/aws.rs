//! AWS as the collectors see it.

use std::sync::Arc;

use airshed_collect::{
    CallError, CallErrorKind, Clock, Cloud, Scope,
    cloud::{
        AccountEntry, Answer, MetricEntry, MetricRequest, MetricValues, Organization, OrganizationalUnit,
        Page, ReportedEmissions, ResourceEntry, ServiceList,
    },
};
use async_trait::async_trait;
use aws_config::{
    BehaviorVersion, SdkConfig, retry::RetryConfig, stalled_stream_protection::StalledStreamProtectionConfig,
    timeout::TimeoutConfig,
};
use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::{
    call::{Caller, Place, odd},
    clients::{Clients, at},
    config::AwsConfig,
    credentials::ObjectCredentials,
    inventory, metrics, organizations,
    partition::Partition,
    queue::{self, SqsQueue},
    roles::{Role, Roles},
    sts::{self, Sts},
    sustainability,
};

/// AWS, entered through roles.
#[derive(Debug)]
pub struct Aws {
    clients: Clients,
    caller: Caller,
    config: AwsConfig,
    /// Region of the environment: of STS, and of what has no other.
    region: String,
    identity: OnceCell<Identity>,
}

/// Who the collector is before it assumes a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its account, 12 digits.
    pub account: String,
    /// ARN of its user or session.
    pub arn: String,
}

impl Aws {
    /// Reads the SDK's standard environment. No call is made but those that finding region and credentials takes.
    ///
    /// # Errors
    /// [`Invalid`](CallErrorKind::Invalid) where the environment names no region.
    pub async fn connect(config: AwsConfig, clock: Arc<dyn Clock>) -> Answer<Self> {
        Self::over(&aws_config::load_defaults(BehaviorVersion::latest()).await, config, clock)
    }

    /// Over an environment that was read elsewhere. Its retries and timeouts do not count: they are the gate's and the
    /// configuration's.
    ///
    /// # Errors
    /// [`Invalid`](CallErrorKind::Invalid) where it names no region.
    pub fn over(sdk: &SdkConfig, config: AwsConfig, clock: Arc<dyn Clock>) -> Answer<Self> {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(config.connect_timeout)
            .operation_attempt_timeout(config.attempt_timeout)
            .build();
        let sdk = sdk
            .to_builder()
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            // The timeout covers the whole answer; a second judge of slow ones would stop a queue's long poll.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        let (Some(region), Some(own)) = (sdk.region(), sdk.credentials_provider()) else {
            let message = "no region: set AWS_REGION or a region in the profile";
            return Err(CallError::new(CallErrorKind::Invalid, "environment", message));
        };
        let region = region.as_ref().to_owned();
        let clients = Clients::new(&sdk);
        let sts = Sts {
            client: clients.sts.clone(),
            own,
            clock: Arc::clone(&clock),
            session_name: sts::session_name(&config.session_name),
            external_id: config.external_id.clone(),
        };
        let roles = Arc::new(Roles::new(sts, Arc::clone(&clock)));
        Ok(Self { clients, caller: Caller { roles, clock }, config, region, identity: OnceCell::new() })
    }

    /// STS GetCallerIdentity with the collector's own credentials; asked once.
    ///
    /// # Errors
    /// What the call said, or why there are no credentials.
    pub async fn identity(&self) -> Answer<&Identity> {
        const CALL: &str = "GetCallerIdentity";
        let place = Place { of: "the collector's account".into(), region: self.region.clone(), role: None };
        let place = &place;
        let ask = async || {
            let request = self.clients.sts.get_caller_identity().customize();
            let answer = self
                .caller
                .call(CALL, place, |credentials| {
                    request.config_override(at!(aws_sdk_sts, place, credentials)).send()
                })
                .await?;
            Ok(Identity {
                account: answer.account.ok_or_else(|| odd(CALL, place, "no account"))?,
                arn: answer.arn.ok_or_else(|| odd(CALL, place, "no ARN"))?,
            })
        };
        self.identity.get_or_try_init(ask).await
    }

    /// The queue that announces a metric stream's objects, through the role with the ARN `role` or the collector's own
    /// credentials.
    pub fn queue(&self, url: &str, role: Option<&str>) -> SqsQueue {
        let region = queue::region(url).unwrap_or(&self.region).to_owned();
        SqsQueue {
            client: self.clients.sqs.clone(),
            caller: self.caller.clone(),
            place: Place { of: url.to_owned(), region, role: self.role(role) },
            url: url.to_owned(),
            attempt_timeout: self.config.attempt_timeout,
        }
    }

    /// Credentials for reading objects, through the role with the ARN `role` or the collector's own.
    pub fn object_credentials(&self, role: Option<&str>) -> ObjectCredentials {
        ObjectCredentials { roles: Arc::clone(&self.caller.roles), role: self.role(role) }
    }

    /// The way to a role: through the hops, up to itself where it is one of them.
    fn role(&self, arn: Option<&str>) -> Option<Arc<Role>> {
        let hops = self.config.hops.iter().map(String::as_str).take_while(|hop| Some(*hop) != arn);
        Role::chain(hops.chain(arn))
    }

    fn management(&self) -> Place {
        Place {
            of: "the management account".into(),
            region: self.region.clone(),
            role: self.role(self.config.management_role.as_deref()),
        }
    }

    /// An account, through its role; without one, only the collector's own.
    async fn member(&self, account: &str, region: &str) -> Answer<Place> {
        let place = |role| Place { of: account.to_owned(), region: region.to_owned(), role };
        if let Some(name) = &self.config.member_role {
            let partition = Partition::of(region).name;
            let arn = format!("arn:{partition}:iam::{account}:role/{}", name.trim_start_matches('/'));
            return Ok(place(self.role(Some(&arn))));
        }
        let own = &self.identity().await?.account;
        if own == account {
            return Ok(place(None));
        }
        let message = format!("no role is configured to enter it, and the collector's own account is {own}");
        Err(CallError::new(CallErrorKind::Invalid, format!("account {account}"), message))
    }

    async fn scope(&self, scope: &Scope) -> Answer<Place> {
        self.member(&scope.account, &scope.region).await
    }
}

#[async_trait]
impl Cloud for Aws {
    async fn organization(&self) -> Answer<Organization> {
        organizations::organization(&self.clients, &self.caller, &self.management()).await
    }

    async fn accounts(&self, next: Option<&str>) -> Answer<Page<AccountEntry>> {
        organizations::accounts(&self.clients, &self.caller, &self.management(), next).await
    }

    async fn roots(&self, next: Option<&str>) -> Answer<Page<OrganizationalUnit>> {
        organizations::roots(&self.clients, &self.caller, &self.management(), next).await
    }

    async fn units_of(&self, parent: &str, next: Option<&str>) -> Answer<Page<OrganizationalUnit>> {
        organizations::units_of(&self.clients, &self.caller, &self.management(), parent, next).await
    }

    async fn accounts_of(&self, parent: &str, next: Option<&str>) -> Answer<Page<String>> {
        organizations::accounts_of(&self.clients, &self.caller, &self.management(), parent, next).await
    }

    async fn account_tags(&self, account: &str, next: Option<&str>) -> Answer<Page<(String, String)>> {
        organizations::account_tags(&self.clients, &self.caller, &self.management(), account, next).await
    }

    async fn regions(&self, account: &str, next: Option<&str>) -> Answer<Page<String>> {
        let place = self.member(account, &self.region).await?;
        organizations::regions(&self.clients, &self.caller, &place, next).await
    }

    async fn tagged_resources(&self, scope: &Scope, next: Option<&str>) -> Answer<Page<ResourceEntry>> {
        inventory::tagged_resources(&self.clients, &self.caller, &self.scope(scope).await?, next).await
    }

    async fn listed_resources(
        &self,
        scope: &Scope,
        list: ServiceList,
        next: Option<&str>,
    ) -> Answer<Page<ResourceEntry>> {
        let place = self.scope(scope).await?;
        inventory::listed_resources(&self.clients, &self.caller, &place, (scope, list), next).await
    }

    async fn aggregated_resources(
        &self,
        aggregator: &str,
        scope: &Scope,
        next: Option<&str>,
    ) -> Answer<Page<ResourceEntry>> {
        let region = self.config.aggregator_region.as_ref().unwrap_or(&self.region).clone();
        let place = Place { of: format!("aggregator {aggregator}"), region, ..self.management() };
        inventory::aggregated_resources(&self.clients, &self.caller, &place, (aggregator, scope), next).await
    }

    async fn metrics(&self, scope: &Scope, namespace: &str, next: Option<&str>) -> Answer<Page<MetricEntry>> {
        metrics::metrics(&self.clients, &self.caller, &self.scope(scope).await?, namespace, next).await
    }

    async fn metric_data(
        &self,
        scope: &Scope,
        request: &MetricRequest,
        next: Option<&str>,
    ) -> Answer<Page<MetricValues>> {
        metrics::metric_data(&self.clients, &self.caller, &self.scope(scope).await?, request, next).await
    }

    async fn reported_emissions(
        &self,
        start: Timestamp,
        end: Timestamp,
        next: Option<&str>,
    ) -> Answer<Page<ReportedEmissions>> {
        let place = self.management();
        sustainability::reported_emissions(&self.clients, &self.caller, &place, (start, end), next).await
    }
}
