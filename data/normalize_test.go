package data

import (
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// given is a configuration whose every section is in use.
func given() Config {
	return Config{
		Imagery:   Imagery{Path: "mosaic.tif"},
		Emissions: Emissions{Path: "odiac/*.tif", Units: "tC"},
		POI:       POI{Path: "/abs/poi.csv", Categories: "table.yaml"},
	}
}

// TestDefaults holds Normalize to what config.go documents.
func TestDefaults(t *testing.T) {
	c := given()
	if err := c.Normalize("tokyo", "/base"); err != nil {
		t.Fatal(err)
	}
	want := Config{CacheGB: 20,
		Store: filepath.Join("stores", "tokyo"),
		Grid:  Grid{Scheme: "xyz", Zoom: 15},
		Imagery: Imagery{Path: "/base/mosaic.tif", Bands: BandNumbers(1, 2, 3), Percentile: []float64{2, 98}, Size: 256,
			Resampling: "bilinear", MinCoverage: 0.9},
		Emissions: Emissions{Path: "/base/odiac/*.tif", Units: "tC", Per: "cell", Period: "year", MissingMonths: "error"},
		POI:       POI{Path: "/abs/poi.csv", Categories: "/base/table.yaml", Size: 256, MaxBadRows: 0.01},
		Split:     Split{Method: "blocks", Block: 8, Fractions: []float64{0.6, 0.2, 0.2}, Seed: 42},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("\n%+v, want\n%+v", c, want)
	}
	again := c
	if err := again.Normalize("tokyo", "/other"); err != nil || !reflect.DeepEqual(again, c) {
		t.Errorf("twice is not once (%v):\n%+v", err, again)
	}
	for _, g := range []struct{ in, want Grid }{
		{Grid{Scheme: "degrees"}, Grid{Scheme: "degrees", CellDegrees: 1.0 / 120}},
		{Grid{Scheme: "projected", EPSG: 27700}, Grid{Scheme: "projected", EPSG: 27700, CellMetres: 1000}},
	} {
		c := given()
		c.Grid = g.in
		if err := c.Normalize("x", ""); err != nil || c.Grid != g.want {
			t.Errorf("%+v became %+v (%v), want %+v", g.in, c.Grid, err, g.want)
		}
	}
}

func TestPathsThatStay(t *testing.T) {
	for _, p := range []string{"/vsicurl/https://x/y.tif", "PG:dbname=x", `NETCDF:"/a.nc":v`, "/a/b.tif"} {
		c := given()
		c.Imagery.Path = p
		if err := c.Normalize("x", "/base"); err != nil || c.Imagery.Path != p {
			t.Errorf("%s became %s (%v)", p, c.Imagery.Path, err)
		}
	}
}

// TestNormalizeRefuses complements the command's table of bad input with values
// that YAML can hardly write.
func TestNormalizeRefuses(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, k := range []struct {
		key string
		do  func(*Config)
	}{
		{"data.grid.cell_degrees", func(c *Config) { c.Grid = Grid{Scheme: "degrees", CellDegrees: nan} }},
		{"data.grid.cell_metres", func(c *Config) { c.Grid = Grid{Scheme: "projected", EPSG: 27700, CellMetres: inf} }},
		{"data.grid.cell_metres", func(c *Config) { c.Grid = Grid{CellMetres: 1000} }},
		{"data.region.bbox", func(c *Config) { c.Region.BBox = []float64{0, 0, nan, 1} }},
		{"data.region.bbox", func(c *Config) { c.Region.BBox = []float64{0, 0, 1, 91} }},
		{"data.region.layer", func(c *Config) { c.Region.Layer = "x" }},
		{"data.imagery.range", func(c *Config) { c.Imagery.Scale, c.Imagery.Range = "range", []float64{0, inf} }},
		{"data.imagery.range", func(c *Config) { c.Imagery.Scale = "range" }},
		{"data.imagery.percentile", func(c *Config) { c.Imagery.Percentile = []float64{nan, 98} }},
		{"data.imagery.bands", func(c *Config) { c.Imagery.Bands = BandNumbers(0, 1, 2) }},
		{"data.imagery.min_coverage", func(c *Config) { c.Imagery.MinCoverage = nan }},
		{"data.imagery.crs", func(c *Config) { c.Imagery = Imagery{CRS: "EPSG:4326"} }},
		{"data.imagery.nodata", func(c *Config) { c.Imagery = Imagery{Nodata: &nan} }},
		{"data.emissions.bands", func(c *Config) { c.Emissions.Bands = []int{0} }},
		{"data.emissions.units", func(c *Config) { c.Emissions = Emissions{Units: "tC"} }},
		{"data.emissions.attribute", func(c *Config) { c.Emissions = Emissions{Attribute: "x"} }},
		{"data.poi.size", func(c *Config) { c.POI.Size = 16 }},
		{"data.poi.max_bad_rows", func(c *Config) { c.POI.MaxBadRows = nan }},
		{"data.poi.categories", func(c *Config) { c.POI.Path = "" }},
		{"data.split.file", func(c *Config) { c.Split.File = "x" }},
		{"data.split.train", func(c *Config) { c.Split.Train = []string{"x"} }},
		{"data.split.test", func(c *Config) { c.Split.Test = []string{"x"} }},
		{"data.split.train", func(c *Config) { c.Split = Split{Method: "attribute", File: "x", Field: "y"} }},
		{"data.split.validation", func(c *Config) {
			c.Split = Split{Method: "attribute", File: "x", Field: "y", Train: []string{"a"}, Validation: []string{"b", "b"}}
		}},
		{"data.split.fractions", func(c *Config) { c.Split.Fractions = []float64{nan, 0.5, 0.5} }},
		{"data.split.fractions", func(c *Config) { c.Split.Fractions = []float64{0, 0.5, 0.5} }},
		{"data.split.fractions", func(c *Config) { c.Split.Fractions = []float64{1.5, -0.5, 0} }},
		{"data.workers", func(c *Config) { c.Workers = 5000 }},
	} {
		c := given()
		k.do(&c)
		err := c.Normalize("x", "")
		if !fault.IsInput(err) || !strings.HasPrefix(err.Error(), k.key+":") || !strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", k.key, err)
		}
	}
}

