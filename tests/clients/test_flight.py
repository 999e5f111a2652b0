"""The Flight SQL interface of `airshed serve`, as its clients see it: ADBC, pandas and pyarrow.

The ledger holds lines of five accounts over two months. `bob` sees all of it, `ada` one account, `eve` may not write SQL.
"""

import json
import re
import subprocess
import threading
import time
from decimal import Decimal
from pathlib import Path

import adbc_driver_flightsql.dbapi as flightsql
import adbc_driver_manager
import duckdb
import pyarrow as pa
import pyarrow.flight
import pytest
from adbc_driver_flightsql import DatabaseOptions
from conftest import BINARY, airshed, company, current_runs, environment, export, table

PASSWORDS = {"bob": "correct horse battery", "ada": "staple of another kind", "eve": "looks but never asks"}
OWN, OTHERS = "222222222223", ["222222222222", "222222222224", "222222222225", "222222222226"]
TABLES = ["emissions", "emissions_hourly", "emissions_daily", "emissions_monthly"]
SUMS = ["energy_kwh", "co2e_location_g", "co2e_market_g", "co2e_embodied_g", "water_l", "billed_cost"]
# Rows enough to keep every core busy for hours, whatever the machine.
FOREVER = "SELECT count(*) FROM emissions a, emissions b, emissions c, emissions d WHERE a.line_id < b.line_id || c.line_id || d.line_id"
# Texts that a sum cannot give up again: memory grows until it is stopped.
TOO_MUCH = "SELECT array_agg(a.line_id || b.line_id || c.line_id) FROM emissions a, emissions b, emissions c"
Refused = adbc_driver_manager.Error


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flown")
    export(folder / "bills" / "acme.parquet", company(3_000))
    airshed("run", "--quiet", "--input", "bills", "--lake", "lake", folder=folder)
    for name, role, scope in [("bob", "analyst", []), ("ada", "analyst", ["--scope", f"account={OWN}"]), ("eve", "viewer", [])]:
        airshed(
            "user", "add", name, "--lake", "lake", "--role", role, *scope, "--password-stdin",
            folder=folder, input=PASSWORDS[name],
        )
    return folder


@pytest.fixture(scope="module")
def tokens(folder):
    """Id and secret of a token of each user."""
    made = {}
    for name in PASSWORDS:
        printed = airshed("token", "create", name, "--lake", "lake", folder=folder)
        secret = re.search(r"airshed_[0-9a-f]{64}", printed.stdout + printed.stderr).group()
        listed = json.loads(airshed("token", "list", "--lake", "lake", "-o", "json", folder=folder).stdout)
        (made[name],) = [(token["id"], secret) for token in listed if token["user"] == name]
    return made


class Server:
    def __init__(self, folder, *arguments):
        self.log = folder / "flight.log"
        command = [BINARY, "serve", "--lake", "lake", "--http", "127.0.0.1:0", "--pg", "off", "--flight", "127.0.0.1:0", "--verbose"]
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([*command, *arguments], cwd=folder, env=environment(), stdout=log, stderr=log)
        for _ in range(600):
            assert self.process.poll() is None, self.log.read_text()
            if found := re.search(r"(grpc(?:\+tls)?)://(\S+:\d+)", self.log.read_text()):
                self.uri = found.group()
                return
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def resident_mib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def becomes_idle(self):
        for _ in range(40):
            before = self.cpu_seconds()
            time.sleep(0.5)
            if self.cpu_seconds() - before < 0.1:
                return True
        return False

    def stop(self):
        self.process.terminate()
        try:
            assert self.process.wait(timeout=20) == 0, self.log.read_text()
        finally:
            self.process.kill()


@pytest.fixture(scope="module")
def server(folder, tokens):
    server = Server(folder)
    yield server
    server.stop()


def connect(server, user="bob", **options):
    credentials = {"username": user, "password": PASSWORDS.get(user, "")}
    return flightsql.connect(server.uri, db_kwargs=credentials | options, autocommit=True)


def by_header(server, header):
    return flightsql.connect(server.uri, db_kwargs={DatabaseOptions.AUTHORIZATION_HEADER.value: header}, autocommit=True)


