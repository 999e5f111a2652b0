"""`airshed serve` under attack by somebody who may write SQL: over HTTP (`/v1/sql`) and over Postgres alike.

- Nothing gets out of the ledger or changes it (confined/escapes.py).
- Nobody takes more than their share, and nobody else feels it (confined/bombs.py).
- Nobody learns of rows outside of their scope (confined/leaks.py). `ada` sees one account of three; all that is not hers is marked
  (confined/ledger.py), so a test looks for marks in whatever comes back.
"""

import re
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import IncompleteRead
from pathlib import Path

import psycopg
import pytest
from confined import leaks, ledger
from confined.bombs import STOPPED, SURVIVED
from confined.escapes import ESCAPES
from conftest import contents, current_runs
from serving import serve

TIMEOUT_S, MEMORY_MIB, ROWS = 3, 128, 100_000
LIMITS = {
    "AIRSHED_SERVE_QUERY_TIMEOUT_S": str(TIMEOUT_S),
    "AIRSHED_SERVE_QUERY_MEMORY_MIB": str(MEMORY_MIB),
    "AIRSHED_SERVE_QUERY_ROWS": str(ROWS),
}
USERS = [
    ("bob", "analyst", "correct horse battery", None),
    ("ada", "analyst", "staple of another kind", f"account={ledger.OWN}"),
    ("tia", "analyst", "tags are enough for her", "tag.team=core"),
]
WAYS = ["http", "postgres"]
# What a stranger must not read in a message: where the server runs, what it is made of, what its files hold.
INTERNALS = ["/root/", "/tmp/", ".cargo", ".rs:", "panicked", "backtrace", "Backtrace", "stack", "datafusion::", "DataFusion", "bug in",
             "Internal error", "root:x:0", "delta_log", ".parquet", "File {", "ObjectStore", "os error", "argon2", "_access/"]  # fmt: skip


# What a plan or an error must not tell in a scope: files, and how many rows they hold.
FILES = ["part-0", ".parquet", "file_groups", "num_rows", "output_rows", "Exact(", "statistics=", "count_files"]


