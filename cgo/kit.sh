#!/usr/bin/env bash
# Packs a folder that runs on a machine with nothing but an NVIDIA driver and a Python whose torch is the same version as
# LIBTORCH here: no Go, no compiler, no GDAL, no network. There:
#
#   ./run.sh                 tests and numbers against the CPU's, London's size, every lever, 400 to 25,600 cells
#   OUT=results ./run.sh     another folder for the tables (default: results)
#   DEVICE=cpu ./run.sh      the same on the CPU, smaller, to try the kit
#   ./run.sh programs        only unpacks train, predict and compare into bin/, for your own stores:
#
#     bin/train --config X.yaml     with the config's tile store (data.store) copied there, made by prepare on a machine with
#                                   GDAL; its inputs need not be there. LD_LIBRARY_PATH as run.sh programs prints it
#
# These three are built with the tag nogdal: they read tile stores, and say what they cannot do without GDAL.
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
say "building train, predict and compare, without GDAL"
mkdir -p "$kit.new/programs/bin"
go build -tags nogdal -trimpath -ldflags '-s -w' -o "$kit.new/programs/bin/" ./cmd/train ./cmd/predict ./cmd/compare
# A bare machine has torch's libraries and the C library's; anything else would be missed only there.
for program in "$kit.new"/bin/* "$kit.new"/programs/bin/*; do
  stray=$(readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
    grep -Ev '^(libopencarbon(_cuda|_nccl)?|libcgotorch|libtorch(_[a-z]*)?|libc10(_[a-z]*)?)\.so$|^(lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+|resolv)|ld-linux.*)\.so\.[0-9]+$' || true)
  [ -z "$stray" ] || die "$(basename "$program") needs libraries that a bare machine lacks: $stray"
done
# The three are alike: in one archive they take the room of one. Python unpacks it, which is there with torch.
tar -C "$kit.new/programs" -c bin | python3 -c 'import lzma, shutil, sys
filters = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 1 << 27}]
with lzma.open(sys.argv[1], "wb", filters=filters) as f: shutil.copyfileobj(sys.stdin.buffer, f)' "$kit.new/programs.tar.xz"
rm -rf "$kit.new/programs"
if pkg-config --exists gdal 2>/dev/null; then
  say "making a city and its store"
  made=$(mktemp -d)
  go build -o "$made/" ./cmd/synth ./cmd/prepare
  sed 's/^name: demo$/name: kit/; s/^data:$/data:\n  store: store/' train/config/presets/demo.yaml >"$made/kit.yaml"
  (cd "$made" && ./synth --out demo-city >synth.log && ./prepare --config kit.yaml >prepare.log 2>&1) || { cat "$made"/*.log >&2; die "the store could not be made"; }
  cp -r "$made/store" "$made/kit.yaml" "$kit.new/"
  rm -rf "$made"
else
  say "no GDAL here: the kit has no store, and does not try train and predict"
fi
for package in torch layers layers/rivals train/learn; do
  say "building the tests of $package"
  mkdir -p "$kit.new/tests/$package"
  go test -c -trimpath -ldflags '-s -w' -o "$kit.new/tests/$package/run.test" "./$package"
  [ ! -d "$package/testdata" ] || cp -r "$package/testdata" "$kit.new/tests/$package/"
done
cp "$prefix"/libopencarbon*.so "$prefix/libcgotorch.so" "$kit.new/lib/"
[ -e "$kit.new/lib/libopencarbon_cuda.so" ] || say "without CUDA graphs: no CUDA headers here (cgo/INSTALL.md)"
[ -e "$kit.new/lib/libopencarbon_nccl.so" ] || say "without NCCL: its headers are not here (cgo/INSTALL.md)"
{ cat "$LIBTORCH/version.py" 2>/dev/null || true; } | sed -n "s/^__version__ = '\([0-9.]*\).*/\1/p" >"$kit.new/torch-version"
[ -s "$kit.new/torch-version" ] || die "$LIBTORCH/version.py does not tell the version"
git rev-parse --short HEAD >"$kit.new/commit" 2>/dev/null || echo unknown >"$kit.new/commit"
cp cgo/kit-run.sh "$kit.new/run.sh"
chmod +x "$kit.new/run.sh"
rm -rf "$kit"
mv "$kit.new" "$kit"
say "$kit: $(du -sh "$kit" | cut -f1), for torch $(cat "$kit/torch-version")"
