//! Reads the SQL of Postgres clients into statements that the engine knows.
//!
//! `datafusion-pg-catalog` bends statements until they can be planned: subqueries that it cannot plan become NULL,
//! others get a LIMIT, columns new names. For questions about the catalogue that is good enough, as the answers are
//! names. Of the ledger it would give wrong numbers without a word, so a statement that reads one of our tables is only
//! changed where the meaning stays: how functions are named, and `= ANY (array)`.

use std::ops::ControlFlow;

use airshed_domain::schema;
use airshed_query_api::{VIEWS, check_references, check_size};
use datafusion::sql::sqlparser::{
    ast::{
        CastKind, Expr, Ident, ObjectName, Query, Statement, TableFactor, Value, Visit, VisitMut, Visitor,
        VisitorMut,
    },
    dialect::PostgreSqlDialect,
    parser::Parser,
};
use datafusion_postgres::datafusion_pg_catalog::{
    pg_catalog::PG_CATALOG_TABLES,
    sql::{
        PostgresCompatibilityParser,
        rules::{
            CurrentUserVariableToSessionUserFunctionCall, FixVersionColumnName, RewriteArrayAnyAllOperation,
            RewritePgCatalogOperator, RewriteRegCastToSubquery, SqlStatementRewriteRule,
            StripCallableQualifier,
        },
    },
};

use super::simplify::{call, named, simplified};
use crate::{
    catalog::{PG_INDEXES, oid},
    failure::{Failure, code},
};

/// How deep statements may be nested.
const DEPTH_MOST: usize = 100;

/// Reads statements.
pub(crate) struct Reader {
    /// For questions about the catalogue.
    catalogue: PostgresCompatibilityParser,
    /// For all others: rules that do not change what is asked.
    faithful: Vec<Box<dyn SqlStatementRewriteRule>>,
    /// Tables and views of the ledger.
    ledger: Vec<&'static str>,
}

impl Reader {
    pub(crate) fn new() -> Self {
        let faithful: Vec<Box<dyn SqlStatementRewriteRule>> = vec![
            Box::new(RewriteArrayAnyAllOperation),
            Box::new(StripCallableQualifier),
            Box::new(CurrentUserVariableToSessionUserFunctionCall),
            Box::new(RewritePgCatalogOperator),
            Box::new(RewriteRegCastToSubquery::new()),
            Box::new(FixVersionColumnName),
        ];
        let tables = schema::all().into_iter().map(|table| table.name);
        let ledger = tables.chain(VIEWS.iter().map(|view| view.name)).collect();
        Self { catalogue: PostgresCompatibilityParser::new(), faithful, ledger }
    }

    /// The statements of a text.
    pub(crate) fn read(&self, sql: &str) -> Result<Vec<Statement>, Failure> {
        let too_deep = |error: airshed_query_api::Error| Failure::core(&error, code::TOO_COMPLEX);
        check_size(sql).map_err(too_deep)?;
        let parsed = Parser::new(&PostgreSqlDialect {})
            .with_recursion_limit(DEPTH_MOST)
            .try_with_sql(sql)
            .and_then(|mut parser| parser.parse_statements());
        let mut statements = match parsed {
            Ok(statements) => statements,
            // Some questions of psql are only understood in the form that they are replaced with.
            Err(error) => match self.catalogue.parse(sql) {
                Ok(replaced) if replaced.iter().all(|statement| self.is_about_the_catalogue(statement)) => {
                    return Ok(replaced.into_iter().map(simplified).collect());
                }
                _ => return Err(error.into()),
            },
        };
        let mut is_resolved = false;
        for statement in &mut statements {
            check_references(statement).map_err(too_deep)?;
            is_resolved |= resolve_system_tables(statement);
        }
        if !statements.is_empty() && statements.iter().all(|statement| self.is_about_the_catalogue(statement))
        {
            // Its replacements of whole questions look at the text.
            let text: Vec<String> = statements.iter().map(ToString::to_string).collect();
            let text = if is_resolved { text.join(";") } else { sql.to_owned() };
            return Ok(self.catalogue.parse(&text)?.into_iter().map(simplified).collect());
        }
        statements.into_iter().map(|statement| self.bend(statement)).collect()
    }

    fn bend(&self, statement: Statement) -> Result<Statement, Failure> {
        if self.is_about_the_catalogue(&statement) {
            return Ok(simplified(self.catalogue.rewrite(statement)));
        }
        if let ControlFlow::Break(failure) = Visit::visit(&statement, &mut ArrayTexts) {
            return Err(failure);
        }
        Ok(self.faithful.iter().fold(statement, |statement, rule| rule.rewrite(statement)))
    }

