//! `airshed factors`: look at the set in force, check it, add to it.

mod diff;
mod listing;
mod verify;

use airshed_domain::id::FactorId;
use anyhow::bail;

use crate::{
    app::App,
    args::FactorsCommand,
    factor_files::{self, Kind},
    failure::{Exit, Problem},
    output,
};

pub(crate) async fn execute(app: &App, command: FactorsCommand) -> anyhow::Result<Exit> {
    match command {
        FactorsCommand::List { prefix } => {
            let set = factor_files::load(app).await?;
            let prefix = prefix.unwrap_or_default();
            let rows: Vec<_> = set
                .factors()
                .filter(|factor| factor.id.as_str().starts_with(&prefix))
                .map(listing::row)
                .collect();
            if rows.is_empty() {
                let hint =
                    "`airshed factors list` shows all; ids begin with their table, such as grid/yearly";
                bail!(Problem::failed(format!("no factor's id starts with `{prefix}`")).hint(hint));
            }
            output::write_rows(app.form, listing::COLUMNS, &rows)?;
            app.progress.say(&format!("{} factors of set {}", rows.len(), set.id()));
            Ok(Exit::Done)
        }
        FactorsCommand::Show { id } => {
            let set = factor_files::load(app).await?;
            let Some(factor) = set.factor(&FactorId::new(&*id)) else {
                let hint = format!("`airshed factors list {}` shows its neighbours", neighbourhood(&id));
                bail!(Problem::failed(format!("set {} has no factor `{id}`", set.id())).hint(hint));
            };
            output::write_rows(app.form, &["field", "value"], &listing::details(&set, factor))?;
            Ok(Exit::Done)
        }
        FactorsCommand::Diff { before } => diff::execute(app, before.as_deref()).await,
        FactorsCommand::Verify => verify::execute(app).await,
        FactorsCommand::ImportGrid { file } => factor_files::import(app, Kind::Grid, &file).await,
        FactorsCommand::ImportPower { file } => factor_files::import(app, Kind::Power, &file).await,
        FactorsCommand::ImportBoavizta { folder } => factor_files::import(app, Kind::Boavizta, &folder).await,
        FactorsCommand::ImportSpruce { file } => factor_files::import(app, Kind::Spruce, &file).await,
    }
}

/// The id up to its last slash.
fn neighbourhood(id: &str) -> &str {
    id.rsplit_once('/').map_or("", |(before, _)| before)
}
