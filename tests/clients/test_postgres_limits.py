"""The Postgres interface under load and abuse: statements that take too much, slow readers, many connections, garbage."""

import resource
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import errors
from postgres.served import PLACES, FOREVER, TOO_MUCH, connect, rows

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
        except OSError:
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
    # Places of those who left just before are free a moment later; until then the rush is let go in their stead.
    for _ in range(5):
        taken = []
        try:
            # All at once: who says nothing for ten seconds is let go again.
            with ThreadPoolExecutor(64) as pool:
                taken = list(pool.map(lambda _: socket.create_connection(("127.0.0.1", port), timeout=10), range(PLACES + 30)))
            time.sleep(1)
            connect(port, connect_timeout=10).close()
        except psycopg.OperationalError as refused:
            assert "connections are taken" in str(refused)
            assert rows(bob, "SELECT 1") == [(1,)]
            return
        finally:
            for one in taken:
                one.close()
        time.sleep(5)
    raise AssertionError("every connection was taken")
