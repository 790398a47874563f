#!/usr/bin/env bash
# Packs a folder that runs on a machine with nothing but an NVIDIA driver and a Python whose torch is the same version as
# LIBTORCH here: no Go, no compiler, no GDAL, no network. There:
#
#   ./run.sh                 tests and numbers against the CPU's, London's size, every lever, 400 to 25,600 cells
#   OUT=results ./run.sh     another folder for the tables (default: results)
#   DEVICE=cpu ./run.sh      the same on the CPU, smaller, to try the kit
#
# Called by `make kit LIBTORCH=/path/to/site-packages/torch`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
say() { printf 'kit: %s\n' "$*"; }
die() { printf 'kit: error: %s\n' "$*" >&2; exit 1; }
[ -n "${LIBTORCH:-}" ] || die "give LIBTORCH, the torch folder of a pip wheel: make kit LIBTORCH=/path/to/site-packages/torch"
kit=${KIT:-build/kit}

# The set-up writes libtorch.env for this libtorch; the checkout's own is put back.
kept=$(mktemp)
[ ! -f libtorch.env ] || cp libtorch.env "$kept"
restore() { if [ -s "$kept" ]; then cp "$kept" libtorch.env; else rm -f libtorch.env; fi; rm -f "$kept"; }
trap restore EXIT
GDAL=no PREFIX= bash cgo/setup.sh
. ./libtorch.env
prefix=$(sed -n 's/.*"-L\([^ ]*\) .*/\1/p' libtorch.env | head -1)

rm -rf "$kit.new"
mkdir -p "$kit.new/bin" "$kit.new/lib"
say "building bench"
go build -trimpath -ldflags '-s -w' -o "$kit.new/bin/bench" ./cmd/bench
for package in torch layers layers/rivals train/learn; do
  say "building the tests of $package"
  mkdir -p "$kit.new/tests/$package"
  go test -c -trimpath -ldflags '-s -w' -o "$kit.new/tests/$package/run.test" "./$package"
  [ ! -d "$package/testdata" ] || cp -r "$package/testdata" "$kit.new/tests/$package/"
done
cp "$prefix/libopencarbon.so" "$prefix/libcgotorch.so" "$kit.new/lib/"
{ cat "$LIBTORCH/version.py" 2>/dev/null || true; } | sed -n "s/^__version__ = '\([0-9.]*\).*/\1/p" >"$kit.new/torch-version"
[ -s "$kit.new/torch-version" ] || die "$LIBTORCH/version.py does not tell the version"
git rev-parse --short HEAD >"$kit.new/commit" 2>/dev/null || echo unknown >"$kit.new/commit"
cp cgo/kit-run.sh "$kit.new/run.sh"
chmod +x "$kit.new/run.sh"
rm -rf "$kit"
mv "$kit.new" "$kit"
say "$kit: $(du -sh "$kit" | cut -f1), for torch $(cat "$kit/torch-version")"
