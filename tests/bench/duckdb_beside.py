#!/usr/bin/env python3
"""The statements behind the dashboard's requests, by `airshed serve` and by DuckDB on the same Parquet files.

    duckdb_beside.py --lake DIR --url http://127.0.0.1:8080 --token TOKEN load.json [--threads 2] [--output json]

`load.json` is what the example `load` wrote: of every kind of request the typical and the slowest one of a single client are
taken, and the statement of its answer (`sql`) run again. Ours is `POST /v1/sql` with its JSON read to the end, the statement
planned and run anew (answers of the other paths are kept); DuckDB's is the same statement on a connection that is open, its
rows fetched. After one run of each to warm up, both run five times, by turns; the medians are printed. Rows are counted on
both sides and must be as many.
"""

import argparse
import json
import re
import statistics
import sys
import time
import urllib.request
from pathlib import Path

import duckdb
from deltalake import DeltaTable

RUNS = 5


def files_of(lake, table, runs):
    """The files of the current runs, by the Delta log."""
    uris = DeltaTable(f"{lake}/{table}").file_uris()
    return [uri for uri in uris if any(f"run_id={run}/" in uri for run in runs)]


def current_runs(lake):
    changes = DeltaTable(f"{lake}/periods").to_pyarrow_table(columns=["period", "seq", "run_id"]).to_pylist()
    newest = {}
    for change in sorted(changes, key=lambda change: change["seq"]):
        newest[change["period"]] = change["run_id"]
    return set(newest.values())


def open_duckdb(lake, threads):
    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET parquet_metadata_cache = true")
    connection.execute("CREATE MACRO tag(tags, key) AS json_extract_string(tags, '$.\"' || key || '\"')")
    runs = current_runs(lake)
    tables = sorted(folder.name for folder in Path(lake).iterdir())
    for table in (name for name in tables if name == "coverage" or name.startswith("emissions_")):
        files = files_of(lake, table, runs)
        if files:
            listed = ", ".join(f"'{file.removeprefix('file://')}'" for file in files)
            options = "hive_partitioning = true, hive_types = {'period': VARCHAR, 'run_id': VARCHAR}"
            connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet([{listed}], {options})")
    return connection


def ask(url, token, path, body=None):
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "Content-Type": "application/json"}
    request = urllib.request.Request(url + path, data=json.dumps(body).encode() if body else None, headers=headers)
    with urllib.request.urlopen(request, timeout=300) as answer:
        return json.load(answer)


def seconds(act):
    began = time.perf_counter()
    result = act()
    return time.perf_counter() - began, result


def asked(rounds):
    """Typical and slowest request of every kind, of the rounds with the fewest clients."""
    fewest = min(round["clients"] for round in rounds)
    seen = set()
    for round in rounds:
        if round["clients"] == fewest:
            for kind in round["kinds"]:
                for which in ("typical", "slowest"):
                    path = kind[which]
                    if kind["kind"] != "all" and path and path not in seen:
                        seen.add(path)
                        yield kind["kind"], which, path


def beside(connection, options, path):
    sql = ask(options.url, options.token, path).get("sql")
    if not sql or re.search(r"\bFROM (provider_variance|runs)\b", sql):
        return None

    def ours():
        return ask(options.url, options.token, "/v1/sql", {"sql": sql, "max_rows": 100_000})

    def theirs():
        return connection.execute(sql).fetchall()

    answer, rows = ours(), theirs()
    times = [(seconds(ours)[0], seconds(theirs)[0]) for _ in range(RUNS)]
    ours_ms, theirs_ms = (statistics.median(column) * 1_000 for column in zip(*times))
    return {"ours_ms": ours_ms, "duckdb_ms": theirs_ms, "rows": len(rows), "rows_ours": len(answer["rows"]), "sql": sql}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("load")
    parser.add_argument("--lake", required=True)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--token", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", choices=["table", "json"], default="table")
    options = parser.parse_args()
    with open(options.load) as file:
        rounds = json.load(file)
    connection = open_duckdb(options.lake, options.threads)
    found = []
    for kind, which, path in asked(rounds):
        result = beside(connection, options, path)
        if result is None:
            continue
        found.append({"kind": kind, "which": which, "path": path, **result})
        print(f"{kind}, {which}: {result['ours_ms']:.0f} ms, DuckDB {result['duckdb_ms']:.0f} ms", file=sys.stderr)
    if options.output == "json":
        print(json.dumps(found, indent=2))
    else:
        print("| request | which | rows | ours ms | DuckDB ms |\n|---|---|---:|---:|---:|")
        for row in found:
            print(f"| {row['kind']} | {row['which']} | {row['rows']} | {row['ours_ms']:.0f} | {row['duckdb_ms']:.0f} |")
    different = [row for row in found if row["rows"] != row["rows_ours"]]
    for row in different:
        print(f"{row['path']}: {row['rows_ours']} rows, DuckDB has {row['rows']}", file=sys.stderr)
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
