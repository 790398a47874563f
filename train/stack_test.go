package train

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/store"
	"opencarbon/train/checkpoint"
	"opencarbon/train/metrics"
	"opencarbon/train/progress"
	"opencarbon/train/tabular"
)

// guesses are what a checkpoint predicts of every cell.
func guesses(t *testing.T, path string, d *dataset) []float64 {
	t.Helper()
	k, err := checkpoint.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return outputs(t, k, d.store, "").ln
}

// A stack predicts the mean of its members by their shares, which the validation
// cells choose; whatever works with a network's checkpoint works with it, and with
// that of a simple method.
func TestStack(t *testing.T) {
	c := both()
	c.Model.Statistics, c.Model.LogCounts, c.Model.Wide = true, true, true
	c.Train.Ensemble, c.Train.Stack = 2, []string{"ridge"}
	k, d, r := trained(t, c, town{rows: 6, cols: 20, image: townSize})
	if r.Stack == nil {
		t.Fatalf("no stack: %q", r.Notes)
	}
	s, err := checkpoint.Read(r.Stack.Path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(r.Notes, "\n"), "validation R2 by seed 42: ") {
		t.Errorf("the seeds' spread is not said: %q", r.Notes)
	}
	shares := s.Header.Model.Shares
	if len(shares) != 3 || shares[0] != shares[1] || math.Abs(shares[0]+shares[1]+shares[2]-1) > 1e-9 {
		t.Fatalf("shares %v", shares)
	}
	want := make([]float64, d.store.Len())
	for i, path := range []string{k.Path, filepath.Join(r.Dir, "seed-43", BestFile), filepath.Join(r.Dir, MethodFile("ridge"))} {
		for cell, y := range guesses(t, path, d) {
			want[cell] += shares[i] * y
		}
	}
	near(t, "stack", guesses(t, r.Stack.Path, d), want, 1e-4)

	// The ridge regression's checkpoint predicts what the regression does.
	f, err := tabular.New(context.Background(), d.store, d.inputs(c))
	if err != nil {
		t.Fatal(err)
	}
	fit, err := tabular.RidgeRegression{}.Fit(context.Background(), tabular.Task{Features: f, Ln: d.ln, Train: d.train, Validation: d.validation}, tabular.Options{})
	if err != nil {
		t.Fatal(err)
	}
	all := span(0, d.store.Len())
	direct, err := fit.Predict(context.Background(), f, all)
	if err != nil {
		t.Fatal(err)
	}
	ridge, err := checkpoint.Read(filepath.Join(r.Dir, MethodFile("ridge")))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "ridge", guesses(t, ridge.Path, d), direct, 1e-4)

	// Maps, totals and scores.
	for _, x := range []*checkpoint.Checkpoint{s, ridge} {
		out := t.TempDir()
		p, err := Predict(context.Background(), x, d.store, PredictOptions{Out: out, Formats: []string{"csv"}, Threads: 1, Progress: progress.Options{Quiet: true}})
		if err != nil {
			t.Fatal(err)
		}
		if p.Sum == nil || len(p.Intervals) == 0 {
			t.Errorf("%s: no total (%s), %d intervals", x.Path, p.NoSum, len(p.Intervals))
		}
		index := column(t, filepath.Join(out, "predictions.csv"), "dissimilarity")
		for _, cell := range d.train {
			if index[cell] > 1e-2 {
				t.Fatalf("%s: training cell %d is %g from itself", x.Path, cell, index[cell])
			}
		}
		if !(p.InDomain > 0 && p.InDomain <= 1) || len(x.Strange()) != len(d.validation) {
			t.Errorf("%s: %g of the cells in its domain, %d validation cells of %d compared", x.Path, p.InDomain, len(x.Strange()), len(d.validation))
		}
	}
	truth, guess := []float64{}, []float64{}
	for _, cell := range d.test {
		truth, guess = append(truth, d.ln[cell]), append(guess, want[cell])
	}
	v, err := metrics.Evaluate("test", truth, guess)
	if err != nil || math.Abs(v.Ln.R2-r.Stack.Splits[2].Ln.R2) > 1e-4 {
		t.Errorf("test R2 %v, the result says %v, %v", v.Ln.R2, r.Stack.Splits[2].Ln.R2, err)
	}
	var text bytes.Buffer
	if err := r.Print(&text); err != nil || !strings.Contains(text.String(), "Stack: ") || !strings.Contains(text.String(), "Strongest on the validation cells") {
		t.Errorf("%s %v", text.String(), err)
	}
}

// A run that is interrupted in a later seed goes on there, and ends as one that
// was not.
func TestStackResumed(t *testing.T) {
	c := pois()
	c.Train.Ensemble = 2
	w := town{rows: 4, cols: 20}
	_, _, whole := trained(t, c, w)
	d := w.open(t)
	c.Data.Store, c.Output.Dir = d.store.Dir(), t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // when the second seed has its first checkpoint
		for ctx.Err() == nil {
			if found, _ := filepath.Glob(filepath.Join(c.Output.Dir, c.Name, "*", "seed-43", LastFile)); len(found) > 0 {
				cancel()
			}
		}
	}()
	o := quiet()
	if _, err := Run(ctx, c, o); errors.Is(err, context.Canceled) {
		if n := strings.Count(err.Error(), "--resume"); n != 1 || strings.Contains(err.Error(), "--resume "+filepath.Join("seed-43")) {
			t.Errorf("how to go on: %v", err)
		}
	} else if err != nil {
		t.Fatal(err)
	}
	cancel()
	o.Resume = filepath.Join(c.Output.Dir, c.Name, "latest")
	r, err := Run(context.Background(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	have, want := guesses(t, r.Stack.Path, d), guesses(t, whole.Stack.Path, d)
	if !slices.Equal(have, want) {
		t.Error("the resumed ensemble is another")
	}
	if _, err := os.Stat(filepath.Join(r.Dir, "seed-43", BestFile)); err != nil {
		t.Error(err)
	}
}

// Where no validation says anything a run ends all the same, and says why it has no
// stack.
func TestNothingToStack(t *testing.T) {
	c := pois()
	c.Train.Stack, c.Train.Refit, c.Train.Folds = []string{"ridge"}, true, 0
	d := town{rows: 4, cols: 20, change: func(targets []float64, splits []store.Split) {
		for i, s := range splits {
			if s == store.Validation {
				targets[i] = 100
			}
		}
	}}.open(t)
	c.Data.Store, c.Output.Dir = d.store.Dir(), t.TempDir()
	r, err := Run(context.Background(), c, quiet())
	if err != nil || r.Stack != nil || r.Refit != nil || !strings.Contains(strings.Join(r.Notes, "\n"), "there is no stack") {
		t.Errorf("%v, %+v", err, r)
	}
}
