package grid

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

func mustGrid(t testing.TB, s Spec) *Grid {
	t.Helper()
	g, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func mustMeasure(t testing.TB, g *Grid) *Measure {
	t.Helper()
	m, err := g.NewMeasure()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

var (
	xyz15   = Spec{Scheme: XYZ, Zoom: 15}
	odiac   = Spec{Scheme: Degrees}
	british = Spec{Scheme: Projected, EPSG: 27700}
	utm33   = Spec{Scheme: Projected, EPSG: 32633, CellMetres: 500}
)

// TestTileNumbers uses tiles that the Tokyo mosaic's README states and the
// formula of the OpenStreetMap wiki ("Slippy map tilenames").
func TestTileNumbers(t *testing.T) {
	for _, c := range []struct {
		zoom     int
		lon, lat float64
		col, row int64
	}{
		{15, 139.3946, 35.9602, 29072, 12872}, // just inside the upper left corner of the Tokyo mosaic
		{15, 139.7671, 35.6812, 29105, 12903}, // Tokyo station
		{15, -0.1276, 51.5072, 16372, 10896},  // London
		{1, -179, 80, 0, 0},
		{1, 1, -1, 1, 1},
		{10, 13.4, 52.5, 550, 335}, // Berlin
	} {
		g := mustGrid(t, Spec{Scheme: XYZ, Zoom: c.zoom})
		x, y := c.lon*math.Pi/180*mercatorRadius, mercatorRadius*math.Asinh(math.Tan(c.lat*math.Pi/180))
		if got := g.At(x, y); got != (Cell{c.col, c.row}) {
			t.Errorf("zoom %d, %g %g: tile %s, want %d_%d", c.zoom, c.lon, c.lat, got, c.col, c.row)
		}
	}
}

// TestODIACCells: cell (0, 0) of the default degrees grid is ODIAC's first pixel,
// and its edges are the raster's to the last bit that 1/120 allows.
func TestODIACCells(t *testing.T) {
	for _, edge := range []float64{0, 1.0 / 120, 0.0083333333, 0.008333333333333} {
		g := mustGrid(t, Spec{Scheme: Degrees, CellDegrees: edge})
		if a, b, c, d := g.Bounds(Cell{0, 0}); a != -180 || d != 90 || math.Abs(c+180-1.0/120) > 1e-12 || math.Abs(90-b-1.0/120) > 1e-12 {
			t.Errorf("first cell %g %g %g %g", a, b, c, d)
		}
		if x, _ := g.FromUnits(21600, 0); x != 0 {
			t.Errorf("%g: column 21600 starts at %g, not at Greenwich", edge, x)
		}
		if !g.Valid(Cell{43199, 21599}) || g.Valid(Cell{43200, 0}) || g.Valid(Cell{0, 21600}) || g.Valid(Cell{-1, 0}) {
			t.Errorf("%g: the globe has 43200 x 21600 cells", edge)
		}
	}
}

func TestRoundTrips(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, s := range []Spec{xyz15, odiac, british, utm33, {Scheme: Degrees, CellDegrees: 0.0137}, {Scheme: Projected, EPSG: 2263}} {
		g := mustGrid(t, s)
		for range 2000 {
			c := Cell{rng.Int64N(20000), rng.Int64N(10000)}
			if s.Scheme == Projected {
				c.Row -= 9000
			}
			if x, y := g.Center(c); g.At(x, y) != c {
				t.Fatalf("%s: the center of %s lies in %s", g, c, g.At(x, y))
			}
			minX, minY, maxX, maxY := g.Bounds(c)
			_, _, eastX, _ := g.Bounds(Cell{c.Col - 1, c.Row})
			_, southY, _, _ := g.Bounds(Cell{c.Col, c.Row - 1})
			if minX != eastX || maxY != southY || minX >= maxX || minY >= maxY {
				t.Fatalf("%s: cell %s does not meet its neighbors", g, c)
			}
			u, v := g.Units((minX+maxX)/2, (minY+maxY)/2)
			if math.Abs(u-float64(c.Col)-0.5) > 1e-6 || math.Abs(v-float64(c.Row)-0.5) > 1e-6 {
				t.Fatalf("%s: units of %s: %g %g", g, c, u, v)
			}
		}
	}
}

// TestRowsGrowSouthward pins the sign of rows in every scheme.
func TestRowsGrowSouthward(t *testing.T) {
	for _, s := range []Spec{xyz15, odiac, british} {
		g := mustGrid(t, s)
		_, _, _, north := g.Bounds(Cell{5, 5})
		_, _, _, south := g.Bounds(Cell{5, 6})
		if south >= north {
			t.Errorf("%s: row 6 is not south of row 5", g)
		}
	}
	if c := mustGrid(t, british).At(530500, 180500); c != (Cell{530, -181}) {
		t.Errorf("London's cell is %s, want 530_-181", c)
	}
}

// TestAreasAgainstGeographicLib compares with pyproj's Geod (GeographicLib) on
// densified outlines: the numbers come from referee.py of data/emissions.
func TestAreasAgainstGeographicLib(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "emissions", "testdata", "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Areas []struct {
			Scheme        string
			Value         float64
			CRS           string
			Col, Row      int64
			Km2, Lon, Lat float64
		}
	}
	if err := json.Unmarshal(b, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Areas) < 12 {
		t.Fatalf("only %d cells", len(golden.Areas))
	}
	for _, a := range golden.Areas {
		s := Spec{Scheme: a.Scheme}
		switch a.Scheme {
		case XYZ:
			s.Zoom = int(a.Value)
		case Degrees:
			s.CellDegrees = a.Value
		default:
			s.CellMetres = a.Value
			s.EPSG, _ = strconv.Atoi(strings.TrimPrefix(a.CRS, "EPSG:"))
		}
		g := mustGrid(t, s)
		m := mustMeasure(t, g)
		c := []Cell{{a.Col, a.Row}}
		areas, err := m.Areas(c)
		if err != nil {
			t.Fatal(err)
		}
		if rel := math.Abs(areas[0]/a.Km2 - 1); rel > 1e-6 {
			t.Errorf("%s %s: %.9g km2, GeographicLib %.9g (off by %.1e)", g, c[0], areas[0], a.Km2, rel)
		}
		lon, lat, err := m.Centers(c)
		if err != nil || math.Abs(lon[0]-a.Lon) > 1e-9 || math.Abs(lat[0]-a.Lat) > 1e-9 {
			t.Errorf("%s %s: center %.10f %.10f, pyproj %.10f %.10f (%v)", g, c[0], lon[0], lat[0], a.Lon, a.Lat, err)
		}
		ring := [][2]float64{{0, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 0}}
		for i := range ring {
			ring[i][0] += float64(a.Col)
			ring[i][1] += float64(a.Row)
		}
		if got := m.RingUnitsArea(ring); math.Abs(got/a.Km2-1) > 2e-6 {
			t.Errorf("%s %s: the cell as a ring has %.9g km2, want %.9g", g, c[0], got, a.Km2)
		}
	}
}

