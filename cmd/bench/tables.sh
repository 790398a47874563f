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
# The default, in bfloat16, and with exact gradients.
ways="--encode historical,historical,unique --sampler random,random,blocks --precision fp32,bf16,bf16"

# Against the published program's scheme, on a part of the epoch: its time a cell is the same in each step. At M = 7 a batch
# of 32 would need some 60 GB in PyTorch: batches of 4.
run published-3 --cells 400 $ways --peer --python "$python" --peer-threads 1,2 --peer-train 96 --peer-evaluate 96
run published-7 --cells 400 --neighborhood 7 $ways --peer --python "$python" --peer-threads 1,2 --peer-batch 4 --peer-train 12 --peer-evaluate 12
# The rest in bfloat16.
run neighborhoods --cells 400 --neighborhood 3,7 --rounds 3 --precision bf16
run levers --cells 200 --levers --precision bf16
run memory --cells 1400 --precision fp32,bf16
run sizes --cells 100,400,1600,6400 --precision bf16
