//! Views with plain names, for questions that everybody asks. Each is a file that begins with what it holds.

use std::sync::Arc;

use datafusion::{catalog::view::ViewTable, prelude::SessionContext};

use crate::{
    error::{Error, ErrorKind, Result},
    session::typed,
};

/// A view.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Its name.
    pub name: &'static str,
    sql: &'static str,
}

macro_rules! views {
    ($($name:literal),* $(,)?) => {
        &[$(View { name: $name, sql: include_str!(concat!("views/", $name, ".sql")) }),*]
    };
}

/// Every view.
pub const VIEWS: &[View] = views![
    "carbon_by_account",
    "carbon_by_team",
    "carbon_daily",
    "carbon_hours",
    "carbon_monthly",
    "cost_and_carbon",
    "provider_variance",
    "top_movers",
    "unmapped_usage",
];

impl View {
    /// What it holds, in a sentence: the first line of its file.
    pub fn comment(&self) -> &'static str {
        self.sql.lines().next().and_then(|line| line.strip_prefix("-- ")).unwrap_or_default()
    }

    /// Its statement.
    pub fn sql(&self) -> &'static str {
        self.sql
    }
}

/// Registers the views whose tables are there: in a scope some are not.
pub(crate) async fn register(context: &SessionContext) -> Result<()> {
    let state = context.state();
    for view in VIEWS {
        let statement = state.sql_to_statement(view.sql, &datafusion::config::Dialect::Generic);
        let statement = statement.map_err(Error::from_engine)?;
        let tables = state.resolve_table_references(&statement).map_err(Error::from_engine)?;
        if !tables.into_iter().all(|table| context.table_exist(table).unwrap_or(false)) {
            continue;
        }
        let planned = state.statement_to_plan(statement).await.and_then(|plan| typed(&state, plan));
        let plan = planned.map_err(|e| {
            Error::with_source(ErrorKind::Corrupt, format!("the view `{}` cannot be planned", view.name), e)
        })?;
        let table = ViewTable::new(plan, Some(view.sql.to_owned()));
        context.register_table(view.name, Arc::new(table)).map_err(Error::from_engine)?;
    }
    Ok(())
}
