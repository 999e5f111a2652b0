//! What the paths that answer with figures have in common: who asks, of which state, in which form.

use std::sync::Arc;

use airshed_domain::{
    id::RunId,
    schema::{self, Table},
};
use airshed_query_api::{
    AsOf, Error, RowStream, Session, Snapshot, access::Principal, audit::Asked, json_rows,
};
use axum::{
    extract::{FromRequestParts, Query},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use futures::TryStreamExt as _;
use serde_json::Value;

use crate::{
    answer::{self, Beside, Form, broken},
    ask::Filter,
    auth::Caller,
    problem::Problem,
    server::State,
};

/// A request for figures.
pub(crate) struct Ask {
    pub(crate) state: Arc<State>,
    pub(crate) caller: Caller,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) session: Session,
    pub(crate) filter: Filter,
    /// The run whose moment is shown, where it is not now.
    pub(crate) as_of: Option<String>,
    pub(crate) form: Form,
    /// What pages of the same answer have in common: the runs that are read, and the question.
    pub(crate) pages_of: [String; 2],
    /// Parameters that are no conditions, and were not taken yet.
    parameters: Vec<(String, String)>,
    e_tag: String,
}

impl FromRequestParts<Arc<State>> for Ask {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Response> {
        let ask = Self::read(parts, state).await.map_err(Problem::into_response)?;
        let known = parts.headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        let is_known = known.is_some_and(|known| {
            known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == ask.e_tag)
        });
        if is_known && parts.method.is_safe() {
            return Err(ask.marked(StatusCode::NOT_MODIFIED.into_response()));
        }
        Ok(ask)
    }
}

impl Ask {
    async fn read(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Problem> {
        let state = Arc::clone(state);
        let caller = Caller::from_request_parts(parts, &state).await?;
        let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let Query(parameters) =
            query.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.body_text()))?;
        let question = question(parts.uri.path(), &parameters, &caller);
        let (filter, mut parameters) = Filter::parse(parameters)?;
        let as_of = take(&mut parameters, "as_of").filter(|run| !run.is_empty());
        let moment = as_of.as_deref().map_or(AsOf::Now, |run| AsOf::Run(RunId::new(run)));
        let snapshot = state.snapshots.at(&moment).await?;
        let session = snapshot.session(&caller.0.scope).await?;
        let form = Form::of(&parts.headers);
        let pages_of = [runs(&snapshot, &caller), question];
        // Who asks is a part of it, as somebody's figures are not another's.
        let Principal { name, role, scope } = &caller.0;
        let mark = format!("{} {form:?} {name} {role} {scope} {}", state.options.version, parts.uri);
        let e_tag = format!("\"{}-{}\"", snapshot.ledger().revision(), hash(&mark));
        Ok(Self { state, caller, snapshot, session, filter, as_of, form, pages_of, parameters, e_tag })
    }

    /// Takes a parameter.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        take(&mut self.parameters, name)
    }

    /// Takes a whole number within bounds.
    pub(crate) fn number(&mut self, name: &str, most: u32) -> Result<Option<u32>, Problem> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (1..=most).contains(number));
        let wrong = || Problem::parameter(name, &format!("a whole number from 1 to {most}"));
        number.map(Some).ok_or_else(wrong)
    }

    /// Refuses parameters that nobody took: a misspelt condition must not pass for none.
    pub(crate) fn nothing_left(&self) -> Result<(), Problem> {
        match self.parameters.first() {
            None => Ok(()),
            Some((name, _)) => Err(Problem::parameter(name, "there is no such parameter here")),
        }
    }

    /// The rollups that the caller sees and that speak of every run, those of fewest rows first.
    pub(crate) fn rollups(&self) -> Vec<Table> {
        let ledger = self.snapshot.ledger();
        let summaries = schema::summaries().into_iter().filter(|table| ledger.is_complete(table.name));
        let of_all = [schema::emissions_monthly(), schema::emissions_daily(), schema::emissions_hourly()];
        let mut rollups: Vec<Table> =
            of_all.into_iter().chain(summaries).filter(|table| self.sees(table.name)).collect();
        rollups.sort_by_key(|table| ledger.rows(table.name));
        rollups
    }

    /// Whether the caller sees a table.
    pub(crate) fn sees(&self, table: &str) -> bool {
        self.session.context().table_exist(table).unwrap_or(false)
    }

    /// Answers with the rows of a statement.
    pub(crate) async fn answer(self, sql: &str, beside: Beside) -> Result<Response, Problem> {
        let rows = self.run(sql).await?;
        Ok(self.marked(answer::table(rows, self.form, beside).await?))
    }

    /// Runs a statement and notes that it was asked.
    pub(crate) async fn run(&self, sql: &str) -> Result<RowStream, Problem> {
        let rows = self.rows(sql).await;
        let failed = rows.as_ref().err().map(Error::kind);
        self.state.audit.asked(Asked { who: &self.caller.0.name, interface: "http", sql, failed });
        Ok(rows?)
    }

    async fn rows(&self, sql: &str) -> Result<RowStream, Error> {
        let revision = self.snapshot.ledger().revision();
        self.state.answers.rows(&revision, &self.caller.0.scope, &self.session, sql).await
    }

    /// The rows of a small answer, as JSON.
    pub(crate) async fn values(&self, sql: &str) -> Result<Vec<Value>, Problem> {
        let batches: Vec<_> = self.rows(sql).await?.try_collect().await.map_err(Error::from_engine)?;
        let mut values = Vec::new();
        for batch in &batches {
            for text in json_rows(batch).map_err(|error| broken(&error))? {
                values.push(serde_json::from_str(&text).map_err(|error| broken(&error))?);
            }
        }
        Ok(values)
    }

    /// The answer with its mark: the same as long as the ledger is.
    pub(crate) fn marked(&self, mut response: Response) -> Response {
        if let Ok(e_tag) = HeaderValue::from_str(&self.e_tag) {
            response.headers_mut().insert(header::ETAG, e_tag);
        }
        let caching = HeaderValue::from_static("private, no-cache");
        response.headers_mut().insert(header::CACHE_CONTROL, caching);
        response
            .headers_mut()
            .insert(header::VARY, HeaderValue::from_static("Accept, Cookie, Authorization"));
        response
    }
}

/// Which runs are read. Tables that collectors write to do not matter to figures, save where they say which accounts a
/// unit has.
fn runs(snapshot: &Snapshot, caller: &Caller) -> String {
    let ledger = snapshot.ledger();
    if !caller.0.scope.units.is_empty() {
        return ledger.revision();
    }
    let runs: Vec<String> = ledger.runs().iter().map(|(period, run)| format!("{period} {run}")).collect();
    hash(&runs.join("\n"))
}

/// What is asked, the page aside.
fn question(path: &str, parameters: &[(String, String)], caller: &Caller) -> String {
    let of_the_page = ["cursor", "limit"];
    let mut asked: Vec<_> =
        parameters.iter().filter(|(name, _)| !of_the_page.contains(&name.as_str())).collect();
    asked.sort();
    hash(&format!("{path} {asked:?} {}", caller.0.scope))
}

fn hash(text: &str) -> String {
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
}

fn take(parameters: &mut Vec<(String, String)>, name: &str) -> Option<String> {
    let index = parameters.iter().position(|(known, _)| known == name)?;
    Some(parameters.remove(index).1)
}
