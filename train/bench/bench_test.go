package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/torch"
	"opencarbon/train/learn"
)

// TestMain serves as the program that Run starts for a row.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "row" {
		if err := Serve(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func small() Spec {
	return Spec{Name: "small", Cells: 36, Size: 32, Categories: 3, Points: 20, Neighborhood: 3, Batch: 8, Epochs: 1, Threads: 1, Device: "cpu",
		Sampler: "patches", Encode: learn.Unique, Precision: "fp32", Seed: 1}
}

// Ranks of a row train together: the first's result is the row's.
func TestRanks(t *testing.T) {
	if !torch.GroupAvailable() {
		t.Skip("this libtorch has no c10d with gloo")
	}
	two := small()
	two.Name, two.Encode, two.Ranks, two.Threads = "two", learn.Historical, 2, 2
	table, err := Run(context.Background(), Options{Specs: []Spec{two}, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	r := table.Rows[0]
	if r.Threads != 1 || r.Encodings != 1 || r.Parts["together"] <= 0 || r.Parts["together"] >= r.EpochSeconds {
		t.Errorf("%+v", r)
	}
	var text bytes.Buffer
	if err := table.Print(&text, 0); err != nil || !strings.Contains(text.String(), "two: summing the gradients") {
		t.Errorf("%v\n%s", err, &text)
	}
	two.Encode = learn.Slices
	if err := two.Check(); !fault.IsInput(err) || !strings.Contains(err.Error(), "--ranks") {
		t.Errorf("slices of two ranks: %v", err)
	}
	for parts, bad := range map[int]bool{0: false, 2: false, 4: false, 1: true, 3: true, 128: true} {
		in := two
		in.Encode, in.InParts = learn.Historical, parts
		if err := in.Check(); fault.IsInput(err) != bad {
			t.Errorf("%d parts: %v", parts, err)
		}
	}
}

// What rows count is what the geometry says.
func TestRun(t *testing.T) {
	slices, historical, alone := small(), small(), small()
	slices.Name, slices.Encode, slices.Sampler = "slices", learn.Slices, "random"
	historical.Name, historical.Encode = "historical", learn.Historical
	alone.Name, alone.Neighborhood = "alone", 1
	var said []string
	table, err := Run(context.Background(), Options{Specs: []Spec{small(), slices, historical, alone}, Rounds: 1, Dir: t.TempDir(),
		Say: func(line string) { said = append(said, line) }})
	if err != nil {
		t.Fatal(err)
	}
	// A grid of 6 x 6 has 16^2 = 256 pairs of a cell and a neighbor that exists.
	want := map[string]float64{"slices": 256.0 / 36, "historical": 1, "alone": 1}
	for _, r := range table.Rows {
		if w, ok := want[r.Spec.Name]; ok && math.Abs(r.Encodings-w) > 1e-9 {
			t.Errorf("%s: %v encodings a cell, want %v", r.Spec.Name, r.Encodings, w)
		}
		if r.Spec.Name == "small" && (r.Encodings <= 1.2 || r.Encodings > 3) {
			t.Errorf("unique: %v encodings a cell", r.Encodings)
		}
		sum := 0.0
		for _, p := range parts {
			if r.Parts[p] < 0 || (p != "data" && r.Parts[p] == 0) {
				t.Errorf("%s: %s took %v s", r.Spec.Name, p, r.Parts[p])
			}
			sum += r.Parts[p]
		}
		if sum > r.EpochSeconds*1.001 || r.EvaluationSeconds <= 0 || r.PeakBytes < 50e6 || r.Threads != 1 || r.DenseTileBytes != 32*32*3*8 {
			t.Errorf("%s: parts %v of %v s; %+v", r.Spec.Name, sum, r.EpochSeconds, r)
		}
	}
	if len(said) != 4 {
		t.Errorf("%d lines: %v", len(said), said)
	}
	peer := func(slower float64) PeerResult {
		return PeerResult{Name: "peer", Cells: 36, Neighborhood: 3, EpochSeconds: slower * 10 * table.Rows[0].EpochSeconds, EvaluationSeconds: slower * 20 * table.Rows[0].EvaluationSeconds}
	}
	table.Peers = []PeerResult{peer(2), peer(1)} // what is faster is what counts
	var text bytes.Buffer
	if err := table.Print(&text, 100); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	if len(lines) != 4+2+4 || !strings.HasSuffix(lines[4], "| 0.5 | 0.5 |") || !strings.HasSuffix(lines[5], "| 1.0 | 1.0 |") ||
		!strings.HasSuffix(lines[6], "| 10.0 | 20.0 |") || !strings.Contains(lines[6], "%)") {
		t.Errorf("%s", text.String())
	}
	columns := strings.Count(lines[2], "|")
	for _, l := range lines[3:] {
		if strings.Count(l, "|") != columns {
			t.Errorf("%d columns, %d in: %s", columns, strings.Count(l, "|"), l)
		}
	}
}

func TestMadeStoreIsSound(t *testing.T) {
	s := small()
	dir := t.TempDir()
	if err := s.Make(context.Background(), dir); err != nil {
		t.Fatal(err)
	}
	d, err := store.Open(s.Store)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	points := 0
	for i := range d.Len() {
		points += d.POIs(i).Len()
	}
	if d.Len() != 36 || points != 36*20 || bytes.Equal(d.Image(0), d.Image(1)) {
		t.Error(d.Len(), points)
	}
	before, err := os.Stat(filepath.Join(s.Store, "tiles.ocs"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Make(context.Background(), dir); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(filepath.Join(s.Store, "tiles.ocs")); err != nil || !os.SameFile(before, after) {
		t.Error("a store that was there was made again", err)
	}
}

func TestRefuses(t *testing.T) {
	for flag, change := range map[string]func(*Spec){
		"--cells": func(s *Spec) { s.Cells = 0 }, "--size": func(s *Spec) { s.Size = 16 }, "--batch": func(s *Spec) { s.Batch = 1 },
		"--neighborhood": func(s *Spec) { s.Neighborhood = 4 }, "--sampler": func(s *Spec) { s.Sampler = "spiral" },
		"--encode": func(s *Spec) { s.Encode = "twice" }, "--precision": func(s *Spec) { s.Precision = "fp8" }, "--epochs": func(s *Spec) { s.Epochs = 0 },
	} {
		s := small()
		change(&s)
		if _, err := Run(context.Background(), Options{Specs: []Spec{s}, Dir: t.TempDir()}); !fault.IsInput(err) || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v", flag, err)
		}
	}
	s := small()
	s.Device = "cuda:7"
	if _, err := Run(context.Background(), Options{Specs: []Spec{s}, Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "cuda:7") {
		t.Error(err)
	}
	p := Peer{Python: "/usr/bin/python3", Script: "nowhere.py"}
	if _, err := p.run(context.Background()); !fault.IsInput(err) {
		t.Error(err)
	}
}

// Multiply-adds of torchvision's ResNet-18 at 224 pixels, as its documentation
// gives them (1.814 GFLOPS, fully connected layer of 0.0005 included).
func TestFLOPs(t *testing.T) {
	if macs := resNet18FLOPs(224) / 2; math.Abs(macs-1.814e9) > 0.002e9 {
		t.Errorf("%.4g", macs)
	}
}

// The room runs where no GDAL is.
func TestNoGDAL(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "opencarbon/cmd/bench").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Fields(string(out)) {
		if strings.Contains(line, "gdal") || line == "opencarbon/data/raster" {
			t.Errorf("cmd/bench depends on %s", line)
		}
	}
}

func TestServeRefusesNonsense(t *testing.T) {
	if err := Serve(context.Background(), strings.NewReader("{"), &bytes.Buffer{}); !fault.IsInput(err) {
		t.Error(err)
	}
	s := small()
	s.Store = t.TempDir()
	in, _ := json.Marshal(s)
	if err := Serve(context.Background(), bytes.NewReader(in), &bytes.Buffer{}); err == nil {
		t.Error("an empty folder is a store")
	}
}
