//! What collecting needs, asked one by one: credentials, organisation, roles, permissions, exports, streams.
//!
//! Nothing is changed: no message is received, as that would hide it from the collectors.

use std::sync::Arc;

use airshed_aws::Aws;
use airshed_collect::{
    CallError, CallErrorKind, Cloud, Scope,
    cloud::ServiceList,
    engine::Sources as _,
    gate::{Api, Gate},
    health::Tally,
    organization::{self, Survey},
    stream::Buckets as _,
};
use airshed_ingest::discover;
use anyhow::{Context as _, anyhow, bail};
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::ObjectStore as _;
use tokio_util::sync::CancellationToken;

use super::Check;
use crate::{
    app::App,
    command::collect::{AwsSources, connect, system_clock},
    failure::Problem,
    settings::CollectSettings,
};

/// Where the setup is described.
const SETUP: &str = "infra/README.md says how the roles are made";
/// Accounts that are entered to see whether their roles work; the rest is the collectors' own report.
const ACCOUNTS_TRIED: usize = 20;

/// Whether there is anything to collect.
pub(super) fn is_configured(settings: &CollectSettings) -> bool {
    !(settings.regions.is_empty() && settings.streams.is_empty() && settings.exports.is_empty())
}

/// All checks, in the order in which one needs the other.
pub(super) async fn checks(app: &App) -> Vec<Check> {
    let clock = system_clock();
    let aws = match connect(app, "doctor", &clock).await {
        Ok(aws) => Arc::new(aws),
        Err(error) => return vec![Check::new("aws", Err(error))],
    };
    let mut checks = vec![Check::new("aws credentials", identity(&aws).await)];
    if checks.iter().any(|check| check.outcome.is_err()) {
        return checks;
    }
    let settings = &app.settings.collect;
    let cloud: Arc<dyn Cloud> = Arc::clone(&aws) as _;
    let asking = Asking { gate: Gate::new(crate::command::collect::limits(settings), clock, 0), cloud };
    let survey = asking.survey(settings).await;
    let account = survey.as_ref().ok().and_then(|survey| {
        survey.accounts.iter().find(|account| account.left_out.is_none()).map(|account| account.id.clone())
    });
    let accounts: Vec<String> = survey
        .iter()
        .flat_map(|survey| &survey.accounts)
        .filter(|a| a.left_out.is_none())
        .map(|a| a.id.clone())
        .collect();
    checks.push(Check::new("accounts", survey.map(|survey| said(&survey))));
    if let (Some(account), Some(region)) = (&account, settings.regions.first()) {
        checks.push(Check::new("roles", asking.roles(&accounts).await));
        let scope = Scope { account: account.clone(), region: region.clone() };
        checks.extend(asking.permissions(&scope, settings).await);
    }
    let sources = AwsSources::new(app, Arc::clone(&aws));
    for uri in &settings.exports {
        checks.push(Check::named(format!("export {uri}"), export(&sources, uri).await));
    }
    for source in &settings.streams {
        checks.push(Check::named(format!("stream {source}"), stream(&sources, source).await));
    }
    checks
}

async fn identity(aws: &Aws) -> anyhow::Result<String> {
    let identity = aws.identity().await.context(
        Problem::failed("AWS does not know these credentials")
            .hint("set AWS_PROFILE, or keys, or run on a role"),
    )?;
    Ok(format!("{} in account {}", identity.arn, identity.account))
}

fn said(survey: &Survey) -> String {
    let visited = survey.accounts.iter().filter(|account| account.left_out.is_none()).count();
    let rest = survey.detail.as_ref().map(|detail| format!("; {detail}")).unwrap_or_default();
    format!("{} known, {visited} to be visited{rest}", survey.accounts.len())
}

struct Asking {
    cloud: Arc<dyn Cloud>,
    gate: Gate,
}

impl Asking {
    async fn survey(&self, settings: &CollectSettings) -> anyhow::Result<Survey> {
        let config = crate::command::collect::accounts_config(settings);
        let cancel = CancellationToken::new();
        organization::survey(&*self.cloud, &self.gate, &config, &[], &cancel).await.context(
            Problem::failed("the accounts of the organisation cannot be listed").hint(
                "set collect.management_role to the role of infra/cloudformation/management-account.yaml, or \
                 collect.organization = false and collect.accounts",
            ),
        )
    }

