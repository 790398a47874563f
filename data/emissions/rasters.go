package emissions

import (
	"context"
	"math"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// rasterSource is a stack of rasters on one pixel grid whose bands are summed.
type rasterSource struct {
	s      *Spec
	sets   []*raster.Dataset
	gt     [6]float64
	width  int
	height int
	crs    *raster.CRS
}

// openRasters opens all files and checks that they lie on the same pixels.
func openRasters(s *Spec, files []string) (*rasterSource, error) {
	src := &rasterSource{s: s}
	for _, f := range files {
		d, err := raster.Open(f, raster.Options{CRS: s.CRS, Nodata: s.Nodata})
		if err != nil {
			src.close()
			return nil, err
		}
		src.sets = append(src.sets, d)
		if err := src.admit(d); err != nil {
			src.close()
			return nil, err
		}
	}
	first := src.sets[0]
	src.gt, _ = first.GeoTransform()
	src.width, src.height, src.crs = first.Width(), first.Height(), first.CRS()
	return src, nil
}

// admit checks one file of the stack.
func (src *rasterSource) admit(d *raster.Dataset) error {
	if err := d.Georeferenced(); err != nil {
		return err
	}
	for _, b := range src.s.Bands {
		if _, err := d.Band(b); err != nil {
			return err
		}
	}
	first := src.sets[0]
	a, _ := first.GeoTransform()
	b, _ := d.GeoTransform()
	same := first.Width() == d.Width() && first.Height() == d.Height() && first.CRS().Same(d.CRS())
	for i := range a {
		scale := math.Abs(a[1]) + math.Abs(a[2])
		same = same && math.Abs(a[i]-b[i]) <= 1e-6*scale
	}
	if !same {
		return fault.New(d.Path(), "its pixels do not lie on those of "+first.Path(), "files that are summed must share size, CRS and geotransform; warp one to the other with gdalwarp")
	}
	return nil
}

func (src *rasterSource) close() {
	for _, d := range src.sets {
		d.Close()
	}
}

// lattice places the corners of pixels into cell units.
type lattice struct {
	src  *rasterSource
	g    *grid.Grid
	t    *raster.Transform
	n    int     // pieces of each pixel edge
	turn float64 // degrees added to x: rasters from 0 to 360 degrees
	x, y []float64
}

// point returns the place of a fractional pixel position in the source's CRS.
func (l *lattice) point(col, row float64) (x, y float64) {
	g := &l.src.gt
	return g[0] + col*g[1] + row*g[2] + l.turn, g[3] + col*g[4] + row*g[5]
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
				bend := math.Hypot(l.x[k+1]-(l.x[k]+l.x[k+2])/2, l.y[k+1]-(l.y[k]+l.y[k+2])/2)
				if !math.IsNaN(bend) {
					worst = math.Max(worst, bend)
				}
			}
		}
	}
	l.n = int(math.Min(math.Max(1, math.Ceil(math.Sqrt(worst/curveTolerance))), 256))
}

// window returns the block of source pixels that can touch the target's cells;
// ok is false where there is none.
func (l *lattice) window(t *target) (x0, y0, w, h int, ok bool, err error) {
	back, err := raster.NewTransform(l.g.CRS(), l.src.crs)
	if err != nil {
		return 0, 0, 0, 0, false, err
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
		return 0, 0, 0, 0, false, e
	}
	gt := l.src.gt
	det := gt[1]*gt[5] - gt[2]*gt[4]
	for _, turn := range l.turns() {
		c0, r0, c1, r1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
		for i := range x {
			if math.IsNaN(x[i]) || math.IsNaN(y[i]) {
				continue
			}
			dx, dy := x[i]-turn-gt[0], y[i]-gt[3]
			c, r := (dx*gt[5]-dy*gt[2])/det, (dy*gt[1]-dx*gt[4])/det
			c0, c1 = math.Min(c0, c), math.Max(c1, c)
			r0, r1 = math.Min(r0, r), math.Max(r1, r)
		}
		// The outline may bulge between the sampled points: 1% and two pixels.
		pc, pr := (c1-c0)*0.01+2, (r1-r0)*0.01+2
		if c1 <= 0 || r1 <= 0 || c0 >= float64(l.src.width) || r0 >= float64(l.src.height) {
			continue
		}
		left, top := int(math.Max(0, math.Floor(c0-pc))), int(math.Max(0, math.Floor(r0-pr)))
		right := int(math.Min(float64(l.src.width), math.Ceil(c1+pc)))
		bottom := int(math.Min(float64(l.src.height), math.Ceil(r1+pr)))
		l.turn = turn
		return left, top, right - left, bottom - top, true, nil
	}
	return 0, 0, 0, 0, false, nil
}

// turns are the whole circles by which a geographic raster may be shifted.
func (l *lattice) turns() []float64 {
	if l.src.crs.Geographic() {
		return []float64{0, -360, 360}
	}
	return []float64{0}
}

func allNaN(x []float64) bool {
	for _, v := range x {
		if !math.IsNaN(v) {
			return false
		}
	}
	return true
}

// stripPoints bounds the lattice points held at once (16 bytes each).
const stripPoints = 1 << 19

