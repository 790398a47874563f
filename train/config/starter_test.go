package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// TestStarter: a configuration to begin with is taken as it is, for any region,
// and all that it lacks are files, of which each is said where to be had.
func TestStarter(t *testing.T) {
	for _, c := range []struct {
		s    Starter
		want []string
	}{
		{Starter{Name: "beijing2", Box: [4]float64{116.2, 39.8, 116.6, 40.1}}, []string{"source: odiac", "preset:amap", "GCJ-02", "epsg: 32650", "bbox: [116.2, 39.8, 116.6, 40.1]", "method: blocks"}},
		{Starter{Name: "helsinki", Box: [4]float64{24.7, 60.1, 25.2, 60.3}}, []string{"source: odiac", "preset:osm", "epsg: 32635", "608 m here"}},
		{Starter{Name: "denver", Box: [4]float64{-105.2, 39.6, -104.7, 39.9}}, []string{"source: vulcan", "epsg: 32613"}},
		{Starter{Name: "sydney", Box: [4]float64{150.9, -34.1, 151.4, -33.6}}, []string{"epsg: 32756"}},
		{Starter{Name: "london2", Box: [4]float64{-0.5, 51.3, 0.3, 51.7}, Districts: `a "b"/boroughs.geojson`, Field: "name", Names: []string{"A", "B: c", "C", "D", "E", "F's"}},
			[]string{"source: laei", `train: ["A", "B: c", "C", "F's"]`, `validation: ["D"]`, `test: ["E"]`}},
		{Starter{Name: "few", Box: [4]float64{10, 50, 10.2, 50.2}, Districts: "d.shp", Field: "name", Names: []string{"A", "B"}}, []string{"method: blocks", `file: "d.shp"`}},
	} {
		text := c.s.Text()
		for _, w := range c.want {
			if !strings.Contains(text, w) {
				t.Errorf("%s lacks %q:\n%s", c.s.Name, w, text)
			}
		}
		path := filepath.Join(t.TempDir(), c.s.Name+".yaml")
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		got, err := Load(path, nil)
		if err != nil {
			t.Errorf("%s: %v\n%s", c.s.Name, err, text)
			continue
		}
		err = CheckFiles(got)
		if !fault.IsInput(err) {
			t.Fatalf("%s: %v", c.s.Name, err)
		}
		if want, have := strings.Count(err.Error(), "expected at"), strings.Count(err.Error(), "to be had"); want != have || want < 3 {
			t.Errorf("%s: %d files, %d sources:\n%v", c.s.Name, want, have, err)
		}
		// What is offered in comments is taken too.
		for _, line := range strings.Split(text, "\n") {
			if strings.Contains(line, "# bands:") || strings.Contains(line, "# rasters:") || strings.Contains(line, "#   - {name") {
				text = strings.Replace(text, line, strings.Replace(line, "# ", "", 1), 1)
			}
		}
		if _, err := Load(writeText(t, text), nil); err != nil {
			t.Errorf("%s, with its comments: %v\n%s", c.s.Name, err, text)
		}
	}
}

// TestMostlyChina: the map service that is proposed.
func TestMostlyChina(t *testing.T) {
	for place, want := range map[[2]float64]bool{{116.4, 39.9}: true, {121.5, 31.2}: true, {114.1, 22.5}: true, {110.3, 20}: true, {91.1, 29.65}: true, {87.6, 43.8}: true, {126.6, 45.8}: true, {106.2, 38.5}: true,
		{127, 37.5}: false, {105.8, 21}: false, {77.2, 28.6}: false, {106.9, 47.9}: false, {121.5, 25}: false, {139.7, 35.7}: false, {85.3, 27.7}: false, {90.4, 23.8}: false, {131.9, 43.1}: false, {125.7, 39}: false} {
		if got := mostlyChina(place[0], place[1]); got != want {
			t.Errorf("%v: %v", place, got)
		}
	}
}

func writeText(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSourcesOfAnyConfig: a user's own configuration hears where its kinds of
// files are to be had.
func TestSourcesOfAnyConfig(t *testing.T) {
	path := writeText(t, `
name: mine
data:
  region: {file: borders.geojson}
  imagery: {path: m.tif}
  emissions: {source: edgar, path: e.nc}
  poi: {path: p.csv, crs: GCJ-02}
  rasters: [{name: light, path: l.tif}]
  split: {method: attribute, file: d.geojson, field: name, train: [A], test: [B]}
`)
	c, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = CheckFiles(c)
	if err == nil {
		t.Fatal("no files, no error")
	}
	for _, want := range []string{"overpass-turbo.eu", "dataspace.copernicus.eu", "edgar.jrc.ec.europa.eu", "Chinese map service", "eogdata", "as published: EDGAR", "6 input files"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("lacks %q:\n%v", want, err)
		}
	}
}
