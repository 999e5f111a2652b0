//! The extended protocol: statements that are parsed, bound to parameters, described and executed one by one.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use airshed_query_api::Snapshot;
use datafusion::logical_expr::LogicalPlan;
use datafusion_postgres::pgwire::{
    api::{
        Type,
        portal::{Format, Portal as Bound},
        stmt::StoredStatement,
    },
    messages::{
        PgWireBackendMessage as Backend,
        data::{NoData, ParameterDescription},
        extendedquery::{
            Bind, BindComplete, Close, CloseComplete, Describe, Execute, Parse, ParseComplete,
            PortalSuspended,
        },
        response::EmptyQueryResponse,
    },
};

use super::{
    Broken, Connection,
    simple::{PLAN, no_statement, tag},
};
use crate::{
    answer::{Answer, Columns},
    failure::{Failure, code},
    parameters::{self, Parameters},
    sql::Command,
};

/// Prepared statements of a connection.
const STATEMENTS_MOST: usize = 1_000;
/// Bound portals of a connection.
const PORTALS_MOST: usize = 1_000;
const STATEMENT: u8 = b'S';
const PORTAL: u8 = b'P';

/// A prepared statement.
pub(super) struct Prepared {
    sql: String,
    /// Nothing for an empty text.
    command: Option<Command>,
    given: Vec<Option<Type>>,
    parameters: Parameters,
    /// What the client was told of the rows.
    columns: Option<Columns>,
    /// The plan and the state that it was made on: another state takes another plan.
    planned: Mutex<Option<(Weak<Snapshot>, LogicalPlan)>>,
}

/// A statement with its parameters, or a cursor.
pub(super) struct Portal {
    /// Nothing for a cursor.
    bound: Option<(Arc<Prepared>, Bound<()>)>,
    state: State,
}

enum State {
    New,
    Open(Box<Answer>),
    /// All rows were given.
    Finished(Option<Columns>),
}

impl Portal {
    pub(super) fn cursor(answer: Answer) -> Self {
        Self { bound: None, state: State::Open(Box::new(answer)) }
    }

    pub(super) fn is_cursor(&self) -> bool {
        self.bound.is_none()
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    pub(super) fn answer_mut(&mut self) -> Option<&mut Answer> {
        match &mut self.state {
            State::Open(answer) => Some(answer),
            _ => None,
        }
    }

    /// The columns of an answer that was begun.
    pub(super) fn columns(&self) -> Option<&Columns> {
        match &self.state {
            State::New => None,
            State::Open(answer) => Some(answer.columns()),
            State::Finished(columns) => columns.as_ref(),
        }
    }

    pub(super) fn finish(&mut self) {
        self.state = State::Finished(self.columns().cloned());
    }
}

impl Connection {
    pub(super) async fn parse(&mut self, parse: Parse) -> Result<(), Broken> {
        let name = parse.name.unwrap_or_default();
        let note = self.note(&parse.query);
        let prepared = self.prepare(&name, parse.query, &parse.type_oids).await;
        // What was prepared is noted when it is executed.
        let prepared = match prepared {
            Ok(prepared) => {
                note.forget();
                prepared
            }
            failed => note.ended(failed)?,
        };
        self.statements.insert(name, Arc::new(prepared));
        self.out.feed(Backend::ParseComplete(ParseComplete::new())).await?;
        Ok(())
    }

