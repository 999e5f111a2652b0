"""A small ledger that has something for every panel: two months, regions and currencies, teams, AWS's own figures, collectors."""

from datetime import datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.parquet as pq
from conftest import PERIOD, airshed, company, export
from deltalake import DeltaTable, write_deltalake

# A name that must be quoted.
TEAMS = ["core", "data's", None]
COLLECTED = datetime(2026, 11, 20, tzinfo=timezone.utc)
KEEP_TEAMS = {"AIRSHED_ROLLUP_TAGS": "team"}


def bills():
    """The company's lines: one account pays in euros, instances run in two regions, some lines are of no team."""
    rows = company(3_000)
    for number, row in enumerate(rows):
        team = TEAMS[number % 7 % 3]
        row["resource_tags"] = [("team", team)] if team else []
        if row["line_item_usage_account_id"] == "222222222222":
            row["line_item_currency_code"] = "EUR"
        if row["product_instance_type"] and number % 11 < 5:
            row |= {"product_region_code": "us-east-1", "line_item_usage_type": "BoxUsage:m5.xlarge"}
    return rows


def carbon():
    """AWS's figures for two services and both months, in tons."""
    months = [(PERIOD, PERIOD.replace(month=11)), (PERIOD.replace(month=11), PERIOD.replace(month=12))]
    rows = [(month, service) for month in months for service in ["AmazonEC2", "AmazonS3"]]
    count = len(rows)
    instant = pa.timestamp("ms", tz="UTC")
    columns = {
        "last_refresh_timestamp": pa.array([COLLECTED] * count, instant),
        "location": pa.array(["EU (Ireland)"] * count),
        "model_version": pa.array(["v3.0.0"] * count),
        "payer_account_id": pa.array(["111111111111"] * count),
        "product_code": pa.array([service for _, service in rows]),
        "region_code": pa.array(["eu-west-1"] * count),
        "usage_account_id": pa.array(["222222222222"] * count),
        "usage_period_start": pa.array([start for (start, _), _ in rows], instant),
        "usage_period_end": pa.array([end for (_, end), _ in rows], instant),
    }
    for number, name in enumerate(["total_lbm", "total_mbm", "total_scope_1", "total_scope_2_lbm", "total_scope_2_mbm",
                                   "total_scope_3_lbm", "total_scope_3_mbm"]):  # fmt: skip
        columns[f"{name}_emissions_value"] = pa.array([0.001 * (number + 1)] * count)
        columns[f"{name}_emissions_unit"] = pa.array(["MTCO2e"] * count)
    return pa.table(columns)


def health():
    """Three hours of two accounts' polling, one of which is denied."""
    rows = [
        {
            "at": COLLECTED + timedelta(hours=hour), "collector": "one", "shard": 0, "unit": account, "work": "polling",
            "account_id": account, "region": "eu-west-1", "status": status, "detail": None if status == "ok" else "no role",
            "watermark": COLLECTED, "lag_s": 61.5, "rows": 10, "rows_rejected": 0, "rows_left_out": 1, "calls": 3,
            "throttles": 0, "retries": 0, "api_cost_usd": 0.00003,
        }
        for hour in range(3)
        for account, status in [("222222222222", "ok"), ("222222222223", "denied")]
    ]  # fmt: skip
    return rows


def make(folder):
    """Makes the ledger in `folder`/lake."""
    export(folder / "bills" / "acme.parquet", bills())
    (folder / "carbon").mkdir()
    pq.write_table(carbon(), folder / "carbon" / "carbon.parquet")
    airshed("import", "--quiet", "--input", "carbon", "--lake", "lake", folder=folder)
    airshed("run", "--quiet", "--input", "bills", "--lake", "lake", folder=folder, env=KEEP_TEAMS)
    # Tables that nobody has written yet are made when they are first read.
    airshed("sql", "--quiet", "--lake", "lake", "SELECT count(*) FROM collector_health", folder=folder)
    place = str(folder / "lake" / "collector_health")
    schema = pa.schema(DeltaTable(place).schema().to_arrow())
    write_deltalake(place, pa.Table.from_pylist(health(), schema), mode="append")
