#!/usr/bin/env bash
# Sets the project up: system packages, gotorch's C sources and our libtorch shim, built and installed where linker and
# loader find them, so that plain `go run`, `go test` and editors work afterwards. Quick when nothing changed.
#
#   cgo/setup.sh                        Debian's libtorch, installed system-wide (root), or into build/ (otherwise)
#   LIBTORCH=/path/libtorch cgo/setup.sh   another libtorch: an unpacked archive, or a pip wheel's torch folder
#   PREFIX=/opt/x cgo/setup.sh          another place to install to
#   GDAL=no cgo/setup.sh                without GDAL, for cmd/bench on a bare (GPU) machine; other commands need it
#   cgo/setup.sh bench                  the same, and the C++ side of the benchmarks (build/bench-peer, build/bench-peak)
#
# Whenever the result is not in the system's own places, libtorch.env is written: source it once a shell.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: error: %s\n' "$*" >&2; exit 1; }

LIBTORCH=${LIBTORCH:-}
PREFIX=${PREFIX:-}
GDAL=${GDAL:-yes}

# --- Go ---------------------------------------------------------------------------------------------------------------
command -v go >/dev/null || die "Go is missing. Install Go $(sed -n 's/^go //p' go.mod) or newer (https://go.dev/dl) and put it on PATH."

# --- system packages --------------------------------------------------------------------------------------------------
packages=(g++ cmake ninja-build pkg-config)
[ "$GDAL" = no ] || packages+=(libgdal-dev gdal-bin)
[ -n "$LIBTORCH" ] || packages+=(libtorch-dev)
missing=()
if command -v dpkg-query >/dev/null; then
  for p in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      say "installing Debian packages: ${missing[*]}"
      export DEBIAN_FRONTEND=noninteractive
      apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; } ||
        die "apt-get could not install: ${missing[*]}"
    else
      die "packages are missing. As root: apt-get install ${missing[*]}"
    fi
  fi
