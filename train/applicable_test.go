package train

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"opencarbon/data/raster"
	"opencarbon/layers"
	"opencarbon/train/checkpoint"
	"opencarbon/train/domain"
	"opencarbon/train/progress"
)

// A finished run's best checkpoint knows its training cells: they are in their
// own domain, and the threshold is that of the definition. A checkpoint that does
// not know says nothing.
func TestInDomain(t *testing.T) {
	k, d, _ := trained(t, pois(), town{rows: 20, cols: 20})
	h := k.Header.Domain
	if h == nil || h.View != layers.FinalView || h.Training != len(d.train) {
		t.Fatalf("%+v", h)
	}
	e := outputs(t, k, d.store, h.View)
	var features []float32
	var fold []int
	for _, c := range d.train {
		features = append(features, e.rows[int(c)*e.width:(int(c)+1)*e.width]...)
		p := d.store.Cells()[c]
		fold = append(fold, int(p.Row/8*100+p.Col/8))
	}
	o, err := domain.Fit(features, e.width, fold)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "mean distance and threshold", []float64{h.MeanDistance, h.Threshold}, []float64{o.MeanDistance, o.Threshold}, 1e-3)
	out := t.TempDir()
	options := PredictOptions{Out: out, Formats: []string{"csv", "tif", "gpkg"}, Device: "cpu", Threads: 1, Progress: progress.Options{Quiet: true}}
	p, err := Predict(context.Background(), k, d.store, options)
	if err != nil {
		t.Fatal(err)
	}
	want := o.Index(e.rows)
	got, inside := column(t, filepath.Join(out, "predictions.csv"), "dissimilarity"), column(t, filepath.Join(out, "predictions.csv"), "in_domain")
	near(t, "dissimilarity", got, want, 1e-2)
	for _, c := range d.train {
		if got[c] > 1e-3 || inside[c] != 1 {
			t.Fatalf("training cell %d: dissimilarity %g, inside %g", c, got[c], inside[c])
		}
	}
	share := 0.0
	for i, v := range inside {
		share += v / float64(len(inside))
		if (got[i] <= h.Threshold*(1-1e-5)) != (v == 1) && (got[i] > h.Threshold*(1+1e-5)) == (v == 1) {
			t.Errorf("cell %d: dissimilarity %g, threshold %g, inside %g", i, got[i], h.Threshold, v)
		}
	}
	near(t, "share", []float64{p.InDomain}, []float64{share}, 1e-9)
	layer, err := raster.OpenVector(filepath.Join(out, "predictions.gpkg"), "", "in_domain = 1", nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := layer.Each(context.Background(), func(*raster.Feature) error { n++; return nil }); err != nil || float64(n) != math.Round(share*400) {
		t.Errorf("%d cells inside in the layer, %v", n, err)
	}
	layer.Close()
	k.Header.Domain = nil
	if p, err := Predict(context.Background(), k, d.store, options); err != nil || !math.IsNaN(p.InDomain) {
		t.Errorf("a checkpoint without a domain: %g, %v", p.InDomain, err)
	}
}

// Members of an ensemble must all know a cell.
func TestInDomainOfEnsembles(t *testing.T) {
	e := ensemble{{Header: checkpoint.Header{Domain: &checkpoint.DomainHeader{Threshold: 1}}}, {Header: checkpoint.Header{Domain: &checkpoint.DomainHeader{Threshold: 0.5}}}}
	index, inside := e.inDomain([][]float64{{0.4, 0.9, 2}, {0.4, 0.6, 0.1}})
	near(t, "index", index, []float64{0.4, 0.9, 2}, 0)
	if !inside[0] || inside[1] || inside[2] {
		t.Errorf("inside %v", inside)
	}
	if _, inside := e.inDomain([][]float64{{0.4}, nil}); inside != nil {
		t.Errorf("a member that does not tell: %v", inside)
	}
}

// Intervals are wider where cells are less like the training cells, as the errors
// of the validation cells grow, in predictions as in the run; an older checkpoint,
// which does not tell how strange its validation cells were, has one width for all.
func TestIntervalsAlong(t *testing.T) {
	k, d, _ := trained(t, pois(), town{rows: 24, cols: 24})
	if len(k.Strange()) != len(d.validation) || len(d.validation) < 50 {
		t.Fatalf("%d indices of %d validation cells", len(k.Strange()), len(d.validation))
	}
	// The errors that are wanted: of the size exp(index - 1).
	rng := rand.New(rand.NewPCG(1, 2))
	for i, index := range k.Strange() {
		k.Header.ValidationErrors[i] = float32(math.Exp(index-1) * (0.5 + rng.Float64()))
	}
	halves := func() (half, index []float64) {
		out := t.TempDir()
		if _, err := Predict(context.Background(), k, d.store, PredictOptions{Out: out, Formats: []string{"csv"}, Device: "cpu", Threads: 1, Progress: progress.Options{Quiet: true}}); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(out, "predictions.csv")
		ln, high := column(t, path, "ln_predicted"), column(t, path, "high_80_tCO2_per_yr")
		for i, v := range high {
			half = append(half, math.Log(v)-ln[i])
		}
		return half, column(t, path, "dissimilarity")
	}
	half, index := halves()
	c, err := ensemble{k}.calibration(true)
	if err != nil || !c.Normalized() {
		t.Fatal("no trend", err)
	}
	q, err := c.Quantile(0.8)
	if err != nil {
		t.Fatal(err)
	}
	var want []float64
	for _, v := range index {
		want = append(want, q.Value*c.Trend().Scale(v))
	}
	near(t, "half widths", half, want, 1e-3)
	if slices.Max(half) < 1.1*slices.Min(half) {
		t.Errorf("half widths from %g to %g", slices.Min(half), slices.Max(half))
	}
	delete(k.Arrays, "domain.validation")
	half, _ = halves()
	if slices.Max(half)-slices.Min(half) > 1e-3 {
		t.Errorf("an older checkpoint: half widths from %g to %g", slices.Min(half), slices.Max(half))
	}
}
