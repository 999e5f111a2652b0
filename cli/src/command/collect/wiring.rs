//! From settings to what a collector works with.

use std::{
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use airshed_aws::{Aws, AwsConfig};
use airshed_collect::{
    Clock, CollectConfig, Result,
    clock::TokioClock,
    config::{AccountsConfig, InventoryConfig, LandConfig, PollingConfig, ShareConfig, StreamConfig},
    engine::Sources,
    gate::{Api, ApiLimits, Limit, Limits},
    stream::{Buckets, Queue},
};
use airshed_ingest::ImportOptions;
use airshed_lake::{Location, StoreOptions};
use anyhow::Context as _;
use jiff::Timestamp;
use object_store::aws::AwsCredentialProvider;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{self, App},
    command::stages,
    failure::Problem,
    settings::CollectSettings,
};

/// The machine's clock.
pub(crate) fn system_clock() -> Arc<dyn Clock> {
    let now = || Timestamp::from_microsecond(app::now_us()).unwrap_or(Timestamp::MAX);
    Arc::new(TokioClock::new(tokio::time::Instant::now(), now))
}

/// A name that no other process has: host, process and moment.
pub(super) fn collector_name(app: &App) -> String {
    let host =
        app.host.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect::<String>();
    format!("{host}-{}-{:x}", std::process::id(), app::now_us())
}

/// The seed of a process's waits, unlike that of others.
pub(super) fn seed_of(collector: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(collector)
}

/// AWS as the settings say to enter it; no call is made.
pub(crate) async fn connect(app: &App, collector: &str, clock: &Arc<dyn Clock>) -> anyhow::Result<Aws> {
    let settings = &app.settings.collect;
    let config = AwsConfig {
        external_id: settings.external_id.clone(),
        member_role: settings.role.clone(),
        management_role: settings.management_role.clone(),
        ..AwsConfig::of_collector(collector)
    };
    Aws::connect(config, Arc::clone(clock)).await.context(
        Problem::usage("AWS cannot be entered")
            .hint("set AWS_REGION and credentials, or a profile with both"),
    )
}

/// AWS's quotas with a margin, or less where the settings say so.
pub(crate) fn limits(settings: &CollectSettings) -> Limits {
    let Some(most) = settings.calls_per_s.and_then(NonZeroU32::new) else { return Limits::default() };
    Api::ALL.into_iter().fold(Limits::default(), |limits, api| {
        let of = limits.of(api);
        // A burst adds to the calls of a second: with one, the limit is kept in every second.
        let per_second = NonZeroU32::new(most.get() - 1).unwrap_or(NonZeroU32::MIN).min(of.place.per_second);
        let place = Limit { per_second, burst: NonZeroU32::MIN };
        limits.with(api, ApiLimits { place, ..of })
    })
}

/// Which accounts are visited.
pub(crate) fn accounts_config(settings: &CollectSettings) -> AccountsConfig {
    AccountsConfig {
        organization: settings.organization,
        ids: settings.accounts.clone(),
        include_units: settings.include_units.clone(),
        include_tags: settings.include_tags.clone(),
        exclude_ids: settings.exclude_accounts.clone(),
        exclude_units: settings.exclude_units.clone(),
        exclude_tags: settings.exclude_tags.clone(),
        every: Duration::from_secs(settings.accounts_every_min * 60),
    }
}

pub(super) fn config(settings: &CollectSettings, collector: String, once: bool) -> CollectConfig {
    let seconds = Duration::from_secs;
    CollectConfig {
        collector,
        accounts: accounts_config(settings),
        regions: settings.regions.clone(),
        inventory: InventoryConfig {
            enabled: settings.inventory,
            aggregator: settings.aggregator.clone(),
            every: seconds(settings.inventory_every_h * 3600),
        },
        polling: settings.polling.then(|| PollingConfig {
            period_s: settings.poll_period_s,
            settle: seconds(settings.poll_settle_s),
            lookback: seconds(settings.poll_lookback_h * 3600),
            monthly_budget_usd: settings.poll_budget_usd,
            sample_above: settings.sample_above,
        }),
        streams: settings
            .streams
            .iter()
            .map(|source| StreamConfig { source: source.clone(), json_interval_s: settings.json_interval_s })
            .collect(),
        exports: settings.exports.clone(),
        exports_every: seconds(settings.exports_every_min * 60),
        provider_reported: settings.provider_reported,
        share: ShareConfig { shards: settings.shards, lease: seconds(settings.lease_s) },
        land: LandConfig {
            // Whoever waits for a sweep to end need not wait for the clock.
            every: seconds(if once { settings.commit_every_s.min(5) } else { settings.commit_every_s }),
            rows: settings.commit_rows,
        },
        concurrency: settings.concurrency,
        seed: settings.seed,
    }
}

pub(super) fn import_options(app: &App) -> ImportOptions {
    let settings = &app.settings.import;
    let spill = settings.spill_dir.as_ref().map_or_else(std::env::temp_dir, Into::into);
    ImportOptions {
        threads: stages::threads(app),
        memory_budget_bytes: usize::try_from(settings.memory_mib << 20).unwrap_or(usize::MAX),
        spill_folder: spill.join(format!("airshed-{}", std::process::id())),
    }
}

/// Queues and buckets in AWS, each with the role that belongs to it.
#[derive(Debug)]
pub(crate) struct AwsSources {
    aws: Arc<Aws>,
    store_options: StoreOptions,
    management_role: Option<String>,
    stream_role: Option<String>,
}

impl AwsSources {
    pub(crate) fn new(app: &App, aws: Arc<Aws>) -> Self {
        let settings = &app.settings.collect;
        Self {
            aws,
            store_options: app.store_options.clone(),
            management_role: settings.management_role.clone(),
            stream_role: settings.stream_role.clone(),
        }
    }

    fn place(&self, uri: &str, role: Option<&str>) -> Result<Location> {
        // Without a role the standard environment decides, as for any other input.
        let credentials =
            role.map(|role| -> AwsCredentialProvider { Arc::new(self.aws.object_credentials(Some(role))) });
        Ok(Location::parse_as(uri, &self.store_options, credentials)?)
    }
}

impl Buckets for AwsSources {
    fn open(&self, bucket: &str) -> Result<Location> {
        self.place(&format!("s3://{bucket}"), self.stream_role.as_deref())
    }
}

impl Sources for AwsSources {
    fn queue(&self, url: &str) -> Result<Arc<dyn Queue>> {
        Ok(Arc::new(self.aws.queue(url, self.stream_role.as_deref())))
    }

    fn export(&self, uri: &str) -> Result<Location> {
        self.place(uri, self.management_role.as_deref())
    }
}

/// Cancels on the first interrupt or request to terminate.
pub(crate) async fn cancel_on_signal(cancel: CancellationToken) {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => terminate.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate => {}
    }
    cancel.cancel();
}
