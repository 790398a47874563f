#!/usr/bin/env bash
# Makes the tables of README's section on speed, in turn on a machine that should do nothing else: some 30 minutes on two
# cores. Needs Debian's python3-torch and python3-torchvision (or PYTHON) for the published scheme. Results as JSON in OUT.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ ! -f libtorch.env ] || . ./libtorch.env
out=${OUT:-bench-results}
python=${PYTHON:-/usr/bin/python3}
mkdir -p bin "$out"
go build -o bin/bench ./cmd/bench
run() { local name=$1; shift; printf '\n## %s: bench %s\n\n' "$name" "$*"; bin/bench "$@" --json "$out/$name.json"; }

# Against the published program's scheme. At M = 7 a batch of 32 would need some 60 GB in PyTorch: batches of 4, at the same
# time a cell, and a part of the epoch.
run published-3 --cells 400 --neighborhood 3 --peer --python "$python"
run published-7 --cells 400 --neighborhood 7 --peer --python "$python" --peer-batch 4 --peer-train 24 --peer-evaluate 24
run neighborhoods --cells 400 --neighborhood 3,7 --rounds 3
run neighborhoods-historical --cells 400 --neighborhood 3,7 --encode historical --rounds 3
run levers --cells 400 --levers
run memory --cells 1400
run memory-historical --cells 1400 --encode historical
run sizes --cells 100,400,1600,6400
