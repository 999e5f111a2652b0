#!/usr/bin/env python3
"""What the example `load` wrote, as one table a mix: `tables.py load.json`. Milliseconds, `p50 / p95 / p99 (requests)`."""

import json
import sys


def cell(kind):
    if kind is None:
        return "-"
    errors = f", {kind['errors']} errors" if kind["errors"] else ""
    if not kind["count"]:
        return f"none (0){errors}"
    times = " / ".join(f"{kind[name]:.0f}" for name in ("p50_ms", "p95_ms", "p99_ms"))
    return f"{times} ({kind['count']}){errors}"


def main():
    with open(sys.argv[1]) as file:
        rounds = json.load(file)
    for mix in dict.fromkeys(round["mix"] for round in rounds):
        of_mix = [round for round in rounds if round["mix"] == mix]
        by_clients = [{kind["kind"]: kind for kind in round["kinds"]} for round in of_mix]
        names = sorted({name for kinds in by_clients for name in kinds} - {"all"}) + ["all"]
        print(f"| {mix} | " + " | ".join(f"{round['clients']} clients" for round in of_mix) + " |")
        print("|---|" + "---:|" * len(of_mix))
        for name in names:
            print(f"| {name} | " + " | ".join(cell(kinds.get(name)) for kinds in by_clients) + " |")
        rates = [f"{kinds['all']['per_second']:.1f}" for kinds in by_clients]
        print("| requests a second | " + " | ".join(rates) + " |\n")


if __name__ == "__main__":
    main()
