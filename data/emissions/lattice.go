package emissions

import (
	"math"
	"slices"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// lattice places the corners of pixels into cell units.
type lattice struct {
	src  *rasterSource
	g    *grid.Grid
	t    *raster.Transform
	n    int // pieces of each pixel edge
	x, y []float64
	// period is the columns of a turn round the earth, 0 where the way to the
	// grid does not cut at 180 degrees.
	period float64
}

// point returns the place of a fractional pixel position in the source's CRS.
func (l *lattice) point(col, row float64) (x, y float64) {
	g := &l.src.gt
	return g[0] + col*g[1] + row*g[2], g[3] + col*g[4] + row*g[5]
}

// line appends the points from (col, row) in steps of (dc, dr), count of them.
func (l *lattice) line(col, row, dc, dr float64, count int) {
	for i := range count {
		x, y := l.point(col+float64(i)*dc, row+float64(i)*dr)
		l.x, l.y = append(l.x, x), append(l.y, y)
	}
}

// flush carries the collected points into cell units. Points without a place
// become NaN, and so do their pixels.
func (l *lattice) flush() {
	_ = l.t.Points(l.x, l.y)
	for i := range l.x {
		l.x[i], l.y[i] = l.g.Units(l.x[i], l.y[i])
	}
}

// choosePieces finds how finely pixel edges have to be followed in a window so
// that they stray less than curveTolerance cells: the bend of an edge shrinks
// with the square of its length.
func (l *lattice) choosePieces(x0, y0, w, h int) {
	worst := 0.0
	for _, fx := range []float64{0, 0.5, 1} {
		for _, fy := range []float64{0, 0.5, 1} {
			col, row := math.Floor(float64(x0)+fx*float64(w-1)), math.Floor(float64(y0)+fy*float64(h-1))
			l.x, l.y = l.x[:0], l.y[:0]
			l.line(col, row, 0.5, 0, 3)
			l.line(col, row, 0, 0.5, 3)
			l.flush()
			for k := 0; k < 6; k += 3 {
				l.x[k+1], l.x[k+2] = l.unwrap(l.x[k+1], l.x[k]), l.unwrap(l.x[k+2], l.x[k])
				// Distance of the middle from the chord; a shift along the chord
				// changes no outline.
				dx, dy := l.x[k+2]-l.x[k], l.y[k+2]-l.y[k]
				bend := math.Abs(dx*(l.y[k+1]-l.y[k])-dy*(l.x[k+1]-l.x[k])) / math.Hypot(dx, dy)
				if !math.IsNaN(bend) {
					worst = math.Max(worst, bend)
				}
			}
		}
	}
	l.n = int(math.Min(math.Max(1, math.Ceil(math.Sqrt(worst/curveTolerance))), 256))
}

// unwrap brings a column to within half a turn round the earth of another: what
// crosses 180 degrees on the way from one CRS to the other is cut there.
func (l *lattice) unwrap(u, ref float64) float64 {
	if l.period == 0 || !(math.Abs(u-ref) > l.period/2) {
		return u
	}
	return u - l.period*math.Round((u-ref)/l.period)
}

// window is a block of source pixels.
type window struct{ left, top, right, bottom int }

// windows returns the blocks of source pixels that can touch the target's cells,
// no two of which share a pixel: one mostly, two where the source is cut at
// another meridian than the grid.
func (l *lattice) windows(t *target) ([]window, error) {
	back, err := raster.NewTransform(l.g.CRS(), l.src.crs)
	if err != nil {
		return nil, err
	}
	defer back.Close()
	const n = 32
	var x, y []float64
	for i := range n + 1 {
		for j := range n + 1 {
			px, py := l.g.FromUnits(
				float64(t.lo.Col)+float64(t.width)*float64(i)/n,
				float64(t.lo.Row)+float64(t.hi.Row-t.lo.Row+1)*float64(j)/n)
			x, y = append(x, px), append(y, py)
		}
	}
	if e := back.Points(x, y); e != nil && allNaN(x) {
		return nil, e
	}
	var list []window
	period := l.src.crs.Period()
	for turn := -2.0; turn <= 2; turn++ {
		if w, ok := l.src.reach(x, y, turn*period); ok {
			list = append(list, w)
		}
		if period == 0 {
			break
		}
	}
	slices.SortFunc(list, func(a, b window) int { return a.left - b.left })
	turned := l.src.gt[2] != 0 || l.src.gt[4] != 0
	var apart []window
	for _, w := range list {
		last := len(apart) - 1
		if last < 0 || !turned && w.left > apart[last].right {
			apart = append(apart, w)
			continue
		}
		p := &apart[last]
		p.top, p.bottom, p.right = min(p.top, w.top), max(p.bottom, w.bottom), max(p.right, w.right)
	}
	return apart, nil
}

// reach returns the pixels under points of the source's CRS, moved by turn in x;
// ok is false where none is.
func (src *rasterSource) reach(x, y []float64, turn float64) (w window, ok bool) {
	gt := src.gt
	det := gt[1]*gt[5] - gt[2]*gt[4]
	c0, r0, c1, r1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for i := range x {
		if math.IsNaN(x[i]) || math.IsNaN(y[i]) {
			continue
		}
		dx, dy := x[i]+turn-gt[0], y[i]-gt[3]
		c, r := (dx*gt[5]-dy*gt[2])/det, (dy*gt[1]-dx*gt[4])/det
		c0, c1 = math.Min(c0, c), math.Max(c1, c)
		r0, r1 = math.Min(r0, r), math.Max(r1, r)
	}
	// The outline may bulge between the sampled points: 1% and two pixels.
	pc, pr := (c1-c0)*0.01+2, (r1-r0)*0.01+2
	if !(c1 > 0 && r1 > 0 && c0 < float64(src.width) && r0 < float64(src.height)) {
		return w, false
	}
	w.left, w.top = int(math.Max(0, math.Floor(c0-pc))), int(math.Max(0, math.Floor(r0-pr)))
	w.right = int(math.Min(float64(src.width), math.Ceil(c1+pc)))
	w.bottom = int(math.Min(float64(src.height), math.Ceil(r1+pr)))
	return w, true
}

func allNaN(x []float64) bool {
	for _, v := range x {
		if !math.IsNaN(v) {
			return false
		}
	}
	return true
}
