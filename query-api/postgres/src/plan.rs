//! From a statement to a plan that may be run.

use airshed_query_api::typed;
use datafusion::{
    execution::context::SQLOptions,
    logical_expr::LogicalPlan,
    prelude::SessionContext,
    sql::{
        parser::Statement as EngineStatement,
        sqlparser::ast::{DescribeAlias, Statement},
    },
};

use crate::{
    answer::Answer,
    failure::Failure,
    sql::{Detail, Reader},
};

/// Plans a statement that was found to be a query.
pub(crate) async fn plan(
    reader: &Reader,
    context: &SessionContext,
    statement: Statement,
) -> Result<LogicalPlan, Failure> {
    let empty = reader.empty(&statement);
    match (as_it_is(context, statement).await, empty) {
        (Err(_), Some(empty)) => as_it_is(context, empty).await,
        (planned, _) => planned,
    }
}

/// Plans a statement, and looks at the plan once more.
async fn as_it_is(context: &SessionContext, statement: Statement) -> Result<LogicalPlan, Failure> {
    let statement = EngineStatement::Statement(Box::new(statement));
    let plan = Box::pin(context.state().statement_to_plan(statement)).await.map_err(Failure::engine)?;
    let allowed = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    allowed.verify_plan(&plan).map_err(|_| Failure::read_only())?;
    typed(&context.state(), plan).map_err(Failure::engine)
}

/// The statement that explains another.
pub(crate) fn explain(of: Statement, Detail { analyze, verbose }: Detail) -> Statement {
    Statement::Explain {
        describe_alias: DescribeAlias::Explain,
        analyze,
        verbose,
        query_plan: false,
        estimate: false,
        statement: Box::new(of),
        format: None,
        options: None,
    }
}

/// The lines of a plan as it is written before anything of the files is known. For somebody who does not see all rows:
/// later plans name files and count rows.
pub(crate) fn logical_lines(context: &SessionContext, plan: &LogicalPlan) -> Result<Vec<String>, Failure> {
    let optimised = context.state().optimize(plan).map_err(Failure::engine)?;
    Ok(optimised.display_indent().to_string().lines().map(str::to_owned).collect())
}

/// The lines of what the engine answers to EXPLAIN: kinds of plans and their texts.
pub(crate) async fn lines(answer: &mut Answer) -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    for row in answer.texts().await? {
        let mut texts = row.into_iter();
        lines.extend(texts.next().map(|kind| format!("{kind}:")));
        lines.extend(texts.flat_map(|text| text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>()));
    }
    Ok(lines)
}
