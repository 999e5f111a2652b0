"""What must be in the ledger, worked out from the company without Airshed, and what is in it.

The rules are those of docs/metric-streams.md, written down again. Times of observation are left out of all rows:
no two collections share them.
"""

import json
from collections import Counter
from datetime import timedelta, timezone

from conftest import table

# Namespace and CloudWatch metric: unit, the ledger's metric, divisor.
TAKEN = {
    ("AWS/EC2", "CPUUtilization"): ("cpu_utilization", 100),
    ("AWS/RDS", "CPUUtilization"): ("cpu_utilization", 100),
    ("CWAgent", "mem_used_percent"): ("memory_utilization", 100),
    ("AWS/EC2", "CPUCreditUsage"): ("cpu_credit_usage", 1),
    ("AWS/EC2", "NetworkOut"): ("network_out_bytes", 1),
    ("AWS/EBS", "VolumeReadBytes"): ("volume_read_bytes", 1),
    ("AWS/Lambda", "Duration"): ("duration_ms", 1),
    ("AWS/DynamoDB", "ConsumedReadCapacityUnits"): ("consumed_read_capacity_units", 1),
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits"): ("consumed_write_capacity_units", 1),
}
OBSERVED = {"valid_from", "valid_to", "landed_at", "joined_at", "period", "configuration", "source"}


def measurement(series, start, seconds, is_polled=False):
    """The row of `utilization` of a data point, nothing where none is taken. Polling asks for averages alone."""
    taken = TAKEN.get((series.namespace, series.metric))
    if not taken or not series.resource:
        return None
    metric, divisor = taken
    samples, total, _, most = series.statistics(start)
    return row({
        "account_id": series.account, "region": series.region, "resource_id": series.resource, "metric": metric,
        "usage_start": start, "usage_end": start + timedelta(seconds=seconds),
        "avg": total / samples / divisor,
        "max": None if is_polled else most / divisor, "samples": None if is_polled else samples,
    })  # fmt: skip


def polled(company, starts=None, seconds=3600, denied=()):
    """Rows that polling brings."""
    places = {place for place in company.visited() if place[0] not in denied}
    rows = (
        measurement(series, start, seconds, is_polled=True)
        for series in company.series
        if (series.account, series.region) in places
        for start in starts or company.hours
    )
    return Counter(filter(None, rows))


def streamed(objects, company):
    """Rows that the objects of metric streams bring: data points of accounts that are not visited are left out."""
    visited = {account for account, _ in company.visited()}
    points = (point for made in objects for point in made.points if point.series.account in visited)
    return Counter(filter(None, (measurement(point.series, point.start, point.seconds) for point in points)))


def objects(stream, source, company):
    """Rows of `collected_objects`."""
    found = Counter()
    for uri, made in stream.objects.items():
        rows = streamed([made], company).total()
        found[row({
            "stream": source, "object_uri": uri, "object_e_tag": made.e_tag, "object_size_bytes": len(made.body),
            "object_format": made.format, "rows": rows, "rows_rejected": made.damage,
            "rows_left_out": len(made.points) - rows,
        })] += 1  # fmt: skip
    return found


def accounts(company):
    return Counter(
        row({
            "account_id": account.id, "organization_id": company.organization, "account_name": account.name,
            "account_status": account.status, "organizational_unit": account.unit,
            "organizational_unit_ids": account.unit_ids, "tags": tags_text(account.tags),
            "collected": account.status == "ACTIVE",
        })
        for account in company.accounts
    )  # fmt: skip


def resources(company, denied=()):
    """An untagged resource has no tags, or null where the source does not tell; the ledger's null reads as none."""
    places = {place for place in company.visited() if place[0] not in denied}
    return Counter(
        row({
            "account_id": one.account, "region": one.region, "resource_type": one.type, "resource_id": one.id,
            "resource_arn": one.arn, "tags": tags_text(one.tags),
        })
        for one in company.resources
        if (one.account, one.region) in places
    )  # fmt: skip


def tags_text(tags):
    return json.dumps(tags, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def row(values):
    return tuple(sorted(values.items()))


def held(lake, name, leave_out=()):
    """The rows of a table as the functions above give them: what holds now, without times of observation."""
    left_out = OBSERVED | set(leave_out)
    found = Counter()
    for values in table(lake, name).to_pylist():
        if name in ("accounts", "resources") and values["valid_to"] is not None:
            continue
        if name in ("accounts", "resources"):
            values["tags"] = tags_text(json.loads(values["tags"] or "{}"))
        if name == "accounts":
            values.pop("reason")
        for key in ("usage_start", "usage_end"):
            if key in values:
                values[key] = values[key].replace(tzinfo=timezone.utc)
        found[row({key: value for key, value in values.items() if key not in left_out})] += 1
    return found


def differences(found, wanted, limit=5):
    """What is missing and what is too much, shortened for an assertion's message."""
    missing, extra = wanted - found, found - wanted
    text = f"{missing.total()} missing of {wanted.total()}, {extra.total()} too many\n"
    for label, rows in (("missing", missing), ("extra", extra)):
        text += "".join(f"{label}: {dict(one)} x{count}\n" for one, count in list(rows.items())[:limit])
    return text if missing or extra else ""
