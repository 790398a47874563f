#!/usr/bin/env bash
# Times an epoch beside 0, 1 and 4 processes that keep a core busy each (or BUSY="0 2"): with as many threads as the program
# chooses by itself, with one, and with one for each core. Some nine minutes; further arguments go to bench.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ ! -f libtorch.env ] || . ./libtorch.env
unset OMP_NUM_THREADS
mkdir -p bin
go build -o bin/bench ./cmd/bench
others=
stop() { [ -z "$others" ] || kill $others 2>/dev/null || true; others=; }
trap stop EXIT
for n in ${BUSY:-0 1 4}; do
  for ((i = 0; i < n; i++)); do (while :; do :; done) & others="$others $!"; done
  for threads in 0 1 "$(nproc)"; do
    printf '%d busy processes, --threads %d: ' "$n" "$threads"
    bin/bench --cells 96 --rounds 3 --threads "$threads" "$@" | awk -F'|' '/^\| OpenCarbon/ {printf "%s threads, epoch%ss, evaluation%ss\n", $5, $6, $11}'
  done
  stop
done
