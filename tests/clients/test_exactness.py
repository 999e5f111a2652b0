"""The same rows give the same bytes, whatever order, files, threads and memory they come through."""

import random
from decimal import Decimal

import pytest
from conftest import airshed, company, contents, costs, export, sql

MACHINES = {
    "one_thread": {"AIRSHED_IMPORT_THREADS": "1"},
    "five_threads": {"AIRSHED_IMPORT_THREADS": "5"},
    "little_memory": {"AIRSHED_IMPORT_THREADS": "3", "AIRSHED_IMPORT_MEMORY_MIB": "64"},
}
LINES = company(9_000)


def hashes(lake):
    return sorted(contents(lake, "emissions").values())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exact")
    export(folder / "whole" / "bill.parquet", LINES)
    shuffled = random.Random(20261001).sample(LINES, len(LINES))
    for part, rows in enumerate((shuffled[:100], shuffled[100:5_000], shuffled[5_000:])):
        export(folder / "parts" / f"part-{part}.parquet", rows, row_group_size=700 + part)
    airshed("run", "--input", "whole", "--lake", "lake", folder=folder)
    return folder


@pytest.mark.parametrize("machine", MACHINES)
def test_shuffled_and_split_rows_give_the_same_bytes(folder, machine):
    airshed("run", "--input", "parts", "--lake", machine, folder=folder, env=MACHINES[machine])
    assert hashes(folder / machine) == hashes(folder / "lake")
    assert len(hashes(folder / "lake")) == 2


def test_one_changed_cent_gives_other_bytes(folder):
    changed = [*LINES[:-1], LINES[-1] | {"line_item_unblended_cost": 0.01}]
    export(folder / "changed" / "bill.parquet", changed)
    airshed("run", "--input", "changed", "--lake", "other", folder=folder)
    assert hashes(folder / "other") != hashes(folder / "lake")


def test_costs_are_the_sum_of_the_export(folder):
    for name in ("billing_lines", "emissions", "emissions_daily", "emissions_monthly"):
        [row] = sql(f"SELECT sum(billed_cost) AS cost FROM {name}", folder)
        assert Decimal(row["cost"]) == costs(LINES)["USD"], name
