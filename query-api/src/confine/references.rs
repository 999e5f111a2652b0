//! How much a statement becomes when it is planned: what is named by `WITH` is planned again wherever it is used.

use std::{collections::HashMap, ops::ControlFlow};

use datafusion::sql::sqlparser::ast::{
    self, ArrayElemTypeDef, DataType, Expr, Query, TableFactor, Visit as _, Visitor,
};

use crate::error::{Error, ErrorKind, Result};

/// Tables that a statement reads, each as often as it is read.
const RELATIONS_MOST: u64 = 1_000;
/// Queries within queries: each doubles what the optimiser does.
const NESTED_MOST: usize = 12;
/// Expressions of one `CUBE`, `ROLLUP`, of which 2^n and n groupings are made.
const CUBE_MOST: usize = 8;

/// Refuses a statement that becomes too much when it is planned.
///
/// # Errors
/// [`ErrorKind::Statement`], with what is too much.
pub fn check_references(statement: &ast::Statement) -> Result<()> {
    let mut weigh = Weigh { queries: vec![Weighed::default()] };
    let refused = match statement.visit(&mut weigh) {
        ControlFlow::Break(message) => Some(message),
        ControlFlow::Continue(()) => {
            let relations = weigh.queries.first().map_or(0, |all| all.relations);
            (relations > RELATIONS_MOST).then(|| {
                format!("the statement reads tables {relations} times, counting each use of what WITH names, and {RELATIONS_MOST} are allowed")
            })
        }
    };
    refused.map_or(Ok(()), |message| Err(Error::new(ErrorKind::Statement, message)))
}

/// A query that is being read.
#[derive(Default)]
struct Weighed {
    relations: u64,
    /// Where the queries of its `WITH` are, and their names.
    with: Vec<(*const Query, String)>,
    /// What those that were read already weigh.
    names: HashMap<String, u64>,
}

/// The queries that are open, outermost first; the first is the statement.
struct Weigh {
    queries: Vec<Weighed>,
}

