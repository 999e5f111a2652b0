//! The services' own lists of resources, asked without the SDKs of the services.
//!
//! The SDKs of EC2, RDS, Lambda and DynamoDB are over a thousand calls, of which the collectors make five; in release, that
//! of EC2 alone takes over nine minutes of a core to compile. So the five requests are built and their answers read here. Between the
//! two runs what runs in every client of the SDK, by the same crates: signing, the correction of the clock, timeouts,
//! proxies and connections. So these calls fail in the same ways as all others, and [`classify`](crate::classify) tells
//! the failures apart.
//!
//! A list is a type that implements [`List`]. Answers are read strictly: one that is of another shape, or without the
//! list that was asked for, is a broken one, not an empty one.

mod dynamodb;
mod ec2;
mod endpoint;
mod entry;
mod exchange;
mod lambda;
mod rds;
mod wire;

use std::fmt::Debug;

use airshed_collect::{
    Scope,
    cloud::{Answer, Page, ResourceEntry},
};
use aws_config::{SdkConfig, retry::RetryConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_runtime::{
    auth::{
        SigV4OperationSigningConfig,
        sigv4::{SCHEME_ID, SigV4AuthScheme},
    },
    service_clock_skew::{DisableClockSkewCorrection, ServiceClockSkewInterceptor},
};
use aws_smithy_runtime::client::{
    defaults::{DefaultPluginParams, default_plugins},
    http::connection_poisoning::ConnectionPoisoningInterceptor,
    identity::IdentityCache,
    orchestrator::{self, endpoints::StaticUriEndpointResolver},
    retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier},
};
use aws_smithy_runtime_api::client::{
    auth::{AuthSchemeOptionResolverParams, static_resolver::StaticAuthSchemeOptionResolver},
    endpoint::EndpointResolverParams,
    interceptors::context::Input,
    orchestrator::{HttpResponse, Metadata, SensitiveOutput},
    result::SdkError,
    runtime_components::RuntimeComponentsBuilder,
    runtime_plugin::{RuntimePlugins, StaticRuntimePlugin},
    ser_de::{SharedRequestSerializer, SharedResponseDeserializer},
};
use aws_smithy_types::config_bag::Layer;
use aws_types::{
    SigningName,
    region::{Region, SigningRegion},
};
use serde::de::DeserializeOwned;

pub(crate) use self::{
    dynamodb::Tables,
    ec2::{Instances, Volumes},
    lambda::Functions,
    rds::Databases,
};
use self::{
    endpoint::Endpoints,
    exchange::{Bounded, Exchange, Refused},
    wire::{Format, Request},
};
use crate::call::{Caller, Place, odd};

/// Names in hosts, in signatures and, in capitals, in variables such as `AWS_ENDPOINT_URL_EC2`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    name: &'static str,
    format: Format,
}

const EC2: Service = Service { name: "ec2", format: Format::Xml };
const RDS: Service = Service { name: "rds", format: Format::Xml };
const LAMBDA: Service = Service { name: "lambda", format: Format::Json };
const DYNAMODB: Service = Service { name: "dynamodb", format: Format::Json };

/// A list of resources.
pub(crate) trait List: Debug + Send + Sync + 'static {
    /// The call, as IAM names it too.
    const CALL: &'static str;
    const SERVICE: Service;
    /// A page of it. Names are those of the service's model, and what the collectors do not use is left out.
    type Page: DeserializeOwned + Debug + Send + Sync + 'static;

    /// Asks for a page.
    fn request(next: Option<&str>) -> Request;

    /// What a page tells. The error is what one of its resources lacks.
    fn read(page: Self::Page, scope: &Scope) -> Result<Page<ResourceEntry>, &'static str>;
}

/// Asks for lists.
#[derive(Debug, Clone)]
pub(crate) struct Lists {
    /// What all calls have in common: connections, and what was learnt of the services' clock.
    common: RuntimePlugins,
    endpoints: Endpoints,
}