    /// The statement without rows that answers one which cannot be planned, where that is certain to have none.
    pub(crate) fn empty(&self, statement: &Statement) -> Option<Statement> {
        if !self.is_about_the_catalogue(statement) {
            return None;
        }
        let mut names = Vec::new();
        for name in super::empty::columns(statement)? {
            let taken = names.iter().filter(|taken| **taken == name).count();
            // The engine takes each name once only.
            names.push(if taken == 0 { name } else { format!("{name}_{}", names.len()) });
        }
        let columns = names.iter().map(|name| format!("NULL::text AS \"{}\"", name.replace('"', "\"\"")));
        let sql = format!("SELECT {} WHERE false", columns.collect::<Vec<_>>().join(", "));
        Parser::parse_sql(&PostgreSqlDialect {}, &sql).ok()?.into_iter().next()
    }

    /// Whether a statement reads tables of the catalogue and no others.
    fn is_about_the_catalogue(&self, statement: &Statement) -> bool {
        let mut names = Names::default();
        // It never breaks off.
        let _ = Visit::visit(statement, &mut names);
        let tables = &names.tables;
        tables.iter().any(|table| is_of_the_catalogue(table))
            && tables.iter().all(|table| is_of_the_catalogue(table) || names.own.contains(table))
            && !tables.iter().any(|table| self.ledger.contains(&table.as_str()))
    }
}

fn is_of_the_catalogue(name: &str) -> bool {
    match name.rsplit_once('.') {
        Some((schema, _)) => {
            let schema = schema.rsplit('.').next().unwrap_or(schema);
            schema == "pg_catalog" || schema == "information_schema"
        }
        None => PG_CATALOG_TABLES.contains(&name),
    }
}

/// Tables that a statement names, and names that it gives by itself (`WITH`).
#[derive(Default)]
struct Names {
    tables: Vec<String>,
    own: Vec<String>,
}

impl Visitor for Names {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let with = query.with.iter().flat_map(|with| &with.cte_tables);
        self.own.extend(with.map(|table| table.alias.name.value.to_lowercase()));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        // What has arguments is a function.
        if let TableFactor::Table { name, args: None, .. } = factor {
            self.tables.push(plain(name));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        if let Statement::ExplainTable { table_name, .. } = statement {
            self.tables.push(plain(table_name));
        }
        ControlFlow::Continue(())
    }
}

/// A name in lower case, with its qualifiers.
pub(super) fn plain(name: &ObjectName) -> String {
    let parts = name.0.iter().filter_map(|part| part.as_ident());
    parts.map(|ident| ident.value.to_lowercase()).collect::<Vec<_>>().join(".")
}

/// Refuses arrays that are written as a text with quotes in it, which the rule for `= ANY` would cut in the wrong places.
struct ArrayTexts;

impl Visitor for ArrayTexts {
    type Break = Failure;

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Failure> {
        if let Expr::AnyOp { right, .. } | Expr::AllOp { right, .. } = expr
            && let Some(text) = literal(right)
            && text.contains(['"', '\\'])
        {
            let message = "write arrays with quoted elements as ARRAY['..', '..']";
            return ControlFlow::Break(Failure::new(code::NOT_SUPPORTED, message));
        }
        ControlFlow::Continue(())
    }
}