@pytest.fixture(scope="module")
def bob(server):
    with connect(server) as connection:
        yield connection


@pytest.fixture(scope="module")
def ada(server):
    with connect(server, "ada") as connection:
        yield connection


def rows(connection, statement, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


# --- the same numbers ---


@pytest.mark.parametrize("name", TABLES)
def test_sums_are_those_of_duckdb_on_the_files(folder, bob, name):
    select = "SELECT " + ", ".join(f"sum({column})" for column in SUMS) + f" FROM {name}"
    lake = folder / "lake"
    runs = ", ".join(f"'{run}'" for run in current_runs(lake).values())
    files = duckdb.connect()
    files.register(name, table(lake, name))
    theirs = files.execute(f"{select} WHERE run_id IN ({runs})").fetchone()
    (ours,) = rows(bob, select)
    assert ours == theirs
    assert any(ours), "a sum of nothing proves nothing"


def test_every_column_of_every_table_is_readable(folder, bob):
    for name in TABLES:
        with bob.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {name}")
            ours = cursor.fetch_arrow_table()
        assert ours.num_rows > 0 and not any(pa.types.is_dictionary(field.type) for field in ours.schema)
        assert {"account_id", "run_id"} <= set(ours.column_names)
        runs = set(current_runs(folder / "lake").values())
        theirs = [row for row in table(folder / "lake", name).select(ours.column_names).to_pylist() if row["run_id"] in runs]
        key = lambda row: [str(value) for value in row.values()]  # noqa: E731
        assert sorted(ours.to_pylist(), key=key) == sorted(theirs, key=key)


def test_pandas(bob):
    frame = __import__("pandas").read_sql("SELECT account_id, sum(billed_cost) AS cost FROM emissions GROUP BY 1 ORDER BY 1", bob)
    assert list(frame["account_id"]) == sorted([OWN, *OTHERS])
    assert all(isinstance(cost, Decimal) for cost in frame["cost"])
    with bob.cursor() as cursor:
        cursor.execute("SELECT usage_start, energy_kwh, status FROM emissions")
        assert len(cursor.fetch_df()) == rows(bob, "SELECT count(*) FROM emissions")[0][0]


def test_types(bob):
    statement = "SELECT usage_start, 1, 1.5::double, NULL, true, ['a', 'b'] AS l, arrow_cast('v', 'Utf8View'), arrow_cast('d', 'Dictionary(Int32, Utf8)') FROM emissions LIMIT 1"
    start, *others = rows(bob, statement)[0]
    assert start.utcoffset().total_seconds() == 0
    assert others == [1, 1.5, None, True, ["a", "b"], "v", "d"]


# --- parameters ---


def test_parameters(bob):
    cost = rows(bob, "SELECT max(billed_cost) FROM emissions")[0][0]
    start = rows(bob, "SELECT max(usage_start) FROM emissions")[0][0]
    for statement, parameters in [
        ("SELECT count(*) FROM emissions WHERE account_id = ?", (OWN,)),
        ("SELECT count(*) FROM emissions WHERE account_id = $1", (OWN,)),
        ("SELECT count(*) FROM emissions WHERE billed_cost = ?", (cost,)),
        ("SELECT count(*) FROM emissions WHERE usage_start = ? AND account_id <> ?", (start, "x")),
        ("SELECT 1 FROM emissions LIMIT ?", (1,)),
        ("SELECT count(*) FROM emissions WHERE '?' <> ?", ("x",)),
        ("SELECT ?::bigint + 1", (4,)),
    ]:
        assert rows(bob, statement, parameters)[0][0], statement
    assert rows(bob, "SELECT count(*) FROM emissions WHERE billed_cost > ?", (cost,)) == [(0,)]


def test_a_prepared_statement_is_used_again(bob):
    with bob.cursor() as cursor:
        counts = []
        for account in [OWN, *OTHERS] * 2:
            cursor.execute("SELECT count(*) FROM emissions WHERE account_id = ?", (account,))
            counts.append(cursor.fetchone()[0])
    assert sum(counts[:5]) == rows(bob, "SELECT count(*) FROM emissions")[0][0]
    assert counts[:5] == counts[5:]


@pytest.mark.parametrize(
    ("statement", "parameters", "told"),
    [
        ("SELECT count(*) FROM emissions WHERE account_id = ?", None, "the statement has 1, and 0 were given"),
        ("SELECT count(*) FROM emissions WHERE account_id = ?", ("a", "b"), "the statement has 1, and 2 were given"),
        ("SELECT count(*) FROM emissions WHERE account_id = ? OR region = $1", ("a",), "all as"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(bob, statement, parameters, told):
    with pytest.raises(Refused, match=told):
        rows(bob, statement, parameters)


# --- finding one's way ---


def test_objects_are_listed(bob):
    (catalog,) = bob.adbc_get_objects(depth="all").read_all().to_pylist()
    assert catalog["catalog_name"] == "airshed"
    (schema,) = catalog["catalog_db_schemas"]
    assert schema["db_schema_name"] == "public"
    tables = {found["table_name"]: found for found in schema["db_schema_tables"]}
    assert set(TABLES) <= set(tables)
    assert (tables["emissions"]["table_type"], tables["carbon_daily"]["table_type"]) == ("TABLE", "VIEW")
    columns = [column["column_name"] for column in tables["emissions"]["table_columns"]]
    assert {"line_id", "co2e_location_g", "billed_cost"} <= set(columns)
    filtered = bob.adbc_get_objects(depth="tables", table_name_filter="emissions%", table_types_filter=["TABLE"])
    (schema,) = filtered.read_all().to_pylist()[0]["catalog_db_schemas"]
    names = [found["table_name"] for found in schema["db_schema_tables"]]
    assert names == sorted(names) and all(name.startswith("emissions") for name in names) and "emissions" in names
    assert set(bob.adbc_get_table_types()) == {"TABLE", "VIEW"}


def test_the_schema_that_is_told_is_the_one_that_comes(bob):
    with bob.cursor() as cursor:
        cursor.execute("SELECT * FROM emissions LIMIT 1")
        assert bob.adbc_get_table_schema("emissions").names == cursor.fetch_arrow_table().schema.names


def test_the_server_says_what_it_is(bob):
    told = bob.adbc_get_info()
    assert told["vendor_name"] == "Airshed" and told["vendor_version"]


# --- who may ---


def test_sign_in_by_token(server, tokens):
    token_id, secret = tokens["bob"]
    for name in [token_id, "bob"]:
        with connect(server, name, password=secret) as connection:
            assert rows(connection, "SELECT 1") == [(1,)]
    with by_header(server, f"Bearer {secret}") as connection:
        assert rows(connection, "SELECT 1") == [(1,)]


@pytest.mark.parametrize(
    ("user", "password"), [("bob", "wrong horse battery"), ("bob", ""), ("nobody", "wrong horse battery"), ("Bob", PASSWORDS["bob"])]
)
def test_a_wrong_password_is_refused(server, user, password):
    with pytest.raises(Refused, match="not known here|[Uu]nauthenticated"), connect(server, user, password=password) as connection:
        rows(connection, "SELECT 1")


def test_a_wrong_token_is_refused(server, tokens):
    secret = tokens["bob"][1]
    for header in [f"Bearer {secret[:-1]}", "Bearer x", f"Basic {secret}", secret, "Bearer airshed_session_" + "0" * 64]:
        with pytest.raises(Refused, match="[Uu]nauthenticated|not known here|the header is"), by_header(server, header) as connection:
            rows(connection, "SELECT 1")
    with pytest.raises(Refused), connect(server, "ada", password=secret) as connection:
        rows(connection, "SELECT 1")


def test_without_a_name_nothing_is_told(server):
    with pytest.raises(Refused, match="sign in"), flightsql.connect(server.uri, autocommit=True) as connection:
        rows(connection, "SELECT 1")
    with pytest.raises(Refused, match="sign in"), flightsql.connect(server.uri, autocommit=True) as connection:
        connection.adbc_get_objects().read_all()


def test_a_viewer_may_not_write_sql(server, tokens):
    with pytest.raises(Refused, match="takes the role analyst"), connect(server, "eve") as connection:
        rows(connection, "SELECT 1")
    with pytest.raises(Refused, match="takes the role analyst"), by_header(server, f"Bearer {tokens['eve'][1]}") as connection:
        rows(connection, "SELECT 1")


# --- read-only ---

ESCAPES = [
    "CREATE TABLE t AS SELECT 1",
    "CREATE VIEW v AS SELECT 1",
    "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
    "COPY (SELECT 1) TO '/tmp/airshed-escape.csv'",
    "COPY emissions TO '/tmp/airshed-escape.parquet'",
    "DROP TABLE emissions",
    "INSERT INTO emissions SELECT * FROM emissions",
    "UPDATE emissions SET status = 'x'",
    "DELETE FROM emissions",
    "SET datafusion.execution.target_partitions = 64",
    "BEGIN",
    "PREPARE p AS SELECT 1",
    "SELECT 1; DROP TABLE emissions",
    "EXPLAIN COPY (SELECT 1) TO '/tmp/airshed-escape.csv'",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM read_csv('/etc/passwd')",
]


@pytest.mark.parametrize("statement", ESCAPES)
def test_what_is_no_query_is_refused(bob, statement):
    with pytest.raises(Refused) as refused:
        rows(bob, statement)
    assert refused.value.status_code == adbc_driver_manager.AdbcStatusCode.INVALID_ARGUMENT, refused.value
    with bob.cursor() as cursor, pytest.raises(Refused):
        cursor.executescript(statement)
    assert rows(bob, "SELECT 1") == [(1,)]
    assert not list(Path("/tmp").glob("airshed-escape*"))


def test_ingest_updates_and_transactions_are_refused(server, bob):
    with bob.cursor() as cursor, pytest.raises(Refused, match="read-only"):
        cursor.adbc_ingest("emissions", pa.table({"x": [1]}), mode="append")
    with bob.cursor() as cursor, pytest.raises(Refused, match="read-only"):
        cursor.adbc_statement.set_sql_query("DELETE FROM emissions")
        cursor.adbc_statement.execute_update()
    with pytest.raises(Refused):
        bob.adbc_connection.set_autocommit(False)


# --- what a scope does not show ---


def test_a_scope_shows_its_own_rows_only(bob, ada):
    for name in TABLES:
        own = rows(bob, f"SELECT count(*) FROM {name} WHERE account_id = ?", (OWN,))[0][0]
        assert rows(ada, f"SELECT count(*) FROM {name}")[0][0] == own > 0, name
        assert rows(ada, f"SELECT DISTINCT account_id FROM {name}") == [(OWN,)], name


def test_tables_that_a_scope_cannot_tell_apart_are_not_listed(bob, ada):
    def listed(connection):
        (catalog,) = connection.adbc_get_objects(depth="tables").read_all().to_pylist()
        return {found["table_name"] for found in catalog["catalog_db_schemas"][0]["db_schema_tables"]}

    assert {"runs", "objects"} <= listed(bob)
    assert not {"runs", "objects", "rejects", "line_sources"} & listed(ada)
    with pytest.raises(Refused, match="not found"):
        rows(ada, "SELECT * FROM runs")


def bare(server, user):
    """A client of pyarrow, and its options with the header of somebody who signed in."""
    client = pa.flight.FlightClient(server.uri.replace("grpc://", "grpc+tcp://"))
    name, value = client.authenticate_basic_token(user, PASSWORDS[user])
    return client, pa.flight.FlightCallOptions(headers=[(name, value)])


def field(number, content):
    """A field of bytes of a protobuf message, shorter than 16 KiB."""
    length = len(content)
    size = bytes([length]) if length < 128 else bytes([length & 127 | 128, length >> 7])
    return bytes([number << 3 | 2]) + size + content


def described(statement):
    kind = b"type.googleapis.com/arrow.flight.protocol.sql.CommandStatementQuery"
    return pa.flight.FlightDescriptor.for_command(field(1, kind) + field(2, field(1, statement.encode())))


def test_a_ticket_gives_whoever_redeems_it_their_own_rows(server):
    client, options = bare(server, "bob")
    ticket = client.get_flight_info(described("SELECT account_id, line_id FROM emissions"), options).endpoints[0].ticket
    assert set(client.do_get(ticket, options).read_all()["account_id"].to_pylist()) == {OWN, *OTHERS}
    other, other_options = bare(server, "ada")
    assert set(other.do_get(ticket, other_options).read_all()["account_id"].to_pylist()) == {OWN}
    with pytest.raises(pa.flight.FlightUnauthenticatedError):
        pa.flight.FlightClient(server.uri.replace("grpc://", "grpc+tcp://")).do_get(ticket).read_all()


def test_tickets_of_elsewhere_are_refused(server):
    client, options = bare(server, "bob")
    kind = b"type.googleapis.com/arrow.flight.protocol.sql.TicketStatementQuery"
    for handle in [b"\xff\xff\xff", field(1, b"DROP TABLE emissions"), field(1, b"\xff\xfe")]:
        ticket = pa.flight.Ticket(field(1, kind) + field(2, field(1, handle)))
        with pytest.raises(pa.ArrowInvalid):
            client.do_get(ticket, options).read_all()
    with pytest.raises(pa.ArrowException):
        client.do_get(pa.flight.Ticket(b"nothing"), options).read_all()


# --- limits ---


def test_a_large_answer_is_streamed(server, bob):
    """400 MiB in bounded memory, however slowly it is read."""
    statement = "SELECT repeat(a.line_id, 512 / length(a.line_id)) AS text FROM emissions a, emissions b LIMIT 800000"
    with bob.cursor() as cursor:
        began = time.monotonic()
        cursor.execute(statement)
        reader = cursor.fetch_record_batch()
        before, count, size, most = server.resident_mib(), 0, 0, 0
        for number, batch in enumerate(reader):
            if number == 0:
                first = time.monotonic() - began
                time.sleep(2)
            count += batch.num_rows
            size += batch.nbytes
            if number % 10 == 0:
                most = max(most, server.resident_mib())
        whole = time.monotonic() - began
    assert count == 800_000 and size > 300 << 20
    assert first < whole / 4, "the first rows come long before the last"
    assert most - before < 150, f"{most - before} MiB more than before"


def test_who_takes_too_much_memory_is_told(bob):
    with pytest.raises(Refused, match="more memory than it may use"):
        rows(bob, TOO_MUCH)
    assert rows(bob, "SELECT 1") == [(1,)]


def test_a_statement_can_be_cancelled(server, bob):
    with bob.cursor() as cursor:
        began = time.monotonic()
        threading.Timer(1, cursor.adbc_cancel).start()
        with pytest.raises(Refused):
            cursor.execute(FOREVER)
            cursor.fetchall()
        assert time.monotonic() - began < 15
    assert rows(bob, "SELECT 1") == [(1,)]
    assert server.becomes_idle(), "the statement goes on"


def test_a_client_that_goes_away_stops_its_statement(server):
    client, options = bare(server, "bob")
    ticket = client.get_flight_info(described(FOREVER), options).endpoints[0].ticket
    reader = client.do_get(ticket, options)
    time.sleep(1)
    reader.cancel()
    client.close()
    assert server.becomes_idle(), "the statement goes on"


def test_wrong_statements_are_told_what_is_wrong(bob):
    for statement, told in [
        ("SELEC 1", "SELEC"),
        ("SELECT nothing FROM emissions", "nothing"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("SELECT 1 / 0", "zero"),
        ("SELECT CAST('x' AS bigint) FROM emissions", "x"),
    ]:
        with pytest.raises(Refused, match=told):
            rows(bob, statement)


def test_statements_are_noted(folder, server, bob):
    rows(bob, "SELECT 'asked of flight'")
    with pytest.raises(Refused):
        rows(bob, "SELECT 'refused by flight', nothing")
    time.sleep(0.5)
    log = server.log.read_text()
    assert "asked of flight" in log and "refused by flight" in log, log
