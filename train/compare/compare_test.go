package compare

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/train/bench"
	"opencarbon/train/config"
	"opencarbon/train/method"
)

// guess predicts the truth off by a shift; it counts its trainings and holds
// what it is given against what a method may see.
type guess struct {
	t     *testing.T
	shift float64
	fits  *int
	err   error
}

type guessed struct{ guess }

func (g guess) Fit(_ context.Context, d *method.Dataset, o method.Options) (method.Fitted, error) {
	*g.fits++
	in := map[int32]int{}
	for _, cells := range [][]int32{d.Train, d.Validation, d.Test} {
		for _, c := range cells {
			in[c]++
		}
	}
	for c, n := range in {
		if n != 1 {
			g.t.Errorf("cell %d is in %d parts", c, n)
		}
	}
	if _, err := os.Stat(o.Dir); err != nil {
		g.t.Error(err)
	}
	return guessed{g}, g.err
}

func (g guessed) Predict(_ context.Context, d *method.Dataset, cells []int32) (ln []float64, err error) {
	for i, c := range cells {
		ln = append(ln, d.Ln[c]+g.shift*float64(1-2*(i%2)))
	}
	return ln, nil
}

func (guessed) Save(string) error { return nil }
func (guessed) About() string     { return "guessed" }

func city(t *testing.T, n int) *store.Store {
	t.Helper()
	spec := bench.Spec{Cells: n, Size: 32, Categories: 3, Points: 40}
	if err := spec.Make(context.Background(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(spec.Store)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Folds predict every cell once; a stopped comparison trains nothing twice; a
// method that cannot take part says why; scores are those of the predictions.
func TestRun(t *testing.T) {
	s := city(t, 144)
	var fits, others int
	entries := []Entry{
		{Name: "near", Key: "1", Method: guess{t, 0.1, &fits, nil}},
		{Name: "far", Key: "1", Method: guess{t, 0.5, &others, nil}, Fixed: true},
		{Name: "none", Method: guess{t, 0, new(int), fault.New("store", "has no images", "Give some.")}},
		{Name: "mean", Key: "mean", Method: mean{}, Fixed: true},
	}
	o := Options{Seeds: 2, Folds: 4, Block: 3, Buffer: 1, Out: t.TempDir(), Report: new(bytes.Buffer)}
	table, err := Run(context.Background(), s, entries, o)
	if err != nil {
		t.Fatal(err)
	}
	if fits != 8 || others != 4 {
		t.Errorf("%d and %d trainings", fits, others)
	}
	rows := map[string]Row{}
	for _, r := range table.Rows {
		rows[r.Name] = r
	}
	if r := rows["near"]; r.N != 2 || math.Abs(r.Mean.MAE-0.1) > 1e-9 || math.Abs(r.Mean.RMSE-0.1) > 1e-9 || r.Difference.Defined {
		t.Errorf("near: %+v", r)
	}
	if r := rows["far"]; r.N != 1 || math.Abs(r.Mean.MAE-0.5) > 1e-9 || !r.Difference.Defined || !(r.Difference.High < 0) || !(r.Gain < 0) {
		t.Errorf("far: %+v", r)
	}
	if r := rows["none"]; r.N != 0 || !strings.Contains(r.Why, "no images") {
		t.Errorf("none: %+v", r)
	}
	if r := rows["mean"]; !(r.Mean.R2 <= 0.01) {
		t.Errorf("the mean explains %v", r.Mean.R2)
	}
	if r := rows["near, "+Averaged]; math.Abs(r.Mean.MAE-0.1) > 1e-9 {
		t.Errorf("mean of seeds: %+v", r)
	}
	if r := rows[Stacked]; !(r.Mean.MAE <= 0.1+1e-9) {
		t.Errorf("stack: %+v", r)
	}
	var saved Table
	text, err := os.ReadFile(filepath.Join(o.Out, "table.json"))
	if err == nil {
		err = json.Unmarshal(text, &saved)
	}
	if err != nil || len(saved.Rows) != len(table.Rows) || saved.Rows[0].Mean != table.Rows[0].Mean {
		t.Errorf("%v, %d rows", err, len(saved.Rows))
	}
	if left, _ := filepath.Glob(filepath.Join(o.Out, ".training-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err = Run(context.Background(), s, entries, o); err != nil || fits != 8 || others != 4 {
		t.Errorf("again: %v, %d and %d trainings", err, fits, others)
	}
	entries[0].Key = "2"
	if _, err = Run(context.Background(), s, entries, o); err != nil || fits != 16 || others != 4 {
		t.Errorf("with another key: %v, %d and %d trainings", err, fits, others)
	}
}

func TestRunOfBadInput(t *testing.T) {
	s := city(t, 144)
	for want, o := range map[string]Options{
		"0 is too few": {}, "3 or more": {Seeds: 1, Folds: 2, Block: 4}, "edge of a block": {Seeds: 1, Folds: 5}, "too few for 50 folds": {Seeds: 1, Folds: 50, Block: 6},
		"leaves 0 training": {Seeds: 1, Folds: 5, Block: 2, Buffer: 12},
	} {
		o.Out, o.Report = t.TempDir(), new(bytes.Buffer)
		_, err := Run(context.Background(), s, []Entry{{Name: "mean", Method: mean{}}}, o)
		var f *fault.Input
		if !errors.As(err, &f) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
	c := config.Defaults()
	for _, names := range [][]string{{}, {"paper", "paper"}, {"oracle"}} {
		if _, err := Entries(&c, names); err == nil {
			t.Errorf("%v was taken", names)
		}
	}
	names, _ := Methods()
	if _, err := Entries(&c, names); err != nil {
		t.Error(err)
	}
}

// What was trained on validation cells predicts them too well: it is in no stack,
// and reaches no level.
func TestSeen(t *testing.T) {
	s := city(t, 144)
	var fits int
	entries := []Entry{
		{Name: "a", Key: "a", Method: guess{t: t, shift: 0.5, fits: &fits}},
		{Name: "b", Key: "b", Method: guess{t: t, shift: 0.4, fits: &fits}},
		{Name: "seen", Key: "c", Method: guess{t: t, fits: &fits}, Seen: true},
	}
	table, err := Run(context.Background(), s, entries, Options{Seeds: 2, Folds: 3, Block: 4, Out: t.TempDir(), Report: &bytes.Buffer{}, Reach: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range table.Rows {
		if r.Name == Stacked && strings.Contains(r.About, "seen") {
			t.Errorf("the stack is %s", r.About)
		}
		if strings.HasPrefix(r.Name, "seen") && r.Reached != nil {
			t.Errorf("%s reached a level of R2 after %s", r.Name, r.Reached)
		}
	}
}
