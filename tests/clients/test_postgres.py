"""The Postgres interface of `airshed serve`, as its clients see it: psycopg, SQLAlchemy, psql, JDBC, and bare sockets.

The ledger holds lines of five accounts over two months. `bob` sees all of it, `ada` one account, `eve` may not write SQL.
Sums are compared with `airshed sql`, which test_ledger.py compares with DuckDB on the files.
"""

import resource
import shutil
import socket
import struct
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pandas
import psycopg
import psycopg.types
import pytest
import sqlalchemy
from conftest import BINARY, airshed, company, current_runs, environment, export, sql
from psycopg import errors

PASSWORDS = {"bob": "correct horse battery", "ada": "staple of another kind", "eve": "looks but never asks"}
OWN, OTHERS = "222222222223", ["222222222222", "222222222224", "222222222225", "222222222226"]
TABLES = ["billing_lines", "emissions", "emissions_hourly", "emissions_daily", "emissions_monthly"]
# `serve.connections` where nothing is set.
PLACES = 500
JDBC = Path("/usr/share/java/postgresql.jar")
# Rows enough to keep every core busy for hours, whatever the machine.
FOREVER = "SELECT count(*) FROM emissions a, emissions b, emissions c, emissions d WHERE a.line_id < b.line_id || c.line_id || d.line_id"
# Texts that a sum cannot give up again: memory grows until it is stopped.
TOO_MUCH = "SELECT array_agg(a.line_id || b.line_id || c.line_id) FROM emissions a, emissions b, emissions c"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    export(folder / "bills" / "acme.parquet", company(3_000))
    airshed("run", "--quiet", "--input", "bills", "--lake", "lake", folder=folder)
    for name, role, scope in [("bob", "analyst", []), ("ada", "analyst", ["--scope", f"account={OWN}"]), ("eve", "viewer", [])]:
        airshed(
            "user", "add", name, "--lake", "lake", "--role", role, *scope, "--password-stdin",
            folder=folder, input=PASSWORDS[name],
        )
    return folder


@pytest.fixture(scope="module")
def server(folder):
    """Port and process."""
    port = free_port()
    command = [BINARY, "serve", "--lake", "lake", "--http", "127.0.0.1:0", "--pg", f"127.0.0.1:{port}", "--flight", "off"]
    with open(folder / "serve.log", "w") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment(), stdout=log, stderr=log)
    try:
        for _ in range(300):
            assert server.poll() is None, (folder / "serve.log").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port, server
        server.terminate()
        assert server.wait(timeout=20) == 0, (folder / "serve.log").read_text()
    finally:
        server.kill()


@pytest.fixture(scope="module")
def port(server):
    return server[0]


def connect(port, user="bob", **options):
    options = {"password": PASSWORDS.get(user, ""), "autocommit": True, "dbname": "airshed"} | options
    return psycopg.connect(host="127.0.0.1", port=port, user=user, **options)


@pytest.fixture(scope="module")
def bob(port):
    with connect(port) as connection:
        yield connection


@pytest.fixture(scope="module")
def ada(port):
    with connect(port, "ada") as connection:
        yield connection


def rows(connection, statement, *parameters, **options):
    return connection.execute(statement, parameters or None, **options).fetchall()