class Refused(Exception):
    """The server said no; holds its code and its words."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("confined")
    ledger.make(folder)
    return folder


@pytest.fixture(scope="module")
def server(folder):
    before = contents(folder / "lake", "emissions"), contents(folder / "lake", "billing_lines")
    with serve(folder, USERS, LIMITS) as server:
        yield server
    assert before == (contents(folder / "lake", "emissions"), contents(folder / "lake", "billing_lines"))
    assert "panicked" not in server.log.read_text()


def ask(server, way, user, statement, prepare=None, **more):
    """The rows of a statement as lists of texts; `Refused` where the server says no."""
    if way == "http":
        try:
            answer = server.ask(user, "/v1/sql", {"sql": statement, "max_rows": ROWS, **more})
        except IncompleteRead as broken:
            # Rows were on their way when a limit was met.
            raise Refused("broken off", "the answer was broken off") from broken
        if answer.status == 200:
            found = answer.json()
            if found["truncated"]:
                raise Refused("truncated", "the answer was cut off at its most rows")
            return found["rows"]
        assert answer.headers["content-type"] == "application/problem+json", answer
        problem = answer.json()
        assert problem["status"] == answer.status and problem["title"] and problem["type"], problem
        raise Refused(answer.status, problem["detail"])
    try:
        cursor = server.connection(user).execute(statement, prepare=prepare)
        return [list(row) for row in cursor.fetchall()] if cursor.description else []
    except psycopg.Error as refused:
        raise Refused(refused.sqlstate, str(refused)) from refused


def is_alive(server):
    for way in WAYS:
        ((one,),) = ask(server, way, "bob", "SELECT 1 AS one")
        assert int(one) == 1


def is_a_clear_message(refused, statement):
    message = refused.message
    assert 10 <= len(message) <= 2_000, "a sentence, neither nothing nor a page"
    found = [word for word in INTERNALS if word in message and word not in statement]
    assert not found, f"{found} in {message}"


# --- out of the ledger ---


def test_there_are_as_many_escapes_as_promised():
    assert len(ESCAPES) == len(set(ESCAPES.values())) >= 60


@pytest.mark.parametrize("user", ["bob", "ada"])
@pytest.mark.parametrize("way", [*WAYS, "prepared"])
@pytest.mark.parametrize("name", ESCAPES)
def test_an_escape_is_refused(server, name, way, user):
    statement = ESCAPES[name]
    with pytest.raises(Refused) as refused:
        ask(server, way.replace("prepared", "postgres"), user, statement, prepare=way == "prepared")
    code = refused.value.code
    assert code in (400, 403, 404) if way == "http" else code and code[:2] in ("0A", "22", "25", "26", "3D", "3F", "42"), refused.value
    is_a_clear_message(refused.value, statement)
    is_alive(server)
    assert not list(Path("/tmp").glob("airshed-escape*")), "it wrote"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("form", ["SELECT * FROM '{}'", 'SELECT * FROM "{}"', "SELECT * FROM read_csv('{}')", "COPY emissions FROM '{}'"])
def test_nobody_learns_which_files_there_are(server, way, form):
    messages = []
    for path in ["/etc/passwd", "/etc/nothing", "/etc", "/root/.ssh/id_ed25519"]:
        with pytest.raises(Refused) as refused:
            ask(server, way, "bob", form.format(path))
        messages.append((refused.value.code, refused.value.message.replace(path, "PATH")))
    # Nor does the caret below a Postgres message tell more than the length of the name.
    assert len({(code, message.split("\n")[0]) for code, message in messages}) == 1, messages


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("statement", ["", " ", ";", ";;", "--", "/* */", "\n", "SELECT 1;", "SELECT 1; -- end", "\ufeffSELECT 1", "'", '"', "/*", "$$", "\\", "\\d", "?", "SELECT '\u202e'"])
def test_scraps_harm_nobody(server, way, statement):
    try:
        ask(server, way, "bob", statement)
    except Refused as refused:
        is_a_clear_message(refused, statement)
    is_alive(server)


BODIES = [
    b"", b"{", b"[]", b"null", b'{"sql": 1}', b'{"sql": "SELECT 1", "role": "admin"}', b'{"sql": "SELECT 1", "max_rows": -1}',
    b'{"sql": "SELECT 1", "max_rows": 1e99}', b'{"sql": "SELECT 1", "as_of": "../../x"}', b'{"sql": "SELECT \\u0000"}',
    b'{"sql": "SELECT \\ud800"}', b'\xff\xfe', b"[" * 100_000, b'{"sql": "' + b"x" * 2_000_000 + b'"}',
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_bodies_that_are_none_are_refused(server, body):
    try:
        answer = server.ask("bob", "/v1/sql", body)
    except OSError:
        # The server may stop reading a body that is too long.
        assert len(body) > 1_000_000
    else:
        assert 400 <= answer.status < 500 and answer.headers["content-type"] == "application/problem+json", answer
        is_a_clear_message(Refused(answer.status, answer.json()["detail"]), "")
    is_alive(server)


# --- more than there is ---


class Neighbour:
    """Somebody else at work, who notes how long they wait."""

    def __init__(self, server):
        self.server, self.begun, self.done, self.waits = server, threading.Event(), threading.Event(), []

    def work(self):
        with self.server.connect("bob") as connection:
            while not self.done.is_set():
                began = time.monotonic()
                assert connection.execute("SELECT count(*) FROM emissions_daily").fetchone()[0] > 0
                self.waits.append(time.monotonic() - began)
                self.begun.set()
                self.done.wait(0.05)


def explode(server, way, statement):
    """Runs a bomb beside a neighbour: what came of it, how long it took, how much memory, and the neighbour's longest wait."""
    neighbour = Neighbour(server)
    with ThreadPoolExecutor() as pool:
        other = pool.submit(neighbour.work)
        assert neighbour.begun.wait(30)
        before, began = server.memory_mib(), time.monotonic()
        try:
            came = ask(server, way, "bob", statement)
        except Refused as refused:
            came = refused
        finally:
            took = time.monotonic() - began
            neighbour.done.set()
        other.result(timeout=60)
    return came, took, server.memory_mib() - before, max(neighbour.waits)


def is_harmless(server, took, memory, wait):
    assert took < TIMEOUT_S + 7, f"it took {took:.1f} s, and {TIMEOUT_S} s are allowed"
    assert memory < 4 * MEMORY_MIB, f"it took {memory} MiB, and {MEMORY_MIB} MiB are allowed"
    assert wait < TIMEOUT_S + 2, f"the neighbour waited for {wait:.1f} s"
    is_alive(server)


@pytest.mark.large
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", STOPPED)
def test_a_bomb_is_stopped_by_a_limit(server, name, way):
    came, took, memory, wait = explode(server, way, STOPPED[name])
    assert isinstance(came, Refused), f"it gave {str(came)[:200]}"
    limits = [422, "broken off", "truncated"] if way == "http" else ["53200", "53400", "54000", "57014"]
    assert came.code in limits or (came.code in (400, "22000", "22023", "42883", "54001") and took < 1), came
    is_a_clear_message(came, STOPPED[name])
    is_harmless(server, took, memory, wait)