// TestEarth: the cells of the globe add up to the ellipsoid, 510,065,622 km2.
func TestEarth(t *testing.T) {
	const earth = 510065621.724 // GeographicLib 2.1, WGS84
	g := mustGrid(t, Spec{Scheme: Degrees, CellDegrees: 1})
	var cells []Cell
	for r := range int64(180) {
		for c := range int64(360) {
			cells = append(cells, Cell{c, r})
		}
	}
	areas, err := mustMeasure(t, g).Areas(cells)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, a := range areas {
		sum += a
	}
	if math.Abs(sum/earth-1) > 1e-9 {
		t.Errorf("%.3f km2", sum)
	}
}

// TestAreasAddUp: the cells of a block have the area of its outline.
func TestAreasAddUp(t *testing.T) {
	for _, c := range []struct {
		spec Spec
		at   Cell
	}{{xyz15, Cell{29072, 12872}}, {odiac, Cell{38000, 5400}}, {british, Cell{500, -204}}, {utm33, Cell{760, -11640}}} {
		g := mustGrid(t, c.spec)
		m := mustMeasure(t, g)
		const n = 24
		var cells []Cell
		for r := range int64(n) {
			for k := range int64(n) {
				cells = append(cells, Cell{c.at.Col + k, c.at.Row + r})
			}
		}
		areas, err := m.Areas(cells)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, a := range areas {
			sum += a
		}
		var x, y []float64
		for i := range 4 * 200 {
			f := float64(i%200) / 200 * n
			p := [4][2]float64{{f, 0}, {n, f}, {n - f, n}, {0, n - f}}[i/200]
			px, py := g.FromUnits(float64(c.at.Col)+p[0], float64(c.at.Row)+p[1])
			x, y = append(x, px), append(y, py)
		}
		x, y = append(x, x[0]), append(y, y[0])
		tr, err := raster.NewTransform(g.CRS(), WGS84())
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Points(x, y); err != nil {
			t.Fatal(err)
		}
		tr.Close()
		if whole := RingArea(x, y); math.Abs(sum/whole-1) > 1e-7 {
			t.Errorf("%s: cells %.9g km2, outline %.9g", g, sum, whole)
		}
	}
}

