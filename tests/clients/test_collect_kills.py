"""Collectors killed without warning while four share the work and new data arrives: nothing lost, nothing doubled.

Minutes of metrics are put into CloudWatch ahead of their time, so that every sweep finds new ones; objects of the
metric stream arrive between the kills.
"""

import time
from datetime import datetime, timedelta, timezone

from collect import expected
from collect.collector import DONE, collect, collect_until_done, configuration, killed_again_and_again
from collect.organization import put_metrics
from collect.streams import make_objects
from conftest import table

SETTLE_S = 60


def put_minutes(world, first, count):
    """Puts minutes of metrics into some accounts; returns their rows, and the end of the last."""
    cloud, company = world.moto.cloud, world.company
    now = datetime.now(timezone.utc).replace(second=0, microsecond=0)
    starts = [now + timedelta(minutes=first + number) for number in range(count)]
    places = sorted(company.visited())[:: 10 if world.is_large else 2]
    rows = expected.Counter()
    for account, region in places:
        cloud.account = account
        series = [one for one in company.series if (one.account, one.region) == (account, region) and one.resource][
            :10
        ]
        if series:
            put_metrics(cloud, series, starts)
        rows.update(filter(None, (expected.measurement(one, start, 60, True) for one in series for start in starts)))
    cloud.account = company.accounts[0].id
    return rows, starts[-1] + timedelta(minutes=1)


def test_kills_while_four_share_the_work(world):
    kills = 100 if world.is_large else 8
    stream = world.stream()
    start = world.company.hours[0] - timedelta(hours=2)
    arriving = list(make_objects(world.company, 2 * kills, start, points=60))
    # The quick test has minutes that have passed; in the large one they come.
    rows, end = put_minutes(world, 0, 20) if world.is_large else put_minutes(world, -6, 4)
    config = configuration(
        world.folder, streams=[stream.queue], shards=8, lease_s=2, commit_every_s=1,
        poll_period_s=60, poll_settle_s=SETTLE_S, poll_lookback_h=1,
    )  # fmt: skip
    world.proxy.reset()
    lake = world.folder / "killed"

    def deliver(kill):
        for made in arriving[2 * kill : 2 * kill + 2]:
            stream.deliver(made)

    landed, ended = killed_again_and_again(
        world.folder, lake, world.proxy.url, config, kills, processes=4, seed=3, meanwhile=deliver,
        between_s=(0.1, 20.0 if world.is_large else 3.0),
    )  # fmt: skip
    print(f"{landed} of {kills} kills struck at work; {max(one.peak_mib for one in ended):.0f} MiB at most")
    world.check_rates(share=2.0)  # a killed process takes what it knew of its last calls with it
    assert landed >= kills // 2

    time.sleep(max(0.0, (end - datetime.now(timezone.utc)).total_seconds() + SETTLE_S + 1))
    wanted = rows + expected.streamed(stream.objects.values(), world.company)

    def is_done():
        return expected.held(lake, "utilization") == wanted and stream.waiting() == 0

    last = collect_until_done(world.folder, lake, world.proxy.url, config, is_done, rounds=5)
    assert last[-1].code == DONE
    assert expected.differences(expected.held(lake, "utilization"), wanted) == ""
    # Compaction keeps one of two equal rows, so what was landed is counted as well.
    health = [row for row in table(lake, "collector_health").to_pylist() if row["work"] in ("polling", "stream")]
    assert sum(row["rows"] for row in health) == wanted.total()
    found = expected.held(lake, "collected_objects")
    assert expected.differences(found, expected.objects(stream, stream.queue, world.company)) == ""
    assert expected.differences(expected.held(lake, "resources"), expected.resources(world.company)) == ""
    assert expected.differences(expected.held(lake, "accounts"), expected.accounts(world.company)) == ""
    assert stream.waiting() == 0
    processes = {row["collector"] for row in table(lake, "collector_health").to_pylist()}
    assert len(processes) > 1


def test_a_second_collector_finds_nothing_to_do(world):
    """After the kills, everything is at rest: one more collection changes no row."""
    lake = world.folder / "killed"
    before = expected.held(lake, "utilization"), expected.held(lake, "resources")
    config = world.without_organization(polling=False, lease_s=2)
    collect(world.folder, lake, world.proxy.url, config)
    assert (expected.held(lake, "utilization"), expected.held(lake, "resources")) == before
