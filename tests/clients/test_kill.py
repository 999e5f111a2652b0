"""Killed without warning at any moment, then run again: the ledger of an undisturbed run, file for file.

The moments are shares of what an undisturbed run takes, so that some fall into each stage on any machine.
"""

import subprocess
import time

import pytest
from conftest import BINARY, airshed, company, contents, environment, export

KILLS = 8
TABLES = [
    "billing_lines",
    "emissions",
    "emissions_hourly",
    "emissions_daily",
    "emissions_monthly",
    "emissions_resource_daily",
    "coverage",
    "rejects",
]


def run(lake):
    return ["run", "--quiet", "--input", "in", "--lake", lake]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kill")
    lines = company(8_000)
    lines[5]["line_item_usage_amount"] = float("nan")
    for month, parity in (("2026-10", 0), ("2026-11", 1)):
        export(folder / "in" / f"BILLING_PERIOD={month}" / "bill.parquet", lines[parity::2])
    started = time.monotonic()
    airshed(*run("whole"), folder=folder)
    seconds = time.monotonic() - started
    return folder, seconds, {name: contents(folder / "whole", name) for name in TABLES}


def killed(folder, lake, seconds):
    """Whether the run was still going when it was killed."""
    process = subprocess.Popen(
        [BINARY, *run(lake)], cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(seconds)
    process.kill()
    return process.wait() == -9


def test_a_killed_run_is_made_good_by_the_next(undisturbed):
    folder, seconds, expected = undisturbed
    assert all(expected.values()), "empty tables prove nothing"
    landed = 0
    for kill in range(KILLS):
        lake = f"killed-{kill}"
        landed += killed(folder, lake, seconds * (kill + 0.5) / KILLS)
        airshed(*run(lake), folder=folder)
        found = {name: contents(folder / lake, name) for name in TABLES}
        assert found == expected, f"kill {kill + 1} of {KILLS}"
        airshed("verify", "--quiet", "--lake", lake, folder=folder)
    assert landed >= KILLS // 2, f"only {landed} kills came in time"


def test_killed_again_and_again_in_one_lake(undisturbed):
    folder, seconds, expected = undisturbed
    landed = sum(killed(folder, "often", seconds * share) for share in (0.3, 0.6, 0.5, 0.8))
    airshed(*run("often"), folder=folder)
    assert {name: contents(folder / "often", name) for name in TABLES} == expected
    assert landed >= 1
