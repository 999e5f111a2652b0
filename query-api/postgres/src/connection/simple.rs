//! Commands, as they come by the simple protocol: a text of one or several statements.

use std::sync::Arc;

use airshed_query_api::CATALOG;
use datafusion::{logical_expr::LogicalPlan, sql::sqlparser::ast::Statement};
use datafusion_postgres::pgwire::{
    api::portal::Format,
    messages::{
        PgWireBackendMessage as Backend,
        response::{EmptyQueryResponse, TransactionStatus},
        startup::ParameterStatus,
    },
};

use super::{Broken, Connection, extended::Portal, note::Note, pinned::snapshot, unless_stopped};
use crate::{
    answer::{Answer, Columns},
    failure::{Failure, code},
    plan,
    settings::{AS_OF, Span},
    sql::{Command, Detail, may_explain},
};

/// The column of a plan.
pub(super) const PLAN: &str = "QUERY PLAN";
/// Cursors and portals whose rows are not all given: each holds memory and files.
const OPEN_MOST: usize = 8;

impl Connection {
    /// Each statement of a text in turn, up to the first that fails.
    pub(super) async fn simple(&mut self, sql: &str) -> Result<(), Broken> {
        let note = self.note(sql);
        let statements = match self.shared.reader.read(sql) {
            Ok(statements) => statements,
            Err(failure) => {
                note.failed(&failure);
                return Err(failure.into());
            }
        };
        if statements.is_empty() {
            note.answered();
            self.out.feed(Backend::EmptyQueryResponse(EmptyQueryResponse::new())).await?;
            return Ok(());
        }
        let is_one = statements.len() == 1;
        let mut note = Some(note);
        for statement in statements {
            // One statement is noted as it was written, one of several as it was read.
            let note = match note.take() {
                Some(note) if is_one => note,
                Some(note) => note.of(&statement.to_string()),
                None => self.note(&statement.to_string()),
            };
            let command = match Command::of(statement) {
                Ok(command) => command,
                Err(failure) => {
                    note.failed(&failure);
                    return Err(failure.into());
                }
            };
            let worked = self.simple_command(command).await;
            match worked {
                Ok(()) => note.answered(),
                Err(Broken::Failed(failure)) => {
                    note.failed(&failure);
                    return Err(failure.into());
                }
                Err(gone) => return Err(gone),
            }
        }
        Ok(())
    }

    async fn simple_command(&mut self, command: Command) -> Result<(), Broken> {
        self.may_go_on(&command)?;
        self.begin();
        if let Some(mut answer) = self.answer(&command, &Format::UnifiedText).await? {
            self.out.feed(Backend::RowDescription(answer.columns().description())).await?;
            let (sent, _) = self.send_rows(&mut answer, None).await?;
            self.complete(tag(&command, sent)).await?;
        } else if let Command::Fetch { cursor, most } = &command {
            self.fetch(cursor, *most, true).await?;
        } else {
            self.change(command).await?;
        }
        self.place.slot.end();
        Ok(())
    }

    /// Refuses all but the end of a transaction that failed.
    pub(super) fn may_go_on(&self, command: &Command) -> Result<(), Failure> {
        if self.transaction == TransactionStatus::Error && !command.ends_transaction() {
            let message = "the transaction failed before; nothing is done up to its end";
            return Err(Failure::new(code::FAILED_TRANSACTION, message));
        }
        Ok(())
    }

