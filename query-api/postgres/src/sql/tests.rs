use super::*;

fn commands(sql: &str) -> Result<Vec<Command>, Failure> {
    Reader::new().read(sql)?.into_iter().map(Command::of).collect()
}

#[test]
fn what_reads_is_allowed() {
    for sql in [
        "SELECT 1",
        "VALUES (1)",
        "WITH a AS (SELECT 1 AS x) SELECT x FROM a",
        "SELECT 1 UNION SELECT 2",
        "EXPLAIN SELECT 1",
        "EXPLAIN ANALYZE SELECT 1",
        "EXPLAIN (ANALYZE, VERBOSE) SELECT 1",
        "DESCRIBE emissions",
        "SHOW TABLES",
        "SHOW COLUMNS FROM emissions",
        "SHOW server_version",
        "SHOW ALL",
        "SHOW TRANSACTION ISOLATION LEVEL",
        "SET application_name = 'x'",
        "SET airshed.as_of = 'run-1'",
        "SET TIME ZONE 'UTC'",
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET TRANSACTION READ ONLY",
        "SET NAMES 'UTF8'",
        "RESET ALL",
        "RESET airshed.as_of",
        "BEGIN",
        "START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
        "COMMIT",
        "END",
        "ROLLBACK",
        "SAVEPOINT a",
        "RELEASE SAVEPOINT a",
        "ROLLBACK TO SAVEPOINT a",
        "DECLARE c NO SCROLL CURSOR FOR SELECT 1",
        "FETCH FORWARD 10 FROM c",
        "FETCH ALL FROM c",
        "CLOSE c",
        "CLOSE ALL",
        "DEALLOCATE ALL",
        "DEALLOCATE p",
        "DISCARD ALL",
        "UNLISTEN *",
    ] {
        assert!(commands(sql).is_ok(), "{sql}: {:?}", commands(sql));
    }
}

#[test]
fn everything_else_is_refused() {
    for sql in [
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE SCHEMA s",
        "CREATE DATABASE d",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE ROLE r",
        "CREATE EXTENSION x",
        "ALTER TABLE emissions ADD COLUMN x int",
        "ALTER ROLE admin SUPERUSER",
        "DROP TABLE emissions",
        "TRUNCATE emissions",
        "INSERT INTO emissions VALUES (1)",
        "UPDATE emissions SET status = 'x'",
        "DELETE FROM emissions",
        "MERGE INTO emissions USING runs ON true WHEN MATCHED THEN DELETE",
        "SELECT 1 INTO t",
        "SELECT * INTO t FROM emissions",
        "WITH x AS (INSERT INTO emissions VALUES (1) RETURNING 1) SELECT 1",
        "WITH x AS (DELETE FROM emissions RETURNING 1) SELECT 1",
        "COPY emissions TO '/tmp/x'",
        "COPY emissions FROM '/etc/passwd'",
        "COPY emissions TO STDOUT",
        "COPY emissions FROM STDIN",
        "COPY (SELECT 1) TO PROGRAM 'id'",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "CALL p()",
        "GRANT SELECT ON emissions TO x",
        "REVOKE SELECT ON emissions FROM x",
        "LISTEN x",
        "NOTIFY x",
        "LOCK TABLE emissions",
        "VACUUM",
        "ANALYZE emissions",
        "SET ROLE admin",
        "SET SESSION AUTHORIZATION admin",
        "SET TRANSACTION READ WRITE",
        "SET TRANSACTION SNAPSHOT '1'",
        "EXPLAIN DELETE FROM emissions",
        "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
        "DECLARE c SCROLL CURSOR FOR SELECT 1",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "DECLARE c CURSOR FOR SELECT 1 INTO t",
        "FETCH PRIOR FROM c",
        "COMMENT ON TABLE emissions IS 'x'",
        "LOAD 'x'",
        "DISCARD TEMP",
        "SHOW FUNCTIONS",
        "USE x",
        "KILL 1",
        "ATTACH DATABASE 'x' AS y",
        "PRAGMA x",
        "CACHE TABLE emissions",
        "INSTALL x",
    ] {
        let failure = commands(sql).unwrap_err();
        let codes = [code::DENIED, code::NOT_SUPPORTED, code::SYNTAX];
        assert!(codes.contains(&failure.code.as_ref()), "{sql}: {failure:?}");
    }
}

#[test]
fn statements_in_one_text_are_each_looked_at() {
    assert_eq!(commands("SELECT 1; SELECT 2").unwrap().len(), 2);
    assert_eq!(commands("SELECT 1; DROP TABLE emissions").unwrap_err().code, code::DENIED);
    assert_eq!(commands(" ; ;").unwrap().len(), 0);
}

#[test]
fn settings_are_read() {
    let Ok([Command::Set { name, value, span }]) =
        commands("SET LOCAL statement_timeout TO 500").map(|all| <[_; 1]>::try_from(all).unwrap())
    else {
        panic!("no SET");
    };
    assert_eq!(
        (name.as_str(), value.as_deref(), span),
        ("statement_timeout", Some("500"), Span::Transaction)
    );
}
