//! What a statement is: one list for both ways to ask.
//!
//! A client's text is parsed once. What is not on the list is refused by its form, before anything is planned; the plan
//! of a query is looked at again by the engine's own check ([`crate::plan`]).

mod empty;
mod rewrite;
mod simplify;

use airshed_query_api::access::Principal;
use datafusion::sql::sqlparser::ast::{
    self, CloseCursor, DeclareType, DiscardObject, Expr, FetchDirection, Ident, ObjectName, Reset, Set,
    SetExpr, Statement, Value,
};

pub(crate) use self::rewrite::Reader;
use crate::{
    failure::{Failure, code},
    settings::Span,
};

/// How much of a plan is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Detail {
    /// It is run, and what its steps took is told.
    pub(crate) analyze: bool,
    pub(crate) verbose: bool,
}

/// What a client may ask for.
#[derive(Debug, Clone)]
pub(crate) enum Command {
    /// Rows: a query, or a look at the tables and columns.
    Query(Box<Statement>),
    Explain {
        of: Box<Statement>,
        detail: Detail,
    },
    /// One setting, or all.
    Show(Option<String>),
    Set {
        name: String,
        value: Option<String>,
        span: Span,
    },
    ResetAll,
    Begin,
    Commit,
    Rollback,
    /// Points within a transaction: nothing is changed, so there is nothing to go back to.
    Savepoint(&'static str),
    RollbackTo,
    Declare {
        cursor: String,
        query: Box<Statement>,
    },
    Fetch {
        cursor: String,
        most: Option<usize>,
    },
    /// One cursor, or all.
    Close(Option<String>),
    /// One prepared statement, or all.
    Deallocate(Option<String>),
    DiscardAll,
    /// Asked of a server that keeps what we do not; its tag is the whole answer.
    Nothing(&'static str),
}

impl Command {
    /// Reads what a statement asks for.
    pub(crate) fn of(statement: Statement) -> Result<Self, Failure> {
        Ok(match statement {
            Statement::Query(query) => {
                only_reads(&query)?;
                Self::Query(Box::new(Statement::Query(query)))
            }
            Statement::ShowTables { .. } | Statement::ShowColumns { .. } | Statement::ExplainTable { .. } => {
                Self::Query(Box::new(statement))
            }
            Statement::Explain { analyze, verbose, statement, format, options, .. } => {
                if format.is_some() {
                    return Err(Failure::new(code::NOT_SUPPORTED, "plans are given as text alone"));
                }
                let Self::Query(of) = Self::of(*statement)? else { return Err(Failure::read_only()) };
                let asked = |name: &str| {
                    let options = options.iter().flatten();
                    options.filter(|option| option.name.value.eq_ignore_ascii_case(name)).any(|option| {
                        !option
                            .arg
                            .as_ref()
                            .is_some_and(|arg| ["false", "off", "0"].contains(&&*text_of(arg).to_lowercase()))
                    })
                };
                let detail =
                    Detail { analyze: analyze || asked("analyze"), verbose: verbose || asked("verbose") };
                Self::Explain { of, detail }
            }
            Statement::ShowVariable { variable } => Self::Show(shown(&variable)),
            Statement::Set(set) => of_set(set)?,
            Statement::Reset(reset) => match reset.reset {
                Reset::ALL => Self::ResetAll,
                Reset::ConfigurationParameter(name) => {
                    Self::Set { name: dotted(&name), value: None, span: Span::Connection }
                }
            },
            Statement::StartTransaction { statements, exception, .. }
                if statements.is_empty() && exception.is_none() =>
            {
                Self::Begin
            }
            Statement::Commit { .. } => Self::Commit,
            Statement::Rollback { savepoint: None, .. } => Self::Rollback,
            Statement::Rollback { savepoint: Some(_), .. } => Self::RollbackTo,
            Statement::Savepoint { .. } => Self::Savepoint("SAVEPOINT"),
            Statement::ReleaseSavepoint { .. } => Self::Savepoint("RELEASE"),
            Statement::Declare { stmts } => of_declare(stmts)?,
            Statement::Fetch { name, direction, into: None, .. } => {
                Self::Fetch { cursor: folded(&name), most: forward(&direction)? }
            }
            Statement::Close { cursor: CloseCursor::All } => Self::Close(None),
            Statement::Close { cursor: CloseCursor::Specific { name } } => Self::Close(Some(folded(&name))),
            Statement::Deallocate { name, .. } => {
                let is_all = name.quote_style.is_none() && name.value.eq_ignore_ascii_case("all");
                Self::Deallocate((!is_all).then(|| folded(&name)))
            }
            Statement::Discard { object_type: DiscardObject::ALL } => Self::DiscardAll,
            Statement::Discard { object_type: DiscardObject::PLANS } => Self::Deallocate(None),
            Statement::UNLISTEN { .. } => Self::Nothing("UNLISTEN"),
            _ => return Err(Failure::read_only()),
        })
    }

    /// Whether it may come in a transaction that failed.
    pub(crate) fn ends_transaction(&self) -> bool {
        matches!(self, Self::Commit | Self::Rollback | Self::RollbackTo)
    }
}

/// Refuses those forms of a query that change something.
fn only_reads(query: &ast::Query) -> Result<(), Failure> {
    for table in query.with.iter().flat_map(|with| &with.cte_tables) {
        only_reads(&table.query)?;
    }
    body_only_reads(&query.body)
}

fn body_only_reads(body: &SetExpr) -> Result<(), Failure> {
    match body {
        SetExpr::Select(select) if select.into.is_none() => Ok(()),
        SetExpr::Query(query) => only_reads(query),
        SetExpr::SetOperation { left, right, .. } => {
            body_only_reads(left).and_then(|()| body_only_reads(right))
        }
        SetExpr::Values(_) | SetExpr::Table(_) => Ok(()),
        _ => Err(Failure::read_only()),
    }
}

fn of_set(set: Set) -> Result<Command, Failure> {
    let span = |is_local: bool| if is_local { Span::Transaction } else { Span::Connection };
    match set {
        Set::SingleAssignment { scope, hivevar: false, variable, values } => {
            let local = scope.is_some_and(|scope| matches!(scope, ast::ContextModifier::Local));
            let texts: Vec<String> = values.iter().map(text_of).collect();
            let is_default = matches!(texts.as_slice(), [one] if one.eq_ignore_ascii_case("default"));
            let value = (!is_default).then(|| texts.join(", "));
            Ok(Command::Set { name: dotted(&variable), value, span: span(local) })
        }
        Set::SetTimeZone { local, value } => {
            let value = Some(text_of(&value));
            Ok(Command::Set { name: "timezone".to_owned(), value, span: span(local) })
        }
        Set::SetNames { charset_name, collation_name: None } => {
            let value = Some(charset_name.value);
            Ok(Command::Set { name: "client_encoding".to_owned(), value, span: Span::Connection })
        }
        // Every level is what it asks for or better: a transaction sees one state.
        Set::SetTransaction { snapshot: None, modes, .. } => {
            let writes = ast::TransactionMode::AccessMode(ast::TransactionAccessMode::ReadWrite);
            if modes.contains(&writes) {
                return Err(Failure::new(
                    code::DENIED,
                    "the ledger is read-only: no transaction can be READ WRITE",
                ));
            }
            Ok(Command::Nothing("SET"))
        }
        _ => Err(Failure::read_only()),
    }
}

fn of_declare(stmts: Vec<ast::Declare>) -> Result<Command, Failure> {
    let Ok([declare]) = <[ast::Declare; 1]>::try_from(stmts) else { return Err(Failure::read_only()) };
    let (Some(DeclareType::Cursor), [name], Some(query)) =
        (&declare.declare_type, declare.names.as_slice(), &declare.for_query)
    else {
        return Err(Failure::read_only());
    };
    if declare.binary == Some(true) || declare.scroll == Some(true) || declare.hold == Some(true) {
        let message = "cursors go forward, as text, to the end of their transaction";
        return Err(Failure::new(code::NOT_SUPPORTED, message));
    }
    only_reads(query)?;
    Ok(Command::Declare { cursor: folded(name), query: Box::new(Statement::Query(query.clone())) })
}

/// How many rows a FETCH takes; nothing for all that are left.
fn forward(direction: &FetchDirection) -> Result<Option<usize>, Failure> {
    let count = |limit: &ast::ValueWithSpan| match &limit.value {
        Value::Number(number, _) => number.parse().map(Some).ok(),
        _ => None,
    };
    let most = match direction {
        FetchDirection::Next | FetchDirection::Forward { limit: None } => Some(Some(1)),
        FetchDirection::Count { limit } | FetchDirection::Forward { limit: Some(limit) } => count(limit),
        FetchDirection::All | FetchDirection::ForwardAll => Some(None),
        _ => None,
    };
    most.ok_or_else(|| Failure::new(code::NOT_SUPPORTED, "cursors go forward only"))
}

/// The setting that SHOW names; nothing for all of them.
fn shown(words: &[Ident]) -> Option<String> {
    let words: Vec<String> = words.iter().map(|word| word.value.to_ascii_lowercase()).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["all"] => None,
        ["time", "zone"] => Some("timezone".to_owned()),
        ["transaction", "isolation", "level"] => Some("transaction_isolation".to_owned()),
        ["session", "authorization"] => Some("session_authorization".to_owned()),
        _ => Some(words.join(".")),
    }
}

fn dotted(name: &ObjectName) -> String {
    let parts = name.0.iter().map(|part| match part.as_ident() {
        Some(ident) => ident.value.clone(),
        None => part.to_string(),
    });
    parts.collect::<Vec<_>>().join(".")
}

/// An identifier as Postgres folds it.
fn folded(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

/// The value of a setting, without its quotes.
fn text_of(value: &Expr) -> String {
    match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text)
            | Value::DoubleQuotedString(text)
            | Value::EscapedStringLiteral(text) => text.clone(),
            other => other.to_string(),
        },
        Expr::Identifier(ident) => ident.value.clone(),
        other => other.to_string(),
    }
}

/// Refuses looks at a plan that tell of rows and files which are not seen.
pub(crate) fn may_explain(who: &Principal, detail: Detail) -> Result<(), Failure> {
    if who.scope.is_everything() || !(detail.analyze || detail.verbose) {
        return Ok(());
    }
    let message = "EXPLAIN ANALYZE and EXPLAIN VERBOSE tell of rows outside of your scope; EXPLAIN alone shows the plan";
    Err(Failure::new(code::DENIED, message))
}

#[cfg(test)]
mod tests;
