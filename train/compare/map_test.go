package compare

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/grid"
)

// A map of polygons that are the cells, with twice the truth in each but two, which
// it does not hold: its row is off by ln 2 everywhere else, and says its sum.
func TestMapEntry(t *testing.T) {
	s := city(t, 64)
	g, err := data.GridOf(s.Meta().Grid)
	if err != nil {
		t.Fatal(err)
	}
	var features []string
	sum := 0.0
	for i, c := range s.Cells() {
		sum += s.Targets()[i]
		if i < 2 {
			continue
		}
		w, south, e, n := g.Bounds(grid.Cell{Col: c.Col, Row: c.Row})
		var ring []string
		for _, p := range [][2]float64{{w, south}, {e, south}, {e, n}, {w, n}, {w, south}} {
			ring = append(ring, fmt.Sprintf("[%.9f,%.9f]", p[0], p[1]))
		}
		features = append(features, fmt.Sprintf(`{"type":"Feature","properties":{"t":%g},"geometry":{"type":"Polygon","coordinates":[[%s]]}}`, 2*s.Targets()[i], strings.Join(ring, ",")))
	}
	file := filepath.Join(t.TempDir(), "other.geojson")
	if err := os.WriteFile(file, []byte(`{"type":"FeatureCollection","features":[`+strings.Join(features, ",")+`]}`), 0o666); err != nil {
		t.Fatal(err)
	}
	e, err := MapEntry(context.Background(), s, MapSpec{Path: file, Units: "tCO2", Per: "cell", Period: "year", Attribute: "t"})
	if err != nil {
		t.Fatal(err)
	}
	table, err := Run(context.Background(), s, []Entry{e, {Name: "mean", Key: "mean", Method: mean{}, Fixed: true}}, Options{Seeds: 1, Folds: 4, Block: 2, Out: t.TempDir(), Report: new(bytes.Buffer)})
	if err != nil {
		t.Fatal(err)
	}
	m := e.Method.(foreignMap)
	for i, y := range m.ln {
		want := math.Log(2 * s.Targets()[i])
		if i >= 2 && math.Abs(y-want) > 1e-6 {
			t.Fatalf("cell %d: ln %v, want %v", i, y, want)
		}
	}
	if r := table.Rows[0]; !strings.Contains(r.About, "2 cells without emission") || !strings.Contains(r.About, fmt.Sprintf("of %.4g", sum)) || r.Mean.MAE < 0.6 {
		t.Errorf("%+v", r)
	}
	for want, bad := range map[string]MapSpec{"no such": {Path: "nowhere.tif", Units: "tCO2", Per: "cell", Period: "year"},
		"proxy": {Path: file, Units: "proxy", Attribute: "t"}, "unit": {Path: file, Units: "elephants", Per: "cell", Period: "year", Attribute: "t"}} {
		if _, err := MapEntry(context.Background(), s, bad); !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v; want %s", bad, err, want)
		}
	}
}
