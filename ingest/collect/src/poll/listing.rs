//! What there is to poll in an account and region, learnt from CloudWatch itself.
//!
//! ListMetrics tells of every metric that had data in the last two weeks, a new one up to 15 minutes late, which the
//! settling time of a period has to cover. Metrics of what is gone are listed for two weeks more, and polled in vain.

use std::{collections::BTreeSet, pin::pin};

use futures::TryStreamExt as _;
use tokio_util::sync::CancellationToken;

use super::{
    catalogue::{self, Target},
    plan::LISTING_NANO_USD,
    sample,
};
use crate::{
    cloud::{Answer, Cloud, Scope},
    gate::{Api, Call, Gate},
    health::Tally,
};

/// What is polled in an account and region.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// The metrics, in the order of [`Target::key`].
    pub(crate) targets: Vec<Target>,
    /// The kinds of which only a sample is among them.
    pub(crate) samples: Vec<SampledKind>,
}

/// A kind of which a sample is polled.
#[derive(Debug)]
pub(crate) struct SampledKind {
    /// Its namespace.
    pub(crate) namespace: &'static str,
    /// CloudFormation's name of the type.
    pub(crate) resource_type: &'static str,
    /// Resources that there are.
    pub(crate) population: u64,
    /// Resources that are polled.
    pub(crate) sampled: u64,
}

/// Lists all metrics that the table takes.
pub(crate) async fn all(
    cloud: &dyn Cloud,
    gate: &Gate,
    scope: &Scope,
    tally: &Tally,
    cancel: &CancellationToken,
) -> Answer<Vec<Target>> {
    // A refusal may be that of one region or service by policy, so it does not speak for the account.
    let call = Call {
        cost_nano_usd: LISTING_NANO_USD,
        account_breaker: false,
        ..Call::new(Api::ListMetrics, Some(scope))
    };
    let mut targets = Vec::new();
    for namespace in catalogue::namespaces() {
        let page =
            |next: Option<String>| async move { cloud.metrics(scope, namespace, next.as_deref()).await };
        let mut pages = pin!(gate.pages(call, tally, cancel, page));
        while let Some(entries) = pages.try_next().await? {
            targets.extend(entries.into_iter().filter_map(|entry| Target::of(scope, entry)));
        }
    }
    Ok(targets)
}

impl Listed {
    /// Puts targets in order, each once, and draws samples of numerous kinds with more than `sample_above` resources.
    pub(crate) fn of(mut targets: Vec<Target>, seed: u64, sample_above: usize) -> Self {
        targets.sort_by(|a, b| a.key().cmp(&b.key()));
        targets.dedup_by(|a, b| a.key() == b.key());
        let size = sample_above.max(1);
        let mut samples = Vec::new();
        for namespace in catalogue::namespaces() {
            let Some(resource_type) = catalogue::numerous_kind(namespace) else { continue };
            let of_kind = |target: &&Target| target.rule.namespace == namespace;
            let ids: BTreeSet<&str> =
                targets.iter().filter(of_kind).map(|target| target.resource.as_str()).collect();
            let population = ids.len();
            if population <= size {
                continue;
            }
            let drawn: BTreeSet<String> =
                sample::draw(seed, ids, size).into_iter().map(str::to_owned).collect();
            targets.retain(|target| target.rule.namespace != namespace || drawn.contains(&target.resource));
            samples.push(SampledKind {
                namespace,
                resource_type,
                population: population as u64,
                sampled: drawn.len() as u64,
            });
        }
        Self { targets, samples }
    }
}