    /// The rows of a command that gives some.
    pub(super) async fn answer(
        &mut self,
        command: &Command,
        format: &Format,
    ) -> Result<Option<Answer>, Failure> {
        let options = self.settings(crate::settings::Settings::format);
        let texts = |columns, rows: Vec<Vec<String>>, names: &[&str]| {
            Answer::of_texts(columns, &rows, names).map(Some).map_err(Failure::engine)
        };
        match command {
            Command::Query(statement) => {
                let plan = self.plan((**statement).clone()).await?;
                self.run(plan, format).await.map(Some)
            }
            Command::Explain { of, detail } => {
                let lines = self.explain((**of).clone(), *detail).await?;
                let rows = lines.into_iter().map(|line| vec![line]).collect();
                texts(Columns::text(PLAN, format, &options)?, rows, &[PLAN])
            }
            Command::Show(Some(name)) => {
                let value = self.settings(|settings| settings.get(name).map(str::to_owned))?;
                texts(Columns::text(name, format, &options)?, vec![vec![value]], &[name])
            }
            Command::Show(None) => {
                let rows = self.settings(|settings| {
                    settings.all().map(|(name, value)| vec![name.to_owned(), value.to_owned()]).collect()
                });
                texts(Columns::settings(format, &options)?, rows, &["name", "setting"])
            }
            _ => Ok(None),
        }
    }

    /// Plans a statement on the state that is pinned.
    pub(super) async fn plan(&mut self, statement: Statement) -> Result<LogicalPlan, Failure> {
        self.pin().await?;
        let (shared, context) = (Arc::clone(&self.shared), self.pinned()?.context.clone());
        let planned = async move { Ok(Box::pin(plan::plan(&shared.reader, &context, statement)).await) };
        let session = self.limited()?;
        let planned =
            async { Box::pin(session.apart(planned)).await.map_err(|e| Failure::core(&e, code::DEFECT))? };
        unless_stopped(&self.stop, &self.shutdown, planned).await
    }

    async fn explain(&mut self, of: Statement, detail: Detail) -> Result<Vec<String>, Failure> {
        may_explain(&self.who, detail)?;
        if !self.who.scope.is_everything() {
            let planned = self.plan(of).await?;
            return plan::logical_lines(&self.pinned()?.context, &planned);
        }
        let planned = self.plan(plan::explain(of, detail)).await?;
        let mut answer = self.run(planned, &Format::UnifiedText).await?;
        unless_stopped(&self.stop, &self.shutdown, plan::lines(&mut answer)).await
    }

    /// Rows of a cursor.
    pub(super) async fn fetch(
        &mut self,
        cursor: &str,
        most: Option<usize>,
        is_described: bool,
    ) -> Result<(), Broken> {
        let mut portal = self.portals.remove(cursor).ok_or_else(|| no_cursor(cursor))?;
        let description = portal.columns().filter(|_| is_described).map(Columns::description);
        if let Some(description) = description {
            self.out.feed(Backend::RowDescription(description)).await?;
        }
        let sent = match portal.answer_mut() {
            Some(answer) => {
                let (sent, has_more) = self.send_rows(answer, most).await?;
                if !has_more {
                    portal.finish();
                }
                sent
            }
            None => 0,
        };
        self.portals.insert(cursor.to_owned(), portal);
        self.complete(format!("FETCH {sent}")).await?;
        Ok(())
    }

