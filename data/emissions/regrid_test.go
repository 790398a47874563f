package emissions

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

var gridsHere = []grid.Spec{
	{Scheme: grid.XYZ, Zoom: 15},
	{Scheme: grid.XYZ, Zoom: 12}, // cells larger than the pixels
	{Scheme: grid.Degrees},
	{Scheme: grid.Degrees, CellDegrees: 0.0031},
	{Scheme: grid.Projected, EPSG: 32632, CellMetres: 700},
	{Scheme: grid.Projected, EPSG: 3035, CellMetres: 1500},
}

// TestMassIsKept spreads rasters in several CRSs, turned ones too, over several
// grids: whatever the pair, the sum stays.
func TestMassIsKept(t *testing.T) {
	path := inDir(t)
	rng := rand.New(rand.NewPCG(3, 4))
	for name, s := range map[string]raster.Spec{
		"degrees":        {CRS: mustCRS(t, "EPSG:4326"), GeoTransform: raster.North(10, 50, 0.013, 0.009)},
		"south-up":       {CRS: mustCRS(t, "EPSG:4326"), GeoTransform: [6]float64{10, 0.01, 0, 49.9, 0, 0.01}},
		"turned":         {CRS: mustCRS(t, "EPSG:32632"), GeoTransform: [6]float64{570000, 800, 300, 5540000, -300, 800}},
		"mercator":       {CRS: mustCRS(t, "EPSG:3857"), GeoTransform: raster.North(1113194, 6446275, 1300, 900)},
		"laea":           {CRS: mustCRS(t, "EPSG:3035"), GeoTransform: raster.North(4320000, 2990000, 1000, 1000)},
		"coarse":         {CRS: mustCRS(t, "EPSG:4326"), GeoTransform: raster.North(10, 50, 0.1, 0.1), Width: 2, Height: 1},
		"0 to 360":       {CRS: mustCRS(t, "EPSG:4326"), GeoTransform: raster.North(370, 50, 0.01, 0.01)},
		"another datum ": {CRS: mustCRS(t, "EPSG:31467"), GeoTransform: raster.North(3570000, 5540000, 900, 900)},
	} {
		s.DType = raster.Float64
		if s.Width == 0 {
			s.Width, s.Height = 14, 11
		}
		file := path(strings.ReplaceAll(name, " ", "") + ".tif")
		total := 0.0
		writeTIFF(t, file, s, func(_, _, _ int) float64 {
			v := math.Exp(rng.NormFloat64() * 3)
			total += v
			return v
		})
		for _, gs := range gridsHere {
			g := mustGrid(t, gs)
			res := mustLoad(t, Spec{Path: file, Units: "tCO2"}, g, mustCells(t, g, grid.BBox{West: 9.8, South: 49.7, East: 10.4, North: 50.2}))
			sum := 0.0
			for _, v := range res.Values {
				if !math.IsNaN(v) {
					sum += v
				}
			}
			if math.Abs(sum/total-1) > 1e-9 || math.Abs(res.Report.SourceTotal/total-1) > 1e-9 {
				t.Errorf("%s on %s: %.12g of %.12g t (report: %.12g)", name, g, sum, total, res.Report.SourceTotal)
			}
		}
	}
}

