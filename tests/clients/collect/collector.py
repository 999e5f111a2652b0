"""Collectors as processes: their configuration, their starting and killing, their memory."""

import random
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from conftest import BINARY, environment

from collect.organization import MANAGEMENT, REGIONS

# Settings that suit a moto on the loopback and tests that do not wait.
QUICK = {
    "role": "airshed/airshed-collector",
    "external_id": "airshed-7f3c",
    "management_role": f"arn:aws:iam::{MANAGEMENT}:role/airshed/airshed-management",
    "stream_role": f"arn:aws:iam::{MANAGEMENT}:role/airshed/airshed-stream-reader",
    "organization": True,
    "regions": list(REGIONS),
    "provider_reported": False,
    "poll_lookback_h": 8,
    "shards": 8,
    "lease_s": 5,
    "commit_every_s": 1,
}
# Exit codes of a collection that was done, and of those in which some of the work has to be done again.
DONE, AGAIN = 0, (1, 75)
# A collection that takes longer hangs; one of 300 accounts takes most of it, as moto answers slowly.
LONGEST_S = 1800


def configuration(folder, **changes):
    """Writes a file of settings; a value of None leaves a setting out."""
    settings = {key: value for key, value in (QUICK | changes).items() if value is not None}
    path = folder / "collect.toml"
    path.write_text("[collect]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in settings.items()))
    return path


def toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def credentials(url):
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


@dataclass
class Ended:
    code: int
    output: str
    peak_mib: float
    seconds: float


class Collector:
    """One process of `airshed collect`."""

    def __init__(self, folder, lake, url, config, *arguments):
        self.started = time.monotonic()
        command = [BINARY, "collect", "--lake", lake, "--config", config, *(arguments or ["--once"])]
        self.log = open(folder / f"collector-{time.monotonic_ns()}.log", "w+b")
        self.process = subprocess.Popen(
            list(map(str, command)), cwd=folder, env=environment(credentials(url)),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.peak_mib = 0.0
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()

    def watch(self):
        status = Path(f"/proc/{self.process.pid}/status")
        while self.process.poll() is None:
            try:
                [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
                self.peak_mib = max(self.peak_mib, int(line.split()[1]) / 1024)
            except (FileNotFoundError, ProcessLookupError, ValueError):
                pass  # it has just ended
            time.sleep(0.02)

    def is_running(self):
        return self.process.poll() is None

    def kill(self):
        """Without warning; whether it was still running."""
        self.process.kill()
        return self.wait().code == -9

    def stop(self):
        """Asks it to end, as an operator or a scheduler does."""
        self.process.terminate()
        return self.wait(60)

    def wait(self, timeout=None):
        code = self.process.wait(timeout)
        self.watcher.join()
        self.log.seek(0)
        output = self.log.read().decode(errors="replace")
        return Ended(code, output, self.peak_mib, time.monotonic() - self.started)


def collect(folder, lake, url, config, processes=1, timeout=LONGEST_S):
    """Runs collectors together until each has done its part."""
    running = [Collector(folder, lake, url, config) for _ in range(processes)]
    try:
        ended = [one.wait(timeout) for one in running]
    finally:
        for one in running:
            one.process.kill()
    for one in ended:
        assert one.code in (DONE, *AGAIN) and "panicked" not in one.output, (
            f"a collector gave {one.code}\n{one.output[-4000:]}"
        )
    return ended


def collect_until_done(folder, lake, url, config, is_done, processes=1, rounds=20):
    """Runs collectors again and again, as an operator would, until the ledger is complete."""
    ended = []
    for _ in range(rounds):
        ended += collect(folder, lake, url, config, processes)
        if is_done():
            break
    return ended


def killed_again_and_again(
    folder, lake, url, config, kills, processes=4, seed=0, between_s=(0.05, 1.5), meanwhile=None
):
    """Keeps so many collectors at work and kills one of them at a random moment, time after time.

    `meanwhile` is called with the number of each kill before it. Returns how many were at work when killed.
    """
    chance = random.Random(seed)
    running = [Collector(folder, lake, url, config) for _ in range(processes)]
    landed, ended = 0, []
    try:
        for kill in range(kills):
            if meanwhile:
                meanwhile(kill)
            time.sleep(chance.uniform(*between_s))
            for slot, one in enumerate(running):
                if not one.is_running():
                    ended.append(one.wait())
                    running[slot] = Collector(folder, lake, url, config)
            slot = chance.randrange(processes)
            landed += running[slot].kill()
            ended.append(running[slot].wait())
            running[slot] = Collector(folder, lake, url, config)
        ended += [one.wait(LONGEST_S) for one in running]
    finally:
        for one in running:
            one.process.kill()
    for one in ended:
        assert one.code in (DONE, *AGAIN, -9) and "panicked" not in one.output, (
            f"a collector gave {one.code}\n{one.output[-4000:]}"
        )
    return landed, ended
