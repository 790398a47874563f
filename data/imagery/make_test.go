package imagery

import (
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// Made mosaics and tiles.

func crsOf(t testing.TB, text string) *raster.CRS {
	t.Helper()
	c, err := raster.ParseCRS(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The cell that the made mosaics lie on, and its neighbor to the east.
var here, beside = grid.Cell{Col: 10, Row: -20}, grid.Cell{Col: 11, Row: -20}

// metreGrid has cells of 1 km in EPSG:32633; here is x 10,000 to 11,000, y 19,000
// to 20,000... of its coordinates.
func metreGrid(t testing.TB) *grid.Grid {
	t.Helper()
	g, err := grid.New(grid.Spec{Scheme: grid.Projected, EPSG: 32633, CellMetres: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// covering returns a spec for a raster of w x h pixels over the cells here and
// beside: 2000 m x 1000 m.
func covering(t testing.TB, w, h int) raster.Spec {
	west, _, _, north := metreGrid(t).Bounds(here)
	return raster.Spec{Width: w, Height: h, Bands: 3, DType: raster.Byte, CRS: crsOf(t, "EPSG:32633"),
		GeoTransform: raster.North(west, north, 2000/float64(w), 1000/float64(h))}
}

// made writes a raster with the values of f(band from 0, column, row).
func made(t testing.TB, s raster.Spec, f func(b, x, y int) float64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mosaic.tif")
	w, err := raster.Create(path, s)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]float64, s.Width*s.Height)
	for b := range s.Bands {
		for i := range data {
			data[i] = f(b, i%s.Width, i/s.Width)
		}
		if err := raster.Write(w, b+1, 0, 0, s.Width, s.Height, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// texture is a value with detail, from 10 to 250.
func texture(b, x, y int) float64 { return float64(10 + (x*7+y*13+b*31+x*y%17)%241) }

// writeTile writes img as dir/name, PNG or JPEG by its ending.
func writeTile(t testing.TB, dir, name string, img image.Image) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(name) == ".png" {
		err = png.Encode(f, img)
	} else {
		err = jpeg.Encode(f, img, &jpeg.Options{Quality: 95})
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// truncate cuts a file to a share of its length.
func truncate(t testing.TB, path string, share float64) string {
	t.Helper()
	info, err := os.Stat(path)
	if err == nil {
		err = os.Truncate(path, int64(float64(info.Size())*share))
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}
