//! Questions about what the ledger does not have: keys, indexes, triggers, rights.
//!
//! Clients ask them in a SQL that the engine cannot always plan. Where a statement can have no rows, because it joins a
//! table of the catalogue that is empty here, its answer is known without a plan.

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArguments, GroupByExpr, JoinOperator, Query, Select, SelectItem, SetExpr, Statement,
    TableFactor, TableWithJoins,
};

use super::rewrite::plain;
use crate::catalog::EMPTY;

/// Functions that make one row of none.
const AGGREGATES: [&str; 13] = [
    "array_agg",
    "avg",
    "bool_and",
    "bool_or",
    "count",
    "every",
    "first_value",
    "json_agg",
    "json_object_agg",
    "jsonb_agg",
    "max",
    "min",
    "string_agg",
];

/// The names of the columns of a statement that can have no rows; nothing where it may have some.
pub(super) fn columns(statement: &Statement) -> Option<Vec<String>> {
    let Statement::Query(query) = statement else { return None };
    of_query(query)
}

/// Whether a query can have no rows.
pub(super) fn is_empty_query(query: &Query) -> bool {
    of_query(query).is_some()
}

fn of_query(query: &Query) -> Option<Vec<String>> {
    of_body(&query.body)
}

fn of_body(body: &SetExpr) -> Option<Vec<String>> {
    match body {
        SetExpr::Select(select) => of_select(select),
        SetExpr::Query(query) => of_query(query),
        SetExpr::SetOperation { left, right, .. } => of_body(left).filter(|_| of_body(right).is_some()),
        _ => None,
    }
}

fn of_select(select: &Select) -> Option<Vec<String>> {
    let is_grouped = !matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    if !select.from.iter().any(has_no_rows) || (!is_grouped && select.projection.iter().any(sums_up)) {
        return None;
    }
    select.projection.iter().map(name).collect()
}

fn has_no_rows(table: &TableWithJoins) -> bool {
    table.joins.iter().fold(is_empty(&table.relation), |before, join| match &join.join_operator {
        JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_) => {
            before || is_empty(&join.relation)
        }
        JoinOperator::Right(_) | JoinOperator::RightOuter(_) => is_empty(&join.relation),
        JoinOperator::FullOuter(_) => before && is_empty(&join.relation),
        _ => before,
    })
}

fn is_empty(factor: &TableFactor) -> bool {
    match factor {
        TableFactor::Table { name, args: None, .. } => {
            let name = plain(name);
            EMPTY.contains(&name.strip_prefix("pg_catalog.").unwrap_or(&name))
        }
        TableFactor::Derived { subquery, .. } => of_query(subquery).is_some(),
        TableFactor::NestedJoin { table_with_joins, .. } => has_no_rows(table_with_joins),
        _ => false,
    }
}

pub(super) fn sums_up(item: &SelectItem) -> bool {
    let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else { return false };
    // Wherever it stands in the text: better once too often than a row too few.
    let text = expr.to_string().to_lowercase();
    AGGREGATES.iter().any(|name| text.contains(&format!("{name}(")))
}

/// The name that Postgres gives a column.
fn name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        SelectItem::UnnamedExpr(expr) => Some(of_expr(expr)),
        _ => None,
    }
}

fn of_expr(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(ident) => ident.value.clone(),
        Expr::CompoundIdentifier(idents) => {
            idents.last().map(|ident| ident.value.clone()).unwrap_or_default()
        }
        Expr::Function(function) if !matches!(function.args, FunctionArguments::Subquery(_)) => {
            let name = plain(&function.name);
            name.rsplit('.').next().unwrap_or_default().to_owned()
        }
        Expr::Cast { expr, .. } | Expr::Nested(expr) => of_expr(expr),
        Expr::Case { .. } => "case".to_owned(),
        Expr::Array(_) => "array".to_owned(),
        _ => "?column?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::{dialect::PostgreSqlDialect, parser::Parser};

    fn of(sql: &str) -> Option<Vec<String>> {
        columns(&Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap()[0])
    }

    #[test]
    fn what_joins_an_empty_table_is_empty() {
        let names = ["relname", "x", "pg_get_indexdef", "?column?"].map(str::to_owned).to_vec();
        let sql = "SELECT c.relname, i.indkey[0] AS x, pg_catalog.pg_get_indexdef(i.indexrelid), 1 + 1 \
            FROM pg_class c JOIN pg_catalog.pg_index i ON i.indrelid = c.oid LEFT JOIN pg_am a ON true";
        assert_eq!(of(sql), Some(names));
        for sql in [
            "SELECT 1 FROM pg_class, pg_trigger",
            "SELECT a FROM (SELECT unnest(conkey) AS a FROM pg_constraint) x JOIN pg_class c ON true",
            "SELECT conname FROM pg_constraint UNION SELECT indrelid FROM pg_index",
            "SELECT conname, count(*) FROM pg_constraint GROUP BY conname",
        ] {
            assert!(of(sql).is_some(), "{sql}");
        }
    }

    #[test]
    fn what_may_have_rows_is_left_alone() {
        for sql in [
            "SELECT relname FROM pg_class",
            "SELECT c.relname FROM pg_class c LEFT JOIN pg_index i ON i.indrelid = c.oid",
            "SELECT c.relname FROM pg_index i RIGHT JOIN pg_class c ON i.indrelid = c.oid",
            "SELECT count(*) FROM pg_index",
            "SELECT COALESCE(array_agg(conname), '{}') FROM pg_constraint",
            "SELECT * FROM pg_index",
            "SELECT conname FROM pg_constraint UNION SELECT relname FROM pg_class",
            "SELECT 1 FROM emissions e WHERE EXISTS (SELECT 1 FROM pg_index)",
        ] {
            assert_eq!(of(sql), None, "{sql}");
        }
    }
}
