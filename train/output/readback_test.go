package output

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"opencarbon/data/raster"
	"opencarbon/data/split"
	"opencarbon/data/store"
	"opencarbon/train/internal/town"
)

// What Write writes, read back cell by cell: each format has each cell's numbers
// at its place, under the same names, and predictions.csv is a list of splits.
// The place of a cell is worked out here: of 0.01 degrees, from 180 W and 90 N.
func TestReadBack(t *testing.T) {
	c := guessed(t, town.Town{Rows: 5, Cols: 20, Apart: 3})
	out := t.TempDir()
	ctx := context.Background()
	if _, err := c.write(t, Options{Out: out, Formats: Formats}); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{} // cell -> its number
	for i, at := range c.store.Cells() {
		want[fmt.Sprintf("%d_%d", at.Col, at.Row)] = i
	}
	same := func(what, cell string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-4*max(1, math.Abs(want)) {
			t.Errorf("%s, cell %s: %v, want %v", what, cell, got, want)
		}
	}
	check := func(format, cell, split string, number func(name string) float64, west, north float64) {
		t.Helper()
		i, ok := want[cell]
		if !ok {
			t.Fatalf("%s: no cell is named %q", format, cell)
		}
		at := c.store.Cells()[i]
		same(format+" col", cell, number("col"), float64(at.Col))
		same(format+" row", cell, number("row"), float64(at.Row))
		same(format+" ln_true", cell, number("ln_true"), c.truth[i])
		same(format+" ln_predicted", cell, number("ln_predicted"), c.x.Ln[i])
		same(format+" true", cell, number("true_tCO2_per_yr"), math.Exp(c.truth[i]))
		same(format+" predicted", cell, number("predicted_tCO2_per_yr"), math.Exp(c.x.Ln[i]))
		same(format+" low", cell, number("low_90_tCO2_per_yr"), math.Exp(c.x.Bands[1].Low[i]))
		same(format+" high", cell, number("high_90_tCO2_per_yr"), math.Exp(c.x.Bands[1].High[i]))
		same(format+" corrected", cell, number("corrected_tCO2_per_yr"), c.x.Corrected[i])
		if split != c.store.Splits()[i].String() {
			t.Errorf("%s, cell %s: split %q", format, cell, split)
		}
		if !math.IsNaN(west) {
			same(format+" west", cell, west, -180+0.01*float64(at.Col))
			same(format+" north", cell, north, 90-0.01*float64(at.Row))
		}
	}

	table := filepath.Join(out, "predictions.csv")
	text, err := os.Open(table)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(text).ReadAll()
	text.Close()
	if err != nil || len(rows) != 1+len(want) {
		t.Fatalf("%d lines, %v", len(rows), err)
	}
	for _, row := range rows[1:] {
		check("csv", row[0], row[5], func(name string) float64 {
			v, err := strconv.ParseFloat(row[slices.Index(rows[0], name)], 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}, math.NaN(), 0)
	}

	layer, err := raster.OpenVector(filepath.Join(out, "predictions.gpkg"), "", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer layer.Close()
	var names []string
	for _, f := range layer.Fields() {
		names = append(names, f.Name)
	}
	if !slices.Equal(names, rows[0]) {
		t.Errorf("the GeoPackage has the columns %v, the CSV %v", names, rows[0])
	}
	found := 0
	if err := layer.Each(ctx, func(f *raster.Feature) error {
		found++
		cell, _ := f.Text("cell")
		part, _ := f.Text("split")
		west, north := math.Inf(1), math.Inf(-1)
		for _, p := range f.Geometry.Polygons[0][0] {
			west, north = min(west, p[0]), max(north, p[1])
		}
		check("gpkg", cell, part, func(name string) float64 {
			v, ok, err := f.Float(name)
			if err != nil || !ok {
				t.Fatalf("%s: %v", name, err)
			}
			return v
		}, west, north)
		return nil
	}); err != nil || found != len(want) {
		t.Errorf("%d cells in the GeoPackage, %v", found, err)
	}

	var collection struct {
		Features []struct {
			Properties map[string]any
			Geometry   struct{ Coordinates [][][2]float64 }
		}
	}
	b, err := os.ReadFile(filepath.Join(out, "predictions.geojson"))
	if err == nil {
		err = json.Unmarshal(b, &collection)
	}
	if err != nil || len(collection.Features) != len(want) {
		t.Fatalf("%d features in the GeoJSON, %v", len(collection.Features), err)
	}
	for _, f := range collection.Features {
		if len(f.Properties) != len(rows[0]) {
			t.Fatalf("properties %v", f.Properties)
		}
		west, north := math.Inf(1), math.Inf(-1)
		for _, p := range f.Geometry.Coordinates[0] {
			west, north = min(west, p[0]), max(north, p[1])
		}
		check("geojson", f.Properties["cell"].(string), f.Properties["split"].(string), func(name string) float64 {
			return f.Properties[name].(float64)
		}, west, north)
	}

	image, err := raster.Open(filepath.Join(out, "predictions.tif"), raster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	g, ok := image.GeoTransform()
	pixels := make([]float64, image.Width()*image.Height())
	if err := image.Read(1, 0, 0, image.Width(), image.Height(), pixels); err != nil || !ok {
		t.Fatal(err)
	}
	on := map[string]float64{}
	for i, v := range pixels {
		lon, lat := g[0]+g[1]*(float64(i%image.Width())+0.5), g[3]+g[5]*(float64(i/image.Width())+0.5)
		if !math.IsNaN(v) {
			on[fmt.Sprintf("%d_%d", int(math.Floor((lon+180)/0.01+1e-6)), int(math.Floor((90-lat)/0.01+1e-6)))] = v
		}
	}
	for cell, i := range want {
		same("tif", cell, on[cell], math.Exp(c.x.Ln[i]))
	}
	if len(on) != len(want) {
		t.Errorf("%d cells on the map, want %d", len(on), len(want))
	}

	in := split.Input{Cells: c.store.Cells(), LonLat: c.store.LonLat()}
	for _, y := range c.truth {
		in.HasTarget = append(in.HasTarget, !math.IsNaN(y))
	}
	splits, report, err := split.Make(ctx, split.Spec{Method: "list", File: table}, in)
	if err != nil || !slices.EqualFunc(splits, c.store.Splits(), func(a, b store.Split) bool { return a == b }) {
		t.Errorf("as a list of splits: %+v, %v", report, err)
	}
}
