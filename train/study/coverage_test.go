package study

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/synth"
	"opencarbon/train"
	"opencarbon/train/conformal"
	"opencarbon/train/totals"
)

// What a message says to give can be given.
func TestAdviceOfCheckpoints(t *testing.T) {
	for of, advice := range ofAdvice {
		found := regexp.MustCompile(`--set (?:'([^']+)'|(\S+?)\.? )`).FindAllStringSubmatch(advice+" ", -1)
		if len(found) == 0 {
			t.Errorf("%s: no setting in %q", of, advice)
		}
		for _, f := range found {
			if _, err := train.LoadExperiment("demo", []string{strings.TrimSuffix(f[1]+f[2], ".")}); err != nil {
				t.Errorf("%s: %v", of, err)
			}
		}
	}
}

// The pooled coverage weighs each seed by its test cells.
func TestPool(t *testing.T) {
	r := &CoverageResult{Seeds: [][]conformal.Coverage{{{Level: 0.9, N: 10, Covered: 1}}, {{Level: 0.9, N: 30, Covered: 0.8}}}}
	fifths := func(covered float64, n int) (f []train.Fifth) {
		for range 5 {
			f = append(f, train.Fifth{Coverage: []conformal.Coverage{{Level: 0.9, N: n, Covered: covered}}})
		}
		return f
	}
	sum := func(truth float64) train.AreaCheck {
		return train.AreaCheck{True: truth, Intervals: []totals.Interval{{Level: 0.9, Low: 1, High: 2}}}
	}
	r.all = []train.Uncertainty{
		{Fifths: fifths(1, 2), Areas: []train.AreaCheck{sum(1.5), sum(2.5)}, Total: &train.TotalCheck{True: 100, Raw: 50, Corrected: 90, Known: 100,
			Intervals: []totals.Interval{{Level: 0.9, Low: 80, High: 120}}}},
		{Fifths: fifths(0.5, 6), Areas: []train.AreaCheck{sum(0.5), sum(2)}, Total: &train.TotalCheck{True: 100, Raw: 80, Corrected: 104, Known: 300,
			Intervals: []totals.Interval{{Level: 0.9, Low: 101, High: 120}}}},
	}
	r.pool()
	if p := r.Pooled[0]; p.N != 40 || math.Abs(p.Covered-0.85) > 1e-12 {
		t.Errorf("%+v", p)
	}
	if len(r.Fifths) != 5 || r.Fifths[4][0].N != 8 || math.Abs(r.Fifths[4][0].Covered-0.625) > 1e-12 {
		t.Errorf("fifths %+v", r.Fifths)
	}
	if r.all[0].Fifths[0].Coverage[0].N != 2 {
		t.Error("pooling changed what it pools")
	}
	if a := r.Areas[0]; a.N != 4 || a.Covered != 0.5 {
		t.Errorf("sums %+v", a)
	}
	if a := r.Totals[0]; a.N != 2 || a.Covered != 0.5 {
		t.Errorf("totals %+v", a)
	}
	if math.Abs(r.Off[0]-0.35) > 1e-12 || math.Abs(r.Off[1]-0.07) > 1e-12 || math.Abs(r.Off[2]-0.03) > 1e-12 {
		t.Errorf("totals are off by %v", r.Off)
	}
	r.all[1].Fifths = nil
	r.poolFifths()
	if r.Fifths != nil {
		t.Error("fifths of half the seeds")
	}
}

// What cannot be meant is refused before anything is made.
func TestCoverageRefuses(t *testing.T) {
	for where, o := range map[string]CoverageOptions{
		"--seeds":    {},
		"--held-out": {Seeds: 1, HeldOut: "rows"},
		"--of":       {Seeds: 1, Of: "forest"},

		"--first-seed": {Seeds: 1, First: -3},
	} {
		o.Out = filepath.Join(t.TempDir(), "out")
		if _, err := Coverage(t.Context(), o); !fault.IsInput(err) || !strings.Contains(err.Error(), where) {
			t.Errorf("%s: %v", where, err)
		}
		if _, err := os.Stat(o.Out); err == nil {
			t.Errorf("%s: a folder was made", where)
		}
	}
}

// Another method than the network takes a study of its own experiment with blocks held
// out: each seed draws other blocks, nothing else is fitted, and a method that leaves no
// model is refused.
func TestCoverageOfMethod(t *testing.T) {
	dir := t.TempDir()
	if _, err := synth.Write(t.Context(), filepath.Join(dir, "city"), synth.Config{Seed: 3, Rows: 40, Cols: 40, Size: 16, Cities: 1}, nil); err != nil {
		t.Fatal(err)
	}
	o := CoverageOptions{Out: filepath.Join(dir, "out"), Config: filepath.Join(dir, "city", synth.ExperimentFile("demo")), HeldOut: HeldOutBlocks, Of: "Ridge", Seeds: 2, First: 7,
		Progress: silent, Set: []string{"train.threads=1"}}
	r, err := Coverage(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Seeds) != 2 || len(r.Areas) != 3 || len(r.Fifths) != 5 || r.all[0].Total == nil || r.all[0].Total.True == r.all[1].Total.True {
		t.Errorf("%+v", r)
	}
	rows := table(t, r.File)
	if rows[0]["seed"] != "7" || rows[3]["seed"] != "8" {
		t.Errorf("%v", rows)
	}
	left, err := filepath.Glob(filepath.Join(o.Out, "runs", "blocks-*", "*"))
	if err != nil || len(left) != 2 || filepath.Base(left[0]) != "ridge.safetensors" {
		t.Errorf("%v, %v", left, err)
	}
	before, err := os.Stat(left[0])
	if err != nil {
		t.Fatal(err)
	}
	again, err := Coverage(t.Context(), o)
	if err != nil || again.Areas[0] != r.Areas[0] {
		t.Errorf("again %+v, %v", again, err)
	}
	if after, err := os.Stat(left[0]); err != nil || !os.SameFile(before, after) {
		t.Errorf("fitted again: %v", err)
	}
	o.Of = "mean"
	if _, err := Coverage(t.Context(), o); !fault.IsInput(err) || !strings.Contains(err.Error(), "--of: mean leaves no model") {
		t.Errorf("%v", err)
	}
}
