"""The dashboard on `airshed serve`: the browser tests of query-api/web, which otherwise run on its stand-in server.

The ledger is small and has what they go through: two months with a line in every hour, accounts with and without a name, regions, a
service without a model, lines of no team.
"""

import subprocess
from datetime import datetime, timezone
from pathlib import Path

import pytest
from conftest import PERIOD, airshed, environment, export, line
from confined.ledger import append
from serving import serve

WEB = Path(__file__).parents[2] / "query-api" / "web"
NAMED, UNNAMED = "222222222222", "333333333333"
IRELAND = {"product_region_code": "eu-west-1", "line_item_usage_type": "EU-BoxUsage:m5.xlarge"}
VIRGINIA = {"product_region_code": "us-east-1", "line_item_usage_type": "BoxUsage:m5.xlarge"}
STORAGE = {"line_item_product_code": "AmazonS3", "line_item_usage_type": "EU-TimedStorage-ByteHrs", "pricing_unit": "GB-Mo",
           "line_item_operation": "StandardStorage", "line_item_resource_id": "acme-logs", "product_instance_type": None}  # fmt: skip
SPEECH = {"line_item_product_code": "AmazonLex", "line_item_usage_type": "EU-Speech", "pricing_unit": "Requests",
          "line_item_operation": "Talk", "line_item_resource_id": None, "product_instance_type": None}  # fmt: skip
CORE = {"resource_tags": [("team", "core")]}
KINDS = [IRELAND | CORE, VIRGINIA | {"line_item_usage_account_id": UNNAMED, "resource_tags": []}, STORAGE | CORE, SPEECH | CORE]
MONTHS = [(PERIOD, 0, 744), (datetime(2026, 11, 1, tzinfo=timezone.utc), 744, 1_464)]


def bills():
    """Amounts grow from line to line, so that hours, days and months differ."""
    for month, first, end in MONTHS:
        for hour in range(first, end):
            for kind, columns in enumerate(KINDS):
                number = hour * len(KINDS) + kind
                grown = {"line_item_usage_amount": 1 + number / 1_000, "line_item_unblended_cost": round(0.1 + number * 0.000123, 6)}
                yield line(number, hour, bill_billing_period_start_date=month, **grown, **columns)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dashboard")
    export(folder / "bills" / "acme.parquet", list(bills()))
    airshed("run", "--quiet", "--input", "bills", "--lake", "lake", folder=folder, env={"AIRSHED_ROLLUP_TAGS": "team"})
    # The table is made when it is first asked for.
    airshed("sql", "--quiet", "--lake", "lake", "SELECT count(*) FROM accounts", folder=folder)
    account = {"account_id": NAMED, "account_name": "storefront", "account_status": "ACTIVE", "organizational_unit": "Root",
               "tags": "{}", "collected": True, "valid_from": PERIOD}  # fmt: skip
    append(folder, "accounts", [account])
    with serve(folder, [("ana", "analyst", "correct horse battery", None)]) as server:
        yield server


def test_every_page_in_chromium(server, tmp_path):
    subprocess.run([WEB / "tests" / "chromium"], check=True)
    names = server.ask("ana", "/v1/meta").json()["account_names"]
    assert names == {NAMED: "storefront"}
    env = environment({"BASE_URL": f"http://{server.http}", "AIRSHED_TOKEN": server.tokens["ana"]})
    command = ["npx", "--no-install", "playwright", "test", "--output", tmp_path]
    done = subprocess.run(command, cwd=WEB, env=env, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, f"{done.stdout[-8_000:]}\n{done.stderr[-2_000:]}\n{server.log.read_text()[-2_000:]}"
