//! `airshed explain`: where a line's figures come from, from the object and row to the last rounding.
//!
//! The line is calculated again with the method of its run, and each figure is compared with the one in the ledger, so
//! that an explanation cannot tell another story than the table.

mod found;
mod tree;

use airshed_query_api::Ledger;
use anyhow::bail;
use serde_json::Value;

use self::found::Found;
use super::sql;
use crate::{
    app::App,
    args::{ExplainArgs, Form},
    failure::{Exit, Problem},
    output,
};

/// The lines of an id, each as JSON.
pub(super) async fn as_json(app: &App, ledger: &Ledger, args: &ExplainArgs) -> anyhow::Result<Vec<Value>> {
    let (found, _) = found::find(app, ledger, args, MOST).await?;
    Ok(found.iter().map(Found::json).collect())
}

/// Lines that are explained when an id occurs often; the rest is counted.
const MOST: usize = 10;

pub(super) async fn execute(app: &App, args: &ExplainArgs) -> anyhow::Result<Exit> {
    if matches!(app.form, Form::Csv | Form::Parquet) {
        return Err(output::no_rows("explain", app.form));
    }
    let ledger = sql::open(app, None).await?;
    let (found, more) = found::find(app, &ledger, args, MOST).await?;
    if found.is_empty() {
        let problem = Problem::failed(format!("no current run has a line `{}`", args.line_id));
        bail!(
            problem.hint("airshed sql \"SELECT line_id FROM emissions WHERE status = 'estimated' LIMIT 5\"")
        );
    }
    match app.form {
        Form::Table => {
            let trees: Vec<String> = found.iter().map(|line| tree::of(line).text()).collect();
            output::write_text(trees.join("\n").trim_end())?;
        }
        form => output::write_json(form, &found.iter().map(Found::json).collect::<Vec<_>>())?,
    }
    if more > 0 {
        app.progress.say(&format!("{more} more lines have this id; --period picks a month"));
    }
    let differs = found.iter().any(|line| !line.differences().is_empty());
    Ok(if differs { Exit::VerifyFailed } else { Exit::Done })
}
