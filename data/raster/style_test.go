//go:build !nogdal

package raster

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func oneSquare(t *testing.T, path string, s VectorSpec) {
	t.Helper()
	crs, err := ParseCRS("EPSG:4326")
	if err != nil {
		t.Fatal(err)
	}
	s.CRS, s.Fields = crs, []Field{{Name: "v", Type: Real}}
	w, err := CreateVector(path, s)
	if err != nil {
		t.Fatal(err)
	}
	third := 1. / 3
	if err := w.Add(Geometry{Polygons: []Polygon{{{{0, 0}, {0, third}, {third, third}, {third, 0}, {0, 0}}}}}, 1.5); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// A style lies where QGIS looks for it, and the layer is still the first one.
func TestStyle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.gpkg")
	oneSquare(t, path, VectorSpec{Layer: "cells", Style: "<qgis/>"})
	first, err := OpenVector(path, "", "", nil)
	if err != nil || first.Name() != "cells" || first.Count() != 1 {
		t.Fatalf("%v, %v", first, err)
	}
	first.Close()
	l, err := OpenVector(path, "layer_styles", "f_table_schema = '' AND f_table_name = 'cells' AND f_geometry_column = 'geom' AND useAsDefault = 1", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	found := 0
	if err := l.Each(context.Background(), func(f *Feature) error {
		found++
		if v, _ := f.Text("styleQML"); v != "<qgis/>" {
			t.Errorf("style %q", v)
		}
		return nil
	}); err != nil || found != 1 {
		t.Errorf("%d styles, %v", found, err)
	}
}

// GeoJSON by RFC 7946: no crs member, outer rings counterclockwise, as many digits
// as the ground needs.
func TestRFC7946(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.geojson")
	oneSquare(t, path, VectorSpec{Style: "<qgis/>", Options: map[string]string{"RFC7946": "YES", "COORDINATE_PRECISION": "7"}})
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		CRS      any `json:"crs"`
		Features []struct {
			Geometry struct {
				Coordinates [][][][]float64
				Type        string
			}
		}
	}
	if strings.Contains(string(text), `"Polygon"`) {
		text = []byte(strings.NewReplacer(`"Polygon"`, `"MultiPolygon"`, `"coordinates": [ [ [`, `"coordinates": [ [ [ [`, `] ] ] }`, `] ] ] ] }`).Replace(string(text)))
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	ring := doc.Features[0].Geometry.Coordinates[0][0]
	area := 0.0
	for i := 1; i < len(ring); i++ {
		area += ring[i-1][0]*ring[i][1] - ring[i][0]*ring[i-1][1]
	}
	if doc.CRS != nil || area <= 0 || !strings.Contains(string(text), "0.3333333 ") && !strings.Contains(string(text), "0.3333333,") {
		t.Errorf("crs %v, twice the area %g\n%s", doc.CRS, area, text)
	}
}

// Statistics lie in the file itself, no sidecar beside it.
func TestStatistics(t *testing.T) {
	info, err := exec.LookPath("gdalinfo")
	if err != nil {
		t.Skip("gdalinfo is not installed")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "a.tif")
	w, err := Create(path, Spec{Width: 2, Height: 2, Bands: 2, COG: true, Statistics: true})
	if err != nil {
		t.Fatal(err)
	}
	for band, v := range [][]float32{{1, 2, 3, 4}, {7, 7, 7, 7}} {
		if err := Write(w, band+1, 0, 0, 2, 2, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(info, path).CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"STATISTICS_MINIMUM=1\n", "STATISTICS_MAXIMUM=4\n", "STATISTICS_MEAN=2.5\n", "STATISTICS_MEAN=7\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("beside the file: %v", left)
	}
}
