package baselines

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/train/tabular"
)

// street is a line of cells whose target depends on the shops of the cells
// around, so that only the surroundings' features explain it.
func street(t *testing.T, n int) Input {
	t.Helper()
	counts := make([]float64, n)
	dir := filepath.Join(t.TempDir(), "store")
	w, err := store.Create(dir, store.Meta{Name: "street", Grid: store.GridSpec{Scheme: "degrees", EPSG: 4326, CellSize: 0.01}, ConfigHash: "x", Program: "test"}, n, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	var p store.Points
	in := Input{Targets: make([]float64, n), Methods: []tabular.Method{tabular.RidgeRegression{}}}
	offsets, cells, coverage, ones := []int64{0}, make([]store.Cell, n), make([]float32, n), make([]float64, n)
	for i := range n {
		counts[i] = float64(1 + (i*i*7+i*3)%20)
		p.Category, p.Row, p.Col = append(p.Category, 0), append(p.Row, 0), append(p.Col, 0)
		p.Count = append(p.Count, float32(counts[i]))
		offsets = append(offsets, int64(i+1))
		cells[i].Col = int64(i)
		coverage[i], ones[i] = 1, 1
		switch i % 5 {
		case 3:
			in.Validation = append(in.Validation, int32(i))
		case 4:
			in.Test = append(in.Test, int32(i))
		default:
			in.Train = append(in.Train, int32(i))
		}
	}
	for i := range n {
		sum, k := 0.0, 0.0
		for j := max(0, i-1); j <= min(n-1, i+1); j++ {
			sum, k = sum+counts[j], k+1
		}
		in.Targets[i] = 2 + 1.5*math.Log1p(sum/k)
	}
	w.SetCells(cells)
	w.SetLonLat(make([]float64, 2*n))
	w.SetAreaKM2(ones)
	w.SetCoverage(coverage)
	w.SetTargets(ones)
	w.SetSplits(make([]store.Split, n))
	w.SetPOIs([]string{"shop"}, 4, offsets, p)
	if err := w.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if in.Features, err = tabular.New(t.Context(), s, tabular.Inputs{POIs: true}); err != nil {
		t.Fatal(err)
	}
	return in
}

func TestRun(t *testing.T) {
	in := street(t, 200)
	got, err := Run(t.Context(), in)
	if err != nil || len(got) != 2 {
		t.Fatalf("%v %v", got, err)
	}
	mean, ridge := got[0], got[1]
	if r2 := mean.Splits[0].Ln.R2; math.Abs(r2) > 1e-12 {
		t.Errorf("the mean's R2 on the training cells is %g, not 0", r2)
	}
	if r2 := ridge.Splits[2].Ln.R2; r2 < 0.99 || ridge.Name != "ridge" {
		t.Errorf("%s does not find the surroundings: test R2 %g", ridge.Name, r2)
	}
	if !strings.Contains(ridge.About, "ln(1 + POI counts), own + 3 x 3 + 5 x 5") {
		t.Errorf("what it saw is not said: %q", ridge.About)
	}
	in.Features = nil
	if got, err = Run(t.Context(), in); err != nil || len(got) != 1 {
		t.Errorf("without features: %v %v", got, err)
	}
	in.Train = nil
	if _, err := Run(t.Context(), in); err == nil {
		t.Error("no training cells and no error")
	}
}

// broken is a method that fails to fit.
type broken struct{ err error }

func (broken) Name() string { return "broken" }
func (b broken) Fit(context.Context, tabular.Task, tabular.Options) (tabular.Fitted, error) {
	return nil, b.err
}

// What cannot run here is noted and the others stand; what must not happen is
// an error, and so is an interruption.
func TestNotes(t *testing.T) {
	in := street(t, 50)
	in.Methods = []tabular.Method{broken{fault.New("SVR", "libsvm not found", "apt-get install libsvm3")}, tabular.RidgeRegression{}}
	got, err := Run(t.Context(), in)
	if err != nil || len(got) != 3 || len(got[1].Splits) != 0 || !strings.Contains(got[1].Note, "apt-get install libsvm3") || len(got[2].Splits) != 3 {
		t.Errorf("%+v %v", got, err)
	}
	in.Methods = []tabular.Method{broken{errors.New("a bug")}}
	if _, err := Run(t.Context(), in); err == nil {
		t.Error("a bug became a note")
	}
	in.Methods = []tabular.Method{broken{context.Canceled}}
	if _, err := Run(t.Context(), in); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	in.Methods = []tabular.Method{tabular.RidgeRegression{}}
	for i := range in.Targets {
		in.Targets[i] = 1
	}
	if got, err = Run(t.Context(), in); err != nil || !strings.Contains(got[1].Note, "equal") {
		t.Errorf("equal targets: %+v %v", got, err)
	}
}

// Test targets change nothing that is predicted.
func TestNoLeak(t *testing.T) {
	in := street(t, 100)
	var coefficients [2][]float64
	for k := range 2 {
		got, err := Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if coefficients[k], err = got[1].Fitted.Predict(t.Context(), in.Features, in.Test); err != nil {
			t.Fatal(err)
		}
		for _, i := range in.Test {
			in.Targets[i] += 100
		}
	}
	if !slices.Equal(coefficients[0], coefficients[1]) {
		t.Error("predictions changed with test targets")
	}
}
