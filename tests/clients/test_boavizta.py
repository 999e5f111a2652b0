"""The profile `boavizta` against BoaviztAPI itself, which is installed beside the tests and never shipped.

The energy of a line must be the average power that the API answers for that instance type at 50 % load, times the
hours; its emissions that energy times the API's factor of the country.
"""

import asyncio
import importlib.util

import pytest
from conftest import airshed, export, line, sql

HOURS = 100.0
TYPES = ["m5.xlarge", "m6g.xlarge", "c7g.xlarge", "t3.medium", "r5.2xlarge", "i3.4xlarge", "p3.2xlarge"]


def answer(instance_type):
    """Average power in W and grid factor in g/kWh, as the API computes them for Ireland."""
    from boaviztapi.dto.device import Cloud
    from boaviztapi.routers.cloud_router import instance_cloud_impact_from_configuration as api

    usage = {"time_workload": 50, "usage_location": "IRL"}
    asked = Cloud(provider="aws", instance_type=instance_type, usage=usage)
    verbose = asyncio.run(api(asked, verbose=True, duration=1, criteria=["gwp"]))["verbose"]
    return verbose["avg_power"]["value"], verbose["gwp_factor"]["value"] * 1000


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("boavizta")
    package = importlib.util.find_spec("boaviztapi").submodule_search_locations[0]
    lines = [
        line(
            number,
            line_item_usage_amount=HOURS,
            line_item_usage_type=f"EU-BoxUsage:{instance_type}",
            product_instance_type=instance_type,
        )
        for number, instance_type in enumerate(TYPES)
    ]
    export(folder / "in" / "bill.parquet", lines)
    airshed("factors", "import-boavizta", package, "--lake", "lake", folder=folder)
    airshed("run", "--input", "in", "--lake", "lake", "--method", "boavizta", folder=folder)
    found = sql("SELECT line_id, status, energy_kwh, co2e_location_g FROM emissions", folder)
    return {TYPES[int(row["line_id"].removeprefix("line-"))]: row for row in found}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("instance_type", TYPES)
def test_energy_and_emissions_are_the_apis(rows, instance_type):
    power_w, grid_g_per_kwh = answer(instance_type)
    row = rows[instance_type]
    energy_kwh = power_w * HOURS / 1000
    assert row["status"] == "estimated"
    assert float(row["energy_kwh"]) == pytest.approx(energy_kwh, rel=1e-6)
    assert float(row["co2e_location_g"]) == pytest.approx(energy_kwh * grid_g_per_kwh, rel=1e-6)


def test_without_the_package_nothing_is_made_up(tmp_path):
    export(tmp_path / "in" / "bill.parquet", [line(1)])
    airshed("run", "--input", "in", "--lake", "lake", "--method", "boavizta", folder=tmp_path)
    [row] = sql("SELECT status, energy_kwh FROM emissions", tmp_path)
    assert row == {"status": "unmapped", "energy_kwh": None}
