package data

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/synth"
)

// A program without GDAL takes a store that the same section made, whose inputs need
// not be there any more, and says of any other what it is.
func TestGiven(t *testing.T) {
	c, _ := cityConfig(t, 8, 8)
	nodata := 255.0
	c.Emissions.Nodata = &nodata
	mustBuild(t, &c, Options{Name: "demo"})
	if err := os.RemoveAll(filepath.Dir(c.Imagery.Path)); err != nil {
		t.Fatal(err)
	}
	r, err := c.given(t.Context(), Options{Name: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Reused || r.Store != c.Store || r.Cells.Stored != 64 {
		t.Errorf("reused %v, store %q, %d cells", r.Reused, r.Store, r.Cells.Stored)
	}
	for _, x := range []struct {
		name   string
		change func(*Config, *Options)
		want   []string // none: taken
	}{
		{"what does not change a store", func(c *Config, _ *Options) { c.Workers, c.Cache, c.CacheGB = 3, "elsewhere", 7 }, nil},
		{"other folders", func(c *Config, _ *Options) { c.Imagery.Path = filepath.Join(t.TempDir(), synth.MosaicFile) }, nil},
		{"another file", func(c *Config, _ *Options) { c.Imagery.Path = filepath.Join(t.TempDir(), "other.tif") }, []string{`data.imagery.path is "other.tif" and was "` + synth.MosaicFile + `"`}},
		{"a key", func(c *Config, _ *Options) { c.Grid.CellDegrees = 0.5 }, []string{c.Store, "data.grid.cell_degrees is 0.5 and was ", "without GDAL", "prepare"}},
		{"two keys", func(c *Config, _ *Options) { c.Imagery.Size, c.POI.Path = 48, "" }, []string{"data.imagery.size is 48 and was 32", "data.poi.path", synth.POIFile}},
		{"a key that was not given", func(c *Config, _ *Options) { c.Rasters = []Raster{{Name: "light", Path: "light.tif"}} }, []string{"data.rasters", "was absent"}},
		{"another table", func(_ *Config, o *Options) { o.CategoryTable = "raw,category\na,b\n" }, []string{"category table"}},
		{"no store", func(c *Config, _ *Options) { c.Store += "-none" }, []string{"data.store", c.Store + "-none", "there was no store", "without GDAL", "prepare"}},
		{"a damaged one", func(c *Config, _ *Options) {
			c.Store = t.TempDir()
			if err := os.WriteFile(filepath.Join(c.Store, "tiles.ocs"), []byte("OCS"), 0o666); err != nil {
				t.Fatal(err)
			}
		}, []string{"data.store", "cannot be used"}},
	} {
		c, o := c, Options{Name: "demo"}
		x.change(&c, &o)
		_, err := c.given(t.Context(), o)
		if x.want == nil {
			if err != nil {
				t.Errorf("%s: %v", x.name, err)
			}
			continue
		}
		if !fault.IsInput(err) {
			t.Errorf("%s: %v; want an input error", x.name, err)
			continue
		}
		for _, want := range x.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", x.name, err, want)
			}
		}
	}
}