// loadRasters spreads a stack of rasters, a strip of rows at a time, and only
// the window that the region needs.
func loadRasters(ctx context.Context, s *Spec, files []string, t *target, r *Report, progress Progress) error {
	year, err := yearOf(s, files, len(s.Bands))
	if err != nil {
		return err
	}
	r.YearFactor, r.MissingMonths = year.factor, year.missing
	src, err := openRasters(s, files)
	if err != nil {
		return err
	}
	defer src.close()
	tr, err := raster.NewTransform(src.crs, t.g.CRS())
	if err != nil {
		return err
	}
	defer tr.Close()
	l := &lattice{src: src, g: t.g, t: tr}
	x0, y0, w, h, ok, err := l.window(t)
	if err != nil {
		return err
	}
	if !ok {
		a, b, c, d, _ := raster.Geometry{Polygons: []raster.Polygon{src.sets[0].Outline(1)}}.Bounds()
		return t.noOverlap(files[0], [4]float64{a, b, c, d}, src.crs)
	}
	l.choosePieces(x0, y0, w, h)
	factor := unitFactors[s.Units] * year.factor
	if s.Per != "cell" {
		factor *= s.areaFactor()
	}
	perRow := w * l.n
	if l.n > 1 {
		perRow += (w + 1) * (l.n - 1)
	}
	rows := max(1, min(h, stripPoints/(perRow+1)))
	b := &strip{src: src, t: t, r: r, l: l, factor: factor, x0: x0, w: w}
	for top := y0; top < y0+h; top += rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(rows, y0+h-top)
		if err := b.read(top, n); err != nil {
			return err
		}
		b.spread(ctx, top, n)
		progress(float64(top+n-y0) / float64(h))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.touched == 0 {
		a, b, c, d, _ := raster.Geometry{Polygons: []raster.Polygon{src.sets[0].Outline(1)}}.Bounds()
		return t.noOverlap(files[0], [4]float64{a, b, c, d}, src.crs)
	}
	return nil
}

// strip is some rows of the source window.
type strip struct {
	src     *rasterSource
	t       *target
	r       *Report
	l       *lattice
	factor  float64
	x0, w   int
	raw     []float64
	sum     []float64 // of the valid numbers of a pixel
	valid   []int32   // how many of them
	touched int
	ring    ring
}

// read sums the bands of all files over n rows from top.
func (b *strip) read(top, n int) error {
	size := b.w * n
	if cap(b.raw) < size {
		b.raw, b.sum, b.valid = make([]float64, size), make([]float64, size), make([]int32, size)
	}
	b.raw, b.sum, b.valid = b.raw[:size], b.sum[:size], b.valid[:size]
	clear(b.sum)
	clear(b.valid)
	for _, d := range b.src.sets {
		for _, band := range b.src.s.Bands {
			if err := d.Read(band, b.x0, top, b.w, n, b.raw); err != nil {
				return err
			}
			info, err := d.Band(band)
			if err != nil {
				return err
			}
			for i, v := range b.raw {
				if d.IsNodata(band, v) || math.IsInf(v, 0) {
					continue
				}
				v = v*info.Scale + info.Offset
				if v < 0 {
					b.r.Negative++
					b.r.NegativeSum += v * b.factor
					continue
				}
				b.sum[i] += v
				b.valid[i]++
			}
		}
	}
	return nil
}

// spread gives the pixels' amounts to the cells.
func (b *strip) spread(ctx context.Context, top, n int) {
	l, w := b.l, b.w
	across, down := w*l.n+1, l.n-1
	l.x, l.y = l.x[:0], l.y[:0]
	step := 1 / float64(l.n)
	for j := range n + 1 {
		l.line(float64(b.x0), float64(top+j), step, 0, across)
	}
	sides := len(l.x) // from here on: inner points of the vertical edges
	for j := range n {
		for i := range w + 1 {
			if down > 0 {
				l.line(float64(b.x0+i), float64(top+j)+step, 0, step, down)
			}
		}
	}
	l.flush()
	parts := int32(len(b.src.sets) * len(b.src.s.Bands))
	for j := range n {
		if ctx.Err() != nil {
			return
		}
		for i := range w {
			ring := b.pixel(i, j, across, down, sides)
			b.give(ring, b.sum[j*w+i], b.valid[j*w+i], parts)
		}
	}
}

// pixel gathers the outline of pixel (i, j) of the strip.
func (b *strip) pixel(i, j, across, down, sides int) ring {
	l := b.l
	r := b.ring[:0]
	at := func(k int) { r = append(r, [2]float64{l.x[k], l.y[k]}) }
	upper, lower := j*across+i*l.n, (j+1)*across+i*l.n
	left, right := sides+(j*(b.w+1)+i)*down, sides+(j*(b.w+1)+i+1)*down
	for k := range l.n + 1 {
		at(upper + k)
	}
	for k := range down {
		at(right + k)
	}
	for k := l.n; k >= 0; k-- {
		at(lower + k)
	}
	for k := down - 1; k >= 0; k-- {
		at(left + k)
	}
	at(upper)
	b.ring = r
	return r
}

// give distributes one pixel.
func (b *strip) give(r ring, sum float64, valid, parts int32) {
	u0, v0, u1, v1, ok := bounds(r)
	if ok && !b.t.reaches(u0, v0, u1, v1) {
		return
	}
	b.r.Elements++
	if valid == 0 {
		if ok {
			b.touched++ // it lies in the region, only without a value
		}
		b.r.Nodata++
		return
	}
	if valid < parts {
		b.r.Partial++
	}
	amount := sum * b.factor
	if !ok {
		b.r.Unplaced++
		b.r.UnplacedMass += amount
		return
	}
	b.touched++
	area := b.t.cut(r, false)
	mass := amount
	if b.src.s.Per != "cell" || b.src.s.proxy() {
		mass = amount * area
	}
	if !(area > 0) {
		b.t.pieces = b.t.pieces[:0]
		b.r.Unplaced++
		b.r.UnplacedMass += mass
		return
	}
	b.r.Valid++
	if mass == 0 {
		b.r.Zero++
	}
	b.r.SourceTotal += mass
	b.r.InRegion += b.t.give(mass, area)
}
