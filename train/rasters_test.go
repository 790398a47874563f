package train

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/train/checkpoint"
)

// A model with features of a cell sees the store's rasters; it goes to another
// store only where that has them, made alike, in whatever order.
func TestRastersOfAModel(t *testing.T) {
	c := pois()
	c.Model.Wide, c.Train.Epochs = true, 1
	here := town{rows: 6, cols: 12, rasters: []store.Raster{{Name: "light", How: "mean"}, {Name: "people", How: "sum"}}}
	k, d, _ := trained(t, c, here)
	if len(k.Header.Rasters) != 2 || k.Header.Rasters[0].Name != "light" {
		t.Fatalf("the checkpoint names %v", k.Header.Rasters)
	}
	plain := town{rows: 6, cols: 12}.open(t)
	if more, less := d.modelConfig(c).Features, plain.modelConfig(c).Features; more != less+2*2*3 {
		t.Errorf("%d features with two rasters, %d without", more, less)
	}
	for _, x := range []struct {
		name    string
		rasters []store.Raster
		words   string
	}{
		{"the same", here.rasters, ""},
		{"another order, and one more", []store.Raster{{Name: "people", How: "sum"}, {Name: "heights", How: "sd"}, {Name: "light", How: "mean"}}, ""},
		{"none", nil, `has no raster "light"`},
		{"another name", []store.Raster{{Name: "lights", How: "mean"}, {Name: "people", How: "sum"}}, "it has lights, people"},
		{"another way", []store.Raster{{Name: "light", How: "max"}, {Name: "people", How: "sum"}}, `"light" is made by max`},
	} {
		err := k.Fits(town{rows: 6, cols: 12, rasters: x.rasters}.open(t).store)
		if x.words == "" && err != nil || x.words != "" && (!fault.IsInput(err) || !strings.Contains(err.Error(), x.words)) {
			t.Errorf("%s: %v", x.name, err)
		}
	}
	// A store that orders its rasters otherwise gives the same predictions.
	other := here
	other.rasters = []store.Raster{{Name: "heights", How: "sd"}, here.rasters[1], here.rasters[0]}
	predictions := func(s *store.Store) []float64 {
		o := PredictOptions{Out: t.TempDir(), Device: "cpu", Threads: 1, Formats: []string{"csv"}}
		if _, err := Predict(t.Context(), k, s, o); err != nil {
			t.Fatal(err)
		}
		return column(t, filepath.Join(o.Out, "predictions.csv"), "ln_predicted")
	}
	a, b := predictions(d.store), predictions(other.open(t).store)
	for i := range a {
		if math.Abs(a[i]-b[i]) > 1e-6 {
			t.Fatalf("cell %d: %g, and %g of a store with its rasters in another order", i, a[i], b[i])
		}
	}
	// What sees no features of a cell asks for no raster.
	c.Model.Wide = false
	if got := checkpoint.Rasters(d.modelConfig(c), d.store); got != nil {
		t.Errorf("a model without them names %v", got)
	}
}
