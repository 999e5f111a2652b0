"""What moto's server does not have: Account ListRegions, Config's aggregator, the Sustainability API.

The answers have the form of AWS's references of the three calls. Pages are small, so that paging is tested.
"""

import json
import re
from datetime import datetime, timezone

from collect.wire import Answer

REGIONS_OF_AWS = ("ap-south-1", "eu-central-1", "eu-north-1", "eu-west-1", "us-east-1", "us-west-2")
PAGE = 4


def answer(request, account, company):
    """The answer of one of the three calls; nothing for any other."""
    found = {
        "ListRegions": list_regions,
        "SelectAggregateResourceConfig": select_aggregate_resource_config,
        "GetEstimatedCarbonEmissions": carbon_emissions,
    }.get(request.action)
    return found(request, account, company) if found and company else None


def page(request, name, values):
    """One page, with the token of the next."""
    start = int(request.parameters.get("NextToken") or 0)
    end = start + int(request.parameters.get("Limit") or PAGE)
    body = {name: values[start:end]}
    if end < len(values):
        body["NextToken"] = str(end)
    return body


def answered(body, content_type="application/json"):
    return Answer(200, {"content-type": content_type}, json.dumps(body).encode())


def list_regions(request, account, company):
    account = request.parameters.get("AccountId") or account
    [off] = [known.regions_off for known in company.accounts if known.id == account]
    states = [(region, "DISABLED" if region in off else "ENABLED_BY_DEFAULT") for region in REGIONS_OF_AWS]
    wanted = request.parameters.get("RegionOptStatusContains")
    regions = [
        {"RegionName": name, "RegionOptStatus": state} for name, state in states if not wanted or state in wanted
    ]
    return answered(page(request, "Regions", regions))


def select_aggregate_resource_config(request, _, company):
    """The resources of one account and region with the columns that were selected."""
    expression = request.parameters["Expression"]
    wanted = dict(re.findall(r"(accountId|awsRegion)\s*=\s*'([^']*)'", expression))
    columns = [name.strip() for name in re.match(r"(?i)select\s+(.*?)\s+where", expression, re.DOTALL)[1].split(",")]
    rows = []
    for resource in company.resources:
        name = re.split("[/:]", resource.arn)[-1]
        tags = [{"key": key, "value": value, "tag": f"{key}={value}"} for key, value in sorted(resource.tags.items())]
        row = {
            "accountId": resource.account, "awsRegion": resource.region, "arn": resource.arn,
            "resourceType": resource.type, "resourceId": name, "resourceName": name, "tags": tags,
        }  # fmt: skip
        if all(row[name] == value for name, value in wanted.items()):
            rows.append(json.dumps({name: row[name] for name in columns if name in row}))
    return answered(page(request, "Results", rows), "application/x-amz-json-1.1")


def carbon_emissions(request, _, company):
    """Each account's figures of the months asked for, in two regions."""
    period = request.parameters["TimePeriod"]
    kinds = request.parameters.get("EmissionsTypes") or ["TOTAL_LBM_CARBON_EMISSIONS", "TOTAL_MBM_CARBON_EMISSIONS"]
    results = [
        {
            "TimePeriod": {"Start": start.isoformat(), "End": end.isoformat()},
            "DimensionsValues": {"USAGE_ACCOUNT_ID": account.id, "REGION": region, "SERVICE": "AmazonEC2"},
            "ModelVersion": "v3.0.0",
            "EmissionsValues": {kind: {"Value": tonnes(account.id, region), "Unit": "MTCO2e"} for kind in kinds},
        }
        for start, end in months(instant(period["Start"]), instant(period["End"]))
        for account in company.accounts
        for region in ("eu-west-1", "us-east-1")
    ]
    return answered(page(request, "Results", results))


def instant(value):
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return datetime.fromtimestamp(value, timezone.utc)


def months(start, end):
    """First instants of the months that begin within a period, and of the months after them."""
    month = start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while month < end:
        following = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
        if month >= start:
            yield month, following
        month = following


def tonnes(account, region):
    """A made figure that no two accounts share."""
    return int(account[-4:]) / 1000 + (0.125 if region == "eu-west-1" else 0.25)
