package poi

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"opencarbon/data/raster"
)

// realFile is a file of the shared real data; the test is skipped without it.
func realFile(t testing.TB, parts ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{"..", "..", "..", "shared", "data"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skip("real data is absent:", path)
	}
	return path
}

// block makes a Locate of a cols x rows block of cells from a function that
// gives fractional cell coordinates from the block's north-west corner.
func block(cols, rows int, at func(lon, lat float64) (x, y float64)) func(lon, lat []float64) ([]int32, []float64, []float64) {
	return func(lon, lat []float64) ([]int32, []float64, []float64) {
		cell, u, v := make([]int32, len(lon)), make([]float64, len(lon)), make([]float64, len(lon))
		for i := range lon {
			x, y := at(lon[i], lat[i])
			c, r := math.Floor(x), math.Floor(y)
			cell[i], u[i], v[i] = -1, x-c, y-r
			if c >= 0 && r >= 0 && c < float64(cols) && r < float64(rows) {
				cell[i] = int32(r)*int32(cols) + int32(c)
			}
		}
		return cell, u, v
	}
}

// tokyoTarget is the 64 x 64 XYZ tiles of zoom 15 that the Tokyo mosaic covers.
func tokyoTarget() Target {
	return Target{Cells: 4096, Size: 256, Region: [4]float64{139.394, 35.38, 140.098, 35.961}, Locate: block(64, 64, func(lon, lat float64) (float64, float64) {
		x := (lon + 180) / 360 * 32768
		y := (1 - math.Asinh(math.Tan(lat*math.Pi/180))/math.Pi) / 2 * 32768
		return x - 29072, y - 12872
	})}
}

// The real files, counted by Python's csv and rasterio (testdata/make_golden.py).
// In Tokyo's and Berlin's a quoted field holds a line break.
func TestRealFiles(t *testing.T) {
	type numbers struct {
		Rows, Inside, Pixels int
		Check                uint32
		Categories           [][2]any
	}
	var want map[string]numbers
	golden(t, "real.json", &want)
	wgs84, err := raster.ParseCRS("EPSG:4326")
	if err != nil {
		t.Fatal(err)
	}
	britain, err := raster.ParseCRS("EPSG:27700")
	if err != nil {
		t.Fatal(err)
	}
	toBritain, err := raster.NewTransform(wgs84, britain)
	if err != nil {
		t.Fatal(err)
	}
	defer toBritain.Close()
	for name, target := range map[string]Target{
		"tokyo": tokyoTarget(),
		"london": {Cells: 59 * 46, Size: 256, Region: [4]float64{-0.52, 51.28, 0.34, 51.7}, Locate: block(59, 46, func(lon, lat float64) (float64, float64) {
			x, y := []float64{lon}, []float64{lat}
			if err := toBritain.Points(x, y); err != nil {
				t.Error(err)
			}
			return x[0]/1000 - 503, 201 - y[0]/1000
		})},
		"berlin": {Cells: 3200, Size: 256, Region: [4]float64{13.08, 52.33, 13.75, 52.67}, Locate: block(80, 40, func(lon, lat float64) (float64, float64) {
			return (lon-13)*120 - 10, (53-lat)*120 - 40
		})},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Read(context.Background(), Spec{Path: realFile(t, name, "poi.csv"), CRS: "WGS84"}, target, nil)
			if err != nil {
				t.Fatal(err)
			}
			w := want[name]
			if r.Report.Rows != w.Rows || r.Report.Bad != 0 || r.Report.Outside != w.Rows-w.Inside || r.Points.Len() != w.Pixels {
				t.Errorf("rows %d, bad %d, outside %d, pixels %d; want %+v", r.Report.Rows, r.Report.Bad, r.Report.Outside, r.Points.Len(), w)
			}
			var check uint32
			for cell := range target.Cells {
				for i := r.Offsets[cell]; i < r.Offsets[cell+1]; i++ {
					p := r.Points
					check += (uint32(cell)*1000003 + uint32(p.Category[i])*10007 + uint32(p.Row[i])*257 + uint32(p.Col[i])) * uint32(p.Count[i])
				}
			}
			if check != w.Check {
				t.Errorf("checksum %d, want %d: cells, categories or pixels differ", check, w.Check)
			}
			if len(r.Report.PerCategory) != len(w.Categories) {
				t.Fatalf("%d categories, want %d", len(r.Report.PerCategory), len(w.Categories))
			}
			for i, c := range r.Report.PerCategory {
				if c.Value != w.Categories[i][0] || c.Count != w.Categories[i][1] || r.Categories[i] != c.Value {
					t.Errorf("category %d: %v, want %v", i, c, w.Categories[i])
				}
			}
		})
	}
}

func TestRealFileCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	calls := 0
	_, err := Read(ctx, Spec{Path: realFile(t, "tokyo", "poi.csv")}, tokyoTarget(), func(done, total int64) {
		if calls++; calls == 2 {
			cancel()
		}
		if done > total {
			t.Errorf("progress %d of %d", done, total)
		}
	})
	if err != context.Canceled || calls != 2 {
		t.Errorf("%v after %d calls", err, calls)
	}
}