impl Lists {
    pub(crate) fn new(sdk: &SdkConfig) -> Self {
        let mut config = Layer::new("Lists");
        config.store_put(EndpointResolverParams::new(()));
        config.store_put(AuthSchemeOptionResolverParams::new(()));
        config.store_put(RetryConfig::disabled());
        config.store_put(SensitiveOutput);
        if let Some(timeouts) = sdk.timeout_config() {
            config.store_put(timeouts.clone());
        }
        if let Some(protection) = sdk.stalled_stream_protection() {
            config.store_put(protection);
        }
        if let Some(disable) = sdk.disable_clock_skew_correction() {
            config.store_put(DisableClockSkewCorrection::from(disable));
        }
        let components = RuntimeComponentsBuilder::new("Lists")
            .with_http_client(sdk.http_client())
            .with_sleep_impl(sdk.sleep_impl())
            .with_time_source(sdk.time_source())
            .with_auth_scheme(SigV4AuthScheme::new())
            .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID])))
            // The sessions of `roles` are given with each call.
            .with_identity_cache(Some(IdentityCache::no_cache()))
            .with_interceptor(ServiceClockSkewInterceptor::new())
            // A connection over which a service failed is not used again: these two say what failing is.
            .with_interceptor(ConnectionPoisoningInterceptor::new())
            .with_retry_classifier(HttpStatusCodeClassifier::default())
            .with_retry_classifier(TransientErrorClassifier::<Refused>::new())
            .with_interceptor(Bounded);
        let plugin =
            StaticRuntimePlugin::new().with_config(config.freeze()).with_runtime_components(components);
        let defaults = DefaultPluginParams::new().with_retry_partition_name("lists");
        let services = [EC2, RDS, LAMBDA, DYNAMODB].map(|service| service.name);
        Self {
            common: RuntimePlugins::new()
                .with_client_plugins(default_plugins(defaults))
                .with_client_plugin(plugin),
            endpoints: Endpoints::new(sdk, services),
        }
    }

    /// A page of a list.
    pub(crate) async fn page<L: List>(
        &self,
        caller: &Caller,
        place: &Place,
        scope: &Scope,
        next: Option<&str>,
    ) -> Answer<Page<ResourceEntry>> {
        let request = L::request(next);
        let page =
            caller.call(L::CALL, place, |credentials| self.send::<L>(place, credentials, request)).await?;
        L::read(page, scope).map_err(|what| odd(L::CALL, place, what))
    }

    async fn send<L: List>(
        &self,
        place: &Place,
        credentials: Credentials,
        request: Request,
    ) -> Result<L::Page, SdkError<Refused, HttpResponse>> {
        let service = L::SERVICE.name;
        let endpoint = self.endpoints.url(service, &place.region).map_err(SdkError::construction_failure)?;
        let mut config = Layer::new(L::CALL);
        config.store_put(Metadata::new(L::CALL, service));
        config.store_put(SharedRequestSerializer::new(Exchange::<L>::new()));
        config.store_put(SharedResponseDeserializer::new(Exchange::<L>::new()));
        config.store_put(SigV4OperationSigningConfig {
            region: Some(SigningRegion::from(Region::new(place.region.clone()))),
            name: Some(SigningName::from_static(service)),
            ..SigV4OperationSigningConfig::default()
        });
        let components = RuntimeComponentsBuilder::new(L::CALL)
            .with_endpoint_resolver(Some(StaticUriEndpointResolver::uri(endpoint)))
            .with_identity_resolver(SCHEME_ID, SharedCredentialsProvider::new(credentials));
        let plugin =
            StaticRuntimePlugin::new().with_config(config.freeze()).with_runtime_components(components);
        let plugins = self.common.clone().with_operation_plugin(plugin);
        let answer = orchestrator::invoke(service, L::CALL, Input::erase(request), &plugins).await;
        let answer = answer.map_err(|error| {
            error.map_service_error(|error| error.downcast::<Refused>().unwrap_or_default())
        })?;
        answer.downcast::<L::Page>().map_err(|_| SdkError::construction_failure("an answer of another call"))
    }
}

#[cfg(test)]
mod tests;
