"""Who is let in over the Postgres protocol, which statements are allowed, and what a scope does not show."""

import time
from pathlib import Path

import psycopg
import pytest
from conftest import airshed
from postgres.served import OWN, OTHERS, PASSWORDS, TABLES, connect, rows

# --- who may ---


@pytest.mark.parametrize(
    ("user", "password"), [("bob", "wrong horse battery"), ("bob", ""), ("nobody", "wrong horse battery"), ("Bob", PASSWORDS["bob"])]
)
def test_a_wrong_password_is_refused(port, user, password):
    with pytest.raises(psycopg.OperationalError) as refused:
        connect(port, user, password=password)
    assert "password" in str(refused.value)
    assert "does not exist" not in str(refused.value), "nobody learns which names there are"


def test_a_viewer_may_not_write_sql(port):
    with pytest.raises(psycopg.OperationalError, match="viewer and may not write SQL"):
        connect(port, "eve")


def test_another_database_is_refused(port):
    with pytest.raises(psycopg.OperationalError, match="there is no database"):
        connect(port, dbname="nothing")


def test_a_token_is_a_login(port, folder):
    printed = airshed("token", "create", "bob", "--lake", "lake", folder=folder).stdout.split()
    token = next(word for word in printed if word.startswith("airshed_"))
    ids = [path.stem for path in (folder / "lake").rglob("tokens/*.json")]
    for _ in range(100):
        try:
            with connect(port, ids[0], password=token) as connection:
                assert rows(connection, "SELECT current_user")
                return
        except psycopg.OperationalError:
            time.sleep(0.2)
    pytest.fail("the token lets nobody in")


# --- one list of what is allowed ---

ESCAPES = [
    # files and programs
    "COPY emissions TO '/tmp/airshed-escape'",
    "COPY emissions FROM '/etc/passwd'",
    "COPY emissions TO STDOUT",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "COPY (SELECT 1) TO '/tmp/airshed-escape.parquet' STORED AS PARQUET",
    "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
    "CREATE EXTERNAL TABLE t (a text) STORED AS CSV LOCATION 'http://127.0.0.1:1/'",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM '/etc/passwd.csv'",
    'SELECT * FROM "/etc/passwd.csv"',
    "SELECT * FROM 'file:///etc/passwd'",
    "SELECT * FROM 's3://bucket/x.parquet'",
    "SELECT * FROM 'http://127.0.0.1/x.parquet'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_parquet('lake/emissions/x.parquet')",
    "SELECT * FROM parquet_metadata('lake/emissions/x.parquet')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM csv_scan('/etc/passwd')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM metadata_cache()",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT * FROM pg_ls_dir('/')",
    "SELECT pg_stat_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/airshed-escape')",
    "SELECT getenv('HOME')",
    "SELECT * FROM dblink('host=127.0.0.1', 'SELECT 1') AS t(a int)",
    "LOAD '/tmp/x.so'",
    "INSTALL httpfs",
    "ATTACH 'x.db' AS x",
    # data definition
    "CREATE TABLE t (a int)",
    "CREATE TABLE t AS SELECT * FROM emissions",
    "CREATE TEMPORARY TABLE t AS SELECT 1",
    "CREATE VIEW v AS SELECT 1",
    "CREATE OR REPLACE VIEW carbon_daily AS SELECT 1",
    "CREATE SCHEMA s",
    "CREATE DATABASE d",
    "CREATE ROLE r SUPERUSER",
    "CREATE EXTENSION dblink",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION f(double) RETURNS double RETURN $1",
    "CREATE INDEX i ON emissions (line_id)",
    "CREATE RULE r AS ON SELECT TO emissions DO INSTEAD SELECT 1",
    "CREATE POLICY p ON emissions USING (true)",
    "SELECT * INTO t FROM emissions",
    "ALTER TABLE emissions RENAME TO e",
    "ALTER ROLE ada SUPERUSER",
    "DROP TABLE emissions",
    "DROP VIEW carbon_daily",
    "DROP SCHEMA public CASCADE",
    "TRUNCATE emissions",
    "COMMENT ON TABLE emissions IS 'x'",
    # changes
    "INSERT INTO emissions SELECT * FROM emissions",
    "UPDATE emissions SET status = 'x'",
    "DELETE FROM emissions",
    "MERGE INTO emissions USING runs ON true WHEN MATCHED THEN DELETE",
    "WITH x AS (DELETE FROM emissions RETURNING *) SELECT * FROM x",
    "EXPLAIN ANALYZE DELETE FROM emissions",
    # settings and rights
    "SET datafusion.execution.target_partitions = 64",
    "SET datafusion.runtime.memory_limit = '100G'",
    "SET datafusion.catalog.location = '/'",
    "SET work_mem = '100GB'",
    "SET ROLE bob",
    "SET SESSION AUTHORIZATION bob",
    "SET is_superuser = on",
    "SET session_authorization = 'bob'",
    "SET default_transaction_read_only = off",
    "SET TRANSACTION READ WRITE",
    "RESET datafusion.execution.target_partitions",
    "SELECT set_config('session_authorization', 'bob', false)",
    "SELECT set_config('airshed.as_of', 'x', false)",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "GRANT ALL ON emissions TO ada",
    "SET airshed.as_of = 'run-that-never-was'",
    # other ways to run something
    "PREPARE p AS DELETE FROM emissions",
    "EXECUTE p",
    "CALL p()",
    "DO $$ BEGIN NULL; END $$",
    "DECLARE c CURSOR FOR DELETE FROM emissions",
    "SELECT 1; DROP TABLE emissions",
    "LISTEN x",
    "VACUUM",
    "ANALYZE emissions",
    "LOCK TABLE emissions",
    "SELECT pg_sleep(3600)",
    "SELECT pg_terminate_backend(1)",
    "SELECT pg_cancel_backend(1)",
    "SELECT pg_reload_conf()",
]


