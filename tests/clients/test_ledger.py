"""The ledger as other tools see it: DuckDB on the files, Delta through its own library.

`airshed sql` and DuckDB must give the same totals to the last digit, because a ledger that only its own binary can read
is no ledger. The bills are every 16th row of the sample company's month, which has lines of all kinds.
"""

from decimal import Decimal

import duckdb
import pyarrow.parquet as pq
import pytest
from conftest import airshed, current_runs, table


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("acme")
    airshed("demo", "--quiet", "--only-files", folder=folder)
    (folder / "bills").mkdir()
    for file in sorted((folder / "demo").rglob("*.parquet")):
        rows = pq.read_table(file, partitioning=None)
        pq.write_table(rows.take(list(range(0, rows.num_rows, 16))), folder / "bills" / file.name)
    airshed("run", "--input", "bills", "--lake", "lake", folder=folder)
    return folder


@pytest.mark.parametrize("name", ["emissions", "emissions_hourly", "emissions_daily", "emissions_monthly"])
def test_duckdb_and_airshed_agree_to_the_last_digit(folder, name):
    sums = ["energy_kwh", "co2e_location_g", "co2e_market_g", "co2e_embodied_g", "water_l", "billed_cost"]
    select = "SELECT " + ", ".join(f"sum({column})" for column in sums) + f" FROM {name}"
    ours = airshed("sql", "--lake", "lake", "-o", "csv", select, folder=folder).stdout
    ours = [Decimal(cell) if cell else None for cell in ours.splitlines()[1].split(",")]

    lake = folder / "lake"
    runs = ", ".join(f"'{run}'" for run in current_runs(lake).values())
    connection = duckdb.connect()
    connection.register(name, table(lake, name))
    theirs = list(connection.execute(f"{select} WHERE run_id IN ({runs})").fetchone())
    assert theirs == ours
    assert any(value for value in theirs), "a sum of nothing proves nothing"


def test_every_row_is_accounted_for(folder):
    lake = folder / "lake"
    runs = set(current_runs(lake).values())
    run = [row for row in table(lake, "runs").to_pylist() if row["run_id"] in runs]
    counted = sum(row["rows_estimated"] + row["rows_unmapped"] + row["rows_excluded"] for row in run)
    assert counted == table(lake, "billing_lines").num_rows
    assert sum(row["rows_in"] for row in run) == counted + sum(row["rows_rejected"] for row in run)
