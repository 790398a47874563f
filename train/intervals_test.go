package train

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/internal/expect"
	"opencarbon/train/progress"
)

// trained runs an experiment on a town and opens what it leaves.
func trained(t *testing.T, c *config.Config, w town) (*checkpoint.Checkpoint, *dataset, *Result) {
	t.Helper()
	d := w.open(t)
	c.Data.Store, c.Output.Dir = d.store.Dir(), t.TempDir()
	r, err := Run(context.Background(), c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	k, err := checkpoint.Read(filepath.Join(r.Dir, BestFile))
	if err != nil {
		t.Fatal(err)
	}
	return k, d, r
}

func column(t *testing.T, path, name string) []float64 {
	t.Helper()
	return expect.Column(t, path, name)
}

func near(t *testing.T, what string, a, b []float64, tolerance float64) {
	t.Helper()
	expect.Near(t, what, a, b, tolerance)
}

// The intervals of a run and of Predict are those of the validation errors: half
// as wide as the ceil((n + 1) level)-th smallest of them.
func TestIntervals(t *testing.T) {
	k, d, r := trained(t, pois(), town{rows: 5, cols: 20})
	table := filepath.Join(r.Dir, "predictions.csv")
	predicted := column(t, table, "ln_predicted")
	var errors []float64
	for i, c := range d.validation {
		e := predicted[c] - d.ln[c]
		if math.Abs(e-float64(k.Header.ValidationErrors[i])) > 1e-4 {
			t.Fatalf("validation error %d is %v in the checkpoint, %v by the table", i, k.Header.ValidationErrors[i], e)
		}
		errors = append(errors, math.Abs(e))
	}
	slices.Sort(errors)
	out := t.TempDir()
	p, err := Predict(context.Background(), k, d.store, PredictOptions{Out: out, Formats: []string{"csv", "tif", "gpkg"}, Device: "cpu", Threads: 1, Progress: progress.Options{Quiet: true}})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Intervals) != 3 {
		t.Fatalf("%d intervals", len(p.Intervals))
	}
	for i, level := range []float64{0.8, 0.9, 0.95} {
		half := errors[int(math.Ceil(float64(len(errors)+1)*level))-1]
		var low, high []float64
		for _, y := range predicted {
			low, high = append(low, math.Exp(y-half)), append(high, math.Exp(y+half))
		}
		percent := strconv.FormatFloat(100*level, 'g', -1, 64)
		for _, path := range []string{table, filepath.Join(out, "predictions.csv")} {
			near(t, path+" low", column(t, path, "low_"+percent+"_tCO2_per_yr"), low, 1e-3)
			near(t, path+" high", column(t, path, "high_"+percent+"_tCO2_per_yr"), high, 1e-3)
		}
		if math.Abs(p.Intervals[i].Factor/math.Exp(half)-1) > 1e-3 {
			t.Errorf("%g: factor %g, want %g", level, p.Intervals[i].Factor, math.Exp(half))
		}
	}
	text, err := os.ReadFile(filepath.Join(r.Dir, IntervalsFile))
	if err != nil {
		t.Fatal(err)
	}
	var u Uncertainty
	if err := json.Unmarshal(text, &u); err != nil || u.Cells != len(d.validation) || len(u.Coverage) != 3 || u.Coverage[0].N != len(d.test) {
		t.Errorf("%s: %v", text, err)
	}
}

// A checkpoint of an older program carries no errors and predicts without
// intervals; too few validation cells give none for the higher levels.
func TestIntervalsThatAreMissing(t *testing.T) {
	k, d, r := trained(t, pois(), town{rows: 2, cols: 20})
	if v := column(t, filepath.Join(r.Dir, "predictions.csv"), "low_95_tCO2_per_yr"); !math.IsNaN(v[0]) {
		t.Errorf("8 validation cells gave a 95%% interval from %g", v[0])
	}
	k.Header.ValidationErrors = nil
	out := t.TempDir()
	p, err := Predict(context.Background(), k, d.store, PredictOptions{Out: out, Formats: []string{"csv"}, Device: "cpu", Threads: 1, Progress: progress.Options{Quiet: true}})
	if err != nil || len(p.Intervals) != 0 {
		t.Fatalf("%v, %d intervals", err, len(p.Intervals))
	}
	text, err := os.ReadFile(filepath.Join(out, "predictions.csv"))
	if err != nil || strings.Contains(string(text), "low_") {
		t.Errorf("columns of intervals: %v", err)
	}
}

// Two checkpoints predict their mean, and say how far they are apart.
func TestEnsemble(t *testing.T) {
	d := town{rows: 5, cols: 20}.open(t)
	var members []*checkpoint.Checkpoint
	var alone [][]float64
	options := func(out string) PredictOptions {
		return PredictOptions{Out: out, Formats: []string{"csv"}, Device: "cpu", Threads: 1, Progress: progress.Options{Quiet: true}}
	}
	for seed := range 2 {
		c := pois()
		c.Seed, c.Data.Store, c.Output.Dir = int64(seed), d.store.Dir(), t.TempDir()
		r, err := Run(context.Background(), c, quiet())
		if err != nil {
			t.Fatal(err)
		}
		k, err := checkpoint.Read(filepath.Join(r.Dir, BestFile))
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, k)
		alone = append(alone, column(t, filepath.Join(r.Dir, "predictions.csv"), "ln_predicted"))
	}
	out := t.TempDir()
	o := options(out)
	o.Members = members[1:]
	p, err := Predict(context.Background(), members[0], d.store, o)
	if err != nil {
		t.Fatal(err)
	}
	var mean, spread []float64
	for i := range alone[0] {
		mean = append(mean, (alone[0][i]+alone[1][i])/2)
		spread = append(spread, math.Abs(alone[0][i]-alone[1][i])/math.Sqrt2) // of two, with n - 1
	}
	near(t, "mean", column(t, filepath.Join(out, "predictions.csv"), "ln_predicted"), mean, 1e-5)
	near(t, "spread", column(t, filepath.Join(out, "predictions.csv"), "ln_spread"), spread, 1e-5)
	var errors []float64
	for _, c := range d.validation {
		errors = append(errors, math.Abs(mean[c]-d.ln[c]))
	}
	slices.Sort(errors)
	if want := math.Exp(errors[int(math.Ceil(float64(len(errors)+1)*0.8))-1]); math.Abs(p.Intervals[0].Factor/want-1) > 1e-3 {
		t.Errorf("80%%: factor %g, want %g", p.Intervals[0].Factor, want)
	}
	if left, _ := filepath.Glob(filepath.Join(out, "*.partial")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	members[1].Header.TargetUnit = "proxy"
	if _, err := Predict(context.Background(), members[0], d.store, o); !fault.IsInput(err) || !strings.Contains(err.Error(), "proxy") {
		t.Errorf("members of different units: %v", err)
	}
}
