package emissions

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

func mustCRS(t testing.TB, s string) *raster.CRS {
	t.Helper()
	c, err := raster.ParseCRS(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustGrid(t testing.TB, s grid.Spec) *grid.Grid {
	t.Helper()
	g, err := grid.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func mustCells(t testing.TB, g *grid.Grid, b grid.BBox) []grid.Cell {
	t.Helper()
	cells, err := g.InBBox(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	return cells
}

func mustLoad(t testing.TB, s Spec, g *grid.Grid, cells []grid.Cell) *Result {
	t.Helper()
	res, err := Load(context.Background(), s, g, cells, nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// writeTIFF writes a raster whose pixel (col, row) of band b holds value(...).
func writeTIFF(t testing.TB, path string, s raster.Spec, value func(band, col, row int) float64) {
	t.Helper()
	w, err := raster.Create(path, s)
	if err != nil {
		t.Fatal(err)
	}
	for b := 1; b <= max(s.Bands, 1); b++ {
		data := make([]float64, s.Width*s.Height)
		for i := range data {
			data[i] = value(b, i%s.Width, i/s.Width)
		}
		if err := raster.Write(w, b, 0, 0, s.Width, s.Height, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// box is a small raster of 1/120 degree pixels near 10 E, 50 N.
func box(t testing.TB) raster.Spec {
	return raster.Spec{Width: 12, Height: 10, DType: raster.Float64, CRS: mustCRS(t, "EPSG:4326"), GeoTransform: raster.North(10, 50, 1.0/120, 1.0/120)}
}

var aroundBox = grid.BBox{West: 9.9, South: 49.8, East: 10.2, North: 50.1}

// writeJSON writes a GeoJSON of polygons near 10 E, 50 N (degrees). Each feature
// is its coordinates and the amount, both as JSON text.
func writeJSON(t testing.TB, path string, features ...[2]string) {
	t.Helper()
	var list []string
	for _, f := range features {
		geometry := "null"
		if f[0] != "" {
			kind := "Polygon"
			if strings.HasPrefix(f[0], "[[[[") {
				kind = "MultiPolygon"
			} else if !strings.HasPrefix(f[0], "[[[") {
				kind = "Point"
			}
			geometry = fmt.Sprintf(`{"type":%q,"coordinates":%s}`, kind, f[0])
		}
		list = append(list, fmt.Sprintf(`{"type":"Feature","properties":{"amount":%s,"name":"x"},"geometry":%s}`, f[1], geometry))
	}
	text := `{"type":"FeatureCollection","features":[` + strings.Join(list, ",\n") + `]}`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func inDir(t testing.TB) func(string) string {
	dir := t.TempDir()
	return func(name string) string { return filepath.Join(dir, name) }
}

func mustMeasure(t testing.TB, g *grid.Grid) *grid.Measure {
	t.Helper()
	m, err := g.NewMeasure()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}
