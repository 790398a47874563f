//go:build nogdal

package raster

import (
	"math"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// All that needs GDAL says so, and what to do; it names the file.
func TestWithoutSaysSo(t *testing.T) {
	calls := map[string]func() error{
		"this program": Without,
		"a.tif":        func() error { _, err := Open("a.tif", Options{}); return err },
		"b.gpkg":       func() error { _, err := OpenVector("b.gpkg", "", "", nil); return err },
		"c.tif":        func() error { _, err := Create("c.tif", Spec{}); return err },
		"d.geojson":    func() error { _, err := CreateVector("d.geojson", VectorSpec{}); return err },
		"e.nc":         func() error { _, err := Variables("e.nc"); return err },
		"/vsis3/f":     func() error { _, _, err := Object("/vsis3/f"); return err },
		"/vsis3/g":     func() error { _, err := Names("/vsis3/g"); return err },
		"/vsis3/h":     func() error { return Copy("/vsis3/h", nil) },
		"EPSG:27700":   func() error { _, err := ParseCRS("EPSG:27700"); return err },
	}
	for name, call := range calls {
		err := call()
		if !fault.IsInput(err) {
			t.Errorf("%s: %v; want an input error", name, err)
			continue
		}
		for _, want := range []string{name, "needs GDAL", "built without it", "prepare", "data.store"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", name, err, want)
			}
		}
	}
	if err := Ready(); err != nil {
		t.Errorf("Ready: %v", err)
	}
}

// The grids of degrees and of web-mercator tiles work as they do with GDAL: half the
// map's width is 180 degrees, and its upper edge lies at 85.0511 degrees north.
func TestWithoutKnowsTheGrids(t *testing.T) {
	degrees, err := ParseCRS("WGS84")
	if err != nil {
		t.Fatal(err)
	}
	mercator, err := ParseCRS("EPSG:3857")
	if err != nil {
		t.Fatal(err)
	}
	if !degrees.Geographic() || degrees.Period() != 360 || mercator.Geographic() || mercator.Metres() != 1 || mercator.Same(degrees) {
		t.Errorf("%+v, %+v", degrees, mercator)
	}
	half := math.Pi * 6378137
	to, err := NewTransform(mercator, degrees)
	if err != nil {
		t.Fatal(err)
	}
	back, _ := NewTransform(degrees, mercator)
	x, y := []float64{half, 0}, []float64{half, 0}
	if err := to.Points(x, y); err != nil || math.Abs(x[0]-180) > 1e-9 || math.Abs(y[0]-85.0511287798066) > 1e-9 || x[1] != 0 || y[1] != 0 {
		t.Errorf("%v %v, %v", x, y, err)
	}
	if err := back.Points(x, y); err != nil || math.Abs(x[0]-half) > 1e-3 || math.Abs(y[0]-half) > 1e-3 {
		t.Errorf("%v %v, %v; want %v", x, y, err, half)
	}
	x, y = []float64{0, 1}, []float64{90, 1}
	if err := back.Points(x, y); !fault.IsInput(err) || !math.IsNaN(y[0]) || math.IsNaN(y[1]) {
		t.Errorf("the pole: %v %v, %v", x, y, err)
	}
}
