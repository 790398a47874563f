package train

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"opencarbon/data/raster"
	"opencarbon/train/progress"
)

// What is written in each format is read back through GDAL and compared cell by
// cell, place and all: a map upside down, or emission and its logarithm exchanged,
// has the right sums.
func TestPredictionsReadBack(t *testing.T) {
	c := pois()
	c.Train.Epochs = 1
	k, d, _ := trained(t, c, town{rows: 7, cols: 20, apart: 3})
	out := t.TempDir()
	if _, err := Predict(context.Background(), k, d.store, PredictOptions{Out: out, Formats: Formats, Device: "cpu", Threads: 1,
		Progress: progress.Options{Quiet: true}}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(out, "predictions.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	number := func(row []string, name string) float64 {
		at := slices.Index(rows[0], name)
		if at < 0 {
			t.Fatalf("no column %s among %v", name, rows[0])
		}
		v, err := strconv.ParseFloat(row[at], 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	same := func(what string, have, want float64) {
		t.Helper()
		if math.IsNaN(have) || math.Abs(have-want) > 1e-4*math.Max(1, math.Abs(want)) {
			t.Errorf("%s: %g, the table has %g", what, have, want)
		}
	}
	type place struct{ col, row int64 }
	const size = 0.01
	at := func(lon, lat float64) place { // cells of a degrees grid count from 180 W, 90 N
		return place{int64(math.Floor((lon + 180) / size)), int64(math.Floor((90 - lat) / size))}
	}
	table := map[place][]string{}
	for i, row := range rows[1:] {
		p := place{int64(number(row, "col")), int64(number(row, "row"))}
		if cell := d.store.Cells()[i]; cell.Col != p.col || cell.Row != p.row {
			t.Fatalf("line %d is of cell %v, the store's is %v", i+2, p, cell)
		}
		same(fmt.Sprint("csv ", p), math.Exp(number(row, "ln_predicted")), number(row, "predicted_tCO2_per_yr"))
		table[p] = row
	}

	ds, err := raster.Open(filepath.Join(out, "predictions.tif"), raster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer ds.Close()
	gt, ok := ds.GeoTransform()
	if !ok {
		t.Fatal("the map lies nowhere")
	}
	pixels := make([]float64, ds.Width()*ds.Height())
	if err := ds.Read(1, 0, 0, ds.Width(), ds.Height(), pixels); err != nil {
		t.Fatal(err)
	}
	found := 0
	for i, v := range pixels {
		x, y := float64(i%ds.Width())+0.5, float64(i/ds.Width())+0.5
		p := at(gt[0]+x*gt[1]+y*gt[2], gt[3]+x*gt[4]+y*gt[5])
		row := table[p]
		if row == nil {
			if !math.IsNaN(v) {
				t.Errorf("tif: %g where there is no cell, %v", v, p)
			}
			continue
		}
		found++
		same(fmt.Sprint("tif ", p), v, number(row, "predicted_tCO2_per_yr"))
	}
	if found != len(table) {
		t.Errorf("tif: %d cells of %d", found, len(table))
	}

	for _, name := range []string{"predictions.gpkg", "predictions.geojson"} {
		layer, err := raster.OpenVector(filepath.Join(out, name), "", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		err = layer.Each(context.Background(), func(f *raster.Feature) error {
			w, s, e, n, _ := f.Geometry.Bounds()
			p := at((w+e)/2, (s+n)/2)
			row := table[p]
			if row == nil {
				return fmt.Errorf("a cell at %v, where there is none", p)
			}
			found++
			for field, column := range map[string]string{"predicted_tCO2_per_yr": "predicted_tCO2_per_yr", "ln_predicted": "ln_predicted", "lon": "lon", "lat": "lat",
				"low_90_tCO2_per_yr": "low_90_tCO2_per_yr", "high_90_tCO2_per_yr": "high_90_tCO2_per_yr"} {
				if !slices.Contains(rows[0], column) {
					continue // too few validation cells for this interval
				}
				v, ok, err := f.Float(field)
				if !ok || err != nil {
					return fmt.Errorf("%s has no %s: %w", name, field, err)
				}
				same(fmt.Sprint(name, " ", p, " ", field), v, number(row, column))
			}
			if cell, _ := f.Text("cell"); cell != fmt.Sprintf("%d_%d", p.col, p.row) {
				t.Errorf("%s: cell %q at %v", name, cell, p)
			}
			return nil
		})
		layer.Close()
		if err != nil {
			t.Error(err)
		}
		if found != len(table) {
			t.Errorf("%s: %d cells of %d", name, found, len(table))
		}
	}
}
