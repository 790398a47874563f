package data

import (
	"math"
	"path/filepath"
	"testing"
)

// TestShenzhen: the districts' cells and points, counted by other means, and one
// ODIAC month whose sum survives every grid.
func TestShenzhen(t *testing.T) {
	g := readGolden(t).Shenzhen
	stock := Emissions{Path: realFile(t, "shenzhen/odiac2022_1km_excl_intl_2112.tif"), Units: "tC", Period: "month", MissingMonths: "scale"}
	points := POI{Path: realFile(t, "shenzhen/poi.csv"), Size: 64}
	const year = 12 * 44.0 / 12
	c := Config{
		Store:     filepath.Join(t.TempDir(), "districts"),
		Grid:      Grid{Scheme: "degrees"},
		Region:    Region{File: realFile(t, "shenzhen/districts.geojson")},
		Emissions: stock,
		POI:       points,
	}
	r := mustBuild(t, &c, Options{Name: "shenzhen"})
	if r.Cells.Region != g.Cells || r.POI.Outside != g.Outside || r.POI.Rows != g.Outside+int(r.POI.Stored) {
		t.Errorf("%+v, %d of %d points outside, %v stored; want %d cells, %d outside", r.Cells, r.POI.Outside, r.POI.Rows, r.POI.Stored, g.Cells, g.Outside)
	}
	comparePOIs(t, r, g.POI)
	e := r.Emissions
	if !e.FileSummed || math.Abs(e.FileSum/g.Total-1) > 1e-9 || math.Abs(e.Regridded/(g.Region*year)-1) > 1e-6 {
		t.Errorf("%v tC in the file, %v tCO2/yr in the districts; want %v and %v", e.FileSum, e.Regridded, g.Total, g.Region*year)
	}
	s := open(t, c.Store)
	at := byName(s)
	for name, want := range g.Values {
		if i, ok := at[name]; ok && math.Abs(s.Targets()[i]/(want*year)-1) > 1e-6 {
			t.Errorf("cell %s: %v, want %v", name, s.Targets()[i], want*year)
		}
	}
	// Without a region the inventory is one, and all of it arrives.
	for _, grid := range []Grid{{Scheme: "degrees"}, {Scheme: "xyz", Zoom: 15}, {Scheme: "projected", EPSG: 32650}} {
		c := Config{Store: filepath.Join(t.TempDir(), "all"), Grid: grid, Emissions: stock, POI: points}
		r := mustBuild(t, &c, Options{Name: "shenzhen"})
		if math.Abs(r.Emissions.Regridded/(g.Total*year)-1) > 1e-6 {
			t.Errorf("%s: %v tCO2/yr, want %v", r.Grid, r.Emissions.Regridded, g.Total*year)
		}
		if k := r.Cells; grid.Scheme == "degrees" && (k.Samples != g.Valid-g.Zero || k.Zero != g.Zero) {
			t.Errorf("%+v, want %d valid, %d of them zero", k, g.Valid, g.Zero)
		}
	}
}

// TestShenzhenMosaics: how many cells with an amount each mosaic leaves.
func TestShenzhenMosaics(t *testing.T) {
	for _, k := range []struct {
		mosaic  string
		region  string // "": all of the mosaic
		samples int
	}{{"imagery_z13.tif", "shenzhen/districts.geojson", 373}, {"imagery_z13.tif", "", 741}, {"imagery_z15.tif", "", 541}} {
		c := Config{
			Store:     filepath.Join(t.TempDir(), "shenzhen"),
			Grid:      Grid{Scheme: "degrees"},
			Imagery:   Imagery{Path: realFile(t, "shenzhen/"+k.mosaic), Size: 32},
			Emissions: Emissions{Path: realFile(t, "shenzhen/odiac2022_1km_excl_intl_2112.tif"), Units: "tC", Period: "month", MissingMonths: "scale"},
		}
		if k.region != "" {
			c.Region.File = realFile(t, k.region)
		}
		r := mustBuild(t, &c, Options{Name: "shenzhen"})
		e := r.Emissions
		if r.Cells.Samples != k.samples || math.Abs((e.Samples+e.Dropped+e.NoSample)/e.Regridded-1) > 1e-9 {
			t.Errorf("%s %s: %+v; %v in samples, %v dropped, %v in neither, of %v", k.mosaic, k.region, r.Cells, e.Samples, e.Dropped, e.NoSample, e.Regridded)
		}
	}
}
