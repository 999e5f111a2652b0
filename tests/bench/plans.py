#!/usr/bin/env python3
"""Where the time of the dashboard's statements goes: `plans.py --url URL --token TOKEN load.json`.

Of every kind of request that the example `load` noted, the slowest of a single client is asked again, then its statement is
explained, and explained with its execution. Times of scans are added over the files and so over the threads; they hold the
waiting for the processor. `plan` is the time of EXPLAIN over HTTP; `open` that of opening files (metadata and what to leave
out), `scan` that of reading and decoding, `compute` that of all other operators.
"""

import argparse
import json
import re
import time
import urllib.request

from duckdb_beside import asked

UNITS = {"ns": 1e-6, "µs": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
NUMBERS = {"": 1, "K": 1e3, "M": 1e6, "B": 1e9}


def send(url, token, path, body=None):
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    began = time.perf_counter()
    with urllib.request.urlopen(urllib.request.Request(url + path, data=data, headers=headers), timeout=300) as answer:
        content = json.load(answer)
    return (time.perf_counter() - began) * 1_000, content


def metrics(line):
    found = re.search(r"metrics=\[(.*)\]", line)
    return dict(pair.split("=", 1) for pair in re.findall(r"\w+=[^,\]]+", found[1])) if found else {}


def milliseconds(text):
    parts = re.findall(r"([\d.]+)(ns|µs|ms|s|m)", text or "")
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def matched(text):
    """Of `245 total → 12 matched`: both numbers."""
    return [float(n) * NUMBERS[unit.strip()] for n, unit in re.findall(r"([\d.]+) ?([KMB]?) (?:total|matched)", text or "")]


def summary(plan):
    sums = {"open": 0.0, "scan": 0.0, "compute": 0.0, "files": 0.0, "groups": 0.0, "groups_read": 0.0, "rows": 0.0}
    for line in plan.splitlines():
        of_line = metrics(line)
        if "DataSourceExec" in line:
            sums["open"] += milliseconds(of_line.get("time_elapsed_opening"))
            sums["scan"] += milliseconds(of_line.get("time_elapsed_scanning_total"))
            sums["files"] += sum(matched(of_line.get("files_ranges_pruned_statistics"))[1:])
            groups = matched(of_line.get("row_groups_pruned_statistics")) or [0, 0]
            sums["groups"] += groups[0]
            sums["groups_read"] += groups[-1]
            rows = re.match(r"([\d.]+) ?([KMB]?)", of_line.get("output_rows", "0"))
            sums["rows"] += float(rows[1]) * NUMBERS[rows[2]]
        else:
            sums["compute"] += milliseconds(of_line.get("elapsed_compute"))
    return sums


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("load")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--token", required=True)
    parser.add_argument("--full", action="store_true", help="print the plans too")
    options = parser.parse_args()
    with open(options.load) as file:
        rounds = json.load(file)
    print("| request | table | answer ms | plan ms | open ms | scan ms | compute ms | files | row groups | rows scanned |")
    print("|---|---|" + "---:|" * 8)
    for kind, which, path in asked(rounds):
        if which != "slowest":
            continue
        took, answer = send(options.url, options.token, path)
        sql = answer.get("sql")
        if not sql:
            continue
        planned, _ = send(options.url, options.token, "/v1/sql", {"sql": f"EXPLAIN {sql}"})
        _, explained = send(options.url, options.token, "/v1/sql", {"sql": f"EXPLAIN ANALYZE {sql}"})
        plan = "\n".join(str(row[-1]) for row in explained["rows"])
        sums = summary(plan)
        table = (re.search(r"FROM ((?!rows|largest)\w+)", sql) or [None, "?"])[1]
        cells = [took, planned, sums["open"], sums["scan"], sums["compute"], sums["files"]]
        groups = f"{sums['groups_read']:.0f} of {sums['groups']:.0f}"
        print(f"| {kind} | {table} | " + " | ".join(f"{cell:.0f}" for cell in cells) + f" | {groups} | {sums['rows']:.0f} |")
        if options.full:
            print(f"\n{path}\n{plan}\n")


if __name__ == "__main__":
    main()
