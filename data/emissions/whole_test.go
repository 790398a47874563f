package emissions

import (
	"math"
	"testing"

	"opencarbon/data/grid"
)

// What the files hold in all is counted whatever the region takes of it: in
// their own unit, bands and files added up, without what no sum takes.
func TestWholeFile(t *testing.T) {
	dir := inDir(t)
	s := box(t)
	s.Bands = 2
	gap := -1.0
	s.Nodata = &gap
	value := func(band, col, row int) float64 {
		if band == 2 && col == 3 {
			return gap
		}
		return float64(band)
	}
	writeTIFF(t, dir("a_2101.tif"), s, value)
	writeTIFF(t, dir("a_2102.tif"), s, value)
	writeJSON(t, dir("p.geojson"),
		[2]string{"[[[10,50],[10.05,50],[10.05,49.95],[10,49.95],[10,50]]]", "5"},
		[2]string{"[[[20,40],[20.1,40],[20.1,39.9],[20,39.9],[20,40]]]", "7"},
		[2]string{"", "11"}, // without a place, and yet in the file
		[2]string{"[[[10,50],[10.05,50],[10.05,49.95],[10,49.95],[10,50]]]", "-13"},
		[2]string{"[[[10,50],[10.05,50],[10.05,49.95],[10,49.95],[10,50]]]", "null"})
	g := mustGrid(t, grid.Spec{Scheme: "degrees"})
	corner := mustCells(t, g, grid.BBox{West: 10, South: 49.98, East: 10.02, North: 50})
	for _, c := range []struct {
		what    string
		s       Spec
		summed  bool
		numbers int64
		sum     float64 // in the files' unit
		year    float64 // tCO2
	}{
		{"one band", Spec{Path: dir("a_2101.tif"), Bands: []int{1}, Units: "kgCO2", Period: "month", MissingMonths: "scale"}, true, 120, 120, 1.44},
		{"bands and files", Spec{Path: dir("a_*.tif"), Bands: []int{1, 2}, Units: "tC"}, true, 480, 2 * (120 + 2*110), 680 * 44.0 / 12},
		{"a rate of two months", Spec{Path: dir("a_*.tif"), Bands: []int{1}, Units: "kgCO2", Period: "day", MissingMonths: "scale"}, true, 240, 0, 120 * 365e-3},
		{"polygons", Spec{Path: dir("p.geojson"), Attribute: "amount", Units: "tCO2"}, true, 5, 23, 23},
		{"a density has no sum", Spec{Path: dir("a_2101.tif"), Bands: []int{1}, Units: "tC", Per: "km2"}, false, 0, 0, 0},
		{"a proxy has none either", Spec{Path: dir("p.geojson"), Attribute: "amount", Units: "proxy"}, false, 0, 0, 0},
	} {
		r := mustLoad(t, c.s, g, corner).Report
		if r.FileSummed != c.summed || r.FileNumbers != c.numbers || math.Abs(r.FileSum-c.sum) > 1e-9 || math.Abs(r.FileYear-c.year) > 1e-9 {
			t.Errorf("%s: %v, %d numbers, %v, %v a year", c.what, r.FileSummed, r.FileNumbers, r.FileSum, r.FileYear)
		}
	}
	// The negative and missing numbers elsewhere in the file are not the region's.
	if r := mustLoad(t, Spec{Path: dir("a_2101.tif"), Bands: []int{2}, Units: "tC"}, g, mustCells(t, g, grid.BBox{West: 10.05, South: 49.98, East: 10.07, North: 50})).Report; r.Nodata != 0 || r.Negative != 0 {
		t.Errorf("%+v", r)
	}
}
