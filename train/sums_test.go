package train

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/raster"
	"opencarbon/train/progress"
)

// What a checkpoint keeps of its validation cells is what the run saw, and gives
// the run's own correction; tables and maps hold raw and corrected amounts.
func TestTotals(t *testing.T) {
	k, d, r := trained(t, pois(), town{rows: 20, cols: 20})
	table := filepath.Join(r.Dir, "predictions.csv")
	predicted := column(t, table, "ln_predicted")
	h, ok := k.Held()
	if !ok || len(h.True) != len(d.validation) {
		t.Fatalf("%d of %d validation cells", len(h.True), len(d.validation))
	}
	ratio := 0.0 // of true by corrected emission, in the mean
	for i, c := range d.validation {
		if at := d.store.Cells()[c]; math.Abs(h.True[i]-d.ln[c]) > 1e-4 || math.Abs(h.Predicted[i]-predicted[c]) > 1e-4 || h.Col[i] != at.Col || h.Row[i] != at.Row {
			t.Fatalf("validation cell %d: %g, %g at %d, %d", i, h.True[i], h.Predicted[i], h.Col[i], h.Row[i])
		}
		ratio += math.Exp(d.ln[c]) / r.Total.Correction.Amount(predicted[c]) / float64(len(d.validation))
	}
	out := t.TempDir()
	o := PredictOptions{Out: out, Formats: []string{"csv", "tif", "gpkg"}, Device: "cpu", Threads: 1, Progress: progress.Options{Quiet: true}}
	p, err := Predict(context.Background(), k, d.store, o)
	if err != nil {
		t.Fatal(err)
	}
	if p.Sum == nil || r.Total == nil {
		t.Fatalf("no totals: %s", p.NoSum)
	}
	if math.Abs(ratio-1) > 1e-3 {
		t.Errorf("true by corrected emission is %g in the mean of the validation cells", ratio)
	}
	var want, raw []float64
	sum := 0.0
	for _, y := range predicted {
		want, raw = append(want, r.Total.Correction.Amount(y)), append(raw, math.Exp(y))
		sum += want[len(want)-1]
	}
	near(t, "total", []float64{p.Sum.Corrected}, []float64{sum}, 1e-3)
	near(t, "raw", column(t, filepath.Join(out, "predictions.csv"), "predicted_tCO2_per_yr"), raw, 1e-3)
	for _, path := range []string{table, filepath.Join(out, "predictions.csv")} {
		near(t, path, column(t, path, "corrected_tCO2_per_yr"), want, 1e-3)
	}
	for _, i := range p.Sum.Intervals {
		if !(i.Low < sum && sum < i.High) {
			t.Errorf("%g: %g to %g around %g", i.Level, i.Low, i.High, sum)
		}
	}
	ds, err := raster.Open(filepath.Join(out, "predictions.tif"), raster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer ds.Close()
	pixels := make([]float64, ds.Width()*ds.Height())
	if err := ds.Read(ds.Bands()-2, 0, 0, ds.Width(), ds.Height(), pixels); err != nil {
		t.Fatal(err)
	}
	onMap := 0.0
	for _, v := range pixels {
		if !math.IsNaN(v) {
			onMap += v
		}
	}
	near(t, "map", []float64{onMap}, []float64{sum}, 1e-3)
	if style, err := os.ReadFile(filepath.Join(out, "predictions.qml")); err != nil || !strings.Contains(string(style), "tCO2/yr") {
		t.Errorf("the map's style: %v", err)
	}
	layer, err := raster.OpenVector(filepath.Join(out, "predictions.gpkg"), "", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer layer.Close()
	onLayer := 0.0
	if err := layer.Each(context.Background(), func(f *raster.Feature) error {
		v, _, err := f.Float("corrected_tCO2_per_yr")
		onLayer += v
		return err
	}); err != nil {
		t.Fatal(err)
	}
	near(t, "layer", []float64{onLayer}, []float64{sum}, 1e-3)
}

// Without validation cells there is a raw total, and a word about it.
func TestTotalsThatAreMissing(t *testing.T) {
	k, d, r := trained(t, pois(), town{rows: 2, cols: 20})
	if r.Total != nil {
		t.Errorf("%d validation cells gave a total", len(d.validation))
	}
	o := PredictOptions{Out: t.TempDir(), Formats: []string{"csv"}, Device: "cpu", Threads: 1, Progress: progress.Options{Quiet: true}}
	for _, c := range []struct {
		name, want string
		spoil      func()
	}{
		{"few cells", "too few for a total", func() {}},
		{"old file", "older program", func() { delete(k.Arrays, "validation.place") }},
	} {
		c.spoil()
		p, err := Predict(context.Background(), k, d.store, o)
		if err != nil || p.Sum != nil || !strings.Contains(p.Totals(), c.want) || !strings.Contains(p.Totals(), "too low") {
			t.Errorf("%s: %v\n%s", c.name, err, p.Totals())
		}
		text, err := os.ReadFile(filepath.Join(o.Out, "predictions.csv"))
		if err != nil || strings.Contains(string(text), "corrected") {
			t.Errorf("%s: a column of corrected amounts, %v", c.name, err)
		}
	}
}
