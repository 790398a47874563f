package emissions

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
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
		if c.Name == nightLights {
			continue
		}
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

// nightLights is the proxy case: means instead of sums.
const nightLights = "tokyo night lights"

// TestProxyAgainstReferee compares area-weighted means of the night lights. The
// pixels are the tiles of zoom 15 themselves, so that case repeats the file's
// own numbers.
func TestProxyAgainstReferee(t *testing.T) {
	n := 0
	for _, c := range readGolden(t).Cases {
		if c.Name != nightLights {
			continue
		}
		n++
		g := mustGrid(t, c.spec())
		s := Spec{Path: sharedData(t, "tokyo/blackmarble2012.tif"), Units: "proxy", Bands: []int{3}}
		var cells []grid.Cell
		for _, v := range c.Sample {
			cells = append(cells, grid.Cell{Col: int64(v[0]), Row: int64(v[1])})
		}
		slices.SortFunc(cells, func(a, b grid.Cell) int { return int(a.Row-b.Row)*100_000 + int(a.Col-b.Col) })
		cells = slices.Compact(cells) // the largest may be in the sample twice
		res := mustLoad(t, s, g, cells)
		at := map[grid.Cell]float64{}
		for i, cell := range cells {
			at[cell] = res.Values[i]
		}
		for _, v := range c.Sample {
			cell := grid.Cell{Col: int64(v[0]), Row: int64(v[1])}
			if math.Abs(at[cell]-v[2]) > 2e-5*v[2]+1e-6 {
				t.Errorf("%s %s: mean %.9g, referee %.9g", g, cell, at[cell], v[2])
			}
		}
	}
	if n != 3 {
		t.Errorf("%d cases", n)
	}
}

// TestExtent: an inventory's own ground can be the region.
func TestExtent(t *testing.T) {
	for _, c := range []struct {
		spec       Spec
		file       string
		cells      int // 1 km cells of EPSG:27700 with their center in the source
		totalShare float64
	}{
		{Spec{Attribute: "all_2019", Units: "tCO2"}, "london/laei2019_co2_all_sources.shp", 2466, 0.999},
		{Spec{Units: "tCO2"}, "london/laei2019_co2_tonnes_1km_27700.tif", 61 * 52, 1 - 1e-9},
	} {
		c.spec.Path = sharedData(t, c.file)
		ctx := context.Background()
		shapes, crs, err := Extent(ctx, c.spec)
		if err != nil {
			t.Fatal(err)
		}
		g := mustGrid(t, grid.Spec{Scheme: grid.Projected, EPSG: 27700})
		cells, err := g.InPolygons(ctx, shapes, crs)
		if err != nil {
			t.Fatal(err)
		}
		last := 0.0
		res, err := Load(ctx, c.spec, g, cells, func(f float64) {
			if f < last || f > 1 {
				t.Errorf("progress went from %g to %g", last, f)
			}
			last = f
		})
		if err != nil {
			t.Fatal(err)
		}
		if last != 1 {
			t.Errorf("progress ended at %g", last)
		}
		if len(cells) != c.cells || res.Report.Regridded < c.totalShare*29064344 || res.Report.Regridded > 29064344.2 {
			t.Errorf("%s: %d cells, %.1f t", c.file, len(cells), res.Report.Regridded)
		}
	}
}
