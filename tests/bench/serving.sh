#!/usr/bin/env bash
# The benchmark of serving, as docs/benchmarks.md describes it: makes the ledger unless it is there, serves it, asks what the
# dashboard asks, and runs the same statements by DuckDB. Results go to files in the folder of the second argument.
#
#   tests/bench/serving.sh LAKE RESULTS
#
# Settings by environment: ACCOUNTS, RESOURCES, CLIENTS, SECONDS_EACH, CODING (gzip or identity), PYTHON, and CARGO_TARGET_DIR.
set -euo pipefail

lake=$(realpath -m "$1") results=$(realpath -m "$2") here=$(realpath "$(dirname "$0")")
built=${CARGO_TARGET_DIR:-$HOME/.cache/airshed/target}/release
python=${PYTHON:-$(dirname "$built")/venv/bin/python}
address=127.0.0.1:18099 users=8
mkdir -p "$results"

if [ ! -e "$lake/periods" ]; then
  "$built/examples/estate" --lake "$lake" --accounts "${ACCOUNTS:-10000}" --resources "${RESOURCES:-50000000}" \
    2>&1 | tee "$results/estate.log"
fi
du -sh "$lake" | tee "$results/size.txt"

tokens=() first=
for number in $(seq $users); do
  # A user that an earlier run added stays.
  echo "bench-$number-password" | "$built/airshed" user add "bench$number" --lake "$lake" --role analyst --password-stdin \
    >/dev/null 2>&1 || true
  token=$("$built/airshed" token create "bench$number" --lake "$lake" 2>&1 | grep -o 'airshed_[A-Za-z0-9_-]*' | head -1)
  first=${first:-$token}
  tokens+=(--token "$token")
done

"$built/airshed" serve --lake "$lake" --http "$address" --pg off --flight off >"$results/serve.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
until curl --silent --fail --output /dev/null "http://$address/readyz"; do
  kill -0 $server
  sleep 0.5
done

"$built/examples/load" --url "$address" "${tokens[@]}" --clients "${CLIENTS:-1,8,32}" --seconds "${SECONDS_EACH:-30}" \
  --coding "${CODING:-gzip}" --output json >"$results/load.json"
grep -E 'VmHWM|VmRSS' "/proc/$server/status" | tee "$results/memory.txt"
"$python" "$here/tables.py" "$results/load.json" | tee "$results/load.md"
"$python" "$here/plans.py" --url "http://$address" --token "$first" "$results/load.json" | tee "$results/plans.md"
"$python" "$here/duckdb_beside.py" --lake "$lake" --url "http://$address" --token "$first" "$results/load.json" |
  tee "$results/duckdb.md"
