package emissions

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"opencarbon/data/grid"
)

// golden is what testdata/referee.py (shapely, pyproj, rasterio) computed.
type golden struct {
	Cases []goldenCase `json:"cases"`
}

type goldenCase struct {
	Name   string       `json:"name"`
	Scheme string       `json:"scheme"`
	Value  float64      `json:"value"`
	CRS    string       `json:"crs"`
	Source float64      `json:"source"`
	Total  float64      `json:"total"`
	Cells  int          `json:"cells"`
	Sample [][3]float64 `json:"sample"`
}

func (c goldenCase) spec() grid.Spec {
	s := grid.Spec{Scheme: c.Scheme}
	switch c.Scheme {
	case grid.XYZ:
		s.Zoom = int(c.Value)
	case grid.Degrees:
		s.CellDegrees = c.Value
	case grid.Projected:
		s.CellMetres = c.Value
		s.EPSG, _ = strconv.Atoi(strings.TrimPrefix(c.CRS, "EPSG:"))
	}
	return s
}

func readGolden(t testing.TB) golden {
	t.Helper()
	b, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// sharedData returns the path of a real file, or skips.
func sharedData(t testing.TB, name string) string {
	t.Helper()
	p := filepath.Join("..", "..", "..", "shared", "data", name)
	if _, err := os.Stat(p); err != nil {
		t.Skipf("real data absent: %s", p)
	}
	return p
}

// realSources says how each case of the referee is declared.
var realSources = map[string]struct {
	file string
	spec Spec
	bbox grid.BBox // covers the whole source with a margin
}{
	"london polygons": {"london/laei2019_co2_all_sources.shp", Spec{Attribute: "all_2019", Units: "tCO2"}, grid.BBox{West: -0.6, South: 51.2, East: 0.4, North: 51.8}},
	"london raster":   {"london/laei2019_co2_tonnes_1km_27700.tif", Spec{Units: "tCO2"}, grid.BBox{West: -0.6, South: 51.2, East: 0.4, North: 51.8}},
	"berlin hourly":   {"berlin/traffic_co2_20220906_hourly.tif", Spec{Units: "kgCO2", Period: "hour", Bands: hours()}, grid.BBox{West: 13.0, South: 52.3, East: 13.9, North: 52.75}},
	"beijing odiac":   {"beijing/odiac2022_1km_excl_intl_2112.tif", Spec{Units: "tC", Period: "month", MissingMonths: "scale"}, grid.BBox{West: 115.9, South: 39.6, East: 117, North: 40.3}},
	"shanghai odiac":  {"shanghai/odiac2022_1km_excl_intl_2112.tif", Spec{Units: "tC", Period: "month", MissingMonths: "scale"}, grid.BBox{West: 121, South: 30.8, East: 122, North: 31.7}},
}

func hours() []int {
	var b []int
	for i := 1; i <= 24; i++ {
		b = append(b, i)
	}
	return b
}

func loadReal(t testing.TB, c goldenCase) (*Result, []grid.Cell) {
	t.Helper()
	src, ok := realSources[c.Name]
	if !ok {
		t.Fatalf("the referee knows a case %q that this test does not", c.Name)
	}
	s := src.spec
	s.Path = sharedData(t, src.file)
	g, err := grid.New(c.spec())
	if err != nil {
		t.Fatal(err)
	}
	cells, err := g.InBBox(context.Background(), src.bbox)
	if err != nil {
		t.Fatal(err)
	}
	res, err := Load(context.Background(), s, g, cells, nil)
	if err != nil {
		t.Fatal(err)
	}
	return res, cells
}

// TestRealSources compares real inventories on three grids with the referee:
// totals to 1e-6, single cells to 2e-6 of their amount (both sides follow curved
// edges by straight pieces). The 1 kg allowed besides is what rounding moves
// across edges where pixels and cells coincide.
func TestRealSources(t *testing.T) {
	for _, c := range readGolden(t).Cases {
		t.Run(c.Name+" "+c.Scheme, func(t *testing.T) {
			res, cells := loadReal(t, c)
			r := res.Report
			sum := 0.0
			at := map[grid.Cell]float64{}
			n := 0
			for i, v := range res.Values {
				if !math.IsNaN(v) {
					sum += v
					at[cells[i]] = v
					n++
				}
			}
			for name, total := range map[string]float64{"sum of the cells": sum, "report: regridded": r.Regridded, "report: source": r.SourceTotal, "report: in region": r.InRegion} {
				if rel := math.Abs(total/c.Source - 1); rel > 1e-6 {
					t.Errorf("%s: %.9g, source has %.9g (off by %.2g)", name, total, c.Source, rel)
				}
			}
			if strings.HasPrefix(c.Name, "london") && math.Abs(sum/1e6-29.06) > 0.005 {
				t.Errorf("London 2019: %.4f Mt, published 29.06", sum/1e6)
			}
			worst := 0.0
			for _, s := range c.Sample {
				cell := grid.Cell{Col: int64(s[0]), Row: int64(s[1])}
				d := math.Abs(at[cell] - s[2])
				if s[2] > 1 {
					worst = math.Max(worst, d/s[2])
				}
				if d > 2e-6*math.Abs(s[2])+1e-3 {
					t.Errorf("cell %s: %.9g, referee %.9g", cell, at[cell], s[2])
				}
			}
			t.Logf("%.6f Mt in %d cells (referee %d), worst sampled cell off by %.1e\n%s", sum/1e6, n, c.Cells, worst, r)
		})
	}
}
