"""The ledger as other tools see it: DuckDB on the files, Delta through its own library.

`airshed sql` and DuckDB must give the same totals to the last digit, because a ledger that only its own binary can read
is no ledger. AIRSHED_BIN names the binary; `make clients` sets it.
"""

import os
import subprocess
from decimal import Decimal

import duckdb
import pytest
from deltalake import DeltaTable

BINARY = os.environ.get("AIRSHED_BIN", "airshed")


def airshed(*arguments, folder):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AIRSHED_", "AWS_"))}
    done = subprocess.run(
        [BINARY, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("acme")
    airshed("demo", "--quiet", folder=folder)
    return folder


def table(folder, name):
    return DeltaTable(str(folder / "demo" / "ledger" / name)).to_pyarrow_table()


def current_runs(folder):
    history = table(folder, "periods").to_pylist()
    return {row["period"]: row["run_id"] for row in sorted(history, key=lambda row: row["published_at"])}.values()


@pytest.mark.parametrize("name", ["emissions", "emissions_hourly", "emissions_daily", "emissions_monthly"])
def test_duckdb_and_airshed_agree_to_the_last_digit(folder, name):
    sums = ["energy_kwh", "co2e_location_g", "co2e_market_g", "co2e_embodied_g", "water_l", "billed_cost"]
    select = "SELECT " + ", ".join(f"sum({column})" for column in sums) + f" FROM {name}"
    ours = airshed("sql", "--lake", "demo/ledger", "-o", "csv", select, folder=folder)
    ours = [Decimal(cell) if cell else None for cell in ours.splitlines()[1].split(",")]

    runs = ", ".join(f"'{run}'" for run in current_runs(folder))
    connection = duckdb.connect()
    connection.register(name, table(folder, name))
    theirs = list(connection.execute(f"{select} WHERE run_id IN ({runs})").fetchone())
    assert theirs == ours
    assert any(value for value in theirs), "a sum of nothing proves nothing"


def test_every_row_is_accounted_for(folder):
    runs = set(current_runs(folder))
    run = [row for row in table(folder, "runs").to_pylist() if row["run_id"] in runs]
    counted = sum(row["rows_estimated"] + row["rows_unmapped"] + row["rows_excluded"] for row in run)
    assert counted == table(folder, "billing_lines").num_rows
    assert sum(row["rows_in"] for row in run) == counted + sum(row["rows_rejected"] for row in run)
