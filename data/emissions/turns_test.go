package emissions

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// around returns the cells of a grid between two longitudes, of which the first
// may be the greater: across 180 degrees.
func around(t testing.TB, g *grid.Grid, west, south, east, north float64) []grid.Cell {
	t.Helper()
	if west < east {
		return mustCells(t, g, grid.BBox{West: west, South: south, East: east, North: north})
	}
	cells := append(mustCells(t, g, grid.BBox{West: west, South: south, East: 180, North: north}),
		mustCells(t, g, grid.BBox{West: -180, South: south, East: east, North: north})...)
	grid.Sort(cells)
	return slices.Compact(cells)
}

// field is an emission that depends on the place only.
func field(lon, lat float64) float64 {
	return 1000 * (2 + math.Sin(lon*7*math.Pi/180)) * (2 + math.Cos(lat*5))
}

var regionsAround = map[string][4]float64{
	"Greenwich":       {-2.2, 50.1, 1.7, 52},
	"180 degrees":     {177.3, -19.2, -178.1, -16},
	"East of both":    {10, 40, 12, 42},
	"the rim at 180":  {178, 0, 180, 2},
	"the rim at -180": {-180, 0, -178, 2},
}

var gridsAround = map[string]grid.Spec{
	"degrees":     {Scheme: grid.Degrees, CellDegrees: 0.1},
	"odd degrees": {Scheme: grid.Degrees, CellDegrees: 0.3},
	"xyz":         {Scheme: grid.XYZ, Zoom: 11},
}

// sameResult compares two results cell by cell.
func sameResult(t *testing.T, name string, got, want *Result, tolerance float64) {
	t.Helper()
	for i := range want.Values {
		if math.IsNaN(got.Values[i]) && math.IsNaN(want.Values[i]) {
			continue
		}
		if !(math.Abs(got.Values[i]-want.Values[i]) <= tolerance*math.Abs(want.Values[i])) || !(math.Abs(got.Coverage[i]-want.Coverage[i]) <= tolerance) {
			t.Errorf("%s: cell %d has %g of %g, want %g of %g", name, i, got.Values[i], got.Coverage[i], want.Values[i], want.Coverage[i])
			return
		}
	}
	for _, v := range [][2]float64{{got.Report.SourceTotal, want.Report.SourceTotal}, {got.Report.InRegion, want.Report.InRegion}, {got.Report.Regridded, want.Report.Regridded}} {
		if !(math.Abs(v[0]-v[1]) <= tolerance*v[1]) {
			t.Errorf("%s: the report says %+v, want %+v", name, got.Report, want.Report)
			return
		}
	}
	if got.Report.Valid != want.Report.Valid || got.Report.Unplaced != 0 {
		t.Errorf("%s: %d valid and %d without a place, want %d", name, got.Report.Valid, got.Report.Unplaced, want.Report.Valid)
	}
}

// TestTurns: a raster round the earth gives the same, wherever it is cut: at 180
// degrees, at Greenwich, elsewhere, through the middle of a pixel.
func TestTurns(t *testing.T) {
	path := inDir(t)
	cuts := []float64{-180, 0, 180, -360, 100, -180.25, -0.25, 179.75}
	for _, west := range cuts {
		s := raster.Spec{Width: 720, Height: 360, DType: raster.Float64, CRS: mustCRS(t, "EPSG:4326"), GeoTransform: raster.North(west, 90, 0.5, 0.5)}
		writeTIFF(t, path(fmt.Sprint(west)), s, func(_, c, r int) float64 { return field(west+0.5*float64(c)+0.25, 90-0.5*float64(r)-0.25) })
	}
	for region, b := range regionsAround {
		for scheme, gs := range gridsAround {
			g := mustGrid(t, gs)
			cells := around(t, g, b[0], b[1], b[2], b[3])
			var want *Result
			for k, west := range cuts {
				against := cuts[0]
				if k >= 5 { // pixels of their own
					against = cuts[5]
				}
				spec := Spec{Path: path(fmt.Sprint(west)), Units: "tCO2", Per: []string{"cell", "km2"}[len(region)%2]}
				got := mustLoad(t, spec, g, cells)
				if west == against {
					want = got
				}
				sameResult(t, fmt.Sprintf("%s, %s, cut at %g", region, scheme, west), got, want, 1e-7)
				if want.Report.EmptyCells > 0 {
					t.Fatalf("%s, %s: %d cells without a source", region, scheme, want.Report.EmptyCells)
				}
			}
		}
	}
}

