package grid

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

// TestInPolygons compares the search with a plain test of every center around.
func TestInPolygons(t *testing.T) {
	star := raster.Geometry{Polygons: []raster.Polygon{{
		{{-0.5, 51.3}, {0.0, 51.45}, {0.3, 51.2}, {0.2, 51.6}, {0.4, 51.8}, {-0.1, 51.65}, {-0.4, 51.7}, {-0.5, 51.3}},
		{{-0.1, 51.5}, {0.0, 51.5}, {0.0, 51.55}, {-0.1, 51.55}, {-0.1, 51.5}},
	}}}
	for _, s := range []Spec{xyz15, odiac, british} {
		g := mustGrid(t, s)
		cells, err := g.InPolygons(context.Background(), []raster.Geometry{star, star}, WGS84())
		if err != nil {
			t.Fatal(err)
		}
		lo, hi, err := g.Span(-0.8, 51, 0.8, 52, WGS84())
		if err != nil {
			t.Fatal(err)
		}
		var all []Cell
		for r := lo.Row; r <= hi.Row; r++ {
			for c := lo.Col; c <= hi.Col; c++ {
				all = append(all, Cell{c, r})
			}
		}
		lon, lat, err := mustMeasure(t, g).Centers(all)
		if err != nil {
			t.Fatal(err)
		}
		var want []Cell
		for i, c := range all {
			if star.Contains(lon[i], lat[i]) {
				want = append(want, c)
			}
		}
		if !slices.Equal(cells, want) || len(want) < 100 {
			t.Errorf("%s: %d cells, plain search %d", g, len(cells), len(want))
		}
	}
}

func TestInPolygonsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := mustGrid(t, xyz15).InBBox(ctx, BBox{0, 0, 1, 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestTooLarge(t *testing.T) {
	if _, err := mustGrid(t, xyz15).InBBox(context.Background(), BBox{-180, -80, 180, 80}); !fault.IsInput(err) {
		t.Errorf("the whole earth: %v", err)
	}
}

func TestParseBBox(t *testing.T) {
	if b, err := ParseBBox([]float64{-1, 50, 1, 52}); err != nil || b != (BBox{-1, 50, 1, 52}) {
		t.Errorf("%v %v", b, err)
	}
	for name, c := range map[string]struct {
		v    []float64
		want string
	}{
		"count":                {[]float64{1, 2, 3}, "four"},
		"swapped":              {[]float64{39.6, 115.9, 40.3, 117}, "longitude comes first: these look like [south, west, north, east], and [west, south, east, north] is [115.9, 39.6, 117, 40.3]"},
		"by axes":              {[]float64{115.9, 117, 39.6, 40.3}, "[west, east, south, north]"},
		"by axes, lat first":   {[]float64{39.6, 40.3, 115.9, 117}, "[south, north, west, east]"},
		"upside down":          {[]float64{1, 53, 2, 52}, "[west, north, east, south], and [west, south, east, north] is [1, 52, 2, 53]"},
		"turned":               {[]float64{2, 50, 1, 52}, "[east, south, west, north]"},
		"west":                 {[]float64{2, 50, 1, 52}, "west"},
		"south":                {[]float64{1, 53, 2, 52}, "south"},
		"NaN":                  {[]float64{1, 2, 3, math.NaN()}, "finite"},
		"too wide":             {[]float64{-190, 2, 180, 4}, "west"},
		"too far":              {[]float64{-400, 2, -390, 4}, "360"},
		"not short across 180": {[]float64{100, 2, -80, 4}, "[177, -19, -178, -16]"},
	} {
		if _, err := ParseBBox(c.v); !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// A city's box by axes is a box of a continent's size, and not wrong for that.
func TestByAxes(t *testing.T) {
	for b, want := range map[BBox]string{{10, 10.2, 49.8, 50}: "[10, 49.8, 10.2, 50]", {-10, 35, 40, 60}: "", {10, 49.8, 10.2, 50}: "", {0, 20, 50, 60}: ""} {
		if got := b.ByAxes(); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%v: %q, want %q", b, got, want)
		}
	}
}

// A box or polygon beyond 180 degrees, or in longitudes from 0 to 360, holds the
// cells of its two parts.
func TestAcross180(t *testing.T) {
	ctx := context.Background()
	ring := func(w, s, e, n float64) raster.Polygon {
		return raster.Polygon{{{w, n}, {e, n}, {e, s}, {w, s}, {w, n}}}
	}
	fiji, pacific := Spec{Scheme: Projected, EPSG: 3460, CellMetres: 5000}, Spec{Scheme: XYZ, Zoom: 10}
	for _, s := range []Spec{pacific, {Scheme: Degrees, CellDegrees: 0.1}, fiji} {
		g := mustGrid(t, s)
		want, err := g.InPolygons(ctx, []raster.Geometry{{Polygons: []raster.Polygon{ring(178.03, -19.02, 180, -16.01), ring(-180, -19.02, -178.04, -16.01)}}}, WGS84())
		if err != nil || len(want) < 100 {
			t.Fatal(len(want), err)
		}
		for _, b := range [][]float64{{178.03, -19.02, -178.04, -16.01}, {178.03, -19.02, 181.96, -16.01}, {-181.97, -19.02, -178.04, -16.01}} {
			box, err := ParseBBox(b)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := g.InBBox(ctx, box); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s, %v: %d cells, want %d, %v", g, b, len(got), len(want), err)
			}
			if got, ok, err := g.Block(box.West, box.South, box.East, box.North, WGS84(), 1e7); err != nil || !ok || !containsAll(got, want) || s.Scheme != Projected && len(got) > 2*len(want) {
				t.Errorf("%s, block of %v: %d cells, want about %d, %v", g, b, len(got), len(want), err)
			}
		}
		// Greenwich in longitudes from 0 to 360.
		if s == fiji {
			continue
		}
		want, _ = g.InBBox(ctx, BBox{-0.52, 51, 0.53, 52})
		if got, err := g.InPolygons(ctx, []raster.Geometry{{Polygons: []raster.Polygon{ring(359.48, 51, 360.53, 52)}}}, WGS84()); err != nil || !slices.Equal(got, want) || len(want) < 5 {
			t.Errorf("%s: Greenwich: %d cells, want %d, %v", g, len(got), len(want), err)
		}
	}
}

func containsAll(all, part []Cell) bool {
	for _, c := range part {
		if !slices.Contains(all, c) {
			return false
		}
	}
	return true
}

func TestReadPolygons(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	const polygon = `{"type":"Feature","properties":{"name":"A"},"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}}`
	const point = `{"type":"Feature","properties":{"name":"B"},"geometry":{"type":"Point","coordinates":[0,0]}}`
	good := file("good.geojson", `{"type":"FeatureCollection","features":[`+polygon+`,`+point+`]}`)
	points := file("points.geojson", `{"type":"FeatureCollection","features":[`+point+`]}`)
	ctx := context.Background()
	shapes, crs, err := ReadPolygons(ctx, good, "", "")
	if err != nil || len(shapes) != 1 || crs.String() != "EPSG:4326" {
		t.Errorf("%d polygons in %v, %v", len(shapes), crs, err)
	}
	noCRS := filepath.Join(dir, "bare.gpkg")
	w, err := raster.CreateVector(noCRS, raster.VectorSpec{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add(shapes[0]); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, layer, where, want string }{
		"missing":   {filepath.Join(dir, "absent.shp"), "", "", "no such file"},
		"points":    {points, "", "", "holds no polygons"},
		"filter":    {good, "", "name = 'Z'", "no feature of layer"},
		"bad layer": {good, "other", "", "no layer"},
		"folder":    {dir, "", "", "folder"},
		"no CRS":    {noCRS, "", "", "no coordinate reference system"},
	} {
		if _, _, err := ReadPolygons(ctx, c.path, c.layer, c.where); !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
