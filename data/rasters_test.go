package data

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
	"opencarbon/data/store"
)

// writeLight writes a raster over the western part of a store's cells, whose
// pixels are the cells: value is of the column and row in it.
func writeLight(t *testing.T, path string, s *store.Store, leave int, value func(col, row int64) float64) {
	t.Helper()
	lo, hi := s.Cells()[0], s.Cells()[0]
	for _, c := range s.Cells() {
		lo.Col, hi.Col = min(lo.Col, c.Col), max(hi.Col, c.Col)
		lo.Row, hi.Row = min(lo.Row, c.Row), max(hi.Row, c.Row)
	}
	wgs, err := raster.ParseCRS("EPSG:4326")
	if err != nil {
		t.Fatal(err)
	}
	ll, size := s.LonLat(), s.Meta().Grid.CellSize
	west := ll[0] - (float64(s.Cells()[0].Col-lo.Col)+0.5)*size
	north := ll[1] + (float64(s.Cells()[0].Row-lo.Row)+0.5)*size
	spec := raster.Spec{Width: int(hi.Col-lo.Col) + 1 - leave, Height: int(hi.Row-lo.Row) + 1, CRS: wgs, GeoTransform: raster.North(west, north, size, size)}
	w, err := raster.Create(path, spec)
	if err != nil {
		t.Fatal(err)
	}
	v := make([]float64, spec.Width*spec.Height)
	for i := range v {
		v[i] = value(lo.Col+int64(i%spec.Width), lo.Row+int64(i/spec.Width))
	}
	if err := raster.Write(w, 1, 0, 0, spec.Width, spec.Height, v); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// Rasters become numbers of the cells, are accounted for, make a store stale when
// their file changes, and leave all other parts of it as they are.
func TestBuildRasters(t *testing.T) {
	c, _ := cityConfig(t, 8, 9)
	mustBuild(t, &c, Options{Name: "demo"})
	before, err := os.ReadFile(filepath.Join(c.Store, "tiles.ocs"))
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, c.Store)
	path := filepath.Join(t.TempDir(), "light.tif")
	value := func(col, row int64) float64 { return float64(col%5) - float64(row%3) }
	writeLight(t, path, s, 2, value)

	with := c
	with.Store = filepath.Join(t.TempDir(), "with")
	with.Rasters = []Raster{{Name: "light", Path: path}, {Name: "spread", Path: path, How: "sd"}}
	r := mustBuild(t, &with, Options{Name: "demo"})
	if c.Rasters != nil || with.Rasters[0].How != "mean" || with.Rasters[0].Band != 1 {
		t.Errorf("normalized: %v, %v", c.Rasters, with.Rasters)
	}
	w := open(t, with.Store)
	east := int64(math.MinInt64)
	for _, cell := range w.Cells() {
		east = max(east, cell.Col)
	}
	missing := 0
	for i, cell := range w.Cells() {
		light, spread := float64(w.Rasters()[2*i]), float64(w.Rasters()[2*i+1])
		if cell.Col > east-2 {
			missing++
			if !math.IsNaN(light) || !math.IsNaN(spread) {
				t.Errorf("cell %v lies beyond the raster: %g, %g", cell, light, spread)
			}
			continue
		}
		if want := value(cell.Col, cell.Row); math.Abs(light-want) > 1e-3 || spread > 0.05 {
			t.Errorf("cell %v: %g (sd %g), want %g", cell, light, spread, want)
		}
	}
	if missing == 0 || len(r.Rasters) != 2 || r.Rasters[0].Missing != missing {
		t.Errorf("account %+v, %d cells lack a value", r.Rasters, missing)
	}
	var text bytes.Buffer
	if err := r.Print(&text); err != nil || !strings.Contains(text.String(), "models take the mean of the others") {
		t.Errorf("%v in\n%s", err, text.String())
	}
	again, err := os.ReadFile(filepath.Join(c.Store, "tiles.ocs"))
	if err != nil || !bytes.Equal(before, again) {
		t.Errorf("the store without rasters changed (%v)", err)
	}

	if r = mustBuild(t, &with, Options{Name: "demo"}); !r.Reused {
		t.Errorf("built again: %s", r.Why)
	}
	writeLight(t, path, w, 2, func(col, row int64) float64 { return value(col, row) + 1 })
	if r = mustBuild(t, &with, Options{Name: "demo"}); r.Reused || !strings.Contains(r.Why, "light.tif changed") {
		t.Errorf("after a change of the raster: reused %v, %s", r.Reused, r.Why)
	}
}

