"""Statements spread over three `airshed worker` processes: the same answers, also when workers are killed under way.

The share of a worker is set to a MiB, so that a ledger which a test can make in seconds is spread.
"""

import re
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest
from conftest import BINARY, airshed, company, environment, export
from serving import serve

LINES = 120_000
USERS = [("bob", "analyst", "correct horse battery", None), ("ada", "analyst", "staple of another kind", "account=222222222223")]
STATEMENTS = [
    "SELECT count(*) AS n, sum(co2e_location_g) AS g, sum(billed_cost) AS cost FROM emissions",
    "SELECT account_id, service_code, sum(energy_kwh) AS kwh, max(usage_end) AS last FROM emissions GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT date_trunc('day', usage_start) AS day, avg(co2e_location_g) AS g FROM emissions GROUP BY 1 ORDER BY 1",
    "SELECT e.line_id, e.billed_cost, b.usage_amount FROM emissions e JOIN billing_lines b ON b.line_id = e.line_id ORDER BY 2 DESC, 1 LIMIT 50",
    "SELECT count(DISTINCT line_id) AS n FROM emissions WHERE region = 'eu-west-1'",
]
# Seconds of work that is spread; a sum of it all, so that a lost part would show.
LONG = "SELECT count(*) AS n, sum(length(repeat(a.line_id, 20))) AS l FROM emissions a JOIN emissions b ON a.resource_id = b.resource_id AND a.account_id = b.account_id AND b.line_seq < 2000"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workers")
    export(folder / "bills" / "acme.parquet", company(LINES))
    airshed("run", "--quiet", "--input", "bills", "--lake", "lake", folder=folder)
    return folder


@contextmanager
def worker(folder, number, *options):
    """A worker's process and its address."""
    log = folder / f"worker{number}.log"
    with open(log, "w") as output:
        command = [BINARY, "worker", "--listen", "127.0.0.1:0", "--lake", "lake", *options]
        process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=output, stderr=output)
    try:
        for _ in range(300):
            assert process.poll() is None, log.read_text()
            if found := re.search(r"worker: (127\.0\.0\.1:\d+)", log.read_text()):
                break
            time.sleep(0.1)
        yield process, f"http://{found[1]}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def spread(folder):
    """A server with three workers, and their processes."""
    with ExitStack() as stack:
        workers = [stack.enter_context(worker(folder, number)) for number in range(3)]
        settings = {
            "AIRSHED_SERVE_WORKERS": ",".join(url for _, url in workers),
            "AIRSHED_SERVE_WORKERS_SHARE_MIB": "1",
            "AIRSHED_SERVE_QUERY_TIMEOUT_S": "300",
        }
        server = stack.enter_context(serve(folder, [], settings))
        time.sleep(3)
        yield server, [process for process, _ in workers]


@pytest.fixture(scope="module")
def alone(folder):
    with serve(folder, USERS, {"AIRSHED_SERVE_QUERY_TIMEOUT_S": "300"}) as server:
        yield server


def rows(server, user, statement):
    answer = server.ask(user, "/v1/sql", {"sql": statement, "max_rows": 1000})
    assert answer.status == 200, answer.text
    return answer.json()["rows"]


def signed_in(server, alone):
    """Users are files of the lake: both servers know them."""
    server.tokens.update(alone.tokens)
    return server


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_answers_are_the_same(alone, spread):
    server, workers = signed_in(spread[0], alone), spread[1]
    before = [cpu_seconds(process) for process in workers]
    for user in ["bob", "ada"]:
        for statement in STATEMENTS:
            assert rows(server, user, statement) == rows(alone, user, statement) != [], statement
    worked = [after - before for before, after in zip(before, map(cpu_seconds, workers))]
    assert all(seconds > 0 for seconds in worked), "each worker had a part"
    plan = str(rows(server, "bob", "EXPLAIN " + STATEMENTS[1]))
    assert "Stage 1" in plan or "DistributedExec" in plan, plan


@pytest.mark.parametrize("victims", [1, 3])
def test_killed_workers_cost_a_retry_or_an_error(alone, spread, victims):
    server, workers = signed_in(spread[0], alone), spread[1]
    expected = rows(alone, "bob", LONG)
    answers = []
    asking = threading.Thread(target=lambda: answers.append(server.ask("bob", "/v1/sql", {"sql": LONG}, timeout=300)))
    asking.start()
    time.sleep(0.5)
    for process in workers[:victims]:
        process.kill()
    asking.join()
    (answer,) = answers
    if answer.status == 200:
        assert answer.json()["rows"] == expected
    else:
        assert answer.status == 503 and "again" in answer.json()["detail"], answer.text
    # Those that are left, or the server alone, go on.
    for _ in range(5):
        again = server.ask("bob", "/v1/sql", {"sql": STATEMENTS[0]})
        if again.status == 200:
            break
        time.sleep(2)
    assert again.json()["rows"] == rows(alone, "bob", STATEMENTS[0])
