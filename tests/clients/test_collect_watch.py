"""Collectors that go on: new objects become rows soon, nonsense is put aside, an ordered end leaves nothing behind."""

import time
from datetime import timedelta

from collect import expected
from collect.collector import DONE, Collector, collect_until_done
from collect.streams import make_objects
from conftest import table

FRESH_S = 30


def until(is_true, seconds):
    """Waits for something; whether it came to be in time."""
    end = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > end:
            return False
        time.sleep(0.25)
    return True


def rows_of(lake):
    return expected.held(lake, "utilization") if (lake / "utilization").exists() else expected.Counter()


def test_two_watchers_land_what_arrives_and_end_in_order(world):
    stream, lake = world.stream(), world.folder / "watched"
    config = world.without_organization(streams=[stream.queue], polling=False, inventory=False, lease_s=10)
    world.proxy.reset()
    watchers = [Collector(world.folder, lake, world.proxy.url, config, "--watch") for _ in range(2)]
    objects = list(make_objects(world.company, 6, world.company.hours[0]))
    slowest = 0.0
    for made in objects:
        stream.deliver(made)
        started = time.monotonic()
        wanted = expected.streamed(stream.objects.values(), world.company)
        assert until(lambda: rows_of(lake) == wanted, FRESH_S), expected.differences(rows_of(lake), wanted)  # noqa: B023
        slowest = max(slowest, time.monotonic() - started)
    print(f"an object is visible after {slowest:.1f} s at most")
    started = time.monotonic()
    ended = [watcher.stop() for watcher in watchers]
    assert [one.code for one in ended] == [DONE, DONE], ended[0].output[-2000:]
    assert time.monotonic() - started < 30
    # Leases were released: whoever comes next need not wait for them to run out.
    made = next(make_objects(world.company, 1, world.company.hours[0] - timedelta(days=1), folder="metrics/late"))
    stream.deliver(made)

    def is_done():
        time.sleep(2)  # a watcher's last question may have taken the message with it, for as long as it is hidden
        return stream.waiting() == 0

    last = collect_until_done(world.folder, lake, world.proxy.url, config, is_done, rounds=5)
    assert last[0].seconds < 9
    wanted = expected.streamed(stream.objects.values(), world.company)
    assert expected.differences(rows_of(lake), wanted) == ""
    # What landed just before the end came again and was known.
    assert stream.waiting() == 0


def test_what_is_no_announcement_is_put_aside_with_the_reason(world):
    stream, lake = world.stream(visible_s=2), world.folder / "nonsense"
    [made] = make_objects(world.company, 1, world.company.hours[0])
    stream.announce_nonsense()
    stream.deliver(made)
    stream.announce(made)
    config = world.without_organization(streams=[stream.queue], polling=False, inventory=False)
    world.proxy.reset()

    def is_done():
        time.sleep(2)  # until messages that were left alone are visible again
        return stream.waiting() == 0

    collect_until_done(world.folder, lake, world.proxy.url, config, is_done, rounds=6)
    assert stream.waiting() == 0
    assert rows_of(lake) == expected.streamed([made], world.company)
    rejected = {row["object_uri"]: row["detail"] for row in table(lake, "rejects").to_pylist()}
    assert len(rejected) == 3, rejected
    letters = [path.read_text() for path in (lake / "_dead_letters").rglob("*.json")]
    assert len(letters) == 3
    assert any("metrics/gone" in letter for letter in letters)
