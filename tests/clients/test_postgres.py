"""The Postgres interface of `airshed serve`, as its clients see it: psycopg, SQLAlchemy, pandas, psql, JDBC, DuckDB.

Sums are compared with `airshed sql`, which test_ledger.py compares with DuckDB on the files.
"""

import shutil
import subprocess
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import duckdb
import duckdb_extension_postgres_scanner
import pandas
import psycopg
import psycopg.types
import pytest
import sqlalchemy
from conftest import current_runs, environment, sql
from psycopg import errors
from postgres.served import OWN, OTHERS, PASSWORDS, TABLES, connect, psql, rows

JDBC = Path("/usr/share/java/postgresql.jar")


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


def test_parameters_that_nothing_tells_the_type_of_are_as_they_were_given(bob):
    for statement, values, expected in [
        ("SELECT %s", ["x"], [("x",)]),
        ("SELECT %s, %s", ["x", None], [("x", None)]),
        ("SELECT %b", [7], [(7,)]),
        ("SELECT %b, %b, %b", [True, 2.5, 2**40], [(True, 2.5, 2**40)]),
        ("SELECT DISTINCT account_id, %s AS of FROM emissions WHERE account_id = %s", ["x", OWN], [(OWN, "x")]),
        ("SELECT CASE WHEN lines > 0 THEN %s ELSE %s END FROM emissions_daily LIMIT 1", ["a", "b"], [("a",)]),
        ("SELECT n FROM (SELECT %s AS n) x WHERE n <> (SELECT %s)", ["a", "b"], [("a",)]),
        ("SELECT %s || 'b', coalesce(%s, 'c')", ["a", None], [("ab", "c")]),
        ("SELECT x FROM (VALUES (%s), (%s)) t (x) ORDER BY x", ["a", "b"], [("a",), ("b",)]),
        # In several places: one of them tells the type, or none does.
        ("SELECT DISTINCT account_id FROM emissions WHERE account_id = %(a)s OR %(a)s IS NULL", {"a": OWN}, [(OWN,)]),
        ("SELECT DISTINCT %(a)s, account_id FROM emissions WHERE account_id = %(a)s", {"a": OWN}, [(OWN, OWN)]),
        ("SELECT %(a)s AS a, %(a)s AS b", {"a": "x"}, [("x", "x")]),
        ("SELECT %(a)s::int8 AS a, %(a)s AS b", {"a": "7"}, [(7, 7)]),
        ("SELECT count(*) FROM emissions_daily WHERE lines > %(a)s OR %(a)s IS NULL", {"a": 1_000_000}, [(0,)]),
        ("WITH pg_indexes AS (SELECT DISTINCT account_id FROM emissions) SELECT count(*) FROM pg_indexes WHERE account_id = %s", [OWN], [(1,)]),
    ]:
        for prepare in [False, True]:
            assert bob.execute(statement, values, prepare=prepare).fetchall() == expected, statement
    # A driver that leaves the type open is told that rows are counted in whole numbers.
    prepared = bob.pgconn.prepare(b"limited", b"SELECT line_id FROM emissions LIMIT $1 OFFSET $2")
    assert prepared.status == psycopg.pq.ExecStatus.COMMAND_OK, prepared.error_message
    described = bob.pgconn.describe_prepared(b"limited")
    assert [described.param_type(number) for number in range(described.nparams)] == [20, 20]
    assert bob.pgconn.exec_prepared(b"limited", [b"2", b"1"]).ntuples == 2


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
    (extension,) = Path(duckdb_extension_postgres_scanner.__file__).parent.glob("extensions/*/*.duckdb_extension")
    with duckdb.connect() as database:
        database.execute(f"LOAD '{extension}'")
        address = f"postgresql://bob:{quote(PASSWORDS['bob'])}@127.0.0.1:{port}/airshed"
        # Its own default is COPY, which is refused.
        database.execute("SET pg_use_text_protocol = true")
        database.execute(f"ATTACH '{address}' AS ledger (TYPE postgres, READ_ONLY)")
        sums = "SELECT account_id, count(*) AS n, sum(billed_cost) AS cost FROM {} WHERE lines > 0 GROUP BY 1 ORDER BY 1"
        expected = sql(sums.format("emissions_daily"), folder)
        found = database.execute(sums.format("ledger.public.emissions_daily")).fetchall()
        # It reads a numeric whose digits the catalogue does not tell as a double.
        assert found == [(row["account_id"], int(row["n"]), pytest.approx(float(row["cost"]))) for row in expected] != []
        assert database.execute("SELECT count(day) FROM ledger.public.carbon_daily").fetchone()[0] > 0


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


