package train

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"opencarbon/data/raster"
	"opencarbon/layers"
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
	e := ensemble{{Header: Header{Domain: &DomainHeader{Threshold: 1}}}, {Header: Header{Domain: &DomainHeader{Threshold: 0.5}}}}
	index, inside := e.inDomain([][]float64{{0.4, 0.9, 2}, {0.4, 0.6, 0.1}})
	near(t, "index", index, []float64{0.4, 0.9, 2}, 0)
	if !inside[0] || inside[1] || inside[2] {
		t.Errorf("inside %v", inside)
	}
	if _, inside := e.inDomain([][]float64{{0.4}, nil}); inside != nil {
		t.Errorf("a member that does not tell: %v", inside)
	}
}