    async fn prepare(&mut self, name: &str, sql: String, oids: &[u32]) -> Result<Prepared, Failure> {
        if !name.is_empty() && self.statements.contains_key(name) {
            let message = format!("prepared statement \"{name}\" already exists");
            return Err(Failure::new(code::STATEMENT_TWICE, message));
        }
        if self.statements.len() >= STATEMENTS_MOST && !self.statements.contains_key(name) {
            let message = format!("{STATEMENTS_MOST} statements are prepared; close some");
            return Err(Failure::new(code::TOO_MUCH, message));
        }
        let mut statements = self.shared.reader.read(&sql)?.into_iter();
        let (statement, more) = (statements.next(), statements.next());
        if more.is_some() {
            return Err(Failure::new(code::SYNTAX, "a prepared statement is one statement"));
        }
        let command = statement.map(Command::of).transpose()?;
        if let Some(command) = &command {
            self.may_go_on(command)?;
        }
        let given = oids.iter().map(|oid| Type::from_oid(*oid)).collect();
        let mut prepared = Prepared {
            sql,
            command,
            given,
            parameters: Parameters::default(),
            columns: None,
            planned: Mutex::default(),
        };
        let options = self.settings(crate::settings::Settings::format);
        let text = Format::UnifiedText;
        prepared.columns = match &prepared.command {
            Some(Command::Query(statement)) => {
                self.begin();
                let plan = parameters::settled(self.plan((**statement).clone()).await?, &prepared.given)?;
                prepared.parameters = Parameters::of(&plan, &prepared.given)?;
                let columns = Columns::of(plan.schema().as_arrow(), &text, &options)?;
                let snapshot = Arc::downgrade(&self.pinned()?.snapshot);
                *prepared.planned.lock().unwrap_or_else(PoisonError::into_inner) = Some((snapshot, plan));
                Some(columns)
            }
            Some(Command::Explain { .. }) => Some(Columns::text(PLAN, &text, &options)?),
            Some(Command::Show(Some(name))) => Some(Columns::text(name, &text, &options)?),
            Some(Command::Show(None)) => Some(Columns::settings(&text, &options)?),
            Some(Command::Fetch { cursor, .. }) => {
                self.portals.get(cursor).and_then(|portal| portal.columns().cloned())
            }
            _ => None,
        };
        Ok(prepared)
    }

    pub(super) async fn bind(&mut self, bind: &Bind) -> Result<(), Broken> {
        let statement = bind.statement_name.as_deref().unwrap_or_default();
        let name = bind.portal_name.as_deref().unwrap_or_default();
        let prepared = Arc::clone(self.statements.get(statement).ok_or_else(|| no_statement(statement))?);
        let (given, wanted) = (bind.parameters.len(), prepared.parameters.len());
        if given != wanted {
            let message = format!("{given} parameters are bound to a statement that takes {wanted}");
            return Err(Failure::new(code::PROTOCOL, message).into());
        }
        let formats = bind.parameter_format_codes.len();
        if formats > 1 && formats != given {
            let message = format!("{formats} formats are given for {given} parameters");
            return Err(Failure::new(code::PROTOCOL, message).into());
        }
        let codes = bind.parameter_format_codes.iter().chain(&bind.result_column_format_codes);
        if codes.clone().any(|code| !matches!(code, 0 | 1)) {
            return Err(Failure::new(code::PROTOCOL, "formats are 0 for text and 1 for binary").into());
        }
        if !name.is_empty() && self.portals.contains_key(name) {
            let message = format!("portal \"{name}\" already exists");
            return Err(Failure::new(code::CURSOR_TWICE, message).into());
        }
        if self.portals.len() >= PORTALS_MOST {
            let message = format!("{PORTALS_MOST} portals are bound; close some");
            return Err(Failure::new(code::TOO_MUCH, message).into());
        }
        let stored = StoredStatement::new(String::new(), (), prepared.given.clone());
        let bound = Bound::try_new(bind, Arc::new(stored)).map_err(Failure::from)?;
        self.portals.insert(name.to_owned(), Portal { bound: Some((prepared, bound)), state: State::New });
        self.out.feed(Backend::BindComplete(BindComplete::new())).await?;
        Ok(())
    }

    pub(super) async fn describe(&mut self, describe: &Describe) -> Result<(), Broken> {
        let name = describe.name.as_deref().unwrap_or_default();
        let columns = match describe.target_type {
            STATEMENT => {
                let prepared = self.statements.get(name).ok_or_else(|| no_statement(name))?;
                let (oids, columns) = (prepared.parameters.oids(), prepared.columns.clone());
                self.out.feed(Backend::ParameterDescription(ParameterDescription::new(oids))).await?;
                columns
            }
            PORTAL => {
                let portal = self.portals.get(name).ok_or_else(|| no_portal(name))?;
                match &portal.bound {
                    Some((prepared, bound)) => match &prepared.columns {
                        Some(columns) => Some(columns.in_format(&bound.result_column_format)?),
                        None => None,
                    },
                    None => portal.columns().cloned(),
                }
            }
            _ => {
                return Err(
                    Failure::new(code::PROTOCOL, "only statements and portals can be described").into()
                );
            }
        };
        let message = match columns {
            Some(columns) => Backend::RowDescription(columns.description()),
            None => Backend::NoData(NoData::new()),
        };
        self.out.feed(message).await?;
        Ok(())
    }