// TestRegionIsPartOfSource: the cells of a region and of its complement share the
// source's total, and a uniform density gives each cell its own area.
func TestRegionIsPartOfSource(t *testing.T) {
	path := inDir(t)
	file := path("a.tif")
	writeTIFF(t, file, raster.Spec{Width: 40, Height: 40, DType: raster.Float64, CRS: mustCRS(t, "EPSG:32632"), GeoTransform: raster.North(560000, 5550000, 1000, 1000)},
		func(_, c, r int) float64 { return float64(c*r + 1) })
	for _, gs := range gridsHere {
		g := mustGrid(t, gs)
		all := mustCells(t, g, grid.BBox{West: 9.5, South: 49.4, East: 10.8, North: 50.5})
		var in, out []grid.Cell
		for _, c := range all {
			if (c.Col*31+c.Row*17)%3 == 0 {
				in = append(in, c)
			} else {
				out = append(out, c)
			}
		}
		s := Spec{Path: file, Units: "tCO2"}
		whole, a, b := mustLoad(t, s, g, all), mustLoad(t, s, g, in), mustLoad(t, s, g, out)
		if sum := a.Report.Regridded + b.Report.Regridded; math.Abs(sum/whole.Report.Regridded-1) > 1e-10 {
			t.Errorf("%s: %g + %g is not %g", g, a.Report.Regridded, b.Report.Regridded, whole.Report.Regridded)
		}
		if r := a.Report; math.Abs((r.InRegion+r.Outside)/r.SourceTotal-1) > 1e-12 || math.Abs(r.InRegion/r.Regridded-1) > 1e-9 || r.Outside <= 0 {
			t.Errorf("%s: the report does not add up: %+v", g, r)
		}
		at := map[grid.Cell]float64{}
		for i, c := range all {
			at[c] = whole.Values[i]
		}
		for i, c := range in {
			if v := a.Values[i]; math.IsNaN(v) != math.IsNaN(at[c]) || math.Abs(v-at[c]) > 1e-9*at[c] {
				t.Fatalf("%s: cell %s depends on the list: %g and %g", g, c, v, at[c])
			}
		}
	}
}

// TestDensities: a uniform 5 t/km2 is five times the cell's area, per m2 a
// million times that, and a proxy's mean is the value itself.
func TestDensities(t *testing.T) {
	path := inDir(t)
	file, shapes := path("a.tif"), path("a.geojson")
	writeTIFF(t, file, box(t), func(_, _, _ int) float64 { return 5 })
	writeJSON(t, shapes, [2]string{"[[[10,50],[10.1,50],[10.1,49.9166667],[10,49.9166667],[10,50]]]", "5"})
	for _, gs := range gridsHere {
		g := mustGrid(t, gs)
		cells := mustCells(t, g, aroundBox)
		m, err := g.NewMeasure()
		if err != nil {
			t.Fatal(err)
		}
		areas, err := m.Areas(cells)
		if err != nil {
			t.Fatal(err)
		}
		m.Close()
		for _, c := range []struct {
			spec   Spec
			factor float64 // t per km2
		}{
			{Spec{Path: file, Units: "tCO2", Per: "km2"}, 5},
			{Spec{Path: file, Units: "gCO2", Per: "m2"}, 5},
			{Spec{Path: file, Units: "kgC", Per: "m2", Period: "day"}, 5 * 1000 * 44. / 12 * 365},
			{Spec{Path: shapes, Attribute: "amount", Units: "tCO2", Per: "km2"}, 5},
			{Spec{Path: file, Units: "proxy"}, 0},
			{Spec{Path: shapes, Attribute: "amount", Units: "proxy"}, 0},
		} {
			res := mustLoad(t, c.spec, g, cells)
			full := 0
			for i, cover := range res.Coverage {
				if c.spec.Units == "proxy" {
					if cover > 0 && math.Abs(res.Values[i]-5) > 1e-9 {
						t.Fatalf("%s: mean of fives is %g", g, res.Values[i])
					}
				} else if cover > 0 {
					// the areal scale of a projected grid is interpolated: 1e-6
					if want := c.factor * areas[i] * cover; math.Abs(res.Values[i]/want-1) > 1e-9 {
						t.Fatalf("%s %+v: cell %s %.9g, want %.9g", g, c.spec, cells[i], res.Values[i], want)
					}
				}
				if cover > 0.9999999 {
					full++
					if cover > 1.000002 {
						t.Fatalf("%s: coverage %.9f", g, cover)
					}
				}
				if math.IsNaN(res.Values[i]) != (cover == 0) {
					t.Fatalf("%s: value %g with coverage %g", g, res.Values[i], cover)
				}
			}
			if full == 0 && gs.Zoom != 12 {
				t.Errorf("%s: no cell is covered wholly", g)
			}
		}
	}
}

// TestProxyMean: a proxy is averaged by area, not added.
func TestProxyMean(t *testing.T) {
	path := inDir(t)
	file := path("a.tif")
	writeTIFF(t, file, box(t), func(_, c, _ int) float64 { return float64(c % 2 * 10) })
	g := mustGrid(t, grid.Spec{Scheme: grid.Degrees, CellDegrees: 1.0 / 60}) // 2 x 2 pixels each
	res := mustLoad(t, Spec{Path: file, Units: "proxy"}, g, mustCells(t, g, grid.BBox{West: 10, South: 49.95, East: 10.05, North: 50}))
	for i, v := range res.Values {
		if math.Abs(v-5) > 1e-9 {
			t.Errorf("cell %d: mean %g, want 5", i, v)
		}
	}
}

