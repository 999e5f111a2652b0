//! `airshed doctor`: what a run needs, checked one by one, so that a failure says which part is missing.

mod collect;

use std::borrow::Cow;

use airshed_domain::schema;
use airshed_emission_factors::FactorSet;
use airshed_ingest::{discover, open_input};

use crate::{
    app::App,
    args::DoctorArgs,
    failure::{self, Exit},
    output,
};

/// One thing that was looked at.
struct Check {
    what: Cow<'static, str>,
    outcome: anyhow::Result<String>,
}

impl Check {
    fn new(what: &'static str, outcome: anyhow::Result<String>) -> Self {
        Self { what: what.into(), outcome }
    }

    fn named(what: String, outcome: anyhow::Result<String>) -> Self {
        Self { what: what.into(), outcome }
    }
}

pub(crate) async fn check(app: &App, args: &DoctorArgs) -> anyhow::Result<Exit> {
    let mut checks = vec![
        Check::new("configuration", Ok(configuration(app))),
        Check::new("factors", shipped_factors()),
        Check::new("ledger", ledger(app).await),
    ];
    if app.settings.lake.starts_with("s3") || args.input.as_deref().is_some_and(|uri| uri.starts_with("s3")) {
        checks.push(Check::new("credentials", Ok(credentials(app))));
    }
    if let Some(uri) = &args.input {
        checks.push(Check::new("input", input(app, uri).await));
    }
    if collect::is_configured(&app.settings.collect) {
        checks.extend(collect::checks(app).await);
    }
    let failed = checks.iter().any(|check| check.outcome.is_err());
    let row = |check: &Check| {
        let (state, detail) = match &check.outcome {
            Ok(detail) => ("ok", detail.clone()),
            Err(error) => ("FAILED", failure::as_text(error)),
        };
        vec![Some(check.what.to_string()), Some(state.to_owned()), Some(detail)]
    };
    let rows: Vec<_> = checks.iter().map(row).collect();
    output::write_rows(app.form, &["check", "state", "detail"], &rows)?;
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

fn configuration(app: &App) -> String {
    app.config_file.as_ref().map_or_else(
        || "no file; `airshed config example > airshed.toml` makes one".to_owned(),
        |path| format!("{path} is read and every key is known"),
    )
}

fn shipped_factors() -> anyhow::Result<String> {
    let set = FactorSet::embedded()?;
    Ok(format!(
        "{} with {} factors from {} sources",
        set.id(),
        set.factors().count(),
        set.sources().iter().count()
    ))
}

async fn ledger(app: &App) -> anyhow::Result<String> {
    let lake = app.lake()?;
    let place = lake.location().url.to_string();
    Ok(match lake.existing_table(&schema::billing_lines()).await? {
        Some(_) => format!("{place} holds a ledger"),
        None => format!("{place} can be reached and holds no ledger yet"),
    })
}

fn credentials(app: &App) -> String {
    let set = |name: &str| app.store_options.get(name).is_some_and(|value| !value.is_empty());
    let source = if set("AWS_ACCESS_KEY_ID") && set("AWS_SECRET_ACCESS_KEY") {
        "keys from the environment"
    } else if set("AWS_WEB_IDENTITY_TOKEN_FILE") && set("AWS_ROLE_ARN") {
        "web identity"
    } else if set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") || set("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
        "the container's endpoint"
    } else {
        "the instance's metadata service (nothing in the environment)"
    };
    let region = app.store_options.get("AWS_REGION").or_else(|| app.store_options.get("AWS_DEFAULT_REGION"));
    format!("{source}; region {}", region.map_or("not set", String::as_str))
}

async fn input(app: &App, uri: &str) -> anyhow::Result<String> {
    let location = open_input(uri, &app.store_options)?;
    let discovery = discover(&location).await?;
    let objects: usize = discovery.deliveries.iter().map(|delivery| delivery.objects.len()).sum();
    anyhow::ensure!(objects > 0, "{uri} holds no billing export ({} other objects)", discovery.ignored.len());
    Ok(format!(
        "{objects} data objects in {} deliveries; {} other objects left alone",
        discovery.deliveries.len(),
        discovery.ignored.len()
    ))
}