    pub(super) async fn execute(&mut self, execute: &Execute) -> Result<(), Broken> {
        let name = execute.name.as_deref().unwrap_or_default();
        let most = usize::try_from(execute.max_rows).ok().filter(|most| *most > 0);
        // Out of the map while it works: what fails stays out.
        let mut portal = self.portals.remove(name).ok_or_else(|| no_portal(name))?;
        let Some((prepared, bound)) = portal.bound.take() else {
            self.portals.insert(name.to_owned(), portal);
            return self.fetch(name, most, false).await;
        };
        let Some(command) = &prepared.command else {
            self.out.feed(Backend::EmptyQueryResponse(EmptyQueryResponse::new())).await?;
            return Ok(());
        };
        self.may_go_on(command)?;
        self.begin();
        let note = match portal.state {
            State::New => Some(self.note(&prepared.sql)),
            _ => None,
        };
        let worked = self.execute_command(&mut portal, &prepared, &bound, command, most).await;
        match (&worked, note) {
            (Ok(()), Some(note)) => note.answered(),
            (Err(Broken::Failed(failure)), Some(note)) => note.failed(failure),
            _ => {}
        }
        worked?;
        self.place.slot.end();
        portal.bound = Some((prepared, bound));
        self.portals.insert(name.to_owned(), portal);
        Ok(())
    }

    async fn execute_command(
        &mut self,
        portal: &mut Portal,
        prepared: &Prepared,
        bound: &Bound<()>,
        command: &Command,
        most: Option<usize>,
    ) -> Result<(), Broken> {
        if matches!(portal.state, State::New) {
            let answer = match command {
                Command::Query(_) => {
                    self.has_room()?;
                    Some(self.query(prepared, bound).await?)
                }
                command => self.answer(command, &bound.result_column_format).await?,
            };
            match (answer, command) {
                (Some(answer), _) => portal.state = State::Open(Box::new(answer)),
                (None, Command::Fetch { cursor, most }) => return self.fetch(cursor, *most, false).await,
                (None, command) => return self.change(command.clone()).await,
            }
        }
        let (sent, has_more) = match portal.answer_mut() {
            Some(answer) => self.send_rows(answer, most).await?,
            None => (0, false),
        };
        if has_more {
            self.out.feed(Backend::PortalSuspended(PortalSuspended::new())).await?;
        } else {
            portal.finish();
            self.complete(tag(command, sent)).await?;
        }
        Ok(())
    }

    /// Runs a prepared query with its parameters, on the state that is pinned now.
    async fn query(&mut self, prepared: &Prepared, bound: &Bound<()>) -> Result<Answer, Failure> {
        let Some(Command::Query(statement)) = &prepared.command else { return Err(Failure::read_only()) };
        self.pin().await?;
        let now = Arc::downgrade(&self.pinned()?.snapshot);
        let kept = prepared.planned.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let plan = match kept {
            Some((of, plan)) if Weak::ptr_eq(&of, &now) => plan,
            _ => {
                let plan = parameters::settled(self.plan((**statement).clone()).await?, &prepared.given)?;
                let kept = Some((now, plan.clone()));
                *prepared.planned.lock().unwrap_or_else(PoisonError::into_inner) = kept;
                plan
            }
        };
        let plan = if prepared.parameters.len() > 0 {
            let values = prepared.parameters.values(bound)?;
            plan.replace_params_with_values(&values).map_err(Failure::engine)?
        } else {
            plan
        };
        let answer = self.run(plan, &bound.result_column_format).await?;
        match &prepared.columns {
            Some(told) if !answer.columns().have_types_of(told) => {
                let message =
                    "with these parameters the columns have other types; write casts, as in $1::numeric";
                Err(Failure::new(code::NOT_SUPPORTED, message))
            }
            _ => Ok(answer),
        }
    }

    pub(super) async fn close(&mut self, close: &Close) -> Result<(), Broken> {
        let name = close.name.as_deref().unwrap_or_default();
        match close.target_type {
            STATEMENT => drop(self.statements.remove(name)),
            PORTAL => drop(self.portals.remove(name)),
            _ => return Err(Failure::new(code::PROTOCOL, "only statements and portals can be closed").into()),
        }
        self.out.feed(Backend::CloseComplete(CloseComplete::new())).await?;
        Ok(())
    }
}

fn no_portal(name: &str) -> Failure {
    Failure::new(code::NO_CURSOR, format!("portal \"{name}\" does not exist"))
}
