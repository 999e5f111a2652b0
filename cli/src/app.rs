//! What a command works with: settings, the ledger, the form of results, progress, and the time.
//!
//! Environment and clock are read here, once, and handed on as values.

use std::{collections::BTreeMap, path::Path};

use airshed_lake::{Lake, StoreOptions};
use anyhow::Context as _;
use tracing_subscriber::filter::LevelFilter;

use crate::{
    args::{Cli, Command, Form, SpreadArgs, TrustArgs},
    failure::Problem,
    progress::Progress,
    settings::{Layers, Settings},
};

/// The configuration file that is read when none is named.
const CONFIG_FILE: &str = "airshed.toml";

/// A command's surroundings.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) settings: Settings,
    pub(crate) layers: Layers,
    pub(crate) form: Form,
    pub(crate) progress: Progress,
    /// The configuration file that was read.
    pub(crate) config_file: Option<String>,
    /// Options of object stores, from the standard AWS variables.
    pub(crate) store_options: StoreOptions,
    /// Which log lines are written.
    pub(crate) log_level: LevelFilter,
    /// Name of the machine, for collectors to be told apart.
    pub(crate) host: String,
}

impl App {
    /// Reads environment and configuration.
    pub(crate) fn new(cli: &Cli) -> anyhow::Result<Self> {
        let environment: BTreeMap<String, String> = std::env::vars().collect();
        let get = |name: &str| environment.get(name).filter(|value| !value.is_empty());
        let mut layers = Layers::defaults()?;
        let named = cli.global.config.clone().or_else(|| get("AIRSHED_CONFIG").cloned());
        let config_file = named.or_else(|| Path::new(CONFIG_FILE).is_file().then(|| CONFIG_FILE.to_owned()));
        let usage = |error: anyhow::Error| {
            error.context(
                Problem::usage("the configuration cannot be used")
                    .hint("`airshed config example` lists every key"),
            )
        };
        if let Some(path) = &config_file {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {path}"))
                .map_err(usage)?;
            layers.file(Path::new(path), &text).map_err(usage)?;
        }
        let variables = environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        layers.environment(variables).map_err(usage)?;
        lay_flags(&mut layers, cli);
        let settings = Settings::resolve(&layers).map_err(usage)?;

        let global = &cli.global;
        let host = get("HOSTNAME").cloned();
        let host = host.or_else(|| std::fs::read_to_string("/etc/hostname").ok()).unwrap_or_default();
        Ok(Self {
            log_level: log_level(cli, get("AIRSHED_LOG").map(String::as_str))?,
            host,
            settings,
            layers,
            form: global.output.unwrap_or_default(),
            progress: Progress::new(global),
            config_file,
            store_options: environment.into_iter().filter(|(name, _)| name.starts_with("AWS_")).collect(),
        })
    }

    /// The same surroundings with another ledger, which no worker knows.
    pub(crate) fn with_lake(&self, lake: String) -> Self {
        let mut app = self.clone();
        app.settings.lake = lake;
        app.settings.estimate.workers.clear();
        app
    }

    /// The ledger that the settings name.
    pub(crate) fn lake(&self) -> anyhow::Result<Lake> {
        Ok(Lake::open(&self.settings.lake, &self.store_options)?)
    }
}

/// The time, microseconds since 1970 in UTC.
#[expect(clippy::disallowed_methods, reason = "the binary is where the clock is read")]
pub(crate) fn now_us() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

fn lay_flags(layers: &mut Layers, cli: &Cli) {
    layers.flag("lake", "--lake", cli.global.lake.clone());
    match &cli.command {
        Command::Run(args) => {
            layers.flag("method.name", "--method", args.method.clone());
            layers.flag("rollup.min_coverage", "--min-coverage", args.min_coverage);
            lay_spread(layers, &args.spread);
        }
        Command::Serve(args) => {
            layers.flag("serve.http", "--http", args.http.clone());
            layers.flag("serve.pg", "--pg", args.pg.clone());
            layers.flag("serve.flight", "--flight", args.flight.clone());
            layers.flag("serve.tls_cert", "--tls-cert", args.tls_cert.clone());
            layers.flag("serve.tls_key", "--tls-key", args.tls_key.clone());
            layers.flag("serve.workers", "--workers", args.workers.clone());
            lay_trust(layers, &args.trust);
        }
        Command::Worker(args) => {
            layers.flag("serve.tls_cert", "--tls-cert", args.tls_cert.clone());
            layers.flag("serve.tls_key", "--tls-key", args.tls_key.clone());
            lay_trust(layers, &args.trust);
        }
        Command::Estimate(args) => {
            layers.flag("method.name", "--method", args.method.clone());
            lay_spread(layers, &args.spread);
        }
        _ => {}
    }
}

fn lay_spread(layers: &mut Layers, args: &SpreadArgs) {
    layers.flag("estimate.workers", "--workers", args.workers.clone());
    lay_trust(layers, &args.trust);
}

fn lay_trust(layers: &mut Layers, args: &TrustArgs) {
    layers.flag("serve.workers_secret_file", "--workers-secret-file", args.workers_secret_file.clone());
    layers.flag("serve.workers_ca", "--workers-ca", args.workers_ca.clone());
}

/// Which log lines are written; `AIRSHED_LOG` takes a level: error, warn, info, debug or trace.
fn log_level(cli: &Cli, level: Option<&str>) -> anyhow::Result<LevelFilter> {
    let by_flags = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, _) => "debug",
    };
    level
        .unwrap_or(by_flags)
        .parse()
        .context(Problem::usage("AIRSHED_LOG is not a log level").hint("for example AIRSHED_LOG=info"))
}