// TestUnits: one cell of 120 in each unit.
func TestUnits(t *testing.T) {
	path := inDir(t)
	file := path("a.tif")
	s := box(t)
	s.Bands = 3
	writeTIFF(t, file, s, func(b, _, _ int) float64 { return float64(120 * b) })
	g := mustGrid(t, grid.Spec{Scheme: grid.Degrees})
	cell := []grid.Cell{g.At(10.004, 49.996)}
	for _, c := range []struct {
		spec Spec
		want float64
	}{
		{Spec{Units: "tCO2"}, 120},
		{Spec{Units: "tC"}, 440},
		{Spec{Units: "kgC"}, 0.44},
		{Spec{Units: "kgCO2"}, 0.12},
		{Spec{Units: "gCO2"}, 0.00012},
		{Spec{Units: "gC"}, 0.00044},
		{Spec{Units: "MtC"}, 440e6},
		{Spec{Units: "GgCO2"}, 120e3},
		{Spec{Units: "PgC"}, 440e9},
		{Spec{Units: "molCO2"}, 120 * 44.0095e-6},
		{Spec{Units: "umolC"}, 120 * 44.0095e-12},
		{Spec{Units: "kgCO2", Per: "m2", Period: "second", Bands: []int{1}}, 0}, // per area: below
		{Spec{Units: "tCO2", Bands: []int{2}}, 240},
		{Spec{Units: "tCO2", Bands: []int{1, 2, 3}}, 720},
		{Spec{Units: "tCO2", Period: "month", MissingMonths: "scale", Bands: []int{1}}, 1440},
		{Spec{Units: "tCO2", Period: "month", MissingMonths: "scale", Bands: []int{1, 3}}, 480 * 6},
		{Spec{Units: "tCO2", Period: "day", Bands: []int{1}}, 120 * 365},
		{Spec{Units: "tCO2", Period: "hour", Bands: []int{1, 2, 3}}, 720 * 8760 / 3},
		{Spec{Units: "proxy"}, 120},
	} {
		c.spec.Path = file
		if c.want == 0 { // kg m-2 s-1
			area, err := mustMeasure(t, g).Areas(cell)
			if err != nil {
				t.Fatal(err)
			}
			c.want = 0.12 * 1e6 * area[0] * 365 * 86400
		}
		if got := mustLoad(t, c.spec, g, cell).Values[0]; math.Abs(got/c.want-1) > 1e-9 {
			t.Errorf("%+v: %g, want %g", c.spec, got, c.want)
		}
	}
}

// TestGaps: nodata, NaN, infinite and negative numbers are left out and counted;
// zero is kept.
func TestGaps(t *testing.T) {
	path := inDir(t)
	file := path("a.tif")
	nodata := -9999.0
	s := box(t)
	s.Nodata, s.Bands = &nodata, 2
	special := map[int]float64{0: nodata, 1: math.NaN(), 2: -4, 3: 0, 4: math.Inf(1), 5: 7}
	writeTIFF(t, file, s, func(b, c, r int) float64 {
		v, ok := special[c]
		switch {
		case r != 4 || !ok:
			return 1
		case c == 5 && b == 2:
			return nodata // a gap in one band only
		}
		return v
	})
	g := mustGrid(t, grid.Spec{Scheme: grid.Degrees})
	var cells []grid.Cell
	for c := range int64(12) {
		cells = append(cells, grid.Cell{Col: 22800 + c, Row: 4804})
	}
	res := mustLoad(t, Spec{Path: file, Units: "tCO2", Bands: []int{1, 2}}, g, cells)
	for i := range cells {
		v := res.Values[i]
		want := 2.0
		switch i {
		case 0, 1, 2, 4:
			want = math.NaN()
		case 3:
			want = 0
		case 5:
			want = 7
		}
		if math.IsNaN(v) != math.IsNaN(want) || math.Abs(v-want) > 1e-9 {
			t.Errorf("cell %d: %g, want %g", i, v, want)
		}
	}
	r := res.Report
	if r.Nodata != 4 || r.Negative != 2 || r.NegativeSum != -8 || r.Partial != 1 || r.EmptyCells != 4 || r.ZeroCells != 1 || r.Zero != 1 {
		t.Errorf("counts are wrong: %+v", r)
	}
	for _, want := range []string{"4 cells without a valid source", "2 negative numbers left out", "1 source pixels with gaps"} {
		if !strings.Contains(r.String(), want) {
			t.Errorf("the report does not say %q:\n%s", want, r)
		}
	}
}

