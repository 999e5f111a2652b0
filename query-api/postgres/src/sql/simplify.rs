//! Questions about the catalogue in a form that the engine can plan. Their answers are names, so a list that is empty
//! here or the first of several rows is as good as the whole.

use std::ops::ControlFlow;

use airshed_query_api::SCHEMA;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, GroupByExpr, Ident, ObjectName, Query, Select, SelectItem, SetExpr, Statement, Value,
    VisitMut, VisitorMut,
};

use super::{
    empty::{is_empty_query, sums_up},
    rewrite::plain,
};

/// Takes `ARRAY(SELECT ..)` out of a question: the lists that clients ask for with it, such as the groups of a user, are
/// empty here, and so are values of tables that are empty. Types are named where a number is cast to `regtype` and that to
/// a text. Of a value that is looked up, the first row is taken: the engine must see that there is one.
pub(super) fn simplified(mut statement: Statement) -> Statement {
    struct Simplify;
    impl VisitorMut for Simplify {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            let null = || Expr::Value(Value::Null.into());
            let other = match expr {
                Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } if is_list(right) => {
                    Some((**left).clone())
                }
                // There is no list to write as a text.
                Expr::Function(function)
                    if plain(&function.name) == "array_to_string" && is_of_list(function) =>
                {
                    Some(null())
                }
                Expr::Subquery(query) if is_empty_query(query) => Some(null()),
                Expr::Subquery(query) => {
                    take_first(query);
                    None
                }
                // The stock leaves nothing of the path on which tables are found.
                Expr::InList { expr: name, list, .. }
                    if is_call(name, "quote_ident")
                        && matches!(list.as_slice(), [one] if is_nothing(one)) =>
                {
                    *list = vec![Expr::Value(Value::SingleQuotedString(SCHEMA.to_owned()).into())];
                    None
                }
                // Lists of types are lists of their numbers.
                Expr::Cast { expr: inner, data_type, .. } if named(data_type) == "regtype[]" => {
                    Some((**inner).clone())
                }
                Expr::Cast { expr: inner, data_type: text, .. } if is_text(text) => match inner.as_ref() {
                    Expr::Cast { expr: number, data_type, .. } if named(data_type) == "regtype" => {
                        Some(call("format_type", vec![(**number).clone(), null()]))
                    }
                    _ => None,
                },
                _ => None,
            };
            if let Some(other) = other {
                *expr = other;
            }
            if is_list(expr) {
                *expr = null();
            }
            ControlFlow::Continue(())
        }
    }
    let _ = VisitMut::visit(&mut statement, &mut Simplify);
    statement
}

/// Takes the first row alone of a plain query for one value.
fn take_first(query: &mut Query) {
    if let Some(item) = only_item(query)
        && !sums_up(item)
        && let SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. } = item
    {
        *item = SelectItem::UnnamedExpr(call("first_value", vec![value.clone()]));
    }
}

/// What a plain query of one column selects.
fn only_item(query: &mut Query) -> Option<&mut SelectItem> {
    if query.limit_clause.is_some() || query.order_by.is_some() {
        return None;
    }
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    let Select { projection, from, group_by: GroupByExpr::Expressions(keys, _), .. } = select.as_mut() else {
        return None;
    };
    match projection.as_mut_slice() {
        [item] if !from.is_empty() && keys.is_empty() => Some(item),
        _ => None,
    }
}

fn is_call(expr: &Expr, of: &str) -> bool {
    matches!(expr, Expr::Function(function) if plain(&function.name) == of)
}

fn is_nothing(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if matches!(&value.value, Value::SingleQuotedString(text) if text.is_empty()))
}

fn is_list(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(function)
        if matches!(function.args, FunctionArguments::Subquery(_)) && plain(&function.name) == "array")
}

fn is_of_list(function: &Function) -> bool {
    matches!(&function.args, FunctionArguments::List(list)
        if matches!(list.args.first(), Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(first))) if is_list(first)))
}

fn is_text(data_type: &DataType) -> bool {
    matches!(named(data_type).as_str(), "text" | "varchar" | "name")
}

/// The name of a type without its schema, in lower case.
pub(super) fn named(data_type: &DataType) -> String {
    let name = data_type.to_string().to_lowercase();
    name.strip_prefix("pg_catalog.").unwrap_or(&name).to_owned()
}

/// A call of a function.
pub(super) fn call(name: &str, args: Vec<Expr>) -> Expr {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect();
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        args: FunctionArguments::List(FunctionArgumentList {
            args,
            duplicate_treatment: None,
            clauses: Vec::new(),
        }),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::{dialect::PostgreSqlDialect, parser::Parser};

    fn parsed(sql: &str) -> Statement {
        Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap().remove(0)
    }

    #[test]
    fn lists_and_names_of_types_are_simple() {
        for (sql, expected) in [
            ("SELECT ARRAY(SELECT 1)", "SELECT NULL"),
            ("SELECT a || array(SELECT b FROM c)", "SELECT a"),
            ("SELECT t.oid::regtype::text", "SELECT format_type(t.oid, NULL)"),
            (
                "SELECT CASE WHEN x = 0 THEN '' ELSE x::pg_catalog.regtype::pg_catalog.text END",
                "SELECT CASE WHEN x = 0 THEN '' ELSE format_type(x, NULL) END",
            ),
            ("SELECT quote_ident(s) IN ('') FROM t", "SELECT quote_ident(s) IN ('public') FROM t"),
            ("SELECT a::regtype[]::text[]", "SELECT a::TEXT[]"),
            ("SELECT ARRAY[1, 2], x::text, 'a' || b", "SELECT ARRAY[1, 2], x::TEXT, 'a' || b"),
        ] {
            assert_eq!(simplified(parsed(sql)).to_string(), expected);
        }
    }

    #[test]
    fn values_are_of_one_row() {
        for (sql, expected) in [
            (
                "SELECT 1 FROM t WHERE (SELECT c.a = 'c' FROM c WHERE c.b = t.b) OR t.b = 0",
                "SELECT 1 FROM t WHERE (SELECT first_value(c.a = 'c') FROM c WHERE c.b = t.b) OR t.b = 0",
            ),
            ("SELECT array_to_string(ARRAY(SELECT a FROM c), ', ')", "SELECT NULL"),
            ("SELECT (SELECT json_build_object('a', 1) FROM pg_sequence)", "SELECT NULL"),
            ("SELECT (SELECT max(a) FROM c)", "SELECT (SELECT max(a) FROM c)"),
            ("SELECT (SELECT a FROM c LIMIT 1)", "SELECT (SELECT a FROM c LIMIT 1)"),
            ("SELECT (SELECT 1)", "SELECT (SELECT 1)"),
        ] {
            assert_eq!(simplified(parsed(sql)).to_string(), expected);
        }
    }
}