impl Visitor for Weigh {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        let with = query.with.iter().flat_map(|with| {
            with.cte_tables
                .iter()
                .map(|table| (&raw const *table.query, table.alias.name.value.to_lowercase()))
        });
        if self.queries.len() > NESTED_MOST {
            return ControlFlow::Break(format!(
                "the statement has more than {NESTED_MOST} queries within one another; name some by WITH"
            ));
        }
        self.queries.push(Weighed { with: with.collect(), ..Weighed::default() });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        let (Some(done), Some(outer)) = (self.queries.pop(), self.queries.last_mut()) else {
            return ControlFlow::Continue(());
        };
        outer.relations = outer.relations.saturating_add(done.relations);
        let named = outer.with.iter().find(|(at, _)| std::ptr::eq(*at, query));
        if let Some((_, name)) = named {
            outer.names.insert(name.clone(), done.relations);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<String> {
        let relations = match factor {
            TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } => 0,
            TableFactor::Table { name, .. } => match name.0.as_slice() {
                [part] => {
                    let name = part.as_ident().map(|ident| ident.value.to_lowercase()).unwrap_or_default();
                    let named = self.queries.iter().rev().find_map(|query| query.names.get(&name));
                    named.map_or(1, |relations| (*relations).max(1))
                }
                _ => 1,
            },
            _ => 1,
        };
        if let Some(query) = self.queries.last_mut() {
            query.relations = query.relations.saturating_add(relations);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        match expr {
            Expr::Cube(sets) | Expr::Rollup(sets) if sets.len() > CUBE_MOST => ControlFlow::Break(format!(
                "a CUBE or ROLLUP has {} expressions, and {CUBE_MOST} are allowed",
                sets.len()
            )),
            Expr::Cast { data_type, .. } if has_length(data_type) => ControlFlow::Break(
                "arrays of a fixed length are not supported; leave the length out".to_owned(),
            ),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Whether a type is, or holds, an array of a fixed length. Even its null takes the memory of all its elements.
fn has_length(data_type: &DataType) -> bool {
    match data_type {
        DataType::Array(ArrayElemTypeDef::SquareBracket(_, Some(_))) => true,
        DataType::Array(
            ArrayElemTypeDef::SquareBracket(inner, None)
            | ArrayElemTypeDef::AngleBracket(inner)
            | ArrayElemTypeDef::Parenthesis(inner),
        ) => has_length(inner),
        DataType::Struct(fields, _) => fields.iter().any(|field| has_length(&field.field_type)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::{dialect::GenericDialect, parser::Parser};

    use super::*;

    /// What a statement is refused with.
    fn refusal(sql: &str) -> String {
        let statements = Parser::parse_sql(&GenericDialect {}, sql).unwrap();
        check_references(&statements[0]).err().map(|error| error.public_message()).unwrap_or_default()
    }

    #[test]
    fn queries_within_queries_are_counted() {
        let nested = |times: usize| format!("SELECT {}1{}", "(SELECT ".repeat(times), ")".repeat(times));
        assert_eq!(refusal(&nested(11)), "");
        assert!(refusal(&nested(12)).contains("within one another"));
        assert_eq!(refusal(&format!("SELECT (SELECT 1){}", ", (SELECT 1)".repeat(50))), "");
    }

    #[test]
    fn what_is_used_twice_counts_twice() {
        let doubling = |levels: u32| {
            let more = (1..=levels).map(|n| format!(", t{n} AS (SELECT a.x FROM t{0} a, T{0} b)", n - 1));
            format!(
                "WITH t0 AS (SELECT 1 AS x FROM e){} SELECT count(*) FROM t{levels}",
                more.collect::<String>()
            )
        };
        assert_eq!(refusal(&doubling(7)), "");
        assert!(refusal(&doubling(25)).contains("1000 are allowed"), "{}", refusal(&doubling(25)));
        assert!(refusal(&doubling(70)).contains("1000 are allowed"));
    }

    #[test]
    fn inner_names_hide_outer_ones() {
        let uses = vec!["SELECT * FROM t"; 90].join(" UNION ALL ");
        let wide = format!("SELECT 1 FROM {}", vec!["e"; 50].join(", "));
        assert_eq!(refusal(&format!("WITH t AS ({wide}) SELECT * FROM (WITH t AS (SELECT 1) {uses}) x")), "");
        let outer = format!("WITH t AS ({wide}) SELECT * FROM (WITH u AS (SELECT 1) {uses}) x");
        assert!(refusal(&outer).contains("tables"), "{}", refusal(&outer));
        let in_expression = format!("WITH t AS ({wide}) SELECT EXISTS ({uses})");
        assert!(refusal(&in_expression).contains("tables"), "{}", refusal(&in_expression));
    }

    #[test]
    fn many_tables_pass_and_too_many_do_not() {
        assert_eq!(refusal(&format!("SELECT 1 FROM {}", vec!["e"; 1_000].join(", "))), "");
        assert!(refusal(&format!("SELECT 1 FROM {}", vec!["e"; 1_001].join(", "))).contains("1001 times"));
    }

    #[test]
    fn wide_cubes_and_long_types_are_refused() {
        assert_eq!(refusal("SELECT 1 FROM e GROUP BY CUBE (a, b, c)"), "");
        assert!(refusal("SELECT 1 FROM e GROUP BY CUBE (a, b, c, d, e, f, g, h, i)").contains("CUBE"));
        assert_eq!(refusal("SELECT CAST(NULL AS INT[])"), "");
        for data_type in ["INT[2000000000]", "INT[2000000000][]", "STRUCT<a INT[2000000000]>"] {
            assert!(refusal(&format!("SELECT CAST(NULL AS {data_type})")).contains("length"), "{data_type}");
        }
    }
}
