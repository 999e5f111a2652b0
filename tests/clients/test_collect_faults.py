"""Everything goes wrong at once, through the fault proxy: the ledger is that of a day on which nothing did."""

from datetime import timedelta

import pytest
from collect import bills, expected
from collect.collector import collect, collect_until_done, configuration
from collect.proxy import Faults
from collect.streams import make_objects
from collect.world import ledger
from conftest import table

STORM = {"throttle": 0.2, "error": 0.05, "cut": 0.02, "expired": 0.01, "skew": 0.02, "duplicate": 0.3}


@pytest.fixture(scope="module")
def calm(world):
    """A collection without faults, and its streams."""
    stream = world.stream()
    for made in make_objects(
        world.company, 40 if world.is_large else 10, world.company.hours[0] - timedelta(hours=2)
    ):
        stream.deliver(made)
    config = configuration(world.folder, streams=[stream.queue], exports=[bills.PREFIX])
    world.proxy.reset()
    collect(world.folder, world.folder / "calm", world.proxy.url, config)
    tables = ledger(world.folder / "calm")
    wanted = expected.polled(world.company) + expected.streamed(stream.objects.values(), world.company)
    assert expected.differences(tables["utilization"], wanted) == ""
    return stream, config, tables


def test_a_storm_of_faults_loses_nothing_and_doubles_nothing(world, calm):
    stream, config, wanted = calm
    stream.announce_all()
    stall_s, share = (30.0, 0.002) if world.is_large else (3.0, 0.01)
    world.proxy.reset(Faults(**STORM, stall=share, stall_s=stall_s), seed=1)
    lake = world.folder / "storm"

    def is_done():
        found = ledger(lake)
        return found == wanted and stream.waiting() == 0

    ended = collect_until_done(world.folder, lake, world.proxy.url, config, is_done, processes=2)
    print(
        f"{len(ended)} processes, faults {dict(world.proxy.record.faults)} in {world.proxy.record.calls()} calls, "
        f"{max(one.peak_mib for one in ended):.0f} MiB at most"
    )
    for name, rows in ledger(lake).items():
        assert expected.differences(rows, wanted[name]) == "", name
    assert stream.waiting() == 0
    for fault in ("throttle", "error", "cut", "stall", "expired", "skew", "duplicate"):
        assert world.proxy.record.faults[fault] > 0, f"the storm was without {fault}"
    world.check_rates()


def test_denied_accounts_are_reported_and_the_others_collected(world, calm):
    stream, _, wanted = calm
    wanted = {name: rows for name, rows in wanted.items() if name != "accounts"}
    config = world.without_organization(streams=[stream.queue], exports=[bills.PREFIX])
    stream.announce_all()
    open_accounts = [account.id for account in world.company.accounts if account.status == "ACTIVE"]
    denied = frozenset(open_accounts[2::5])
    world.proxy.reset(Faults(denied=denied))
    lake = world.folder / "denied"
    collect(world.folder, lake, world.proxy.url, config)
    held = ledger(lake)
    assert expected.differences(held["resources"], expected.resources(world.company, denied)) == ""
    polled = expected.polled(world.company, denied=denied) + expected.streamed(stream.objects.values(), world.company)
    assert expected.differences(held["utilization"], polled) == ""
    rows = table(lake, "collector_health").to_pylist()
    assert {row["account_id"] for row in rows if row["status"] == "denied"} == denied
    for account in denied:
        attempts = world.proxy.record.refused[account, "AssumeRole", "denied"]
        assert attempts <= 10, f"{attempts} attempts at the door of {account}"
    # The role comes back: the account is collected as if nothing had been.
    world.proxy.reset()

    def missing():
        held = ledger(lake)
        return {name: text for name, rows in wanted.items() if (text := expected.differences(held[name], rows))}

    collect_until_done(world.folder, lake, world.proxy.url, config, lambda: not missing(), rounds=3)
    assert missing() == {}
