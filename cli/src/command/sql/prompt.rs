//! The prompt: lines until `;`, with history and completion; backslash commands as in psql.

use std::path::PathBuf;

use airshed_domain::schema;
use airshed_query_api::Ledger;
use rustyline::{Editor, config::CompletionType, error::ReadlineError, history::FileHistory};

use super::{completion::PromptHelper, statements};
use crate::{app::App, args::Form, failure, output};

const HELP: &str = "\
A statement ends with `;`. Read-only.
  \\d          tables          \\d TABLE    columns of a table
  \\o FORM     form of results: table, json, ndjson or csv
  \\?          this help       \\q          leave (or Ctrl-D)";

type Prompt = Editor<PromptHelper, FileHistory>;

/// What a backslash command asks for.
#[derive(Debug, PartialEq, Eq)]
enum Meta<'l> {
    Tables,
    Columns(&'l str),
    Form(Form),
    Help,
    Leave,
    Unknown,
}

/// Reads and answers until the user leaves.
pub(super) async fn converse(app: &App, ledger: &Ledger) -> anyhow::Result<()> {
    let config = rustyline::Config::builder()
        .completion_type(CompletionType::List)
        .max_history_size(1000)?
        .history_ignore_space(true)
        .build();
    let mut prompt = Prompt::with_config(config)?;
    prompt.set_helper(Some(PromptHelper::new(names())));
    let history = history_file();
    if let Some(file) = history.as_deref().filter(|file| file.exists()) {
        prompt.load_history(file)?;
    }
    app.progress.say("Statements end with `;`. \\d lists tables, \\? helps, \\q leaves.");
    let mut form = app.form;
    let mut pending = String::new();
    loop {
        let sign = if pending.is_empty() { "airshed> " } else { "    ...> " };
        // Reading a line blocks; the runtime keeps its other threads.
        let line = match tokio::task::block_in_place(|| prompt.readline(sign)) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => {
                pending.clear();
                continue;
            }
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(error.into()),
        };
        if pending.is_empty() && line.trim_start().starts_with('\\') {
            match meta(line.trim()) {
                Meta::Tables => answer(ledger, "SHOW TABLES", form).await,
                Meta::Columns(table) => columns(table, form),
                Meta::Form(new) => form = new,
                Meta::Help => output::to_stderr(HELP),
                Meta::Leave => break,
                Meta::Unknown => output::to_stderr("no such command; \\? lists them"),
            }
            continue;
        }
        pending.push_str(&line);
        pending.push('\n');
        let split = statements::split(&pending);
        if split.complete.is_empty() && !split.rest.is_empty() {
            continue;
        }
        if !split.complete.is_empty() {
            prompt.add_history_entry(pending.trim())?;
        }
        for statement in split.complete {
            answer(ledger, &statement, form).await;
        }
        pending = split.rest;
    }
    if let Some(file) = history {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        prompt.save_history(&file)?;
    }
    Ok(())
}

/// At a prompt a failed statement is said and the conversation goes on.
async fn answer(ledger: &Ledger, statement: &str, form: Form) {
    if let Err(error) = super::answer(ledger, statement, form).await {
        output::to_stderr(&failure::as_text(&error));
    }
}

fn columns(name: &str, form: Form) {
    let Some(table) = schema::all().into_iter().find(|table| table.name == name) else {
        output::to_stderr(&format!("no table `{name}`; \\d lists them"));
        return;
    };
    let row = |column: &schema::Column| {
        let nullable = if column.nullable { "yes" } else { "no" };
        [column.name, &column.data_type.to_string(), nullable, column.comment]
            .map(|text| Some(text.to_owned()))
            .to_vec()
    };
    let rows: Vec<_> = table.columns.iter().map(row).collect();
    if let Err(error) = output::write_rows(form, &["column", "type", "null", "meaning"], &rows) {
        output::to_stderr(&failure::as_text(&error));
    }
}

fn meta(line: &str) -> Meta<'_> {
    let (command, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let argument = argument.trim().trim_end_matches(';');
    match (command, argument) {
        ("\\d" | "\\dt", "") => Meta::Tables,
        ("\\d", table) => Meta::Columns(table),
        ("\\o", form) => match form {
            "table" => Meta::Form(Form::Table),
            "json" => Meta::Form(Form::Json),
            "ndjson" => Meta::Form(Form::Ndjson),
            "csv" => Meta::Form(Form::Csv),
            _ => Meta::Unknown,
        },
        ("\\?" | "\\h", _) => Meta::Help,
        ("\\q", _) => Meta::Leave,
        _ => Meta::Unknown,
    }
}

/// Names of tables and columns, sorted, each once.
fn names() -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for table in schema::all() {
        names.push(table.name.to_owned());
        names.extend(table.columns.iter().map(|column| column.name.to_owned()));
    }
    names.sort();
    names.dedup();
    names
}

/// `$XDG_STATE_HOME/airshed/history` or `~/.local/state/airshed/history`; no home, no history.
fn history_file() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))?;
    Some(state.join("airshed/history"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backslash_commands_are_understood() {
        assert_eq!(meta("\\d"), Meta::Tables);
        assert_eq!(meta("\\d emissions;"), Meta::Columns("emissions"));
        assert_eq!(meta("\\o csv"), Meta::Form(Form::Csv));
        assert_eq!(meta("\\o parquet"), Meta::Unknown);
        assert_eq!(meta("\\q"), Meta::Leave);
        assert_eq!(meta("\\x"), Meta::Unknown);
    }

    #[test]
    fn names_are_sorted_and_unique() {
        let names = names();
        assert!(names.iter().any(|name| name == "energy_kwh"));
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
