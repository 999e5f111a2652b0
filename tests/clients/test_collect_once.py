"""An organisation in moto, collected to the row: by one process and by four, with the same tables.

`expected` works out what must be there from what was put into moto, without Airshed.
"""

from datetime import timedelta
from decimal import Decimal

import pytest
from collect import bills, expected
from collect.collector import DONE, collect, configuration
from collect.streams import Point, damaged_object, make_objects, poison_object
from collect.world import ledger
from conftest import costs, sql, table


@pytest.fixture(scope="module")
def streams(world):
    """Two metric streams: one is announced on a queue, one is listed."""
    announced, listed = world.stream(), world.stream()
    start = world.company.hours[0] - timedelta(hours=2)
    objects = list(make_objects(world.company, 40 if world.is_large else 12, start))
    for made in objects[: len(objects) // 2]:
        announced.deliver(made)
    for made in objects[len(objects) // 2 :]:
        listed.deliver(made)
    # Other minutes than in the other objects: what comes twice is one row after a compaction.
    later = [Point(point.series, point.start + timedelta(hours=12)) for point in objects[-1].points[:5]]
    announced.deliver(damaged_object("metrics/damaged", later))
    announced.deliver(poison_object("metrics/poison"))
    return announced, listed


def collected(world, streams, processes):
    announced, listed = streams
    world.proxy.reset()
    announced.announce_all()
    lake = world.folder / f"by-{processes}"
    sources = {"streams": [announced.queue, listed.prefix], "exports": [bills.PREFIX]}
    ended = collect(world.folder, lake, world.proxy.url, configuration(world.folder, **sources), processes)
    print(
        f"{processes} processes, {world.size} accounts: {max(one.seconds for one in ended):.1f} s, "
        f"{max(one.peak_mib for one in ended):.0f} MiB at most, {world.proxy.record.calls()} calls"
    )
    assert {one.code for one in ended} == {DONE}
    world.check_rates()
    assert announced.waiting() == 0, "messages of landed objects are deleted"
    return lake


@pytest.fixture(scope="module")
def by_one(world, streams):
    return collected(world, streams, 1)


def test_accounts_and_resources_are_those_of_the_organisation(world, by_one):
    assert expected.differences(expected.held(by_one, "accounts"), expected.accounts(world.company)) == ""
    assert expected.differences(expected.held(by_one, "resources"), expected.resources(world.company)) == ""


def test_utilisation_is_what_cloudwatch_and_the_streams_hold(world, streams, by_one):
    wanted = expected.polled(world.company)
    for stream in streams:
        wanted += expected.streamed(stream.objects.values(), world.company)
    assert wanted.total() > 1_000
    assert expected.differences(expected.held(by_one, "utilization"), wanted) == ""


def test_every_object_is_accounted_for(world, streams, by_one):
    announced, listed = streams
    sources = [(announced, announced.queue), (listed, listed.prefix)]
    wanted = sum((expected.objects(stream, source, world.company) for stream, source in sources), expected.Counter())
    assert expected.differences(expected.held(by_one, "collected_objects"), wanted) == ""
    rejected = {row["object_uri"] for row in table(by_one, "rejects").to_pylist()}
    assert rejected == {uri for uri, made in announced.objects.items() if made.damage}


def test_bills_are_those_of_the_export(world, by_one):
    [held] = sql("SELECT count(*) AS lines, sum(billed_cost) AS cost FROM billing_lines", world.folder, by_one.name)
    assert int(held["lines"]) == len(world.lines)
    assert Decimal(held["cost"]) == costs(world.lines)["USD"]


def test_all_work_ended_well(world, by_one):
    rows = table(by_one, "collector_health").to_pylist()
    works = ("organization", "inventory", "polling", "stream", "billing")
    # The stream held one object that nothing can be read of.
    assert {(row["work"], row["status"]) for row in rows} == {(work, "ok") for work in works} | {
        ("stream", "partial")
    }
    polled = {(row["account_id"], row["region"]) for row in rows if row["work"] == "polling"}
    assert polled == world.company.visited()


def test_again_brings_nothing_new(world, streams, by_one):
    before = ledger(by_one)
    assert collected(world, streams, 1) == by_one
    for name, rows in ledger(by_one).items():
        assert expected.differences(rows, before[name]) == "", name


def test_four_processes_make_the_same_tables(world, streams, by_one):
    by_four = collected(world, streams, 4)
    one, four = ledger(by_one), ledger(by_four)
    assert one.keys() == four.keys()
    for name, rows in four.items():
        assert expected.differences(rows, one[name]) == "", name
    processes = {row["collector"] for row in table(by_four, "collector_health").to_pylist()}
    assert len(processes) > 1, "one process did it all"


def test_an_aggregator_tells_the_same_resources_without_a_visit(world):
    world.proxy.reset()
    lake = world.folder / "aggregated"
    config = world.without_organization(aggregator="organization", polling=False)
    collect(world.folder, lake, world.proxy.url, config)
    assert expected.differences(expected.held(lake, "resources"), expected.resources(world.company)) == ""
    for action in ("DescribeInstances", "DescribeVolumes", "ListFunctions", "GetResources"):
        assert world.proxy.record.calls(action) == 0
    assert world.proxy.record.calls("SelectAggregateResourceConfig") >= len(world.company.visited())