/// Gives `'pg_class'::regclass` the number that it has in every Postgres. Comments are found by it, and the rule that
/// looks names up only looks in `public`. The name that a parameter or a function gives is looked up by a function. What a
/// type is read by, `'array_in'::regproc`, stands in `pg_type` by its name. The view of indexes is named with its schema, as
/// the rule that does so for others does not know it.
fn resolve_system_tables(statement: &mut Statement) -> bool {
    struct Resolve {
        is_changed: bool,
        /// Names that the statement gives by itself.
        own: Vec<String>,
    }
    impl VisitorMut for Resolve {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if let Expr::Cast {
                kind: CastKind::Cast | CastKind::DoubleColon, expr: inner, data_type, ..
            } = expr
            {
                let to = named(data_type);
                if to == "regproc"
                    && let Some(name) = literal(inner)
                {
                    let name = name.strip_prefix("pg_catalog.").unwrap_or(name).to_owned();
                    *expr = Expr::Value(Value::SingleQuotedString(name).into());
                    self.is_changed = true;
                } else if to != "regclass" {
                    return ControlFlow::Continue(());
                } else if let Some(number) = literal(inner).and_then(oid::of_system_table) {
                    *expr = Expr::Value(Value::Number(number.to_string(), false).into());
                    self.is_changed = true;
                } else if matches!(inner.as_ref(), Expr::Function(_))
                    || matches!(inner.as_ref(), Expr::Value(value) if matches!(value.value, Value::Placeholder(_)))
                {
                    *expr = call("to_regclass", vec![(**inner).clone()]);
                    self.is_changed = true;
                }
            }
            ControlFlow::Continue(())
        }

        fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
            if let TableFactor::Table { name, args: None, .. } = factor
                && plain(name) == PG_INDEXES
                && !self.own.iter().any(|own| own == PG_INDEXES)
            {
                *name = ObjectName::from(vec![Ident::new("pg_catalog"), Ident::new(PG_INDEXES)]);
                self.is_changed = true;
            }
            ControlFlow::Continue(())
        }
    }
    let mut names = Names::default();
    // It never breaks off.
    let _ = Visit::visit(&*statement, &mut names);
    let mut resolve = Resolve { is_changed: false, own: names.own };
    let _ = VisitMut::visit(statement, &mut resolve);
    resolve.is_changed
}

fn literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sql: &str) -> String {
        let statements = Reader::new().read(sql).unwrap();
        statements.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn questions_to_the_ledger_are_not_bent() {
        for sql in [
            "SELECT (SELECT sum(x) FROM emissions AS e WHERE e.a = r.a) FROM runs AS r",
            "SELECT (SELECT x FROM emissions) AS x",
            "WITH w AS (SELECT 1 AS a) SELECT a, (SELECT x FROM runs WHERE runs.a = w.a) FROM w",
            "SELECT day, * FROM carbon_daily",
            "SELECT x FROM \"emissions\" WHERE (SELECT 1) = 1",
            "WITH emissions AS (SELECT 1 AS a FROM emissions, pg_class) SELECT (SELECT a FROM emissions) FROM emissions",
            "SELECT x, (SELECT count(*) FROM generate_series(1, 3) AS s WHERE s.value < x) FROM (VALUES (1)) AS t (x)",
        ] {
            assert_eq!(read(sql), sql);
        }
    }

    #[test]
    fn the_meaning_stays() {
        let any = "SELECT x FROM emissions WHERE account_id = ANY (ARRAY['1', '2'])";
        assert_eq!(read(any), "SELECT x FROM emissions WHERE array_contains(ARRAY['1', '2'], account_id)");
        let call = "SELECT pg_catalog.lower(x) FROM emissions";
        assert_eq!(read(call), "SELECT lower(x) FROM emissions");
        let quoted = r#"SELECT x FROM emissions WHERE account_id = ANY ('{"a,b"}')"#;
        assert_eq!(Reader::new().read(quoted).unwrap_err().code, code::NOT_SUPPORTED);
    }

    #[test]
    fn system_tables_have_the_numbers_of_postgres() {
        let sql = "SELECT d.description FROM pg_description AS d WHERE d.classoid = 'pg_class'::regclass";
        assert!(read(sql).contains("d.classoid = 1259"), "{}", read(sql));
        let sql = "SELECT 1 FROM pg_type WHERE typinput = 'pg_catalog.array_in'::regproc";
        assert!(read(sql).contains("typinput = 'array_in'"), "{}", read(sql));
        let sql = "SELECT 1 FROM pg_description WHERE classoid = $1::regclass";
        assert!(read(sql).contains("classoid = to_regclass($1)"), "{}", read(sql));
        let sql = "SELECT 1 FROM pg_description WHERE classoid = CAST('pg_catalog.pg_class' AS REGCLASS)";
        assert!(read(sql).contains("classoid = 1259"), "{}", read(sql));
    }

    #[test]
    fn deep_nesting_is_refused() {
        let sql = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
        assert_eq!(Reader::new().read(&sql).unwrap_err().code, code::TOO_COMPLEX);
        for sql in [
            format!("SELECT 1{}", "::int".repeat(100_000)),
            format!("SELECT 1{}", " UNION SELECT 1".repeat(10_000)),
            format!("SELECT {}1{}", "(SELECT ".repeat(20), ")".repeat(20)),
            format!("SELECT 1 FROM runs{}", ", runs".repeat(1_001)),
        ] {
            assert_eq!(Reader::new().read(&sql).unwrap_err().code, code::TOO_COMPLEX);
        }
    }
}