@pytest.mark.parametrize("statement", ESCAPES)
@pytest.mark.parametrize("user", ["bob", "ada"])
def test_escapes_are_refused(port, user, statement, request):
    connection = request.getfixturevalue(user)
    # Both ways to ask: a text of statements, and one that is prepared first.
    for options in [{}, {"prepare": True}]:
        if options and ";" in statement and "$$" not in statement:
            continue
        with pytest.raises(psycopg.Error) as refused:
            connection.execute(statement, **options)
        assert refused.value.sqlstate and not refused.value.sqlstate.startswith("XX"), refused.value
        assert str(refused.value).strip(), "the message says why"
    assert rows(connection, "SELECT 1") == [(1,)]
    assert not list(Path("/tmp").glob("airshed-escape*"))


def test_there_are_as_many_escapes_as_promised():
    assert len(set(ESCAPES)) >= 60


# --- what a scope does not show ---


def test_a_scope_shows_its_own_rows_only(folder, bob, ada):
    for name in TABLES:
        own = rows(bob, f"SELECT count(*) FROM {name} WHERE account_id = %s", OWN)[0][0]
        assert rows(ada, f"SELECT count(*) FROM {name}")[0][0] == own > 0, name
        assert rows(ada, f"SELECT DISTINCT account_id FROM {name}") == [(OWN,)], name