    /// Enters the first accounts.
    async fn roles(&self, accounts: &[String]) -> anyhow::Result<String> {
        let tried = accounts.len().min(ACCOUNTS_TRIED);
        let (tally, cancel) = (Tally::default(), CancellationToken::new());
        let mut refused = Vec::new();
        for account in &accounts[..tried] {
            let scope = Scope { account: account.clone(), region: "us-east-1".to_owned() };
            let entered = self
                .gate
                .call(Api::Account, Some(&scope), &tally, &cancel, || self.cloud.regions(account, None))
                .await;
            refused.extend(
                entered
                    .err()
                    .filter(|error| error.kind != CallErrorKind::Invalid)
                    .map(|error| error.to_string()),
            );
        }
        if refused.is_empty() {
            return Ok(format!("{tried} of {} accounts entered", accounts.len()));
        }
        let reasons = refused.join("; ");
        bail!(Problem::failed(format!("{} of {tried} accounts refuse: {reasons}", refused.len())).hint(SETUP))
    }

    /// Makes each call of the collectors once, in one account and region.
    async fn permissions(&self, scope: &Scope, settings: &CollectSettings) -> Vec<Check> {
        let (tally, cancel) = (Tally::default(), CancellationToken::new());
        let (gate, cloud) = (&self.gate, &*self.cloud);
        let mut checks = Vec::new();
        let mut add = |call: &str, answer: Result<(), CallError>| {
            let name = format!("{call} in {}, {}", scope.account, scope.region);
            let outcome = answer.map(|()| "allowed".to_owned()).map_err(|error| mended(&error));
            checks.push(Check::named(name, outcome));
        };
        if settings.inventory {
            if let Some(aggregator) = &settings.aggregator {
                let answer = gate
                    .call(Api::Config, None, &tally, &cancel, || {
                        cloud.aggregated_resources(aggregator, scope, None)
                    })
                    .await;
                add("SelectAggregateResourceConfig", answer.map(drop));
            } else {
                let ask = || cloud.tagged_resources(scope, None);
                add(
                    "GetResources",
                    gate.call(Api::Tagging, Some(scope), &tally, &cancel, ask).await.map(drop),
                );
                for list in ServiceList::ALL {
                    let ask = || cloud.listed_resources(scope, list, None);
                    let answer = gate.call(Api::ServiceLists, Some(scope), &tally, &cancel, ask).await;
                    add(&format!("list {list:?}"), answer.map(drop));
                }
            }
        }
        if settings.polling {
            let ask = || cloud.metrics(scope, "AWS/EC2", None);
            add(
                "ListMetrics",
                gate.call(Api::ListMetrics, Some(scope), &tally, &cancel, ask).await.map(drop),
            );
        }
        checks
    }
}

fn mended(error: &CallError) -> anyhow::Error {
    let hint = match error.kind {
        CallErrorKind::Denied => {
            "the policy of the role lacks it; infra/README.md lists what each call needs"
        }
        CallErrorKind::Throttled | CallErrorKind::Transient => "try again later",
        CallErrorKind::Expired => "renew the credentials",
        CallErrorKind::Invalid | CallErrorKind::Cancelled => "see docs/collect.md",
    };
    anyhow!(Problem::failed(error.to_string()).hint(hint))
}

async fn export(sources: &AwsSources, uri: &str) -> anyhow::Result<String> {
    let found = discover(&sources.export(uri)?).await.with_context(|| {
        Problem::failed("the export cannot be read")
            .hint("collect.management_role needs s3:ListBucket and s3:GetObject below it")
    })?;
    let objects: usize = found.deliveries.iter().map(|delivery| delivery.objects.len()).sum();
    Ok(format!("{objects} data objects in {} deliveries", found.deliveries.len()))
}

async fn stream(sources: &AwsSources, source: &str) -> anyhow::Result<String> {
    let Some(place) = source.strip_prefix("s3://") else {
        let waiting = sources.queue(source)?.waiting().await.with_context(|| {
            Problem::failed("the queue cannot be read")
                .hint("collect.stream_role is the role of infra/cloudformation/metric-stream.yaml")
        })?;
        return Ok(format!("{waiting} messages wait"));
    };
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let location = sources.open(bucket)?.child(prefix);
    let first = location.store.list(Some(&location.path)).take(1).try_collect::<Vec<_>>().await;
    let first = first.with_context(|| {
        Problem::failed("the bucket cannot be listed").hint("collect.stream_role needs s3:ListBucket on it")
    })?;
    Ok(if first.is_empty() { "no objects yet".to_owned() } else { "objects are there".to_owned() })
}
