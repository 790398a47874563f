#!/usr/bin/env bash
# Runs on a bare GPU machine what cgo/kit.sh packed, each step with a limit of time; a step that fails or takes too long does
# not keep the others from running. Results: OUT/summary.txt, a log and a JSON file for each step.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
out=${OUT:-results}
python=${PYTHON:-python3}
device=${DEVICE:-cuda}
mkdir -p "$out"
torch=$("$python" -c 'import torch, os; print(os.path.dirname(torch.__file__))' 2>/dev/null) || { echo "run.sh: $python has no torch; name another with PYTHON=" >&2; exit 2; }
version=$("$python" -c 'import torch; print(torch.__version__.split("+")[0])' 2>/dev/null)
[ "$version" = "$(cat torch-version)" ] || { echo "run.sh: torch $version is here, the kit was built for $(cat torch-version): make kit LIBTORCH=... with that one" >&2; exit 2; }
export LD_LIBRARY_PATH=$PWD/lib:$torch/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
if [ ! -x bin/train ]; then
  "$python" -c 'import tarfile; tarfile.open("programs.tar.xz").extractall(".")' 2>/dev/null || { echo "run.sh: $python cannot unpack programs.tar.xz; tar -xJf programs.tar.xz does the same" >&2; exit 2; }
fi
if [ "${1:-}" = programs ]; then
  echo "export LD_LIBRARY_PATH=$LD_LIBRARY_PATH"
  exit
fi
# PEAK is the card's dense bfloat16 peak in TFLOP/s: 989 for H100 and H200.
if [ "$device" = cpu ]; then
  peak=0 london="--cells 64 --size 64 --epochs 2" levers="--cells 64 --size 64" sizes=36,64 small="--size 64" precision=fp32
else
  peak=${PEAK:-989} london="--cells 778 --epochs 300" levers="--cells 778 --epochs 5" sizes=400,1600,6400,25600 small="" precision=bf16
fi
{ echo "commit $(cat commit), torch $version, $(date -u +%FT%TZ)"; nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null || true
  grep -m1 'model name' /proc/cpuinfo; } | tee "$out/summary.txt"
step() { # name, limit in seconds, command
  local name=$1 limit=$2 began=$SECONDS rc=0
  shift 2
  timeout "$limit" "$@" >"$out/$name.log" 2>&1 || rc=$?
  printf '%-22s exit %d, %d s\n' "$name" "$rc" $((SECONDS - began)) | tee -a "$out/summary.txt"
}
bench() { bin/bench --device "$device" --peak "$peak" --dir "$out/made" "$@"; }
export -f bench; export device peak out
# TestEveryOperationIsCovered reads the sources, which are not here.
for t in torch layers layers/rivals train/learn; do
  step "test-${t//\//-}" 600 bash -c "cd tests/$t && ./run.test -test.timeout 580s -test.skip TestEveryOperationIsCovered"
done
# Train, predict and compare, without GDAL, on the made city's store.
if [ -d store ]; then
  short=""
  [ "$device" != cpu ] || short="--set train.epochs=4 --set train.contrastive_warmup_epochs=1 --set train.min_epochs=1"
  rm -rf "$out/run" "$out/map" "$out/compare"
  step train 300 bin/train --config kit.yaml --set "train.device=$device" $short --run "$out/run"
  step predict 120 bin/predict --checkpoint "$out/run/best.safetensors" --store store --device "$device" --html --out "$out/map"
  step compare 300 bin/compare --config kit.yaml --set "train.device=$device" $short --methods opencarbon,ridge --seeds 2 --out "$out/compare"
else
  echo "train, predict         not run: the kit was packed without a store" | tee -a "$out/summary.txt"
fi
step agree 300 bash -c "bench --agree --cells 64 $small --encode historical,unique --sampler random,blocks --precision fp32,fp32"
[ "$device" = cpu ] || step agree-bf16 300 bash -c 'bench --agree --cells 64 --precision bf16'
# Steps replayed as CUDA graphs: the numbers first.
[ "$device" = cpu ] || step agree-graphs 300 bash -c 'bench --agree --cells 64 --graphs --precision fp32,bf16'
[ "$device" = cpu ] || step london-graphs 200 bash -c "bench $london --graphs --precision $precision --json $out/london-graphs.json"
step london 400 bash -c "bench $london --precision $precision --json $out/london.json"
step levers 500 bash -c "bench $levers --levers --precision $precision --json $out/levers.json"
step sizes 500 bash -c "bench --cells $sizes --epochs 3 $small --precision $precision --json $out/sizes.json"
# Ranks, where there are several GPUs: two against one, by NCCL.
gpus=$(nvidia-smi -L 2>/dev/null | grep -c '^GPU') || true
[ "${gpus:-0}" -lt 2 ] || step ranks 300 bash -c "bench --cells 778 --epochs 20 --ranks 1,2 --precision $precision --json $out/ranks.json"
rm -rf "$out/made"
for name in agree agree-bf16 agree-graphs london-graphs london levers sizes ranks; do
  [ ! -s "$out/$name.log" ] || { printf '\n## %s\n' "$name"; cat "$out/$name.log"; } >>"$out/summary.txt"
done
cat "$out/summary.txt"
! grep -q 'exit [1-9]' "$out/summary.txt"
