"""A period estimated by three `airshed worker` processes: the files of one process alone, also when processes are killed."""

import shutil
import signal
import subprocess
import time
from contextlib import ExitStack

import pytest
from conftest import BINARY, airshed, company, contents, environment, export, table
from test_workers import cpu_seconds, worker

# Each export is a billing file in each of two months.
EXPORTS = 10
MEASURED = """resource_id,usage_start,usage_end,metric,avg
i-00000000000000000,2026-10-01T00:00:00Z,2026-10-03T00:00:00Z,cpu_utilization,0.37
"""


@pytest.fixture(scope="module")
def estimated(tmp_path_factory):
    """A folder with a lake that is imported and not estimated, and what one process makes of it."""
    folder = tmp_path_factory.mktemp("estimated")
    for number in range(EXPORTS):
        lines = [line | {"bill_payer_account_id": f"1111{number:08}"} for line in company(6_000 + 20 * number)]
        export(folder / "bills" / f"export{number}" / "acme.parquet", lines)
    (folder / "cpu.csv").write_text(MEASURED)
    airshed("import", "--quiet", "--input", "bills", "--utilization", "cpu.csv", "--lake", "lake", folder=folder)
    shutil.copytree(folder / "lake", folder / "alone")
    airshed("estimate", "--quiet", "--lake", "alone", folder=folder)
    return folder, ledger(folder / "alone")


@pytest.fixture
def folder(estimated, tmp_path):
    """A copy of the lake that is not estimated."""
    shutil.copytree(estimated[0] / "lake", tmp_path / "lake")
    return tmp_path


@pytest.fixture
def workers(folder):
    with ExitStack() as stack:
        yield [stack.enter_context(worker(folder, number)) for number in range(3)]


def addresses(workers):
    return ",".join(url for _, url in workers)


def ledger(lake):
    """The emissions files with the hash of their bytes, and the runs but for when they were published."""
    files = contents(lake, "emissions")
    assert all(path.endswith(f"-{content[:32]}.parquet") for path, content in files.items())
    runs = table(lake, "runs").to_pylist()
    return files, sorted(({**run, "published_at": None} for run in runs), key=lambda run: run["period"])


def begin(folder, urls):
    """`airshed estimate` under way: its first file is written, and not its last."""
    command = [BINARY, "estimate", "--lake", "lake", "--workers", urls]
    process = subprocess.Popen(command, cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not list(folder.glob("lake/emissions/*/*/*.parquet")):
        if process.poll() is not None or time.monotonic() > until:
            process.kill()
            raise AssertionError(process.communicate()[1])
        time.sleep(0.005)
    return process


def test_three_workers_write_what_one_process_writes(estimated, folder, workers):
    before = [cpu_seconds(process) for process, _ in workers]
    done = airshed("estimate", "--lake", "lake", "--workers", addresses(workers), folder=folder)
    assert "not used" not in done.stderr and "by itself" not in done.stderr, done.stderr
    assert ledger(folder / "lake") == estimated[1]
    assert len(estimated[1][0]) == 2 * EXPORTS and len(estimated[1][1]) == 2
    worked = [after - was for was, after in zip(before, (cpu_seconds(process) for process, _ in workers))]
    assert all(seconds > 0.1 for seconds in worked), f"each worker had a part: {worked}"
    # Once more there is nothing to do, and the workers are not needed for the rest.
    airshed("run", "--quiet", "--input", str(estimated[0] / "bills"), "--lake", "lake", folder=folder)
    airshed("verify", "--quiet", "--lake", "lake", folder=folder)


def test_run_takes_workers_of_the_settings(estimated, folder, workers):
    shutil.rmtree(folder / "lake")
    settings = {"AIRSHED_ESTIMATE_WORKERS": addresses(workers)}
    arguments = ["--input", "bills", "--utilization", "cpu.csv", "--lake", str(folder / "lake")]
    airshed("run", *arguments, folder=estimated[0], env=settings)
    assert ledger(folder / "lake") == estimated[1]


@pytest.mark.parametrize("victims", [1, 3])
def test_killed_workers_cost_nothing_but_time(estimated, folder, workers, victims):
    process = begin(folder, addresses(workers))
    for victim, _ in workers[:victims]:
        victim.kill()
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert [url in said for _, url in workers] == [number < victims for number in range(3)], said
    assert ("by itself" in said) == (victims == 3), said
    assert ledger(folder / "lake") == estimated[1]


def test_an_interrupted_estimate_publishes_nothing_and_is_made_again(estimated, folder, workers):
    process = begin(folder, addresses(workers))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert not (folder / "lake" / "runs").exists() or not contents(folder / "lake", "runs")
    airshed("estimate", "--lake", "lake", "--workers", addresses(workers), folder=folder)
    assert ledger(folder / "lake") == estimated[1]


def test_what_must_be_looked_at_is_an_error(folder):
    (folder / "secret").write_text("a secret of workers\n")
    (folder / "other").write_text("a secret of nobody!\n")
    with worker(folder, 0, "--workers-secret-file", "secret") as (_, url):
        for shown in [[], ["--workers-secret-file", "other"]]:
            done = airshed("estimate", "--lake", "lake", "--workers", url, *shown, folder=folder, code=1)
            assert url in done.stderr and "secret" in done.stderr, done.stderr
        shown = ["--workers-secret-file", "secret"]
        done = airshed("estimate", "--lake", "lake", "--workers", url, *shown, folder=folder)
        assert "not used" not in done.stderr, done.stderr
    done = airshed("estimate", "--lake", "lake", "--workers", "http://10.0.0.7:7001", folder=folder, code=2)
    assert "https" in done.stderr, done.stderr
