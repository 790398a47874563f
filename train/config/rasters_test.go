package config

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"opencarbon/data"
	"opencarbon/data/fault"
)

// Further rasters are a list of sections, in a file and after --set: their paths
// are resolved like others, and what is wrong in one has the line of it.
func TestRasters(t *testing.T) {
	path := write(t, "light.yaml", `name: light
data:
  grid: {scheme: xyz, zoom: 15}
  imagery: {path: m.tif}
  rasters:
    - {name: nightlight, path: light/n.tif, how: max}
    - name: people
      path: /data/people.tif
      band: 2
`)
	c, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []data.Raster{{Name: "nightlight", Path: filepath.Join(filepath.Dir(path), "light/n.tif"), How: "max", Band: 1}, {Name: "people", Path: "/data/people.tif", How: "mean", Band: 2}}
	if !slices.Equal(c.Data.Rasters, want) {
		t.Errorf("%+v, want %+v", c.Data.Rasters, want)
	}
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Load(write(t, "again.yaml", string(text)), nil); err != nil || !slices.Equal(again.Data.Rasters, want) {
		t.Errorf("read back: %v", err)
	}
	set, err := Load(path, []string{"data.rasters=[{name: a, path: /x.tif, how: sd}]"})
	if err != nil || !slices.Equal(set.Data.Rasters, []data.Raster{{Name: "a", Path: "/x.tif", How: "sd", Band: 1}}) {
		t.Errorf("--set: %v", err)
	}
	for entry, words := range map[string]string{
		"{nme: a, path: x.tif}":               "line 6: unknown key nme",
		"{name: a, path: x.tif, band: b}":     "line 6: band is \"b\", but a whole number is expected",
		"x.tif":                               "a list of sections",
		"{name: a, path: x.tif, how: median}": "data.rasters[0].how",
	} {
		_, err := Load(write(t, "bad.yaml", "name: bad\ndata:\n  grid: {scheme: xyz, zoom: 15}\n  imagery: {path: m.tif}\n  rasters:\n    - "+entry+"\n"), nil)
		if !fault.IsInput(err) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", entry, err)
		}
	}
}

// TestRasterKeys: every key of an entry, nodata among them, comes back.
func TestRasterKeys(t *testing.T) {
	c, err := Load(write(t, "c.yaml", "name: x\ndata:\n  rasters:\n    - {name: light, path: a.tif, how: sum, band: 2, crs: EPSG:4326, nodata: -0.5}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := c.Data.Rasters[0]
	if r.Nodata == nil || *r.Nodata != -0.5 || r.Band != 2 || r.CRS != "EPSG:4326" {
		t.Fatalf("%+v", r)
	}
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Load(write(t, "again.yaml", string(text)), nil); err != nil || !reflect.DeepEqual(again.Data.Rasters, c.Data.Rasters) {
		t.Errorf("%+v (%v)", again, err)
	}
}

// Bands are numbers or names, or one word, and are written as they were read.
func TestBands(t *testing.T) {
	for given, want := range map[string]struct {
		bands data.Bands
		json  string
	}{
		"[4, 3, 2, 8]":    {data.BandNumbers(4, 3, 2, 8), "[4,3,2,8]"},
		"[B04, B03, B02]": {data.Bands{"B04", "B03", "B02"}, `["B04","B03","B02"]`},
		"[1, Near IR]":    {data.Bands{"1", "Near IR"}, `[1,"Near IR"]`},
		"all":             {data.Bands{"all"}, `"all"`},
		"5":               {data.Bands{"5"}, "[5]"},
		"[1, 1, 1]":       {data.BandNumbers(1, 1, 1), "[1,1,1]"},
	} {
		path := write(t, "small.yaml", strings.Replace(small, "size: 64}", "size: 64, bands: "+given+"}", 1))
		c, err := Load(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(c.Data.Imagery.Bands)
		if !reflect.DeepEqual(c.Data.Imagery.Bands, want.bands) || string(text) != want.json || err != nil {
			t.Errorf("%s: %q, %s (%v)", given, c.Data.Imagery.Bands, text, err)
		}
		var back data.Bands
		if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, want.bands) {
			t.Errorf("%s: %q comes back (%v)", given, back, err)
		}
		whole, err := c.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Load(write(t, "again.yaml", string(whole)), nil)
		if err != nil || !reflect.DeepEqual(again.Data, c.Data) {
			t.Errorf("%s: %v comes back (%v)", given, again, err)
		}
		if over, err := Load(path, []string{"data.imagery.bands=" + given}); err != nil || !reflect.DeepEqual(over.Data.Imagery.Bands, want.bands) {
			t.Errorf("--set %s: %v", given, err)
		}
	}
}
