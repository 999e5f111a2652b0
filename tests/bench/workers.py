#!/usr/bin/env python3
"""How fast statements over a large table are alone and over workers: `workers.py --binary AIRSHED --lake DIR --token TOKEN`.

Each setting starts its own processes: the server alone on one processor, the server with two workers of one processor each
(as if they were machines), the server alone on all processors, and with three workers that share them. Every statement runs
once to warm up and three times more; medians in seconds. Rows must be the same in every setting. At the end stands the plan
of the last statement over three workers.
"""

import argparse
import json
import os
import statistics
import subprocess
import time
import urllib.request

STATEMENTS = {
    "sums by account": "SELECT account_id, sum(co2e_location_g) AS g, sum(billed_cost) AS cost FROM emissions_resource_daily"
    " WHERE period = '{period}' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20",
    "resources of a service": "SELECT count(DISTINCT resource_id) AS n, sum(energy_kwh) AS kwh FROM emissions_resource_daily"
    " WHERE period = '{period}' AND service_code = 'AmazonS3'",
    "largest resources": "SELECT resource_id, sum(co2e_location_g) AS g FROM emissions_resource_daily"
    " WHERE period = '{period}' AND region = 'eu-west-1' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20",
}
RUNS = 3
HTTP = "127.0.0.1:18098"


def ask(token, statement):
    body = json.dumps({"sql": statement}).encode()
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://{HTTP}/v1/sql", data=body, headers=headers)
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=900) as answer:
        rows = json.load(answer)["rows"]
    return time.perf_counter() - began, rows


def ready():
    for _ in range(120):
        try:
            with urllib.request.urlopen(f"http://{HTTP}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError("the server does not get ready")


def measure(options, server_on, workers_on):
    """Medians by statement with processes on such processors, and the last statement's plan."""
    environment = os.environ | {"AIRSHED_SERVE_QUERY_TIMEOUT_S": "900", "AIRSHED_SERVE_WORKERS_SHARE_MIB": "64"}

    def start(processors, *words):
        command = ["taskset", "--cpu-list", processors, options.binary, *words, "--lake", options.lake]
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    ports = [f"127.0.0.1:{18_101 + number}" for number in range(len(workers_on))]
    workers = ["--workers", ",".join(f"http://{port}" for port in ports)] if ports else []
    processes = []
    try:
        processes += [start(on, "worker", "--listen", port) for on, port in zip(workers_on, ports)]
        processes.append(start(server_on, "serve", "--http", HTTP, "--pg", "off", "--flight", "off", *workers))
        ready()
        time.sleep(5)
        took, rows = {}, {}
        for name, statement in STATEMENTS.items():
            statement = statement.format(period=options.period)
            times = [ask(options.token, statement) for _ in range(RUNS + 1)]
            took[name] = statistics.median(seconds for seconds, _ in times[1:])
            rows[name] = times[0][1]
        return took, rows, ask(options.token, f"EXPLAIN {statement}")[1]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--lake", required=True)
    parser.add_argument("--token", required=True, help="of a user of the lake")
    parser.add_argument("--period", default="2026-10")
    options = parser.parse_args()
    every = f"0-{os.cpu_count() - 1}"
    settings = {
        "alone, one processor": ("0", []),
        "two workers, one processor each": (every, ["0", "1"]),
        "alone, all processors": (every, []),
        "three workers on all processors": (every, [every] * 3),
    }
    results, first = {}, None
    for name, (server_on, workers_on) in settings.items():
        took, rows, plan = measure(options, server_on, workers_on)
        first = first or rows
        assert rows == first, f"other rows with {name}"
        results[name] = took
    print("| seconds | " + " | ".join(STATEMENTS) + " |")
    print("|---|" + "---:|" * len(STATEMENTS))
    for name, took in results.items():
        print(f"| {name} | " + " | ".join(f"{took[statement]:.2f}" for statement in STATEMENTS) + " |")
    print("\n" + "\n".join(str(row[-1]) for row in plan))


if __name__ == "__main__":
    main()
