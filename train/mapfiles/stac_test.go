package mapfiles

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"opencarbon/data/grid"
)

type item struct {
	Version    string   `json:"stac_version"`
	Extensions []string `json:"stac_extensions"`
	ID         string
	BBox       []float64
	Geometry   struct {
		Type        string
		Coordinates json.RawMessage
	}
	Properties map[string]any
	Assets     map[string]struct {
		Href, Type string
		Roles      []string
	}
}

func write(t *testing.T, c *Cells, year string) (item, string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "map", "p.json")
	if err := os.Mkdir(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	m := Model{Path: filepath.Join(dir, "runs", "best.safetensors"), Architecture: "opencarbon", Framework: "PyTorch", Version: "2.1.0", Output: "ln tCO2/yr",
		Inputs: []Tensor{{Name: "image", About: "image", Shape: []int{3, 8, 8}, Dims: []string{"channel", "height", "width"}, Type: "uint8"}}, Parameters: map[string]any{"Heads": 4}}
	if err := c.WriteSTAC(path, year, []string{filepath.Join(dir, "map", "predictions.tif")}, m, time.Date(2025, 3, 4, 5, 6, 7, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var x item
	if err := json.Unmarshal(text, &x); err != nil {
		t.Fatal(err)
	}
	return x, string(text)
}

// What the specifications of STAC 1.0, MLM and projection ask for (the items that
// this test writes were valid by their JSON schemas).
func TestSTAC(t *testing.T) {
	for name, x := range grids {
		c := cells(t, x.spec, x.first)
		c.About = map[string]string{"REGION": "town", "MODEL": "OpenCarbon", "BAND_1": "x"}
		got, text := write(t, c, "2022")
		p := got.Properties
		if got.Version != "1.0.0" || got.ID != "town-2022" || !slices.Equal(got.Extensions, []string{mlmSchema, projectionSchema}) || got.Geometry.Type != "Polygon" {
			t.Errorf("%s: %s", name, text)
		}
		if p["datetime"] != nil || p["start_datetime"] != "2022-01-01T00:00:00Z" || p["end_datetime"] != "2022-12-31T23:59:59Z" || p["opencarbon:model"] != "OpenCarbon" ||
			p["opencarbon:band_1"] != nil {
			t.Errorf("%s: %v", name, p)
		}
		for _, key := range []string{"mlm:name", "mlm:architecture", "mlm:tasks", "mlm:input", "mlm:output", "mlm:hyperparameters", "mlm:framework_version", "proj:epsg"} {
			if p[key] == nil {
				t.Errorf("%s: no %s", name, key)
			}
		}
		if a := got.Assets["predictions_tif"]; a.Href != "./predictions.tif" || a.Type != assetKinds[".tif"][0] {
			t.Errorf("%s: %v", name, a)
		}
		if a := got.Assets["model"]; a.Href != "../runs/best.safetensors" || !slices.Contains(a.Roles, "mlm:model") {
			t.Errorf("%s: %v", name, a)
		}
		for _, r := range c.Rows {
			if b := got.BBox; r.Lon < b[0] || r.Lon > b[2] || r.Lat < b[1] || r.Lat > b[3] || b[2]-b[0] > 0.1 || b[3]-b[1] > 0.1 {
				t.Errorf("%s: %g, %g is not in %v", name, r.Lon, r.Lat, b)
			}
		}
		if got, _ := write(t, c, ""); got.Properties["datetime"] != "2025-03-04T05:06:07Z" || got.Properties["start_datetime"] != nil || got.ID != "town" {
			t.Errorf("%s: %v", name, got.Properties)
		}
	}
}

// Over the antimeridian the box's west is greater than its east, and there are two
// polygons; cells on either side of it make no box around the earth.
func TestSTACAntimeridian(t *testing.T) {
	c := cells(t, grid.Spec{Scheme: "degrees", CellDegrees: 0.25}, grid.Cell{Col: 0, Row: 300})
	c.Rows = c.Rows[:2]
	c.Rows[0].Col, c.Rows[1].Col = 1439, 0
	want := []float64{179.75, 14.75, -179.75, 15}
	for _, placed := range [][]grid.Cell{nil, {{Col: 1439, Row: 300}, {Col: 1440, Row: 300}}} {
		c.Placed = placed
		got, _ := write(t, c, "")
		var rings [][][][2]float64
		if err := json.Unmarshal(got.Geometry.Coordinates, &rings); err != nil || got.Geometry.Type != "MultiPolygon" || !reflect.DeepEqual(got.BBox, want) {
			t.Fatal(got, err)
		}
		if len(rings) != 2 || rings[0][0][0] != [2]float64{179.75, 14.75} || rings[0][0][1] != [2]float64{180, 14.75} || rings[1][0][2] != [2]float64{-179.75, 15} {
			t.Error(rings)
		}
	}
}