// TestOddPolygons: invalid, flat, empty and many-part shapes keep their mass or
// are reported.
func TestOddPolygons(t *testing.T) {
	path := inDir(t)
	g := mustGrid(t, grid.Spec{Scheme: grid.XYZ, Zoom: 15})
	cells := mustCells(t, g, aroundBox)
	for name, c := range map[string]struct {
		shape  string
		total  float64
		report func(Report) bool
	}{
		"plain":          {"[[[10,50],[10.02,50],[10.02,49.98],[10,50]]]", 100, func(r Report) bool { return r.Valid == 1 && r.Repaired == 0 }},
		"clockwise":      {"[[[10,50],[10.02,49.98],[10.02,50],[10,50]]]", 100, func(r Report) bool { return r.Valid == 1 }},
		"hole":           {"[[[10,50],[10.04,50],[10.04,49.96],[10,49.96],[10,50]],[[10.01,49.99],[10.01,49.97],[10.03,49.97],[10.03,49.99],[10.01,49.99]]]", 100, func(r Report) bool { return r.Valid == 1 && r.Repaired == 0 }},
		"two parts":      {"[[[[10,50],[10.02,50],[10.02,49.98],[10,50]]],[[[10.1,50],[10.12,50],[10.12,49.98],[10.1,50]]]]", 100, func(r Report) bool { return r.Valid == 1 }},
		"bow-tie":        {"[[[10,50],[10.02,49.98],[10.02,50],[10,49.98],[10,50]]]", 100, func(r Report) bool { return r.Repaired == 1 && r.Valid == 1 }},
		"overlap":        {"[[[[10,50],[10.02,50],[10.02,49.98],[10,49.98],[10,50]]],[[[10.01,50],[10.03,50],[10.03,49.98],[10.01,49.98],[10.01,50]]]]", 100, func(r Report) bool { return r.Repaired == 1 }},
		"a line":         {"[[[10,50],[10.02,50],[10,50],[10,50]]]", 100, func(r Report) bool { return r.Degenerate == 1 }},
		"partly outside": {"[[[10.1,49.95],[10.3,49.95],[10.3,49.9],[10.1,49.9],[10.1,49.95]]]", 50, func(r Report) bool { return math.Abs(r.Outside-50) < 3 && r.SourceTotal == 100 }},
	} {
		file := path(strings.ReplaceAll(name, " ", "") + ".geojson")
		writeJSON(t, file, [2]string{c.shape, "100"})
		res := mustLoad(t, Spec{Path: file, Attribute: "amount", Units: "tCO2"}, g, cells)
		tol := 1e-9
		if name == "partly outside" {
			tol = 3 // cells are taken by their center
		}
		if r := res.Report; math.Abs(r.Regridded-c.total) > tol || !c.report(r) {
			t.Errorf("%s: %g t, report %+v", name, r.Regridded, r)
		}
	}
	file := path("mixed.geojson")
	writeJSON(t, file, [2]string{"[[[10,50],[10.02,50],[10.02,49.98],[10,50]]]", "3"}, [2]string{"", "5"}, [2]string{"[10,50]", "7"},
		[2]string{"[[[10,50],[10.02,50],[10.02,49.98],[10,50]]]", "null"}, [2]string{"[[[10,50],[10.02,50],[10.02,49.98],[10,50]]]", "-2"})
	r := mustLoad(t, Spec{Path: file, Attribute: "amount", Units: "tCO2"}, g, cells).Report
	if r.Elements != 5 || r.Valid != 1 || r.Unplaced != 2 || r.UnplacedMass != 12 || r.Nodata != 1 || r.Negative != 1 || r.NegativeSum != -2 {
		t.Errorf("counts are wrong: %+v", r)
	}
}