else
  for tool in g++ cmake ninja pkg-config; do command -v "$tool" >/dev/null || missing+=("$tool"); done
  [ "$GDAL" = no ] || pkg-config --exists gdal 2>/dev/null || missing+=("GDAL with headers (gdal.pc)")
  [ ${#missing[@]} -eq 0 ] || die "install with your system's package manager: ${missing[*]}"
fi

# --- optional packages: without them `train` leaves out the rows SVR and XGBoost, and says so --------------------------
optional=()
for pair in libsvm3:libsvm.so.3 libxgboost0:libxgboost.so.0; do
  { /sbin/ldconfig -p 2>/dev/null || ldconfig -p 2>/dev/null || true; } | grep -q "${pair#*:}" || optional+=("${pair%%:*}")
done
if [ ${#optional[@]} -gt 0 ] && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  say "installing optional Debian packages: ${optional[*]}"
  left=()
  for p in "${optional[@]}"; do
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$p" >/dev/null 2>&1 || left+=("$p")
  done
  optional=(${left[@]+"${left[@]}"})
fi
[ ${#optional[@]} -eq 0 ] || say "warning: without ${optional[*]} the rows SVR or XGBoost are missing beside results. As root: apt-get install ${optional[*]}"

# --- libtorch ---------------------------------------------------------------------------------------------------------
if [ -n "$LIBTORCH" ]; then
  LIBTORCH=$(cd "$LIBTORCH" 2>/dev/null && pwd) || die "LIBTORCH is no folder: give the unpacked libtorch, or a pip wheel's torch folder."
  [ -e "$LIBTORCH/lib/libtorch.so" ] && [ -d "$LIBTORCH/include/torch" ] ||
    die "$LIBTORCH holds no lib/libtorch.so and include/torch: not a libtorch."
  include=$LIBTORCH/include
else
  include=/usr/include
  [ -e "$include/torch/csrc/api/include/torch/torch.h" ] ||
    die "no libtorch headers under /usr/include. Install libtorch-dev, or give LIBTORCH=/path/to/libtorch."
fi
version=$({ cat "$include"/torch/headeronly/version.h "$include"/torch/csrc/api/include/torch/version.h 2>/dev/null || true; } |
  sed -n 's/^#define TORCH_VERSION_\(MAJOR\|MINOR\|PATCH\) \([0-9]*\).*/\2/p' | head -3 | paste -sd.)

# --- where the libraries go -------------------------------------------------------------------------------------------
system=no
if [ -z "$PREFIX" ]; then
  if [ -z "$LIBTORCH" ] && [ "$(id -u)" = 0 ]; then PREFIX=/usr/local; else PREFIX=$PWD/build/prefix-${version:-unknown}; fi
fi
case $PREFIX in /*) ;; *) PREFIX=$PWD/$PREFIX ;; esac
case $PREFIX$LIBTORCH in *[[:space:]]*) die "the linker's options cannot hold a path with spaces: $PREFIX $LIBTORCH" ;; esac
[ "$PREFIX" = /usr/local ] && system=yes

say "fetching Go modules"
go mod download
gotorch=$(go list -m -f '{{.Dir}}' github.com/wangkuiyi/gotorch)

# One folder for each libtorch: CMake remembers where it found the last one.
dir=build/cmake-${version:-unknown}-$(printf '%s' "${LIBTORCH:-system}" | cksum | cut -d' ' -f1)
configure() {
  cmake -S . -B "$dir" -G Ninja -DGOTORCH_DIR="$gotorch" -DLIBTORCH="$LIBTORCH" -DCMAKE_INSTALL_PREFIX="$PREFIX" >build.log 2>&1 ||
    { tail -20 build.log >&2; die "cmake failed; the whole log is in build.log"; }
}

# --- build, unless the same was built before --------------------------------------------------------------------------
stamp=$(cat CMakeLists.txt cgo/*.cc cgo/*.h $(find cgo/gloo cgo/cuda -type f | sort) cgo/setup.sh | sha256sum | cut -c1-16)-$(basename "$gotorch")-${version}-${LIBTORCH:-system}
stamp_file=$PREFIX/lib/opencarbon.stamp
if [ -e "$PREFIX/lib/libopencarbon.so" ] && [ -e "$PREFIX/lib/libcgotorch.so" ] &&
   [ "$(cat "$stamp_file" 2>/dev/null)" = "$stamp" ]; then
  say "libraries in $PREFIX/lib are up to date (libtorch $version)"
else
  say "building gotorch's library and the shim against libtorch $version (a few minutes, once)"
  mkdir -p build
  configure
  ninja -C "$dir" >>build.log 2>&1 || { grep -E 'error|Error' build.log | head -20 >&2; die "the compiler failed; the whole log is in build.log"; }
  # Installed beside and renamed, so that no program ever finds half a library.
  rm -rf "$dir/stage"
  DESTDIR=$PWD/$dir/stage ninja -C "$dir" install >>build.log 2>&1 || { tail -20 build.log >&2; die "the installation failed; the whole log is in build.log"; }
  rm -f "$PREFIX"/lib/libopencarbon_{cuda,nccl}.so
  for lib in libcgotorch.so libopencarbon.so libopencarbon_cuda.so libopencarbon_nccl.so; do
    [ -e "$dir/stage$PREFIX/lib/$lib" ] || [[ $lib != libopencarbon_* ]] || continue
    { mkdir -p "$PREFIX/lib" && cp "$dir/stage$PREFIX/lib/$lib" "$PREFIX/lib/.$lib.new" && mv -f "$PREFIX/lib/.$lib.new" "$PREFIX/lib/$lib"; } 2>>build.log ||
      die "cannot write to $PREFIX/lib. Not root? Give PREFIX=\$HOME/opencarbon, or leave PREFIX out."
  done
  rm -f build.log
  printf '%s' "$stamp" >"$stamp_file"
  say "installed libcgotorch.so and libopencarbon.so in $PREFIX/lib"
fi

# --- make linker and loader find them ---------------------------------------------------------------------------------
if [ $system = yes ] && [ -z "$LIBTORCH" ]; then
  ldconfig
  rm -f libtorch.env
  say "done: go run ./cmd/..., go test ./... and go vet ./... work as they are"
else
  dirs=("$PREFIX/lib")
  [ -n "$LIBTORCH" ] && dirs+=("$LIBTORCH/lib")
  flags=""
  for d in "${dirs[@]}"; do flags+="-L$d -Wl,-rpath,$d "; done
  printf '# Written by make setup. Source it before go build, run, test or vet.\nexport CGO_LDFLAGS="%s"\n' "${flags% }" >libtorch.env
  say "done: in each shell, first: source $PWD/libtorch.env"
fi

# --- on demand: the C++ side of the benchmarks ------------------------------------------------------------------------
if [ "${1:-}" = bench ]; then
  mkdir -p build
  configure
  ninja -C "$dir" bench-peer bench-peak >>build.log 2>&1 || { grep -E 'error|Error' build.log | head -20 >&2; die "the compiler failed; the whole log is in build.log"; }
  rm -f build.log
  cp "$dir/bench-peer" "$dir/bench-peak" build/
  say "built build/bench-peer and build/bench-peak"
fi
