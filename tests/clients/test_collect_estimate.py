"""Utilisation reaches the estimate: the same bill, without and with what was collected, and why the results differ."""

from datetime import timedelta
from decimal import Decimal

import pytest
from collect import bills, expected
from collect.collector import collect
from collect.streams import Point, json_object
from conftest import airshed, sql

SELECT = """SELECT line_id, resource_id, usage_start, utilization, utilization_source, quality, energy_kwh
FROM emissions ORDER BY line_id"""
MEASURED_MINUTES = 30


@pytest.fixture(scope="module")
def estimated(world):
    """The lines of both ledgers by id, and the series of the processors by resource."""
    processors = {
        (one.resource, one.namespace): one
        for one in world.company.series
        if one.resource and one.metric == "CPUUtilization"
    }
    billed = [one for one in world.company.resources if one.size.startswith("m5")]
    world.half = next(one.id for one in billed if any(row["line_item_resource_id"] == one.id for row in world.lines))
    hour = world.company.hours[-1] + timedelta(hours=1)
    series = processors[world.half, "AWS/EC2"]
    stream = world.stream()
    minutes = [Point(series, hour + timedelta(minutes=number)) for number in range(MEASURED_MINUTES)]
    stream.deliver(json_object("metrics/half", minutes))
    world.minutes = minutes
    config = world.without_organization(streams=[stream.prefix])
    world.proxy.reset()
    collect(world.folder, world.folder / "with", world.proxy.url, config)
    env = {
        "AWS_ENDPOINT_URL": world.proxy.url,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    tables = []
    for lake in ("without", "with"):
        airshed("run", "--quiet", "--input", bills.PREFIX, "--lake", lake, folder=world.folder, env=env)
        tables.append({row["line_id"]: row for row in sql(SELECT, world.folder, lake)})
    return *tables, {resource: one for (resource, _), one in processors.items()}


def test_without_measurements_every_line_has_the_default(world, estimated):
    without, _, _ = estimated
    assert len(without) == len(world.lines)
    assert {row["utilization_source"] for row in without.values()} == {"default"}


def test_polled_hours_are_measured_and_energy_follows_the_load(world, estimated):
    without, measured, processors = estimated
    hours = {hour for hour in world.company.hours}
    checked = 0
    for billed in world.lines:
        before, after = without[billed["identity_line_item_id"]], measured[billed["identity_line_item_id"]]
        start = billed["line_item_usage_start_date"]
        if start not in hours:
            continue
        samples, total, _, _ = processors[billed["line_item_resource_id"]].statistics(start)
        share = total / samples / 100
        assert float(after["utilization"]) == pytest.approx(share, abs=1e-12)
        assert after["utilization_source"] == "measured"
        change = Decimal(after["energy_kwh"]) - Decimal(before["energy_kwh"])
        assert (change > 0) == (share > float(before["utilization"])), billed
        checked += 1
    assert checked > 50


def test_half_an_hour_counts_half(world, estimated):
    """docs/methodology/utilisation.md: u = cover x measured + (1 - cover) x default."""
    without, measured, _ = estimated
    start = world.minutes[0].start
    [billed] = [
        row for row in world.lines
        if row["line_item_resource_id"] == world.half and row["line_item_usage_start_date"] == start
    ]  # fmt: skip
    before, after = (rows[billed["identity_line_item_id"]] for rows in (without, measured))
    loads = [
        point.series.statistics(point.start)[1] / point.series.statistics(point.start)[0] / 100
        for point in world.minutes
    ]
    mean, cover = sum(loads) / len(loads), MEASURED_MINUTES / 60
    assert after["utilization_source"] == "partly_measured"
    assert float(after["utilization"]) == pytest.approx(
        cover * mean + (1 - cover) * float(before["utilization"]), abs=1e-12
    )
    others = [row for row in measured.values() if row["utilization_source"] == "default"]
    assert len(others) > 5, "hours that nobody measured keep the default"


def test_explain_says_where_the_load_comes_from(world, estimated):
    _, measured, _ = estimated
    number = next(key for key, row in measured.items() if row["utilization_source"] == "measured")
    text = airshed("explain", "--lake", "with", number, folder=world.folder).stdout
    assert "measured" in text


def test_two_collections_of_the_same_make_one_run(world, estimated):
    """What was collected again, by more processes, restates nothing."""
    before = expected.held(world.folder / "with", "runs", ("started_at", "finished_at"))
    config = world.without_organization()
    collect(world.folder, world.folder / "with", world.proxy.url, config, processes=2)
    airshed("estimate", "--quiet", "--lake", "with", folder=world.folder)
    assert expected.held(world.folder / "with", "runs", ("started_at", "finished_at")) == before
