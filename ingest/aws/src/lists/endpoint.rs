//! Where a service answers.
//!
//! An endpoint of the environment is taken as it is: `AWS_ENDPOINT_URL_EC2` and its like, or the same in a profile,
//! before `AWS_ENDPOINT_URL`. Else it is the region's, by the rules of the SDKs
//! (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html>, and `endpoint-rule-set-1.json` of each
//! service in botocore).

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

use crate::partition::Partition;

/// Endpoints of the environment, and how those of AWS are to be chosen.
#[derive(Debug, Clone, Default)]
pub(super) struct Endpoints {
    /// By service.
    urls: BTreeMap<&'static str, String>,
    fips: bool,
    dual_stack: bool,
}

impl Endpoints {
    pub(super) fn new<const N: usize>(sdk: &SdkConfig, services: [&'static str; N]) -> Self {
        let url = |service| configured(sdk, service).or_else(|| sdk.endpoint_url().map(str::to_owned));
        Self {
            urls: services.into_iter().filter_map(|service| Some((service, url(service)?))).collect(),
            fips: sdk.use_fips().unwrap_or_default(),
            dual_stack: sdk.use_dual_stack().unwrap_or_default(),
        }
    }

    /// URL of a service in a region. The error is what cannot be had.
    pub(super) fn url(&self, service: &str, region: &str) -> Result<String, &'static str> {
        if let Some(url) = self.urls.get(service) {
            return match (self.fips, self.dual_stack) {
                (true, _) => Err("FIPS and a custom endpoint are not supported together"),
                (_, true) => Err("dual stack and a custom endpoint are not supported together"),
                (false, false) => Ok(url.clone()),
            };
        }
        // It becomes part of a host.
        if region.is_empty() || !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err("not a region code");
        }
        let partition = Partition::of(region);
        let suffix = if self.dual_stack { partition.dual_stack_dns_suffix } else { partition.dns_suffix };
        // In GovCloud the usual hosts of these services keep to FIPS.
        let is_usual = partition.name == "aws-us-gov" && !self.dual_stack && service != "lambda";
        let fips = if self.fips && !is_usual { "-fips" } else { "" };
        Ok(format!("https://{service}{fips}.{region}.{suffix}"))
    }
}

/// The endpoint of one service; one that the program set for all of them goes before.
fn configured(sdk: &SdkConfig, service: &str) -> Option<String> {
    if sdk.get_origin("endpoint_url").is_client_config() {
        return None;
    }
    let key = ServiceConfigKey::builder().service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url");
    sdk.service_config()?.load_config(key.build().ok()?)
}

#[cfg(test)]
mod tests {
    use aws_types::service_config::LoadServiceConfig;

    use super::*;

    /// What botocore 1.44 makes of the rules of each service.
    #[test]
    fn endpoints_are_those_of_the_sdks() {
        for (service, region, fips, dual_stack, expected) in [
            ("ec2", "eu-west-1", false, false, "https://ec2.eu-west-1.amazonaws.com"),
            ("rds", "us-east-1", false, false, "https://rds.us-east-1.amazonaws.com"),
            ("lambda", "mx-central-1", false, false, "https://lambda.mx-central-1.amazonaws.com"),
            ("dynamodb", "cn-north-1", false, false, "https://dynamodb.cn-north-1.amazonaws.com.cn"),
            ("ec2", "us-gov-west-1", false, false, "https://ec2.us-gov-west-1.amazonaws.com"),
            ("ec2", "eusc-de-east-1", false, false, "https://ec2.eusc-de-east-1.amazonaws.eu"),
            ("rds", "us-iso-east-1", false, false, "https://rds.us-iso-east-1.c2s.ic.gov"),
            ("ec2", "us-east-1", true, false, "https://ec2-fips.us-east-1.amazonaws.com"),
            ("ec2", "us-gov-east-1", true, false, "https://ec2.us-gov-east-1.amazonaws.com"),
            ("lambda", "us-gov-east-1", true, false, "https://lambda-fips.us-gov-east-1.amazonaws.com"),
            ("rds", "us-gov-east-1", true, true, "https://rds-fips.us-gov-east-1.api.aws"),
            ("lambda", "eu-west-1", false, true, "https://lambda.eu-west-1.api.aws"),
            ("lambda", "cn-north-1", false, true, "https://lambda.cn-north-1.api.amazonwebservices.com.cn"),
        ] {
            let endpoints = Endpoints { fips, dual_stack, ..Endpoints::default() };
            assert_eq!(endpoints.url(service, region).as_deref(), Ok(expected));
        }
        for region in ["", "eu-west-1.example.com/", "x@example.com"] {
            assert!(Endpoints::default().url("ec2", region).is_err(), "{region}");
        }
    }

    #[derive(Debug)]
    struct OfDynamoDb;

    impl LoadServiceConfig for OfDynamoDb {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            let asked = (key.service_id(), key.env(), key.profile());
            (asked == ("dynamodb", "AWS_ENDPOINT_URL", "endpoint_url")).then(|| "http://tables:1".into())
        }
    }

    #[test]
    fn endpoints_of_the_environment_go_before() {
        let services = ["dynamodb", "ec2"];
        let sdk = SdkConfig::builder().service_config(OfDynamoDb).build();
        let one = Endpoints::new(&sdk, services);
        assert_eq!(one.url("dynamodb", "eu-west-1").as_deref(), Ok("http://tables:1"));
        assert_eq!(one.url("ec2", "eu-west-1").as_deref(), Ok("https://ec2.eu-west-1.amazonaws.com"));
        let both = Endpoints::new(&sdk.to_builder().endpoint_url("http://all:1").build(), services);
        assert_eq!(both.url("dynamodb", "eu-west-1").as_deref(), Ok("http://tables:1"));
        assert_eq!(both.url("ec2", "eu-west-1").as_deref(), Ok("http://all:1"));
        let fips = Endpoints::new(&sdk.into_builder().use_fips(true).build(), services);
        assert!(fips.url("dynamodb", "eu-west-1").is_err());
    }
}