func TestOutlineIn(t *testing.T) {
	g := mustGrid(t, british)
	c := Cell{530, -181}
	bounds := func(crs *raster.CRS) (minX, minY, maxX, maxY float64) {
		ring, err := g.OutlineIn(c, crs, 16)
		if err != nil {
			t.Fatal(err)
		}
		minX, minY, maxX, maxY, _ = raster.Geometry{Points: ring}.Bounds()
		return minX, minY, maxX, maxY
	}
	w, s, e, n := bounds(WGS84())
	// gdaltransform -s_srs EPSG:27700 -t_srs EPSG:4326 on the four corners.
	if math.Abs(w+0.128353940479469) > 1e-9 || math.Abs(e+0.113583165176543) > 1e-9 || math.Abs(s-51.5037601400766) > 1e-9 || math.Abs(n-51.5129774765924) > 1e-9 {
		t.Errorf("bounds %.6f %.6f %.6f %.6f", w, s, e, n)
	}
	minX, minY, maxX, maxY := bounds(g.CRS())
	if minX != 530000 || maxX != 531000 || minY != 180000 || maxY != 181000 {
		t.Errorf("own bounds %g %g %g %g", minX, minY, maxX, maxY)
	}
}

func TestBadSpecs(t *testing.T) {
	for name, c := range map[string]struct {
		spec Spec
		want string
	}{
		"scheme":          {Spec{Scheme: "hexagons"}, "xyz, degrees or projected"},
		"zoom":            {Spec{Scheme: XYZ, Zoom: 40}, "1 to 24"},
		"negative zoom":   {Spec{Scheme: XYZ, Zoom: -1}, "1 to 24"},
		"degrees":         {Spec{Scheme: Degrees, CellDegrees: -1}, "cell_degrees"},
		"NaN degrees":     {Spec{Scheme: Degrees, CellDegrees: math.NaN()}, "cell_degrees"},
		"no EPSG":         {Spec{Scheme: Projected}, "epsg"},
		"unknown EPSG":    {Spec{Scheme: Projected, EPSG: 999999}, "EPSG code"},
		"geographic EPSG": {Spec{Scheme: Projected, EPSG: 4326}, "counts in degrees"},
		"metres":          {Spec{Scheme: Projected, EPSG: 27700, CellMetres: -5}, "cell_metres"},
	} {
		if _, err := New(c.spec); !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func TestInBBoxTokyo(t *testing.T) {
	g := mustGrid(t, xyz15)
	// The mosaic's 64 x 64 tiles, a hair inside.
	w, _, _, n := g.Bounds(Cell{29072, 12872})
	_, s, e, _ := g.Bounds(Cell{29072 + 63, 12872 + 63})
	b := BBox{West: w / mercatorRadius * 180 / math.Pi, East: e / mercatorRadius * 180 / math.Pi, South: mercatorLat(s), North: mercatorLat(n)}
	cells, err := g.InBBox(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	if len(cells) != 4096 || cells[0] != (Cell{29072, 12872}) || cells[1] != (Cell{29073, 12872}) || cells[4095] != (Cell{29135, 12935}) {
		t.Errorf("%d cells from %s to %s", len(cells), cells[0], cells[len(cells)-1])
	}
}
