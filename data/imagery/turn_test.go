package imagery

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// The pictures of a region are the same whatever meridian the mosaic begins at:
// in longitudes from -180, from 0, beyond 180, and in web-mercator x that goes on.
func TestTurns(t *testing.T) {
	const perDegree = 40 // pixels
	// The value of a pixel follows from its longitude on the globe and its row alone.
	value := func(b int, lon float64, row int) float64 {
		k := int(math.Floor(math.Mod(lon+720, 360)*perDegree + 0.5))
		return float64(10 + (k*7+row*13+b*31)%241)
	}
	mosaic := func(west, degrees float64) string {
		s := raster.Spec{Width: int(degrees * perDegree), Height: 2 * perDegree, Bands: 3, DType: raster.Byte, CRS: crsOf(t, "EPSG:4326"),
			GeoTransform: raster.North(west, 1, 1./perDegree, 1./perDegree)}
		return made(t, s, func(b, x, y int) float64 { return value(b, west+float64(x)/perDegree, y) })
	}
	degrees, err := grid.New(grid.Spec{Scheme: grid.Degrees, CellDegrees: 0.8})
	if err != nil {
		t.Fatal(err)
	}
	utm, err := grid.New(grid.Spec{Scheme: grid.Projected, EPSG: 32601, CellMetres: 90000}) // 180 degrees is its western edge
	if err != nil {
		t.Fatal(err)
	}
	around := func(g *grid.Grid, lons ...float64) (cells []grid.Cell) {
		to, err := raster.NewTransform(grid.WGS84(), g.CRS())
		if err != nil {
			t.Fatal(err)
		}
		defer to.Close()
		for _, lon := range lons {
			x, y := []float64{lon}, []float64{0.1}
			if err := to.Points(x, y); err != nil {
				t.Fatal(err)
			}
			cells = append(cells, g.At(x[0], y[0]))
		}
		return cells
	}
	spec := func(path string) Spec { return Spec{Path: path, Size: 32, Resampling: "near", MinCoverage: 0.2} }
	for _, c := range []struct {
		name  string
		g     *grid.Grid
		cells []grid.Cell
		whole string   // a mosaic in which no cell is cut
		other []string // the same pixels, cut elsewhere
	}{
		{"astride Greenwich", degrees, around(degrees, -0.9, -0.1, 0.1, 0.9), mosaic(-3, 6), []string{mosaic(0, 360), mosaic(-180, 360), mosaic(357, 6)}},
		{"west of Greenwich", degrees, around(degrees, -0.9, -2), mosaic(-3, 6), []string{mosaic(0, 360), mosaic(355, 5)}},
		{"over the antimeridian", degrees, around(degrees, 178.5, 179.9, -179.9, -178.5), mosaic(177, 6), []string{mosaic(-180, 360), mosaic(0, 360), mosaic(-183, 6)}},
		{"a projected grid over it", utm, around(utm, 179.2, 179.9, -179.9, -179.2), mosaic(177, 6), []string{mosaic(-180, 360), mosaic(0, 360), mosaic(-183, 6)}},
	} {
		want, r, _ := warped(t, spec(c.whole), c.g, c.cells, 1)
		if slices.Contains(r.Kept, false) {
			t.Fatalf("%s: %v", c.name, r.Coverage)
		}
		for i, path := range c.other {
			t.Run(fmt.Sprint(c.name, i), func(t *testing.T) {
				got, r, _ := warped(t, spec(path), c.g, c.cells, 2)
				differ := 0
				for k := range want {
					if want[k] != got[k] {
						differ++
					}
				}
				// A position within rounding of a pixel's edge may fall to either side.
				if slices.Contains(r.Kept, false) || differ > len(want)/500 {
					t.Errorf("%d of %d bytes differ, coverage %v", differ, len(want), r.Coverage)
				}
			})
		}
	}
}

// Web-mercator mosaics that go on beyond the edge of the map.
func TestTurnsOfWebMercator(t *testing.T) {
	const half = 20037508.342789244
	g := webGrid(t)
	zoom := g.Spec().Zoom
	n := int64(1) << zoom
	cells := []grid.Cell{{Col: n - 1, Row: n / 2}, {Col: 0, Row: n / 2}}
	_, south, _, north := g.Bounds(cells[0])
	size := north - south
	mosaic := func(west float64) string {
		s := raster.Spec{Width: 128, Height: 32, Bands: 3, DType: raster.Byte, CRS: crsOf(t, "EPSG:3857"), GeoTransform: raster.North(west, north, size/32, size/32)}
		return made(t, s, texture)
	}
	east, _, _ := warped(t, Spec{Path: mosaic(half - 2*size), Size: 32, Resampling: "near"}, g, cells, 1)
	west, r, _ := warped(t, Spec{Path: mosaic(-half - 2*size), Size: 32, Resampling: "near"}, g, cells, 1)
	if !slices.Equal(east, west) || slices.Contains(r.Kept, false) {
		t.Errorf("coverage %v", r.Coverage)
	}
	for k, c := range []int{32, 64} { // columns of the mosaic under the cells
		if got, want := east[k*3*32*32], texture(0, c, 0); float64(got) != want {
			t.Errorf("cell %d begins with %v, want %v", k, got, want)
		}
	}
}
