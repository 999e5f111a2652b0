"""A ledger of which `ada` may see one account, and in which everything else carries a mark.

Whatever of the hidden rows comes through, in rows, errors, plans or lists, shows one of `MARKS`: ids and names have `canary` in them, costs
31337, the currency is one that no bill has.
"""

from datetime import datetime, timezone

import pyarrow as pa
from conftest import airshed, company, export, line
from deltalake import DeltaTable, write_deltalake

OWN = "222222222222"
OTHER = "999999999901"
HIDDEN = [OTHER, "999999999902"]
LINE, RESOURCE, REGION, TEAM = "canary-line-1", "i-canary1", "xx-canary-1", "canary-team"
MARKS = ["canary", "Canary", "9999999999", "31337", "XTS"]
OWN_LINES, HIDDEN_LINES = 600, 900


def bills():
    own = [row | {"line_item_usage_account_id": OWN, "resource_tags": [("team", "core")]} for row in company(OWN_LINES)]
    hidden = [
        row | {
            "identity_line_item_id": f"canary-line-{number}",
            "line_item_resource_id": f"i-canary{number % 7}",
            "line_item_usage_account_id": HIDDEN[number % 2],
            "line_item_product_code": row["line_item_product_code"] if number % 3 else "CanaryService",
            "line_item_usage_type": row["line_item_usage_type"] if number % 3 else "EU-CanaryUsage",
            "line_item_unblended_cost": 31337 + number / 1_000,
            "line_item_currency_code": "XTS",
            "product_region_code": REGION if number % 5 == 0 else "eu-west-1",
            "resource_tags": [("team", TEAM)],
        }
        for number, row in enumerate(company(HIDDEN_LINES))
    ]  # fmt: skip
    # A row that cannot be read: what rejects say of it is of another account too.
    broken = line(0, identity_line_item_id="canary-broken", line_item_usage_account_id=OTHER, line_item_currency_code="canary")
    return [*own, *hidden, broken]


def append(folder, name, rows):
    place = str(folder / "lake" / name)
    schema = pa.schema(DeltaTable(place).schema().to_arrow())
    write_deltalake(place, pa.Table.from_pylist(rows, schema), mode="append")


def make(folder):
    """Makes the ledger in `folder`/lake: two runs of each month, accounts and resources."""
    export(folder / "bills" / "canary.parquet", bills())
    keep = {"AIRSHED_ROLLUP_TAGS": "team"}
    airshed("run", "--quiet", "--input", "bills", "--lake", "lake", folder=folder, env=keep)
    airshed("run", "--quiet", "--input", "bills", "--lake", "lake", folder=folder, env=keep | {"AIRSHED_METHOD_NAME": "ccf"})
    airshed("sql", "--quiet", "--lake", "lake", "SELECT count(*) FROM accounts, resources, collector_health", folder=folder)
    since = datetime(2026, 1, 1, tzinfo=timezone.utc)
    append(folder, "accounts", [
        {"account_id": account, "account_name": name, "account_status": "ACTIVE", "organizational_unit": f"Root/{name}",
         "tags": "{}", "collected": True, "valid_from": since}
        for account, name in [(OWN, "own"), (OTHER, "canary-account"), (HIDDEN[1], "canary-other")]
    ])  # fmt: skip
    append(folder, "resources", [
        {"account_id": account, "region": "eu-west-1", "resource_type": "AWS::EC2::Instance", "resource_id": resource,
         "resource_arn": f"arn:aws:ec2:eu-west-1:{account}:instance/{resource}", "source": "list", "valid_from": since}
        for account, resource in [(OWN, "i-own"), (OTHER, RESOURCE)]
    ])  # fmt: skip
    append(folder, "collector_health", [
        {"at": since, "collector": "one", "shard": 0, "unit": OTHER, "work": "polling", "account_id": OTHER, "status": "denied",
         "detail": "canary", "rows": 31337, "rows_rejected": 0, "rows_left_out": 0, "calls": 0, "throttles": 0, "retries": 0,
         "api_cost_usd": 0.0}
    ])  # fmt: skip
