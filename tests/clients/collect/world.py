"""The fixture that the tests of the collectors share: a company in moto, its bills, and the proxy before it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from collect import bills, expected
from collect.collector import configuration
from collect.proxy import Proxy
from collect.server import Moto
from collect.streams import Stream

SIZES = [pytest.param(12, id="quick"), pytest.param(300, id="large", marks=pytest.mark.large)]
TABLES = ("accounts", "resources", "utilization", "collected_objects", "rejects")
# The most calls that fall into any second in one account and region, by the limits of docs/collect.md: rate and burst.
LIMITS = {
    ("ListRegions",): 2,
    ("GetResources",): 6,
    ("DescribeInstances", "DescribeVolumes", "DescribeDBInstances", "ListFunctions", "ListTables"): 7,
    ("ListMetrics",): 12,
    ("GetMetricData",): 25,
    (
        "DescribeOrganization", "ListAccounts", "ListRoots", "ListOrganizationalUnitsForParent",
        "ListAccountsForParent", "ListTagsForResource",
    ): 10,
}  # fmt: skip


@dataclass
class World:
    moto: Moto
    proxy: Proxy
    folder: Path
    lines: list
    streams: int = 0

    @property
    def company(self):
        return self.moto.company

    @property
    def size(self):
        return len(self.company.accounts) - 1

    @property
    def is_large(self):
        return self.size > 100

    def stream(self, visible_s=5):
        """A bucket and a queue of their own."""
        self.streams += 1
        return Stream(self.moto.cloud, f"metrics-{self.streams}", visible_s)

    def without_organization(self, **changes):
        """Settings that name the accounts, for tests that need not wait for Organizations, which is asked slowly."""
        accounts = sorted({account for account, _ in self.company.visited()})
        return configuration(self.folder, organization=False, accounts=accounts, **changes)

    def check_rates(self, share=1.0):
        """No account and region was called more often in any second than its limit. Returns the measured peaks."""
        peaks = {actions: self.proxy.record.peak(*actions) for actions in LIMITS}
        for actions, (calls, place) in peaks.items():
            print(f"{'/'.join(actions)[:60]:60} {calls:3} a second of {LIMITS[actions]} at most, in {place}")
        for actions, (calls, place) in peaks.items():
            assert calls <= LIMITS[actions] * share, f"{calls} calls of {actions} in a second in {place}"
        return peaks


@pytest.fixture(scope="session", params=SIZES)
def world(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("company")
    moto = Moto(folder, request.param)
    lines = bills.lines(moto.company, limit=200)
    bills.deliver(moto.cloud, folder, lines)
    with Proxy(moto.port, company=moto.company) as proxy:
        yield World(moto, proxy, folder, lines)
    moto.stop()


def ledger(lake):
    """All that was collected, without times."""
    return {name: expected.held(lake, name, LEFT_OUT.get(name, ())) for name in TABLES if (lake / name).exists()}


# When and by whom a row was rejected is no part of what was rejected.
LEFT_OUT = {"rejects": ("rejected_at", "batch_id", "delivery_id")}
