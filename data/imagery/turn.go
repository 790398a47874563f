package imagery

import (
	"context"
	"math"

	"opencarbon/data/raster"
)

// turns brings a cell's points to where the mosaic has them. Longitudes (and x of
// the web-mercator map) lead to the same place again after one turn round the
// earth: a mosaic may count from 0 to 360, or go on beyond 180, where a projection
// gives numbers from -180 to 180 and cuts what lies across.
//
// x are points of one cell in the mosaic's CRS; they come back in one piece, near
// the first that is a number (ref). The result is what has to be added to them so
// that they lie in the mosaic: nothing where they do not, two numbers where the
// mosaic's edges meet in the cell.
func (m *Mosaic) turns(x []float64) (ref float64, add []float64) {
	ref = math.NaN()
	low, high := math.Inf(1), math.Inf(-1)
	for i := range x {
		if math.IsNaN(x[i]) {
			continue
		}
		if math.IsNaN(ref) {
			ref = x[i]
		}
		x[i] = unwrap(x[i], ref, m.period)
		low, high = math.Min(low, x[i]), math.Max(high, x[i])
	}
	best := -1.0
	for k := -2.0; k <= 2; k++ {
		shift := k * m.period
		common := math.Min(high+shift, m.east) - math.Max(low+shift, m.west)
		if !(common > 0) {
			continue
		}
		if common > best { // the larger part first
			best, add = common, append([]float64{shift}, add...)
		} else {
			add = append(add, shift)
		}
	}
	return ref, add
}

// closes sets the mosaic's period, 0 where there is none to speak of: the mosaic
// is turned, or its CRS is one of a part of the earth.
func (m *Mosaic) closes() {
	m.west, _, m.east, _ = m.Bounds()
	if m.geotransform[2] == 0 && m.geotransform[4] == 0 {
		m.period = m.crs.Period()
	}
}

// unwrap brings x to within half a period of ref.
func unwrap(x, ref, period float64) float64 {
	if math.Abs(x-ref) > period/2 {
		return x - period*math.Round((x-ref)/period)
	}
	return x
}

// outline is nine points of a rectangle: corners, edge middles, and the middle.
func outline(x, y []float64, west, south, east, north float64) ([]float64, []float64) {
	for i := range outlinePoints {
		x = append(x, west+(east-west)*float64(i%3)/2)
		y = append(y, south+(north-south)*float64(i/3)/2)
	}
	return x, y
}

const outlinePoints = 9

// turned renders a cell's frame as picture does, wherever the mosaic has it.
func (w *worker) turned(ctx context.Context, f raster.Frame, n *Normalization) (valid int, err error) {
	if w.m.period == 0 {
		return w.picture(ctx, f, n)
	}
	defer func() { w.turn, w.ref = 0, math.NaN() }()
	x, y := outline(nil, nil, f.West, f.South, f.East, f.North)
	if w.transform != nil {
		_ = w.transform.Points(x, y) // points without an image become NaN
	}
	var add []float64
	w.ref, add = w.m.turns(x)
	if len(add) == 0 {
		w.turn = 0
		return w.picture(ctx, f, n)
	}
	w.turn = add[0]
	if len(add) == 1 {
		return w.picture(ctx, f, n)
	}
	// The mosaic's edges meet in the cell: each part from its own side.
	area := f.Cols * f.Rows
	w.fit(area, n)
	if valid, err = w.render(ctx, f, w.bands, w.mask); err != nil {
		return 0, err
	}
	values, ok := make([]float32, len(w.bands)), make([]uint8, area)
	for _, w.turn = range add[1:] {
		if _, err := w.render(ctx, f, values, ok); err != nil {
			return 0, err
		}
		for i := range area {
			if ok[i] != 0 && w.mask[i] == 0 {
				w.mask[i] = 1
				valid++
				for b := range w.m.read {
					w.bands[b*area+i] = values[b*area+i]
				}
			}
		}
	}
	w.bytes(n, valid)
	return valid, nil
}