    /// A command that changes the state of the connection and gives no rows.
    pub(super) async fn change(&mut self, command: Command) -> Result<(), Broken> {
        let tag = match command {
            Command::Set { name, value, span } => {
                self.set(&name, value.as_deref(), span).await?;
                if value.is_some() { "SET" } else { "RESET" }
            }
            Command::ResetAll => {
                self.reset().await?;
                "RESET"
            }
            Command::Begin => {
                self.transaction = TransactionStatus::Transaction;
                self.pin().await?;
                "BEGIN"
            }
            Command::Commit | Command::Rollback => {
                let is_commit = matches!(command, Command::Commit);
                let tag = if is_commit && self.transaction != TransactionStatus::Error {
                    "COMMIT"
                } else {
                    "ROLLBACK"
                };
                self.transaction = TransactionStatus::Idle;
                self.is_settled = false;
                self.portals.retain(|_, portal| !portal.is_cursor());
                self.settings_mut(crate::settings::Settings::end_transaction);
                tag
            }
            Command::RollbackTo => {
                if self.transaction == TransactionStatus::Idle {
                    return Err(outside("ROLLBACK TO SAVEPOINT").into());
                }
                self.transaction = TransactionStatus::Transaction;
                "ROLLBACK"
            }
            Command::Savepoint(tag) => {
                if self.transaction == TransactionStatus::Idle {
                    return Err(outside(tag).into());
                }
                tag
            }
            Command::Declare { cursor, query } => {
                if self.transaction == TransactionStatus::Idle {
                    return Err(outside("DECLARE CURSOR").into());
                }
                if self.portals.contains_key(&cursor) {
                    let message = format!("cursor \"{cursor}\" already exists");
                    return Err(Failure::new(code::CURSOR_TWICE, message).into());
                }
                self.has_room()?;
                let planned = self.plan(*query).await?;
                let answer = self.run(planned, &Format::UnifiedText).await?;
                self.portals.insert(cursor, Portal::cursor(answer));
                "DECLARE CURSOR"
            }
            Command::Close(None) => {
                self.portals.retain(|_, portal| !portal.is_cursor());
                "CLOSE CURSOR ALL"
            }
            Command::Close(Some(cursor)) => {
                self.portals.remove(&cursor).ok_or_else(|| no_cursor(&cursor))?;
                "CLOSE CURSOR"
            }
            Command::Deallocate(None) => {
                self.statements.clear();
                "DEALLOCATE ALL"
            }
            Command::Deallocate(Some(name)) => {
                self.statements.remove(&name).ok_or_else(|| no_statement(&name))?;
                "DEALLOCATE"
            }
            Command::DiscardAll => {
                if self.transaction != TransactionStatus::Idle {
                    return Err(Failure::new("25001", "DISCARD ALL cannot be within a transaction").into());
                }
                self.statements.clear();
                self.portals.clear();
                self.reset().await?;
                "DISCARD ALL"
            }
            Command::Nothing(tag) => tag,
            Command::Query(_) | Command::Explain { .. } | Command::Show(_) | Command::Fetch { .. } => {
                return Err(Failure::new(code::DEFECT, format!("{CATALOG}: a query changes nothing")).into());
            }
        };
        self.complete(tag).await?;
        Ok(())
    }

    async fn set(&mut self, name: &str, value: Option<&str>, span: Span) -> Result<(), Broken> {
        if name.eq_ignore_ascii_case(AS_OF) {
            // A run that is not there is refused before anything changes.
            if let Some(run) = value {
                snapshot(&self.shared, run.trim()).await?;
            }
            self.is_settled = false;
        }
        let changed = self.settings_mut(|settings| settings.set(name, value, span))?;
        self.tell(changed).await?;
        Ok(())
    }

    async fn reset(&mut self) -> Result<(), Broken> {
        self.is_settled = false;
        for (name, value) in self.settings_mut(crate::settings::Settings::reset) {
            self.out.feed(Backend::ParameterStatus(ParameterStatus::new(name.to_owned(), value))).await?;
        }
        Ok(())
    }

    /// Refuses one more answer that stays open.
    pub(super) fn has_room(&self) -> Result<(), Failure> {
        if self.portals.values().filter(|portal| portal.is_open()).count() >= OPEN_MOST {
            let message = format!("{OPEN_MOST} cursors are open; close some");
            return Err(Failure::new(code::TOO_MUCH, message));
        }
        Ok(())
    }

    pub(super) fn note(&self, sql: &str) -> Note {
        Note::new(self.shared.audit.clone(), self.person.name.clone(), sql)
    }
}

/// What a command that gave rows is completed with.
pub(super) fn tag(command: &Command, rows: usize) -> String {
    match command {
        Command::Show(_) => "SHOW".to_owned(),
        Command::Explain { .. } => "EXPLAIN".to_owned(),
        _ => format!("SELECT {rows}"),
    }
}

fn no_cursor(name: &str) -> Failure {
    Failure::new(code::NO_CURSOR, format!("cursor \"{name}\" does not exist"))
}

pub(super) fn no_statement(name: &str) -> Failure {
    Failure::new(code::NO_STATEMENT, format!("prepared statement \"{name}\" does not exist"))
}

fn outside(what: &str) -> Failure {
    Failure::new(code::NO_TRANSACTION, format!("{what} is for transactions only"))
}