// TestEmissionUnits: what may be said of the unit, and what becomes of it.
func TestEmissionUnits(t *testing.T) {
	for _, c := range []struct {
		in   Emissions
		want Emissions // unit, area and period
		fail string
	}{
		{Emissions{Units: "ktCO2"}, Emissions{Units: "ktCO2", Per: "cell", Period: "year"}, ""},
		{Emissions{Units: "kgCO2 m-2 s-1"}, Emissions{Units: "kgCO2", Per: "m2", Period: "second"}, ""},
		{Emissions{Units: "gC/m2/d", Per: "m2"}, Emissions{Units: "gC", Per: "m2", Period: "day"}, ""},
		{Emissions{Units: "Mt CO2", Period: "month"}, Emissions{Units: "MtCO2", Per: "cell", Period: "month"}, ""},
		{Emissions{Source: "edgar"}, Emissions{Source: "edgar"}, ""},
		{Emissions{Source: "edgar", Units: "tCO2"}, Emissions{Source: "edgar", Units: "tCO2", Per: "cell", Period: "year"}, ""},
		{Emissions{}, Emissions{}, "data.emissions.source: cams-reg"},
		{Emissions{Units: "kg m-2 s-1"}, Emissions{}, "kgCO2 for carbon dioxide"},
		{Emissions{Units: "t"}, Emissions{}, "does not say of what"},
		{Emissions{Units: "kgC/m2/s", Period: "day"}, Emissions{}, "says second"},
		{Emissions{Units: "stone"}, Emissions{}, "kgCO2 m-2 s-1"},
		{Emissions{Source: "edgra"}, Emissions{}, "Allowed: cams-reg, carbon-monitor"},
		{Emissions{Source: "edgar", Per: "m2"}, Emissions{}, "Give all three"},
		{Emissions{Source: "edgar", Year: 19}, Emissions{}, "data.emissions.year"},
	} {
		e := c.in
		e.Path = "x.nc"
		for range 2 { // twice is once
			err := e.normalize()
			if c.fail != "" {
				if err == nil || !strings.Contains(err.Error(), c.fail) {
					t.Errorf("%+v: %v, want %q", c.in, err, c.fail)
				}
				break
			}
			c.want.Path, c.want.MissingMonths = "x.nc", "error"
			if err != nil || !reflect.DeepEqual(e, c.want) {
				t.Errorf("%+v: %+v, %v, want %+v", c.in, e, err, c.want)
			}
		}
	}
}