def psql(port, *commands, user="bob", code=0):
    arguments = [argument for command in commands for argument in ("-c", command)]
    address = f"host=127.0.0.1 port={port} user={user} dbname=airshed"
    done = subprocess.run(
        ["psql", "-X", "-v", "ON_ERROR_STOP=1", address, *arguments],
        env=environment({"PGPASSWORD": PASSWORDS[user]}), capture_output=True, text=True, check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


# --- the same numbers ---


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("name", TABLES[1:])
def test_sums_are_those_of_airshed_sql(folder, bob, name, binary):
    sums = ["energy_kwh", "co2e_location_g", "co2e_market_g", "co2e_embodied_g", "water_l", "billed_cost"]
    select = "SELECT " + ", ".join(f"sum({column}) AS {column}" for column in sums) + f" FROM {name}"
    (ours,) = sql(select, folder)
    (theirs,) = rows(bob, select, binary=binary)
    assert list(theirs) == [ours[column] and Decimal(ours[column]) for column in sums]
    assert any(theirs), "a sum of nothing proves nothing"


def test_types_are_those_of_the_ledger(bob):
    statement = (
        "SELECT billed_cost, usage_start, account_id, lines, NULL, true, 1.5::double precision, ARRAY['a', 'b'] "
        "FROM (SELECT *, 1 AS lines FROM emissions) e LIMIT 1"
    )
    for binary in [False, True]:
        cost, start, account, count, nothing, yes, double, array = rows(bob, statement, binary=binary)[0]
        assert isinstance(cost, Decimal) and cost.as_tuple().exponent < 0
        assert start.tzinfo is not None and start.utcoffset().total_seconds() == 0
        assert (account in [OWN, *OTHERS], count, nothing, yes, double, array) == (True, 1, None, True, 1.5, ["a", "b"])


def test_numbers_of_38_digits_come_through(bob):
    for text in ["12345678901234567890123456789.12345678", "-0.00000001", "0.00", "99999999999999999999999999999999999999"]:
        for binary in [False, True]:
            digits = len(text.partition(".")[2])
            ((number,),) = rows(bob, f"SELECT '{text}'::decimal(38, {digits})", binary=binary)
            assert str(number) == str(Decimal(text))


def test_parameters_of_all_types(bob):
    cost = rows(bob, "SELECT max(billed_cost) FROM emissions")[0][0]
    start = rows(bob, "SELECT max(usage_start) FROM emissions")[0][0]
    for statement, value in [
        ("SELECT count(*) FROM emissions WHERE account_id = %s", OWN),
        ("SELECT count(*) FROM emissions WHERE account_id = ANY(%s)", [OWN, "x"]),
        ("SELECT count(*) FROM emissions WHERE billed_cost = %s", cost),
        ("SELECT count(*) FROM emissions WHERE billed_cost = %s", str(cost)),
        ("SELECT count(*) FROM emissions WHERE usage_start = %s", start),
        ("SELECT count(*) FROM emissions WHERE usage_start >= %s", "2026-10-01"),
        ("SELECT count(*) FROM emissions WHERE usage_start >= %s", datetime(2026, 10, 1, tzinfo=timezone.utc)),
        ("SELECT 1 FROM emissions LIMIT %s", 1),
        ("SELECT %s::text", "it's"),
        ("SELECT %b::int8 + 1", 4),
    ]:
        assert rows(bob, statement, value)[0][0], statement
    just_over = cost + Decimal("0.000000000001")
    assert rows(bob, "SELECT count(*) FROM emissions WHERE billed_cost >= %s", just_over) == [(0,)]


def test_a_prepared_statement_is_used_again(bob):
    statement = "SELECT count(*) FROM emissions WHERE account_id = %s"
    counts = [rows(bob, statement, account, prepare=True)[0][0] for account in [OWN, *OTHERS] * 3]
    assert sum(counts[:5]) == rows(bob, "SELECT count(*) FROM emissions")[0][0]
    assert counts[:5] == counts[5:10] == counts[10:]


# --- finding one's way ---


def test_psql_shows_tables_and_comments(port, folder):
    listed = psql(port, r"\dt+")
    assert all(name in listed for name in TABLES)
    assert "carbon_daily" in psql(port, r"\dv+") and "carbon_daily" not in listed
    described = psql(port, r"\d+ emissions")
    assert "co2e_location_g" in described and "numeric" in described
    assert "Operational emissions, location-based, gCO2e" in described, described
    plain = psql(port, r"\d emissions")
    assert "timestamp with time zone" in plain
    plain_commands = r"\d \dn \dn+ \l \l+ \du \dT \df \df+ \di \ds \dm \dp \dF \dL \dc \dO \dC \dx \dy \da \db \des".split()
    for command in [*plain_commands, r"\conninfo", r"\d carbon_daily", r"\d+ carbon_daily", r"\dt public.*", r"\dconfig work_mem"]:
        psql(port, command)
    assert "emissions_daily" in psql(port, r"\sv carbon_daily")


def test_psql_completes_names(port):
    """The question that psql's completion of `SELECT .. FROM em<Tab>` asks, of release 15."""
    question = (
        "SELECT c.relname, NULL::pg_catalog.text FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'S', 'v', 'm', 'f', 'p') "
        "AND (c.relname) LIKE 'em%' AND pg_catalog.pg_table_is_visible(c.oid) LIMIT 1000"
    )
    assert "emissions_daily" in psql(port, question)


def test_sqlalchemy_reflects(port):
    url = sqlalchemy.URL.create("postgresql+psycopg", "bob", PASSWORDS["bob"], "127.0.0.1", port, "airshed")
    engine = sqlalchemy.create_engine(url)
    inspector = sqlalchemy.inspect(engine)
    assert set(TABLES) <= set(inspector.get_table_names())
    assert "carbon_daily" in inspector.get_view_names()
    assert inspector.get_table_comment("emissions")["text"]
    columns = {column["name"]: column for column in inspector.get_columns("emissions")}
    assert isinstance(columns["billed_cost"]["type"], sqlalchemy.Numeric)
    assert all(column["comment"] for column in columns.values())
    assert inspector.get_pk_constraint("emissions")["constrained_columns"] == []
    assert inspector.get_foreign_keys("emissions") == [] and inspector.get_indexes("emissions") == []
    emissions = sqlalchemy.Table("emissions", sqlalchemy.MetaData(), autoload_with=engine)
    with engine.connect() as connection:
        statement = sqlalchemy.select(sqlalchemy.func.count()).where(emissions.c.account_id == OWN)
        assert connection.execute(statement).scalar() > 0
    engine.dispose()


def test_types_are_found_by_name(bob):
    found = psycopg.types.TypeInfo.fetch(bob, "timestamp with time zone")
    assert (found.name, found.oid, found.regtype) == ("timestamptz", 1184, "timestamp with time zone")
    assert psycopg.types.TypeInfo.fetch(bob, "hstore") is None


def test_lists_as_parameters(bob):
    """`= ANY ($1)`: a list is what the client says, or what stands before it."""
    every = rows(bob, "SELECT count(*) FROM emissions WHERE account_id = ANY (ARRAY[%s, %s])", OWN, OTHERS[0])[0][0]
    assert every > 0
    cost = rows(bob, "SELECT max(billed_cost) FROM emissions")[0][0]
    for binary in [False, True]:
        count = "SELECT count(*) FROM emissions WHERE "
        with bob.cursor(binary=binary) as cursor:
            for where, value, expected in [
                ("account_id = ANY (%s)", [OWN, OTHERS[0], "x,{}\"\\"], every),
                ("account_id = ANY (%s)", [], 0),
                ("billed_cost = ANY (%s)", [cost, Decimal("0.5000000000001")], 1),
                ("account_id = ANY (%s)", "{%s,%s}" % (OWN, OTHERS[0]), every),
            ]:
                assert cursor.execute(count + where, [value]).fetchone() == (expected,), where
            left = cursor.execute(count + "account_id <> ALL (%s)", [[OWN, OTHERS[0]]]).fetchone()[0]
            assert left == rows(bob, count + "true")[0][0] - every
    with pytest.raises(psycopg.Error, match="is no array"):
        bob.execute("SELECT count(*) FROM emissions WHERE account_id = ANY (%s)", ["{a"])


def test_pandas_reads(port, folder):
    url = sqlalchemy.URL.create("postgresql+psycopg", "bob", PASSWORDS["bob"], "127.0.0.1", port, "airshed")
    engine = sqlalchemy.create_engine(url)
    frame = pandas.read_sql(sqlalchemy.text("SELECT * FROM carbon_by_account ORDER BY 1, 2"), engine, coerce_float=False)
    (expected,) = sql("SELECT count(*) AS n, sum(energy_kwh) AS kwh FROM carbon_by_account", folder)
    assert len(frame) == int(expected["n"]) > 0 and sum(frame["energy_kwh"]) == Decimal(expected["kwh"])
    lines = pandas.read_sql("SELECT usage_start, billed_cost FROM emissions", engine, chunksize=1_000)
    assert sum(len(chunk) for chunk in lines) == rows_of(engine, "emissions")
    engine.dispose()


def rows_of(engine, table):
    with engine.connect() as connection:
        return connection.execute(sqlalchemy.text(f"SELECT count(*) FROM {table}")).scalar()


def test_duckdb_attaches(port, folder):
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as database:
        try:
            database.execute("INSTALL postgres; LOAD postgres")
        except duckdb.Error as error:
            pytest.skip(f"DuckDB's extension `postgres` cannot be had here: {error}")
        address = f"host=127.0.0.1 port={port} user=bob password={PASSWORDS['bob']} dbname=airshed"
        # Its own default is COPY, which is refused.
        database.execute("SET pg_use_text_protocol = true")
        database.execute(f"ATTACH '{address}' AS ledger (TYPE postgres, READ_ONLY)")
        (expected,) = sql("SELECT count(*) AS n FROM emissions", folder)
        assert database.execute("SELECT count(line_id) FROM ledger.public.emissions").fetchone() == (int(expected["n"]),)


PROBE = """
import java.math.BigDecimal;
import java.sql.*;

class Probe {
    public static void main(String[] words) throws Exception {
        try (Connection connection = DriverManager.getConnection(words[0], words[1], words[2])) {
            DatabaseMetaData meta = connection.getMetaData();
            try (ResultSet tables = meta.getTables(null, "public", "%", new String[] {"TABLE", "VIEW"})) {
                while (tables.next()) {
                    String comment = tables.getString("REMARKS");
                    System.out.println(tables.getString("TABLE_TYPE") + " " + tables.getString("TABLE_NAME") + " " + comment);
                }
            }
            try (ResultSet columns = meta.getColumns(null, "public", "emissions", "%")) {
                while (columns.next()) {
                    System.out.println("COLUMN " + columns.getString("COLUMN_NAME") + " " + columns.getString("TYPE_NAME")
                        + " " + columns.getString("REMARKS"));
                }
            }
            connection.setAutoCommit(false);
            String sql = "SELECT line_id, billed_cost, usage_start FROM emissions WHERE account_id = ? AND billed_cost > ?";
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                for (int time = 0; time < 8; time++) {
                    statement.setFetchSize(50);
                    statement.setString(1, words[3]);
                    statement.setBigDecimal(2, new BigDecimal("0.1"));
                    BigDecimal sum = BigDecimal.ZERO;
                    int count = 0;
                    try (ResultSet rows = statement.executeQuery()) {
                        while (rows.next()) {
                            sum = sum.add(rows.getBigDecimal(2));
                            rows.getTimestamp(3);
                            count++;
                        }
                    }
                    System.out.println("SUM " + count + " " + sum.toPlainString());
                }
            }
            connection.commit();
        }
    }
}
"""


@pytest.mark.skipif(not JDBC.exists() or not shutil.which("java"), reason="Debian's libpostgresql-jdbc-java is not here")
def test_jdbc(port, folder, tmp_path):
    (tmp_path / "Probe.java").write_text(PROBE)
    command = ["java", "-cp", str(JDBC), str(tmp_path / "Probe.java")]
    address = f"jdbc:postgresql://127.0.0.1:{port}/airshed"
    done = subprocess.run(
        [*command, address, "bob", PASSWORDS["bob"], OWN], capture_output=True, text=True, check=False, env=environment()
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    tables = {line.split()[1]: line for line in lines if line.startswith(("TABLE ", "VIEW "))}
    assert set(TABLES) <= set(tables) and tables["carbon_daily"].startswith("VIEW")
    assert not tables["emissions"].endswith("null")
    assert any(line.startswith("COLUMN billed_cost numeric") and not line.endswith("null") for line in lines)
    (expected,) = sql(
        f"SELECT count(*) AS n, sum(billed_cost) AS cost FROM emissions WHERE account_id = '{OWN}' AND billed_cost > 0.1", folder
    )
    sums = {line for line in lines if line.startswith("SUM ")}
    assert len(sums) == 1, "every time the same, by the simple and by the prepared way"
    _, count, cost = sums.pop().split()
    assert (int(count), Decimal(cost)) == (int(expected["n"]), Decimal(expected["cost"]))


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


# --- limits ---


def test_a_statement_can_be_cancelled(port):
    with connect(port) as connection:
        began = time.monotonic()
        stopper = threading.Timer(1, connection.cancel)
        stopper.start()
        with pytest.raises(errors.QueryCanceled):
            connection.execute(FOREVER)
        assert time.monotonic() - began < 15
        assert rows(connection, "SELECT 1") == [(1,)]


def test_rows_on_their_way_can_be_cancelled(port):
    with connect(port) as connection:
        cursor = connection.cursor()
        with pytest.raises(errors.QueryCanceled):
            for number, _ in enumerate(cursor.stream("SELECT a.line_id, b.line_id FROM emissions a, emissions b, emissions c")):
                if number == 1_000:
                    connection.cancel()
        assert rows(connection, "SELECT 1") == [(1,)]


def test_a_client_may_only_shorten_the_timeout(port):
    with connect(port, options="-c statement_timeout=500ms") as connection:
        assert rows(connection, "SHOW statement_timeout") == [("500",)]
        began = time.monotonic()
        with pytest.raises(errors.QueryCanceled, match="longer than 0.5 s"):
            connection.execute(FOREVER)
        assert time.monotonic() - began < 15
        connection.execute("SET statement_timeout = '10d'")
        assert rows(connection, "SELECT 1") == [(1,)]


def nested(times, before, inside, after):
    return f"SELECT {before * times}{inside}{after * times}"


DEEP = {
    "sum": "SELECT 1" + " + 1" * 20_000,
    "casts": "SELECT 1" + "::int" * 10_000,
    "or": "SELECT 1 FROM runs WHERE true" + " OR true" * 8_000,
    "texts": "SELECT 'x'" + " || 'x'" * 5_000,
    "union": "SELECT 1" + " UNION ALL SELECT 1" * 3_000,
    "parentheses": nested(20_000, "(", "1", ")"),
    "functions": nested(10_000, "abs(", "1", ")"),
    "cases": nested(2_000, "CASE WHEN true THEN ", "1", " END"),
    "queries": nested(60, "(SELECT ", "1", ")"),
    "tables of queries": nested(60, "* FROM (SELECT ", "1 AS a", ") x"),
    "explain": "EXPLAIN " + nested(60, "(SELECT ", "1", ")"),
    "not": "SELECT " + "NOT " * 5_000 + "true",
}


@pytest.mark.parametrize("kind", DEEP)
@pytest.mark.parametrize("prepare", [False, True])
def test_deep_statements_are_refused(port, kind, prepare):
    with connect(port) as connection:
        with pytest.raises(psycopg.Error) as refused:
            connection.execute(DEEP[kind], prepare=prepare)
        assert refused.value.sqlstate == "54001", refused.value
        assert rows(connection, "SELECT 1") == [(1,)]


ALLOWED = {
    "sum": "SELECT 1" + " + 1" * 400,
    "or": "SELECT 1 FROM emissions WHERE true" + " OR true" * 400,
    "union": "SELECT 1" + " UNION ALL SELECT 1" * 90,
    "parentheses": nested(50, "(", "1", ")"),
    "functions": nested(12, "abs(", "1", ")"),
    "cases": nested(40, "CASE WHEN true THEN ", "1", " END"),
    "queries": nested(10, "(SELECT ", "1", ")"),
    "tables of queries": nested(10, "* FROM (SELECT ", "1 AS a", ") x"),
}


@pytest.mark.parametrize("kind", ALLOWED)
def test_what_is_less_deep_is_answered(port, bob, ada, kind):
    for connection in [bob, ada]:
        connection.execute(ALLOWED[kind])
    bob.execute("EXPLAIN " + ALLOWED[kind])


def memory_bytes(process, name):
    """A line of /proc/<pid>/status; VmHWM is the most that there ever was."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(f"{name}:")).split()[1]) * 1024


def test_a_slow_reader_stalls_itself_alone(server):
    port, process = server
    before = memory_bytes(process, "VmRSS")
    slow = [connect(port) for _ in range(8)]
    cursors = [connection.cursor() for connection in slow]
    streams = [cursor.stream("SELECT a.line_id, b.line_id FROM emissions a, emissions b") for cursor in cursors]
    try:
        for stream in streams:
            next(stream)
        with connect(port) as connection:
            for _ in range(20):
                began = time.monotonic()
                assert rows(connection, "SELECT count(*) FROM emissions_daily")[0][0] > 0
                assert time.monotonic() - began < 10
        time.sleep(2)
        assert memory_bytes(process, "VmRSS") - before < 400 << 20
    finally:
        for connection in slow:
            connection.cancel()
            connection.close()


@pytest.mark.large
def test_a_gigabyte_is_streamed_in_bounded_memory(server):
    port, process = server
    with connect(port) as connection:
        texts = "repeat(a.line_id || b.line_id, 20)"
        width = rows(connection, f"SELECT max(length({texts})) FROM emissions a, (SELECT line_id FROM emissions LIMIT 1) b")[0][0]
        count = -(-(1 << 30) // width)
        before, received = memory_bytes(process, "VmHWM"), 0
        statement = f"SELECT {texts} FROM emissions a, emissions b LIMIT {count}"
        for (text,) in connection.cursor().stream(statement):
            received += len(text)
        assert received > 0.9 * (1 << 30)
        assert memory_bytes(process, "VmHWM") - before < 256 << 20


def test_who_takes_too_much_memory_stops_alone(port):
    def answers(until):
        with connect(port) as connection:
            count = 0
            while not until.is_set():
                assert rows(connection, "SELECT count(*) FROM emissions_daily")[0][0] > 0
                count += 1
            return count

    done = threading.Event()
    with ThreadPoolExecutor() as pool:
        other = pool.submit(answers, done)
        try:
            with connect(port) as connection, pytest.raises(psycopg.Error) as refused:
                connection.execute(TOO_MUCH)
        finally:
            done.set()
        assert refused.value.sqlstate in ["53200", "54000"], refused.value
        assert other.result(timeout=60) > 0


def test_a_client_that_goes_away_stops_its_statement(port, folder):
    connection = connect(port)
    bare = socket.socket(fileno=socket.dup(connection.fileno()))
    threading.Timer(0.5, lambda: bare.shutdown(socket.SHUT_RDWR)).start()
    with pytest.raises(psycopg.OperationalError):
        connection.execute(FOREVER)
    bare.close()
    with connect(port) as connection:
        assert rows(connection, "SELECT 1") == [(1,)]


# --- transactions, cursors, the past ---


def test_cursors_give_rows_in_portions(port):
    with connect(port, autocommit=False) as connection:
        total = rows(connection, "SELECT count(*) FROM emissions")[0][0]
        with connection.cursor("some") as cursor:
            cursor.itersize = 97
            cursor.execute("SELECT line_id FROM emissions")
            assert len(set(cursor)) == total
    with connect(port) as connection:
        connection.execute("BEGIN")
        connection.execute("DECLARE c CURSOR FOR SELECT line_id FROM emissions")
        assert len(rows(connection, "FETCH 10 FROM c")) == 10
        assert len(rows(connection, "FETCH ALL FROM c")) == total - 10
        connection.execute("COMMIT")
        with pytest.raises(errors.InvalidCursorName):
            connection.execute("FETCH 1 FROM c")


def test_open_cursors_are_limited(port):
    with connect(port) as connection:
        connection.execute("BEGIN")
        with pytest.raises(psycopg.Error, match="cursors are open"):
            for number in range(100):
                connection.execute(f"DECLARE c{number} CURSOR FOR SELECT * FROM emissions")


def test_a_failed_transaction_waits_for_its_end(port):
    with connect(port) as connection:
        connection.execute("BEGIN")
        with pytest.raises(psycopg.Error):
            connection.execute("SELECT nothing")
        with pytest.raises(errors.InFailedSqlTransaction):
            connection.execute("SELECT 1")
        connection.execute("ROLLBACK")
        assert rows(connection, "SELECT 1") == [(1,)]


def test_the_past_can_be_asked(port, folder):
    run = sorted(current_runs(folder / "lake").values())[0]
    with connect(port, options=f"-c airshed.as_of={run}") as connection:
        assert rows(connection, "SHOW airshed.as_of") == [(run,)]
        past = rows(connection, "SELECT DISTINCT run_id FROM emissions")
        assert (run,) in past
        connection.execute("SET airshed.as_of = ''")
        assert rows(connection, "SELECT count(*) FROM emissions")[0][0] > 0
    with pytest.raises(psycopg.OperationalError, match="no run"):
        connect(port, options="-c airshed.as_of=run-that-never-was")


# --- what no client sends ---

GARBAGE = [
    b"",
    b"\x00",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00",
    struct.pack("!II", 8, 80877103) * 20,
    struct.pack("!II", 0x7FFFFFFF, 196608),
    struct.pack("!II", 8, 196608),
    struct.pack("!II", 9, 196608) + b"\0",
    struct.pack("!II", 16, 80877102) + b"\0" * 8,
    struct.pack("!II", 12, 131072) + b"user",
    struct.pack("!I", 27) + struct.pack("!I", 196608) + b"user\0bob\0" + b"database\0"[:10] + b"\0",
    b"\xff" * 5_000,
]


def startup(user):
    body = struct.pack("!I", 196608) + b"user\0" + user + b"\0database\0airshed\0\0"
    return struct.pack("!I", len(body) + 4) + body


AFTER_STARTUP = [
    b"Q\0\0\0\x0dSELECT 1\0",
    b"p\0\0\0\x04",
    b"p\xff\xff\xff\xff",
    b"p\0\0\0\x08abcd",
    b"p\0\0\0\x20SCRAM-SHA-256\0\xff\xff\xff\x00n,,n=,r=",
    b"p\0\0\0\x18PLAIN\0\0\0\0\x08password",
    b"p" + struct.pack("!I", 1 << 30) + b"x" * 100_000,
    b"X\0\0\0\x04",
    b"\0" * 1_000,
]


SENT = GARBAGE + [startup(b"bob") + message for message in AFTER_STARTUP]


@pytest.mark.parametrize("bytes_sent", SENT, ids=[str(number) for number in range(len(SENT))])
def test_garbage_harms_nobody(port, bob, bytes_sent):
    with socket.create_connection(("127.0.0.1", port), timeout=15) as bare:
        bare.sendall(bytes_sent)
        try:
            bare.shutdown(socket.SHUT_WR)
            while bare.recv(4096):
                pass
        except ConnectionError:
            pass  # hung up before all was read
    assert rows(bob, "SELECT 1") == [(1,)]


def test_lies_in_messages_harm_nobody(port, bob):
    """Messages that say they hold more than they do, from somebody who is let in."""
    for message in [
        b"P\0\0\0\x08\0\0\xff\xff",
        b"B\0\0\0\x0c\0\0\xff\xff\0\0\0\0",
        b"B\0\0\0\x0a\0\0\0\0\xff\xff",
        b"E\0\0\0\x05\0",
        b"E\0\0\0\x09\0\x7f\xff\xff\xff",
        b"D\0\0\0\x04",
        b"C\0\0\0\x06Z\0",
        b"d\0\0\0\x08abcd",
        b"Z\0\0\0\x05I",
        b"Q" + struct.pack("!I", (1 << 30)),
        b"F\0\0\0\x04",
    ]:
        connection = connect(port)
        bare = socket.socket(fileno=socket.dup(connection.fileno()))
        bare.sendall(message + b"S\0\0\0\x04")
        bare.settimeout(2)
        try:
            bare.recv(4096)
        except TimeoutError:
            pass
        bare.close()
        connection.close()
        assert rows(bob, "SELECT 1") == [(1,)]


def test_five_hundred_connections_are_answered(port, bob, ada):
    """As many as there are places, each with a statement; one more is told."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2_000:
        pytest.skip(f"no more than {hard} files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    taken = []
    # What other tests left is gone.
    time.sleep(2)
    try:
        with ThreadPoolExecutor(16) as pool:
            taken = list(pool.map(lambda _: connect(port, connect_timeout=60), range(PLACES - 2)))
            answers = list(pool.map(lambda connection: rows(connection, "SELECT count(*) FROM runs"), taken))
        assert len(answers) == PLACES - 2 and len(set(map(str, answers))) == 1
        with pytest.raises(psycopg.OperationalError, match=f"all {PLACES} connections are taken"):
            connect(port, connect_timeout=10)
        assert rows(taken[0], "SELECT 1") == [(1,)]
    finally:
        for connection in taken:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_connections_are_limited(port, bob):
    """More than there are places: the others are told, and whoever is in goes on."""
    taken, refused = [], []
    try:
        for _ in range(530):
            try:
                taken.append(socket.create_connection(("127.0.0.1", port), timeout=5))
            except OSError as error:
                refused.append(error)
        with pytest.raises(psycopg.OperationalError, match="connections are taken"):
            connect(port, connect_timeout=10)
        assert rows(bob, "SELECT 1") == [(1,)]
    finally:
        for one in taken:
            one.close()
