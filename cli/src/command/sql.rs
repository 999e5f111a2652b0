//! `airshed sql`: statements from the command line, from standard input, or at a prompt.

mod completion;
mod prompt;
mod statements;

use std::io::{IsTerminal as _, Read as _};

use airshed_domain::id::RunId;
use airshed_query_api::{AsOf, Ledger, Limits};
use anyhow::Context as _;
use futures::TryStreamExt as _;

use super::stages;
use crate::{
    app::App,
    args::{Form, SqlArgs},
    failure::Exit,
    output::{self, ResultWriter},
};

pub(super) async fn execute(app: &App, args: &SqlArgs) -> anyhow::Result<Exit> {
    let ledger = open(app, args.as_of.as_deref()).await?;
    let text = match &args.statement {
        Some(text) => text.clone(),
        None if std::io::stdin().is_terminal() => {
            prompt::converse(app, &ledger).await?;
            return Ok(Exit::Done);
        }
        None => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .context("cannot read statements from standard input")?;
            text
        }
    };
    let split = statements::split(&text);
    for statement in split.complete.iter().chain(Some(&split.rest).filter(|rest| !rest.is_empty())) {
        answer(&ledger, statement, app.form).await?;
    }
    Ok(Exit::Done)
}

/// Pins the ledger that the settings name: its current runs, or those that were current when a run was.
pub(super) async fn open(app: &App, as_of: Option<&str>) -> anyhow::Result<Ledger> {
    let resources = stages::resources(app);
    let limits = Limits::new(resources.threads, resources.memory_bytes);
    let as_of = as_of.map_or(AsOf::Now, |run| AsOf::Run(RunId::new(run)));
    Ok(Ledger::open(&app.lake()?, &as_of, limits).await?)
}

/// Answers one statement on standard output, batch by batch.
async fn answer(ledger: &Ledger, statement: &str, form: Form) -> anyhow::Result<()> {
    let mut stream = ledger.query(statement).await?;
    let mut writer = ResultWriter::new(form, &stream.schema(), output::stdout(form)?)?;
    while let Some(batch) = stream.try_next().await.context("the query broke off")? {
        writer.write(&batch)?;
    }
    writer.finish()?;
    Ok(())
}
