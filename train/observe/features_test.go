package observe

import (
	"context"
	"strings"
	"testing"

	"opencarbon/layers"
	"opencarbon/train"
	"opencarbon/train/internal/expect"
	"opencarbon/train/internal/town"
	"opencarbon/train/method"
	"opencarbon/train/tabular"
)

// Silencing a group of features is what a regression makes of rows with the mean
// in their place.
func TestFeatures(t *testing.T) {
	ctx := context.Background()
	s := town.Town{Rows: 6, Cols: 20, Image: town.Size}.Open(t)
	c := town.Both()
	c.Data.Store = s.Dir()
	ridge, err := train.FitRows(ctx, c, s, tabular.RidgeRegression{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := Has(ridge, layers.FinalView); err == nil || !strings.Contains(err.Error(), "row of features") {
		t.Errorf("a representation of a ridge regression: %v", err)
	}
	in, err := train.Inputs(ctx, c, s)
	if err != nil {
		t.Fatal(err)
	}
	f, err := tabular.New(ctx, s, in)
	if err != nil {
		t.Fatal(err)
	}
	d := method.New(s)
	fit, err := tabular.RidgeRegression{}.Fit(ctx, tabular.Task{Features: f, Ln: d.Ln, Train: d.Train, Validation: d.Validation}, tabular.Options{})
	if err != nil {
		t.Fatal(err)
	}
	all := make([]int32, s.Len())
	for i := range all {
		all[i] = int32(i)
	}
	y, err := Features(ctx, ridge, s, []int32{5, 40}, Options{Threads: 1, Progress: silent})
	if err != nil {
		t.Fatal(err)
	}
	rows, columns := f.Rows(all), 0
	for _, g := range y.Groups {
		columns += g.Columns
		var x []float32
		for _, cell := range y.Cells {
			for j, name := range f.Names() {
				v := rows.At(int(cell), j)
				if groupOf(name) == g.Name {
					v = 0
					for i := range all {
						v += rows.At(i, j) / float64(len(all))
					}
				}
				x = append(x, float32(v))
			}
		}
		silenced, err := tabular.FromRows(f.Names(), x)
		if err != nil {
			t.Fatal(err)
		}
		want, err := fit.Predict(ctx, silenced, []int32{0, 1})
		if err != nil {
			t.Fatal(err)
		}
		expect.Near(t, g.Name, g.After, want, 1e-4)
	}
	if columns != f.Width() || len(y.Groups) != 6 {
		t.Errorf("%d columns in %d groups, there are %d", columns, len(y.Groups), f.Width())
	}
}
