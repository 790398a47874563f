# The two commands of a user: make demo, make test. Both set up first (packages, native libraries).
# Another libtorch: make test LIBTORCH=/path/to/libtorch (unpacked archive, or a pip wheel's torch folder).
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test mutations bench bench-gpu kit lint clean
export LIBTORCH PREFIX GDAL
# libtorch.env exists only where the libraries are not in the system's own places.
GO := if [ -f libtorch.env ]; then . ./libtorch.env; fi; go

help:
	@echo 'make setup   install packages, build the native libraries (LIBTORCH=/path for another libtorch)'
	@echo 'make demo    set up, make a city, train on it, draw its map'
	@echo 'make test    set up, run all checks and tests'
	@echo 'make mutations   damage checkpoints, stores and run folders 2,400 times; none may be taken'
	@echo 'make bench   side-by-side benchmarks (long: half an hour on two cores)'
	@echo 'make kit LIBTORCH=/path   pack benchmarks and tests for a bare GPU machine: build/kit'
	@echo 'make bench-gpu LIBTORCH=/path   the same table on a GPU; needs no GDAL'

setup:
	@bash cgo/setup.sh

# From nothing to a trained model, its scores, and a map: pictures in runs/demo/latest, GeoTIFF in demo-map.
demo: setup
	@test -e demo-city/truth.json || $(GO) run ./cmd/synth --out demo-city
	$(GO) run ./cmd/train --config demo
	$(GO) run ./cmd/predict --checkpoint runs/demo/latest/best.safetensors --store stores/demo --out demo-map --html
	@echo "Open demo-map/predictions.html in a browser; the run's pictures are in runs/demo/latest. Your own city: README.md"

test: setup lint
	$(GO) test -timeout 40m ./...
	$(GO) test -race -timeout 40m ./torch/... ./layers/...

# Seeded; OPENCARBON_MUTATIONS_SEED=N begins elsewhere.
mutations: setup
	@export OPENCARBON_MUTATIONS=2400; $(GO) test -timeout 60m -v -run TestMutations ./train/mutations

lint: setup
	@test -z "$$(gofmt -l .)" || { echo 'gofmt would change:'; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# Takes turns between Go, C++ and Python on one machine; PYTHON names the interpreter that has PyTorch.
bench: setup
	@bash cgo/setup.sh bench
	build/bench-peak
	$(GO) test -run '^$$' -bench 'SmallOperation|ResNet18Step' -benchtime 1x -v ./layers
	@bash cmd/bench/tables.sh

# London's size on a GPU (778 cells of 256 pixels, bfloat16, 300 epochs), each lever, and larger cities. PEAK is the card's
# dense bfloat16 peak in TFLOP/s (H100 SXM: 989).
PEAK ?= 989
bench-gpu: GDAL := no
bench-gpu: setup
	$(GO) run ./cmd/bench --device cuda --cells 778 --epochs 300 --peak $(PEAK) --encode historical,unique --sampler random,blocks --precision bf16
	$(GO) run ./cmd/bench --device cuda --cells 778 --epochs 5 --peak $(PEAK) --precision bf16 --levers
	$(GO) run ./cmd/bench --device cuda --cells 400,1600,6400 --precision bf16 --epochs 5 --peak $(PEAK)

# A folder for a machine with a GPU and a Python torch of the same version, and nothing else: build/kit, then ./run.sh there.
kit:
	@bash cgo/kit.sh

clean:
	rm -rf build build.log libtorch.env demo-city demo-map
