"""What the tests share: the binary, a small CUR 2.0 export, and a ledger read without Airshed.

AIRSHED_BIN names the binary; `make clients` sets it. Nothing of the caller's settings or credentials reaches it.
"""

import hashlib
import json
import os
import subprocess
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

# The fixture `world`: a company in moto, one for all tests of the collectors. And a ledger that is served, with those who ask it.
pytest_plugins = ["collect.world", "postgres.served"]
BINARY = os.environ.get("AIRSHED_BIN", "airshed")
PERIOD = datetime(2026, 10, 1, tzinfo=timezone.utc)
INSTANT = pa.timestamp("ms", tz="UTC")
TEXTS = pa.map_(pa.string(), pa.string())
# The columns that the tests give; a real export has 125 and more.
TYPES = {
    "bill_billing_period_start_date": INSTANT,
    "bill_payer_account_id": pa.string(),
    "identity_line_item_id": pa.string(),
    "line_item_currency_code": pa.string(),
    "line_item_line_item_type": pa.string(),
    "line_item_operation": pa.string(),
    "line_item_product_code": pa.string(),
    "line_item_resource_id": pa.string(),
    "line_item_unblended_cost": pa.float64(),
    "line_item_usage_account_id": pa.string(),
    "line_item_usage_amount": pa.float64(),
    "line_item_usage_end_date": INSTANT,
    "line_item_usage_start_date": INSTANT,
    "line_item_usage_type": pa.string(),
    "pricing_unit": pa.string(),
    "product": TEXTS,
    "product_instance_type": pa.string(),
    "product_region_code": pa.string(),
    "resource_tags": TEXTS,
}


def environment(extra=()):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AIRSHED_", "AWS_"))}
    return {**clean, **dict(extra)}


def airshed(*arguments, folder, code=0, env=(), **options):
    """Runs a command in a folder and insists on its exit code; returns what it printed."""
    command = [BINARY, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=folder, env=environment(env), capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == code, f"{command} gave {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def sql(statement, folder, lake="lake", env=()):
    """The rows of a statement as dicts; decimals are texts."""
    done = airshed("sql", "--quiet", "--lake", lake, "-o", "json", statement, folder=folder, env=env)
    return json.loads(done.stdout)


def line(number, hour=0, **columns):
    """One hour of an m5.xlarge in Ireland, with the named columns changed."""
    start = PERIOD + timedelta(hours=hour)
    return {
        "bill_billing_period_start_date": PERIOD,
        "bill_payer_account_id": "111111111111",
        "identity_line_item_id": f"line-{number}",
        "line_item_currency_code": "USD",
        "line_item_line_item_type": "Usage",
        "line_item_operation": "RunInstances",
        "line_item_product_code": "AmazonEC2",
        "line_item_resource_id": f"i-{number % 7:017x}",
        "line_item_unblended_cost": 0.214,
        "line_item_usage_account_id": "222222222222",
        "line_item_usage_amount": 1.0,
        "line_item_usage_end_date": start + timedelta(hours=1),
        "line_item_usage_start_date": start,
        "line_item_usage_type": "EU-BoxUsage:m5.xlarge",
        "pricing_unit": "Hrs",
        "product": [("product_family", "Compute Instance")],
        "product_instance_type": "m5.xlarge",
        "product_region_code": "eu-west-1",
        "resource_tags": [("user_team", "core")],
    } | columns


def company(rows):
    """Lines of three services over two months, with amounts and costs that no two lines share."""
    lines = []
    for number in range(rows):
        month = {"bill_billing_period_start_date": datetime(2026, 10 + number % 2, 1, tzinfo=timezone.utc)}
        spread = {
            "line_item_unblended_cost": round(number * 0.000123 + 0.1, 6),
            "line_item_usage_amount": 1 + number / 7,
            "line_item_usage_account_id": f"{222222222222 + number % 5}",
        }
        kind = [
            {},
            {"line_item_product_code": "AmazonS3", "line_item_usage_type": "EU-TimedStorage-ByteHrs",
             "line_item_operation": "StandardStorage", "pricing_unit": "GB-Mo", "product_instance_type": None},
            {"line_item_product_code": "AmazonLex", "line_item_usage_type": "EU-Speech", "pricing_unit": "Requests",
             "line_item_operation": "Talk", "product_instance_type": None},
        ][number % 3]
        hour = number % 700 + 744 * (number % 2)
        lines.append(line(number, hour, **month, **spread, **kind))
    return lines


def export(path, rows, types=(), **options):
    """Writes rows as a Parquet file; `types` changes the types of columns."""
    types = TYPES | dict(types)
    columns = {name: pa.array([row[name] for row in rows], kind) for name, kind in types.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, **options)
    return path


def table(lake, name):
    """A table of a lake on disk, through Delta's own library."""
    return DeltaTable(str(lake / name)).to_pyarrow_table()


def current_runs(lake):
    """The run that each period shows now."""
    history = sorted(table(lake, "periods").to_pylist(), key=lambda row: row["published_at"])
    return {row["period"]: row["run_id"] for row in history}


def contents(lake, name):
    """Path and SHA-256 of each file that belongs to a table now."""
    paths = [Path(uri.removeprefix("file://")) for uri in sorted(DeltaTable(str(lake / name)).file_uris())]
    place = (lake / name).resolve()
    return {str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def costs(rows):
    """Exact cost by currency: a double is its shortest decimal, as the ledger reads it."""
    sums = {}
    for row in rows:
        cost = Decimal(repr(row["line_item_unblended_cost"]))
        sums[row["line_item_currency_code"]] = sums.get(row["line_item_currency_code"], Decimal(0)) + cost
    return sums