func TestRasterFaults(t *testing.T) {
	c, _ := cityConfig(t, 8, 8)
	mustBuild(t, &c, Options{Name: "demo"})
	dir := t.TempDir()
	path, far := filepath.Join(dir, "light.tif"), filepath.Join(dir, "far.tif")
	writeLight(t, path, open(t, c.Store), 0, func(int64, int64) float64 { return 1 })
	wgs, err := raster.ParseCRS("EPSG:4326")
	if err != nil {
		t.Fatal(err)
	}
	w, err := raster.Create(far, raster.Spec{Width: 2, Height: 2, CRS: wgs, GeoTransform: raster.North(-60, -20, 0.1, 0.1)})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		name    string
		rasters []Raster
		words   string
	}{
		{"no name", []Raster{{Path: path}}, "data.rasters[0].name"},
		{"no path", []Raster{{Name: "a"}}, "data.rasters[0].path"},
		{"one name twice", []Raster{{Name: "a", Path: path}, {Name: "a", Path: far}}, `data.rasters[1].name: is "a"`},
		{"unknown way", []Raster{{Name: "a", Path: path, How: "median"}}, "mean, sum, max, sd"},
		{"no such file", []Raster{{Name: "a", Path: path + "x"}}, "data.rasters"},
		{"no such band", []Raster{{Name: "a", Path: path, Band: 3}}, "data.rasters[0] (a)"},
		{"elsewhere", []Raster{{Name: "a", Path: path}, {Name: "b", Path: far}}, "data.rasters[1] (b)"},
	} {
		bad := c
		bad.Store = filepath.Join(dir, "none")
		bad.Rasters = k.rasters
		if _, err := Build(t.Context(), &bad, Options{Name: "demo"}); !fault.IsInput(err) || !strings.Contains(err.Error(), k.words) {
			t.Errorf("%s: %v", k.name, err)
		}
		if _, err := os.Stat(bad.Store); err == nil {
			t.Errorf("%s: left a store", k.name)
		}
	}
}

// A value that the configuration declares to be no data is none, in the cells that
// have nothing else; it belongs to what a store is built from.
func TestRasterNodata(t *testing.T) {
	c, _ := cityConfig(t, 8, 9)
	mustBuild(t, &c, Options{Name: "demo"})
	path := filepath.Join(t.TempDir(), "light.tif")
	value := func(col, row int64) float64 { return float64((col+row)%4) - 5 }
	writeLight(t, path, open(t, c.Store), 0, value)
	none := -4.0
	c.Store = filepath.Join(t.TempDir(), "with")
	c.Rasters = []Raster{{Name: "light", Path: path, Nodata: &none}, {Name: "whole", Path: path}}
	mustBuild(t, &c, Options{Name: "demo"})
	s := open(t, c.Store)
	for i, cell := range s.Cells() {
		want, light := value(cell.Col, cell.Row), float64(s.Rasters()[2*i])
		if math.Abs(float64(s.Rasters()[2*i+1])-want) > 1e-3 || (want == none) != math.IsNaN(light) || want != none && math.Abs(light-want) > 1e-3 {
			t.Errorf("cell %v: %g, want %g", cell, light, want)
		}
	}
	nan := math.NaN()
	for _, again := range []struct {
		nodata *float64
		reused bool
	}{{&none, true}, {&nan, false}, {nil, true}} {
		c.Rasters[0].Nodata = again.nodata
		if r := mustBuild(t, &c, Options{Name: "demo"}); r.Reused != again.reused {
			t.Errorf("nodata %v: reused %v", again.nodata, r.Reused)
		}
	}
}
