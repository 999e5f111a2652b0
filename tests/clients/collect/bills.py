"""A CUR 2.0 export of the company's instances and databases: one line for each hour that has metrics, and one more."""

from collections import defaultdict
from datetime import timedelta

from conftest import TYPES, export, line

BUCKET = "acme-bills"
PREFIX = f"s3://{BUCKET}/exports"
USAGE_REGIONS = {"eu-west-1": "EU-", "us-east-1": "", "eu-north-1": "EUN1-"}


def lines(company, limit=None):
    """Lines of the visited accounts, in the order of the resources."""
    hours = [*company.hours, company.hours[-1] + timedelta(hours=1)]
    visited = company.visited()
    billed = [one for one in company.resources if one.size and (one.account, one.region) in visited]
    return [
        bill(number, one, hour) for number, (one, hour) in enumerate((r, h) for r in billed[:limit] for h in hours)
    ]


def bill(number, resource, hour):
    is_database = resource.type == "AWS::RDS::DBInstance"
    kind = {
        "line_item_product_code": "AmazonRDS", "line_item_operation": "CreateDBInstance:0014",
        "product": [("product_family", "Database Instance")],
    } if is_database else {}  # fmt: skip
    usage = "InstanceUsage" if is_database else "BoxUsage"
    return line(
        number,
        bill_billing_period_start_date=hour.replace(day=1, hour=0),
        line_item_usage_start_date=hour,
        line_item_usage_end_date=hour + timedelta(hours=1),
        line_item_usage_account_id=resource.account,
        line_item_resource_id=resource.id,
        line_item_usage_type=f"{USAGE_REGIONS[resource.region]}{usage}:{resource.size}",
        product_instance_type=resource.size,
        product_region_code=resource.region,
        line_item_unblended_cost=round(0.1 + number / 1000, 3),
        **kind,
    )


def deliver(cloud, folder, rows):
    """Data Exports writes the lines, a file for each month."""
    months = defaultdict(list)
    for row in rows:
        months[f"{row['bill_billing_period_start_date']:%Y-%m}"].append(row)
    place = {"LocationConstraint": "eu-west-1"}
    cloud("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
    for month, of_month in months.items():
        file = export(folder / f"{month}.parquet", of_month, TYPES)
        key = f"exports/acme/data/BILLING_PERIOD={month}/acme-00001.snappy.parquet"
        cloud("s3").put_object(Bucket=BUCKET, Key=key, Body=file.read_bytes())
