//! The factor set in force: what is shipped, what was imported into the ledger, what the settings name.
//!
//! `airshed factors import-...` checks a file and keeps it under `_factors/` of the ledger: a ledger then carries what
//! its numbers depend on, and `airshed verify` finds it wherever the ledger moves. Files are numbered in the order of
//! their import, so that a later one wins over an earlier one for ever in the same way. A file that is imported again is
//! kept again, with a new number, where a later file took its place; else nothing changes, however often it comes.

mod kept;
mod parse;

use airshed_emission_factors::{FactorSet, FactorSetBuilder};
use airshed_lake::Lake;
use anyhow::Context as _;

use crate::{
    app::App,
    failure::{Exit, Problem},
    output,
};

pub(crate) use parse::Kind;

/// Loads the set: shipped, then the ledger's files in their order, then those of the settings.
pub(crate) async fn load(app: &App) -> anyhow::Result<FactorSet> {
    let mut builder = ledgers(&app.lake()?).await?;
    let factors = &app.settings.factors;
    let named = [
        (Kind::Grid, factors.grid.as_slice()),
        (Kind::Power, factors.power.as_slice()),
        (Kind::Boavizta, factors.boavizta.as_slice()),
        (Kind::Spruce, factors.spruce.as_slice()),
    ];
    for (kind, files) in named {
        for file in files {
            let (name, bytes) = from_disk(kind, file)?;
            builder = add(builder, kind, &name, &bytes)?;
        }
    }
    builder.build().context("the factor set cannot be built")
}

/// Checks a file and keeps it in the ledger.
pub(crate) async fn import(app: &App, kind: Kind, file: &str) -> anyhow::Result<Exit> {
    let lake = app.lake()?;
    let (name, bytes) = from_disk(kind, file)?;
    // A file that the set refuses must not be kept.
    let parsed = parse::parse(kind, &name, &bytes).with_context(|| format!("cannot use {file}"))?;
    let what = parsed.summary();
    parsed.add_to(FactorSet::builder()).build().with_context(|| format!("cannot use {file}"))?;
    let (place, state) = match kept::twin(&lake, kind, &bytes).await? {
        Some(twin) if twin.is_last || is_in_force(&lake, kind, &name, &bytes).await? => {
            (twin.name, "already there")
        }
        _ => (kept::keep(&lake, kind, &name, bytes).await?, "imported"),
    };
    output::write_rows(
        app.form,
        &["file", "state", "holds"],
        &[[place, state.to_owned(), what].map(Some).to_vec()],
    )?;
    app.progress.say("the next `airshed run` or `airshed estimate` uses it, under a new factor set id");
    Ok(Exit::Done)
}

/// What is shipped and what the ledger keeps, in its order.
async fn ledgers(lake: &Lake) -> anyhow::Result<FactorSetBuilder> {
    let mut builder = FactorSet::builder();
    for kind in Kind::ALL {
        for kept in kept::list(lake, kind).await? {
            let bytes = kept::read(lake, &kept).await?;
            builder = add(builder, kind, &kept.name, &bytes)?;
        }
    }
    Ok(builder)
}

/// Whether a file would change nothing if it came after all that the ledger keeps.
async fn is_in_force(lake: &Lake, kind: Kind, name: &str, bytes: &[u8]) -> anyhow::Result<bool> {
    let now = ledgers(lake).await?.build()?;
    let after = add(ledgers(lake).await?, kind, name, bytes)?.build()?;
    Ok(now.id() == after.id())
}

fn add(builder: FactorSetBuilder, kind: Kind, name: &str, bytes: &[u8]) -> anyhow::Result<FactorSetBuilder> {
    Ok(parse::parse(kind, name, bytes)
        .with_context(|| format!("cannot use the factor file {name}"))?
        .add_to(builder))
}

/// What a user's path holds, as a file to keep: the file itself, or the tables made from it.
fn from_disk(kind: Kind, path: &str) -> anyhow::Result<(String, Vec<u8>)> {
    let read = |path: &std::path::Path| {
        std::fs::read(path).with_context(|| Problem::failed(format!("cannot read {}", path.display())))
    };
    let path = std::path::Path::new(path);
    let name =
        path.file_name().map_or_else(|| kind.folder().to_owned(), |name| name.to_string_lossy().into_owned());
    Ok(match kind {
        Kind::Boavizta => ("boavizta.json".to_owned(), parse::boavizta_tables(path, &read)?),
        Kind::Power => (format!("{name}.json"), parse::power_tables(path, &read)?),
        Kind::Grid | Kind::Spruce => (name, read(path)?),
    })
}