@pytest.mark.large
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", SURVIVED)
def test_a_bomb_is_survived(server, name, way):
    came, took, memory, wait = explode(server, way, SURVIVED[name])
    if isinstance(came, Refused):
        assert came.code in (400, 413, 422, "broken off") if way == "http" else came.code[:2] in ("0A", "22", "42", "53", "54", "57"), came
        is_a_clear_message(came, SURVIVED[name])
    is_harmless(server, took, memory, wait)


@pytest.mark.large
def test_eight_bombs_at_once_leave_room_for_others(server):
    neighbour = Neighbour(server)
    with ThreadPoolExecutor(max_workers=12) as pool:
        other = pool.submit(neighbour.work)
        bombs = [pool.submit(explode, server, way, STOPPED["a product of tables"]) for way in WAYS for _ in range(4)]
        assert all(isinstance(bomb.result(timeout=60)[0], Refused) for bomb in bombs)
        neighbour.done.set()
        other.result(timeout=60)
    assert statistics.median(neighbour.waits) < TIMEOUT_S
    is_alive(server)


# --- rows of others ---


def is_quiet(text, statement=""):
    found = [mark for mark in ledger.MARKS if mark in text and mark not in statement]
    assert not found, f"{found} in {text[:2_000]}"
    # What the engine's settings are for is no secret, and names files in general.
    words = [] if "df_settings" in statement or statement == "SHOW ALL" else FILES
    files = [word for word in words if word in text]
    assert not files, f"{files} in {text[:2_000]}"


def filled(text, **more):
    return text.format(own=ledger.OWN, other=ledger.OTHER, many=ledger.OWN_LINES, resource=ledger.RESOURCE, line=ledger.LINE,
                       team=ledger.TEAM, region=ledger.REGION, **more)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", leaks.SAME)
def test_hidden_rows_change_nothing(server, name, way):
    """In the scope the statement says what it says of a ledger without the hidden rows."""
    scoped = filled(leaks.SAME[name], e="emissions", b="billing_lines", d="emissions_daily")
    own = f"(SELECT * FROM {{}} WHERE account_id = '{ledger.OWN}')"
    by_hand = filled(
        leaks.SAME[name], e=own.format("emissions"), b=own.format("billing_lines"), d=own.format("emissions_daily")
    )
    expected = ask(server, way, "bob", by_hand)
    found = ask(server, way, "ada", scoped)
    assert found == expected
    is_quiet(repr(found), scoped)


