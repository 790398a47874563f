package data

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/raster"
	"opencarbon/data/store"
)

// twoSources writes a mosaic of 4 x 3 cells of 1/120 degree whose pixels west of a
// slanted line are of another source (darker, flatter), and the polygon of the west;
// a hole in it belongs to the east again.
func twoSources(t *testing.T) (mosaic, west string, inWest func(x, y int) bool) {
	t.Helper()
	const px, cols, rows = 32, 4, 3
	const step = 1.0 / 120 / px
	dir := t.TempDir()
	crs, err := raster.ParseCRS("EPSG:4326")
	if err != nil {
		t.Fatal(err)
	}
	inWest = func(x, y int) bool {
		hole := x >= 16 && x < 24 && y >= 40 && y < 56
		return float64(x)+0.5 < 50+0.25*(float64(y)+0.5) && !hole
	}
	mosaic = filepath.Join(dir, "mosaic.tif")
	w, err := raster.Create(mosaic, raster.Spec{Width: px * cols, Height: px * rows, Bands: 3, DType: raster.Byte, CRS: crs, GeoTransform: raster.North(10, 50, step, step)})
	if err != nil {
		t.Fatal(err)
	}
	for b := range 3 {
		line := make([]uint8, px*cols*px*rows)
		for y := range px * rows {
			for x := range px * cols {
				v := 100 + 60*math.Sin(float64(x)*0.7+float64(b))*math.Cos(float64(y)*0.9)
				if inWest(x, y) {
					v = 40 + float64(10*b) + 0.3*(v-100)
				}
				line[y*px*cols+x] = uint8(math.Round(v))
			}
		}
		if err := raster.Write(w, b+1, 0, 0, px*cols, px*rows, line); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	at := func(x, y float64) string { return fmt.Sprintf("[%.12f, %.12f]", 10+x*step, 50-y*step) }
	text := fmt.Sprintf(`{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [
[%s, %s, %s, %s, %s], [%s, %s, %s, %s, %s]]}}]}`, at(-50, -40), at(40, -40), at(50+0.25*120, 120), at(-50, 120), at(-50, -40),
		at(16, 40), at(24, 40), at(24, 56), at(16, 56), at(16, 40))
	west = filepath.Join(dir, "west.geojson")
	if err := os.WriteFile(west, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return mosaic, west, inWest
}

// Both sources of a mosaic get the mean and spread that they have together, pixel by
// pixel on either side of the seam and in holes; without the key nothing changes.
func TestSourcesOfAMosaic(t *testing.T) {
	mosaic, west, inWest := twoSources(t)
	for _, kind := range []string{"", "float32"} {
		build := func(sources string) (*store.Store, *Report) {
			c := Config{Store: filepath.Join(t.TempDir(), "s"), Grid: Grid{Scheme: grid.Degrees},
				Imagery: Imagery{Path: mosaic, Size: 32, Sources: sources, Type: kind, Scale: "range", Range: []float64{0, 255}, Resampling: "near"}, Split: Split{Method: "none"}}
			if err := c.Normalize("x", ""); err != nil {
				t.Fatal(err)
			}
			r := mustBuild(t, &c, Options{Name: "x"})
			return open(t, c.Store), r
		}
		plain, _ := build("")
		s, r := build(west)
		if s.Len() != 12 || plain.Len() != 12 || len(r.Sources) != 2 || r.Sources[0].Name != "beyond" || r.Sources[0].Pixels+r.Sources[1].Pixels != 12*32*32 {
			t.Fatalf("%d cells, %+v", s.Len(), r.Sources)
		}
		var n [2]float64
		var sum, squares, before [2][3]float64
		for i, c := range s.Cells() {
			for p := range 32 * 32 {
				x, y := int(c.Col-s.Cells()[0].Col)*32+p%32, int(c.Row-s.Cells()[0].Row)*32+p/32
				k := 0
				if inWest(x, y) {
					k = 1
				}
				n[k]++
				for b := range 3 {
					v := float64(s.Shape().Pixel.At(s.Image(i), b*32*32+p))
					sum[k][b] += v
					squares[k][b] += v * v
					before[k][b] += float64(plain.Shape().Pixel.At(plain.Image(i), b*32*32+p))
				}
			}
		}
		if int64(n[1]) != r.Sources[1].Pixels {
			t.Errorf("%v pixels in the west, the account has %d", n[1], r.Sources[1].Pixels)
		}
		for b := range 3 {
			mean := func(k int) float64 { return sum[k][b] / n[k] }
			sd := func(k int) float64 { return math.Sqrt(squares[k][b]/n[k] - mean(k)*mean(k)) }
			if was := before[0][b]/n[0] - before[1][b]/n[1]; math.Abs(mean(0)-mean(1)) > 0.01 || math.Abs(sd(0)/sd(1)-1) > 0.03 || was < 0.1 {
				t.Errorf("%s, band %d: means %.4f and %.4f (%.3f apart before), sd %.4f and %.4f", kind, b, mean(0), mean(1), was, sd(0), sd(1))
			}
			if whole := (before[0][b] + before[1][b]) / (n[0] + n[1]); math.Abs((sum[0][b]+sum[1][b])/(n[0]+n[1])-whole) > 0.01 {
				t.Errorf("%s: the mean of all moved", kind)
			}
		}
		var text strings.Builder
		if err := r.Print(&text); err != nil || !strings.Contains(text.String(), "source within") {
			t.Errorf("%v in\n%s", err, text.String())
		}
	}
}

// Polygons that hold nothing, or everything, are no sources of this mosaic.
func TestSourcesElsewhere(t *testing.T) {
	mosaic, _, _ := twoSources(t)
	for name, box := range map[string]string{"within": "[[[20,20],[21,20],[21,21],[20,21],[20,20]]]", "beyond": "[[[0,40],[20,40],[20,60],[0,60],[0,40]]]"} {
		path := filepath.Join(t.TempDir(), "x.geojson")
		if err := os.WriteFile(path, []byte(`{"type": "Polygon", "coordinates": `+box+`}`), 0o666); err != nil {
			t.Fatal(err)
		}
		c := Config{Store: filepath.Join(t.TempDir(), "s"), Grid: Grid{Scheme: grid.Degrees}, Imagery: Imagery{Path: mosaic, Size: 32, Sources: path}, Split: Split{Method: "none"}}
		if err := c.Normalize("x", ""); err != nil {
			t.Fatal(err)
		}
		if _, err := Build(t.Context(), &c, Options{Name: "x"}); !fault.IsInput(err) || !strings.Contains(err.Error(), name+" its polygons") || !strings.Contains(err.Error(), "data.imagery.sources") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
