package emissions

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// A raster of 300 m pixels on cells of 1 km, aslant to none: what each cell shares
// with each pixel is a rectangle, and the numbers are those of a sum by hand.
func TestNumbersByHand(t *testing.T) {
	const n, edge, x0, y0 = 14, 300.0, 529870.0, 184130.0 // upper left corner
	value := func(col, row int) float64 { return float64((col*7+row*13)%11) - 3 }
	gap := func(col, row int) bool { return col == 4 && row == 5 || row >= 12 }
	path := filepath.Join(t.TempDir(), "heights.tif")
	none := -999.0
	writeTIFF(t, path, raster.Spec{Width: n, Height: n, Bands: 2, DType: raster.Float32, CRS: mustCRS(t, "EPSG:27700"), Nodata: &none,
		GeoTransform: raster.North(x0, y0, edge, edge)}, func(band, col, row int) float64 {
		switch {
		case band == 1:
			return 1e6
		case gap(col, row):
			return none
		}
		return value(col, row)
	})
	g := mustGrid(t, grid.Spec{Scheme: "projected", EPSG: 27700, CellMetres: 1000})
	var cells []grid.Cell
	u, v := g.Units(530000, 184000)
	for row := range int64(6) { // the last ones lie below the raster
		for col := range int64(3) {
			cells = append(cells, grid.Cell{Col: int64(math.Round(u)) + col, Row: int64(math.Round(v)) + row})
		}
	}
	overlap := func(a0, a1, b0, b1 float64) float64 { return max(0, min(a1, b1)-max(a0, b0)) }
	for _, how := range Hows {
		got, coverage, err := Numbers(context.Background(), NumberSpec{Path: path, Band: 2, How: how}, g, cells, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range cells {
			west, north := 530000+1000*float64(i%3), 184000-1000*float64(i/3)
			area, sum, mass, square, most := 0.0, 0.0, 0.0, 0.0, math.Inf(-1)
			for row := range n {
				for col := range n {
					w := overlap(west, west+1000, x0+edge*float64(col), x0+edge*float64(col+1)) * overlap(-north, -north+1000, -y0+edge*float64(row), -y0+edge*float64(row+1))
					if gap(col, row) || w <= 0 {
						continue
					}
					x := value(col, row)
					area, sum, mass, square, most = area+w, sum+w*x, mass+x*w/edge/edge, square+w*x*x, max(most, x)
				}
			}
			mean := sum / area
			want := map[string]float64{"mean": mean, "sum": mass, "max": most, "sd": math.Sqrt(square/area - mean*mean)}[how]
			if area == 0 {
				if !math.IsNaN(got[i]) || coverage[i] != 0 {
					t.Errorf("%s of cell %d, where there is nothing: %g, covered %g", how, i, got[i], coverage[i])
				}
				continue
			}
			if math.Abs(got[i]-want) > 1e-3 || math.Abs(coverage[i]-area/1e6) > 1e-3 { // ground is measured on the ellipsoid
				t.Errorf("%s of cell %d: %g, covered %g; by hand %g, %g", how, i, got[i], coverage[i], want, area/1e6)
			}
		}
	}
}

// Where pixels are the cells, rounding at shared edges must not carry a large value
// into the cell beside it.
func TestNumbersMaxOnSharedEdges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "max.tif")
	writeTIFF(t, path, raster.Spec{Width: 5, Height: 1, CRS: mustCRS(t, "EPSG:4326"), GeoTransform: raster.North(10, 50, 1.0/120+1e-13, 1.0/120)},
		func(_, col, _ int) float64 { return []float64{1, 9, 2, 7, 3}[col] })
	g := mustGrid(t, grid.Spec{Scheme: "degrees", CellDegrees: 1.0 / 120})
	u, v := g.Units(10+1.0/240, 50-1.0/240)
	var cells []grid.Cell
	for i := range int64(5) {
		cells = append(cells, grid.Cell{Col: int64(math.Floor(u)) + i, Row: int64(math.Floor(v))})
	}
	got, _, err := Numbers(context.Background(), NumberSpec{Path: path, Band: 1, How: "max"}, g, cells, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{1, 9, 2, 7, 3} {
		if got[i] != want {
			t.Errorf("cell %d: %g, want %g", i, got[i], want)
		}
	}
}

func TestNumbersFaults(t *testing.T) {
	path := filepath.Join(t.TempDir(), "box.tif")
	writeTIFF(t, path, box(t), func(int, int, int) float64 { return 1 })
	g := mustGrid(t, grid.Spec{Scheme: "xyz", Zoom: 15})
	near, far := mustCells(t, g, aroundBox), mustCells(t, g, grid.BBox{West: 20, South: 49, East: 20.05, North: 49.05})
	for _, c := range []struct {
		name  string
		spec  NumberSpec
		cells []grid.Cell
		words string
	}{
		{"no such file", NumberSpec{Path: path + "x", Band: 1, How: "mean"}, near, "box.tifx"},
		{"no such band", NumberSpec{Path: path, Band: 2, How: "mean"}, near, "band"},
		{"unknown way", NumberSpec{Path: path, Band: 1, How: "median"}, near, "median"},
		{"elsewhere", NumberSpec{Path: path, Band: 1, How: "sum"}, far, "the raster does not overlap the region"},
	} {
		_, _, err := Numbers(context.Background(), c.spec, g, c.cells, nil)
		if !fault.IsInput(err) || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