@pytest.mark.parametrize("user", ["ada", "tia"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", leaks.QUIET)
def test_nothing_has_a_word_of_hidden_rows(server, name, way, user):
    statement = leaks.QUIET[name]
    try:
        said = repr(ask(server, way, user, statement))
    except Refused as refused:
        is_a_clear_message(refused, statement)
        said = refused.message
    is_quiet(said, statement)
    assert "bob" not in said


def test_marks_are_seen_by_who_may(server):
    """The tests above could not fail if nobody saw the marks."""
    for way in WAYS:
        seen = repr(ask(server, way, "bob", "SELECT * FROM emissions")) + repr(ask(server, way, "bob", "SELECT * FROM accounts"))
        assert all(mark in seen for mark in ledger.MARKS)
    assert "canary" in server.ask("bob", f"/v1/lines?account_id={ledger.OTHER}&from=2026-10-01&to=2026-12-01").text
    assert server.ask("bob", f"/v1/lineage/{ledger.LINE}").status == 200


@pytest.mark.parametrize("user", ["ada", "tia"])
@pytest.mark.parametrize("name", leaks.PATHS)
def test_no_path_has_a_word_of_hidden_rows(server, folder, name, user):
    run = sorted(row for row in current_runs(folder / "lake").values())[0]
    path = filled(leaks.PATHS[name], run=run)
    for accept in ["application/json", "text/csv"]:
        answer = server.ask(user, path, accept=accept)
        assert answer.status < 500, answer
        # Seconds in metrics have digits of any kind.
        text = re.sub(r"\d\.\d+", "", answer.text) if path == "/metrics" else answer.text
        # The statement that gives the same, and an error, may repeat what was asked.
        is_quiet(text, path)
        is_quiet(repr(answer.headers), path)


def test_the_totals_of_the_api_are_those_of_the_scope(server):
    ((cost, count),) = ask(server, "http", "bob", f"SELECT sum(billed_cost), count(*) FROM emissions WHERE account_id = '{ledger.OWN}'")
    (row,) = server.ask("ada", "/v1/emissions").json()["rows"]
    assert (row["billed_cost"], int(row["lines"])) == (cost, int(count))
    assert server.ask("ada", "/v1/emissions").headers.get("etag") != server.ask("bob", "/v1/emissions").headers.get("etag")


def test_lineage_of_anothers_line_is_that_of_no_line(server):
    other, none = (server.ask("ada", f"/v1/lineage/{line}") for line in [ledger.LINE, "there-is-no-line"])
    assert other.status == none.status == 404
    assert other.text.replace(ledger.LINE, "LINE") == none.text.replace("there-is-no-line", "LINE")
    own = ask(server, "http", "ada", "SELECT line_id FROM emissions LIMIT 1")[0][0]
    assert server.ask("ada", f"/v1/lineage/{own}").status == 200


def test_lines_of_another_account_are_those_of_no_account(server):
    span = "from=2026-10-01&to=2026-12-01"
    for theirs, nobodys in [
        (f"account_id={ledger.OTHER}", "account_id=888888888888"),
        (f"resource_id={ledger.RESOURCE}", "resource_id=i-nothing"),
        (f"region={ledger.REGION}", "region=xx-nothing-1"),
        (f"tag.team={ledger.TEAM}", "tag.team=nothing"),
        ("currency=XTS", "currency=XXX"),
    ]:
        answers = [server.ask("ada", f"/v1/lines?{condition}&{span}") for condition in [theirs, nobodys]]
        assert [answer.status for answer in answers] == [200, 200]
        assert [answer.json()["rows"] for answer in answers] == [[], []]
        assert answers[0].json().get("next_cursor") == answers[1].json().get("next_cursor")


@pytest.mark.parametrize("way", WAYS)
def test_the_past_is_in_the_scope_too(server, folder, way):
    runs = {path.name.removeprefix("run_id=") for path in (folder / "lake" / "emissions").rglob("run_id=*")}
    past = sorted(runs - set(current_runs(folder / "lake").values()))
    assert past, "there are runs that are not shown any more"
    for run in past:
        if way == "http":
            found = ask(server, way, "ada", "SELECT DISTINCT account_id, run_id FROM emissions", as_of=run)
        else:
            with server.connect("ada", options=f"-c airshed.as_of={run}") as connection:
                found = connection.execute("SELECT DISTINCT account_id, run_id FROM emissions").fetchall()
        assert {account for account, _ in found} == {ledger.OWN}
        assert run in {shown for _, shown in found}


def test_no_setting_lifts_the_scope(server):
    """pg_dump sets `row_security`, so it is taken; the scope is none of its business."""
    with server.connect("ada") as connection:
        connection.execute("SET row_security = off")
        assert connection.execute("SELECT DISTINCT account_id FROM emissions").fetchall() == [(ledger.OWN,)]


@pytest.mark.parametrize("way", WAYS)
def test_a_run_that_never_was_tells_nothing(server, way):
    for user in ["ada", "bob"]:
        with pytest.raises(Refused) as refused:
            if way == "http":
                ask(server, way, user, "SELECT 1", as_of="run-that-never-was")
            else:
                try:
                    server.connect(user, options="-c airshed.as_of=run-that-never-was")
                except psycopg.OperationalError as error:
                    raise Refused(error.sqlstate, str(error)) from error
        assert "run-that-never-was" in refused.value.message
        is_quiet(refused.value.message.replace("run-that-never-was", ""))


@pytest.mark.parametrize("way", WAYS)
def test_time_does_not_tell_of_hidden_rows(server, way):
    """Work that only a hidden row would cause takes bob's time and not ada's."""
    work = "regexp_replace(repeat(line_id, 300), '(l)(i)', '\\\\2\\\\1', 'g')"
    slow = f"SELECT count(*) FROM emissions WHERE length(CASE WHEN account_id = '{{}}' THEN {work} ELSE line_id END) < 0"

    def seconds(user, account):
        took = []
        for _ in range(5):
            began = time.monotonic()
            ask(server, way, user, slow.format(account))
            took.append(time.monotonic() - began)
        return statistics.median(took)

    nobody = "888888888888"
    assert seconds("bob", ledger.OTHER) > 2 * seconds("bob", nobody), "the work can be felt by who sees the rows"
    assert seconds("ada", ledger.OTHER) < 2 * seconds("ada", nobody) + 0.05
