//! What a statement may be: one query, or a look at a plan or the catalogue, of a size that can be planned.

mod patterns;
mod references;
mod size;

use datafusion::{
    error::DataFusionError,
    execution::context::SQLOptions,
    sql::{
        parser::{DFParser, Statement},
        sqlparser::ast,
    },
};

pub(crate) use self::patterns::check_patterns;
pub use self::{references::check_references, size::check_size};
use crate::error::{Error, ErrorKind, Result};

/// What a statement may be; said whenever it is something else.
pub const READ_ONLY: &str = "the ledger is read-only: only SELECT, WITH, VALUES, EXPLAIN, DESCRIBE and SHOW TABLES or COLUMNS are allowed";

/// Options under which the planner refuses data definition, changes and session statements.
pub(crate) fn options() -> SQLOptions {
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false)
}

/// Reads one statement. Refuses whatever is not one query, or too large to be planned, with a message that says what is
/// allowed.
pub(crate) fn read(sql: &str) -> Result<Statement> {
    check_size(sql)?;
    let statements = DFParser::parse_sql(sql).map_err(not_parsed)?;
    let mut statements = statements.into_iter();
    let (Some(statement), None) = (statements.next(), statements.next()) else {
        return Err(Error::new(ErrorKind::Statement, "give one statement at a time"));
    };
    let Some(inner) = read_only(&statement) else {
        return Err(Error::new(ErrorKind::Statement, READ_ONLY));
    };
    check_references(inner)?;
    Ok(statement)
}

/// The parser's own error; what the engine puts around it says the same in other words.
fn not_parsed(error: DataFusionError) -> Error {
    match error {
        DataFusionError::Diagnostic(_, inner) => not_parsed(*inner),
        DataFusionError::SQL(parser, _) => {
            Error::with_source(ErrorKind::Statement, "the statement cannot be parsed", *parser)
        }
        other => Error::with_source(ErrorKind::Statement, "the statement cannot be parsed", other),
    }
}

/// The query, or the look at the catalogue, that a statement is or explains; nothing where it is anything else.
fn read_only(statement: &Statement) -> Option<&ast::Statement> {
    match statement {
        Statement::Statement(inner) => matches!(
            inner.as_ref(),
            ast::Statement::Query(_)
                | ast::Statement::ExplainTable { .. }
                | ast::Statement::ShowTables { .. }
                | ast::Statement::ShowColumns { .. }
        )
        .then_some(inner),
        Statement::Explain(explain) => read_only(&explain.statement),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_pass() {
        for sql in [
            "SELECT 1",
            "WITH a AS (SELECT 1 AS x) SELECT x FROM a",
            "VALUES (1)",
            "EXPLAIN SELECT 1",
            "EXPLAIN ANALYZE SELECT 1",
            "SHOW TABLES",
            "SHOW COLUMNS FROM emissions",
            "DESCRIBE emissions",
        ] {
            assert!(read(sql).is_ok(), "{sql}");
        }
    }

    #[test]
    fn a_parse_error_is_told_once() {
        for (sql, found) in [("SELEC 1", "SELEC"), ("SELECT * FRM x WHERE", "FRM"), ("SELECT 1 +", "EOF")] {
            let error = read(sql).unwrap_err();
            let cause = std::error::Error::source(&error).unwrap();
            assert!(cause.to_string().contains(found), "{cause}");
            assert!(cause.source().is_none(), "{sql}: {:?}", cause.source());
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for sql in [
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            "CREATE TABLE t AS SELECT 1",
            "CREATE VIEW v AS SELECT 1",
            "COPY (SELECT 1) TO '/tmp/x.csv'",
            "INSERT INTO emissions SELECT * FROM emissions",
            "DELETE FROM emissions",
            "UPDATE emissions SET status = 'x'",
            "DROP TABLE emissions",
            "SET datafusion.execution.target_partitions = 1",
            "BEGIN",
            "PREPARE p AS SELECT 1",
            "EXPLAIN COPY (SELECT 1) TO '/tmp/x.csv'",
            "SELECT 1; DROP TABLE emissions",
            "",
            "not sql",
            &format!("SELECT 1{}", " + 1".repeat(100_000)),
            &format!("EXPLAIN SELECT {}1{}", "(SELECT ".repeat(20), ")".repeat(20)),
        ] {
            let error = read(sql).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Statement, "{sql}");
        }
    }
}
