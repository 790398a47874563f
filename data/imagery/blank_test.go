package imagery

import (
	"testing"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// A gap that nothing declares is counted: pixels that hold one number, a usual
// filling, in all bands. What is declared is no pixel, and dark ones are no gap.
func TestUndeclaredNodata(t *testing.T) {
	zero := 0.0
	gap := func(b, x, y int) float64 { // the eastern half of the eastern cell
		if x >= 48 {
			return 0
		}
		return texture(b, x, y)
	}
	for _, c := range []struct {
		name   string
		nodata *float64
		key    *float64
		dtype  raster.DType
		at     func(b, x, y int) float64
		value  float64
		cells  int
		pixels int64
	}{
		{"black beyond the edge", nil, nil, raster.Byte, gap, 0, 1, 512},
		{"declared in the file", &zero, nil, raster.Byte, gap, 0, 0, 0},
		{"declared in the configuration", nil, &zero, raster.Byte, gap, 0, 0, 0},
		{"zero in two bands", nil, nil, raster.Byte, func(b, x, y int) float64 {
			if b < 2 {
				return 0
			}
			return texture(b, x, y)
		}, 0, 0, 0},
		{"a few pixels", nil, nil, raster.Byte, func(b, x, y int) float64 {
			if x == 40 {
				return 0
			}
			return texture(b, x, y)
		}, 0, 0, 32},
		{"-9999", nil, nil, raster.Int16, func(b, x, y int) float64 {
			if x < 32 {
				return -9999
			}
			return texture(b, x, y)
		}, -9999, 1, 1024},
	} {
		s := covering(t, 64, 32)
		s.Nodata, s.DType = c.nodata, c.dtype
		_, r, _ := warped(t, Spec{Path: made(t, s, c.at), Size: 32, Resampling: "near", Nodata: c.key, MinCoverage: 0.1}, metreGrid(t), []grid.Cell{here, beside}, 2)
		if b := r.Blank; b.Cells != c.cells || b.Pixels != c.pixels || b.Value != c.value {
			t.Errorf("%s: %+v", c.name, b)
		}
	}
}
