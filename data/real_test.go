package data

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"opencarbon/data/grid"
	"opencarbon/data/store"
)

// golden is what testdata/referee.py found in the real files by other means.
type golden struct {
	Tokyo struct {
		Cells   int
		POI     map[string]float64
		Outside int
		Tiles   map[string]struct{ Mean, Center [3]float64 }
	}
	London struct {
		Total  float64
		Cells  int
		Values map[string]float64
	}
	Berlin struct {
		Cells []string
		POI   map[string]float64
	}
	Beijing struct {
		Cells, Valid, Zero int
		Total              float64
		Values             map[string]float64
	}
	Shenzhen struct {
		Cells         int                // of the districts
		POI           map[string]float64 // in these
		Outside       int
		Valid, Zero   int // of the inventory's elements
		Total, Region float64
		Values        map[string]float64
	}
}

// realFile returns a file of the real data; the test is skipped where it is absent.
func realFile(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "shared", "data", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the real data is not here: %s", path)
	}
	return path
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	b, err := os.ReadFile("testdata/golden.json")
	if err == nil {
		err = json.Unmarshal(b, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// byName finds tiles by the name of their cell, column_row.
func byName(s *store.Store) map[string]int {
	at := map[string]int{}
	for i, c := range s.Cells() {
		at[grid.Cell(c).String()] = i
	}
	return at
}

func sum(values []float64) (total float64, n int) {
	for _, v := range values {
		if !math.IsNaN(v) {
			total += v
			n++
		}
	}
	return total, n
}

func comparePOIs(t *testing.T, r *Report, want map[string]float64) {
	t.Helper()
	if len(r.POI.PerCategory) != len(want) {
		t.Errorf("%d categories, want %d", len(r.POI.PerCategory), len(want))
	}
	for _, v := range r.POI.PerCategory {
		if v.Count != want[v.Value] {
			t.Errorf("%s: %v POIs, want %v", v.Value, v.Count, want[v.Value])
		}
	}
}

func TestTokyo(t *testing.T) {
	g := readGolden(t).Tokyo
	c := Config{
		Store:     filepath.Join(t.TempDir(), "tokyo"),
		Imagery:   Imagery{Path: realFile(t, "tokyo/landsat8_20211228.tif"), Size: 64},
		Emissions: Emissions{Path: realFile(t, "tokyo/blackmarble2012.tif"), Bands: []int{3}, Units: "proxy"},
		POI:       POI{Path: realFile(t, "tokyo/poi.csv")},
		Split:     Split{Method: "blocks", Buffer: 1},
	}
	r := mustBuild(t, &c, Options{Name: "tokyo"})
	s := open(t, c.Store)
	if s.Len() != g.Cells || r.Cells.Samples != g.Cells || r.POI.Outside != g.Outside || s.Meta().TargetUnit != "proxy" {
		t.Errorf("%d tiles, %+v, %d POIs outside, unit %s", s.Len(), r.Cells, r.POI.Outside, s.Meta().TargetUnit)
	}
	comparePOIs(t, r, g.POI)
	at := byName(s)
	for name, want := range g.Tiles {
		i, ok := at[name]
		if !ok {
			t.Errorf("no tile %s", name)
			continue
		}
		img := s.Image(i)
		for b := range 3 {
			mean := 0.0
			for _, v := range img[b*64*64 : (b+1)*64*64] {
				mean += float64(v) / (64 * 64)
			}
			// The referee warps in 64-bit and does not round: half a gray level.
			if math.Abs(mean-want.Mean[b]) > 0.5 || math.Abs(float64(img[(b*64+32)*64+32])-want.Center[b]) > 1 {
				t.Errorf("tile %s band %d: mean %.2f and center %d, want %.2f and %.2f", name, b, mean, img[(b*64+32)*64+32], want.Mean[b], want.Center[b])
			}
		}
	}
	if o := r.Split.Overlap[0]; o.M != 3 || o.Test != 0 || o.Validation != 0 {
		t.Errorf("a buffer of one cell leaves %+v", o)
	}
}

// TestLondon: the inventory's total arrives in every grid.
func TestLondon(t *testing.T) {
	g := readGolden(t).London
	for _, k := range []struct {
		name  string
		grid  Grid
		cells int // 0: not known
	}{
		{"1 km of the National Grid", Grid{Scheme: "projected", EPSG: 27700}, g.Cells},
		{"zoom 15", Grid{Scheme: "xyz"}, 0},
		{"1/120 degree", Grid{Scheme: "degrees"}, 0},
	} {
		t.Run(k.name, func(t *testing.T) {
			c := Config{
				Store:     filepath.Join(t.TempDir(), "london"),
				Grid:      k.grid,
				Emissions: Emissions{Path: realFile(t, "london/laei2019_co2_all_sources.shp"), Attribute: "all_2019", Units: "tCO2"},
				POI:       POI{Path: realFile(t, "london/poi.csv"), Size: 128},
			}
			r := mustBuild(t, &c, Options{Name: "london"})
			s := open(t, c.Store)
			total, n := sum(s.Targets())
			// Slivers of less than a hundredth of a cell are no samples.
			if math.Abs(r.Emissions.Regridded/g.Total-1) > 1e-6 || math.Abs(total/g.Total-1) > 1e-3 {
				t.Errorf("%v tCO2 regridded, %v stored, want %v", r.Emissions.Regridded, total, g.Total)
			}
			if k.cells > 0 {
				if n != k.cells {
					t.Errorf("%d samples, want %d", n, k.cells)
				}
				at := byName(s)
				for name, want := range g.Values {
					// The 1 km raster holds float32 sums of the same polygons.
					if i, ok := at[name]; !ok || math.Abs(s.Targets()[i]/want-1) > 1e-4 {
						t.Errorf("cell %s: %v (there: %v), want %v", name, s.Targets()[i], ok, want)
					}
				}
			}
			if s.HasImages() || s.POISize() != 128 {
				t.Errorf("images %v, POI frame of %d", s.HasImages(), s.POISize())
			}
		})
	}
}

// TestBerlin: a mosaic of ten float64 bands in EPSG:32633, hourly traffic bands.
func TestBerlin(t *testing.T) {
	g := readGolden(t).Berlin
	bands := make([]int, 24)
	for i := range bands {
		bands[i] = i + 1
	}
	c := Config{
		Store:     filepath.Join(t.TempDir(), "berlin"),
		Imagery:   Imagery{Path: realFile(t, "berlin/sentinel2_20241024.tif"), Bands: BandNumbers(3, 2, 1), Size: 64, MinCoverage: 0.99},
		Emissions: Emissions{Path: realFile(t, "berlin/traffic_co2_20220906_hourly.tif"), Bands: bands, Units: "kgCO2", Period: "hour"},
		POI:       POI{Path: realFile(t, "berlin/poi.csv")},
		Split:     Split{Method: "blocks", Block: 1},
	}
	r := mustBuild(t, &c, Options{Name: "berlin"})
	s := open(t, c.Store)
	at := byName(s)
	if len(at) != len(g.Cells) {
		t.Errorf("%d whole tiles, want %d", len(at), len(g.Cells))
	}
	for _, name := range g.Cells {
		if _, ok := at[name]; !ok {
			t.Errorf("tile %s is missing", name)
		}
	}
	comparePOIs(t, r, g.POI)
	if r.Images.Scale != "percentile" || r.Images.DType != "Float64" || math.Abs(r.Emissions.YearFactor-365) > 1e-9 {
		t.Errorf("scale %s of %s, a day becomes a year by %v", r.Images.Scale, r.Images.DType, r.Emissions.YearFactor)
	}
	lo, hi := uint8(255), uint8(0)
	for _, v := range s.Images() {
		lo, hi = min(lo, v), max(hi, v)
	}
	if lo > 5 || hi < 250 {
		t.Errorf("images span %d to %d", lo, hi)
	}
}

// TestBeijing: one ODIAC month on ODIAC's own cells, tonnes of carbon to tonnes
// of CO2, a month to a year.
func TestBeijing(t *testing.T) {
	g := readGolden(t).Beijing
	points := filepath.Join(t.TempDir(), "poi.csv")
	if err := os.WriteFile(points, fmt.Appendln(nil, "lon,lat,category\n116.39,39.91,palace\n116.30,39.99,university"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := Config{
		Store:     filepath.Join(t.TempDir(), "beijing"),
		Grid:      Grid{Scheme: "degrees"},
		Imagery:   Imagery{Size: 32},
		Emissions: Emissions{Path: realFile(t, "beijing/odiac2022_1km_excl_intl_2112.tif"), Units: "tC", Period: "month", MissingMonths: "scale"},
		POI:       POI{Path: points, CRS: "GCJ-02"},
	}
	r := mustBuild(t, &c, Options{Name: "beijing"})
	s := open(t, c.Store)
	total, n := sum(s.Targets())
	if s.Len() != g.Valid || n != g.Valid-g.Zero || r.Cells.Zero != g.Zero || math.Abs(total/g.Total-1) > 1e-6 {
		t.Errorf("%d tiles, %d samples, %d zero, %v tCO2; want %d, %d, %d, %v", s.Len(), n, r.Cells.Zero, total, g.Valid, g.Valid-g.Zero, g.Zero, g.Total)
	}
	at := byName(s)
	for name, want := range g.Values {
		if i, ok := at[name]; !ok || math.Abs(s.Targets()[i]/want-1) > 1e-6 {
			t.Errorf("cell %s: want %v", name, want)
		}
	}
	// The same inventory under a region of its own: the gaps stay as neighbors.
	c.Region.BBox = []float64{116.2, 39.8, 116.6, 40.1}
	c.Store += "2"
	r = mustBuild(t, &c, Options{Name: "beijing"})
	if k := r.Cells; k.Stored != 48*36 || k.NoTarget == 0 || k.NoTarget+k.Sliver+k.Zero+k.Samples != k.Stored {
		t.Errorf("%+v", k)
	}
}