LEAKS = [
    "SELECT * FROM emissions WHERE account_id <> '{own}'",
    "SELECT * FROM emissions WHERE account_id = '{other}'",
    "SELECT * FROM emissions WHERE true OR account_id = '{other}'",
    "SELECT * FROM emissions UNION ALL SELECT * FROM emissions",
    "SELECT e.* FROM emissions e RIGHT JOIN (VALUES ('{other}')) v(a) ON e.account_id = v.a WHERE e.line_id IS NOT NULL",
    "SELECT e.* FROM (VALUES ('{other}')) v(a) JOIN emissions e ON e.account_id = v.a",
    "SELECT * FROM emissions e WHERE EXISTS (SELECT 1 FROM billing_lines b WHERE b.account_id = '{other}')",
    "SELECT * FROM emissions WHERE line_id IN (SELECT line_id FROM billing_lines WHERE account_id = '{other}')",
    "SELECT (SELECT max(line_id) FROM emissions WHERE account_id = '{other}') AS x WHERE false",
    "WITH e AS (SELECT * FROM emissions) SELECT * FROM e WHERE account_id = '{other}'",
    "SELECT DISTINCT account_id FROM airshed.public.emissions WHERE account_id <> '{own}'",
    'SELECT "account_id" FROM "airshed"."public"."emissions" WHERE "account_id" <> \'{own}\'',
    "SELECT account_id FROM carbon_by_account WHERE account_id <> '{own}'",
    "SELECT account_id FROM emissions_daily WHERE account_id <> '{own}'",
    "SELECT account_id FROM emissions TABLESAMPLE SYSTEM (100) WHERE account_id <> '{own}'",
    "SELECT account_id, count(*) OVER () FROM emissions WHERE account_id <> '{own}'",
    "SELECT account_id FROM emissions GROUP BY GROUPING SETS ((account_id), ()) HAVING account_id <> '{own}'",
    "SELECT * FROM accounts WHERE account_id <> '{own}'",
    "SELECT * FROM resources WHERE account_id <> '{own}'",
    "SELECT * FROM runs",
    "SELECT * FROM objects",
    "SELECT * FROM line_sources",
    "SELECT * FROM rejects",
    "SELECT * FROM coverage WHERE false",
    "EXPLAIN ANALYZE SELECT * FROM emissions",
    "EXPLAIN VERBOSE SELECT * FROM emissions",
    "EXPLAIN (ANALYZE) SELECT * FROM emissions",
    "EXPLAIN SELECT * FROM emissions WHERE account_id = 'x'",
    "EXPLAIN FORMAT TREE SELECT * FROM emissions",
    "SELECT reltuples, relpages FROM pg_class WHERE reltuples > 0",
    "SELECT pg_relation_size(oid) FROM pg_class WHERE pg_relation_size(oid) IS NOT NULL",
    "SELECT n_live_tup FROM pg_stat_user_tables",
    "SELECT * FROM pg_statistic",
    "SELECT * FROM pg_stats",
    "SELECT * FROM pg_authid",
    "SELECT rolname FROM pg_roles WHERE rolname <> 'ada'",
    "SELECT * FROM pg_stat_activity",
    "SELECT pg_get_userbyid(10) AS x WHERE pg_get_userbyid(10) <> 'ada'",
]


def is_quiet(text):
    return not any(account in text for account in OTHERS) and ".parquet" not in text and "bob" not in text


@pytest.mark.parametrize("statement", LEAKS)
def test_nothing_tells_of_other_rows(ada, statement):
    statement = statement.format(own=OWN, other="2222222222" + "22")
    try:
        found = rows(ada, statement)
    except psycopg.Error as refused:
        assert is_quiet(str(refused).replace(statement, "")), refused
        return
    text = repr(found)
    assert is_quiet(text), text
    if "<>" in statement or "other" in statement or "> 0" in statement:
        assert found == [], found


ERRORS = [
    # Of a row that is not seen, each would fail or say what is in it.
    "SELECT 1 / (CASE WHEN account_id = '{other}' THEN 0 ELSE 1 END) FROM emissions",
    "SELECT count(*) FROM emissions WHERE 1 / (CASE WHEN account_id = '{other}' THEN 0 ELSE 1 END) > 0",
    "SELECT CAST(CASE WHEN account_id <> '{own}' THEN account_id || 'x' ELSE '1' END AS bigint) FROM emissions",
    "SELECT count(*) FROM emissions WHERE CAST(CASE WHEN account_id <> '{own}' THEN line_id ELSE '1' END AS bigint) = 1",
    "SELECT a.line_id FROM emissions a JOIN emissions b ON CAST(CASE WHEN b.account_id <> '{own}' THEN 'x' ELSE '1' END AS int) = 1 LIMIT 1",
]


@pytest.mark.parametrize("statement", ERRORS)
def test_no_error_comes_of_rows_that_are_not_seen(ada, statement):
    ada.execute(statement.format(own=OWN, other=OTHERS[0]))


def test_a_plan_in_a_scope_names_no_files(bob, ada):
    plan = "\n".join(row[0] for row in rows(ada, "EXPLAIN SELECT sum(billed_cost) FROM emissions WHERE region = 'eu-west-1'"))
    assert "TableScan: emissions" in plan and is_quiet(plan) and "rows" not in plan.lower()
    assert "physical_plan" in "\n".join(row[0] for row in rows(bob, "EXPLAIN SELECT sum(billed_cost) FROM emissions"))