// TestTurnsOfPolygons: polygons in longitudes from -180 to 180, from 0 to 360,
// and such as cross 180 degrees in one piece, with a hole.
func TestTurnsOfPolygons(t *testing.T) {
	path := inDir(t)
	ring := func(west, south, size float64) string {
		var p []string
		for _, d := range [][2]float64{{0, 0}, {size, 0}, {size, size}, {0, size}, {0, 0}} {
			p = append(p, fmt.Sprintf("[%g,%g]", west+d[0], south+d[1]))
		}
		return "[" + strings.Join(p, ",") + "]"
	}
	write := func(name string, turn func(lon float64) float64, offset float64) {
		var features [][2]string
		for lon := -180.0; lon < 180; lon += 1 {
			for _, lat := range []float64{-19, -18, -17, 50, 51} {
				w := turn(lon + offset)
				features = append(features, [2]string{"[" + ring(w, lat, 1) + "," + ring(w+0.25, lat+0.25, 0.5) + "]", fmt.Sprint(field(lon+offset, lat))})
			}
		}
		writeJSON(t, path(name), features...)
	}
	plain := func(lon float64) float64 { return lon }
	write("plain.geojson", plain, 0)
	write("to360.geojson", func(lon float64) float64 { return lon + 360*float64(map[bool]int{true: 1}[lon < 0]) }, 0)
	write("half.geojson", plain, 0.5)
	write("half360.geojson", func(lon float64) float64 { return lon + 360*float64(map[bool]int{true: 1}[lon < 0]) }, 0.5)
	for _, region := range []string{"Greenwich", "180 degrees"} {
		b := regionsAround[region]
		for scheme, gs := range gridsAround {
			g := mustGrid(t, gs)
			cells := around(t, g, b[0], b[1], b[2], b[3])
			for _, pair := range [][2]string{{"plain.geojson", "to360.geojson"}, {"half.geojson", "half360.geojson"}} {
				spec := Spec{Path: path(pair[0]), Units: "tCO2", Attribute: "amount"}
				want := mustLoad(t, spec, g, cells)
				spec.Path = path(pair[1])
				sameResult(t, region+", "+scheme+", "+pair[1], mustLoad(t, spec, g, cells), want, 1e-7)
				if want.Report.InRegion == 0 || want.Report.Unplaced > 0 {
					t.Errorf("%s, %s: %+v", region, scheme, want.Report)
				}
			}
		}
	}
}

// TestTurnsOfProjectedGrids: a grid of a CRS that spans 180 degrees, and one at
// Greenwich, under rasters cut at either.
func TestTurnsOfProjectedGrids(t *testing.T) {
	path := inDir(t)
	for _, west := range []float64{-180, 0} {
		s := raster.Spec{Width: 720, Height: 360, DType: raster.Float64, CRS: mustCRS(t, "EPSG:4326"), GeoTransform: raster.North(west, 90, 0.5, 0.5)}
		writeTIFF(t, path(fmt.Sprint(west)), s, func(_, c, r int) float64 { return field(west+0.5*float64(c)+0.25, 90-0.5*float64(r)-0.25) })
	}
	for epsg, b := range map[int][4]float64{32631: {-0.7, 50.1, 0.7, 51}, 3460: {179.4, -18, -179.4, -17}} {
		g := mustGrid(t, grid.Spec{Scheme: grid.Projected, EPSG: epsg, CellMetres: 15000})
		cells := around(t, g, b[0], b[1], b[2], b[3])
		want := mustLoad(t, Spec{Path: path("-180"), Units: "tCO2"}, g, cells)
		// The curves of pixel edges are followed a little differently in two windows.
		sameResult(t, fmt.Sprint("EPSG:", epsg), mustLoad(t, Spec{Path: path("0"), Units: "tCO2"}, g, cells), want, 1e-5)
		if want.Report.EmptyCells > 0 || len(cells) < 20 {
			t.Errorf("EPSG:%d: %d of %d cells without a source", epsg, want.Report.EmptyCells, len(cells))
		}
	}
}

// A web map that goes on beyond 180 degrees.
func TestTurnsOfWebMaps(t *testing.T) {
	path := inDir(t)
	const half = math.Pi * 6378137
	s := raster.Spec{Width: 40, Height: 40, DType: raster.Float64, CRS: mustCRS(t, "EPSG:3857"), GeoTransform: raster.North(half-200_000, -1_900_000, 10_000, 10_000)}
	value := func(_, c, r int) float64 { return float64(c*r + 1) }
	writeTIFF(t, path("beyond.tif"), s, value)
	s.GeoTransform[0] -= 2 * half
	writeTIFF(t, path("before.tif"), s, value)
	for scheme, gs := range gridsAround {
		g := mustGrid(t, gs)
		cells := around(t, g, 178.5, -18.5, -178.5, -17.5)
		want := mustLoad(t, Spec{Path: path("beyond.tif"), Units: "tCO2"}, g, cells)
		sameResult(t, scheme, mustLoad(t, Spec{Path: path("before.tif"), Units: "tCO2"}, g, cells), want, 1e-7)
		if want.Report.EmptyCells > 0 {
			t.Errorf("%s: %d of %d cells without a source", scheme, want.Report.EmptyCells, len(cells))
		}
	}
}