// TestHoleIsEmpty: nothing may land in a polygon's hole.
func TestHoleIsEmpty(t *testing.T) {
	file := inDir(t)("a.geojson")
	writeJSON(t, file, [2]string{"[[[10,50],[10.05,50],[10.05,49.95],[10,49.95],[10,50]],[[10.0166666,49.9833334],[10.0333334,49.9833334],[10.0333334,49.9666666],[10.0166666,49.9666666],[10.0166666,49.9833334]]]", "100"})
	g := mustGrid(t, grid.Spec{Scheme: grid.Degrees})
	res := mustLoad(t, Spec{Path: file, Attribute: "amount", Units: "tCO2"}, g, []grid.Cell{g.At(10.02, 49.98), g.At(10.004, 49.996)})
	if !math.IsNaN(res.Values[0]) {
		t.Errorf("the hole holds %g", res.Values[0])
	}
	// 36 cells less 4: each about 100/32, a little more in the south.
	if math.Abs(res.Values[1]-100.0/32) > 0.01 {
		t.Errorf("the rim holds %g", res.Values[1])
	}
}

// TestGlobal takes a region from a whole-earth ODIAC file (43200 x 21600, sparse)
// without reading the earth, in another file's company.
func TestGlobal(t *testing.T) {
	path := inDir(t)
	s := raster.Spec{Width: 43200, Height: 21600, CRS: mustCRS(t, "EPSG:4326"), GeoTransform: raster.North(-180, 90, 1.0/120, 1.0/120), Tiled: true, Options: map[string]string{"SPARSE_OK": "TRUE"}}
	for _, month := range []string{"01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"} {
		w, err := raster.Create(path("odiac2022_1km_excl_intl_18"+month+".tif"), s)
		if err != nil {
			t.Fatal(err)
		}
		data := make([]float32, 24*24)
		for i := range data {
			data[i] = 3
		}
		if err := raster.Write(w, 1, 38371, 6516, 24, 24, data); err != nil { // Tokyo station is at 139.767 E, 35.681 N
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	g := mustGrid(t, grid.Spec{Scheme: grid.XYZ, Zoom: 15})
	cells := mustCells(t, g, grid.BBox{West: 139.6, South: 35.4, East: 140.1, North: 35.8})
	res := mustLoad(t, Spec{Path: path("odiac2022_1km_excl_intl_18??.tif"), Units: "tC", Period: "month"}, g, cells)
	want := 24 * 24 * 3 * 12 * 44.0 / 12
	if r := res.Report; math.Abs(r.Regridded/want-1) > 1e-9 || len(r.Files) != 12 || r.YearFactor != 1 || r.Elements > 10000 {
		t.Errorf("%g t, want %g: %+v", r.Regridded, want, r)
	}
}

func TestCancelled(t *testing.T) {
	path := inDir(t)
	file, shapes := path("a.tif"), path("a.geojson")
	writeTIFF(t, file, box(t), func(_, _, _ int) float64 { return 1 })
	writeJSON(t, shapes, [2]string{"[[[10,50],[10.02,50],[10.02,49.98],[10,50]]]", "3"})
	g := mustGrid(t, grid.Spec{})
	cells := mustCells(t, g, aroundBox)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, s := range []Spec{{Path: file, Units: "tC"}, {Path: shapes, Attribute: "amount", Units: "tC"}} {
		if _, err := Load(ctx, s, g, cells, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", s.Path, err)
		}
	}
}

// TestScaleAndOffset: packed integers are unpacked before they are added.
func TestScaleAndOffset(t *testing.T) {
	file := inDir(t)("a.tif")
	writeTIFF(t, file, box(t), func(_, _, _ int) float64 { return 3 })
	vrt := strings.TrimSuffix(file, ".tif") + ".vrt"
	translate(t, file, vrt, "-a_scale", "0.5", "-a_offset", "10")
	g := mustGrid(t, grid.Spec{Scheme: grid.Degrees})
	res := mustLoad(t, Spec{Path: vrt, Units: "tCO2"}, g, []grid.Cell{g.At(10.004, 49.996)})
	if math.Abs(res.Values[0]-11.5) > 1e-9 {
		t.Errorf("3 * 0.5 + 10 gave %g", res.Values[0])
	}
}
